//! Produce requests, encoded once before a run and sent again and again. The checksum of a batch
//! does not cover its base offset, and batches without a producer id have no sequence, so the same
//! bytes are good any number of times; only the correlation id at the front of a frame changes.

use crate::Failure;
use engine_record::{BatchBuilder, BatchOptions};
use net_wire::Records;
use net_wire::frame::encode_request;
use net_wire::generated::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};

/// The newest version before the flexible ones that both Kafka 3 and 4 serve alike: fixed-width
/// lengths keep the null broker's parser honest and short.
pub const PRODUCE_VERSION: i16 = 7;
/// Length, key, version, correlation id: what is sent in front of the shared bytes.
pub const HEAD_BYTES: usize = 12;
/// Where the correlation id starts.
pub const CORRELATION_AT: usize = 8;

/// A record without key and headers: three numbers of up to five bytes, four of one byte.
const RECORD_EXTRA_BYTES_MAX: usize = 19;

const CLIENT_ID: &str = "bench";
const TIMEOUT_MS: i32 = 30_000;

/// What a batch holds.
#[derive(Clone, Copy, Debug)]
pub enum BatchSize {
    /// As many whole records as fit, at least one.
    Bytes(usize),
    Records(u32),
}

/// What is encoded.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    pub topic: &'a str,
    pub partitions: u16,
    /// Size of each value.
    pub record_bytes: usize,
    pub batch: BatchSize,
    pub acks: i16,
    /// Milliseconds since the epoch, for the records.
    pub now_ms: i64,
}

/// One request per partition, each with one batch.
#[derive(Debug)]
pub struct Frames {
    frames: Vec<Vec<u8>>,
    records: u32,
    batch_bytes: usize,
}

impl Frames {
    pub fn encode(shape: Shape<'_>) -> Result<Frames, Failure> {
        assert!(shape.partitions > 0);
        let (batch, records) = encode_batch(&shape);
        let mut frames = Vec::new();
        for partition in 0..shape.partitions {
            let data = PartitionProduceData {
                index: i32::from(partition),
                records: Records::Slice(&batch),
            };
            let topic = TopicProduceData {
                name: shape.topic,
                partition_data: vec![data].into(),
                ..Default::default()
            };
            let request = ProduceRequest {
                transactional_id: None,
                acks: shape.acks,
                timeout_ms: TIMEOUT_MS,
                topic_data: vec![topic].into(),
            };
            let frame = encode_request(PRODUCE_VERSION, 0, Some(CLIENT_ID), &request)?;
            frames.push(frame.to_vec());
        }
        Ok(Frames { frames, records, batch_bytes: batch.len() })
    }

    pub fn partitions(&self) -> usize {
        self.frames.len()
    }

    /// Records of each request.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Size of each request's batch, which is what the costs are counted per byte of.
    pub fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// The start of a partition's request with this correlation id.
    pub fn head(&self, partition: usize, correlation_id: i32) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(&self.frames[partition][..HEAD_BYTES]);
        head[CORRELATION_AT..].copy_from_slice(&correlation_id.to_be_bytes());
        head
    }

    /// All after the head, the same for every request of the partition.
    pub fn rest(&self, partition: usize) -> &[u8] {
        &self.frames[partition][HEAD_BYTES..]
    }
}

fn encode_batch(shape: &Shape<'_>) -> (Vec<u8>, u32) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let mut payload = Payload::new();
    let mut value = vec![0; shape.record_bytes];
    let mut records = 0;
    loop {
        payload.fill(&mut value);
        let full = match shape.batch {
            BatchSize::Records(count) => records == count.max(1),
            BatchSize::Bytes(bytes) => {
                records > 0 && builder.bytes_len() + RECORD_EXTRA_BYTES_MAX + value.len() > bytes
            }
        };
        if full {
            return (builder.finish(), records);
        }
        builder.append(shape.now_ms, None, Some(&value), &[]);
        records += 1;
    }
}

/// Half chance, half repetition, the same in every run.
struct Payload {
    state: u64,
}

impl Payload {
    fn new() -> Payload {
        Payload { state: 0x7469_6465_6D69_6C6C }
    }

    fn fill(&mut self, value: &mut [u8]) {
        let (chance, repeated) = value.split_at_mut(value.len().div_ceil(2));
        for chunk in chance.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        repeated.fill(b'r');
    }

    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{BatchSize, Frames, HEAD_BYTES, PRODUCE_VERSION, Shape};
    use engine_base::message::Message as _;
    use engine_record::{ProduceRules, validate_produce};
    use net_wire::generated::produce::ProduceRequest;
    use net_wire::{ApiKey, Records, RequestHeader};

    const NOW_MS: i64 = 1_790_000_000_000;

    fn shape(record_bytes: usize, batch: BatchSize) -> Shape<'static> {
        Shape { topic: "load", partitions: 3, record_bytes, batch, acks: -1, now_ms: NOW_MS }
    }

    /// Puts a frame together as the generator sends it, and judges it as a broker does.
    fn check(shape: Shape<'_>, records: u32, batch_bytes: usize) {
        let frames = Frames::encode(shape).expect("encodes");
        assert_eq!((frames.partitions(), frames.records()), (3, records));
        assert_eq!(frames.batch_bytes(), batch_bytes);
        for partition in 0..frames.partitions() {
            let mut frame = frames.head(partition, 77).to_vec();
            frame.extend_from_slice(frames.rest(partition));
            let len = u32::from_be_bytes(frame[..4].try_into().expect("four bytes"));
            assert_eq!(usize::try_from(len).expect("small"), frame.len() - 4);
            let (header, body) = RequestHeader::decode(&frame[4..]).expect("a header");
            assert_eq!((header.api, header.api_version), (ApiKey::Produce, PRODUCE_VERSION));
            assert_eq!(header.correlation_id, 77);
            let request = ProduceRequest::decode(body, PRODUCE_VERSION).expect("a request");
            assert_eq!((request.acks, request.transactional_id), (-1, None));
            let topic = request.topic_data.iter().next().expect("one topic");
            assert_eq!(topic.name, "load");
            let data = topic.partition_data.iter().next().expect("one partition");
            assert_eq!(usize::try_from(data.index), Ok(partition));
            let Records::Slice(batch) = data.records else { panic!("not borrowed") };
            assert_eq!(batch.len(), batch_bytes);
            let valid = validate_produce(batch, &ProduceRules::new(NOW_MS)).expect("valid");
            assert_eq!(u32::try_from(valid.record_count), Ok(records));
            assert!(!valid.has_producer());
            assert_eq!(valid.base_sequence, -1);
        }
    }

    #[test]
    fn brokers_take_the_frames() {
        check(shape(100, BatchSize::Records(1)), 1, 61 + 2 + 6 + 1 + 100);
        check(shape(1024, BatchSize::Bytes(131_072)), 126, 130_281);
        // A record larger than the batch may be is still sent.
        check(shape(1000, BatchSize::Bytes(10)), 1, 1070);
    }

    #[test]
    fn only_the_correlation_id_changes() {
        let frames = Frames::encode(shape(10, BatchSize::Records(2))).expect("encodes");
        let (one, two) = (frames.head(1, 1), frames.head(1, 2));
        assert_eq!(one[..8], two[..8]);
        assert_eq!((one[8..].to_vec(), two[8..].to_vec()), (vec![0, 0, 0, 1], vec![0, 0, 0, 2]));
        assert_eq!(one.len(), HEAD_BYTES);
    }

    #[test]
    fn payload_is_half_chance_and_the_same_each_time() {
        let first = Frames::encode(shape(64, BatchSize::Records(2))).expect("encodes");
        let again = Frames::encode(shape(64, BatchSize::Records(2))).expect("encodes");
        assert_eq!(first.rest(0), again.rest(0));
        let repeated = first.rest(0).iter().filter(|byte| **byte == b'r').count();
        assert!((64..=70).contains(&repeated), "{repeated}");
    }
}
