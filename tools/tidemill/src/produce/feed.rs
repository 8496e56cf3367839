//! The input side: records into batches, by partition. Runs on a thread of its own, which also
//! compresses; finished batches go to the sender by a channel.

use super::budget::Budget;
use super::partitioner::Partitioner;
use super::queue::Sealed;
use crate::failure::Failure;
use engine_base::{ProducerEpoch, ProducerId};
use engine_record::header::{HEADER_BYTES, sequence_plus};
use engine_record::{BatchBuilder, BatchOptions, Codec, Header, Producer};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a record takes besides key, value and headers, at most.
const RECORD_OVERHEAD_BYTES: usize = 48;
/// While more than this is under way, batches may fill up beyond the linger time.
const BUSY_BYTES: usize = 1 << 20;
/// By how many times.
const BUSY_LINGERS: u32 = 10;

/// A record to send.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [Header<'a>],
    pub partition: Option<i32>,
    /// Milliseconds since the epoch; the clock if not given.
    pub timestamp: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub struct FeedOptions {
    pub batch_bytes: usize,
    pub linger: Duration,
    pub codec: Codec,
    pub level: Option<i32>,
    /// Where all records go, if the user says so.
    pub partition: Option<i32>,
    /// For idempotent sending.
    pub producer: Option<(ProducerId, ProducerEpoch)>,
}

/// Lives on the input thread.
pub struct Feed {
    options: FeedOptions,
    partitioner: Partitioner,
    partitions: Vec<Partition>,
    budget: Arc<Budget>,
    output: Box<dyn FnMut(Sealed) + Send>,
    now: Instant,
    now_ms: i64,
}

#[derive(Debug, Default)]
struct Partition {
    open: Option<Open>,
    next_sequence: i32,
}

#[derive(Debug)]
struct Open {
    builder: BatchBuilder,
    opened_at: Instant,
    payload_bytes: u64,
}

impl Feed {
    pub fn new(
        options: FeedOptions,
        partitioner: Partitioner,
        budget: Arc<Budget>,
        output: Box<dyn FnMut(Sealed) + Send>,
    ) -> Feed {
        let count = partitioner.count();
        let mut feed = Feed {
            options,
            partitioner,
            partitions: (0..count).map(|_| Partition::default()).collect(),
            budget,
            output,
            now: Instant::now(),
            now_ms: 0,
        };
        feed.tick();
        feed
    }

    /// Reads the clock.
    pub fn tick(&mut self) {
        self.now = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    }

    /// Adds a record to its partition's batch.
    pub fn add(&mut self, record: Outgoing<'_>) -> Result<(), Failure> {
        let index = self.place(&record)?;
        let headers: usize = record
            .headers
            .iter()
            .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len) + 10)
            .sum();
        let payload = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        let size = payload + headers + RECORD_OVERHEAD_BYTES;
        let full = |open: &Open| open.builder.bytes_len() + size > self.options.batch_bytes;
        let index = if self.partitions[index].open.as_ref().is_some_and(full) {
            self.seal(index)?;
            self.place(&record)?
        } else {
            index
        };
        if self.partitions[index].open.is_none() {
            self.partitions[index].open = Some(self.open(index));
        }
        let timestamp = record.timestamp.unwrap_or(self.now_ms);
        let open = self.partitions[index].open.as_mut().expect("opened above");
        open.builder.append(timestamp, record.key, record.value, record.headers);
        open.payload_bytes += u64::try_from(payload).expect("sizes fit");
        if open.builder.bytes_len() >= self.options.batch_bytes {
            self.seal(index)?;
        }
        Ok(())
    }

    fn place(&self, record: &Outgoing<'_>) -> Result<usize, Failure> {
        let count = self.partitioner.count();
        let index = match (record.partition.or(self.options.partition), record.key) {
            (Some(index), _) => {
                u32::try_from(index).ok().filter(|index| *index < count).ok_or_else(|| {
                    let last = count - 1;
                    Failure::new(format!("there is no partition {index}, they are 0 to {last}"))
                })?
            }
            (None, Some(key)) => self.partitioner.keyed(key),
            (None, None) => self.partitioner.sticky(),
        };
        Ok(usize::try_from(index).expect("below the count of partitions"))
    }

    fn open(&self, index: usize) -> Open {
        let producer = match self.options.producer {
            None => Producer::NONE,
            Some((id, epoch)) => {
                let base_sequence = self.partitions[index].next_sequence;
                Producer { id, epoch, base_sequence, transactional: false }
            }
        };
        let FeedOptions { codec, level, .. } = self.options;
        let options = BatchOptions { codec, level, producer, ..BatchOptions::default() };
        Open { builder: BatchBuilder::new(options), opened_at: self.now, payload_bytes: 0 }
    }

    /// Finishes the batch of a partition and hands it over.
    fn seal(&mut self, index: usize) -> Result<(), Failure> {
        let Some(open) = self.partitions[index].open.take() else { return Ok(()) };
        let records = open.builder.count();
        let partition = &mut self.partitions[index];
        partition.next_sequence = sequence_plus(partition.next_sequence, records);
        if usize::try_from(self.partitioner.sticky()) == Ok(index) {
            self.partitioner.advance();
        }
        let bytes = open.builder.finish();
        assert!(bytes.len() > HEADER_BYTES);
        if !self.budget.take(bytes.len()) {
            return Err(Failure::new("sending was given up"));
        }
        (self.output)(Sealed {
            partition: index,
            bytes: bytes.into(),
            records: u64::try_from(records).expect("counts are not negative"),
            payload_bytes: open.payload_bytes,
            sealed_at: Instant::now(),
        });
        Ok(())
    }

    /// Hands over the batches that have waited long enough; `idle` means that no more input is
    /// there right now.
    pub fn flush_due(&mut self, idle: bool) -> Result<(), Failure> {
        let busy = !idle && self.budget.used() > BUSY_BYTES;
        let linger = self.options.linger * if busy { BUSY_LINGERS } else { 1 };
        for index in 0..self.partitions.len() {
            let due = |open: &Open| open.opened_at + linger <= self.now;
            if self.partitions[index].open.as_ref().is_some_and(due) {
                self.seal(index)?;
            }
        }
        Ok(())
    }

    /// Hands over everything.
    pub fn flush(&mut self) -> Result<(), Failure> {
        (0..self.partitions.len()).try_for_each(|index| self.seal(index))
    }

    /// How long input may be waited for before a batch is due; none if there is no batch.
    pub fn patience(&self) -> Option<Duration> {
        let opened = self.partitions.iter().filter_map(|partition| partition.open.as_ref());
        let first = opened.map(|open| open.opened_at).min()?;
        Some((first + self.options.linger).saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Feed, FeedOptions, Outgoing};
    use crate::produce::budget::Budget;
    use crate::produce::partitioner::Partitioner;
    use engine_base::{ProducerEpoch, ProducerId};
    use engine_record::{Codec, records_of, verify_batch};
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    fn feed(partition: Option<i32>, codec: Codec) -> (Feed, Receiver<super::Sealed>) {
        let (sender, receiver) = channel();
        let options = FeedOptions {
            batch_bytes: 1000,
            linger: Duration::ZERO,
            codec,
            level: None,
            partition,
            producer: Some((ProducerId(7), ProducerEpoch(1))),
        };
        let partitioner = Partitioner::new(3, vec![0, 1, 2], 0);
        let output = Box::new(move |sealed| sender.send(sealed).expect("open"));
        (Feed::new(options, partitioner, Arc::new(Budget::new(1 << 30)), output), receiver)
    }

    fn record<'a>(key: Option<&'a [u8]>, value: &'a [u8]) -> Outgoing<'a> {
        Outgoing { key, value: Some(value), headers: &[], partition: None, timestamp: Some(5) }
    }

    #[test]
    fn batches_are_whole_and_in_sequence() {
        for codec in Codec::ALL {
            let (mut feed, batches) = feed(Some(1), codec);
            for number in 0..100u32 {
                feed.add(record(None, number.to_string().as_bytes())).expect("room");
            }
            feed.flush().expect("room");
            drop(feed);
            let (mut next, mut count) = (0, 0);
            for sealed in batches {
                assert_eq!(sealed.partition, 1);
                let header = verify_batch(&sealed.bytes).expect("whole");
                assert_eq!((header.producer_id.0, header.base_sequence), (7, next));
                next += header.record_count;
                for item in &records_of(&sealed.bytes, 1 << 20).expect("readable") {
                    let value = item.expect("well formed").value.expect("not null");
                    assert_eq!(value, count.to_string().as_bytes());
                    count += 1;
                }
            }
            assert_eq!(count, 100);
        }
    }

    #[test]
    fn partitions_are_chosen() {
        let (mut free, batches) = feed(None, Codec::None);
        for _ in 0..4 {
            free.add(record(None, &[b'x'; 900])).expect("room");
        }
        free.add(record(Some(b"foobar"), b"v")).expect("room");
        free.flush().expect("room");
        drop(free);
        let places: Vec<usize> = batches.iter().map(|sealed| sealed.partition).collect();
        assert_eq!(places[..3], [0, 1, 2], "without a key, one after the other");
        assert_eq!(places.len(), 5);

        let (mut bad, _batches) = feed(Some(3), Codec::None);
        let error = bad.add(record(None, b"v")).expect_err("no such partition");
        assert_eq!(error.to_string(), "there is no partition 3, they are 0 to 2");
    }

    #[test]
    fn records_larger_than_a_batch_travel_alone() {
        let (mut feed, batches) = feed(Some(0), Codec::None);
        feed.add(record(None, b"small")).expect("room");
        feed.add(record(None, &[b'x'; 5000])).expect("room");
        feed.add(record(None, b"small")).expect("room");
        feed.flush().expect("room");
        drop(feed);
        assert_eq!(batches.iter().map(|sealed| sealed.records).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
