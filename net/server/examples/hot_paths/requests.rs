//! The requests that the paths are driven with, and the first of the paths: a Produce request from
//! its frame to a batch that was found good.

use bytes::Bytes;
use engine_base::Uuid;
use engine_base::message::Message as _;
use engine_record::{BatchBuilder, BatchHeader, BatchOptions, ProduceRules, validate_produce};
use net_wire::frame::{LEN_BYTES, encode_request};
use net_wire::generated::fetch::{FetchPartition, FetchRequest, FetchTopic};
use net_wire::generated::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use net_wire::{Records, RequestHeader};
use std::hint::black_box;

/// What Kafka 4's own clients speak: topics by id.
pub const PRODUCE_VERSION: i16 = 13;
pub const FETCH_VERSION: i16 = 17;
/// Any moment; the simulated machine's clock stands near it.
pub const NOW_MS: i64 = 1_750_000_000_000;
pub const CLIENT_ID: &str = "hot-paths";

/// What a batch holds.
#[derive(Clone, Copy)]
pub struct Shape {
    pub records: u32,
    pub record_bytes: usize,
}

/// What a client sends that does not gather.
pub const ONE: Shape = Shape { records: 1, record_bytes: 100 };
/// What fits into a batch of a client's default size, 16 KiB.
pub const FULL: Shape = Shape { records: 15, record_bytes: 1024 };

pub fn topic_id() -> Uuid {
    Uuid::from_bytes(*b"0123456789abcdef")
}

pub fn batch(shape: Shape) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    // Half of a record repeats itself, half does not: what records hold changes no count.
    let mut value = vec![b'r'; shape.record_bytes];
    for (index, byte) in (0u8..=255).cycle().zip(&mut value[..shape.record_bytes / 2]) {
        *byte = index.wrapping_mul(37);
    }
    for _ in 0..shape.records {
        builder.append(NOW_MS, None, Some(&value), &[]);
    }
    builder.finish()
}

/// A whole frame for partition 0, with correlation id 0.
pub fn produce_frame(topic: Uuid, batch: &[u8], acks: i16) -> Bytes {
    let data = PartitionProduceData { index: 0, records: Records::Slice(batch) };
    let topic = TopicProduceData {
        topic_id: topic,
        partition_data: vec![data].into(),
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms: 30_000,
        topic_data: vec![topic].into(),
    };
    let frame = encode_request(PRODUCE_VERSION, 0, Some(CLIENT_ID), &request);
    frame.expect("a legal request").to_vec().into()
}

/// A whole frame that asks for what partition 0 has from `offset` on, with correlation id 0.
pub fn fetch_frame(topic: Uuid, offset: i64) -> Bytes {
    let partition = FetchPartition {
        partition: 0,
        fetch_offset: offset,
        current_leader_epoch: -1,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topic =
        FetchTopic { topic_id: topic, partitions: vec![partition].into(), ..FetchTopic::default() };
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        session_epoch: -1,
        topics: vec![topic].into(),
        ..FetchRequest::default()
    };
    let frame = encode_request(FETCH_VERSION, 0, Some(CLIENT_ID), &request);
    frame.expect("a legal request").to_vec().into()
}

/// Decodes and checks the same request `count` times.
pub fn decode_produce(shape: Shape, count: u32) {
    let frame = produce_frame(topic_id(), &batch(shape), 1);
    let rules = ProduceRules::new(NOW_MS);
    for _ in 0..count {
        let header = check(black_box(&frame[LEN_BYTES..]), &rules);
        assert_eq!(u32::try_from(header.record_count), Ok(shape.records));
    }
}

fn check(frame: &[u8], rules: &ProduceRules) -> BatchHeader {
    let (header, body) = RequestHeader::decode(frame).expect("a header");
    let request = ProduceRequest::decode(body, header.api_version).expect("a request");
    let topic = request.topic_data.iter().next().expect("one topic");
    let data = topic.partition_data.iter().next().expect("one partition");
    validate_produce(data.records.slice().expect("a batch"), rules).expect("a good batch")
}
