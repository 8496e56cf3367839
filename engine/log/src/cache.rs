//! The shard's memory: chunks for appends, taken from the arena and, when that is full, from the
//! oldest chunks whose bytes the files hold; buffers of cold reads, kept a while for the next reader;
//! and which sealed segments have their index in memory and their file open. One per shard.

use crate::config::{INDEX_CACHE_BYTES, OPEN_SEALED_MAX};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::tail::to_u64;
use bytes::Bytes;
use engine_io::{Chunk, ChunkClass, DmaBuf, Env};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// Chunks looked at in one search for memory; beyond, the search gives up and the append is refused.
const EVICT_LOOKS_MAX: usize = 1024;
/// Buffers of cold reads that are kept, and the share of the arena they may take.
const EXTENTS_MAX: usize = 64;
const EXTENTS_ARENA_SHARE: usize = 6;
/// Sequential readers remembered per partition.
const CURSORS_MAX: usize = 8;

/// A reader of cold data: where its last read ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    pub segment: i64,
    pub position: u64,
    /// Bytes to read ahead next time.
    pub window: u64,
}

/// Bytes of a segment's file that were read from the disk.
struct Extent {
    slot: u32,
    segment: i64,
    start: u64,
    bytes: Bytes,
}

pub(crate) struct Cache<E: Env> {
    /// Chunks by age. Those no longer there are skipped.
    chunks: RefCell<VecDeque<(Weak<Segment<E>>, u64)>>,
    /// Cold buffers, the one used last at the back.
    extents: RefCell<VecDeque<Extent>>,
    /// Sealed segments with their index in memory, the one loaded last at the back.
    indexes: RefCell<VecDeque<Weak<Segment<E>>>>,
    /// Sealed segments with an open file, the one opened last at the back.
    opened: RefCell<VecDeque<Weak<Segment<E>>>>,
}

impl<E: Env> Cache<E> {
    pub fn new() -> Cache<E> {
        Cache {
            chunks: RefCell::default(),
            extents: RefCell::default(),
            indexes: RefCell::default(),
            opened: RefCell::default(),
        }
    }

    /// A chunk, if need be at the cost of what was cached. `None`: everything is dirty or in use.
    pub fn chunk(&self, shared: &Shared<E>, class: ChunkClass) -> Option<Chunk> {
        let arena = &shared.config.arena;
        loop {
            if let Some(chunk) = arena.chunk(class) {
                return Some(chunk);
            }
            if !self.drop_extent() && !self.evict(class.bytes()) {
                return arena.chunk(class);
            }
        }
    }

    /// A buffer for a cold read.
    pub fn buffer(&self, shared: &Shared<E>, class: ChunkClass) -> Option<DmaBuf> {
        let arena = &shared.config.arena;
        loop {
            if let Some(buffer) = arena.buffer(class) {
                return Some(buffer);
            }
            if !self.drop_extent() && !self.evict(class.bytes()) {
                return arena.buffer(class);
            }
        }
    }

    /// Remembers new chunks of `segment` by their positions.
    pub fn note_chunks(&self, segment: &Rc<Segment<E>>, starts: impl Iterator<Item = u64>) {
        let mut chunks = self.chunks.borrow_mut();
        for start in starts {
            chunks.push_back((Rc::downgrade(segment), start));
        }
    }

    /// Lets go of clean chunks, the oldest first, until about `bytes` were freed. Whether any was.
    pub fn evict(&self, bytes: usize) -> bool {
        let mut chunks = self.chunks.borrow_mut();
        let mut kept = Vec::new();
        let mut freed = 0;
        for _ in 0..EVICT_LOOKS_MAX {
            let Some((weak, start)) = chunks.pop_front() else { break };
            let Some(segment) = weak.upgrade() else { continue };
            let clean = segment.written.get().position;
            let mut tail = segment.tail.borrow_mut();
            match tail.first_chunk() {
                Some(first) if first == start => {
                    let before = tail.start();
                    if tail.evict_first(clean) {
                        freed += crate::tail::to_usize(tail.start() - before);
                    } else {
                        kept.push((weak, start));
                    }
                }
                // An older chunk of the segment is still there: this one's turn comes later.
                Some(first) if first < start => kept.push((weak, start)),
                _ => {}
            }
            if freed >= bytes {
                break;
            }
        }
        for entry in kept.into_iter().rev() {
            chunks.push_front(entry);
        }
        freed > 0
    }

    fn drop_extent(&self) -> bool {
        self.extents.borrow_mut().pop_front().is_some()
    }

    /// Bytes of a cold buffer that holds `position`, from there to the buffer's end.
    pub fn extent(&self, slot: u32, segment: i64, position: u64) -> Option<Bytes> {
        let mut extents = self.extents.borrow_mut();
        let index = extents.iter().position(|extent| {
            extent.slot == slot
                && extent.segment == segment
                && extent.start <= position
                && position < extent.start + to_u64(extent.bytes.len())
        })?;
        let extent = extents.remove(index).expect("just found");
        let from = crate::tail::to_usize(position - extent.start);
        let bytes = extent.bytes.slice(from..);
        extents.push_back(extent);
        Some(bytes)
    }

    /// Keeps a cold buffer for later readers.
    pub fn keep(&self, shared: &Shared<E>, slot: u32, segment: i64, start: u64, bytes: Bytes) {
        let limit = shared.config.arena.limit_bytes() / EXTENTS_ARENA_SHARE;
        let mut extents = self.extents.borrow_mut();
        extents.retain(|extent| {
            !(extent.slot == slot && extent.segment == segment && extent.start == start)
        });
        extents.push_back(Extent { slot, segment, start, bytes });
        let mut sum: usize = extents.iter().map(|extent| extent.bytes.len()).sum();
        while extents.len() > EXTENTS_MAX || (sum > limit && extents.len() > 1) {
            let Some(oldest) = extents.pop_front() else { break };
            sum -= oldest.bytes.len();
        }
    }

    /// Forgets cold buffers of a partition, all or of one segment.
    pub fn forget(&self, slot: u32, segment: Option<i64>) {
        self.extents.borrow_mut().retain(|extent| {
            extent.slot != slot || segment.is_some_and(|base| extent.segment != base)
        });
    }

    /// Notes that the index of a sealed segment was loaded; drops older ones beyond the limit.
    pub fn note_index(&self, segment: &Rc<Segment<E>>) {
        let mut indexes = self.indexes.borrow_mut();
        indexes.push_back(Rc::downgrade(segment));
        let mut sum = 0;
        for weak in indexes.iter() {
            if let Some(segment) = weak.upgrade() {
                sum += segment.index.borrow().as_ref().map_or(0, |index| index.memory_bytes());
            }
        }
        while sum > INDEX_CACHE_BYTES && indexes.len() > 1 {
            let Some(weak) = indexes.pop_front() else { break };
            if let Some(segment) = weak.upgrade() {
                let dropped = segment.index.borrow_mut().take();
                sum -= dropped.map_or(0, |index| index.memory_bytes());
            }
        }
    }

    /// Notes that the file of a sealed segment was opened; closes older ones beyond the limit.
    pub fn note_open(&self, segment: &Rc<Segment<E>>) {
        let mut opened = self.opened.borrow_mut();
        opened.push_back(Rc::downgrade(segment));
        while opened.len() > OPEN_SEALED_MAX {
            let Some(weak) = opened.pop_front() else { break };
            if let Some(segment) = weak.upgrade() {
                segment.close_file();
            }
        }
    }
}

/// How much to read at `position`, and remembers that the read took place.
pub(crate) fn read_ahead(
    cursors: &mut Vec<Cursor>,
    segment: i64,
    position: u64,
    bytes: (u64, u64),
) -> u64 {
    let (min, max) = bytes;
    let known =
        cursors.iter().position(|cursor| cursor.segment == segment && cursor.position == position);
    let window = match known {
        Some(index) => (cursors.remove(index).window * 4).min(max),
        None => min,
    };
    if cursors.len() == CURSORS_MAX {
        cursors.remove(0);
    }
    cursors.push(Cursor { segment, position: position + window, window });
    window
}
