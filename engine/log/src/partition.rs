//! One partition's log on its shard: its segments, how far it is safe against what, who waits for
//! that. Appends are in [`crate::append`], reads in [`crate::read`], segment writes in
//! [`crate::writeout`]. Invariants, in offsets: power <= kill <= submitted <= end; the high watermark
//! never moves back and never passes an append whose own guarantee does not hold yet.

use crate::append::Acks;
use crate::config::PartitionConfig;
use crate::directory::Directory;
use crate::error::LogError;
use crate::points::{IndexState, Mark, Point};
use crate::segment::Segment;
use crate::shared::Shared;
use engine_base::TopicPartition;
use engine_io::sync::{Lock, Signal};
use engine_io::{ChunkClass, Env, Instant};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A place in the log and the index of its segment there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub mark: Mark,
    pub state: IndexState,
}

/// Someone who waits until everything below `offset` is safe.
pub(crate) struct Waiter {
    offset: i64,
    acks: Acks,
    waker: Waker,
}

/// Why a partition takes no appends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Fenced,
    Deleted,
}

pub(crate) struct Inner<E: Env> {
    pub id: TopicPartition,
    pub topic: Rc<str>,
    /// Number of this partition in this run.
    pub slot: u32,
    pub shared: Rc<Shared<E>>,
    pub dir: RefCell<PathBuf>,
    pub directory: Cell<Directory>,
    /// A frame of this run names the partition.
    pub named_by_journal: Cell<bool>,
    /// Was made again by recovery, which knew it from the journal only.
    pub is_remade: bool,
    pub config: Cell<PartitionConfig>,
    /// By base offset; the last is the active one.
    pub segments: RefCell<Vec<Rc<Segment<E>>>>,
    pub log_start: Cell<i64>,
    /// Leader epochs and the offset each began at.
    pub epochs: RefCell<Vec<(i32, i64)>>,
    pub epochs_dirty: Cell<bool>,

    pub end: Cell<Mark>,
    /// Everything below was handed to the journal or a segment write.
    pub submitted: Cell<Mark>,
    /// Everything below survives the death of the process.
    pub kill: Cell<Place>,
    /// Everything below survives loss of power.
    pub power: Cell<Mark>,
    pub high: Cell<Mark>,
    /// Appends with acks=all that are not on stable media: where each starts and its end offset.
    pub all_pending: RefCell<VecDeque<(Mark, i64)>>,
    /// Ranges synced in the journal above `power`: start offset and end.
    pub journal_synced: RefCell<VecDeque<(i64, Mark)>>,
    pub waiters: RefCell<Vec<Waiter>>,
    pub moved: Signal,
    /// Fires when a mark moved or the partition stopped.
    pub progress: Signal,

    pub stop: Cell<Option<Stop>>,
    /// The disk had no room for a segment of this partition.
    pub no_space: Cell<bool>,
    /// In the journal's queue.
    pub queued: Cell<bool>,
    /// A task writes pending bytes straight to the segment.
    pub direct: Cell<bool>,
    /// In the list of partitions to flush.
    pub unflushed: Cell<bool>,
    /// In the list of partitions that may need a checkpoint.
    pub dirty: Cell<bool>,
    /// A task writes out what lies in memory and the journal only.
    pub writing_out: Cell<bool>,
    /// Held while segments are written, synced, trimmed or removed.
    pub io: Lock,

    pub point: Cell<Point>,
    /// The points file on disk names this partition.
    pub is_pointed: Cell<bool>,
    pub chunk_class: Cell<ChunkClass>,
    pub chunk_opened: Cell<Option<Instant>>,
    /// Batches with producers that no snapshot covers: first offset and bytes, oldest first.
    pub unsnapped: RefCell<VecDeque<(i64, u64)>>,
    pub snapshot_due: Cell<bool>,
    /// Offsets of the snapshot files, oldest first.
    pub snapshots: RefCell<Vec<i64>>,
    pub cursors: RefCell<crate::cold::Cursors>,
}

/// Handle of one partition. Cheap to clone.
pub struct Partition<E: Env>(pub(crate) Rc<Inner<E>>);

impl<E: Env> Clone for Partition<E> {
    fn clone(&self) -> Self {
        Partition(self.0.clone())
    }
}

impl<E: Env> std::fmt::Debug for Partition<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partition({}-{})", self.0.topic, self.0.id.partition)
    }
}

impl<E: Env> Partition<E> {
    pub fn id(&self) -> TopicPartition {
        self.0.id
    }

    pub fn topic(&self) -> &str {
        &self.0.topic
    }

    pub fn config(&self) -> PartitionConfig {
        self.0.config.get()
    }

    pub fn set_config(&self, config: PartitionConfig) {
        self.0.config.set(config);
    }

    /// First offset that can be read.
    pub fn log_start(&self) -> i64 {
        self.0.log_start.get()
    }

    /// Offset of the next record to be appended.
    pub fn log_end(&self) -> i64 {
        self.0.end.get().offset
    }

    /// Offset up to which consumers may read: the end of the records whose producers' guarantee
    /// holds.
    pub fn high_watermark(&self) -> i64 {
        self.0.high.get().offset
    }

    /// Everything below survives the death of the process.
    pub fn kill_safe_end(&self) -> i64 {
        self.0.kill.get().mark.offset
    }

    /// Everything below survives loss of power.
    pub fn durable_end(&self) -> i64 {
        self.0.power.get().offset
    }

    /// Bytes of all segments.
    pub fn size_bytes(&self) -> u64 {
        self.0.segments.borrow().iter().map(|segment| segment.size()).sum()
    }

    pub fn segment_count(&self) -> usize {
        self.0.segments.borrow().len()
    }

    /// Fires when the high watermark or the log start moves, or the partition stops.
    pub fn moved(&self) -> &Signal {
        &self.0.moved
    }

    /// Completes once the high watermark is above `offset`, or the partition stopped.
    pub async fn wait_above(&self, offset: i64) -> Result<(), LogError> {
        loop {
            let moved = self.0.moved.wait();
            if self.high_watermark() > offset {
                return Ok(());
            }
            if self.0.stop.get() == Some(Stop::Deleted) || self.0.shared.stopped.get() {
                return Err(LogError::Closed);
            }
            moved.await;
        }
    }

    /// Whether the partition takes no appends any more because a write or sync failed.
    pub fn is_fenced(&self) -> bool {
        self.0.stop.get() == Some(Stop::Fenced) || self.0.shared.commit.fenced.get()
    }

    /// Leader epochs seen, each with its first offset.
    pub fn leader_epochs(&self) -> Vec<(i32, i64)> {
        self.0.epochs.borrow().clone()
    }

    /// The epoch that `epoch` ends in and its end offset, `None` where Kafka says "undefined".
    /// Source: `LeaderEpochFileCache.endOffsetFor`.
    pub fn end_offset_for_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        let epochs = self.0.epochs.borrow();
        if epoch < 0 {
            return None;
        }
        if epochs.last().is_some_and(|last| last.0 == epoch) {
            return Some((epoch, self.log_end()));
        }
        let above = epochs.partition_point(|entry| entry.0 <= epoch);
        let higher = epochs.get(above)?;
        match above.checked_sub(1) {
            Some(floor) => Some((epochs[floor].0, higher.1)),
            None => Some((epoch, higher.1)),
        }
    }

    /// The leader epoch of the record at `offset`, if known.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        let epochs = self.0.epochs.borrow();
        let above = epochs.partition_point(|entry| entry.1 <= offset);
        above.checked_sub(1).map(|floor| epochs[floor].0)
    }

    /// Completes once everything below `end_offset` has the guarantee of `acks`: for a request that
    /// turned out to repeat an earlier append.
    pub fn ticket(&self, end_offset: i64, acks: Acks) -> Ticket<E> {
        let acks = if self.0.shared.config.relaxed_all { Acks::Leader } else { acks };
        Ticket { partition: self.clone(), offset: end_offset, acks, registered: None }
    }

    pub(crate) fn active(&self) -> Rc<Segment<E>> {
        self.0.segments.borrow().last().expect("a partition always has a segment").clone()
    }

    /// The segment that holds `offset`, or the first.
    pub(crate) fn segment_of(&self, offset: i64) -> Rc<Segment<E>> {
        let segments = self.0.segments.borrow();
        let above = segments.partition_point(|segment| segment.base <= offset);
        segments[above.saturating_sub(1)].clone()
    }

    pub(crate) fn segment_at(&self, base: i64) -> Option<Rc<Segment<E>>> {
        let segments = self.0.segments.borrow();
        let index = segments.binary_search_by_key(&base, |segment| segment.base).ok()?;
        Some(segments[index].clone())
    }

    /// The ranges of segments between two marks, oldest first.
    pub(crate) fn pieces(&self, from: Mark, to: Mark) -> Vec<(Rc<Segment<E>>, u64, u64)> {
        let segments = self.0.segments.borrow();
        let first = segments.partition_point(|segment| segment.base < from.segment);
        let mut pieces = Vec::new();
        for segment in &segments[first..] {
            if segment.base > to.segment {
                break;
            }
            let start = if segment.base == from.segment { from.position } else { 0 };
            let end = if segment.base == to.segment { to.position } else { segment.size() };
            if start < end {
                pieces.push((segment.clone(), start, end));
            }
        }
        pieces
    }

    /// Bytes appended but not handed to the journal or a segment write.
    pub(crate) fn pending_bytes(&self) -> u64 {
        let (from, to) = (self.0.submitted.get(), self.0.end.get());
        if from.segment == to.segment {
            return to.position - from.position;
        }
        self.pieces(from, to).iter().map(|(_, start, end)| end - start).sum()
    }

    /// Where everything appended so far ends, with the index there.
    pub(crate) fn end_place(&self) -> Place {
        Place { mark: self.0.end.get(), state: self.active().index_state() }
    }

    /// Notes that everything below `place` survives the death of the process.
    pub(crate) fn set_kill_safe(&self, place: Place) {
        assert!(place.mark.offset >= self.0.kill.get().mark.offset);
        self.0.kill.set(place);
    }

    /// Notes that the journal holds `start..end` on stable media.
    pub(crate) fn add_journal_synced(&self, start: i64, end: Mark) {
        self.0.journal_synced.borrow_mut().push_back((start, end));
        self.raise_power(self.0.power.get());
    }

    /// Notes that everything below `mark` is on stable media, and what follows from it.
    pub(crate) fn raise_power(&self, mark: Mark) {
        let mut power = self.0.power.get();
        if mark.offset > power.offset {
            power = mark;
        }
        let mut synced = self.0.journal_synced.borrow_mut();
        while let Some((start, end)) = synced.front() {
            if *start > power.offset {
                break;
            }
            if end.offset > power.offset {
                power = *end;
            }
            synced.pop_front();
        }
        self.0.power.set(power);
        assert!(power.offset <= self.0.kill.get().mark.offset);
    }

    /// Moves the high watermark and wakes those whose guarantee holds now.
    pub(crate) fn advance(&self) {
        let kill = self.0.kill.get().mark;
        let power = self.0.power.get();
        let mut high = kill;
        {
            let mut pending = self.0.all_pending.borrow_mut();
            while pending.front().is_some_and(|(_, end)| *end <= power.offset) {
                pending.pop_front();
            }
            if let Some((start, _)) = pending.front()
                && start.offset < high.offset
            {
                high = *start;
            }
        }
        if self.0.shared.config.visible_when_flushed {
            high = power;
        }
        if high.offset > self.0.high.get().offset {
            self.0.high.set(high);
            self.0.moved.notify();
        }
        self.wake_safe();
        self.0.progress.notify();
    }

    fn is_safe(&self, offset: i64, acks: Acks) -> bool {
        match acks {
            Acks::Leader => self.0.kill.get().mark.offset >= offset,
            Acks::All => self.0.power.get().offset >= offset,
        }
    }

    fn wake_safe(&self) {
        let mut waiters = self.0.waiters.borrow_mut();
        waiters.retain(|waiter| {
            let safe = self.is_safe(waiter.offset, waiter.acks);
            if safe {
                waiter.waker.wake_by_ref();
            }
            !safe
        });
    }

    /// Wakes everyone who waits for this partition, to look at its state again.
    pub(crate) fn wake_all(&self) {
        for waiter in self.0.waiters.take() {
            waiter.waker.wake();
        }
        self.0.moved.notify();
        self.0.progress.notify();
    }

    /// Why a clean stop is not possible, if so.
    pub(crate) fn failure_at_close(&self) -> Option<LogError> {
        self.failure(i64::MAX)
    }

    /// After a failed write or sync of a segment: no more appends, pending ones fail.
    pub(crate) fn fence(&self, error: &LogError) {
        if self.0.stop.get().is_none() {
            self.0.stop.set(Some(Stop::Fenced));
            tracing::error!(
                topic = &*self.0.topic,
                partition = self.0.id.partition,
                %error,
                "partition fenced: a segment could not be written"
            );
        }
        self.wake_all();
    }

    /// Why a pending append below `offset` will not complete now.
    fn failure(&self, offset: i64) -> Option<LogError> {
        match self.0.stop.get() {
            Some(Stop::Fenced) => return Some(LogError::Fenced),
            Some(Stop::Deleted) => return Some(LogError::Closed),
            None => {}
        }
        let shared = &self.0.shared;
        if shared.commit.fenced.get() {
            return Some(LogError::Fenced);
        }
        if shared.stopped.get() {
            return Some(LogError::Closed);
        }
        let stalled = self.0.no_space.get() || shared.commit.no_space.get();
        (stalled && offset > self.0.submitted.get().offset).then_some(LogError::NoSpace)
    }

    /// Why an append is refused, if it is.
    pub(crate) fn refusal(&self) -> Option<LogError> {
        match self.0.stop.get() {
            Some(Stop::Fenced) => Some(LogError::Fenced),
            Some(Stop::Deleted) => Some(LogError::Closed),
            None if self.0.no_space.get() => Some(LogError::NoSpace),
            None => self.0.shared.refusal(),
        }
    }
}

/// Completes when an append has the guarantee it asked for, or will not get it. Dropping it changes
/// nothing about the append.
pub struct Ticket<E: Env> {
    partition: Partition<E>,
    offset: i64,
    acks: Acks,
    registered: Option<Waker>,
}

impl<E: Env> Future for Ticket<E> {
    type Output = Result<(), LogError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let partition = &self.partition;
        if partition.is_safe(self.offset, self.acks) {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = partition.failure(self.offset) {
            return Poll::Ready(Err(error));
        }
        let waker = context.waker();
        // Waking removes the waiter, so one that is woken early must register again.
        let known = self.registered.as_ref().is_some_and(|known| known.will_wake(waker));
        let waiting = known
            && partition.0.waiters.borrow().iter().any(|waiter| {
                waiter.offset == self.offset
                    && waiter.acks == self.acks
                    && waiter.waker.will_wake(waker)
            });
        if !waiting {
            let waiter = Waiter { offset: self.offset, acks: self.acks, waker: waker.clone() };
            partition.0.waiters.borrow_mut().push(waiter);
            self.registered = Some(waker.clone());
        }
        Poll::Pending
    }
}

impl<E: Env> std::fmt::Debug for Ticket<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({:?} below {})", self.acks, self.offset)
    }
}
