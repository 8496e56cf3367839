//! Fetching: a request's partitions are read by the shards that own them. A fetch that finds less
//! than it wants waits at the owners for new records, without polling, until its deadline; the
//! first shard that has enough makes the others answer with what they have.

use crate::call::{Answer, Call, FetchLimits};
use crate::error::PartitionError;
use crate::shard::{Replica, Shard};
use bytes::Bytes;
use engine_base::{Offset, ShardId, TopicPartition};
use engine_io::sync::Signal;
use engine_io::{Env, Instant};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

/// What to read of one partition.
#[derive(Clone, Debug)]
pub struct FetchPart {
    pub partition: TopicPartition,
    pub offset: Offset,
    pub bytes_max: usize,
    /// The epoch the client believes in, -1 for none.
    pub current_epoch: i32,
}

/// What was read of one partition.
#[derive(Clone, Debug)]
pub struct FetchedPart {
    pub records: Vec<Bytes>,
    pub high_watermark: Offset,
    pub log_start: Offset,
    pub error: Option<PartitionError>,
}

impl FetchedPart {
    pub fn bytes(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }

    fn failed(error: PartitionError) -> Self {
        FetchedPart {
            records: Vec::new(),
            high_watermark: Offset(-1),
            log_start: Offset(-1),
            error: Some(error),
        }
    }
}

/// Tells a waiting fetch to answer with what there is.
#[derive(Default)]
pub struct Hurry {
    set: Cell<bool>,
    signal: Signal,
}

impl Hurry {
    pub fn set(&self) {
        self.set.set(true);
        self.signal.notify();
    }
}

impl<E: Env> Shard<E> {
    /// Reads `parts`, which may belong to any shard. One result per part, in the same order.
    pub async fn fetch(
        self: &Rc<Self>,
        parts: Vec<FetchPart>,
        limits: FetchLimits,
    ) -> Vec<FetchedPart> {
        let first = parts.first().map(|part| self.owner(part.partition));
        let one_owner = parts.iter().all(|part| Some(self.owner(part.partition)) == first);
        if first.is_none_or(|owner| owner == self.id()) && one_owner {
            return self.fetch_here(&parts, limits, &Hurry::default()).await;
        }
        self.fetch_everywhere(parts, limits).await
    }

    async fn fetch_everywhere(
        self: &Rc<Self>,
        parts: Vec<FetchPart>,
        limits: FetchLimits,
    ) -> Vec<FetchedPart> {
        let mut results: Vec<FetchedPart> =
            parts.iter().map(|_| FetchedPart::failed(PartitionError::Stopping)).collect();
        let mut groups: Vec<(ShardId, Vec<usize>, Vec<FetchPart>)> = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            let owner = self.owner(part.partition);
            match groups.iter_mut().find(|(shard, _, _)| *shard == owner) {
                Some(group) => {
                    group.1.push(index);
                    group.2.push(part);
                }
                None => groups.push((owner, vec![index], vec![part])),
            }
        }
        let share = |bytes: usize| bytes.div_ceil(groups.len().max(1));
        let shared = FetchLimits { bytes_min: share(limits.bytes_min), ..limits };
        let hurry = Rc::new(Hurry::default());
        let mut waiting: Vec<Group> = Vec::new();
        for (shard, indexes, parts) in groups {
            let token = self.next_token();
            let answer: Pin<Box<dyn Future<Output = Vec<FetchedPart>>>> = if shard == self.id() {
                let (this, hurry) = (self.clone(), hurry.clone());
                Box::pin(async move { this.fetch_here(&parts, shared, &hurry).await })
            } else {
                let call = self.peers.call(shard, Call::Fetch { parts, limits: shared, token });
                Box::pin(async move {
                    match call.await {
                        Some(Answer::Fetch(parts)) => parts,
                        _ => Vec::new(),
                    }
                })
            };
            waiting.push(Group { shard, token, indexes, answer });
        }
        let mut hurried = false;
        while !waiting.is_empty() {
            let (group, answers) = next_answer(&mut waiting).await;
            let satisfied = answers.iter().any(|part| part.bytes() > 0 || part.error.is_some());
            for (index, part) in group.indexes.into_iter().zip(answers) {
                results[index] = part;
            }
            if satisfied && !hurried {
                hurried = true;
                hurry.set();
                for group in waiting.iter().filter(|group| group.shard != self.id()) {
                    self.peers.tell(group.shard, Call::FetchNow { token: group.token });
                }
            }
        }
        trim(&mut results, limits.bytes_max);
        results
    }

    /// Reads partitions of this shard.
    pub(crate) async fn fetch_here(
        &self,
        parts: &[FetchPart],
        limits: FetchLimits,
        hurry: &Hurry,
    ) -> Vec<FetchedPart> {
        let replicas: Vec<Option<Rc<Replica<E>>>> =
            parts.iter().map(|part| self.replica(part.partition)).collect();
        let mut timer = None;
        loop {
            // Signals are taken before the look, so that nothing between look and wait is missed.
            let mut changes: Vec<_> =
                replicas.iter().flatten().map(|replica| replica.log.moved().wait()).collect();
            let mut hurried = pin!(hurry.signal.wait());
            let fetched = read_all(parts, &replicas, limits).await;
            let bytes: usize = fetched.iter().map(FetchedPart::bytes).sum();
            let failed = fetched.iter().any(|part| part.error.is_some());
            let late = self.env.now() >= limits.deadline;
            if bytes >= limits.bytes_min || failed || late || hurry.set.get() {
                return fetched;
            }
            drop(fetched);
            let timer =
                timer.get_or_insert_with(|| Box::pin(self.env.sleep_until(limits.deadline)));
            poll_fn(|context| {
                let moved = changes.iter_mut().any(|wait| Pin::new(wait).poll(context).is_ready());
                let late = timer.as_mut().poll(context).is_ready();
                let hurry = hurried.as_mut().poll(context).is_ready();
                if moved || late || hurry { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}

struct Group {
    shard: ShardId,
    token: u64,
    indexes: Vec<usize>,
    answer: Pin<Box<dyn Future<Output = Vec<FetchedPart>>>>,
}

/// The first of `waiting` that answers, taken out of it.
async fn next_answer(waiting: &mut Vec<Group>) -> (Group, Vec<FetchedPart>) {
    poll_fn(|context| {
        for index in 0..waiting.len() {
            if let Poll::Ready(answers) = waiting[index].answer.as_mut().poll(context) {
                return Poll::Ready((waiting.swap_remove(index), answers));
            }
        }
        Poll::Pending
    })
    .await
}

/// Cuts what several shards read, each up to the whole limit, back to the limit of the request.
fn trim(results: &mut [FetchedPart], bytes_max: usize) {
    let mut left = bytes_max;
    let mut any = false;
    for part in results {
        let bytes = part.bytes();
        if bytes > left && any {
            part.records.clear();
            continue;
        }
        any |= bytes > 0;
        left = left.saturating_sub(bytes);
    }
}

async fn read_all<E: Env>(
    parts: &[FetchPart],
    replicas: &[Option<Rc<Replica<E>>>],
    limits: FetchLimits,
) -> Vec<FetchedPart> {
    let mut fetched = Vec::with_capacity(parts.len());
    let mut left = limits.bytes_max;
    let mut nothing_yet = true;
    for (part, replica) in parts.iter().zip(replicas) {
        let Some(replica) = replica else {
            fetched.push(FetchedPart::failed(PartitionError::UnknownPartition));
            continue;
        };
        if let Err(error) = replica.check_epoch(part.current_epoch) {
            fetched.push(FetchedPart::failed(error));
            continue;
        }
        // The first batch of the answer comes whatever its size (KIP-74); then the limits hold.
        let bytes_max = part.bytes_max.min(left);
        let read = if bytes_max == 0 && !nothing_yet {
            Ok(Vec::new())
        } else {
            replica.read(part.offset, bytes_max, nothing_yet).await
        };
        match read {
            Ok(records) => {
                let part = FetchedPart {
                    records,
                    high_watermark: Offset(replica.log.high_watermark()),
                    log_start: Offset(replica.log.log_start()),
                    error: None,
                };
                left = left.saturating_sub(part.bytes());
                nothing_yet &= part.bytes() == 0;
                fetched.push(part);
            }
            Err(error) => fetched.push(FetchedPart {
                high_watermark: Offset(replica.log.high_watermark()),
                log_start: Offset(replica.log.log_start()),
                ..FetchedPart::failed(error.into())
            }),
        }
    }
    fetched
}

/// A deadline `wait_ms` from now.
pub fn deadline(now: Instant, wait_ms: i32) -> Instant {
    let wait = u64::try_from(wait_ms).unwrap_or(0);
    now.plus(std::time::Duration::from_millis(wait))
}
