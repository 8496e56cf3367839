//! Produce requests, encoded once before a run and sent again and again. The checksum of a batch
//! does not cover its base offset, and batches without a producer id have no sequence, so the same
//! bytes are good any number of times; only the correlation id at the front of a frame changes.

use crate::Failure;
use crate::payload::{Content, Payload};
use engine_record::{BatchBuilder, BatchOptions, Codec};
use net_wire::Records;
use net_wire::frame::encode_request;
use net_wire::generated::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use std::ops::Range;

/// The newest version before the flexible ones that both Kafka 3 and 4 serve alike: fixed-width
/// lengths keep the null broker's parser honest and short.
pub const PRODUCE_VERSION: i16 = 7;
/// Length, key, version, correlation id: what is sent in front of the shared bytes.
pub const HEAD_BYTES: usize = 12;
/// Where the correlation id starts.
pub const CORRELATION_AT: usize = 8;

/// A record without key and headers: three numbers of up to five bytes, four of one byte.
const RECORD_EXTRA_BYTES_MAX: usize = 19;

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
    pub client_id: &'a str,
    pub partitions: u16,
    /// Partitions that share a request; divides `partitions`.
    pub partitions_per_request: u16,
    /// Size of each value.
    pub record_bytes: usize,
    pub key_bytes: usize,
    pub batch: BatchSize,
    pub codec: Codec,
    pub content: Content,
    pub acks: i16,
    /// Milliseconds since the epoch, for the records.
    pub now_ms: i64,
}

/// One request per group of partitions, each with one batch for each of them.
#[derive(Debug)]
pub struct Frames {
    frames: Vec<Vec<u8>>,
    group_partitions: usize,
    records: u32,
    batch: Vec<u8>,
}

impl Frames {
    pub fn encode(shape: Shape<'_>) -> Result<Frames, Failure> {
        assert!(shape.partitions > 0 && shape.partitions_per_request > 0);
        let group_partitions = usize::from(shape.partitions_per_request);
        if !shape.partitions.is_multiple_of(shape.partitions_per_request) {
            return Err(format!(
                "{} partitions can't be shared out among requests of {group_partitions}",
                shape.partitions
            )
            .into());
        }
        let (batch, records) = encode_batch(&shape);
        let mut frames = Vec::new();
        for first in (0..shape.partitions).step_by(group_partitions) {
            let group = first..first + shape.partitions_per_request;
            let data = group.map(|partition| PartitionProduceData {
                index: i32::from(partition),
                records: Records::Slice(&batch),
            });
            let topic = TopicProduceData {
                name: shape.topic,
                partition_data: data.collect::<Vec<_>>().into(),
                ..Default::default()
            };
            let request = ProduceRequest {
                transactional_id: None,
                acks: shape.acks,
                timeout_ms: TIMEOUT_MS,
                topic_data: vec![topic].into(),
            };
            let frame = encode_request(PRODUCE_VERSION, 0, Some(shape.client_id), &request)?;
            frames.push(frame.to_vec());
        }
        Ok(Frames { frames, group_partitions, records, batch })
    }

    /// Different requests.
    pub fn groups(&self) -> usize {
        self.frames.len()
    }

    pub fn partitions(&self) -> usize {
        self.frames.len() * self.group_partitions
    }

    /// The partitions that a request is for.
    pub fn partitions_of(&self, group: usize) -> Range<usize> {
        group * self.group_partitions..(group + 1) * self.group_partitions
    }

    /// Partitions, and so batches, of each request.
    pub fn group_partitions(&self) -> usize {
        self.group_partitions
    }

    /// Records of each batch.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Size of each batch, which is what the costs are counted per byte of.
    pub fn batch_bytes(&self) -> usize {
        self.batch.len()
    }

    /// The batch that all requests carry.
    pub fn batch(&self) -> &[u8] {
        &self.batch
    }

    /// The start of a group's request with this correlation id.
    pub fn head(&self, group: usize, correlation_id: i32) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(&self.frames[group][..HEAD_BYTES]);
        head[CORRELATION_AT..].copy_from_slice(&correlation_id.to_be_bytes());
        head
    }

    /// All after the head, the same for every request of the group.
    pub fn rest(&self, group: usize) -> &[u8] {
        &self.frames[group][HEAD_BYTES..]
    }

    /// A group's request, to be sent as it is.
    pub fn whole(&self, group: usize) -> &[u8] {
        &self.frames[group]
    }
}

fn encode_batch(shape: &Shape<'_>) -> (Vec<u8>, u32) {
    let options = BatchOptions { codec: shape.codec, ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    let mut payload = Payload::new(shape.content);
    let (mut key, mut value) = (vec![0; shape.key_bytes], vec![0; shape.record_bytes]);
    let mut records = 0;
    loop {
        payload.fill(&mut value);
        let full = match shape.batch {
            BatchSize::Records(count) => records == count.max(1),
            BatchSize::Bytes(bytes) => {
                let record_bytes = RECORD_EXTRA_BYTES_MAX + key.len() + value.len();
                records > 0 && builder.bytes_len() + record_bytes > bytes
            }
        };
        if full {
            return (builder.finish(), records);
        }
        payload.fill(&mut key);
        let key = (!key.is_empty()).then_some(&key[..]);
        builder.append(shape.now_ms, key, Some(&value), &[]);
        records += 1;
    }
}

#[cfg(test)]
pub mod tests {
    use super::{BatchSize, Content, Frames, HEAD_BYTES, PRODUCE_VERSION, Shape};
    use engine_base::message::Message as _;
    use engine_record::{Codec, ProduceRules, validate_produce};
    use net_wire::generated::produce::ProduceRequest;
    use net_wire::{ApiKey, Records, RequestHeader};

    const NOW_MS: i64 = 1_790_000_000_000;

    fn shape(record_bytes: usize, batch: BatchSize) -> Shape<'static> {
        Shape {
            topic: "load",
            client_id: "bench",
            partitions: 6,
            partitions_per_request: 2,
            record_bytes,
            key_bytes: 0,
            batch,
            codec: Codec::None,
            content: Content::Half,
            acks: -1,
            now_ms: NOW_MS,
        }
    }

    /// Small requests for topic t.
    pub fn frames(partitions: u16, partitions_per_request: u16, records: u32) -> Frames {
        let batch = BatchSize::Records(records);
        let small = Shape { topic: "t", partitions, partitions_per_request, ..shape(9, batch) };
        Frames::encode(small).expect("encodes")
    }

    /// Puts a frame together as the generator sends it, and judges it as a broker does.
    fn check(shape: Shape<'_>, records: u32, batch_bytes: usize) {
        let frames = Frames::encode(shape).expect("encodes");
        assert_eq!((frames.partitions(), frames.records()), (6, records));
        assert_eq!((frames.groups(), frames.batch_bytes()), (3, batch_bytes));
        for group in 0..frames.groups() {
            let mut frame = frames.head(group, 77).to_vec();
            frame.extend_from_slice(frames.rest(group));
            let len = u32::from_be_bytes(frame[..4].try_into().expect("four bytes"));
            assert_eq!(usize::try_from(len).expect("small"), frame.len() - 4);
            let (header, body) = RequestHeader::decode(&frame[4..]).expect("a header");
            assert_eq!((header.api, header.api_version), (ApiKey::Produce, PRODUCE_VERSION));
            assert_eq!(header.correlation_id, 77);
            let request = ProduceRequest::decode(body, PRODUCE_VERSION).expect("a request");
            assert_eq!((request.acks, request.transactional_id), (-1, None));
            let topic = request.topic_data.iter().next().expect("one topic");
            assert_eq!(topic.name, "load");
            let mut partitions = frames.partitions_of(group);
            for data in topic.partition_data.iter() {
                assert_eq!(usize::try_from(data.index).ok(), partitions.next());
                let Records::Slice(batch) = data.records else { panic!("not borrowed") };
                assert_eq!(batch.len(), batch_bytes);
                let valid = validate_produce(batch, &ProduceRules::new(NOW_MS)).expect("valid");
                assert_eq!(u32::try_from(valid.record_count), Ok(records));
                assert!(!valid.has_producer());
                assert_eq!(valid.base_sequence, -1);
            }
            assert_eq!(partitions.next(), None);
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
    fn text_is_compressed_to_a_third_or_a_quarter() {
        for codec in [Codec::Lz4, Codec::Zstd] {
            let text = Shape {
                codec,
                content: Content::Text,
                key_bytes: 8,
                ..shape(1024, BatchSize::Records(200))
            };
            let frames = Frames::encode(text).expect("encodes");
            let ratio = (200 * 1050) / frames.batch_bytes();
            assert!((3..=5).contains(&ratio), "{codec:?} {ratio}");
        }
    }

    #[test]
    fn partitions_are_shared_out_evenly() {
        let uneven = Shape { partitions_per_request: 4, ..shape(10, BatchSize::Records(1)) };
        let error = Frames::encode(uneven).expect_err("6 by 4").to_string();
        assert_eq!(error, "6 partitions can't be shared out among requests of 4");
    }
}
