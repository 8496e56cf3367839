//! One core of the broker: everything it owns, composed from the other crates of the engine. A shard
//! lives on one pinned thread; its state is `Rc` and `Cell`; other shards are reached by calls.

pub mod append;
pub mod call;
mod commands;
pub mod controller;
pub mod error;
pub mod fetch;
pub mod follow;
pub mod groups;
pub mod life;
pub mod metadata;
pub mod offsets;
pub mod peers;
pub mod serve;
pub mod shard;

pub use append::{AppendEntry, AppendOutcome, AppendResult};
pub use call::{Answer, Call, FetchLimits};
pub use controller::{
    ConfigEdit, ControllerAnswer, ControllerCall, PartitionsSpec, TopicName, TopicSpec,
};
pub use error::{PartitionError, StartError};
pub use fetch::{FetchPart, FetchedPart, deadline as fetch_deadline};
pub use groups::{GroupAnswer, GroupCall, OFFSETS_TOPIC};
pub use offsets::{OffsetAnswer, OffsetFound, OffsetKind, OffsetQuery};
pub use peers::Message;
pub use shard::{Replica, Settings, Shard};

/// What shards send each other.
pub type ShardMail = Message<Call, Answer>;
