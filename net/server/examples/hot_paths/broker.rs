//! Requests through a whole broker on the simulated machine, one after the other over one connection:
//! receive, frame, dispatch, handler, shard, log, journal, answer, send. What the client does here
//! is little and counted with it.

use crate::log::machine;
use crate::requests::{self, Shape};
use bytes::{Bytes, BytesMut};
use engine_base::Uuid;
use engine_base::codec::Reader;
use engine_base::message::Message as _;
use engine_io::memory::{MemoryEnv, MemoryStream};
use engine_io::sync::Signal;
use engine_io::{Env, Stream};
use engine_shard::ShardMail;
use net_server::config::{self, BrokerConfig, Inputs};
use net_server::serving::{identify, serve_shard};
use net_wire::frame::{LEN_BYTES, encode_request};
use net_wire::generated::create_topics::{
    CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};
use net_wire::generated::fetch::FetchResponse;
use net_wire::generated::produce::ProduceResponse;
use net_wire::{ApiKey, ResponseHeader};
use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;

const ADDRESS: &str = "127.0.0.1:9092";
const CREATE_VERSION: i16 = 7;
/// Batches in the log before it is fetched from.
const FILL: u32 = 64;
const RECEIVE_BYTES: usize = 64 << 10;

fn load() -> BrokerConfig {
    fn resolve(host: &str, port: u16) -> std::io::Result<SocketAddr> {
        let ip: Result<std::net::IpAddr, _> = host.parse();
        ip.map(|ip| (ip, port).into()).map_err(std::io::Error::other)
    }
    let overrides = [
        format!("listeners=PLAINTEXT://{ADDRESS}"),
        "log.dirs=/data".to_owned(),
        "tidemill.shards=1".to_owned(),
        format!("tidemill.memory.bytes={}", 64 << 20),
    ];
    let machine =
        config::Machine { hostname: "machine".to_owned(), cpus: 1, memory_bytes: 8 << 30, resolve };
    let inputs = Inputs { file: None, environment: &[], overrides: &overrides, machine: &machine };
    config::load(&inputs).expect("a legal configuration").config
}

/// A broker's life, during which `body` talks to it.
fn serve(body: impl AsyncFn(&mut Client)) {
    let machine = machine();
    let config = Arc::new(load());
    let identity = machine.run(async |env| identify(&env, &config).await.expect("a directory"));
    let stops = machine.run_shards::<ShardMail, _>(1, async |env: MemoryEnv, mail| {
        let (is_bound, bound) = (Cell::new(false), Signal::new());
        let serving = serve_shard(env.clone(), mail, config.clone(), identity.clone(), |done| {
            done.expect("the address is free");
            is_bound.set(true);
            bound.notify();
        });
        let asking = async {
            let wait = bound.wait();
            if !is_bound.get() {
                wait.await;
            }
            let address = ADDRESS.parse().expect("an address");
            let stream = env.connect(address).await.expect("accepted");
            body(&mut Client { stream, buffer: BytesMut::new() }).await;
            env.control().request_stop();
        };
        futures_util::future::join(serving, asking).await.0.expect("started")
    });
    assert_eq!(stops, [true], "everything was written");
}

struct Client {
    stream: MemoryStream,
    buffer: BytesMut,
}

impl Client {
    /// Sends a frame; the answer behind its length.
    async fn call(&mut self, frame: Bytes) -> Bytes {
        self.stream.send(vec![frame]).await.expect("sent");
        loop {
            if let Some(len) = self.buffer.first_chunk() {
                let end = LEN_BYTES + usize::try_from(u32::from_be_bytes(*len)).expect("a length");
                if self.buffer.len() >= end {
                    return self.buffer.split_to(end).freeze().slice(LEN_BYTES..);
                }
            }
            self.buffer.reserve(RECEIVE_BYTES);
            let (result, buffer) = self.stream.recv(std::mem::take(&mut self.buffer)).await;
            assert!(result.expect("received") > 0, "the broker has closed the connection");
            self.buffer = buffer;
        }
    }

    async fn create(&mut self) -> Uuid {
        let topic = CreatableTopic {
            name: "orders",
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic].into(),
            timeout_ms: 30_000,
            validate_only: false,
        };
        let frame = encode_request(CREATE_VERSION, 0, Some(requests::CLIENT_ID), &request);
        let answer = self.call(frame.expect("a legal request").to_vec().into()).await;
        let body = body(&answer, ApiKey::CreateTopics, CREATE_VERSION);
        let answer = CreateTopicsResponse::decode_from(&mut Reader::new(body), CREATE_VERSION);
        let answer = answer.expect("an answer");
        let topic = answer.topics.iter().next().expect("one topic");
        assert_eq!(topic.error_code, 0);
        topic.topic_id
    }
}

fn body(answer: &[u8], api: ApiKey, version: i16) -> &[u8] {
    ResponseHeader::decode(answer, api, version).expect("a header").1
}

/// Base offset of the only partition.
fn appended_at(answer: &[u8]) -> i64 {
    let body = body(answer, ApiKey::Produce, requests::PRODUCE_VERSION);
    let mut reader = Reader::new(body);
    let answer = ProduceResponse::decode_from(&mut reader, requests::PRODUCE_VERSION);
    let answer = answer.expect("an answer");
    let topic = answer.responses.iter().next().expect("one topic");
    let partition = topic.partition_responses.iter().next().expect("one partition");
    assert_eq!(partition.error_code, 0);
    partition.base_offset
}

/// Bytes of records of the only partition.
fn fetched_bytes(answer: &[u8]) -> usize {
    let body = body(answer, ApiKey::Fetch, requests::FETCH_VERSION);
    let mut reader = Reader::new(body);
    let answer = FetchResponse::decode_from(&mut reader, requests::FETCH_VERSION);
    let answer = answer.expect("an answer");
    let topic = answer.responses.iter().next().expect("one topic");
    let partition = topic.partitions.iter().next().expect("one partition");
    assert_eq!(partition.error_code, 0);
    partition.records.slice().expect("never null").len()
}

async fn fill(client: &mut Client, frame: &Bytes, records: u32, count: u32) {
    for index in 0..count {
        let answer = client.call(frame.clone()).await;
        assert_eq!(appended_at(&answer), i64::from(index * records));
    }
}

pub fn produce(shape: Shape, acks: i16, count: u32) {
    let batch = requests::batch(shape);
    serve(async |client| {
        let topic = client.create().await;
        let frame = requests::produce_frame(topic, &batch, acks);
        fill(client, &frame, shape.records, count).await;
    });
}

pub fn fetch(shape: Shape, count: u32) {
    let batch = requests::batch(shape);
    serve(async |client| {
        let topic = client.create().await;
        let frame = requests::produce_frame(topic, &batch, 1);
        fill(client, &frame, shape.records, FILL).await;
        let last = i64::from(shape.records * (FILL - 1));
        let frame = requests::fetch_frame(topic, last);
        for _ in 0..count {
            let answer = client.call(frame.clone()).await;
            assert_eq!(fetched_bytes(&answer), batch.len());
        }
    });
}
