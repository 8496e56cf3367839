//! Metadata records as bytes: the value of a record in `__cluster_metadata-0` is a frame version,
//! the record's type, its version, each an unsigned varint, and the message
//! (`AbstractApiMessageSerde`). The messages are generated; this file only moves fields.

use super::error::RecordError;
use super::image::{
    BrokerImage, ConfigResource, Endpoint, FeatureRange, PartitionImage, ResourceKind,
};
use super::record::{BrokerChange, PartitionChange, Record};
use crate::generated::AnyRecord;
use crate::generated::broker_registration_change::BrokerRegistrationChangeRecord;
use crate::generated::config::ConfigRecord;
use crate::generated::feature_level::FeatureLevelRecord;
use crate::generated::no_op::NoOpRecord;
use crate::generated::partition::PartitionRecord;
use crate::generated::partition_change::PartitionChangeRecord;
use crate::generated::producer_ids::ProducerIdsRecord;
use crate::generated::register_broker::{BrokerEndpoint, BrokerFeature, RegisterBrokerRecord};
use crate::generated::remove_topic::RemoveTopicRecord;
use crate::generated::topic::TopicRecord;
use engine_base::codec::{Reader, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, EncodeError};

const FRAME_VERSION: u32 = 1;

/// Type and the version written under `metadata.version` 30, which is also the highest read.
const VERSIONS: [(i16, i16); 10] =
    [(0, 4), (2, 0), (3, 2), (4, 0), (5, 2), (9, 0), (12, 0), (15, 0), (17, 3), (20, 0)];

/// `PartitionChangeRecord` for a leader that stays.
const LEADER_UNCHANGED: i32 = -2;

fn version_max(key: i16) -> Option<i16> {
    VERSIONS.iter().find(|(known, _)| *known == key).map(|(_, version)| *version)
}

impl Record {
    /// The value of a record in the log. Fails only on strings above 32767 bytes, which commands
    /// refuse.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Encoder::new();
        self.with_message(|message| {
            let key = message.key();
            let version = version_max(key).expect("the table has all types that are written");
            out.put_unsigned_varint(FRAME_VERSION);
            out.put_unsigned_varint(u32::from(key.unsigned_abs()));
            out.put_unsigned_varint(u32::from(version.unsigned_abs()));
            message.encode(&mut out, version);
        });
        out.into_vec()
    }

    /// Reads the value of a record in the log.
    pub fn decode(value: &[u8]) -> Result<Record, RecordError> {
        let mut reader = Reader::new(value);
        let mut number = || {
            let number = reader.unsigned_varint();
            number.map_err(|error| RecordError::Malformed { key: -1, error })
        };
        let frame_version = number()?;
        if frame_version != FRAME_VERSION {
            return Err(RecordError::FrameVersion(frame_version));
        }
        let (key_raw, version_raw) = (number()?, number()?);
        let unknown = RecordError::Unknown { key: key_raw, version: version_raw };
        let key = i16::try_from(key_raw).map_err(|_| unknown)?;
        let version = i16::try_from(version_raw).map_err(|_| unknown)?;
        if version_max(key).is_none_or(|max| version > max) {
            return Err(unknown);
        }
        let message = AnyRecord::decode(key, reader.rest(), version);
        message.map(from_message).map_err(|error| RecordError::Malformed { key, error })
    }

    /// Hands the generated message over, which borrows from the record.
    fn with_message(&self, write: impl FnOnce(AnyRecord<'_>)) {
        write(match self {
            Record::RegisterBroker(broker) => {
                AnyRecord::RegisterBrokerRecord(register_broker(broker))
            }
            Record::Topic { name, id } => {
                AnyRecord::TopicRecord(TopicRecord { name, topic_id: *id })
            }
            Record::Partition { topic, partition } => {
                AnyRecord::PartitionRecord(to_partition(*topic, partition))
            }
            Record::Config { resource, name, value } => AnyRecord::ConfigRecord(ConfigRecord {
                resource_type: resource.kind.id(),
                resource_name: &resource.name,
                name,
                value: value.as_deref(),
            }),
            Record::PartitionChange(change) => {
                AnyRecord::PartitionChangeRecord(partition_change(change))
            }
            Record::RemoveTopic { id } => {
                AnyRecord::RemoveTopicRecord(RemoveTopicRecord { topic_id: *id })
            }
            Record::FeatureLevel { name, level } => {
                AnyRecord::FeatureLevelRecord(FeatureLevelRecord { name, feature_level: *level })
            }
            Record::ProducerIds { broker_id, broker_epoch, next } => {
                AnyRecord::ProducerIdsRecord(ProducerIdsRecord {
                    broker_id: *broker_id,
                    broker_epoch: *broker_epoch,
                    next_producer_id: *next,
                })
            }
            Record::BrokerChange(change) => {
                AnyRecord::BrokerRegistrationChangeRecord(broker_change(change))
            }
            Record::NoOp => AnyRecord::NoOpRecord(NoOpRecord::default()),
        });
    }
}

fn register_broker(broker: &BrokerImage) -> RegisterBrokerRecord<'_> {
    RegisterBrokerRecord {
        broker_id: broker.id,
        is_migrating_zk_broker: false,
        incarnation_id: broker.incarnation_id,
        broker_epoch: broker.epoch,
        end_points: broker.endpoints.iter().map(to_endpoint).collect(),
        features: broker.features.iter().map(to_feature).collect(),
        rack: broker.rack.as_deref(),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
        log_dirs: Array::Borrowed(&broker.log_dirs),
        cordoned_log_dirs: broker.cordoned_log_dirs.as_deref().map(Array::Borrowed),
    }
}

fn to_endpoint(endpoint: &Endpoint) -> BrokerEndpoint<'_> {
    BrokerEndpoint {
        name: &endpoint.name,
        host: &endpoint.host,
        port: endpoint.port,
        security_protocol: endpoint.security_protocol,
    }
}

fn to_feature(feature: &FeatureRange) -> BrokerFeature<'_> {
    BrokerFeature {
        name: &feature.name,
        min_supported_version: feature.min,
        max_supported_version: feature.max,
    }
}

/// Kafka leaves a list of eligible leaders out when it is empty.
fn unless_empty(replicas: &[i32]) -> Option<Array<'_, i32>> {
    (!replicas.is_empty()).then_some(Array::Borrowed(replicas))
}

fn to_partition(topic: engine_base::Uuid, partition: &PartitionImage) -> PartitionRecord<'_> {
    PartitionRecord {
        partition_id: partition.id,
        topic_id: topic,
        replicas: Array::Borrowed(&partition.replicas),
        isr: Array::Borrowed(&partition.isr),
        removing_replicas: Array::Borrowed(&partition.removing_replicas),
        adding_replicas: Array::Borrowed(&partition.adding_replicas),
        leader: partition.leader,
        leader_recovery_state: i8::from(partition.recovering),
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        directories: Array::Borrowed(&partition.directories),
        eligible_leader_replicas: unless_empty(&partition.eligible_leader_replicas),
        last_known_elr: unless_empty(&partition.last_known_elr),
    }
}

fn partition_change(change: &PartitionChange) -> PartitionChangeRecord<'_> {
    fn list<T>(items: &Option<Vec<T>>) -> Option<Array<'_, T>> {
        items.as_deref().map(Array::Borrowed)
    }
    PartitionChangeRecord {
        partition_id: change.partition,
        topic_id: change.topic,
        isr: list(&change.isr),
        leader: change.leader.unwrap_or(LEADER_UNCHANGED),
        replicas: list(&change.replicas),
        removing_replicas: list(&change.removing_replicas),
        adding_replicas: list(&change.adding_replicas),
        leader_recovery_state: change.recovering.map_or(-1, i8::from),
        directories: list(&change.directories),
        eligible_leader_replicas: list(&change.eligible_leader_replicas),
        last_known_elr: list(&change.last_known_elr),
    }
}

fn broker_change(change: &BrokerChange) -> BrokerRegistrationChangeRecord<'_> {
    BrokerRegistrationChangeRecord {
        broker_id: change.id,
        broker_epoch: change.epoch,
        fenced: change.fenced.map_or(0, |fenced| if fenced { 1 } else { -1 }),
        in_controlled_shutdown: i8::from(change.enters_controlled_shutdown),
        log_dirs: Array::Borrowed(change.log_dirs.as_deref().unwrap_or_default()),
        cordoned_log_dirs: change.cordoned_log_dirs.as_deref().map(Array::Borrowed),
    }
}

fn items<'a, T: Element<'a> + Clone>(array: &Array<'a, T>) -> Vec<T> {
    array.iter().collect()
}

fn optional_items<'a, T: Element<'a> + Clone>(array: &Option<Array<'a, T>>) -> Option<Vec<T>> {
    array.as_ref().map(items)
}

fn from_message(message: AnyRecord<'_>) -> Record {
    match message {
        AnyRecord::RegisterBrokerRecord(message) => Record::RegisterBroker(from_register(&message)),
        AnyRecord::TopicRecord(message) => {
            Record::Topic { name: message.name.into(), id: message.topic_id }
        }
        AnyRecord::PartitionRecord(message) => {
            Record::Partition { topic: message.topic_id, partition: from_partition(&message) }
        }
        AnyRecord::ConfigRecord(message) => Record::Config {
            resource: ConfigResource {
                kind: ResourceKind::from_id(message.resource_type),
                name: message.resource_name.into(),
            },
            name: message.name.to_owned(),
            value: message.value.map(str::to_owned),
        },
        AnyRecord::PartitionChangeRecord(message) => {
            Record::PartitionChange(from_partition_change(&message))
        }
        AnyRecord::RemoveTopicRecord(message) => Record::RemoveTopic { id: message.topic_id },
        AnyRecord::FeatureLevelRecord(message) => {
            Record::FeatureLevel { name: message.name.to_owned(), level: message.feature_level }
        }
        AnyRecord::ProducerIdsRecord(message) => Record::ProducerIds {
            broker_id: message.broker_id,
            broker_epoch: message.broker_epoch,
            next: message.next_producer_id,
        },
        AnyRecord::BrokerRegistrationChangeRecord(message) => {
            Record::BrokerChange(from_broker_change(&message))
        }
        AnyRecord::NoOpRecord(_) => Record::NoOp,
    }
}

fn from_register(message: &RegisterBrokerRecord<'_>) -> BrokerImage {
    let endpoint = |endpoint: BrokerEndpoint<'_>| Endpoint {
        name: endpoint.name.to_owned(),
        host: endpoint.host.to_owned(),
        port: endpoint.port,
        security_protocol: endpoint.security_protocol,
    };
    let feature = |feature: BrokerFeature<'_>| FeatureRange {
        name: feature.name.to_owned(),
        min: feature.min_supported_version,
        max: feature.max_supported_version,
    };
    BrokerImage {
        id: message.broker_id,
        incarnation_id: message.incarnation_id,
        epoch: message.broker_epoch,
        endpoints: message.end_points.iter().map(endpoint).collect(),
        features: message.features.iter().map(feature).collect(),
        rack: message.rack.map(str::to_owned),
        fenced: message.fenced,
        in_controlled_shutdown: message.in_controlled_shutdown,
        log_dirs: items(&message.log_dirs),
        cordoned_log_dirs: optional_items(&message.cordoned_log_dirs),
    }
}

fn from_partition(message: &PartitionRecord<'_>) -> PartitionImage {
    PartitionImage {
        id: message.partition_id,
        leader: message.leader,
        leader_epoch: message.leader_epoch,
        partition_epoch: message.partition_epoch,
        replicas: items(&message.replicas),
        isr: items(&message.isr),
        removing_replicas: items(&message.removing_replicas),
        adding_replicas: items(&message.adding_replicas),
        recovering: message.leader_recovery_state == 1,
        directories: items(&message.directories),
        eligible_leader_replicas: optional_items(&message.eligible_leader_replicas)
            .unwrap_or_default(),
        last_known_elr: optional_items(&message.last_known_elr).unwrap_or_default(),
    }
}

fn from_partition_change(message: &PartitionChangeRecord<'_>) -> PartitionChange {
    PartitionChange {
        topic: message.topic_id,
        partition: message.partition_id,
        leader: (message.leader != LEADER_UNCHANGED).then_some(message.leader),
        isr: optional_items(&message.isr),
        replicas: optional_items(&message.replicas),
        removing_replicas: optional_items(&message.removing_replicas),
        adding_replicas: optional_items(&message.adding_replicas),
        recovering: match message.leader_recovery_state {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        directories: optional_items(&message.directories),
        eligible_leader_replicas: optional_items(&message.eligible_leader_replicas),
        last_known_elr: optional_items(&message.last_known_elr),
    }
}

fn from_broker_change(message: &BrokerRegistrationChangeRecord<'_>) -> BrokerChange {
    BrokerChange {
        id: message.broker_id,
        epoch: message.broker_epoch,
        fenced: match message.fenced {
            0 => None,
            level => Some(level > 0),
        },
        enters_controlled_shutdown: message.in_controlled_shutdown > 0,
        log_dirs: Some(items(&message.log_dirs)).filter(|dirs| !dirs.is_empty()),
        cordoned_log_dirs: optional_items(&message.cordoned_log_dirs),
    }
}
