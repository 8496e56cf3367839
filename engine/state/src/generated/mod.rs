//! Records of Kafka's internal topics: metadata log, group coordinator, control records.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

pub mod broker_registration_change;
pub mod config;
pub mod feature_level;
pub mod group_metadata;
pub mod leader_change;
pub mod no_op;
pub mod offset_commit;
pub mod partition;
pub mod partition_change;
pub mod producer_ids;
pub mod register_broker;
pub mod remove_topic;
pub mod snapshot_footer;
pub mod snapshot_header;
pub mod topic;

use engine_base::codec::{DecodeError, Result};
use engine_base::encoder::Encoder;
use engine_base::message::Message as _;

/// Any record of the metadata log.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum AnyRecord<'a> {
    RegisterBrokerRecord(register_broker::RegisterBrokerRecord<'a>),
    TopicRecord(topic::TopicRecord<'a>),
    PartitionRecord(partition::PartitionRecord<'a>),
    ConfigRecord(config::ConfigRecord<'a>),
    PartitionChangeRecord(partition_change::PartitionChangeRecord<'a>),
    RemoveTopicRecord(remove_topic::RemoveTopicRecord),
    FeatureLevelRecord(feature_level::FeatureLevelRecord<'a>),
    ProducerIdsRecord(producer_ids::ProducerIdsRecord),
    BrokerRegistrationChangeRecord(broker_registration_change::BrokerRegistrationChangeRecord<'a>),
    NoOpRecord(no_op::NoOpRecord),
}

impl<'a> AnyRecord<'a> {
    /// Reads the record of a type in a version; a type not known here is
    /// [`DecodeError::Value`], and so is a version.
    pub fn decode(key: i16, bytes: &'a [u8], version: i16) -> Result<Self> {
        Ok(match key {
            0 => Self::RegisterBrokerRecord(register_broker::RegisterBrokerRecord::decode(
                bytes, version,
            )?),
            2 => Self::TopicRecord(topic::TopicRecord::decode(bytes, version)?),
            3 => Self::PartitionRecord(partition::PartitionRecord::decode(bytes, version)?),
            4 => Self::ConfigRecord(config::ConfigRecord::decode(bytes, version)?),
            5 => Self::PartitionChangeRecord(partition_change::PartitionChangeRecord::decode(
                bytes, version,
            )?),
            9 => Self::RemoveTopicRecord(remove_topic::RemoveTopicRecord::decode(bytes, version)?),
            12 => {
                Self::FeatureLevelRecord(feature_level::FeatureLevelRecord::decode(bytes, version)?)
            }
            15 => Self::ProducerIdsRecord(producer_ids::ProducerIdsRecord::decode(bytes, version)?),
            17 => Self::BrokerRegistrationChangeRecord(
                broker_registration_change::BrokerRegistrationChangeRecord::decode(bytes, version)?,
            ),
            20 => Self::NoOpRecord(no_op::NoOpRecord::decode(bytes, version)?),
            _ => return Err(DecodeError::Value),
        })
    }

    /// Kafka's number of the record's type.
    pub fn key(&self) -> i16 {
        match self {
            Self::RegisterBrokerRecord(_) => 0,
            Self::TopicRecord(_) => 2,
            Self::PartitionRecord(_) => 3,
            Self::ConfigRecord(_) => 4,
            Self::PartitionChangeRecord(_) => 5,
            Self::RemoveTopicRecord(_) => 9,
            Self::FeatureLevelRecord(_) => 12,
            Self::ProducerIdsRecord(_) => 15,
            Self::BrokerRegistrationChangeRecord(_) => 17,
            Self::NoOpRecord(_) => 20,
        }
    }

    /// Appends the body. Failures stick to the encoder.
    pub fn encode(&self, out: &mut Encoder, version: i16) {
        match self {
            Self::RegisterBrokerRecord(message) => message.encode(out, version),
            Self::TopicRecord(message) => message.encode(out, version),
            Self::PartitionRecord(message) => message.encode(out, version),
            Self::ConfigRecord(message) => message.encode(out, version),
            Self::PartitionChangeRecord(message) => message.encode(out, version),
            Self::RemoveTopicRecord(message) => message.encode(out, version),
            Self::FeatureLevelRecord(message) => message.encode(out, version),
            Self::ProducerIdsRecord(message) => message.encode(out, version),
            Self::BrokerRegistrationChangeRecord(message) => message.encode(out, version),
            Self::NoOpRecord(message) => message.encode(out, version),
        }
    }
}
