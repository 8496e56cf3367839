//! Appending: a request's batches go to the shards that own their partitions, start there in the
//! order of the request, and each is answered when the guarantee its producer asked for holds.

use crate::call::{Answer, Call};
use crate::error::PartitionError;
use crate::shard::{Replica, Shard};
use bytes::Bytes;
use engine_base::{Offset, ShardId, TopicPartition};
use engine_io::Env;
use engine_log::{Acks, AppendInfo, Ticket};
use engine_record::{BatchHeader, TimestampType};
use engine_state::producers::{ProducerBatch, ProducerCheck};
use std::future::Future;
use std::rc::Rc;

/// One validated batch for one partition.
pub struct AppendEntry {
    pub partition: TopicPartition,
    /// Exactly one batch, as the client sent it; checked by `validate_produce`.
    pub batch: Bytes,
    pub header: BatchHeader,
    /// The topic wants the broker's time (`message.timestamp.type=LogAppendTime`).
    pub append_time: bool,
}

/// Where a batch came to lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AppendOutcome {
    pub base_offset: Offset,
    /// -1 unless the topic uses LogAppendTime.
    pub append_time_ms: i64,
    pub log_start: Offset,
}

pub type AppendResult = Result<AppendOutcome, PartitionError>;

/// A batch that has its offset and waits for its guarantee.
enum Started<E: Env> {
    Failed(PartitionError),
    Waiting { outcome: AppendOutcome, ticket: Ticket<E> },
}

impl<E: Env> Started<E> {
    async fn finish(self) -> AppendResult {
        match self {
            Started::Failed(error) => Err(error),
            Started::Waiting { outcome, ticket } => {
                ticket.await?;
                Ok(outcome)
            }
        }
    }
}

impl<E: Env> Shard<E> {
    /// Appends `entries`, which may belong to any shard. Offsets are given now, in this order; the
    /// future resolves when all guarantees hold, to one result per entry in the same order.
    pub fn append(
        self: &Rc<Self>,
        entries: Vec<AppendEntry>,
        acks: Acks,
    ) -> impl Future<Output = Vec<AppendResult>> + use<E> {
        let count = entries.len();
        let mut here = Vec::new();
        let mut there: Vec<(ShardId, Vec<usize>, Vec<AppendEntry>)> = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let owner = self.owner(entry.partition);
            if owner == self.id() {
                here.push((index, self.start_append(&entry, acks)));
            } else if let Some(group) = there.iter_mut().find(|(shard, _, _)| *shard == owner) {
                group.1.push(index);
                group.2.push(entry);
            } else {
                there.push((owner, vec![index], vec![entry]));
            }
        }
        let calls: Vec<_> = there
            .into_iter()
            .map(|(shard, indexes, entries)| {
                (indexes, self.peers.call(shard, Call::Append { entries, acks }))
            })
            .collect();
        async move {
            let mut results: Vec<AppendResult> = vec![Err(PartitionError::Stopping); count];
            for (index, started) in here {
                results[index] = started.finish().await;
            }
            for (indexes, call) in calls {
                let Some(Answer::Append(answers)) = call.await else { continue };
                for (index, answer) in indexes.into_iter().zip(answers) {
                    results[index] = answer;
                }
            }
            results
        }
    }

    /// Appends another shard's `entries`, all of which this shard owns.
    pub(crate) fn append_for_peer(
        self: &Rc<Self>,
        entries: &[AppendEntry],
        acks: Acks,
    ) -> impl Future<Output = Vec<AppendResult>> + use<E> {
        let started: Vec<_> = entries.iter().map(|entry| self.start_append(entry, acks)).collect();
        async move {
            let mut results = Vec::with_capacity(started.len());
            for started in started {
                results.push(started.finish().await);
            }
            results
        }
    }

    fn start_append(&self, entry: &AppendEntry, acks: Acks) -> Started<E> {
        let Some(replica) = self.replica(entry.partition) else {
            return Started::Failed(PartitionError::UnknownPartition);
        };
        match self.place(&replica, entry, acks) {
            Ok((outcome, ticket)) => Started::Waiting { outcome, ticket },
            Err(error) => Started::Failed(error),
        }
    }

    /// Judges the producer, appends, and notes the producer, in one turn.
    fn place(
        &self,
        replica: &Replica<E>,
        entry: &AppendEntry,
        acks: Acks,
    ) -> Result<(AppendOutcome, Ticket<E>), PartitionError> {
        let header = &entry.header;
        let now_ms = self.env.wall_ms();
        let producer = header.has_producer().then_some(ProducerBatch {
            producer_id: header.producer_id,
            epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            last_offset_delta: header.last_offset_delta,
        });
        if let Some(batch) = &producer {
            match replica.producers.borrow().check(batch) {
                ProducerCheck::Accept => {}
                ProducerCheck::OutOfOrderSequence => {
                    return Err(PartitionError::OutOfOrderSequence);
                }
                ProducerCheck::InvalidProducerEpoch => {
                    return Err(PartitionError::InvalidProducerEpoch);
                }
                ProducerCheck::Duplicate { base_offset, last_offset, timestamp_ms } => {
                    let append_time_ms = if entry.append_time { timestamp_ms } else { -1 };
                    let log_start = Offset(replica.log.log_start());
                    let outcome = AppendOutcome { base_offset, append_time_ms, log_start };
                    // The first append may still be on its way to the disk.
                    return Ok((outcome, replica.log.ticket(last_offset.0 + 1, acks)));
                }
            }
        }
        // What validation found replaces what the client wrote in the header, if they differ.
        let stamp = if entry.append_time {
            (TimestampType::LogAppendTime, now_ms)
        } else {
            (header.timestamp_type(), header.max_timestamp)
        };
        let leader_epoch = replica.leader_epoch.get();
        let info = AppendInfo { acks, leader_epoch, now_ms, stamp: Some(stamp) };
        let appended = replica.log.append(&entry.batch, info)?;
        let base_offset = Offset(appended.base_offset);
        if let Some(batch) = &producer {
            replica.producers.borrow_mut().append(batch, base_offset, stamp.1);
        }
        let append_time_ms = if entry.append_time { now_ms } else { -1 };
        let log_start = Offset(appended.log_start);
        Ok((AppendOutcome { base_offset, append_time_ms, log_start }, appended.ticket))
    }
}
