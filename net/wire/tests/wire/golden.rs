//! Frames as Kafka's own classes write them (`golden.txt`), in both directions: our bytes are
//! theirs, and theirs are read as the same values.

use bytes::Bytes;
use engine_base::Uuid;
use net_wire::generated::{
    api_versions::{
        ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey,
        SupportedFeatureKey,
    },
    describe_log_dirs::{DescribeLogDirsResponse, DescribeLogDirsResult},
    init_producer_id::InitProducerIdRequest,
    list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    metadata::{
        MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
        MetadataResponsePartition, MetadataResponseTopic,
    },
    offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    offset_fetch::{
        OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponsePartitions,
        OffsetFetchResponseTopics,
    },
    produce::{
        LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse,
        ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
    },
};
use net_wire::{Records, Request, RequestHeader, Response, ResponseHeader, frame};
use std::fmt::Debug;

const ID: Uuid = Uuid::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

fn golden(name: &str) -> Vec<u8> {
    let text = include_str!("golden.txt");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.expect(name).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex");
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte");
    hex.chunks(2).map(byte).collect()
}

fn request<M>(name: &str, version: i16, client_id: Option<&str>, value: M)
where
    M: Request<'static> + Debug + PartialEq,
{
    let bytes = golden(name);
    let ours = frame::encode_request(version, 42, client_id, &value).expect(name).to_vec();
    assert_eq!(ours[frame::LEN_BYTES..], bytes, "{name}");
    let (header, body) = RequestHeader::decode(bytes.leak()).expect(name);
    let expected =
        RequestHeader { api: M::API, api_version: version, correlation_id: 42, client_id };
    assert_eq!(header, expected, "{name}");
    assert_eq!(M::decode(body, version).expect(name), value, "{name}");
}

fn response<M>(name: &str, version: i16, value: M)
where
    M: Response<'static> + Debug + PartialEq,
{
    let bytes = golden(name);
    let ours = frame::encode_response(version, 42, &value).expect(name).to_vec();
    assert_eq!(ours[frame::LEN_BYTES..], bytes, "{name}");
    let (header, body) = ResponseHeader::decode(bytes.leak(), M::API, version).expect(name);
    assert_eq!(header.correlation_id, 42, "{name}");
    // What the version left out comes back as its default, so the values meet as bytes.
    let decoded = M::decode(body, version).expect(name);
    assert_eq!(decoded.to_vec(version).expect(name), body, "{name}");
    if version == M::VERSION_MAX {
        assert_eq!(decoded, value, "{name}");
    }
}

#[test]
fn api_versions() {
    const CLIENT: Option<&str> = Some("golden");
    request("API_VERSIONS_REQUEST_0", 0, CLIENT, ApiVersionsRequest::default());
    for (name, version) in [("API_VERSIONS_REQUEST_3", 3), ("API_VERSIONS_REQUEST_4", 4)] {
        let value = ApiVersionsRequest {
            client_software_name: "apache-kafka-java",
            client_software_version: "4.3.1",
        };
        request(name, version, CLIENT, value);
    }
    let value = ApiVersionsResponse {
        api_keys: vec![
            ApiVersion { api_key: 0, min_version: 0, max_version: 13 },
            ApiVersion { api_key: 18, min_version: 0, max_version: 4 },
        ]
        .into(),
        throttle_time_ms: 5,
        supported_features: vec![SupportedFeatureKey {
            name: "metadata.version",
            min_version: 7,
            max_version: 30,
        }]
        .into(),
        finalized_features_epoch: 9,
        finalized_features: vec![FinalizedFeatureKey {
            name: "metadata.version",
            max_version_level: 30,
            min_version_level: 30,
        }]
        .into(),
        ..Default::default()
    };
    response("API_VERSIONS_RESPONSE_0", 0, value.clone());
    response("API_VERSIONS_RESPONSE_3", 3, value.clone());
    response("API_VERSIONS_RESPONSE_4", 4, value);
}

#[test]
fn metadata() {
    let orders = MetadataRequestTopic { name: Some("orders"), ..Default::default() };
    let value = MetadataRequest { topics: Some(vec![orders].into()), ..Default::default() };
    request("METADATA_REQUEST_0", 0, Some("golden"), value);
    let all = MetadataRequest { topics: None, ..Default::default() };
    request("METADATA_REQUEST_1_ALL", 1, None, all);
    let by_id = MetadataRequestTopic { name: None, topic_id: ID };
    let value = MetadataRequest {
        topics: Some(vec![by_id].into()),
        allow_auto_topic_creation: false,
        include_topic_authorized_operations: true,
        ..Default::default()
    };
    request("METADATA_REQUEST_12", 12, Some("golden"), value);
    let partition = MetadataResponsePartition {
        partition_index: 3,
        leader_id: 1,
        leader_epoch: 2,
        replica_nodes: vec![1, 2].into(),
        isr_nodes: vec![1].into(),
        ..Default::default()
    };
    let value = MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: 1,
            host: "127.0.0.1",
            port: 9092,
            rack: None,
        }]
        .into(),
        cluster_id: Some("cluster"),
        controller_id: 1,
        topics: vec![MetadataResponseTopic {
            name: Some("orders"),
            topic_id: ID,
            partitions: vec![partition].into(),
            ..Default::default()
        }]
        .into(),
        ..Default::default()
    };
    response("METADATA_RESPONSE_1", 1, value.clone());
    response("METADATA_RESPONSE_13", 13, value);
}

#[test]
fn produce() {
    for (name, version) in
        [("PRODUCE_REQUEST_3", 3), ("PRODUCE_REQUEST_9", 9), ("PRODUCE_REQUEST_13", 13)]
    {
        let batch = Bytes::from(golden("BATCH"));
        let partition = PartitionProduceData { index: 2, records: Records::from(batch) };
        let by_name = version < 13;
        let topic = TopicProduceData {
            name: if by_name { "orders" } else { "" },
            topic_id: if by_name { Uuid::ZERO } else { ID },
            partition_data: vec![partition].into(),
        };
        let value = ProduceRequest {
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![topic].into(),
            ..Default::default()
        };
        request(name, version, Some("golden"), value);
    }
    let plain = PartitionProduceResponse {
        index: 2,
        base_offset: 77,
        log_start_offset: 5,
        ..Default::default()
    };
    let moved = PartitionProduceResponse {
        error_code: 6,
        error_message: Some("moved"),
        current_leader: LeaderIdAndEpoch { leader_id: 4, leader_epoch: 8 },
        ..plain.clone()
    };
    let node = NodeEndpoint { node_id: 4, host: "h", port: 1, rack: None };
    for (name, version, partition) in
        [("PRODUCE_RESPONSE_3", 3, plain), ("PRODUCE_RESPONSE_10", 10, moved)]
    {
        let topic = TopicProduceResponse {
            name: "orders",
            partition_responses: vec![partition].into(),
            ..Default::default()
        };
        let value = ProduceResponse {
            responses: vec![topic].into(),
            throttle_time_ms: 1,
            node_endpoints: vec![node.clone()].into(),
        };
        response(name, version, value);
    }
}

/// The versions that the oracle lacks.
#[test]
fn newest_versions() {
    let partition = OffsetCommitRequestPartition {
        partition_index: 1,
        committed_offset: 99,
        committed_metadata: Some("x"),
        ..Default::default()
    };
    let value = OffsetCommitRequest {
        group_id: "g",
        generation_id_or_member_epoch: 3,
        member_id: "m",
        topics: vec![OffsetCommitRequestTopic {
            topic_id: ID,
            partitions: vec![partition].into(),
            ..Default::default()
        }]
        .into(),
        ..Default::default()
    };
    request("OFFSET_COMMIT_REQUEST_10", 10, Some("golden"), value);

    let partition = OffsetFetchResponsePartitions {
        partition_index: 1,
        committed_offset: 99,
        metadata: Some("x"),
        ..Default::default()
    };
    let topic = OffsetFetchResponseTopics {
        topic_id: ID,
        partitions: vec![partition].into(),
        ..Default::default()
    };
    let group =
        OffsetFetchResponseGroup { group_id: "g", topics: vec![topic].into(), error_code: 0 };
    let value = OffsetFetchResponse { groups: vec![group].into(), ..Default::default() };
    response("OFFSET_FETCH_RESPONSE_10", 10, value);

    let partition =
        ListOffsetsPartition { partition_index: 1, timestamp: -6, ..Default::default() };
    let topic = ListOffsetsTopic { name: "orders", partitions: vec![partition].into() };
    let value = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![topic].into(),
        timeout_ms: 7,
        ..Default::default()
    };
    request("LIST_OFFSETS_REQUEST_11", 11, Some("golden"), value);

    let value = InitProducerIdRequest {
        transactional_id: Some("t"),
        transaction_timeout_ms: 60_000,
        enable_2pc: true,
        ..Default::default()
    };
    request("INIT_PRODUCER_ID_REQUEST_6", 6, Some("golden"), value);

    let result = DescribeLogDirsResult {
        log_dir: "/d",
        total_bytes: 10,
        usable_bytes: 9,
        is_cordoned: true,
        ..Default::default()
    };
    let value = DescribeLogDirsResponse { results: vec![result].into(), ..Default::default() };
    response("DESCRIBE_LOG_DIRS_RESPONSE_5", 5, value);
}
