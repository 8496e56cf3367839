//! What the metadata log amounts to at one offset. Immutable once handed out: shard 0 changes a
//! copy, which shares all that stays the same, and gives that out whole.

use super::map::Map;
use crate::config::{BrokerLayers, ConfigMap, Layers};
use engine_base::Uuid;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A partition without a leader has this instead.
pub const NO_LEADER: i32 = -1;
/// Topics that Kafka itself writes (`Topic.isInternal`).
pub const INTERNAL_TOPICS: [&str; 3] =
    ["__consumer_offsets", "__share_group_state", "__transaction_state"];

/// The directory of a replica that has none assigned yet (`DirectoryId.UNASSIGNED`).
pub const DIRECTORY_UNASSIGNED: Uuid =
    Uuid::from_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

static NO_CONFIGS: LazyLock<Arc<ConfigMap>> = LazyLock::new(Arc::default);

/// Cheap to clone. Equal images hold the same metadata.
#[derive(Clone, PartialEq, Debug)]
pub struct Image {
    /// Offset of the last record that was applied; -1 if none was.
    pub offset: i64,
    /// Epoch of that record's batch.
    pub epoch: i32,
    pub(super) topics: Map<Uuid, Arc<TopicImage>>,
    pub(super) names: Map<Arc<str>, Uuid>,
    /// Sum over all topics.
    pub(super) partition_count: usize,
    pub(super) configs: Map<ConfigResource, Arc<ConfigMap>>,
    pub(super) brokers: Arc<BTreeMap<i32, BrokerImage>>,
    /// Finalized levels; those of level 0 are absent.
    pub(super) features: Arc<BTreeMap<String, i16>>,
    pub(super) producer_ids: ProducerIds,
}

impl Default for Image {
    fn default() -> Self {
        Image {
            offset: -1,
            epoch: -1,
            topics: Map::default(),
            names: Map::default(),
            partition_count: 0,
            configs: Map::default(),
            brokers: Arc::default(),
            features: Arc::default(),
            producer_ids: ProducerIds::default(),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct TopicImage {
    pub name: Arc<str>,
    pub id: Uuid,
    /// Sorted by id, and without gaps but while the records of a new topic come in.
    pub partitions: Vec<PartitionImage>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartitionImage {
    pub id: i32,
    /// [`NO_LEADER`] if there is none.
    pub leader: i32,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub removing_replicas: Vec<i32>,
    pub adding_replicas: Vec<i32>,
    /// The leader was elected uncleanly and has not recovered yet.
    pub recovering: bool,
    /// Directory of each replica, parallel to `replicas`; empty in old records.
    pub directories: Vec<Uuid>,
    pub eligible_leader_replicas: Vec<i32>,
    pub last_known_elr: Vec<i32>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct BrokerImage {
    pub id: i32,
    /// New for each start of the process.
    pub incarnation_id: Uuid,
    /// Offset of the record that registered this incarnation.
    pub epoch: i64,
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<FeatureRange>,
    pub rack: Option<String>,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    /// Ids of the log directories.
    pub log_dirs: Vec<Uuid>,
    /// Those that take no new partitions; `None` until the broker said so.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl BrokerImage {
    /// Whether it may lead.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Name of the listener.
    pub name: String,
    pub host: String,
    pub port: u16,
    /// PLAINTEXT 0, SSL 1, SASL_PLAINTEXT 2, SASL_SSL 3.
    pub security_protocol: i16,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeatureRange {
    pub name: String,
    pub min: i16,
    pub max: i16,
}

/// Who got the last block of producer ids, and the first id of the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIds {
    pub broker_id: i32,
    pub broker_epoch: i64,
    pub next: i64,
}

impl Default for ProducerIds {
    fn default() -> Self {
        ProducerIds { broker_id: -1, broker_epoch: -1, next: 0 }
    }
}

/// What a config belongs to. The numbers are Kafka's (`ConfigResource.Type`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ResourceKind {
    Topic,
    Broker,
    BrokerLogger,
    ClientMetrics,
    Group,
    /// Of a later version: kept as it is.
    Other(i8),
}

impl ResourceKind {
    pub fn id(self) -> i8 {
        match self {
            ResourceKind::Topic => 2,
            ResourceKind::Broker => 4,
            ResourceKind::BrokerLogger => 8,
            ResourceKind::ClientMetrics => 16,
            ResourceKind::Group => 32,
            ResourceKind::Other(id) => id,
        }
    }

    pub fn from_id(id: i8) -> ResourceKind {
        match id {
            2 => ResourceKind::Topic,
            4 => ResourceKind::Broker,
            8 => ResourceKind::BrokerLogger,
            16 => ResourceKind::ClientMetrics,
            32 => ResourceKind::Group,
            id => ResourceKind::Other(id),
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConfigResource {
    pub kind: ResourceKind,
    /// Name of the topic or group, number of the broker; empty for all brokers.
    pub name: Arc<str>,
}

impl ConfigResource {
    pub fn topic(name: &str) -> Self {
        ConfigResource { kind: ResourceKind::Topic, name: name.into() }
    }

    pub fn broker(id: i32) -> Self {
        ConfigResource { kind: ResourceKind::Broker, name: id.to_string().into() }
    }

    /// The dynamic defaults of all brokers.
    pub fn cluster() -> Self {
        ConfigResource { kind: ResourceKind::Broker, name: "".into() }
    }
}

impl TopicImage {
    pub fn partition(&self, id: i32) -> Option<&PartitionImage> {
        let index = self.partition_index(id).ok()?;
        self.partitions.get(index)
    }

    /// Where the partition is, or would go. Nearly always at its own number.
    pub(super) fn partition_index(&self, id: i32) -> Result<usize, usize> {
        match usize::try_from(id) {
            Ok(index) if self.partitions.get(index).is_some_and(|p| p.id == id) => Ok(index),
            _ => self.partitions.binary_search_by_key(&id, |partition| partition.id),
        }
    }

    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Whether a topic of this name is one of Kafka's own.
pub fn is_internal(topic: &str) -> bool {
    INTERNAL_TOPICS.contains(&topic)
}

impl Image {
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.topics.get(self.names.get(name)?)
    }

    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<TopicImage>> {
        self.topics.get(id)
    }

    /// All topics in order of name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.names.iter().filter_map(|(_, id)| self.topics.get(id))
    }

    pub fn topic_count(&self) -> usize {
        self.names.len()
    }

    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    pub fn partition(&self, topic_id: &Uuid, partition: i32) -> Option<&PartitionImage> {
        self.topics.get(topic_id)?.partition(partition)
    }

    pub fn broker(&self, id: i32) -> Option<&BrokerImage> {
        self.brokers.get(&id)
    }

    /// All registered brokers in order of id.
    pub fn brokers(&self) -> impl Iterator<Item = &BrokerImage> {
        self.brokers.values()
    }

    /// Finalized features in order of name.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (name.as_str(), *level))
    }

    /// Finalized level of a feature; 0 if it has none.
    pub fn feature(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    pub fn producer_ids(&self) -> ProducerIds {
        self.producer_ids
    }

    /// Configs set on a resource; empty if there are none.
    pub fn configs(&self, resource: &ConfigResource) -> &Arc<ConfigMap> {
        self.configs.get(resource).unwrap_or(&NO_CONFIGS)
    }

    /// Resources with configs, in order of kind and name.
    pub fn configured(&self) -> impl Iterator<Item = (&ConfigResource, &Arc<ConfigMap>)> {
        self.configs.iter()
    }

    /// The layers of a broker's configs; `fixed` is its file.
    pub fn broker_layers<'a>(&'a self, broker: i32, fixed: &'a ConfigMap) -> BrokerLayers<'a> {
        BrokerLayers {
            broker: self.configs(&ConfigResource::broker(broker)),
            cluster: self.configs(&ConfigResource::cluster()),
            fixed,
        }
    }

    /// The layers of a topic's configs on a broker.
    pub fn topic_layers<'a>(
        &'a self,
        topic: &str,
        broker: i32,
        fixed: &'a ConfigMap,
    ) -> Layers<'a> {
        let topic = self.configs(&ConfigResource::topic(topic));
        Layers { topic, broker: self.broker_layers(broker, fixed) }
    }
}
