//! What every other crate of the engine agrees on: identifiers, units, limits, checks, checksums,
//! and the primitives of Kafka's wire encoding. No I/O, no clock, no state; lives on every core.

pub mod check;
pub mod checksum;
pub mod codec;
pub mod encoder;
pub mod id;
pub mod message;
pub mod uuid;

pub use id::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, ShardId, TopicPartition};
pub use uuid::Uuid;
