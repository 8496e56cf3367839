//! Reading: the tail from chunks without a copy, anything older from blocks that direct reads fill
//! ([`crate::load`]), ahead of readers who read in a row. Called on the partition's shard by fetch
//! and by replay of internal topics. What comes from the disk is checked before it is served: a batch
//! whose checksum does not hold is never returned.

use crate::cold;
use crate::config::{READ_BYTES_MAX, SMALL_FILE_BYTES_MAX};
use crate::error::LogError;
use crate::index::SegmentIndex;
use crate::names::{self, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::partition::{Partition, Stop};
use crate::points::Mark;
use crate::segment::Segment;
use crate::tail::to_u64;
use bytes::Bytes;
use engine_io::Env;
use engine_record::BatchHeader;
use engine_record::header::HEADER_BYTES;
use std::ops::Range;
use std::rc::Rc;

/// Up to where a read may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Upper {
    /// What consumers may see.
    HighWatermark,
    /// Everything appended, safe or not.
    LogEnd,
}

#[derive(Clone, Copy, Debug)]
pub struct ReadRequest {
    pub offset: i64,
    pub max_bytes: u64,
    /// Return the first batch even if it is larger than `max_bytes`.
    pub at_least_one: bool,
    pub upper: Upper,
}

/// Whole batches, the first of which holds the offset asked for.
#[derive(Clone, Debug, Default)]
pub struct Read {
    pub records: Vec<Bytes>,
    /// Sum of `records`.
    pub bytes: u64,
    /// There is more below the upper bound: the limit, or the end of a segment, ended the read.
    pub is_cut: bool,
    pub high_watermark: i64,
    pub log_start: i64,
    pub log_end: i64,
}

impl<E: Env> Partition<E> {
    /// Reads from `request.offset` on. An offset at the upper bound, or between it and the end of the
    /// log, reads nothing. Never returns batches of more than one segment.
    pub async fn read(&self, request: ReadRequest) -> Result<Read, LogError> {
        let (log_start, log_end) = (self.log_start(), self.log_end());
        if self.0.stop.get() == Some(Stop::Deleted) {
            return Err(LogError::Closed);
        }
        if request.offset < log_start || request.offset > log_end {
            return Err(LogError::OffsetOutOfRange { log_start, log_end });
        }
        let limit = match request.upper {
            Upper::HighWatermark => self.0.high.get(),
            Upper::LogEnd => self.0.end.get(),
        };
        let mut read =
            Read { high_watermark: self.high_watermark(), log_start, log_end, ..Read::default() };
        let max_bytes = request.max_bytes.min(READ_BYTES_MAX);
        let found = self.find_and_want(request.offset, limit, max_bytes).await?;
        let Some((segment, start, header)) = found else {
            return Ok(read);
        };
        let first_bytes = to_u64(header.bytes_len());
        if first_bytes > max_bytes && !request.at_least_one {
            read.is_cut = true;
            return Ok(read);
        }
        let first = start + first_bytes;
        if first > limit_in(&segment, limit) {
            // All limits lie between batches.
            segment.forget_cold();
            return Err(self.damaged(&segment, start));
        }
        let last = start + max_bytes.max(first_bytes);
        let end = self.last_boundary(&segment, first, limit, last).await?;
        assert!(end >= first);
        self.read_ahead(&segment, start..end);
        read.records = self.bytes(&segment, start..end).await?;
        read.bytes = end - start;
        read.is_cut = segment.base < limit.segment || end < limit_in(&segment, limit);
        Ok(read)
    }

    /// The batch that holds `offset`, or the next one: its segment, position and header. `None` at
    /// `limit`.
    pub(crate) async fn find(
        &self,
        offset: i64,
        limit: Mark,
    ) -> Result<Option<(Rc<Segment<E>>, u64, BatchHeader)>, LogError> {
        self.find_and_want(offset, limit, 0).await
    }

    /// As [`find`](Self::find), and has the disk read what is not in memory of the `bytes` from there
    /// on, all at once.
    async fn find_and_want(
        &self,
        offset: i64,
        limit: Mark,
        bytes: u64,
    ) -> Result<Option<(Rc<Segment<E>>, u64, BatchHeader)>, LogError> {
        let mut segment = self.segment_of(offset);
        loop {
            let size = limit_in(&segment, limit);
            let mut position =
                self.with_index(&segment, |index| index.floor_offset(offset)).await?;
            self.want(&segment, position..size.min(position.saturating_add(bytes)));
            while position < size {
                let header = self.header(&segment, position).await?;
                if header.last_offset().0 >= offset {
                    return Ok(Some((segment, position, header)));
                }
                position += to_u64(header.bytes_len());
            }
            let next = {
                let segments = self.0.segments.borrow();
                let above = segments.partition_point(|one| one.base <= segment.base);
                segments.get(above).filter(|one| one.base <= limit.segment).cloned()
            };
            match next {
                Some(next) => segment = next,
                None => return Ok(None),
            }
        }
    }

    /// The end of the last whole batch that ends at `last` or before; `first` is where one ends. The
    /// index may be wrong: what lies between is checked by whoever reads it.
    async fn last_boundary(
        &self,
        segment: &Rc<Segment<E>>,
        first: u64,
        limit: Mark,
        last: u64,
    ) -> Result<u64, LogError> {
        let size = limit_in(segment, limit);
        if last >= size {
            return Ok(size);
        }
        let floor = self.with_index(segment, |index| index.floor_position(last)).await?;
        let mut position = floor.max(first);
        loop {
            if position == size {
                return Ok(position);
            }
            let header = self.header(segment, position).await?;
            let next = position + to_u64(header.bytes_len());
            if next > last {
                return Ok(position);
            }
            position = next;
        }
    }

    /// Calls `look` with the segment's index, which is read from the files first if it is not in
    /// memory.
    pub(crate) async fn with_index<T>(
        &self,
        segment: &Rc<Segment<E>>,
        look: impl FnOnce(&SegmentIndex) -> T,
    ) -> Result<T, LogError> {
        if let Some(index) = segment.index.borrow().as_ref() {
            return Ok(look(index));
        }
        let dir = self.0.dir.borrow().clone();
        let (size, end) = (segment.size(), segment.end_offset.get());
        let index = load_index(&self.0.shared.env, &dir, segment.base, size, end).await;
        let result = look(&index);
        *segment.index.borrow_mut() = Some(index);
        self.0.shared.cache.note_index(segment);
        Ok(result)
    }

    /// The header of the batch at `position`.
    pub(crate) async fn header(
        &self,
        segment: &Rc<Segment<E>>,
        position: u64,
    ) -> Result<BatchHeader, LogError> {
        let mut bytes = [0; HEADER_BYTES];
        let hot = {
            let tail = segment.tail.borrow();
            position >= tail.start() && tail.copy(position, &mut bytes) == HEADER_BYTES
        };
        if !hot && !Self::copy_cold(segment, position, &mut bytes) {
            let end = position + to_u64(HEADER_BYTES);
            if end > segment.size() {
                return Err(self.damaged(segment, position));
            }
            let mut at = 0;
            for piece in self.gather(segment, position..end).await? {
                bytes[at..at + piece.bytes.len()].copy_from_slice(&piece.bytes);
                at += piece.bytes.len();
            }
        }
        match BatchHeader::parse(&bytes) {
            Ok(header) if position + to_u64(header.bytes_len()) <= segment.size() => Ok(header),
            _ => {
                segment.forget_cold();
                Err(self.damaged(segment, position))
            }
        }
    }

    /// Whole batches of a segment. Those from the disk are checked.
    pub(crate) async fn bytes(
        &self,
        segment: &Rc<Segment<E>>,
        range: Range<u64>,
    ) -> Result<Vec<Bytes>, LogError> {
        {
            let tail = segment.tail.borrow();
            if range.start >= tail.start() {
                let mut parts = Vec::new();
                tail.share(range, &mut parts);
                return Ok(parts);
            }
        }
        let start = range.start;
        let pieces = self.gather(segment, range).await?;
        if let Err(at) = cold::check(&pieces) {
            // Whoever asks again has the disk asked again.
            segment.forget_cold();
            let error = self.damaged(segment, start + at);
            tracing::error!(topic = self.topic(), %error, "a read met a batch with a bad checksum");
            return Err(error);
        }
        Ok(pieces.into_iter().map(|piece| piece.bytes).collect())
    }

    pub(crate) fn damaged(&self, segment: &Segment<E>, position: u64) -> LogError {
        let file = names::offset_file(&self.0.dir.borrow(), segment.base, LOG_SUFFIX);
        LogError::Damaged { file, position }
    }
}

/// Where in `segment` a read that may go up to `limit` ends.
fn limit_in<E: Env>(segment: &Segment<E>, limit: Mark) -> u64 {
    match segment.base.cmp(&limit.segment) {
        std::cmp::Ordering::Less => segment.size(),
        std::cmp::Ordering::Equal => limit.position,
        std::cmp::Ordering::Greater => 0,
    }
}

/// The index of a sealed segment from its files; empty where they are missing or make no sense, which
/// only makes look-ups slow.
pub(crate) async fn load_index<E: Env>(
    env: &E,
    dir: &std::path::Path,
    base: i64,
    size: u64,
    end_offset: i64,
) -> SegmentIndex {
    let offsets = names::offset_file(dir, base, INDEX_SUFFIX);
    let offsets = env.read_whole(&offsets, SMALL_FILE_BYTES_MAX).await.unwrap_or_default();
    let times = names::offset_file(dir, base, TIME_INDEX_SUFFIX);
    let times = env.read_whole(&times, SMALL_FILE_BYTES_MAX).await.unwrap_or_default();
    SegmentIndex::from_files(base, &offsets, &times, size, end_offset)
}
