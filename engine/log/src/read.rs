//! Reading: the tail from chunks without a copy, anything older by direct reads into cached buffers,
//! with read-ahead for sequential readers. Called on the partition's shard by fetch and by replay of
//! internal topics. What comes from the disk is checked before it is served: a batch whose checksum
//! does not hold is never returned.

use crate::cache::read_ahead;
use crate::config::{
    READ_AHEAD_BYTES_MAX, READ_AHEAD_BYTES_MIN, READ_BYTES_MAX, SMALL_FILE_BYTES_MAX,
};
use crate::error::LogError;
use crate::index::SegmentIndex;
use crate::names::{self, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::partition::{Partition, Stop};
use crate::points::Mark;
use crate::segment::Segment;
use crate::tail::{align_down, to_u64, to_usize};
use bytes::Bytes;
use engine_io::{ChunkClass, DmaBuf, Env, File};
use engine_record::BatchHeader;
use engine_record::header::HEADER_BYTES;
use std::borrow::Cow;
use std::io;
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
        let Some((segment, start, header)) = self.find(request.offset, limit).await? else {
            return Ok(read);
        };
        let first_bytes = to_u64(header.bytes_len());
        let max_bytes = request.max_bytes.min(READ_BYTES_MAX);
        if first_bytes > max_bytes && !request.at_least_one {
            read.is_cut = true;
            return Ok(read);
        }
        let end = self.last_boundary(&segment, start, limit, max_bytes.max(first_bytes)).await?;
        assert!(end >= start + first_bytes);
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
        let mut segment = self.segment_of(offset);
        loop {
            let size = limit_in(&segment, limit);
            let mut position =
                self.with_index(&segment, |index| index.floor_offset(offset)).await?;
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

    /// The end of the last whole batch within `max_bytes` from `start`, a batch's position.
    async fn last_boundary(
        &self,
        segment: &Rc<Segment<E>>,
        start: u64,
        limit: Mark,
        max_bytes: u64,
    ) -> Result<u64, LogError> {
        let size = limit_in(segment, limit);
        let last = start + max_bytes;
        if last >= size {
            return Ok(size);
        }
        let floor = self.with_index(segment, |index| index.floor_position(last)).await?;
        let mut position = floor.max(start);
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
        if !hot {
            let end = position + to_u64(HEADER_BYTES);
            if end > segment.size() {
                return Err(self.damaged(segment, position));
            }
            let mut at = 0;
            for part in self.raw(segment, position..end).await? {
                bytes[at..at + part.len()].copy_from_slice(&part);
                at += part.len();
            }
        }
        let header = BatchHeader::parse(&bytes).map_err(|_| self.damaged(segment, position))?;
        if position + to_u64(header.bytes_len()) > segment.size() {
            return Err(self.damaged(segment, position));
        }
        Ok(header)
    }

    /// Whole batches of a segment. Those from the disk are checked.
    pub(crate) async fn bytes(
        &self,
        segment: &Rc<Segment<E>>,
        range: Range<u64>,
    ) -> Result<Vec<Bytes>, LogError> {
        let hot_from = segment.tail.borrow().start();
        let parts = self.raw(segment, range.clone()).await?;
        if range.start < hot_from
            && let Err(at) = verify(&parts)
        {
            self.0.shared.cache.forget(self.0.slot, Some(segment.base));
            let error = self.damaged(segment, range.start + at);
            tracing::error!(topic = self.topic(), %error, "a read met a batch with a bad checksum");
            return Err(error);
        }
        Ok(parts)
    }

    pub(crate) fn damaged(&self, segment: &Segment<E>, position: u64) -> LogError {
        let file = names::offset_file(&self.0.dir.borrow(), segment.base, LOG_SUFFIX);
        LogError::Damaged { file, position }
    }

    /// Bytes of a segment from wherever they are.
    async fn raw(
        &self,
        segment: &Rc<Segment<E>>,
        range: Range<u64>,
    ) -> Result<Vec<Bytes>, LogError> {
        let mut parts = Vec::new();
        let mut position = range.start;
        while position < range.end {
            {
                let tail = segment.tail.borrow();
                if position >= tail.start() {
                    tail.share(position..range.end, &mut parts);
                    break;
                }
            }
            let cached = self.0.shared.cache.extent(self.0.slot, segment.base, position);
            let found = match cached {
                Some(found) => found,
                None => self.load(segment, position, range.end).await?,
            };
            let want = to_usize(range.end - position).min(found.len());
            parts.push(found.slice(..want));
            position += to_u64(want);
        }
        Ok(parts)
    }

    /// Reads from the disk at `position`, ahead of `end` if the reader is sequential; returns the
    /// bytes from `position` on.
    async fn load(
        &self,
        segment: &Rc<Segment<E>>,
        position: u64,
        end: u64,
    ) -> Result<Bytes, LogError> {
        let shared = &self.0.shared;
        let start = align_down(position);
        let ahead = (READ_AHEAD_BYTES_MIN, READ_AHEAD_BYTES_MAX);
        let window = read_ahead(&mut self.0.cursors.borrow_mut(), segment.base, start, ahead);
        let class = ChunkClass::fitting(to_usize(window.max(end - start)));
        let buffer = shared.cache.buffer(shared, class);
        let buffer = buffer.unwrap_or_else(|| DmaBuf::unpooled(ChunkClass::K64.bytes()));
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
        let (result, buffer) = file.read_direct(buffer, start).await;
        let count = to_u64(result.map_err(failed)?);
        // Beyond what was written the file holds nothing that counts.
        let usable = count.min(segment.written.get().position.saturating_sub(start));
        if start + usable <= position {
            return Err(self.damaged(segment, position));
        }
        let bytes = buffer.freeze(0..to_usize(usable));
        shared.cache.keep(shared, self.0.slot, segment.base, start, bytes.clone());
        Ok(bytes.slice(to_usize(position - start)..))
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

/// Checks the batches that `parts` hold together. `Err`: bytes before the first bad one.
fn verify(parts: &[Bytes]) -> Result<(), u64> {
    let mut cursor = Parts { parts, index: 0, at: 0 };
    let mut done = 0;
    loop {
        let mut ahead = Parts { ..cursor };
        let Some(head) = ahead.take(HEADER_BYTES) else {
            return if cursor.is_done() { Ok(()) } else { Err(done) };
        };
        let header = BatchHeader::parse(&head).map_err(|_| done)?;
        let batch = cursor.take(header.bytes_len()).ok_or(done)?;
        header.check_crc(&batch).map_err(|_| done)?;
        done += to_u64(batch.len());
    }
}

/// A position in bytes that lie in several parts.
struct Parts<'a> {
    parts: &'a [Bytes],
    index: usize,
    at: usize,
}

impl<'a> Parts<'a> {
    fn is_done(&self) -> bool {
        self.index == self.parts.len()
    }

    /// The next `count` bytes, copied only if they lie in more than one part.
    fn take(&mut self, count: usize) -> Option<Cow<'a, [u8]>> {
        let mut copied = Vec::new();
        let mut missing = count;
        loop {
            let part = self.parts.get(self.index)?;
            let rest = &part[self.at..];
            let piece = &rest[..missing.min(rest.len())];
            self.at += piece.len();
            missing -= piece.len();
            if self.at == part.len() {
                self.index += 1;
                self.at = 0;
            }
            if missing == 0 && copied.is_empty() {
                return Some(Cow::Borrowed(piece));
            }
            copied.extend_from_slice(piece);
            if missing == 0 {
                return Some(Cow::Owned(copied));
            }
        }
    }
}
