//! The metadata of the node: topics, partitions, configs, brokers, features, producer id blocks,
//! as Kafka's KRaft records make it. Shard 0 turns commands into records, appends these to
//! `__cluster_metadata-0`, applies them to the [`Image`] and hands it to all shards; the others
//! only read.
//!
//! Pure and deterministic: commands see an image and answer with records or a refusal; random ids
//! and the offset of the next record come in as arguments.

pub mod boot;
pub mod brokers;
pub mod codec;
pub mod configs;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod error;
pub mod features;
pub mod image;
pub mod map;
pub mod names;
pub mod placement;
pub mod producer_ids;
pub mod record;
pub mod rules;
pub mod snapshot;

mod apply;

pub use error::{ApplyError, RecordError, Refusal, RefusalKind};
pub use image::{BrokerImage, ConfigResource, Endpoint, Image, PartitionImage, ResourceKind};
pub use image::{FeatureRange, TopicImage};
pub use record::Record;
pub use rules::Rules;

#[cfg(test)]
mod tests;
