//! What a shard may ask of the machine, as traits. Each shard thread holds one `Env`; it is cheap
//! to clone and never leaves its thread. Futures returned here own their buffers: dropping one
//! detaches the operation, it never frees memory the kernel still uses.
#![allow(async_fn_in_trait, reason = "all futures stay on the thread that made them")]

use crate::buffer::DmaBuf;
use bytes::{Bytes, BytesMut};
use engine_base::ShardId;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// A point on the monotonic clock, in nanoseconds since an arbitrary start. Not wall time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Instant(pub u64);

impl Instant {
    #[must_use]
    pub fn plus(self, duration: Duration) -> Instant {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(nanos))
    }

    /// Time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// When a task gets its turn among those that are ready: connections first, then the log, then some
/// of the background.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// Connections: latency matters.
    Net,
    /// Journal and direct segment writes.
    Append,
    /// Retention, checkpoints, what completes a segment that is full.
    Background,
}

/// How far a direct write must have got when it completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Handed to the device: survives the death of the process.
    Written,
    /// On stable media: survives loss of power.
    Flushed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Create {
    /// The file must be there.
    Never,
    /// Made if it is not there.
    IfMissing,
    /// Made; an error if it is there.
    New,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenMode {
    pub write: bool,
    pub create: Create,
    /// `O_DIRECT`: only the `*_direct` calls may be used, with aligned buffers and positions.
    /// Without it only the `*_cached` calls.
    pub direct: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirEntry {
    pub name: String,
    pub is_dir: bool,
    /// Size in bytes; 0 for directories.
    pub len: u64,
}

/// An open file. Positions and lengths in bytes.
#[expect(clippy::len_without_is_empty, reason = "asking for the size may fail")]
pub trait File: 'static {
    /// Writes all of `data` at `position`. Every piece starts and ends on a multiple of
    /// [`DMA_ALIGN`](crate::DMA_ALIGN) in memory, `position` too. The bytes must not change until
    /// this completes (they can't: `Bytes` are immutable). The range should lie within the
    /// allocated size, or the write is slow. At most one write in flight may touch a given block:
    /// the caller sees to it.
    fn write_direct(
        &self,
        data: Vec<Bytes>,
        position: u64,
        durability: Durability,
    ) -> impl Future<Output = io::Result<()>> + 'static;

    /// Reads into `buffer` from an aligned `position`. Returns how many bytes came (less than asked
    /// only at the end of the file) and the buffer.
    fn read_direct(
        &self,
        buffer: DmaBuf,
        position: u64,
    ) -> impl Future<Output = (io::Result<usize>, DmaBuf)> + 'static;

    /// Writes all of `data` at `position` into the kernel's page cache, at once, on this thread.
    /// When it returns the bytes survive the death of the process, not loss of power.
    fn write_cached(&self, data: &[io::IoSlice<'_>], position: u64) -> io::Result<()>;

    /// Reads into `buffer` from the page cache or the disk, on this thread: for start-up, recovery
    /// and small files only. Less than asked only at the end of the file.
    fn read_cached(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Makes everything written so far durable (`fdatasync`).
    fn sync_data(&self) -> impl Future<Output = io::Result<()>> + 'static;

    /// Reserves `start..start + len` and extends the size to cover it; reads as zeros.
    fn allocate(&self, start: u64, len: u64) -> impl Future<Output = io::Result<()>> + 'static;

    /// Cuts or extends the file to `len`.
    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static;

    /// Size in bytes.
    fn len(&self) -> io::Result<u64>;

    /// The first part at or behind `position` that may hold anything but zeros: what is only reserved
    /// need not be read.
    fn data_range(&self, position: u64) -> io::Result<Option<Range<u64>>> {
        let len = self.len()?;
        Ok((position < len).then_some(position..len))
    }

    /// Lets the kernel forget cached pages of this file (clean ones), so that later direct writes
    /// do not meet them. A hint.
    fn drop_cache(&self);
}

/// A byte stream to a peer.
pub trait Stream: 'static {
    /// Receives into the spare capacity of `buffer` (which must not be zero). `Ok(0)` is the end of
    /// the stream. One receive at a time.
    fn recv(
        &self,
        buffer: BytesMut,
    ) -> impl Future<Output = (io::Result<usize>, BytesMut)> + 'static;

    /// Sends all segments in order. One send at a time.
    fn send(&self, segments: Vec<Bytes>) -> impl Future<Output = io::Result<()>> + 'static;

    fn peer(&self) -> SocketAddr;

    /// The address the peer connected to.
    fn local(&self) -> SocketAddr;

    /// Ends both directions: a pending receive returns 0 or an error, a pending send an error.
    fn shutdown(&self);
}

pub trait Listener: 'static {
    type Stream: Stream;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>>;

    fn local(&self) -> SocketAddr;
}

/// One shard's access to the machine.
pub trait Env: Clone + 'static {
    type File: File;
    type Stream: Stream;
    type Listener: Listener<Stream = Self::Stream>;

    fn shard(&self) -> ShardId;

    fn shard_count(&self) -> u16;

    /// Time since some start, the same for all shards. It stands still while tasks run one after
    /// another and goes on whenever the shard looks for what has completed; it is never before the
    /// end of a sleep that has ended.
    fn now(&self) -> Instant;

    /// Milliseconds since 1970, for timestamps that users see. May jump; stands still as
    /// [`now`](Self::now) does.
    fn wall_ms(&self) -> i64;

    fn random(&self) -> u64;

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + 'static;

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.sleep_until(self.now().plus(duration))
    }

    /// Lets other tasks of this shard run.
    fn yield_now(&self) -> impl Future<Output = ()> + 'static;

    /// Runs `task` on this shard until it ends. A panic in it ends the process.
    fn spawn(&self, queue: Queue, task: impl Future<Output = ()> + 'static);

    /// Completes once the process was asked to stop (SIGTERM, SIGINT).
    fn stopped(&self) -> impl Future<Output = ()> + 'static;

    async fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Self::File>;

    /// Entries of a directory sorted by name. Blocks the thread: for start-up and rare work.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    async fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    async fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    async fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and removals in this directory durable.
    async fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Bytes free to this process on the file system that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;

    /// A small file whole. An error of kind `InvalidData` if it is larger than `limit` bytes.
    async fn read_whole(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>>;

    /// Replaces a small file as one step: a temporary file beside it (`<name>.tmp`), synced, renamed
    /// over `path`, directory synced. After a crash either the old or the new content is there.
    async fn write_whole(&self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Listens on `address`, which several shards may do at once: the kernel spreads connections.
    fn listen(&self, address: SocketAddr) -> io::Result<Self::Listener>;

    async fn connect(&self, address: SocketAddr) -> io::Result<Self::Stream>;
}
