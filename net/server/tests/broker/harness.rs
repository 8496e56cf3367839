//! A whole broker on the simulated machine, and a client that speaks real frames to it over the
//! simulated network. A test's body runs beside the broker; when it ends, the broker is asked to stop.

use bytes::{Bytes, BytesMut};
use engine_base::codec::Reader;
use engine_base::message::Message;
use engine_base::{ShardId, Uuid};
use engine_io::memory::{Control, Machine, MemoryEnv, MemoryStream, Options};
use engine_io::sync::Signal;
use engine_io::{Env, Queue, Stream};
use engine_record::{BatchBuilder, BatchOptions, Producer, records_of};
use engine_shard::ShardMail;
use net_server::config::{self, BrokerConfig, Inputs};
use net_server::serving::{identify, serve_shard};
use net_wire::frame::encode_request;
use net_wire::generated::create_topics::{CreatableTopic, CreateTopicsRequest};
use net_wire::generated::fetch::{FetchPartition, FetchRequest, FetchTopic};
use net_wire::generated::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use net_wire::{ApiKey, Records, Request, ResponseHeader};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub const ADDRESS: &str = "127.0.0.1:9092";
pub const MS: Duration = Duration::from_millis(1);

pub fn machine(seed: u64) -> Machine {
    machine_with(seed, Options::default())
}

pub fn machine_with(seed: u64, options: Options) -> Machine {
    let machine = Machine::new(seed, options);
    machine.put_dir("/data");
    machine
}

fn load(overrides: &[&str], shards: u16) -> BrokerConfig {
    fn resolve(host: &str, port: u16) -> std::io::Result<SocketAddr> {
        let ip: Result<std::net::IpAddr, _> = host.parse();
        ip.map(|ip| (ip, port).into()).map_err(std::io::Error::other)
    }
    let mut all: Vec<String> = vec![
        format!("listeners=PLAINTEXT://{ADDRESS}"),
        "log.dirs=/data".to_owned(),
        "offsets.topic.num.partitions=4".to_owned(),
        "offsets.topic.segment.bytes=1048576".to_owned(),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        format!("tidemill.shards={shards}"),
        "tidemill.journal.bytes=1048576".to_owned(),
        format!("tidemill.memory.bytes={}", u32::from(shards.max(2)) * (16 << 20)),
    ];
    all.extend(overrides.iter().map(|text| (*text).to_owned()));
    let machine = config::Machine {
        hostname: "machine".to_owned(),
        cpus: usize::from(shards),
        memory_bytes: 8 << 30,
        resolve,
    };
    let inputs = Inputs { file: None, environment: &[], overrides: &all, machine: &machine };
    config::load(&inputs).expect("a legal configuration").config
}

/// One life of a broker with so many shards and these settings besides the usual. It must stop
/// clean.
pub fn serve<T>(
    machine: &Machine,
    shards: u16,
    overrides: &[&str],
    body: impl AsyncFn(&Broker) -> T,
) -> T {
    let config = Arc::new(load(overrides, shards));
    let identity = machine.run(async |env| identify(&env, &config).await.expect("a directory"));
    let bound = Cell::new(0);
    let moved = Signal::new();
    let result = RefCell::new(None);
    let main = async |env: MemoryEnv, mail| {
        let serving = serve_shard(env.clone(), mail, config.clone(), identity.clone(), |done| {
            done.expect("the address is free");
            bound.set(bound.get() + 1);
            moved.notify();
        });
        let testing = async {
            if env.shard() != ShardId(0) {
                return;
            }
            loop {
                let wait = moved.wait();
                if bound.get() == shards {
                    break;
                }
                wait.await;
            }
            let broker = Broker { env: env.clone() };
            result.replace(Some(body(&broker).await));
            env.control().request_stop();
        };
        let (stopped, ()) = futures_util::future::join(serving, testing).await;
        stopped.expect("started")
    };
    let stops = machine.run_shards::<ShardMail, _>(shards, main);
    assert!(stops.iter().all(|clean| *clean), "seed {}: {stops:?}", machine.seed());
    result.take().expect("the body has run")
}

/// A broker that serves.
pub struct Broker {
    pub env: MemoryEnv,
}

impl Broker {
    pub fn control(&self) -> Control {
        self.env.control()
    }

    pub async fn sleep(&self, duration: Duration) {
        self.env.sleep(duration).await;
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.env.spawn(Queue::Net, task);
    }

    /// A new connection, to a shard that chance chooses.
    pub async fn connect(&self) -> Client {
        let address = ADDRESS.parse().expect("an address");
        self.client(self.env.connect(address).await.expect("accepted"))
    }

    pub fn client(&self, stream: MemoryStream) -> Client {
        let stream = Rc::new(stream);
        Client { stream, inbox: Rc::default(), last_id: Cell::new(0), env: self.env.clone() }
    }

    /// Creates a topic through a connection of its own; its id.
    pub async fn create(&self, name: &str, partitions: i32) -> Uuid {
        self.connect().await.create(name, partitions).await
    }
}

/// One connection, closed when dropped.
pub struct Client {
    pub stream: Rc<MemoryStream>,
    inbox: Rc<Inbox>,
    last_id: Cell<i32>,
    env: MemoryEnv,
}

/// What has arrived. A task fills it from the first receive on, for a receive cannot be given up.
#[derive(Default)]
struct Inbox {
    buffer: RefCell<BytesMut>,
    is_filling: Cell<bool>,
    has_ended: Cell<bool>,
    moved: Signal,
}

impl Inbox {
    async fn fill(self: Rc<Self>, stream: Rc<MemoryStream>) {
        loop {
            let (result, bytes) = stream.recv(BytesMut::with_capacity(64 << 10)).await;
            match result {
                Ok(1..) => self.buffer.borrow_mut().unsplit(bytes),
                _ => self.has_ended.set(true),
            }
            self.moved.notify();
            if self.has_ended.get() {
                return;
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stream.shutdown();
    }
}

/// A response frame and what it answers.
pub struct Answer {
    pub correlation_id: i32,
    frame: Bytes,
}

impl Answer {
    /// Reads the body as the answer to an `R` of this version.
    pub fn read<'a, R: Request<'a>>(&'a self, version: i16) -> R::Response<'a> {
        let (_, body) =
            ResponseHeader::decode(&self.frame, R::API, version).expect("a response header");
        let mut reader = Reader::new(body);
        let body = R::Response::decode_from(&mut reader, version).expect("a well formed answer");
        assert!(reader.rest().is_empty(), "nothing behind the body");
        body
    }
}

impl Client {
    /// The bytes of a request, with the next correlation id.
    pub fn frame<'a, R: Request<'a>>(&self, version: i16, request: &R) -> Vec<u8> {
        self.last_id.set(self.last_id.get() + 1);
        let frame = encode_request(version, self.last_id.get(), Some("test"), request);
        frame.expect("a legal request").to_vec()
    }

    pub async fn send_bytes(&self, bytes: impl Into<Bytes>) {
        self.stream.send(vec![bytes.into()]).await.expect("sent");
    }

    /// Sends a request; its correlation id.
    pub async fn send<'a, R: Request<'a>>(&self, version: i16, request: &R) -> i32 {
        self.send_bytes(self.frame(version, request)).await;
        self.last_id.get()
    }

    /// The next response frame, `None` when the broker has closed the connection.
    pub async fn receive(&self) -> Option<Answer> {
        if !self.inbox.is_filling.replace(true) {
            let fill = self.inbox.clone().fill(self.stream.clone());
            self.env.spawn(Queue::Net, fill);
        }
        loop {
            let moved = self.inbox.moved.wait();
            if let Some(answer) = self.take() {
                return Some(answer);
            }
            if self.inbox.has_ended.get() {
                return None;
            }
            moved.await;
        }
    }

    fn take(&self) -> Option<Answer> {
        let mut buffer = self.inbox.buffer.borrow_mut();
        let len = u32::from_be_bytes(*buffer.first_chunk()?);
        let len = usize::try_from(len).expect("a length");
        if buffer.len() < 4 + len {
            return None;
        }
        let frame = buffer.split_to(4 + len).freeze().slice(4..);
        let correlation_id = i32::from_be_bytes(*frame.first_chunk().expect("a header"));
        Some(Answer { correlation_id, frame })
    }

    /// Sends a request and waits for its answer.
    pub async fn call<'a, R: Request<'a>>(&self, version: i16, request: &R) -> Answer {
        let id = self.send(version, request).await;
        let answer = self.receive().await.expect("an answer");
        assert_eq!(answer.correlation_id, id);
        answer
    }

    /// The next answer if it comes within `patience`.
    pub async fn receive_within(&self, patience: Duration) -> Option<Option<Answer>> {
        use futures_util::future::{Either, select};
        let sleep = std::pin::pin!(self.env.sleep(patience));
        match select(std::pin::pin!(self.receive()), sleep).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    pub async fn create(&self, name: &str, partitions: i32) -> Uuid {
        self.try_create(name, partitions).await.expect("created")
    }

    /// Creates a topic, unless it is there; its id if the answer came and had one.
    pub async fn try_create(&self, name: &str, partitions: i32) -> Option<Uuid> {
        let topic = CreatableTopic {
            name,
            num_partitions: partitions,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic].into(),
            timeout_ms: 30_000,
            validate_only: false,
        };
        let frame = self.frame(7, &request);
        self.stream.send(vec![frame.into()]).await.ok()?;
        let answer = self.receive().await?;
        let answer = answer.read::<CreateTopicsRequest>(7);
        let topic = answer.topics.iter().next().expect("one topic");
        (topic.error_code == 0).then_some(topic.topic_id)
    }

    /// Appends one record with acks=all; its offset or the error code.
    pub async fn put(&self, topic: Uuid, partition: i32, value: &[u8]) -> Result<i64, i16> {
        let batch = batch(self.env.wall_ms(), &[value]);
        let request = produce(topic, &[(partition, &batch)], -1);
        let answer = self.call(13, &request).await;
        one_offset(&answer)
    }
}

/// Offset or error code of the only partition of a Produce 13.
pub fn one_offset(answer: &Answer) -> Result<i64, i16> {
    let answer = answer.read::<ProduceRequest>(13);
    let topic = answer.responses.iter().next().expect("one topic");
    let partition = topic.partition_responses.iter().next().expect("one partition");
    if partition.error_code == 0 { Ok(partition.base_offset) } else { Err(partition.error_code) }
}

pub fn batch(timestamp: i64, values: &[&[u8]]) -> Vec<u8> {
    let options = BatchOptions { producer: Producer::NONE, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    for value in values {
        builder.append(timestamp, None, Some(value), &[]);
    }
    builder.finish()
}

/// Produce from version 13 on.
pub fn produce<'a>(topic: Uuid, parts: &[(i32, &'a [u8])], acks: i16) -> ProduceRequest<'a> {
    let data = |(index, records): &(i32, &'a [u8])| PartitionProduceData {
        index: *index,
        records: Records::Slice(records),
    };
    let topic = TopicProduceData {
        topic_id: topic,
        partition_data: parts.iter().map(data).collect(),
        ..TopicProduceData::default()
    };
    ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms: 30_000,
        topic_data: vec![topic].into(),
    }
}

/// Fetch from version 13 on, as consumers send it: partitions with their offsets.
pub fn fetch<'a>(topic: Uuid, parts: &[(i32, i64)], max_wait_ms: i32) -> FetchRequest<'a> {
    let part = |(partition, offset): &(i32, i64)| FetchPartition {
        partition: *partition,
        fetch_offset: *offset,
        current_leader_epoch: -1,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topics = vec![FetchTopic {
        topic_id: topic,
        partitions: parts.iter().map(part).collect(),
        ..FetchTopic::default()
    }];
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        max_bytes: 50 << 20,
        session_id: 0,
        session_epoch: -1,
        topics: if parts.is_empty() { Vec::new().into() } else { topics.into() },
        ..FetchRequest::default()
    }
}

/// One partition of a Fetch answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    pub partition: i32,
    pub error: i16,
    pub high_watermark: i64,
    pub values: Vec<(i64, Vec<u8>)>,
}

/// Session id and partitions of a Fetch answer.
pub fn parts(answer: &Answer, version: i16) -> (i32, Vec<Part>) {
    let body = answer.read::<FetchRequest>(version);
    assert_eq!(body.error_code, 0);
    let mut found = Vec::new();
    for topic in &body.responses {
        for partition in &topic.partitions {
            let records = partition.records.slice().expect("never null");
            let mut values = Vec::new();
            for batch in engine_record::Batches::new(records) {
                let (_, batch) = batch.expect("whole batches");
                engine_record::verify_batch(batch).expect("a good checksum");
                for record in &records_of(batch, 1 << 20).expect("readable") {
                    let record = record.expect("readable");
                    values.push((record.offset.0, record.value.unwrap_or_default().to_vec()));
                }
            }
            found.push(Part {
                partition: partition.partition_index,
                error: partition.error_code,
                high_watermark: partition.high_watermark,
                values,
            });
        }
    }
    (body.session_id, found)
}

/// Code of an API that is in Kafka but not here, and one that is nowhere.
pub fn unknown_keys() -> [i16; 2] {
    let unserved = (0..93).find(|key| ApiKey::from_code(*key).is_none()).expect("some are not");
    [unserved, 9_999]
}
