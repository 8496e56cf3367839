//! Offsets by time, as ListOffsets asks for them, and moving the log start. Called on the partition's
//! shard. Sources: Kafka's `UnifiedLog.fetchOffsetByTimestamp`, `LogSegment.findOffsetByTimestamp`.

use crate::config::LOOKUP_BYTES_MAX;
use crate::error::LogError;
use crate::frame::{EntryHeader, EntryKind};
use crate::index::{MaxTimestamp, last_timestamp};
use crate::names::{self, TIME_INDEX_SUFFIX};
use crate::partition::Partition;
use crate::segment::Segment;
use crate::tail::to_u64;
use engine_base::Offset;
use engine_io::Env;
use engine_record::{BatchHeader, lookup};
use std::rc::Rc;

/// A record found by its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampAndOffset {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub offset: i64,
    /// -1 if the batch has none.
    pub leader_epoch: i32,
}

impl<E: Env> Partition<E> {
    /// The first record at or after `timestamp`, `None` if there is none. Only records that
    /// consumers may see.
    pub async fn offset_for_timestamp(
        &self,
        timestamp: i64,
    ) -> Result<Option<TimestampAndOffset>, LogError> {
        let segments: Vec<Rc<Segment<E>>> = self.0.segments.borrow().clone();
        for segment in segments {
            let largest = self.largest_timestamp(&segment).await?;
            if largest.timestamp < timestamp {
                continue;
            }
            let start = self.log_start();
            let offset = self.with_index(&segment, |index| index.floor_time(timestamp)).await?;
            let from = offset.max(start);
            let found = self.scan(&segment, from, |header, batch| {
                let found =
                    lookup::first_at_or_after(batch, timestamp, Offset(start), LOOKUP_BYTES_MAX);
                found.map(|found| found.map(|found| at(header, found)))
            });
            return found.await;
        }
        Ok(None)
    }

    /// The record with the newest timestamp (KIP-734), `None` if the log is empty.
    pub async fn max_timestamp_offset(&self) -> Result<Option<TimestampAndOffset>, LogError> {
        let segments: Vec<Rc<Segment<E>>> = self.0.segments.borrow().clone();
        let mut newest: Option<(Rc<Segment<E>>, MaxTimestamp)> = None;
        for segment in segments {
            let largest = self.largest_timestamp(&segment).await?;
            let newer = newest.as_ref().is_none_or(|(_, max)| largest.timestamp > max.timestamp);
            if largest.timestamp >= 0 && newer {
                newest = Some((segment, largest));
            }
        }
        let Some((segment, max)) = newest else { return Ok(None) };
        self.scan(&segment, max.offset, |header, batch| {
            if header.max_timestamp != max.timestamp {
                return Ok(None);
            }
            let found = lookup::offset_of_max_timestamp(batch, LOOKUP_BYTES_MAX);
            found.map(|found| found.map(|found| at(header, found)))
        })
        .await
    }

    /// Walks the batches of a segment from the one that holds `offset` until `judge` finds something.
    async fn scan<T>(
        &self,
        segment: &Rc<Segment<E>>,
        offset: i64,
        judge: impl Fn(&BatchHeader, &[u8]) -> Result<Option<T>, engine_record::BatchError>,
    ) -> Result<Option<T>, LogError> {
        let limit = self.0.high.get();
        let mut next = offset;
        loop {
            let Some((found, position, header)) = self.find(next, limit).await? else {
                return Ok(None);
            };
            if found.base != segment.base {
                return Ok(None);
            }
            let end = position + to_u64(header.bytes_len());
            let batch = self.bytes(segment, position..end).await?.concat();
            match judge(&header, &batch) {
                Ok(None) => next = header.last_offset().0 + 1,
                Ok(found) => return Ok(found),
                Err(_) => return Err(self.damaged(segment, position)),
            }
        }
    }

    /// The largest timestamp of a segment, -1 if it has none.
    pub(crate) async fn largest_timestamp(
        &self,
        segment: &Rc<Segment<E>>,
    ) -> Result<MaxTimestamp, LogError> {
        if !segment.sealed.get() {
            return Ok(segment.index_state().max);
        }
        if let Some(max) = segment.max_timestamp.get() {
            return Ok(max);
        }
        let max = self.with_index(segment, |index| index.max_timestamp()).await?;
        segment.max_timestamp.set(Some(max));
        Ok(max)
    }

    /// As [`largest_timestamp`](Self::largest_timestamp), from the last bytes of the time index only.
    pub(crate) async fn largest_timestamp_ms(&self, segment: &Rc<Segment<E>>) -> Option<i64> {
        if !segment.sealed.get() || segment.max_timestamp.get().is_some() {
            return self.largest_timestamp(segment).await.ok().map(|max| max.timestamp);
        }
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, segment.base, TIME_INDEX_SUFFIX);
        let env = &self.0.shared.env;
        let bytes = env.read_whole(&path, crate::config::SMALL_FILE_BYTES_MAX).await.ok()?;
        last_timestamp(&bytes)
    }

    /// Moves the log start to `offset` (Kafka's DeleteRecords); completes once a crash cannot undo
    /// it. A start that lies further on already stays. Returns the log start.
    pub async fn delete_records_before(&self, offset: i64) -> Result<i64, LogError> {
        let (log_start, high_watermark) = (self.log_start(), self.high_watermark());
        if offset < 0 || offset > high_watermark {
            return Err(LogError::OffsetOutOfRange { log_start, log_end: high_watermark });
        }
        if let Some(error) = self.refusal() {
            return Err(error);
        }
        if offset <= log_start {
            return Ok(log_start);
        }
        self.0.log_start.set(offset);
        self.mark_dirty();
        let note = EntryHeader {
            kind: EntryKind::LogStart,
            partition: self.id(),
            segment: self.active().base,
            position: offset.cast_unsigned(),
            length: 0,
        };
        self.0.shared.commit.note_durably(note).await?;
        self.0.moved.notify();
        Ok(self.log_start())
    }
}

fn at(header: &BatchHeader, found: lookup::TimestampedOffset) -> TimestampAndOffset {
    TimestampAndOffset {
        timestamp: found.timestamp,
        offset: found.offset.0,
        leader_epoch: header.leader_epoch.0,
    }
}
