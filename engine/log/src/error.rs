//! What can go wrong in the log, by what the caller does about it. `net/server` chooses Kafka's
//! error codes from these; nothing here is our own mistake (those are assertions).

use engine_base::TopicPartition;
use std::io;
use std::path::PathBuf;

/// Why the log refused, or could not do, what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogError {
    /// The offset lies outside what the log holds. Offsets of the valid range, end exclusive.
    #[error("offset is outside {log_start}..{log_end}")]
    OffsetOutOfRange { log_start: i64, log_end: i64 },
    /// A write or sync of the partition or of the shard's journal failed: nothing is written any
    /// more until a restart. Reads of what is known to be good go on.
    #[error("fenced after a failed write or sync")]
    Fenced,
    /// The disk is full. Retriable: appends go on by themselves once there is room.
    #[error("no space left on the device")]
    NoSpace,
    /// All memory of the shard's arena is in use by data not written yet, or pinned by readers.
    /// Retriable at once or after [`wait_room`](crate::ShardLog::wait_room).
    #[error("no memory left for appends")]
    Busy,
    /// The log or the partition is closed or deleted, or was never here.
    #[error("closed")]
    Closed,
    /// The append is larger than a segment may be. Sizes in bytes.
    #[error("append of {bytes} bytes is larger than a segment of {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: u64 },
    /// Bytes on disk are not what was written: checksum, structure or continuity is wrong.
    #[error("damaged data in {} at byte {position}", file.display())]
    Damaged { file: PathBuf, position: u64 },
    /// A journal that must be there is not, or not as it was: records that were acknowledged may have
    /// been in it only. `accept`: the file that the operator makes to start all the same.
    #[error(
        "journal {} {what}; records acknowledged since the last checkpoint may be in it only. \
         Put it back. If it is lost for good: make the empty file {} and start again, which goes \
         on without those records",
        file.display(),
        accept.display()
    )]
    JournalLost { file: PathBuf, what: String, accept: PathBuf },
    /// The partition held records and its files are gone or cannot be told: it is not served, and
    /// not made anew, before an operator has seen to it and the broker has started again.
    #[error("the partition is offline: {} {what}", path.display())]
    Offline { path: PathBuf, what: String },
    /// The system refused. Only from calls that are not appends or reads of hot data.
    #[error("{action} {}: {kind}", path.display())]
    Io { action: &'static str, path: PathBuf, kind: io::ErrorKind },
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path, error: &io::Error) -> LogError {
        if error.kind() == io::ErrorKind::StorageFull {
            return LogError::NoSpace;
        }
        LogError::Io { action, path: path.to_path_buf(), kind: error.kind() }
    }
}

/// Something found damaged at start, and what was done about it. Logged once by recovery and kept
/// for the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// The partition, if the damage could be assigned to one.
    pub partition: Option<TopicPartition>,
    pub file: PathBuf,
    /// Byte position of the first bad byte in `file`.
    pub position: u64,
    pub what: String,
    /// Where the bad bytes were copied to before anything was changed.
    pub quarantine: Option<PathBuf>,
}
