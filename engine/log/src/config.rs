//! Settings of a shard's log and of one partition, and the limits of this crate: each limit names
//! what happens there. Plain numbers; who reads Kafka's keys is the caller.

use engine_io::{Arena, ChunkClass};
use std::path::PathBuf;

/// Pending bytes of one partition from which they go straight to the segment instead of through the
/// journal. A higher value is cheaper for acks=1, and writes more to the device for acks=all; the
/// guarantees do not depend on it.
pub const DIRECT_APPEND_BYTES: u64 = 64 << 10;
/// Bytes of one frame's body, at most. Beyond: another frame in the same round.
pub(crate) const FRAME_BODY_BYTES_MAX: usize = 4 << 20;
/// Slices of one frame (the kernel takes at most 1024). Beyond: another frame in the same round.
pub(crate) const FRAME_SLICES_MAX: usize = 960;
/// Journal files of a shard. Beyond: appends wait until the checkpoint has freed one.
pub(crate) const JOURNAL_FILES_MAX: usize = 4;
/// The smallest journal file: half of it must hold what one partition puts into a frame, the other
/// half all notes.
pub(crate) const JOURNAL_FILE_BYTES_MIN: u64 = 256 << 10;
/// Bytes of one direct write, at most. Beyond: another write after it.
pub(crate) const DIRECT_WRITE_BYTES_MAX: u64 = 4 << 20;
/// Bytes of one partition that lie in memory and the journal only, from which they are written to
/// the segment without waiting for the checkpoint.
pub(crate) const WRITE_OUT_BYTES: u64 = 256 << 10;
/// Bytes written to segments without a recovery point behind them, per shard, before a checkpoint
/// is started. With the journal this bounds what recovery reads.
pub(crate) const UNCHECKED_BYTES_MAX: u64 = 32 << 20;
/// Bytes of batches with producers, per shard, that no snapshot covers, before snapshots are asked
/// for.
pub(crate) const UNSNAPPED_BYTES_MAX: u64 = 24 << 20;
/// A checkpoint is made at least this often while there is something to write, in milliseconds.
pub(crate) const CHECKPOINT_MS: u64 = 5_000;
/// Appends with acks=1 are made durable within twice this time, in milliseconds.
pub(crate) const BACKGROUND_FLUSH_MS: u64 = 400;
/// An active segment that got nothing for so long is trimmed and its file closed, in milliseconds.
pub(crate) const IDLE_TRIM_MS: u64 = 30_000;
/// How long to wait before space is asked for again, in milliseconds.
pub(crate) const NO_SPACE_RETRY_MS: u64 = 500;
/// Segment writes and syncs of one checkpoint under way at once.
pub(crate) const CHECKPOINT_CONCURRENCY: usize = 16;
/// First and largest step by which an active segment's file grows ahead of its data.
pub(crate) const ALLOCATE_BYTES_MIN: u64 = 64 << 10;
pub(crate) const ALLOCATE_BYTES_MAX: u64 = 16 << 20;
/// How often idle segments are looked for, in milliseconds.
pub(crate) const IDLE_LOOK_MS: u64 = 5_000;
/// Bytes of a segment that its index files may lag behind a checkpoint. After a crash they have no
/// entries for so much, which a look-up then walks through.
pub(crate) const INDEX_LAG_BYTES: u64 = 64 << 10;
/// Index entries not synced yet, per segment, before a checkpoint syncs the index files.
pub(crate) const INDEX_UNSYNCED_MAX: usize = 256;
/// Bytes one read returns at most, whatever the caller allows, except for a first batch that is
/// larger.
pub(crate) const READ_BYTES_MAX: u64 = 8 << 20;
/// Cold data is read from the disk and kept in blocks of this size: that of fast partitions' chunks,
/// so that memory goes from the ones to the others as it is.
pub(crate) const COLD_BLOCK: ChunkClass = ChunkClass::M1;
pub(crate) const COLD_BLOCK_BYTES: u64 = 1 << 20;
/// A sequential reader of cold data is read ahead by as much as it has read in a row, at most this.
pub(crate) const READ_AHEAD_BYTES_MAX: u64 = 4 << 20;
/// Of the arena, what was read ahead and not used yet may take one part in so many. Beyond: nothing
/// is read ahead until some of it is used, or its readers have not come for some seconds.
pub(crate) const READ_AHEAD_ARENA_SHARE: usize = 8;
/// One part in so many of the arena is the tails': below it cold data takes no chunk of them, above
/// it they make room from their own before they take from cold data.
pub(crate) const TAIL_ARENA_SHARE: usize = 2;
/// Bytes of sealed segments' indexes kept in memory, per shard. Beyond: the oldest is dropped and
/// read again when needed.
pub(crate) const INDEX_CACHE_BYTES: usize = 16 << 20;
/// Sealed segments whose file is kept open for reading, per shard. Beyond: the oldest is closed.
pub(crate) const OPEN_SEALED_MAX: usize = 256;
/// Largest text or table file that is read at start.
pub(crate) const SMALL_FILE_BYTES_MAX: usize = 64 << 20;
/// Records of one batch may take so many bytes when decompressed to look for a timestamp.
pub(crate) const LOOKUP_BYTES_MAX: usize = 128 << 20;

const _: () = assert!(COLD_BLOCK.bytes() == 1 << 20 && COLD_BLOCK_BYTES == 1 << 20);
const _: () = assert!(DIRECT_APPEND_BYTES + 4096 <= JOURNAL_FILE_BYTES_MIN / 2);

/// Settings of one shard's log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Kafka's `log.dirs` directory (one of them). Shared by all shards.
    pub dir: PathBuf,
    pub shard: u16,
    pub shard_count: u16,
    /// Journal of this shard, all files together, in bytes.
    pub journal_bytes: u64,
    /// Memory for chunks, read buffers and the tail cache.
    pub arena: Arena,
    /// Whether the clean-stop marker was there (see [`crate::node_files::take_clean_marker`]).
    pub clean: bool,
    /// Used for partitions until their own settings are known.
    pub partition: PartitionConfig,
    /// `acks=all` is answered as `acks=1` is. Weaker than promised: say so loudly.
    pub relaxed_all: bool,
    /// Nothing is visible to consumers before it is on stable media.
    pub visible_when_flushed: bool,
}

impl LogConfig {
    pub fn new(dir: PathBuf, shard: u16, shard_count: u16, arena: Arena) -> LogConfig {
        assert!(shard < shard_count);
        LogConfig {
            dir,
            shard,
            shard_count,
            journal_bytes: 64 << 20,
            arena,
            clean: false,
            partition: PartitionConfig::default(),
            relaxed_all: false,
            visible_when_flushed: false,
        }
    }
}

/// A topic's settings as numbers, named as Kafka's keys. Times in milliseconds, sizes in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionConfig {
    pub segment_bytes: u64,
    pub segment_ms: i64,
    /// The most by which one segment's `segment_ms` is shortened, so that not all roll at once.
    pub segment_jitter_ms: i64,
    pub index_interval_bytes: u64,
    /// Size of an index file at which the segment rolls.
    pub segment_index_bytes: u64,
    /// -1: no limit.
    pub retention_ms: i64,
    /// -1: no limit.
    pub retention_bytes: i64,
    /// Whether `cleanup.policy` has `delete`.
    pub delete: bool,
    /// An append that would leave so many records not flushed is answered after a flush.
    pub flush_messages: i64,
    /// Data is flushed after so long. Below the log's own background flush: with each append.
    pub flush_ms: i64,
    pub file_delete_delay_ms: i64,
}

impl Default for PartitionConfig {
    /// Kafka's defaults.
    fn default() -> PartitionConfig {
        PartitionConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3600 * 1000,
            segment_jitter_ms: 0,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            retention_ms: 7 * 24 * 3600 * 1000,
            retention_bytes: -1,
            delete: true,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            file_delete_delay_ms: 60_000,
        }
    }
}
