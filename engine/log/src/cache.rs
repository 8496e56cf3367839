//! The shard's memory: chunks for appends and blocks of cold data, both from one arena. While it has
//! room everything stays. When it is full, a chunk is made room for by the oldest chunk whose bytes
//! the files hold, or by a block of cold data; a block never at the cost of the tails' own part
//! ([`TAIL_ARENA_SHARE`]). Blocks leave in the order they came: whatever else would keep some longer
//! keeps them behind the last of readers that follow one another. Also: which sealed segments have
//! their index in memory and their file open. One per shard.

use crate::cold::{ColdBlock, ColdCounts};
use crate::config::{
    COLD_BLOCK, INDEX_CACHE_BYTES, OPEN_SEALED_MAX, READ_AHEAD_ARENA_SHARE, TAIL_ARENA_SHARE,
};
use crate::segment::Segment;
use crate::shared::Shared;
use engine_io::{Chunk, ChunkClass, DmaBuf, Env, Instant};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// Chunks looked at in one search for memory; beyond, the search gives up and the append is refused.
/// As many of the smallest as the largest journal by default keeps from going.
const EVICT_LOOKS_MAX: usize = (256 << 20) / ChunkClass::K16.bytes();
/// A block that was read ahead and is not used for so long is given up.
const READ_AHEAD_WAIT: Duration = Duration::from_secs(5);
/// Entries of a queue before it is looked through for those whose chunk or block has gone.
const PRUNE_MIN: usize = 1024;

/// Chunks or blocks by age. Some may have gone already.
struct ByAge<T> {
    entries: VecDeque<T>,
    /// Length at which those that have gone are taken out.
    prune_at: usize,
}

impl<T> ByAge<T> {
    fn new() -> ByAge<T> {
        ByAge { entries: VecDeque::new(), prune_at: PRUNE_MIN }
    }

    fn push(&mut self, entry: T, is_there: impl FnMut(&T) -> bool) {
        self.entries.push_back(entry);
        if self.entries.len() > self.prune_at {
            self.entries.retain(is_there);
            self.prune_at = PRUNE_MIN.max(self.entries.len() * 2);
        }
    }
}

type SegmentAndBlock<E> = (Weak<Segment<E>>, Weak<ColdBlock>);

pub(crate) struct Cache<E: Env> {
    chunks: RefCell<ByAge<(Weak<Segment<E>>, u64)>>,
    blocks: RefCell<ByAge<SegmentAndBlock<E>>>,
    /// Blocks that were read ahead, and when.
    ahead: RefCell<ByAge<(Instant, Weak<ColdBlock>)>>,
    pub counts: Rc<ColdCounts>,
    /// Sealed segments with their index in memory, the one loaded last at the back.
    indexes: RefCell<VecDeque<Weak<Segment<E>>>>,
    /// Sealed segments with an open file, the one opened last at the back.
    opened: RefCell<VecDeque<Weak<Segment<E>>>>,
}

impl<E: Env> Cache<E> {
    pub fn new() -> Cache<E> {
        Cache {
            chunks: RefCell::new(ByAge::new()),
            blocks: RefCell::new(ByAge::new()),
            ahead: RefCell::new(ByAge::new()),
            counts: Rc::default(),
            indexes: RefCell::default(),
            opened: RefCell::default(),
        }
    }

    /// A chunk of `class`, or a smaller one where what is free lies in smaller pieces, if need be at
    /// the cost of what was cached. `None`: everything is dirty or in use.
    pub fn chunk(&self, shared: &Shared<E>, class: ChunkClass) -> Option<Chunk> {
        let arena = &shared.config.arena;
        if let Some(chunk) = arena.chunk(class) {
            return Some(chunk);
        }
        let mut has_room = arena.limit_bytes() - arena.used_bytes() >= class.bytes();
        loop {
            has_room = has_room || self.make_room(shared, class);
            let mut fitting = ChunkClass::ALL.into_iter().rev().filter(|one| *one <= class);
            let chunk = fitting.find_map(|one| arena.chunk(one));
            if chunk.is_some() || !has_room {
                return chunk;
            }
            has_room = false;
        }
    }

    /// A buffer of the smallest class, if need be at the cost of what was cached, at worst from
    /// outside of the arena: what it is for cannot wait. Each partition that writes may have one.
    pub fn small_buffer(&self, shared: &Shared<E>) -> DmaBuf {
        let arena = &shared.config.arena;
        let class = ChunkClass::K16;
        let buffer = arena.buffer(class).or_else(|| {
            self.make_room(shared, class);
            arena.buffer(class)
        });
        buffer.unwrap_or_else(|| DmaBuf::unpooled(class.bytes()))
    }

    /// Lets go of about as much as a block of `class`. Whether there was anything.
    fn make_room(&self, shared: &Shared<E>, class: ChunkClass) -> bool {
        match self.tails_have_their_part(shared) {
            true => self.evict(class.bytes()) || self.evict_block(),
            false => self.evict_block() || self.evict(class.bytes()),
        }
    }

    /// Memory for a block of cold data. `None`: the tails need it all, or what is on its way takes
    /// all that is not theirs.
    pub fn cold_buffer(&self, shared: &Shared<E>) -> Option<DmaBuf> {
        let arena = &shared.config.arena;
        let not_theirs = arena.limit_bytes() - arena.limit_bytes() / TAIL_ARENA_SHARE;
        if (self.counts.loading.get() + 1) * COLD_BLOCK.bytes() > not_theirs {
            return None;
        }
        // Tails first, but a tail's chunk may leave no whole block, and a block does.
        let mut is_first = true;
        loop {
            if let Some(buffer) = arena.buffer(COLD_BLOCK) {
                return Some(buffer);
            }
            let from_tails =
                || self.tails_have_their_part(shared) && self.evict(COLD_BLOCK.bytes());
            let freed = match is_first {
                true => from_tails() || self.evict_block(),
                false => self.evict_block() || from_tails(),
            };
            if !freed {
                return None;
            }
            is_first = false;
        }
    }

    /// Whether chunks, and what answers still hold, are more than the part that is the tails' alone.
    fn tails_have_their_part(&self, shared: &Shared<E>) -> bool {
        let arena = &shared.config.arena;
        let blocks = self.counts.kept.get() * COLD_BLOCK.bytes();
        arena.used_bytes().saturating_sub(blocks) > arena.limit_bytes() / TAIL_ARENA_SHARE
    }

    /// Remembers new chunks of `segment` by their positions.
    pub fn note_chunks(&self, segment: &Rc<Segment<E>>, starts: impl Iterator<Item = u64>) {
        let mut chunks = self.chunks.borrow_mut();
        for start in starts {
            chunks.push((Rc::downgrade(segment), start), |(weak, start)| {
                weak.upgrade().is_some_and(|segment| {
                    // Of the segment being appended to, whose tail is in use, all are there.
                    let tail = segment.tail.try_borrow();
                    tail.map_or(true, |tail| tail.first_chunk().is_some_and(|one| one <= *start))
                })
            });
        }
    }

    /// Lets go of clean chunks, the oldest first, until about `bytes` were freed. Those that cannot go
    /// yet count as new ones from then on, so that the next search does not meet them again. Whether
    /// any went.
    pub fn evict(&self, bytes: usize) -> bool {
        let chunks = &mut self.chunks.borrow_mut().entries;
        let mut freed = 0;
        for _ in 0..chunks.len().min(EVICT_LOOKS_MAX) {
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
                        chunks.push_back((weak, start));
                    }
                }
                // An older chunk of the segment is still there: this one's turn comes later.
                Some(first) if first < start => chunks.push_back((weak, start)),
                _ => {}
            }
            if freed >= bytes {
                break;
            }
        }
        freed > 0
    }

    /// Lets go of the block that came first. Whether there was any.
    fn evict_block(&self) -> bool {
        let blocks = &mut self.blocks.borrow_mut().entries;
        while let Some((segment, block)) = blocks.pop_front() {
            if let (Some(segment), Some(block)) = (segment.upgrade(), block.upgrade()) {
                segment.remove_cold(&block);
                return true;
            }
        }
        false
    }

    /// Remembers a block that was loaded.
    pub fn note_cold(&self, segment: &Rc<Segment<E>>, block: &Rc<ColdBlock>) {
        let entry = (Rc::downgrade(segment), Rc::downgrade(block));
        self.blocks.borrow_mut().push(entry, |(_, block)| block.strong_count() > 0);
    }

    /// Remembers a block that is read ahead.
    pub fn note_ahead(&self, shared: &Shared<E>, block: &Rc<ColdBlock>) {
        let entry = (shared.env.now(), Rc::downgrade(block));
        let is_there = |block: &Weak<ColdBlock>| block.upgrade().is_some_and(|one| one.is_ahead());
        self.ahead.borrow_mut().push(entry, |(_, block)| is_there(block));
    }

    /// Whether there may be another block that nobody has used yet. Those whose reader does not come
    /// do not count.
    pub fn may_read_ahead(&self, shared: &Shared<E>) -> bool {
        let arena_bytes = shared.config.arena.limit_bytes();
        let limit = arena_bytes / READ_AHEAD_ARENA_SHARE / COLD_BLOCK.bytes();
        let now = shared.env.now();
        let ahead = &mut self.ahead.borrow_mut().entries;
        while self.counts.ahead.get() >= limit {
            let Some((since, block)) = ahead.front() else { return false };
            if let Some(block) = block.upgrade() {
                if block.is_ahead() && now.since(*since) < READ_AHEAD_WAIT {
                    return false;
                }
                block.use_now();
            }
            ahead.pop_front();
        }
        true
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
