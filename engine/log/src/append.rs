//! Appending: everything that happens before the first await. Offsets are assigned, the bytes copied
//! once into the tail and stamped, the index is told, and the partition is queued for the journal.
//! Called on the partition's shard with validated batches.

use crate::config::DIRECT_APPEND_BYTES;
use crate::error::LogError;
use crate::index::IndexedBatch;
use crate::partition::{Partition, Place, Ticket};
use crate::points::Mark;
use crate::segment::Segment;
use crate::tail::{to_u64, to_usize};
use engine_base::{LeaderEpoch, Offset};
use engine_io::{Chunk, ChunkClass, Env, Queue};
use engine_record::header::HEADER_BYTES;
use engine_record::stamp;
use engine_record::{BatchHeader, Batches, TimestampType};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// The largest relative offset an index entry can hold.
const RELATIVE_OFFSET_MAX: i64 = 0x7FFF_FFFF;
/// A chunk that filled faster than this is followed by a larger one.
const CHUNK_FAST: Duration = Duration::from_millis(250);
/// A chunk that took longer than this is followed by a smaller one.
const CHUNK_SLOW: Duration = Duration::from_secs(5);

/// The guarantee an append asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Survives the death of the process (Kafka's acks=1; acks=0 asks for it and does not wait).
    Leader,
    /// Survives loss of power (acks=all).
    All,
}

/// What comes with an append besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct AppendInfo {
    pub acks: Acks,
    pub leader_epoch: LeaderEpoch,
    /// Wall clock, milliseconds since 1970.
    pub now_ms: i64,
    /// Timestamp type and maximum timestamp that each batch must carry, if not what it has:
    /// LogAppendTime with the broker's clock, or what validation found. Changing them costs a copy.
    pub stamp: Option<(TimestampType, i64)>,
}

/// An append that has its place in the log.
#[derive(Debug)]
pub struct Appended<E: Env> {
    pub base_offset: i64,
    pub last_offset: i64,
    pub log_start: i64,
    /// Completes when the guarantee holds.
    pub ticket: Ticket<E>,
}

/// What the batches of one append amount to.
struct Shape {
    bytes: u64,
    records: i64,
    max_timestamp: i64,
}

impl<E: Env> Partition<E> {
    /// Appends one or more whole, validated batches. On success the offsets are final and the bytes
    /// are in memory only; await the ticket before telling the producer. Panics on bytes that are no
    /// batches: validation is the caller's.
    pub fn append(&self, batches: &[u8], info: AppendInfo) -> Result<Appended<E>, LogError> {
        if let Some(error) = self.refusal() {
            return Err(error);
        }
        let stamped;
        let batches = match info.stamp {
            Some((kind, timestamp)) if needs_stamp(batches, kind, timestamp) => {
                stamped = stamp_all(batches, kind, timestamp);
                &stamped[..]
            }
            _ => batches,
        };
        let shape = measure(batches);
        let config = self.0.config.get();
        if shape.bytes > config.segment_bytes {
            let bytes = batches.len();
            return Err(LogError::TooLarge { bytes, bytes_max: config.segment_bytes });
        }
        let active = self.active();
        let roll = self.should_roll(&active, &shape, info.now_ms);
        let mut fresh = self.reserve(if roll { None } else { Some(&active) }, batches.len())?;
        let segment = if roll { self.roll(info.now_ms) } else { active };
        let start = self.0.end.get();
        self.copy_in(&segment, batches, info.leader_epoch, &mut fresh);
        self.note_epoch(info.leader_epoch, start.offset);
        let end = segment.end_mark();
        self.0.end.set(end);
        assert_eq!(end.offset, start.offset + shape.records);
        let acks = self.effective_acks(info.acks);
        if acks == Acks::All {
            self.0.all_pending.borrow_mut().push_back((start, end.offset));
        }
        self.0.shared.commit.enqueue(self, acks);
        self.mark_dirty();
        Ok(Appended {
            base_offset: start.offset,
            last_offset: end.offset - 1,
            log_start: self.log_start(),
            ticket: self.ticket(end.offset, acks),
        })
    }

    fn effective_acks(&self, asked: Acks) -> Acks {
        let config = self.0.config.get();
        if self.0.shared.config.relaxed_all {
            return Acks::Leader;
        }
        let unflushed = self.0.end.get().offset - self.0.power.get().offset;
        let at_once = config.flush_ms < 2 * crate::config::BACKGROUND_FLUSH_MS.cast_signed();
        if unflushed >= config.flush_messages || at_once { Acks::All } else { asked }
    }

    /// Kafka's rules (`LogSegment.shouldRoll`).
    fn should_roll(&self, active: &Segment<E>, shape: &Shape, now_ms: i64) -> bool {
        let config = self.0.config.get();
        let size = active.size();
        if size == 0 {
            return false;
        }
        let first = active.first_timestamp.get();
        let waited = if first >= 0 {
            shape.max_timestamp.saturating_sub(first)
        } else {
            now_ms.saturating_sub(active.created_ms.get())
        };
        let last_offset = self.0.end.get().offset + shape.records - 1;
        let index = active.index.borrow();
        let index = index.as_ref().expect("the index of an active segment is in memory");
        size + shape.bytes > config.segment_bytes.min(i32::MAX.unsigned_abs().into())
            || waited > config.segment_ms.saturating_sub(active.jitter_ms)
            || index.is_full(config.segment_index_bytes)
            || last_offset - active.base > RELATIVE_OFFSET_MAX
    }

    /// Begins a new active segment at the end of the log. The old one is completed in the
    /// background.
    pub(crate) fn roll(&self, now_ms: i64) -> Rc<Segment<E>> {
        let old = self.active();
        assert!(old.size() > 0, "an empty segment need not roll");
        {
            let mut index = old.index.borrow_mut();
            let index = index.as_mut().expect("the index of an active segment is in memory");
            index.seal();
            old.max_timestamp.set(Some(index.max_timestamp()));
        }
        old.sealed.set(true);
        let jitter_max = self.0.config.get().segment_jitter_ms.max(0).unsigned_abs();
        let jitter = self.0.shared.env.random() % (jitter_max + 1);
        let base = self.0.end.get().offset;
        let segment = Segment::fresh(base, now_ms, jitter.cast_signed());
        self.0.segments.borrow_mut().push(segment.clone());
        self.move_marks(segment.end_mark());
        self.0.snapshot_due.set(true);
        self.spawn_seal();
        segment
    }

    /// Moves the marks that are at the end of the log to the same offset in the new segment: the old
    /// one may be removed.
    fn move_marks(&self, start: Mark) {
        let inner = &self.0;
        inner.end.set(start);
        let state = self.active().index_state();
        if inner.kill.get().mark.offset == start.offset {
            inner.kill.set(Place { mark: start, state });
        }
        for mark in [&inner.submitted, &inner.power, &inner.high] {
            if mark.get().offset == start.offset {
                mark.set(start);
            }
        }
    }

    fn spawn_seal(&self) {
        let partition = self.clone();
        // Not in the background: it holds the `io` lock, which the direct path waits for.
        self.0.shared.spawn(Queue::Append, async move {
            partition.complete_sealed().await;
        });
    }

    /// Enough chunks for `bytes` more at the end of `segment` (a new one if `None`).
    fn reserve(
        &self,
        segment: Option<&Rc<Segment<E>>>,
        bytes: usize,
    ) -> Result<VecDeque<Chunk>, LogError> {
        let (spare, stub) = match segment {
            Some(segment) => {
                let tail = segment.tail.borrow();
                (tail.spare(), tail.stub_bytes())
            }
            None => (0, 0),
        };
        let mut fresh = VecDeque::new();
        if spare >= bytes {
            return Ok(fresh);
        }
        let mut missing = bytes - spare + stub;
        self.adapt_class();
        while missing > 0 {
            let class = self.0.chunk_class.get().max(ChunkClass::fitting(missing));
            let Some(chunk) = self.0.shared.cache.chunk(&self.0.shared, class) else {
                self.0.shared.want_checkpoint();
                return Err(LogError::Busy);
            };
            missing = missing.saturating_sub(chunk.capacity());
            fresh.push_back(chunk);
        }
        Ok(fresh)
    }

    /// Chooses the size of the next chunk by how long the last one lasted; the first is small.
    fn adapt_class(&self) {
        let now = self.0.shared.env.now();
        let Some(opened) = self.0.chunk_opened.replace(Some(now)) else { return };
        let lasted = now.since(opened);
        let class = self.0.chunk_class.get();
        let step = match class {
            _ if lasted < CHUNK_FAST => class.bytes() * 4,
            _ if lasted > CHUNK_SLOW => class.bytes() / 4,
            _ => class.bytes(),
        };
        self.0.chunk_class.set(ChunkClass::fitting(step));
    }

    /// Copies the batches to the tail of `segment` and gives each its place.
    fn copy_in(
        &self,
        segment: &Rc<Segment<E>>,
        batches: &[u8],
        epoch: LeaderEpoch,
        fresh: &mut VecDeque<Chunk>,
    ) {
        let interval = self.0.config.get().index_interval_bytes;
        let mut tail = segment.tail.borrow_mut();
        let mut index = segment.index.borrow_mut();
        let index = index.as_mut().expect("the index of an active segment is in memory");
        let chunk_before = tail.first_chunk();
        let new_from = tail.end() + to_u64(tail.spare());
        for item in Batches::new(batches) {
            let (header, batch) = item.expect("measured before");
            let offset = segment.end_offset.get();
            let mut head = [0; HEADER_BYTES];
            head.copy_from_slice(&batch[..HEADER_BYTES]);
            stamp::set_place(&mut head, Offset(offset), epoch);
            let position = tail.end();
            tail.append(&head, fresh);
            tail.append(&batch[HEADER_BYTES..], fresh);
            let bytes = to_u64(batch.len());
            let last_offset = offset + i64::from(header.last_offset_delta);
            let max_timestamp = header.max_timestamp;
            index.add(IndexedBatch { position, bytes, last_offset, max_timestamp }, interval);
            if position == 0 {
                segment.first_timestamp.set(max_timestamp);
            }
            segment.end_offset.set(last_offset + 1);
            if header.has_producer() {
                self.note_producer(offset, bytes);
            }
        }
        if chunk_before.is_none() || tail.end() > new_from {
            let from = if chunk_before.is_none() { tail.start() } else { new_from };
            self.0.shared.cache.note_chunks(segment, tail.chunk_starts(from));
        }
        segment.last_append.set(self.0.shared.env.now());
        assert!(to_usize(tail.end()) >= batches.len());
    }

    fn note_producer(&self, offset: i64, bytes: u64) {
        self.0.add_unsnapped(offset, bytes);
        let shared = &self.0.shared;
        shared.unsnapped_bytes.set(shared.unsnapped_bytes.get() + bytes);
    }

    /// Remembers where a new leader epoch began.
    pub(crate) fn note_epoch(&self, epoch: LeaderEpoch, offset: i64) {
        let mut epochs = self.0.epochs.borrow_mut();
        if epoch.0 >= 0 && epochs.last().is_none_or(|last| epoch.0 > last.0) {
            epochs.push((epoch.0, offset));
            self.0.epochs_dirty.set(true);
        }
    }

    /// Whether the pending bytes go straight to the segment.
    pub(crate) fn wants_direct(&self) -> bool {
        self.pending_bytes() >= DIRECT_APPEND_BYTES
    }

    /// The start of what is pending.
    pub(crate) fn pending_start(&self) -> Mark {
        self.0.submitted.get()
    }
}

/// Bytes of batches with producers are noted in pieces of about this size.
const UNSNAPPED_PIECE_BYTES: u64 = 64 << 10;

impl<E: Env> crate::partition::Inner<E> {
    pub(crate) fn add_unsnapped(&self, offset: i64, bytes: u64) {
        let mut unsnapped = self.unsnapped.borrow_mut();
        match unsnapped.back_mut() {
            Some((_, sum)) if *sum < UNSNAPPED_PIECE_BYTES => *sum += bytes,
            _ => unsnapped.push_back((offset, bytes)),
        }
    }
}

fn needs_stamp(batches: &[u8], kind: TimestampType, timestamp: i64) -> bool {
    Batches::new(batches)
        .flatten()
        .any(|(header, _)| header.timestamp_type() != kind || header.max_timestamp != timestamp)
}

fn stamp_all(batches: &[u8], kind: TimestampType, timestamp: i64) -> Vec<u8> {
    let mut copy = batches.to_vec();
    let mut at = 0;
    while at < copy.len() {
        let header = BatchHeader::parse(&copy[at..]).expect("validated by the caller");
        let end = at + header.bytes_len();
        stamp::set_time(&mut copy[at..end], kind, timestamp);
        at = end;
    }
    copy
}

fn measure(batches: &[u8]) -> Shape {
    assert!(!batches.is_empty(), "an append has a batch");
    let mut shape = Shape { bytes: 0, records: 0, max_timestamp: -1 };
    for item in Batches::new(batches) {
        let (header, batch) = item.expect("validated by the caller");
        assert!(header.last_offset_delta >= 0);
        shape.bytes += to_u64(batch.len());
        shape.records += i64::from(header.last_offset_delta) + 1;
        shape.max_timestamp = shape.max_timestamp.max(header.max_timestamp);
    }
    assert_eq!(shape.bytes, to_u64(batches.len()), "validated by the caller");
    shape
}
