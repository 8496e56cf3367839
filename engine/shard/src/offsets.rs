//! Looking up offsets: start and end of a partition, and the record of a timestamp. Answered by the
//! shard that owns the partition.

use crate::call::{Answer, Call};
use crate::error::PartitionError;
use crate::shard::Shard;
use engine_base::{Offset, ShardId, TopicPartition};
use engine_io::Env;
use std::rc::Rc;

/// Which offset is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OffsetKind {
    Earliest,
    /// What a consumer reads next: the high watermark.
    Latest,
    /// The record with the largest timestamp.
    MaxTimestamp,
    /// The first record with at least this timestamp, in milliseconds.
    Timestamp(i64),
    /// An edge of the tiered log, which does not exist here.
    Tiered,
}

#[derive(Clone, Copy, Debug)]
pub struct OffsetQuery {
    pub partition: TopicPartition,
    pub kind: OffsetKind,
    /// The epoch the client believes in, -1 for none.
    pub current_epoch: i32,
}

/// -1 in `offset` and `timestamp_ms` means that there is no such record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetFound {
    pub offset: Offset,
    pub timestamp_ms: i64,
    pub leader_epoch: i32,
}

pub type OffsetAnswer = Result<OffsetFound, PartitionError>;

impl<E: Env> Shard<E> {
    /// One answer per query, in the same order. The queries may belong to any shard.
    pub async fn offsets(self: &Rc<Self>, queries: Vec<OffsetQuery>) -> Vec<OffsetAnswer> {
        let mut answers: Vec<OffsetAnswer> = vec![Err(PartitionError::Stopping); queries.len()];
        let groups = self.by_owner(queries, |query| query.partition);
        for (shard, indexes, queries) in groups {
            let found = if shard == self.id() {
                self.offsets_here(queries).await
            } else {
                match self.peers.call(shard, Call::Offsets(queries)).await {
                    Some(Answer::Offsets(found)) => found,
                    _ => continue,
                }
            };
            for (index, answer) in indexes.into_iter().zip(found) {
                answers[index] = answer;
            }
        }
        answers
    }

    pub(crate) async fn offsets_here(&self, queries: Vec<OffsetQuery>) -> Vec<OffsetAnswer> {
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(self.offset_of(query).await);
        }
        answers
    }

    async fn offset_of(&self, query: OffsetQuery) -> OffsetAnswer {
        let replica = self.replica(query.partition).ok_or(PartitionError::UnknownPartition)?;
        replica.check_epoch(query.current_epoch)?;
        let leader_epoch = replica.leader_epoch.get().0;
        let edge = |offset| OffsetFound { offset, timestamp_ms: -1, leader_epoch };
        let found = match query.kind {
            OffsetKind::Earliest => return Ok(edge(Offset(replica.log.log_start()))),
            OffsetKind::Latest => return Ok(edge(Offset(replica.log.high_watermark()))),
            OffsetKind::Tiered => None,
            OffsetKind::MaxTimestamp => replica.log.max_timestamp_offset().await?,
            OffsetKind::Timestamp(timestamp) => replica.log.offset_for_timestamp(timestamp).await?,
        };
        Ok(match found {
            Some(found) => OffsetFound {
                offset: Offset(found.offset),
                timestamp_ms: found.timestamp,
                leader_epoch: found.leader_epoch,
            },
            None => OffsetFound { offset: Offset(-1), timestamp_ms: -1, leader_epoch: -1 },
        })
    }

    /// Raises the start of partitions (DeleteRecords); the new start of each.
    pub async fn delete_records(
        self: &Rc<Self>,
        wanted: Vec<(TopicPartition, Offset)>,
    ) -> Vec<Result<Offset, PartitionError>> {
        let mut answers = vec![Err(PartitionError::Stopping); wanted.len()];
        for (shard, indexes, wanted) in self.by_owner(wanted, |(partition, _)| *partition) {
            let done = if shard == self.id() {
                self.delete_records_here(wanted).await
            } else {
                match self.peers.call(shard, Call::DeleteRecords(wanted)).await {
                    Some(Answer::DeleteRecords(done)) => done,
                    _ => continue,
                }
            };
            for (index, answer) in indexes.into_iter().zip(done) {
                answers[index] = answer;
            }
        }
        answers
    }

    pub(crate) async fn delete_records_here(
        &self,
        wanted: Vec<(TopicPartition, Offset)>,
    ) -> Vec<Result<Offset, PartitionError>> {
        let mut answers = Vec::with_capacity(wanted.len());
        for (partition, offset) in wanted {
            let result = match self.replica(partition) {
                None => Err(PartitionError::UnknownPartition),
                Some(replica) => {
                    // -1 stands for the high watermark.
                    let offset =
                        if offset.0 == -1 { replica.log.high_watermark() } else { offset.0 };
                    let start = replica.log.delete_records_before(offset).await;
                    start.map(Offset).map_err(PartitionError::from)
                }
            };
            answers.push(result);
        }
        answers
    }

    /// Size in bytes of partitions on disk, `None` for one that is not here.
    pub async fn sizes(self: &Rc<Self>, wanted: Vec<TopicPartition>) -> Vec<Option<u64>> {
        let mut answers = vec![None; wanted.len()];
        for (shard, indexes, wanted) in self.by_owner(wanted, |partition| *partition) {
            let sizes = if shard == self.id() {
                self.sizes_here(&wanted)
            } else {
                match self.peers.call(shard, Call::Sizes(wanted)).await {
                    Some(Answer::Sizes(sizes)) => sizes,
                    _ => continue,
                }
            };
            for (index, size) in indexes.into_iter().zip(sizes) {
                answers[index] = size;
            }
        }
        answers
    }

    pub(crate) fn sizes_here(&self, wanted: &[TopicPartition]) -> Vec<Option<u64>> {
        wanted
            .iter()
            .map(|partition| self.replica(*partition).map(|replica| replica.log.size_bytes()))
            .collect()
    }

    /// Items in groups of one owner, each with the indexes its items had.
    pub(crate) fn by_owner<T>(
        &self,
        items: Vec<T>,
        partition: impl Fn(&T) -> TopicPartition,
    ) -> Vec<(ShardId, Vec<usize>, Vec<T>)> {
        let mut groups: Vec<(ShardId, Vec<usize>, Vec<T>)> = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let owner = self.owner(partition(&item));
            match groups.iter_mut().find(|(shard, _, _)| *shard == owner) {
                Some(group) => {
                    group.1.push(index);
                    group.2.push(item);
                }
                None => groups.push((owner, vec![index], vec![item])),
            }
        }
        groups
    }
}
