//! Brokers, topics and partitions as a broker describes them, owned.

use super::{Address, ClientError};
use engine_base::Uuid;
use net_wire::ErrorCode;
use net_wire::generated::metadata::{MetadataResponse, MetadataResponseTopic};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Metadata {
    pub controller_id: i32,
    pub brokers: BTreeMap<i32, Address>,
    pub topics: Vec<Topic>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    pub name: String,
    /// Zero if the broker is too old for ids.
    pub id: Uuid,
    pub error: ErrorCode,
    pub is_internal: bool,
    /// By rising index.
    pub partitions: Vec<Partition>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partition {
    pub index: i32,
    /// -1 if there is none.
    pub leader: i32,
    pub leader_epoch: i32,
    pub replicas: Vec<i32>,
    pub in_sync: Vec<i32>,
    pub offline: Vec<i32>,
}

impl Metadata {
    pub fn new(response: &MetadataResponse<'_>) -> Metadata {
        let brokers = response.brokers.iter().map(|broker| {
            let port = u16::try_from(broker.port).unwrap_or(0);
            (broker.node_id, Address { host: broker.host.to_owned(), port })
        });
        Metadata {
            controller_id: response.controller_id,
            brokers: brokers.collect(),
            topics: response.topics.iter().map(|topic| Topic::new(&topic)).collect(),
        }
    }
}

impl Topic {
    fn new(topic: &MetadataResponseTopic<'_>) -> Topic {
        let mut partitions: Vec<Partition> = topic
            .partitions
            .iter()
            .map(|partition| Partition {
                index: partition.partition_index,
                leader: partition.leader_id,
                leader_epoch: partition.leader_epoch,
                replicas: partition.replica_nodes.iter().collect(),
                in_sync: partition.isr_nodes.iter().collect(),
                offline: partition.offline_replicas.iter().collect(),
            })
            .collect();
        partitions.sort_by_key(|partition| partition.index);
        Topic {
            name: topic.name.unwrap_or_default().to_owned(),
            id: topic.topic_id,
            error: ErrorCode::from_code(topic.error_code).unwrap_or(ErrorCode::UnknownServerError),
            is_internal: topic.is_internal,
            partitions,
        }
    }

    /// The topic, unless the broker put an error in its place.
    pub fn checked(self) -> Result<Topic, ClientError> {
        if self.error.is_error() {
            return Err(ClientError::refused(format!("topic {}", self.name), self.error, None));
        }
        Ok(self)
    }

    pub fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.index == index)
    }
}
