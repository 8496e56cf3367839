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
use engine_log::Read;
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
    /// What counts towards the bytes that the request waits for: those read, or the limit of the
    /// partition where that was what ended the read. As in Kafka, whose answers are cut inside a
    /// batch and so reach their limits.
    pub counted: usize,
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
            counted: 0,
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
        let count = parts.len();
        let bytes_min = limits.bytes_min.min(limits.bytes_max);
        let groups = self.by_owner(parts, |part| part.partition);
        // What each group is to have before it answers. A round ends when one has it; each round
        // asks every shard for its share of what is still missing, so that there are few.
        let mut wanted: Vec<usize> = vec![bytes_min.div_ceil(groups.len()); groups.len()];
        loop {
            let mut results = vec![FetchedPart::failed(PartitionError::Stopping); count];
            let round = self.fetch_round(&groups, &wanted, limits, &mut results).await;
            let found: usize = round.iter().sum();
            let failed = results.iter().any(|part| part.error.is_some());
            if found >= bytes_min || failed || self.env.now() >= limits.deadline {
                trim(&mut results, limits.bytes_max);
                return results;
            }
            drop(results);
            let share = (bytes_min - found).div_ceil(groups.len());
            wanted = round.into_iter().map(|found| found + share).collect();
        }
    }

    /// Asks every group once, until the first has what is wanted of it; the bytes each had.
    async fn fetch_round(
        self: &Rc<Self>,
        groups: &[(ShardId, Vec<usize>, Vec<FetchPart>)],
        wanted: &[usize],
        limits: FetchLimits,
        results: &mut [FetchedPart],
    ) -> Vec<usize> {
        let hurry = Rc::new(Hurry::default());
        let mut round = Round { shard: self, waiting: Vec::with_capacity(groups.len()) };
        for (group, ((shard, _, parts), bytes_min)) in groups.iter().zip(wanted).enumerate() {
            let (shard, token, parts) = (*shard, self.next_token(), parts.clone());
            let limits = FetchLimits { bytes_min: *bytes_min, ..limits };
            let answer: Pin<Box<dyn Future<Output = Vec<FetchedPart>>>> = if shard == self.id() {
                let (this, hurry) = (self.clone(), hurry.clone());
                Box::pin(async move { this.fetch_here(&parts, limits, &hurry).await })
            } else {
                let call = self.peers.call(shard, Call::Fetch { parts, limits, token });
                Box::pin(async move {
                    match call.await {
                        Some(Answer::Fetch(parts)) => parts,
                        _ => Vec::new(),
                    }
                })
            };
            round.waiting.push(Waiting { shard, token, group, answer });
        }
        let mut found = vec![0; groups.len()];
        let mut hurried = false;
        while !round.waiting.is_empty() {
            let (group, answers) = next_answer(&mut round.waiting).await;
            found[group] = answers.iter().map(|part| part.counted).sum();
            for (index, part) in groups[group].1.iter().zip(answers) {
                results[*index] = part;
            }
            if !std::mem::replace(&mut hurried, true) {
                hurry.set();
                round.hurry_others();
            }
        }
        found
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
        let bytes_min = limits.bytes_min.min(limits.bytes_max);
        let mut timer = None;
        loop {
            // Signals are taken before the look, so that nothing between look and wait is missed.
            let mut changes: Vec<_> =
                replicas.iter().flatten().map(|replica| replica.log.moved().wait()).collect();
            let mut hurried = pin!(hurry.signal.wait());
            let fetched = read_all(parts, &replicas, limits).await;
            let counted: usize = fetched.iter().map(|part| part.counted).sum();
            let failed = fetched.iter().any(|part| part.error.is_some());
            let late = self.env.now() >= limits.deadline;
            if counted >= bytes_min || failed || late || hurry.set.get() {
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

/// The fetches of one round that have not answered. Dropped with the request when its client goes:
/// the other shards need not go on waiting for it then.
struct Round<'a, E: Env> {
    shard: &'a Rc<Shard<E>>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    shard: ShardId,
    token: u64,
    /// Its index among the groups of the request.
    group: usize,
    answer: Pin<Box<dyn Future<Output = Vec<FetchedPart>>>>,
}

impl<E: Env> Round<'_, E> {
    /// Has those on other shards answer with what there is.
    fn hurry_others(&self) {
        for waiting in self.waiting.iter().filter(|waiting| waiting.shard != self.shard.id()) {
            self.shard.peers.tell(waiting.shard, Call::FetchNow { token: waiting.token });
        }
    }
}

impl<E: Env> Drop for Round<'_, E> {
    fn drop(&mut self) {
        self.hurry_others();
    }
}

/// The first of `waiting` that answers, taken out of it: its group and what was read.
async fn next_answer(waiting: &mut Vec<Waiting>) -> (usize, Vec<FetchedPart>) {
    poll_fn(|context| {
        for index in 0..waiting.len() {
            if let Poll::Ready(answers) = waiting[index].answer.as_mut().poll(context) {
                return Poll::Ready((waiting.swap_remove(index).group, answers));
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
            Ok(Read::default())
        } else {
            replica.read(part.offset, bytes_max, nothing_yet).await
        };
        match read {
            Ok(read) => {
                let bytes = read.records.iter().map(Bytes::len).sum();
                let part = FetchedPart {
                    records: read.records,
                    counted: if read.is_cut { bytes_max.max(bytes) } else { bytes },
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
