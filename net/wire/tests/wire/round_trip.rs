//! What was written is read back, and what was read is written back in the same bytes.

use crate::sample::Random;
use crate::{Any, Direction, for_all};
use bytes::Bytes;
use engine_base::encoder::Encoder;
use engine_base::message::{EncodeError, Message};
use net_wire::generated::{
    delete_topics::{DeletableTopicResult, DeleteTopicsResponse},
    fetch::{FetchPartition, FetchRequest, FetchTopic},
    join_group::JoinGroupResponse,
    metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic},
    offset_fetch::OffsetFetchRequest,
    produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
};
use net_wire::{APIS, ApiKey, Records, Segments, frame};

#[test]
fn every_message_in_every_version() {
    for_all(|direction, api, version| {
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let message = Any::sample(direction, api, version, &mut random);
            let bytes = message.encode(version).expect("a sample fits its version");
            let label = format!("{direction:?} {api} v{version} seed {seed}");
            let decoded = Any::decode(direction, api, version, &bytes)
                .unwrap_or_else(|error| panic!("{label}: {error}\n{message:?}"));
            assert_eq!(decoded, message, "{label}");
            assert_eq!(decoded.encode(version).as_ref(), Ok(&bytes), "{label}");
            assert_eq!(decoded.clone(), decoded, "{label}");
        }
    });
}

/// Defaults fit every version, or else a caller could not leave fields out.
#[test]
fn defaults_can_be_written_in_every_version() {
    fn check<'a, M: Message<'a>>() {
        for version in M::VERSION_MIN..=M::VERSION_MAX {
            M::default().to_vec(version).expect("defaults fit");
        }
    }
    check::<FetchRequest>();
    check::<ProduceRequest>();
    check::<MetadataRequest>();
    check::<MetadataResponse>();
    check::<JoinGroupResponse>();
    check::<OffsetFetchRequest>();
}

#[test]
fn trailing_bytes_are_refused() {
    for_all(|direction, api, version| {
        let message = Any::sample(direction, api, version, &mut Random::new(1));
        let mut bytes = message.encode(version).expect("a sample fits its version");
        bytes.push(0);
        assert!(Any::decode(direction, api, version, &bytes).is_err(), "{direction:?} {api}");
    });
}

#[test]
fn versions_outside_of_the_range_are_refused() {
    for api in APIS {
        for version in [api.version_min - 1, api.version_max + 1] {
            for direction in [Direction::Request, Direction::Response] {
                assert!(Any::decode(direction, api.key, version, &[0; 64]).is_err());
            }
        }
    }
}

/// A tag from the future, at the end of each flexible message.
#[test]
fn unknown_tagged_fields_are_skipped() {
    for_all(|direction, api, version| {
        if version < api.api().flexible_since {
            return;
        }
        let mut seen = 0;
        for seed in 0..20 {
            let message = Any::sample(direction, api, version, &mut Random::new(seed));
            let mut bytes = message.encode(version).expect("a sample fits its version");
            // The message's own section is last; only an empty one is easy to extend.
            if bytes.pop() != Some(0) || Any::decode(direction, api, version, &bytes).is_ok() {
                continue;
            }
            bytes.extend([1, 100, 2, 0xAB, 0xCD]);
            let Ok(decoded) = Any::decode(direction, api, version, &bytes) else { continue };
            assert_eq!(decoded, message);
            seen += 1;
        }
        let tagged = matches!(api, ApiKey::Fetch | ApiKey::Produce | ApiKey::ApiVersions);
        assert!(seen > 0 || tagged, "{direction:?} {api} v{version}");
    });
}

#[test]
fn requests_refuse_what_a_version_cannot_carry() {
    let topic = FetchTopic {
        partitions: vec![FetchPartition { last_fetched_epoch: 5, ..Default::default() }].into(),
        ..Default::default()
    };
    let request = FetchRequest { topics: vec![topic].into(), ..Default::default() };
    let refused = Err(EncodeError::Unsupported { field: "last_fetched_epoch" });
    assert_eq!(request.to_vec(11), refused);
    assert!(request.to_vec(12).is_ok());
    // An ignorable field is left out.
    assert!(FetchRequest { session_id: 7, ..Default::default() }.to_vec(6).is_ok());

    let all_topics = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(all_topics.to_vec(0), Err(EncodeError::Null { field: "topics" }));
    assert!(all_topics.to_vec(1).is_ok());
    let by_id = MetadataRequestTopic { name: None, ..Default::default() };
    let by_id = MetadataRequest { topics: Some(vec![by_id].into()), ..Default::default() };
    assert_eq!(by_id.to_vec(9), Err(EncodeError::Null { field: "name" }));
    assert!(by_id.to_vec(12).is_ok());
}

#[test]
fn responses_leave_out_what_a_version_cannot_carry() {
    let topic = DeletableTopicResult { name: None, error_code: 3, ..Default::default() };
    let response = DeleteTopicsResponse { responses: vec![topic].into(), ..Default::default() };
    let bytes = response.to_vec(5).expect("responses drop");
    let decoded = DeleteTopicsResponse::decode(&bytes, 5).expect("well formed");
    assert_eq!(decoded.responses.iter().next().and_then(|topic| topic.name), Some(""));

    let response = MetadataResponse { cluster_id: Some("c"), ..Default::default() };
    let bytes = response.to_vec(0).expect("responses drop");
    assert_eq!(MetadataResponse::decode(&bytes, 0).expect("well formed").cluster_id, None);
}

#[test]
fn texts_above_the_limit_fail_cleanly() {
    let name = "x".repeat(32_768);
    let topic = MetadataResponseTopic { name: Some(&name), ..Default::default() };
    let response = MetadataResponse { topics: vec![topic].into(), ..Default::default() };
    for version in [0, 12] {
        let frame = frame::encode_response(version, 1, &response);
        assert_eq!(frame.err(), Some(EncodeError::TooLong));
    }
}

/// One encoder, several answers, one buffer: what the server sends after one wake-up.
#[test]
fn several_frames_share_a_buffer() {
    let mut out = Encoder::new();
    let response = MetadataResponse { cluster_id: Some("c"), ..Default::default() };
    frame::put_response(&mut out, 12, 1, &response);
    frame::put_response(&mut out, 12, 2, &response);
    let segments = Segments::take(&mut out).expect("short");
    assert_eq!(segments.parts().len(), 1);
    let single = frame::encode_response(12, 2, &response).expect("short");
    assert_eq!(segments.to_vec()[single.len()..], single.to_vec());
}

/// Records of a decoded request are slices of the frame they came in.
#[test]
fn records_are_borrowed_from_the_frame() {
    let partition = PartitionProduceData { index: 1, records: Records::Slice(b"batch") };
    let topic = TopicProduceData {
        name: "t",
        partition_data: vec![partition].into(),
        ..Default::default()
    };
    let request = ProduceRequest { acks: -1, topic_data: vec![topic].into(), ..Default::default() };
    let segments = frame::encode_request(9, 5, Some("me"), &request).expect("short");
    let frame = Bytes::from(segments.to_vec()).slice(frame::LEN_BYTES..);
    let (header, body) = net_wire::RequestHeader::decode(&frame).expect("well formed");
    assert_eq!((header.api, header.correlation_id), (ApiKey::Produce, 5));
    let decoded = ProduceRequest::decode(body, header.api_version).expect("well formed");
    let topic = decoded.topic_data.iter().next().expect("one topic");
    let partition = topic.partition_data.iter().next().expect("one partition");
    let slice = partition.records.slice().expect("received");
    assert_eq!(frame.slice_ref(slice), Bytes::from_static(b"batch"));
}
