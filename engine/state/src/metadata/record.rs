//! Records of the metadata log, owned, of the kinds this version writes and applies. Kafka's names
//! and meanings; how they lie on disk is in [`super::codec`].

use super::image::{BrokerImage, ConfigResource, PartitionImage};
use engine_base::Uuid;
use std::sync::Arc;

#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    RegisterBroker(BrokerImage),
    Topic {
        name: Arc<str>,
        id: Uuid,
    },
    Partition {
        topic: Uuid,
        partition: PartitionImage,
    },
    /// No value takes the config away.
    Config {
        resource: ConfigResource,
        name: String,
        value: Option<String>,
    },
    PartitionChange(PartitionChange),
    RemoveTopic {
        id: Uuid,
    },
    /// Level 0 takes the feature away.
    FeatureLevel {
        name: String,
        level: i16,
    },
    /// `next` is the first id after the block that this gives to the broker.
    ProducerIds {
        broker_id: i32,
        broker_epoch: i64,
        next: i64,
    },
    BrokerChange(BrokerChange),
    NoOp,
}

/// What changes in a partition; `None` stays as it is. The partition epoch goes up with each, the
/// leader epoch with each that names a leader, be it the same.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PartitionChange {
    pub topic: Uuid,
    pub partition: i32,
    pub leader: Option<i32>,
    pub isr: Option<Vec<i32>>,
    pub replicas: Option<Vec<i32>>,
    pub removing_replicas: Option<Vec<i32>>,
    pub adding_replicas: Option<Vec<i32>>,
    pub recovering: Option<bool>,
    pub directories: Option<Vec<Uuid>>,
    pub eligible_leader_replicas: Option<Vec<i32>>,
    pub last_known_elr: Option<Vec<i32>>,
}

/// What changes in a registered broker; `None` stays as it is.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BrokerChange {
    pub id: i32,
    pub epoch: i64,
    pub fenced: Option<bool>,
    /// There is no way back but a new registration.
    pub enters_controlled_shutdown: bool,
    pub log_dirs: Option<Vec<Uuid>>,
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}
