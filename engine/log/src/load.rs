//! How cold data comes into memory: blocks are read from segments' files by direct reads, each by a
//! task of its own, so that a reader who goes away changes nothing and all who want a block wait for
//! one read. Lives on the partition's shard; called by [`crate::read`].

use crate::cold::{ColdBlock, Piece, Reason, block_start};
use crate::config::{COLD_BLOCK_BYTES, READ_AHEAD_BYTES_MAX};
use crate::error::LogError;
use crate::names::{self, LOG_SUFFIX};
use crate::partition::Partition;
use crate::segment::Segment;
use crate::tail::{align_down, to_u64, to_usize};
use bytes::Bytes;
use engine_io::{DmaBuf, Env, File, Queue};
use std::io;
use std::ops::Range;
use std::rc::Rc;

impl<E: Env> Partition<E> {
    /// `range` of a segment, from blocks and, as far as it is there, from the tail. Not checked.
    pub(crate) async fn gather(
        &self,
        segment: &Rc<Segment<E>>,
        range: Range<u64>,
    ) -> Result<Vec<Piece>, LogError> {
        // All reads are under way before the first is waited for, and none of their blocks leaves.
        let held = self.want(segment, range.clone());
        let mut pieces = Vec::with_capacity(held.len() + 1);
        let mut position = range.start;
        while position < range.end {
            {
                let tail = segment.tail.borrow();
                if position >= tail.start() {
                    let mut shared = Vec::new();
                    tail.share(position..range.end, &mut shared);
                    pieces.extend(shared.into_iter().map(Piece::hot));
                    break;
                }
            }
            let known = held.iter().find(|block| block.start == block_start(position));
            let (block, bytes) = self.block_at(segment, position, known.cloned()).await?;
            let piece = Piece::cold(block, &bytes, position, range.end);
            position += to_u64(piece.bytes.len());
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// Copies bytes of a block that is in memory; whether all of `out` are there.
    pub(crate) fn copy_cold(segment: &Segment<E>, position: u64, out: &mut [u8]) -> bool {
        let cold = segment.cold.borrow();
        let ready = cold.get(&block_start(position)).and_then(|block| block.ready());
        let from = to_usize(position % COLD_BLOCK_BYTES);
        let Some(bytes) = ready.as_ref().and_then(|ready| ready.get(from..from + out.len())) else {
            return false;
        };
        out.copy_from_slice(bytes);
        true
    }

    /// Has the blocks of `range`, up to where the tail begins, read that are neither here nor on
    /// their way; returns all for which there is memory.
    pub(crate) fn want(&self, segment: &Rc<Segment<E>>, range: Range<u64>) -> Vec<Rc<ColdBlock>> {
        let end = range.end.min(segment.tail.borrow().start());
        let mut blocks = Vec::new();
        let mut position = range.start;
        while position < end {
            let Some(block) = self.find_or_load(segment, position) else { break };
            blocks.push(block);
            position = block_start(position) + COLD_BLOCK_BYTES;
        }
        blocks
    }

    /// The block that holds `position`, if it is here, on its way, or there is memory for it.
    fn find_or_load(&self, segment: &Rc<Segment<E>>, position: u64) -> Option<Rc<ColdBlock>> {
        let start = block_start(position);
        let known = segment.cold.borrow().get(&start).cloned();
        match known {
            Some(block) if !block.is_short_of(position) => Some(block),
            _ => self.load(segment, start, Reason::Wanted),
        }
    }

    /// Notes that `range` was read and reads ahead of who reads in a row.
    pub(crate) fn read_ahead(&self, segment: &Rc<Segment<E>>, range: Range<u64>) {
        let hot_from = segment.tail.borrow().start();
        if range.start >= hot_from {
            return;
        }
        let next = match segment.sealed.get() && range.end == segment.size() {
            true => (segment.end_offset.get(), 0),
            false => (segment.base, range.end),
        };
        let run_bytes = self.0.cursors.borrow_mut().note(segment.base, range.clone(), next);
        if run_bytes == 0 {
            return;
        }
        let shared = &self.0.shared;
        let ahead = run_bytes.clamp(COLD_BLOCK_BYTES, READ_AHEAD_BYTES_MAX);
        let end = hot_from.min(range.end + ahead);
        let mut start = block_start(range.end);
        while start < end && shared.cache.may_read_ahead(shared) {
            let is_there = segment.cold.borrow().contains_key(&start);
            if !is_there {
                let Some(block) = self.load(segment, start, Reason::Ahead) else { return };
                shared.cache.note_ahead(shared, &block);
            }
            start += COLD_BLOCK_BYTES;
        }
    }

    /// Begins to read a block. One that was too short goes.
    fn load(&self, segment: &Rc<Segment<E>>, start: u64, reason: Reason) -> Option<Rc<ColdBlock>> {
        let shared = &self.0.shared;
        let buffer = shared.cache.cold_buffer(shared)?;
        let block = ColdBlock::new(start, reason, &shared.cache.counts);
        segment.cold.borrow_mut().insert(start, block.clone());
        self.start_read(segment, &block, buffer);
        Some(block)
    }

    /// Begins to read a little from `position` on, when there is no memory for a block, for one
    /// reader.
    fn load_little(&self, segment: &Rc<Segment<E>>, position: u64) -> Rc<ColdBlock> {
        let block = ColdBlock::unpooled(align_down(position));
        self.start_read(segment, &block, DmaBuf::unpooled(LITTLE_BYTES));
        block
    }

    fn start_read(&self, segment: &Rc<Segment<E>>, block: &Rc<ColdBlock>, buffer: DmaBuf) {
        let (partition, segment, block) = (self.clone(), segment.clone(), block.clone());
        self.0.shared.spawn(Queue::Net, async move {
            let result = partition.read_block(&segment, block.start, buffer).await;
            match result {
                Ok(_) if block.is_kept() => partition.0.shared.cache.note_cold(&segment, &block),
                Ok(_) => {}
                Err(_) => segment.remove_cold(&block),
            }
            block.end(result);
        });
    }

    async fn read_block(
        &self,
        segment: &Rc<Segment<E>>,
        start: u64,
        buffer: DmaBuf,
    ) -> Result<Bytes, LogError> {
        let shared = &self.0.shared;
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("read", &path, &error);
        let was_open = segment.is_open();
        let file = match segment.file(&shared.env, &dir).await {
            Ok(file) => file,
            // Retention was faster: its offsets are gone.
            Err(_) if segment.deleted.get() => {
                let (log_start, log_end) = (self.log_start(), self.log_end());
                return Err(LogError::OffsetOutOfRange { log_start, log_end });
            }
            Err(error) => return Err(failed(error)),
        };
        if segment.sealed.get() && !was_open {
            shared.cache.note_open(segment);
        }
        // What is written while the read is under way may be in the buffer or not.
        let written = segment.written.get().position;
        let (result, buffer) = file.read_direct(buffer, start).await;
        let count = to_u64(result.map_err(failed)?);
        let usable = count.min(written.saturating_sub(start));
        Ok(buffer.freeze(0..to_usize(usable)))
    }

    /// A block that holds `position`, which lies before the tail, and its bytes. `known`: one that
    /// should be it.
    async fn block_at(
        &self,
        segment: &Rc<Segment<E>>,
        position: u64,
        mut known: Option<Rc<ColdBlock>>,
    ) -> Result<(Rc<ColdBlock>, Bytes), LogError> {
        // Another's read may have begun when less was written; one that begins now has all.
        for _ in 0..LOADS_MAX {
            let block = known.take().or_else(|| self.find_or_load(segment, position));
            let block = block.unwrap_or_else(|| self.load_little(segment, position));
            let bytes = block.bytes().await?;
            if !block.is_short_of(position) {
                return Ok((block, bytes));
            }
        }
        Err(self.damaged(segment, position))
    }
}

/// What is read without memory of the arena.
const LITTLE_BYTES: usize = 64 << 10;
/// Times a block is looked for before its file is found too short.
const LOADS_MAX: u32 = 2;
