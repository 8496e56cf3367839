//! Why a partition did not do what was asked. A variant exists where `net/server` answers with a
//! different Kafka error.

use engine_log::LogError;
use engine_state::metadata::ApplyError;

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PartitionError {
    #[error("no such partition here")]
    UnknownPartition,
    #[error("a batch of this producer is missing before this one")]
    OutOfOrderSequence,
    #[error("a newer instance of this producer has written")]
    InvalidProducerEpoch,
    #[error("the client's leader epoch is of the past")]
    FencedLeaderEpoch,
    #[error("the client's leader epoch is of the future")]
    UnknownLeaderEpoch,
    #[error("the broker is stopping")]
    Stopping,
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why a shard could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{bytes} bytes of memory for data (tidemill.memory.bytes over all shards) are more than the \
         system or ulimit -v allows: {source}"
    )]
    Memory { bytes: usize, source: std::io::Error },
    #[error("the log cannot be opened: {0}")]
    Log(#[from] LogError),
    #[error("the metadata log cannot be read: {0}")]
    Metadata(String),
    #[error("the metadata log contradicts itself: {0}")]
    Apply(#[from] ApplyError),
    #[error("this broker cannot be registered: {0}")]
    Registration(String),
    #[error("the metadata log takes no records: {0}")]
    Commit(#[from] PartitionError),
    #[error("another shard could not start")]
    Stopped,
}
