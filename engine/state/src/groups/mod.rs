//! Classic consumer groups: the coordinator of one `__consumer_offsets` partition as a pure state
//! machine. `coordinator` is the entrance; requests that must wait carry a token and are answered
//! through effects. Behaviour: Kafka 4.3's `GroupMetadataManager` (classic paths),
//! `ClassicGroup`, `OffsetMetadataManager`.

mod appends;
mod commit;
mod config;
mod coordinator;
mod delete;
mod describe;
mod durable;
mod error;
mod expire;
mod fetch;
mod group;
mod heartbeat;
mod join;
mod leave;
mod load;
mod member;
mod partition;
mod rebalance;
pub mod records;
mod reply;
mod request;
mod static_member;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;
mod timers;

pub use appends::AppendToken;
pub use config::GroupConfig;
pub use coordinator::Coordinator;
pub use error::{AppendFailure, GroupError};
pub use group::GroupState;
pub use load::Loaded;
pub use partition::group_partition;
pub use reply::{
    DeletedGroup, DescribedGroup, DescribedMember, Effect, FetchReply, FetchedPartition,
    FetchedTopic, JoinMember, JoinReply, LeaveReply, LeftMember, ListedGroup, OffsetDeleteReply,
    PartitionResult, Record, Reply, SyncReply, TopicResult,
};
pub use request::{
    CommitPartition, CommitRequest, CommitTopic, DeleteOffsetsTopic, FetchRequest, FetchTopic,
    HeartbeatRequest, JoinRequest, LeavingMember, ListFilter, Protocol, SyncRequest,
};
