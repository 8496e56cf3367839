//! The batches of one partition on their way to the broker, in order. Pure: decides which one may
//! be sent, and what an answer means. Order is kept through failures: once a batch has to be sent
//! again, those behind it wait until it is through, and the broker knows each by its sequence.

use bytes::Bytes;
use net_wire::ErrorCode;
use std::collections::VecDeque;
use std::time::Instant;

/// A finished batch.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Place in the partition's [`Vec`], which is the partition's index.
    pub partition: usize,
    pub bytes: Bytes,
    pub records: u64,
    /// Bytes of keys and values.
    pub payload_bytes: u64,
    pub sealed_at: Instant,
}

/// Names a batch within its partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BatchId(u64);

#[derive(Debug)]
struct Entry {
    id: BatchId,
    batch: Sealed,
    in_flight: bool,
    attempts: u32,
}

/// What an answer to a batch means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Done,
    /// Send it again, after a pause.
    Retry,
    Fatal,
}

#[derive(Debug)]
pub struct Queue {
    entries: VecDeque<Entry>,
    next_id: u64,
    /// Most batches under way at once.
    in_flight_max: usize,
    /// A batch was acknowledged. Until then one goes at a time: a broker takes any sequence from a
    /// producer that it does not know, so if the first batch failed and the second did not, the
    /// first could never follow.
    begun: bool,
    /// Nothing is sent before; set after a failure.
    pub retry_at: Option<Instant>,
}

impl Queue {
    pub fn new(in_flight_max: usize) -> Queue {
        assert!(in_flight_max > 0);
        Queue { entries: VecDeque::new(), next_id: 0, in_flight_max, begun: false, retry_at: None }
    }

    pub fn push(&mut self, batch: Sealed) {
        let id = BatchId(self.next_id);
        self.next_id += 1;
        self.entries.push_back(Entry { id, batch, in_flight: false, attempts: 0 });
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The oldest batch that is not acknowledged.
    pub fn oldest(&self) -> Option<&Sealed> {
        self.entries.front().map(|entry| &entry.batch)
    }

    /// The batch to send next, if one may be sent now.
    pub fn sendable(&self, now: Instant) -> Option<(BatchId, &Sealed)> {
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        let in_flight = self.entries.iter().filter(|entry| entry.in_flight).count();
        let retrying = self.entries.iter().any(|entry| !entry.in_flight && entry.attempts > 0);
        let limit = if retrying || !self.begun { 1 } else { self.in_flight_max };
        if in_flight >= limit {
            return None;
        }
        let entry = self.entries.iter().find(|entry| !entry.in_flight)?;
        Some((entry.id, &entry.batch))
    }

    pub fn sent(&mut self, id: BatchId) {
        let entry = self.entry(id).expect("only a queued batch is sent");
        assert!(!entry.in_flight);
        entry.in_flight = true;
        entry.attempts += 1;
    }

    /// Judges the broker's answer to a batch that was sent.
    pub fn verdict(&self, id: BatchId, code: ErrorCode) -> Verdict {
        let first = self.entries.front().is_some_and(|entry| entry.id == id);
        match code {
            // A duplicate was acknowledged before, and the answer got lost.
            ErrorCode::None | ErrorCode::DuplicateSequenceNumber => Verdict::Done,
            // The batch before it did not arrive; it will be sent again first.
            ErrorCode::OutOfOrderSequenceNumber if !first => Verdict::Retry,
            code if code.is_retriable() => Verdict::Retry,
            _ => Verdict::Fatal,
        }
    }

    /// The batch is through.
    pub fn done(&mut self, id: BatchId) -> Sealed {
        let index = self.entries.iter().position(|entry| entry.id == id);
        let index = index.expect("only a queued batch is acknowledged");
        self.begun = true;
        self.entries.remove(index).expect("just found").batch
    }

    /// The batch has to be sent again, not before `at`.
    pub fn retry(&mut self, id: BatchId, at: Instant) {
        self.entry(id).expect("only a queued batch is sent again").in_flight = false;
        self.retry_at = Some(at);
    }

    fn entry(&mut self, id: BatchId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchId, Queue, Sealed, Verdict};
    use bytes::Bytes;
    use net_wire::ErrorCode;
    use std::time::Instant;

    fn queue(count: u64, in_flight_max: usize) -> (Queue, Instant) {
        let now = Instant::now();
        let mut queue = Queue::new(in_flight_max);
        for _ in 0..count {
            queue.push(Sealed {
                partition: 0,
                bytes: Bytes::new(),
                records: 1,
                payload_bytes: 1,
                sealed_at: now,
            });
        }
        (queue, now)
    }

    fn send(queue: &mut Queue, now: Instant) -> Option<u64> {
        let id = queue.sendable(now)?.0;
        queue.sent(id);
        Some(id.0)
    }

    /// A queue whose first batch, with id 0, is through.
    fn begun(count: u64, in_flight_max: usize) -> (Queue, Instant) {
        let (mut queue, now) = queue(count + 1, in_flight_max);
        assert_eq!(send(&mut queue, now), Some(0));
        assert_eq!(send(&mut queue, now), None, "the first goes alone");
        queue.done(BatchId(0));
        (queue, now)
    }

    #[test]
    fn several_are_under_way() {
        let (mut queue, now) = begun(3, 2);
        assert_eq!(send(&mut queue, now), Some(1));
        assert_eq!(send(&mut queue, now), Some(2));
        assert_eq!(send(&mut queue, now), None);
        queue.done(BatchId(1));
        assert_eq!(send(&mut queue, now), Some(3));
    }

    #[test]
    fn order_survives_a_failure() {
        let (mut queue, now) = begun(4, 3);
        for id in 1..4 {
            assert_eq!(send(&mut queue, now), Some(id));
        }
        let order = ErrorCode::OutOfOrderSequenceNumber;
        assert_eq!(queue.verdict(BatchId(1), ErrorCode::NotLeaderOrFollower), Verdict::Retry);
        queue.retry(BatchId(1), now);
        assert_eq!(send(&mut queue, now), None, "the others are still under way");
        assert_eq!(queue.verdict(BatchId(2), order), Verdict::Retry);
        queue.retry(BatchId(2), now);
        queue.retry(BatchId(3), now);
        assert_eq!(send(&mut queue, now), Some(1));
        assert_eq!(send(&mut queue, now), None, "one at a time until all that failed are through");
        queue.done(BatchId(1));
        assert_eq!(send(&mut queue, now), Some(2));
        queue.done(BatchId(2));
        assert_eq!(send(&mut queue, now), Some(3));
        assert_eq!(send(&mut queue, now), Some(4), "back to several");
    }

    #[test]
    fn verdicts() {
        let (mut queue, now) = begun(2, 2);
        send(&mut queue, now);
        send(&mut queue, now);
        let check =
            |id: u64, code, expected| assert_eq!(queue.verdict(BatchId(id), code), expected);
        check(1, ErrorCode::None, Verdict::Done);
        check(1, ErrorCode::DuplicateSequenceNumber, Verdict::Done);
        check(1, ErrorCode::KafkaStorageError, Verdict::Retry);
        check(1, ErrorCode::MessageTooLarge, Verdict::Fatal);
        check(1, ErrorCode::OutOfOrderSequenceNumber, Verdict::Fatal);
        check(2, ErrorCode::OutOfOrderSequenceNumber, Verdict::Retry);
    }
}
