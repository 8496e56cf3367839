//! Kills and power cuts at random points under load, and a history of what clients were told: nothing
//! acknowledged is lost, nothing of an idempotent producer is there twice, order is kept, committed
//! offsets never move back, topics are as answered. Clients outlive the node, as real ones do: what
//! was not answered is sent again in the next life.

use crate::groups::{commit, committed};
use crate::harness::{Cluster, Node, S, at, batch, create_through, entry, machine_with, producer};
use crate::harness::{read_all, spec};
use engine_base::Uuid;
use engine_io::Env;
use engine_io::memory::{Halt, Machine, Options, Random};
use engine_log::Acks;
use engine_shard::{ControllerAnswer, ControllerCall, PartitionError, TopicName};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

const PRODUCERS: usize = 4;
const GROUPS: usize = 3;
const PARTITIONS: i32 = 3;
/// Kafka's clients have at most this many requests in flight.
const IN_FLIGHT_MAX: usize = 5;
/// A record of the producer whose batches go straight to the segments.
const LARGE_BYTES: usize = 70_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Kill,
    PowerCut,
}

/// A batch that was sent: first sequence and number of records.
#[derive(Clone, Copy, Debug)]
struct Sent {
    first: i32,
    count: i32,
}

/// A producer of one partition, over all lives.
struct Client {
    number: usize,
    partition: i32,
    acks: Acks,
    next: Cell<i32>,
    /// Sent and not answered, in order.
    pending: RefCell<VecDeque<Sent>>,
    /// Base offset of every answered batch by its first sequence.
    acked: RefCell<BTreeMap<i32, (i64, i32)>>,
    /// The record's size; large ones go another way to the disk.
    bytes: usize,
}

impl Client {
    fn value(&self, sequence: i32) -> Vec<u8> {
        let mut value = format!("{} {sequence}", self.number).into_bytes();
        value.resize(value.len().max(self.bytes), b' ');
        value
    }

    async fn send(&self, shard: &S, topic: Uuid, sent: Sent) -> Result<i64, PartitionError> {
        let id = i64::try_from(self.number).expect("small") + 1000;
        let values: Vec<Vec<u8>> =
            (sent.first..sent.first + sent.count).map(|sequence| self.value(sequence)).collect();
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let batch = batch(producer(id, 0, sent.first), shard.env.wall_ms(), &values);
        let entry = entry(at(topic, self.partition), batch);
        let result = shard.append(vec![entry], self.acks).await.remove(0);
        result.map(|done| done.base_offset.0)
    }

    /// Sends what is pending, then more and more, until the life ends.
    async fn produce(self: Rc<Self>, shard: S, topic: Uuid, seed: u64) {
        let mut random = Random::new(seed);
        let mut sending = VecDeque::new();
        let resent: Vec<Sent> = self.pending.borrow().iter().copied().collect();
        let start = |sent| {
            let (client, shard) = (self.clone(), shard.clone());
            let mut sending = Box::pin(async move { client.send(&shard, topic, sent).await });
            // Appends begin when they are first polled, and must begin in order.
            async move {
                let first = futures_util::poll!(sending.as_mut());
                (sent, first, sending)
            }
        };
        for sent in resent {
            sending.push_back(start(sent).await);
        }
        loop {
            let depth = 1 + random.index(IN_FLIGHT_MAX);
            while sending.len() < depth {
                let count = 1 + i32::try_from(random.below(3)).expect("small");
                let sent = Sent { first: self.next.get(), count };
                self.next.set(sent.first + count);
                self.pending.borrow_mut().push_back(sent);
                sending.push_back(start(sent).await);
            }
            let (sent, first, rest) = sending.pop_front().expect("at least one");
            let result = match first {
                std::task::Poll::Ready(result) => result,
                std::task::Poll::Pending => rest.await,
            };
            let base = result.unwrap_or_else(|error| {
                panic!("{} sent {sent:?} to {}: {error}", self.number, self.partition)
            });
            let front = self.pending.borrow_mut().pop_front().expect("it was pending");
            assert_eq!(front.first, sent.first);
            self.acked.borrow_mut().insert(sent.first, (base, sent.count));
            if self.bytes == LARGE_BYTES || random.below(8) == 0 {
                shard.env.sleep(Duration::from_millis(random.below(30))).await;
            }
        }
    }
}

/// What became of a topic as far as its client knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Asked,
    There(Uuid),
    GoingAway(Uuid),
    Gone,
}

struct History {
    clients: Vec<Rc<Client>>,
    /// By group: committed for certain, and asked for at most.
    commits: Vec<(Cell<i64>, Cell<i64>)>,
    topics: RefCell<Vec<Fate>>,
}

impl History {
    fn new(end: End) -> Self {
        let client = |number: usize| {
            let acks =
                if end == End::Kill && number.is_multiple_of(2) { Acks::Leader } else { Acks::All };
            let partition = i32::try_from(number).expect("small") % PARTITIONS;
            let bytes = if number == 1 { LARGE_BYTES } else { 10 };
            Rc::new(Client {
                number,
                partition,
                acks,
                next: Cell::new(0),
                pending: RefCell::default(),
                acked: RefCell::default(),
                bytes,
            })
        };
        let none = || (Cell::new(-1), Cell::new(-1));
        History {
            clients: (0..PRODUCERS).map(client).collect(),
            commits: (0..GROUPS).map(|_| none()).collect(),
            topics: RefCell::default(),
        }
    }
}

async fn commit_on(history: Rc<History>, group: usize, shard: S) {
    let name = format!("group {group}");
    let (certain, asked) = &history.commits[group];
    loop {
        asked.set(asked.get() + 1);
        let error = commit(&shard, &name, "t", asked.get()).await;
        assert_eq!(error, None);
        certain.set(asked.get());
        let found = committed(&shard, &name, "t").await;
        assert_eq!(found, certain.get());
    }
}

async fn change_topics(history: Rc<History>, shard: S, seed: u64) {
    let mut random = Random::new(seed);
    loop {
        let count = history.topics.borrow().len();
        let there: Vec<(usize, Uuid)> = history
            .topics
            .borrow()
            .iter()
            .enumerate()
            .filter_map(|(index, fate)| match fate {
                Fate::There(id) => Some((index, *id)),
                _ => None,
            })
            .collect();
        if there.len() > 3 || (random.below(3) == 0 && !there.is_empty()) {
            let (index, id) = there[random.index(there.len())];
            history.topics.borrow_mut()[index] = Fate::GoingAway(id);
            let call = ControllerCall::DeleteTopics(vec![TopicName::Id(id)]);
            let answer = shard.control(call).await;
            let deleted = matches!(&answer, ControllerAnswer::Deleted(r) if r[0].is_ok());
            assert!(deleted, "{answer:?}");
            history.topics.borrow_mut()[index] = Fate::Gone;
        } else {
            history.topics.borrow_mut().push(Fate::Asked);
            let partitions = 1 + i32::try_from(random.below(4)).expect("small");
            let made = create_through(&shard, &format!("topic-{count}"), partitions).await;
            let id = made.unwrap_or_else(|answer| panic!("{answer:?}"));
            history.topics.borrow_mut()[count] = Fate::There(id);
        }
        shard.env.sleep(Duration::from_millis(random.below(20))).await;
    }
}

/// Compares what is there with the history.
async fn check(cluster: &Cluster, history: &History) {
    let shard = cluster.shard(cluster.all().len() - 1);
    let topic = cluster.topic("t");
    for partition in 0..PARTITIONS {
        let found = read_all(&shard, at(topic, partition)).await;
        let mut next: BTreeMap<usize, i32> = BTreeMap::new();
        for (offset, value) in &found {
            let text = String::from_utf8_lossy(value);
            let (number, sequence) = text.trim_end().split_once(' ').expect("two numbers");
            let (number, sequence): (usize, i32) =
                (number.parse().expect("a number"), sequence.parse().expect("a number"));
            let client = &history.clients[number];
            assert_eq!(client.partition, partition);
            let next = next.entry(number).or_insert(0);
            assert_eq!(sequence, *next, "producer {number} at {offset}: gap, repeat or disorder");
            assert_eq!(*value, client.value(sequence), "byte for byte");
            *next += 1;
        }
        for client in history.clients.iter().filter(|client| client.partition == partition) {
            for (first, (base, count)) in client.acked.borrow().iter() {
                for index in 0..*count {
                    let offset = base + i64::from(index);
                    let at = usize::try_from(offset).expect("an offset");
                    let value = found.get(at).map(|(_, value)| value.clone());
                    let expected = client.value(first + index);
                    assert_eq!(value, Some(expected), "{} lost at {offset}", client.number);
                }
            }
            let there = next.get(&client.number).copied().unwrap_or(0);
            assert!(there <= client.next.get(), "what nobody sent");
        }
    }
    for (group, (certain, asked)) in history.commits.iter().enumerate() {
        let found = committed(&shard, &format!("group {group}"), "t").await;
        assert!(found >= certain.get(), "group {group}: {found} after {}", certain.get());
        assert!(found <= asked.get());
        certain.set(found);
        asked.set(found);
    }
    check_topics(cluster, history);
}

fn check_topics(cluster: &Cluster, history: &History) {
    let image = cluster.shard(0).image();
    for (index, fate) in history.topics.borrow_mut().iter_mut().enumerate() {
        let found = image.topic(&format!("topic-{index}")).map(|topic| topic.id);
        *fate = match (*fate, found) {
            (Fate::There(id), found) => {
                assert_eq!(found, Some(id), "topic-{index} was created");
                Fate::There(id)
            }
            (Fate::Gone, found) => {
                assert_eq!(found, None, "topic-{index} was deleted");
                Fate::Gone
            }
            (Fate::Asked | Fate::GoingAway(_), Some(id)) => Fate::There(id),
            (Fate::Asked | Fate::GoingAway(_), None) => Fate::Gone,
        };
    }
}

/// A life of a node under load from all clients until `halt`.
fn live(machine: &Machine, node: &Node, halt: Halt, history: &Rc<History>, seed: u64) {
    let ended = node.live_until(machine, halt, async |cluster| {
        if cluster.shard(0).image().topic("t").is_none() {
            let shard = cluster.shard(1);
            shard.ensure_offsets_topic().await;
            let topic = spec(&shard, "t", PARTITIONS);
            let call = ControllerCall::CreateTopics { topics: vec![topic], validate_only: false };
            shard.control(call).await;
        }
        check(cluster, history).await;
        let mut random = Random::new(seed);
        for client in &history.clients {
            let shard = cluster.shard(random.index(8));
            let task = client.clone().produce(shard, cluster.topic("t"), random.draw());
            cluster.spawn(task);
        }
        for group in 0..GROUPS {
            cluster.spawn(commit_on(history.clone(), group, cluster.shard(random.index(8))));
        }
        let task = change_topics(history.clone(), cluster.shard(random.index(8)), random.draw());
        cluster.spawn(task);
        cluster.env().sleep(Duration::from_secs(1_000_000)).await;
    });
    assert!(!ended);
}

fn run(seed: u64, end: End) -> u64 {
    let mut random = Random::new(seed ^ 0xC0FF_EE00);
    // Fast and slow disks, names in a journal or loose.
    let machine = machine_with(seed, Options::swarm(seed));
    let history = Rc::new(History::new(end));
    let mut shards = 1 + u16::try_from(random.below(3)).expect("small");
    for _ in 0..5 {
        if random.below(3) == 0 {
            shards = 1 + u16::try_from(random.below(3)).expect("small");
        }
        let halt = match random.below(3) {
            0 => Halt::DiskCalls(20 + random.below(600)),
            1 => Halt::Polls(200 + random.below(8_000)),
            _ => Halt::After(Duration::from_micros(random.below(300_000))),
        };
        live(&machine, &Node::of(shards), halt, &history, random.draw());
        match end {
            End::Kill => machine.kill(),
            End::PowerCut => machine.power_cut(),
        }
    }
    Node::of(shards).live(&machine, async |cluster| {
        if cluster.shard(0).image().topic("t").is_some() {
            cluster.shard(0).ensure_offsets_topic().await;
            check(cluster, &history).await;
        }
    });
    machine.trace_hash()
}

/// Names the seed of a run that failed.
struct Named(u64, End);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} {:?}", self.0, self.1);
        }
    }
}

fn run_many(seeds: std::ops::Range<u64>, end: End) {
    for seed in seeds {
        let named = Named(seed, end);
        run(seed, end);
        drop(named);
    }
}

#[test]
fn kills_lose_nothing_acknowledged() {
    run_many(0..24, End::Kill);
}

#[test]
fn power_cuts_lose_nothing_acknowledged_by_all() {
    run_many(100..124, End::PowerCut);
}

#[test]
fn crashes_are_repeatable() {
    for seed in [500, 501] {
        assert_eq!(run(seed, End::PowerCut), run(seed, End::PowerCut));
    }
}
