//! Writing segments: straight from the chunks by direct writes, at most one in flight per partition
//! (the partition's `io` lock), so that no block is ever written twice at once. Callers: the direct
//! path of large appends, the lazy write-out of what the journal holds, the checkpoint, the
//! completion of sealed segments, trimming.

use crate::config::{
    ALLOCATE_BYTES_MAX, DIRECT_WRITE_BYTES_MAX, NO_SPACE_RETRY_MS, WRITE_OUT_BYTES,
};
use crate::error::LogError;
use crate::frame::{EntryHeader, EntryKind};
use crate::names::{self, LOG_SUFFIX};
use crate::partition::Partition;
use crate::plant::{self, Bug};
use crate::points::Mark;
use crate::segment::Segment;
use crate::tail::{align_down, align_up, to_usize};
use bytes::Bytes;
use engine_io::{DMA_ALIGN, Durability, Env, File, Queue};
use std::io;
use std::rc::Rc;
use std::time::Duration;

impl<E: Env> Partition<E> {
    /// Writes everything below `target` to the segments; if `flush`, makes it durable. The caller
    /// holds the `io` lock. `NoSpace` leaves everything as it was; other errors fence the partition.
    pub(crate) async fn write_segments(&self, target: Mark, flush: bool) -> Result<(), LogError> {
        let result = self.try_write_segments(target, flush).await;
        self.judge_write(&result);
        result
    }

    /// What follows from the end of a write to the partition's files.
    pub(crate) fn judge_write(&self, result: &Result<(), LogError>) {
        match result {
            Ok(()) => {
                if self.0.no_space.replace(false) {
                    tracing::info!(topic = self.topic(), "space is back, appends go on");
                }
            }
            Err(LogError::NoSpace) => {
                if !self.0.no_space.replace(true) {
                    tracing::warn!(topic = self.topic(), "no space left for a segment");
                }
                self.wake_all();
            }
            // The directory is gone with the topic: nothing to fence.
            Err(_) if self.0.stop.get().is_some() => {}
            Err(error) => self.fence(error),
        }
    }

    async fn try_write_segments(&self, target: Mark, flush: bool) -> Result<(), LogError> {
        if self.0.stop.get().is_some() {
            return Err(LogError::Fenced);
        }
        let segments: Vec<Rc<Segment<E>>> = {
            let segments = self.0.segments.borrow();
            let first = segments.partition_point(|segment| segment.complete.get());
            let open = segments[first..].iter();
            open.take_while(|segment| segment.base <= target.segment).cloned().collect()
        };
        let is_new = segments.iter().any(|segment| segment.written.get() != segment.end_mark());
        if is_new {
            self.name_locked().await?;
        }
        let mut earlier_flushed = true;
        for segment in &segments {
            let end = if segment.base == target.segment { target } else { segment.end_mark() };
            let written = segment.written.get();
            if written.position < end.position {
                let clean = segment.flushed.get() == written && earlier_flushed;
                let durability = if flush && clean && end.position - written.position <= PIECE {
                    Durability::Flushed
                } else {
                    Durability::Written
                };
                self.write_segment(segment, end, durability).await?;
            }
            if flush && segment.flushed.get() != segment.written.get() {
                self.flush_segment(segment).await?;
            }
            earlier_flushed &= segment.flushed.get() == segment.written.get();
        }
        Ok(())
    }

    /// Takes note of what is durable in the segments. Everything durable is kill-safe by then.
    pub(crate) fn raise_flushed(&self) {
        self.raise_power(self.flushed_mark());
    }

    /// Everything below is on stable media in the segments.
    pub(crate) fn flushed_mark(&self) -> Mark {
        let segments = self.0.segments.borrow();
        let mut mark = segments.first().expect("a partition has a segment").flushed.get();
        let first = segments.partition_point(|segment| segment.base < mark.segment);
        for (index, segment) in segments.iter().enumerate().skip(first) {
            mark = segment.flushed.get();
            let last = index + 1 == segments.len();
            if last || mark.position < segment.size() || !segment.sealed.get() {
                break;
            }
        }
        mark
    }

    async fn write_segment(
        &self,
        segment: &Rc<Segment<E>>,
        end: Mark,
        durability: Durability,
    ) -> Result<(), LogError> {
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("write", &path, &error);
        let env = &self.0.shared.env;
        let file = segment.file(env, &dir).await.map_err(failed)?;
        let limit = self.0.config.get().segment_bytes;
        let mut position = segment.written.get().position;
        segment.allocate(&file, end.position, limit).await.map_err(failed)?;
        while position < end.position {
            // Cut between blocks, so that the next piece does not touch the last block of this one.
            let cut = align_down(position + DIRECT_WRITE_BYTES_MAX);
            let piece_end = end.position.min(cut);
            let start = align_down(position);
            let data = self.blocks(segment, start, piece_end);
            let rewritten = if position > start { BLOCK } else { 0 };
            let write = write_blocks::<E>(&file, data, start, rewritten, durability);
            let ahead = allocate_ahead(segment, &file, end.position, limit);
            let (written, ahead) = futures_util::future::join(write, ahead).await;
            written.map_err(failed)?;
            // What was allocated ahead is not needed yet: the next write finds out.
            drop(ahead);
            position = piece_end;
        }
        segment.written.set(end);
        if durability == Durability::Flushed {
            segment.flushed.set(end);
        }
        self.0.shared.room.notify();
        Ok(())
    }

    /// The blocks that hold `start..end`: shared where they are full, a padded copy for the last.
    fn blocks(&self, segment: &Segment<E>, start: u64, end: u64) -> Vec<Bytes> {
        let full = align_down(end);
        let shared = &self.0.shared;
        let last = (full < end).then(|| shared.cache.small_buffer(shared));
        let tail = segment.tail.borrow();
        let mut data = Vec::new();
        if full > start {
            tail.share(start..full, &mut data);
        }
        if let Some(mut block) = last {
            let bytes = &mut block.bytes_mut()[..DMA_ALIGN];
            let count = tail.copy(full, bytes).min(to_usize(end - full));
            let count = if plant::is_on(Bug::ForgetTail) { 0 } else { count };
            bytes[count..].fill(0);
            data.push(block.freeze(0..DMA_ALIGN));
        }
        data
    }

    async fn flush_segment(&self, segment: &Rc<Segment<E>>) -> Result<(), LogError> {
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("sync", &path, &error);
        let file = segment.file(&self.0.shared.env, &dir).await.map_err(failed)?;
        let written = segment.written.get();
        match file.sync_data().await {
            Ok(()) => segment.flushed.set(written),
            // A sync that failed for want of space has lost data all the same.
            Err(error) => {
                let kind = error.kind();
                return Err(LogError::Io { action: "sync", path, kind });
            }
        }
        Ok(())
    }

    /// The task of the direct path: writes what is pending until little is left.
    pub(crate) async fn write_direct(self) {
        loop {
            let guard = self.0.io.acquire().await;
            if self.0.stop.get().is_some() || !self.wants_direct() {
                break;
            }
            let (from, to) = (self.0.submitted.get(), self.end_place());
            let pending_all = self.0.all_pending.borrow().back().copied();
            let flush = pending_all.is_some_and(|(_, end)| end > from.offset);
            let bytes = self.pending_bytes();
            match self.name_then_write(to, flush).await {
                Ok(()) => self.0.shared.add_unchecked(bytes),
                Err(LogError::NoSpace) => {
                    self.judge_write(&Err(LogError::NoSpace));
                    drop(guard);
                    if self.0.shared.stopped.get() {
                        break;
                    }
                    self.0.shared.env.sleep(Duration::from_millis(NO_SPACE_RETRY_MS)).await;
                }
                Err(error) => {
                    self.fence(&error);
                    break;
                }
            }
        }
        self.0.direct.set(false);
        if self.0.stop.get().is_none() && self.pending_bytes() > 0 {
            self.0.shared.commit.enqueue(&self, crate::append::Acks::Leader);
        }
    }

    async fn name_then_write(
        &self,
        to: crate::partition::Place,
        flush: bool,
    ) -> Result<(), LogError> {
        if !self.0.is_pointed.get() {
            // Bytes that no journal names need a point before them: it tells recovery that the log
            // is ours, so that a gap is the end and not Kafka's compaction.
            crate::checkpoint::write_points(&self.0.shared, &[]).await?;
        }
        if !self.is_named() {
            self.name_locked().await?;
            // No entry of the journal need follow, so a note has to say that there was a directory.
            self.note_durable();
        }
        self.write_pending(to, flush).await
    }

    async fn write_pending(
        &self,
        to: crate::partition::Place,
        flush: bool,
    ) -> Result<(), LogError> {
        self.write_segments(to.mark, flush).await?;
        self.0.submitted.set(to.mark);
        self.set_kill_safe(to);
        if flush {
            self.raise_flushed();
            self.note_durable();
        } else if !self.0.unflushed.replace(true) {
            self.0.shared.unflushed.borrow_mut().push(self.clone());
        }
        self.advance();
        Ok(())
    }

    /// Puts into the next frame, whenever that is, up to where the segment is durable: evidence for
    /// recovery that a bad checksum below is damage.
    fn note_durable(&self) {
        self.0.shared.commit.note(self.durable_note());
    }

    pub(crate) fn durable_note(&self) -> EntryHeader {
        let mark = self.flushed_mark();
        EntryHeader {
            kind: EntryKind::Durable,
            partition: self.id(),
            segment: mark.segment,
            position: mark.position,
            length: 0,
        }
    }

    /// Starts a flush of segment data that an append with acks=all must not wait a second for.
    pub(crate) fn spawn_flush(&self) {
        let partition = self.clone();
        self.0.shared.spawn(Queue::Append, async move { partition.flush_written().await });
    }

    /// Makes what was written to segments for acks=1 durable.
    pub(crate) async fn flush_written(&self) {
        let _guard = self.0.io.acquire().await;
        if !self.0.unflushed.get() {
            return;
        }
        let target = self.0.kill.get().mark;
        if self.write_segments(target, true).await.is_ok() {
            self.0.unflushed.set(false);
            self.raise_flushed();
            self.advance();
        }
    }

    /// Starts writing to the segment what lies in memory and the journal only, if it is much.
    pub(crate) fn maybe_write_out(&self) {
        let kill = self.0.kill.get().mark;
        let active = self.active();
        let written = active.written.get();
        let dirty = kill.segment == active.base
            && kill.position.saturating_sub(written.position) >= WRITE_OUT_BYTES;
        if !dirty || self.0.writing_out.replace(true) {
            return;
        }
        let partition = self.clone();
        self.0.shared.spawn(Queue::Append, async move {
            let guard = partition.0.io.acquire().await;
            let target = partition.0.kill.get().mark;
            // Errors are told by the partition's state.
            let _told = partition.write_segments(target, false).await;
            drop(guard);
            partition.0.writing_out.set(false);
        });
    }

    /// Completes sealed segments in a task of its own; what cannot be completed yet is left to the
    /// checkpoint.
    pub(crate) async fn complete_sealed(&self) {
        let _guard = self.0.io.acquire().await;
        // Errors are told by the partition's state.
        let _told = self.complete_sealed_locked().await;
    }

    /// All bytes of sealed segments written, their files trimmed, their index files whole, all
    /// synced. The caller holds the `io` lock.
    pub(crate) async fn complete_sealed_locked(&self) -> Result<(), LogError> {
        loop {
            let next = {
                let segments = self.0.segments.borrow();
                let first = segments.partition_point(|segment| segment.complete.get());
                segments.get(first).filter(|segment| segment.sealed.get()).cloned()
            };
            let Some(segment) = next else { return Ok(()) };
            let end = segment.end_mark();
            // What was not submitted is the direct path's or the journal's to write.
            if self.0.kill.get().mark.offset < end.offset {
                return Ok(());
            }
            self.write_segments(end, true).await?;
            self.raise_flushed();
            self.advance();
            if let Err(error) = self.finish_files(&segment).await {
                if !matches!(error, LogError::NoSpace) && self.0.stop.get().is_none() {
                    self.fence(&error);
                }
                return Err(error);
            }
        }
    }

    /// Trims the file of a fully written segment and completes its index files.
    async fn finish_files(&self, segment: &Rc<Segment<E>>) -> Result<(), LogError> {
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("complete", &path, &error);
        self.trim(segment).await?;
        let env = &self.0.shared.env;
        let state = segment.index_state();
        let size = segment.size();
        segment.write_index(env, &dir, state, size, true).await.map_err(failed)?;
        env.sync_dir(&dir).await.map_err(failed)?;
        segment.complete.set(true);
        segment.close_file();
        self.0.shared.cache.note_index(segment);
        Ok(())
    }

    /// Cuts the file to the segment's logical size. The caller holds the `io` lock and has written
    /// everything.
    pub(crate) async fn trim(&self, segment: &Rc<Segment<E>>) -> Result<(), LogError> {
        let size = segment.size();
        if segment.allocated.get() <= size && segment.has_file() {
            return Ok(());
        }
        assert!(segment.written.get().position == size, "only a written segment is trimmed");
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("trim", &path, &error);
        let file = segment.file(&self.0.shared.env, &dir).await.map_err(failed)?;
        file.set_len(size).await.map_err(failed)?;
        segment.allocated.set(size);
        file.sync_data().await.map_err(failed)
    }
}

/// Writes of at most this size, which are one write, may be made durable by themselves.
const PIECE: u64 = DIRECT_WRITE_BYTES_MAX / 2;

/// One block, as a file position.
const BLOCK: u64 = 4096;

/// Writes `data` at `start`, of which the first `rewritten` bytes (none, or a block) lie where
/// something was written before. ext4 looks up whether a direct write hits blocks of one kind,
/// written or only reserved, and lets no other go without waiting: io_uring would hand it to a
/// kernel worker. So the two kinds are two writes. They are submitted together, and the block layer
/// joins them. Flushed writes are handed to a worker anyway, and flush once.
async fn write_blocks<E: Env>(
    file: &E::File,
    mut data: Vec<Bytes>,
    start: u64,
    rewritten: u64,
    durability: Durability,
) -> io::Result<()> {
    let split = to_usize(rewritten);
    let bytes: usize = data.iter().map(Bytes::len).sum();
    if split == 0 || bytes == split || durability == Durability::Flushed {
        return file.write_direct(data, start, durability).await;
    }
    // Pieces are whole blocks, so the first block lies in the first.
    let head = data[0].split_to(split);
    data.retain(|piece| !piece.is_empty());
    let first = file.write_direct(vec![head], start, durability);
    let rest = file.write_direct(data, start + rewritten, durability);
    let (first, rest) = futures_util::future::join(first, rest).await;
    first.and(rest)
}

/// Lets the file grow before the next write needs it.
async fn allocate_ahead<E: Env>(
    segment: &Segment<E>,
    file: &E::File,
    end: u64,
    limit: u64,
) -> io::Result<()> {
    let have = segment.allocated.get();
    let margin = (have / 4).min(ALLOCATE_BYTES_MAX / 2);
    if have >= align_up(limit) || have >= align_up(end) + margin {
        return Ok(());
    }
    segment.allocate(file, have + 1, limit).await
}

impl<E: Env> crate::shared::Shared<E> {
    fn add_unchecked(&self, bytes: u64) {
        self.unchecked_bytes.set(self.unchecked_bytes.get() + bytes);
        if self.unchecked_bytes.get() >= crate::config::UNCHECKED_BYTES_MAX {
            self.want_checkpoint();
        }
    }
}
