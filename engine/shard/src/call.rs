//! What shards ask of each other, as closed enums: every call to the owner of a partition or group,
//! and its answer. All of it is owned data that may change threads; payload is shared, not copied.

use crate::append::{AppendEntry, AppendResult};
use crate::controller::{ControllerAnswer, ControllerCall};
use crate::error::PartitionError;
use crate::fetch::{FetchPart, FetchedPart};
use crate::groups::{GroupAnswer, GroupCall};
use crate::life::Step;
use crate::offsets::{OffsetAnswer, OffsetQuery};
use engine_base::{Offset, TopicPartition};
use engine_io::Instant;
use engine_log::Acks;
use engine_log::node_files::CheckpointRow;
use engine_state::metadata::Image;
use std::sync::Arc;

/// A call to another shard.
pub enum Call {
    Append {
        entries: Vec<AppendEntry>,
        acks: Acks,
    },
    Fetch {
        parts: Vec<FetchPart>,
        limits: FetchLimits,
        token: u64,
    },
    /// Answers the fetch with this token of the same source now, with what there is.
    FetchNow {
        token: u64,
    },
    Offsets(Vec<OffsetQuery>),
    DeleteRecords(Vec<(TopicPartition, Offset)>),
    Sizes(Vec<TopicPartition>),
    EpochEnd {
        partition: TopicPartition,
        current_epoch: i32,
        epoch: i32,
    },
    Group {
        partition: i32,
        call: GroupCall,
    },
    /// To shard 0, the one writer of metadata.
    Controller(ControllerCall),
    /// From shard 0: this image is in force. Answered once partitions follow it.
    Image(Arc<Image>),
    /// Starting and stopping together.
    Life(Step),
}

/// The answer to the call of the same name.
pub enum Answer {
    Append(Vec<AppendResult>),
    Fetch(Vec<FetchedPart>),
    Offsets(Vec<OffsetAnswer>),
    DeleteRecords(Vec<Result<Offset, PartitionError>>),
    Sizes(Vec<Option<u64>>),
    EpochEnd(Result<(i32, i64), PartitionError>),
    Group(GroupAnswer),
    Controller(ControllerAnswer),
    Table(Vec<CheckpointRow>),
    Done,
    /// A step of the start did not succeed; the start of the shard asked ends with the reason.
    Failed,
}

/// How much a fetch wants and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The answer waits for this much, in bytes over all partitions.
    pub bytes_min: usize,
    /// Whole batches up to this much; the first batch comes whatever its size.
    pub bytes_max: usize,
    /// The answer comes by then in any case.
    pub deadline: Instant,
}
