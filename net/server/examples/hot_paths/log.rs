//! The paths of a shard's log, on the simulated machine: an append until its guarantee for acks=1
//! holds, and a read of the tail as a Fetch request makes it.

use crate::requests::{self, FETCH_VERSION, NOW_MS, Shape};
use engine_base::message::Message as _;
use engine_base::{LeaderEpoch, TopicPartition};
use engine_io::Arena;
use engine_io::memory::{Machine, MemoryEnv, Options};
use engine_log::{
    Acks, AppendInfo, LogConfig, Partition, PartitionConfig, ReadRequest, ShardLog, Upper,
};
use net_wire::frame::{LEN_BYTES, encode_response};
use net_wire::generated::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use net_wire::{Records, RequestHeader};
use std::hint::black_box;

const DIR: &str = "/data";
const ARENA_BYTES: usize = 32 << 20;
/// Appends before the tail is read.
const FILL: u32 = 64;

/// A machine on which nothing takes time and everything comes in order.
pub fn machine() -> Machine {
    let machine = Machine::new(1, Options { wall_ms: NOW_MS, ..Options::calm() });
    machine.put_dir(DIR);
    machine
}

async fn open(env: &MemoryEnv) -> (ShardLog<MemoryEnv>, Partition<MemoryEnv>) {
    let config = LogConfig::new(DIR.into(), 0, 1, Arena::new(ARENA_BYTES));
    let (log, _) = ShardLog::open(env.clone(), config, |_| true).await.expect("opens");
    log.finish_recovery().await.expect("takes appends");
    let id = TopicPartition { topic_id: requests::topic_id(), partition: 0 };
    let created = log.create_partition("orders", id, PartitionConfig::default()).await;
    (log, created.expect("created"))
}

async fn fill(partition: &Partition<MemoryEnv>, batch: &[u8], count: u32) {
    let info = AppendInfo {
        acks: Acks::Leader,
        leader_epoch: LeaderEpoch(0),
        now_ms: NOW_MS,
        stamp: None,
    };
    for _ in 0..count {
        let appended = partition.append(black_box(batch), info).expect("appended");
        appended.ticket.await.expect("safe");
        assert!(partition.high_watermark() > appended.last_offset);
    }
}

pub fn append(shape: Shape, count: u32) {
    let batch = requests::batch(shape);
    machine().run(async |env| {
        let (log, partition) = open(&env).await;
        fill(&partition, &batch, count).await;
        assert_eq!(partition.log_end(), i64::from(shape.records * count));
        drop(log);
    });
}

pub fn read(shape: Shape, count: u32) {
    let batch = requests::batch(shape);
    machine().run(async |env| {
        let (log, partition) = open(&env).await;
        fill(&partition, &batch, FILL).await;
        let last = partition.log_end() - i64::from(shape.records);
        let frame = requests::fetch_frame(requests::topic_id(), last);
        for _ in 0..count {
            let sent_bytes = answer(black_box(&frame[LEN_BYTES..]), &partition).await;
            assert!(sent_bytes > batch.len() && sent_bytes < batch.len() + 256, "{sent_bytes}");
        }
        drop(log);
    });
}

/// Bytes of the answer to a Fetch of one partition.
async fn answer(frame: &[u8], partition: &Partition<MemoryEnv>) -> usize {
    let (header, body) = RequestHeader::decode(frame).expect("a header");
    let request = FetchRequest::decode(body, header.api_version).expect("a request");
    let topic = request.topics.iter().next().expect("one topic");
    let asked = topic.partitions.iter().next().expect("one partition");
    let request = ReadRequest {
        offset: asked.fetch_offset,
        max_bytes: asked.partition_max_bytes.unsigned_abs().into(),
        at_least_one: true,
        upper: Upper::HighWatermark,
    };
    let read = partition.read(request).await.expect("in range");
    let data = PartitionData {
        partition_index: asked.partition,
        high_watermark: read.high_watermark,
        log_start_offset: read.log_start,
        records: Records::Segments(read.records),
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse {
        topic_id: topic.topic_id,
        partitions: vec![data].into(),
        ..FetchableTopicResponse::default()
    };
    let response = FetchResponse { responses: vec![topic].into(), ..FetchResponse::default() };
    let segments = encode_response(FETCH_VERSION, header.correlation_id, &response);
    segments.expect("short").len()
}
