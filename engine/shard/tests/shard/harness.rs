//! A whole engine on the simulated machine: all shards of a node in one thread, started and stopped
//! as the broker does it. A test's body runs on shard 0 and holds every shard, so that it can ask
//! through any of them. What a life leaves on the machine's disk is there for the next.

use bytes::Bytes;
use engine_base::{Offset, ProducerEpoch, ProducerId, ShardId, TopicPartition, Uuid};
use engine_io::memory::{Control, Halt, Machine, MemoryEnv, Options};
use engine_io::sync::Signal;
use engine_io::{Env, Queue};
use engine_log::Acks;
use engine_log::node_files::take_clean_marker;
use engine_record::{BatchBuilder, BatchHeader, BatchOptions, Producer, records_of};
use engine_shard::{
    AppendEntry, AppendResult, ControllerAnswer, ControllerCall, FetchLimits, FetchPart,
    FetchedPart, Settings, Shard, ShardMail, StartError, TopicSpec, fetch_deadline,
};
use engine_state::groups::GroupConfig;
use engine_state::metadata::Endpoint;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::path::Path;
use std::rc::Rc;

pub const DIR: &str = "/data";
pub const MARKER: &str = "/data/.kafka_cleanshutdown";

pub type S = Rc<Shard<MemoryEnv>>;

/// What lives of a node have in common.
#[derive(Clone)]
pub struct Node {
    pub shards: u16,
    pub arena_bytes: usize,
    pub journal_bytes: u64,
    pub offsets_partitions: i32,
    pub session_ms_min: i32,
}

impl Node {
    pub fn of(shards: u16) -> Node {
        Node {
            shards,
            arena_bytes: 16 << 20,
            journal_bytes: 1 << 20,
            offsets_partitions: 5,
            session_ms_min: 1000,
        }
    }

    fn settings(&self, clean: bool) -> Settings {
        Settings {
            node_id: 1,
            log_dir: DIR.into(),
            directory_id: Uuid::from_bytes(*b"a directory's id"),
            endpoints: vec![Endpoint {
                name: "PLAINTEXT".to_owned(),
                host: "localhost".to_owned(),
                port: 9092,
                security_protocol: 0,
            }],
            rack: None,
            fixed: Default::default(),
            groups: GroupConfig {
                session_timeout_ms_min: self.session_ms_min,
                initial_rebalance_delay_ms: 0,
                ..GroupConfig::default()
            },
            offsets_topic_partitions: self.offsets_partitions,
            offsets_topic_segment_bytes: 1 << 20,
            producer_id_expiration_ms: 86_400_000,
            journal_bytes: self.journal_bytes,
            arena_bytes: self.arena_bytes,
            relaxed_all: false,
            clean,
            retention_check_ms: 300_000,
            default_partitions: 1,
            default_replication_factor: 1,
            topics_can_be_deleted: true,
        }
    }

    /// One life that ends with a stop, which must be clean. `body` runs once all shards serve.
    pub fn live<T>(&self, machine: &Machine, body: impl AsyncFn(&Cluster) -> T) -> T {
        let (stops, result) = self.run(machine, None, body).expect("only a halt ends a run early");
        assert!(stops.iter().all(|clean| *clean), "seed {}: {stops:?}", machine.seed());
        result.expect("shard 0 had the body's result")
    }

    /// As [`live`](Self::live), but the stop may fail; whether it was clean.
    pub fn live_and_stop<T>(
        &self,
        machine: &Machine,
        body: impl AsyncFn(&Cluster) -> T,
    ) -> (bool, T) {
        let (stops, result) = self.run(machine, None, body).expect("only a halt ends a run early");
        (stops.iter().all(|clean| *clean), result.expect("shard 0 had the body's result"))
    }

    /// A life that `halt` may end. True if it came to its own end first.
    pub fn live_until(&self, machine: &Machine, halt: Halt, body: impl AsyncFn(&Cluster)) -> bool {
        self.run(machine, Some(halt), body).is_some()
    }

    fn run<T>(
        &self,
        machine: &Machine,
        halt: Option<Halt>,
        body: impl AsyncFn(&Cluster) -> T,
    ) -> Option<(Vec<bool>, Option<T>)> {
        let marked = machine.exists(MARKER);
        let clean = machine
            .run(async |env| take_clean_marker(&env, Path::new(DIR)).await.expect("readable"));
        assert_eq!(clean, marked, "the marker counts, and counts once");
        let settings = self.settings(clean);
        let cluster = Cluster {
            clean,
            count: self.shards,
            shards: RefCell::default(),
            moved: Signal::new(),
            is_over: Cell::new(false),
        };
        let result = RefCell::new(None);
        let main = async |env: MemoryEnv, mail| {
            let shard = Shard::start(env.clone(), mail, settings.clone()).await.expect("starts");
            cluster.shards.borrow_mut().push(shard.clone());
            cluster.moved.notify();
            if env.shard() == ShardId(0) {
                cluster.until(|cluster| cluster.has_all()).await;
                cluster.shards.borrow_mut().sort_by_key(|shard| shard.id());
                result.replace(Some(body(&cluster).await));
                cluster.is_over.set(true);
                cluster.moved.notify();
            }
            cluster.until(|cluster| cluster.is_over.get()).await;
            shard.stop().await
        };
        let stops = match halt {
            None => Some(machine.run_shards::<ShardMail, _>(self.shards, main)),
            Some(halt) => machine.run_shards_until::<ShardMail, _>(self.shards, halt, main),
        };
        cluster.shards.borrow_mut().clear();
        stops.map(|stops| (stops, result.take()))
    }

    /// Starts all shards and stops them at once; how the starts ended. `before` runs first on each.
    pub fn start_only(
        &self,
        machine: &Machine,
        before: impl AsyncFn(MemoryEnv),
    ) -> Vec<Result<(), StartError>> {
        let settings = self.settings(false);
        machine.run_shards::<ShardMail, _>(self.shards, async |env, mail| {
            before(env.clone()).await;
            match Shard::start(env.clone(), mail, settings.clone()).await {
                Ok(shard) => {
                    shard.stop().await;
                    Ok(())
                }
                Err(error) => {
                    // As boot does it: the first failure has everything stop.
                    env.control().request_stop();
                    Err(error)
                }
            }
        })
    }
}

/// All shards of a node that lives.
pub struct Cluster {
    /// The stop before this life was clean.
    pub clean: bool,
    count: u16,
    shards: RefCell<Vec<S>>,
    moved: Signal,
    is_over: Cell<bool>,
}

impl Cluster {
    fn has_all(&self) -> bool {
        self.shards.borrow().len() == usize::from(self.count)
    }

    async fn until(&self, reached: impl Fn(&Self) -> bool) {
        loop {
            let moved = self.moved.wait();
            if reached(self) {
                return;
            }
            moved.await;
        }
    }

    /// Shard number `index`, counted on around from the last to the first.
    pub fn shard(&self, index: usize) -> S {
        self.shards.borrow()[index % usize::from(self.count)].clone()
    }

    pub fn all(&self) -> Vec<S> {
        self.shards.borrow().clone()
    }

    pub fn env(&self) -> MemoryEnv {
        self.shard(0).env.clone()
    }

    pub fn control(&self) -> Control {
        self.env().control()
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.env().spawn(Queue::Net, task);
    }

    /// A topic with `partitions` partitions, which must not exist; its id.
    pub async fn create(&self, name: &str, partitions: i32) -> Uuid {
        create_through(&self.shard(usize::from(self.count) - 1), name, partitions)
            .await
            .expect("created")
    }

    /// The id of a topic that exists.
    pub fn topic(&self, name: &str) -> Uuid {
        self.shard(0).image().topic(name).unwrap_or_else(|| panic!("no topic {name}")).id
    }
}

pub fn machine(seed: u64) -> Machine {
    machine_with(seed, Options::default())
}

pub fn machine_with(seed: u64, options: Options) -> Machine {
    let machine = Machine::new(seed, options);
    machine.put_dir(DIR);
    machine
}

pub fn at(topic_id: Uuid, partition: i32) -> TopicPartition {
    TopicPartition { topic_id, partition }
}

pub fn spec(shard: &S, name: &str, partitions: i32) -> TopicSpec {
    let id = shard.random_id();
    TopicSpec { partitions, ..TopicSpec::with_defaults(name.to_owned(), id) }
}

/// Creates one topic through `shard`: its id, or the answer that was not "created".
pub async fn create_through(
    shard: &S,
    name: &str,
    partitions: i32,
) -> Result<Uuid, ControllerAnswer> {
    let topics = vec![spec(shard, name, partitions)];
    let call = ControllerCall::CreateTopics { topics, validate_only: false };
    match shard.control(call).await {
        ControllerAnswer::Created(results) if results[0].is_ok() => {
            Ok(results.into_iter().next().expect("one").expect("looked at").id)
        }
        answer => Err(answer),
    }
}

/// A batch with one record for each of `values`.
pub fn batch(producer: Producer, timestamp: i64, values: &[&[u8]]) -> Bytes {
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    for value in values {
        builder.append(timestamp, None, Some(value), &[]);
    }
    Bytes::from(builder.finish())
}

pub fn producer(id: i64, epoch: i16, base_sequence: i32) -> Producer {
    let (id, epoch) = (ProducerId(id), ProducerEpoch(epoch));
    Producer { id, epoch, base_sequence, transactional: false }
}

pub fn entry(partition: TopicPartition, batch: Bytes) -> AppendEntry {
    let header = BatchHeader::parse(&batch).expect("just built");
    AppendEntry { partition, batch, header, append_time: false }
}

/// Appends one value without a producer.
pub async fn put(shard: &S, partition: TopicPartition, value: &[u8], acks: Acks) -> AppendResult {
    let batch = batch(Producer::NONE, shard.env.wall_ms(), &[value]);
    let mut results = shard.append(vec![entry(partition, batch)], acks).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// Appends one value as an idempotent producer.
pub async fn put_as(
    shard: &S,
    partition: TopicPartition,
    producer: Producer,
    value: &[u8],
) -> AppendResult {
    let batch = batch(producer, shard.env.wall_ms(), &[value]);
    shard.append(vec![entry(partition, batch)], Acks::All).await.remove(0)
}

pub fn part(partition: TopicPartition, offset: i64) -> FetchPart {
    FetchPart { partition, offset: Offset(offset), bytes_max: 1 << 20, current_epoch: -1 }
}

pub fn limits(shard: &S, bytes_min: usize, wait_ms: i32) -> FetchLimits {
    let deadline = fetch_deadline(shard.env.now(), wait_ms);
    FetchLimits { bytes_min, bytes_max: 50 << 20, deadline }
}

/// What a fetch found: offset and value of each record.
pub fn values(fetched: &FetchedPart) -> Vec<(i64, Vec<u8>)> {
    let bytes = fetched.records.concat();
    let mut found = Vec::new();
    for batch in engine_record::Batches::new(&bytes) {
        let (_, batch) = batch.expect("whole batches");
        engine_record::verify_batch(batch).expect("a good checksum");
        for record in &records_of(batch, 1 << 20).expect("readable") {
            let record = record.expect("readable");
            found.push((record.offset.0, record.value.unwrap_or_default().to_vec()));
        }
    }
    found
}

/// All records of a partition up to its high watermark, read through `shard`.
pub async fn read_all(shard: &S, partition: TopicPartition) -> Vec<(i64, Vec<u8>)> {
    let mut found: Vec<(i64, Vec<u8>)> = Vec::new();
    loop {
        let next = found.last().map_or(0, |(offset, _)| offset + 1);
        let fetched = shard.fetch(vec![part(partition, next)], limits(shard, 0, 0)).await.remove(0);
        assert_eq!(fetched.error, None, "at {next}");
        let more = values(&fetched);
        if more.is_empty() {
            return found;
        }
        assert_eq!(more[0].0, next, "offsets are contiguous");
        found.extend(more);
    }
}

/// The values of [`read_all`] as text.
pub async fn texts(shard: &S, partition: TopicPartition) -> Vec<String> {
    let text = |(_, value)| String::from_utf8(value).expect("text");
    read_all(shard, partition).await.into_iter().map(text).collect()
}
