//! One segment of a partition: its file, the part of it that is in memory, its index, and how far
//! the file holds what was appended. Lives on the partition's shard. Invariant, in positions:
//! flushed <= written <= the tail's end, and what lies beyond `written` is in memory.

use crate::cold::ColdBlock;
use crate::config::{ALLOCATE_BYTES_MAX, ALLOCATE_BYTES_MIN};
use crate::index::{MaxTimestamp, SegmentIndex};
use crate::names::{self, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::plant::{self, Bug};
use crate::points::{IndexState, Mark};
use crate::tail::{Tail, align_down, align_up, to_usize};
use engine_io::{Create, Env, File, Instant, OpenMode};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// How far the index files go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IndexFiles {
    /// Entries in the files, and the position in the segment up to which these go.
    pub offsets: usize,
    pub times: usize,
    pub position: u64,
    /// Position in the segment up to which the files are on stable media, and the state there.
    pub synced_position: u64,
    pub synced: IndexState,
}

impl IndexFiles {
    /// Of a segment without index files; `synced`: the state of an empty index.
    pub fn none(synced: IndexState) -> IndexFiles {
        IndexFiles { offsets: 0, times: 0, position: 0, synced_position: 0, synced }
    }
}

pub(crate) struct Segment<E: Env> {
    pub base: i64,
    pub tail: RefCell<Tail>,
    /// Blocks of the file that are in memory or on their way, by their starts.
    pub cold: RefCell<BTreeMap<u64, Rc<ColdBlock>>>,
    /// `None`: sealed and not in memory, to be read from the files.
    pub index: RefCell<Option<SegmentIndex>>,
    pub index_files: Cell<IndexFiles>,
    /// Offset after the last record.
    pub end_offset: Cell<i64>,
    pub written: Cell<Mark>,
    pub flushed: Cell<Mark>,
    /// Size of the file.
    pub allocated: Cell<u64>,
    /// Whether the file's name is on stable media.
    named: Cell<bool>,
    file: RefCell<Option<Rc<E::File>>>,
    /// Nothing is appended any more.
    pub sealed: Cell<bool>,
    /// Sealed, and the files are complete, trimmed and synced.
    pub complete: Cell<bool>,
    /// Gone from the log; its files are removed as soon as they may.
    pub deleted: Cell<bool>,
    /// Largest timestamp of the first batch; -1 is none or not known.
    pub first_timestamp: Cell<i64>,
    pub created_ms: Cell<i64>,
    /// Once sealed: the largest timestamp, if known.
    pub max_timestamp: Cell<Option<MaxTimestamp>>,
    pub jitter_ms: i64,
    pub last_append: Cell<Instant>,
}

/// What is known of a segment when it is made.
pub(crate) struct SegmentStart {
    pub end: Mark,
    /// The bytes of the last, partial block, if more will be appended.
    pub stub: Vec<u8>,
    pub index: Option<SegmentIndex>,
    pub index_files: IndexFiles,
    pub allocated: u64,
    pub first_timestamp: i64,
    pub created_ms: i64,
    pub jitter_ms: i64,
    pub named: bool,
}

impl<E: Env> Segment<E> {
    /// A segment that begins at `base`, without a file.
    pub fn fresh(base: i64, created_ms: i64, jitter_ms: i64) -> Rc<Segment<E>> {
        let end = Mark { offset: base, segment: base, position: 0 };
        let index = SegmentIndex::new(base);
        let synced = IndexState { offsets: 0, times: 0, max: index.max_timestamp() };
        Segment::from_start(SegmentStart {
            end,
            stub: Vec::new(),
            index: Some(index),
            index_files: IndexFiles::none(synced),
            allocated: 0,
            first_timestamp: -1,
            created_ms,
            jitter_ms,
            named: false,
        })
    }

    /// A segment whose file holds everything up to `start.end`, on stable media.
    pub fn from_start(start: SegmentStart) -> Rc<Segment<E>> {
        Rc::new(Segment {
            base: start.end.segment,
            tail: RefCell::new(Tail::new(start.end.position, start.stub)),
            cold: RefCell::default(),
            index: RefCell::new(start.index),
            index_files: Cell::new(start.index_files),
            end_offset: Cell::new(start.end.offset),
            written: Cell::new(start.end),
            flushed: Cell::new(start.end),
            allocated: Cell::new(start.allocated),
            named: Cell::new(start.named),
            file: RefCell::new(None),
            sealed: Cell::new(false),
            complete: Cell::new(false),
            deleted: Cell::new(false),
            first_timestamp: Cell::new(start.first_timestamp),
            created_ms: Cell::new(start.created_ms),
            max_timestamp: Cell::new(None),
            jitter_ms: start.jitter_ms,
            last_append: Cell::new(Instant::default()),
        })
    }

    /// Logical size in bytes.
    pub fn size(&self) -> u64 {
        self.tail.borrow().end()
    }

    pub fn end_mark(&self) -> Mark {
        Mark { offset: self.end_offset.get(), segment: self.base, position: self.size() }
    }

    /// The index now. Only of a segment that is not sealed, whose index is always in memory.
    pub fn index_state(&self) -> IndexState {
        let index = self.index.borrow();
        let index = index.as_ref().expect("the index of an active segment is in memory");
        let (offsets, times) = index.counts();
        let count = |count| u32::try_from(count).expect("index files stay below 2 GiB");
        IndexState { offsets: count(offsets), times: count(times), max: index.max_timestamp() }
    }

    /// The file, opened for direct access, made if it is not there.
    pub async fn file(&self, env: &E, dir: &Path) -> io::Result<Rc<E::File>> {
        if let Some(file) = self.file.borrow().clone() {
            return Ok(file);
        }
        let path = names::offset_file(dir, self.base, LOG_SUFFIX);
        let create = if self.named.get() { Create::Never } else { Create::IfMissing };
        let mode = OpenMode { write: !self.complete.get(), create, direct: true };
        let file = Rc::new(env.open(&path, mode).await?);
        if !self.named.get() {
            if !plant::is_on(Bug::SkipDirSync) {
                env.sync_dir(dir).await?;
            }
            self.named.set(true);
        }
        // Another task may have opened it meanwhile; either handle will do.
        let kept = self.file.borrow_mut().get_or_insert(file).clone();
        Ok(kept)
    }

    /// Forgets `block`, unless another took its place.
    pub fn remove_cold(&self, block: &Rc<ColdBlock>) {
        let mut cold = self.cold.borrow_mut();
        if cold.get(&block.start).is_some_and(|known| Rc::ptr_eq(known, block)) {
            cold.remove(&block.start);
        }
    }

    /// Forgets all that was read from the file.
    pub fn forget_cold(&self) {
        let forgotten = self.cold.take();
        drop(forgotten);
    }

    /// Leaves the last block in the page cache, where the next start finds it without a read of the
    /// device. The file holds the same bytes already; whether the page gets there does not matter.
    pub async fn keep_last_block(&self, env: &E, dir: &Path) -> io::Result<()> {
        let (start, bytes) = {
            let tail = self.tail.borrow();
            let start = align_down(tail.end());
            if start < tail.start() || start == tail.end() {
                return Ok(());
            }
            let mut bytes = vec![0; to_usize(tail.end() - start)];
            tail.copy(start, &mut bytes);
            (start, bytes)
        };
        let path = names::offset_file(dir, self.base, LOG_SUFFIX);
        let mode = OpenMode { write: true, create: Create::Never, direct: false };
        env.open(&path, mode).await?.write_cached(&[io::IoSlice::new(&bytes)], start)
    }

    pub fn is_open(&self) -> bool {
        self.file.borrow().is_some()
    }

    pub fn has_file(&self) -> bool {
        self.named.get()
    }

    pub fn close_file(&self) {
        self.file.borrow_mut().take();
    }

    /// Makes the file at least `size` bytes long, by a step that grows with the segment, and not
    /// beyond `limit` unless it must.
    pub async fn allocate(&self, file: &E::File, size: u64, limit: u64) -> io::Result<()> {
        let have = self.allocated.get();
        if have >= size {
            return Ok(());
        }
        let step = have.clamp(ALLOCATE_BYTES_MIN, ALLOCATE_BYTES_MAX);
        let need = align_up(size);
        let want = need.max((have + step).min(align_up(limit)));
        let start = crate::tail::align_down(have);
        let mut result = file.allocate(start, want - start).await;
        let full = |result: &io::Result<()>| matches!(result, Err(error) if error.kind() == io::ErrorKind::StorageFull);
        let mut got = want;
        if full(&result) && want > need {
            result = file.allocate(start, need - start).await;
            got = need;
        }
        result?;
        self.allocated.set(self.allocated.get().max(got));
        Ok(())
    }

    /// Writes index entries up to `state` that the files do not have yet; syncs both files if
    /// `sync`. `position` is where in the segment `state` was taken.
    pub async fn write_index(
        &self,
        env: &E,
        dir: &Path,
        state: IndexState,
        position: u64,
        sync: bool,
    ) -> io::Result<()> {
        let files = self.index_files.get();
        let (offsets, times) = (to_count(state.offsets), to_count(state.times));
        let (offset_bytes, time_bytes) = {
            let index = self.index.borrow();
            let Some(index) = index.as_ref() else { return Ok(()) };
            let mut offset_bytes = index.offset_bytes(files.offsets);
            let mut time_bytes = index.time_bytes(files.times);
            offset_bytes
                .truncate(offsets.saturating_sub(files.offsets) * crate::index::OFFSET_ENTRY_BYTES);
            time_bytes.truncate(times.saturating_sub(files.times) * crate::index::TIME_ENTRY_BYTES);
            (offset_bytes, time_bytes)
        };
        let pairs = [
            (INDEX_SUFFIX, files.offsets * crate::index::OFFSET_ENTRY_BYTES, offset_bytes),
            (TIME_INDEX_SUFFIX, files.times * crate::index::TIME_ENTRY_BYTES, time_bytes),
        ];
        for (suffix, at, bytes) in pairs {
            if bytes.is_empty() && !sync {
                continue;
            }
            let path = names::offset_file(dir, self.base, suffix);
            let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
            let file = env.open(&path, mode).await?;
            file.write_cached(&[io::IoSlice::new(&bytes)], crate::tail::to_u64(at))?;
            if sync {
                file.sync_data().await?;
            }
        }
        let mut files = self.index_files.get();
        files.offsets = files.offsets.max(offsets);
        files.times = files.times.max(times);
        files.position = files.position.max(position);
        if sync {
            files.synced_position = position;
            files.synced = state;
        }
        self.index_files.set(files);
        Ok(())
    }
}

pub(crate) fn from_count(count: usize) -> u32 {
    u32::try_from(count).expect("index files stay below 2 GiB")
}

pub(crate) fn to_count(count: u32) -> usize {
    usize::try_from(count).expect("addresses have 64 bits")
}
