//! Random messages of every kind and version, and a way over all of them.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::message::{Array, Version};
use net_wire::generated::{
    api_versions, create_partitions, create_topics, delete_groups, delete_records, delete_topics,
    describe_cluster, describe_configs, describe_groups, describe_log_dirs,
    describe_topic_partitions, fetch, find_coordinator, heartbeat, incremental_alter_configs,
    init_producer_id, join_group, leave_group, list_config_resources, list_groups, list_offsets,
    metadata, offset_commit, offset_delete, offset_fetch, offset_for_leader_epoch, produce,
    sync_group,
};
use net_wire::{AnyRequest, AnyResponse, ApiKey, Records};

/// A small generator of numbers (SplitMix64): a test is repeated by its seed.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a usize is below 2^64");
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Null in one of four cases.
    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(4) == 0 { None } else { Some(value(self)) }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }
}

/// A random value with something in every field that the version has.
pub trait Sample {
    fn sample(random: &mut Random, version: Version) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random, _: Version) -> Self {
                let edges = [0, 1, <$type>::MAX, <$type>::MIN, <$type>::MAX / 2];
                match random.below(3) {
                    0 => random.pick(&edges),
                    _ => <$type>::from_le_bytes(random.bytes()),
                }
            }
        }
    )*};
}

number!(i8 i16 u16 i32 i64);

impl Sample for bool {
    fn sample(random: &mut Random, _: Version) -> Self {
        random.below(2) == 0
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _: Version) -> Self {
        if random.below(4) == 0 { Uuid::ZERO } else { Uuid::from_bytes(random.bytes()) }
    }
}

/// Around the lengths where a compact length takes another byte.
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

impl Sample for &'static str {
    fn sample(random: &mut Random, _: Version) -> Self {
        match random.below(6) {
            0 => &LONG[..random.below(LONG.len() - 120) + 120],
            1 => "Gr\u{fc}\u{df}e \u{1f600}",
            2 => "",
            _ => &LONG[..random.below(20)],
        }
    }
}

impl Sample for &'static [u8] {
    fn sample(random: &mut Random, version: Version) -> Self {
        <&'static str>::sample(random, version).as_bytes()
    }
}

impl<T: Sample> Sample for Array<'static, T> {
    fn sample(random: &mut Random, version: Version) -> Self {
        let count = random.pick(&[0, 1, 1, 2, 3]);
        (0..count).map(|_| T::sample(random, version)).collect()
    }
}

impl Sample for Records<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        let bytes = random.maybe(|random| Sample::sample(random, version));
        bytes.map_or(Records::Null, Records::Slice)
    }
}
/// A random message of the API in the version.
pub fn any_request(api: ApiKey, version: i16, random: &mut Random) -> AnyRequest<'static> {
    let version = Version::new(version, api.api().flexible_since);
    match api {
        ApiKey::Produce => AnyRequest::Produce(Sample::sample(random, version)),
        ApiKey::Fetch => AnyRequest::Fetch(Sample::sample(random, version)),
        ApiKey::ListOffsets => AnyRequest::ListOffsets(Sample::sample(random, version)),
        ApiKey::Metadata => AnyRequest::Metadata(Sample::sample(random, version)),
        ApiKey::OffsetCommit => AnyRequest::OffsetCommit(Sample::sample(random, version)),
        ApiKey::OffsetFetch => AnyRequest::OffsetFetch(Sample::sample(random, version)),
        ApiKey::FindCoordinator => AnyRequest::FindCoordinator(Sample::sample(random, version)),
        ApiKey::JoinGroup => AnyRequest::JoinGroup(Sample::sample(random, version)),
        ApiKey::Heartbeat => AnyRequest::Heartbeat(Sample::sample(random, version)),
        ApiKey::LeaveGroup => AnyRequest::LeaveGroup(Sample::sample(random, version)),
        ApiKey::SyncGroup => AnyRequest::SyncGroup(Sample::sample(random, version)),
        ApiKey::DescribeGroups => AnyRequest::DescribeGroups(Sample::sample(random, version)),
        ApiKey::ListGroups => AnyRequest::ListGroups(Sample::sample(random, version)),
        ApiKey::ApiVersions => AnyRequest::ApiVersions(Sample::sample(random, version)),
        ApiKey::CreateTopics => AnyRequest::CreateTopics(Sample::sample(random, version)),
        ApiKey::DeleteTopics => AnyRequest::DeleteTopics(Sample::sample(random, version)),
        ApiKey::DeleteRecords => AnyRequest::DeleteRecords(Sample::sample(random, version)),
        ApiKey::InitProducerId => AnyRequest::InitProducerId(Sample::sample(random, version)),
        ApiKey::OffsetForLeaderEpoch => {
            AnyRequest::OffsetForLeaderEpoch(Sample::sample(random, version))
        }
        ApiKey::DescribeConfigs => AnyRequest::DescribeConfigs(Sample::sample(random, version)),
        ApiKey::DescribeLogDirs => AnyRequest::DescribeLogDirs(Sample::sample(random, version)),
        ApiKey::CreatePartitions => AnyRequest::CreatePartitions(Sample::sample(random, version)),
        ApiKey::DeleteGroups => AnyRequest::DeleteGroups(Sample::sample(random, version)),
        ApiKey::IncrementalAlterConfigs => {
            AnyRequest::IncrementalAlterConfigs(Sample::sample(random, version))
        }
        ApiKey::OffsetDelete => AnyRequest::OffsetDelete(Sample::sample(random, version)),
        ApiKey::DescribeCluster => AnyRequest::DescribeCluster(Sample::sample(random, version)),
        ApiKey::ListConfigResources => {
            AnyRequest::ListConfigResources(Sample::sample(random, version))
        }
        ApiKey::DescribeTopicPartitions => {
            AnyRequest::DescribeTopicPartitions(Sample::sample(random, version))
        }
    }
}

/// A random message of the API in the version.
pub fn any_response(api: ApiKey, version: i16, random: &mut Random) -> AnyResponse<'static> {
    let version = Version::new(version, api.api().flexible_since);
    match api {
        ApiKey::Produce => AnyResponse::Produce(Sample::sample(random, version)),
        ApiKey::Fetch => AnyResponse::Fetch(Sample::sample(random, version)),
        ApiKey::ListOffsets => AnyResponse::ListOffsets(Sample::sample(random, version)),
        ApiKey::Metadata => AnyResponse::Metadata(Sample::sample(random, version)),
        ApiKey::OffsetCommit => AnyResponse::OffsetCommit(Sample::sample(random, version)),
        ApiKey::OffsetFetch => AnyResponse::OffsetFetch(Sample::sample(random, version)),
        ApiKey::FindCoordinator => AnyResponse::FindCoordinator(Sample::sample(random, version)),
        ApiKey::JoinGroup => AnyResponse::JoinGroup(Sample::sample(random, version)),
        ApiKey::Heartbeat => AnyResponse::Heartbeat(Sample::sample(random, version)),
        ApiKey::LeaveGroup => AnyResponse::LeaveGroup(Sample::sample(random, version)),
        ApiKey::SyncGroup => AnyResponse::SyncGroup(Sample::sample(random, version)),
        ApiKey::DescribeGroups => AnyResponse::DescribeGroups(Sample::sample(random, version)),
        ApiKey::ListGroups => AnyResponse::ListGroups(Sample::sample(random, version)),
        ApiKey::ApiVersions => AnyResponse::ApiVersions(Sample::sample(random, version)),
        ApiKey::CreateTopics => AnyResponse::CreateTopics(Sample::sample(random, version)),
        ApiKey::DeleteTopics => AnyResponse::DeleteTopics(Sample::sample(random, version)),
        ApiKey::DeleteRecords => AnyResponse::DeleteRecords(Sample::sample(random, version)),
        ApiKey::InitProducerId => AnyResponse::InitProducerId(Sample::sample(random, version)),
        ApiKey::OffsetForLeaderEpoch => {
            AnyResponse::OffsetForLeaderEpoch(Sample::sample(random, version))
        }
        ApiKey::DescribeConfigs => AnyResponse::DescribeConfigs(Sample::sample(random, version)),
        ApiKey::DescribeLogDirs => AnyResponse::DescribeLogDirs(Sample::sample(random, version)),
        ApiKey::CreatePartitions => AnyResponse::CreatePartitions(Sample::sample(random, version)),
        ApiKey::DeleteGroups => AnyResponse::DeleteGroups(Sample::sample(random, version)),
        ApiKey::IncrementalAlterConfigs => {
            AnyResponse::IncrementalAlterConfigs(Sample::sample(random, version))
        }
        ApiKey::OffsetDelete => AnyResponse::OffsetDelete(Sample::sample(random, version)),
        ApiKey::DescribeCluster => AnyResponse::DescribeCluster(Sample::sample(random, version)),
        ApiKey::ListConfigResources => {
            AnyResponse::ListConfigResources(Sample::sample(random, version))
        }
        ApiKey::DescribeTopicPartitions => {
            AnyResponse::DescribeTopicPartitions(Sample::sample(random, version))
        }
    }
}

impl Sample for produce::ProduceRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::ProduceRequest {
            transactional_id: random.maybe(|random| Sample::sample(random, version)),
            acks: Sample::sample(random, version),
            timeout_ms: Sample::sample(random, version),
            topic_data: Sample::sample(random, version),
        }
    }
}

impl Sample for produce::TopicProduceData<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::TopicProduceData {
            name: if version.number <= 12 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 13 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partition_data: Sample::sample(random, version),
        }
    }
}

impl Sample for produce::PartitionProduceData<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::PartitionProduceData {
            index: Sample::sample(random, version),
            records: Sample::sample(random, version),
        }
    }
}

impl Sample for produce::ProduceResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::ProduceResponse {
            responses: Sample::sample(random, version),
            throttle_time_ms: Sample::sample(random, version),
            node_endpoints: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for produce::TopicProduceResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::TopicProduceResponse {
            name: if version.number <= 12 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 13 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partition_responses: Sample::sample(random, version),
        }
    }
}

impl Sample for produce::PartitionProduceResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::PartitionProduceResponse {
            index: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            base_offset: Sample::sample(random, version),
            log_append_time_ms: Sample::sample(random, version),
            log_start_offset: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                -1
            },
            record_errors: if version.number >= 8 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            error_message: if version.number >= 8 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            current_leader: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                produce::LeaderIdAndEpoch::default()
            },
        }
    }
}

impl Sample for produce::BatchIndexAndErrorMessage<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::BatchIndexAndErrorMessage {
            batch_index: Sample::sample(random, version),
            batch_index_error_message: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for produce::LeaderIdAndEpoch {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::LeaderIdAndEpoch {
            leader_id: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
        }
    }
}

impl Sample for produce::NodeEndpoint<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        produce::NodeEndpoint {
            node_id: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            rack: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for fetch::FetchRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::FetchRequest {
            cluster_id: if version.number >= 12 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            replica_id: if version.number <= 14 { Sample::sample(random, version) } else { -1 },
            replica_state: if version.number >= 15 {
                Sample::sample(random, version)
            } else {
                fetch::ReplicaState::default()
            },
            max_wait_ms: Sample::sample(random, version),
            min_bytes: Sample::sample(random, version),
            max_bytes: Sample::sample(random, version),
            isolation_level: Sample::sample(random, version),
            session_id: if version.number >= 7 { Sample::sample(random, version) } else { 0 },
            session_epoch: if version.number >= 7 { Sample::sample(random, version) } else { -1 },
            topics: Sample::sample(random, version),
            forgotten_topics_data: if version.number >= 7 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            rack_id: if version.number >= 11 { Sample::sample(random, version) } else { "" },
        }
    }
}

impl Sample for fetch::ReplicaState {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::ReplicaState {
            replica_id: Sample::sample(random, version),
            replica_epoch: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::FetchTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::FetchTopic {
            topic: if version.number <= 12 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 13 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::FetchPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::FetchPartition {
            partition: Sample::sample(random, version),
            current_leader_epoch: if version.number >= 9 {
                Sample::sample(random, version)
            } else {
                -1
            },
            fetch_offset: Sample::sample(random, version),
            last_fetched_epoch: if version.number >= 12 {
                Sample::sample(random, version)
            } else {
                -1
            },
            log_start_offset: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                -1
            },
            partition_max_bytes: Sample::sample(random, version),
            replica_directory_id: if version.number >= 17 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            high_watermark: if version.number >= 18 {
                Sample::sample(random, version)
            } else {
                i64::MAX
            },
        }
    }
}

impl Sample for fetch::ForgottenTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::ForgottenTopic {
            topic: if version.number <= 12 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 13 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::FetchResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::FetchResponse {
            throttle_time_ms: Sample::sample(random, version),
            error_code: if version.number >= 7 { Sample::sample(random, version) } else { 0 },
            session_id: if version.number >= 7 { Sample::sample(random, version) } else { 0 },
            responses: Sample::sample(random, version),
            node_endpoints: if version.number >= 16 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for fetch::FetchableTopicResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::FetchableTopicResponse {
            topic: if version.number <= 12 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 13 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::PartitionData<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::PartitionData {
            partition_index: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            high_watermark: Sample::sample(random, version),
            last_stable_offset: Sample::sample(random, version),
            log_start_offset: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                -1
            },
            diverging_epoch: if version.number >= 12 {
                Sample::sample(random, version)
            } else {
                fetch::EpochEndOffset::default()
            },
            current_leader: if version.number >= 12 {
                Sample::sample(random, version)
            } else {
                fetch::LeaderIdAndEpoch::default()
            },
            snapshot_id: if version.number >= 12 {
                Sample::sample(random, version)
            } else {
                fetch::SnapshotId::default()
            },
            aborted_transactions: random.maybe(|random| Sample::sample(random, version)),
            preferred_read_replica: if version.number >= 11 {
                Sample::sample(random, version)
            } else {
                -1
            },
            records: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::EpochEndOffset {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::EpochEndOffset {
            epoch: Sample::sample(random, version),
            end_offset: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::LeaderIdAndEpoch {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::LeaderIdAndEpoch {
            leader_id: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::SnapshotId {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::SnapshotId {
            end_offset: Sample::sample(random, version),
            epoch: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::AbortedTransaction {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::AbortedTransaction {
            producer_id: Sample::sample(random, version),
            first_offset: Sample::sample(random, version),
        }
    }
}

impl Sample for fetch::NodeEndpoint<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        fetch::NodeEndpoint {
            node_id: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            rack: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for list_offsets::ListOffsetsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsRequest {
            replica_id: Sample::sample(random, version),
            isolation_level: if version.number >= 2 { Sample::sample(random, version) } else { 0 },
            topics: Sample::sample(random, version),
            timeout_ms: if version.number >= 10 { Sample::sample(random, version) } else { 0 },
        }
    }
}

impl Sample for list_offsets::ListOffsetsTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for list_offsets::ListOffsetsPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsPartition {
            partition_index: Sample::sample(random, version),
            current_leader_epoch: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                -1
            },
            timestamp: Sample::sample(random, version),
        }
    }
}

impl Sample for list_offsets::ListOffsetsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsResponse {
            throttle_time_ms: if version.number >= 2 { Sample::sample(random, version) } else { 0 },
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for list_offsets::ListOffsetsTopicResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsTopicResponse {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for list_offsets::ListOffsetsPartitionResponse {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_offsets::ListOffsetsPartitionResponse {
            partition_index: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            timestamp: Sample::sample(random, version),
            offset: Sample::sample(random, version),
            leader_epoch: if version.number >= 4 { Sample::sample(random, version) } else { -1 },
        }
    }
}

impl Sample for metadata::MetadataRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataRequest {
            topics: if version.number >= 1 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Sample::sample(random, version))
            },
            allow_auto_topic_creation: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                true
            },
            include_cluster_authorized_operations: if (8..=10).contains(&version.number) {
                Sample::sample(random, version)
            } else {
                false
            },
            include_topic_authorized_operations: if version.number >= 8 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for metadata::MetadataRequestTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataRequestTopic {
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            name: if version.number >= 10 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Sample::sample(random, version))
            },
        }
    }
}

impl Sample for metadata::MetadataResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataResponse {
            throttle_time_ms: if version.number >= 3 { Sample::sample(random, version) } else { 0 },
            brokers: Sample::sample(random, version),
            cluster_id: if version.number >= 2 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            controller_id: if version.number >= 1 { Sample::sample(random, version) } else { -1 },
            topics: Sample::sample(random, version),
            cluster_authorized_operations: if (8..=10).contains(&version.number) {
                Sample::sample(random, version)
            } else {
                i32::MIN
            },
            error_code: if version.number >= 13 { Sample::sample(random, version) } else { 0 },
        }
    }
}

impl Sample for metadata::MetadataResponseBroker<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataResponseBroker {
            node_id: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            rack: if version.number >= 1 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for metadata::MetadataResponseTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataResponseTopic {
            error_code: Sample::sample(random, version),
            name: if version.number >= 12 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Sample::sample(random, version))
            },
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            is_internal: if version.number >= 1 { Sample::sample(random, version) } else { false },
            partitions: Sample::sample(random, version),
            topic_authorized_operations: if version.number >= 8 {
                Sample::sample(random, version)
            } else {
                i32::MIN
            },
        }
    }
}

impl Sample for metadata::MetadataResponsePartition<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        metadata::MetadataResponsePartition {
            error_code: Sample::sample(random, version),
            partition_index: Sample::sample(random, version),
            leader_id: Sample::sample(random, version),
            leader_epoch: if version.number >= 7 { Sample::sample(random, version) } else { -1 },
            replica_nodes: Sample::sample(random, version),
            isr_nodes: Sample::sample(random, version),
            offline_replicas: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for offset_commit::OffsetCommitRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitRequest {
            group_id: Sample::sample(random, version),
            generation_id_or_member_epoch: Sample::sample(random, version),
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 7 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            retention_time_ms: if version.number <= 4 {
                Sample::sample(random, version)
            } else {
                -1
            },
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_commit::OffsetCommitRequestTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitRequestTopic {
            name: if version.number <= 9 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_commit::OffsetCommitRequestPartition<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitRequestPartition {
            partition_index: Sample::sample(random, version),
            committed_offset: Sample::sample(random, version),
            committed_leader_epoch: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                -1
            },
            committed_metadata: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for offset_commit::OffsetCommitResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitResponse {
            throttle_time_ms: if version.number >= 3 { Sample::sample(random, version) } else { 0 },
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_commit::OffsetCommitResponseTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitResponseTopic {
            name: if version.number <= 9 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_commit::OffsetCommitResponsePartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitResponsePartition {
            partition_index: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchRequest {
            group_id: if version.number <= 7 { Sample::sample(random, version) } else { "" },
            topics: if version.number <= 7 {
                if version.number >= 2 {
                    random.maybe(|random| Sample::sample(random, version))
                } else {
                    Some(Sample::sample(random, version))
                }
            } else {
                Some(Array::EMPTY)
            },
            groups: if version.number >= 8 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            require_stable: if version.number >= 7 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for offset_fetch::OffsetFetchRequestTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchRequestTopic {
            name: Sample::sample(random, version),
            partition_indexes: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchRequestGroup<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchRequestGroup {
            group_id: Sample::sample(random, version),
            member_id: if version.number >= 9 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            member_epoch: if version.number >= 9 { Sample::sample(random, version) } else { -1 },
            topics: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchRequestTopics<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchRequestTopics {
            name: if version.number <= 9 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partition_indexes: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponse {
            throttle_time_ms: if version.number >= 3 { Sample::sample(random, version) } else { 0 },
            topics: if version.number <= 7 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            error_code: if (2..=7).contains(&version.number) {
                Sample::sample(random, version)
            } else {
                0
            },
            groups: if version.number >= 8 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponseTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponseTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponsePartition<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponsePartition {
            partition_index: Sample::sample(random, version),
            committed_offset: Sample::sample(random, version),
            committed_leader_epoch: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                -1
            },
            metadata: random.maybe(|random| Sample::sample(random, version)),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponseGroup<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponseGroup {
            group_id: Sample::sample(random, version),
            topics: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponseTopics<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponseTopics {
            name: if version.number <= 9 { Sample::sample(random, version) } else { "" },
            topic_id: if version.number >= 10 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_fetch::OffsetFetchResponsePartitions<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_fetch::OffsetFetchResponsePartitions {
            partition_index: Sample::sample(random, version),
            committed_offset: Sample::sample(random, version),
            committed_leader_epoch: Sample::sample(random, version),
            metadata: random.maybe(|random| Sample::sample(random, version)),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for find_coordinator::FindCoordinatorRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        find_coordinator::FindCoordinatorRequest {
            key: if version.number <= 3 { Sample::sample(random, version) } else { "" },
            key_type: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            coordinator_keys: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for find_coordinator::FindCoordinatorResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        find_coordinator::FindCoordinatorResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            error_code: if version.number <= 3 { Sample::sample(random, version) } else { 0 },
            error_message: if (1..=3).contains(&version.number) {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some("")
            },
            node_id: if version.number <= 3 { Sample::sample(random, version) } else { 0 },
            host: if version.number <= 3 { Sample::sample(random, version) } else { "" },
            port: if version.number <= 3 { Sample::sample(random, version) } else { 0 },
            coordinators: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for find_coordinator::Coordinator<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        find_coordinator::Coordinator {
            key: Sample::sample(random, version),
            node_id: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for join_group::JoinGroupRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        join_group::JoinGroupRequest {
            group_id: Sample::sample(random, version),
            session_timeout_ms: Sample::sample(random, version),
            rebalance_timeout_ms: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                -1
            },
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            protocol_type: Sample::sample(random, version),
            protocols: Sample::sample(random, version),
            reason: if version.number >= 8 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for join_group::JoinGroupRequestProtocol<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        join_group::JoinGroupRequestProtocol {
            name: Sample::sample(random, version),
            metadata: Sample::sample(random, version),
        }
    }
}

impl Sample for join_group::JoinGroupResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        join_group::JoinGroupResponse {
            throttle_time_ms: if version.number >= 2 { Sample::sample(random, version) } else { 0 },
            error_code: Sample::sample(random, version),
            generation_id: Sample::sample(random, version),
            protocol_type: if version.number >= 7 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            protocol_name: if version.number >= 7 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Sample::sample(random, version))
            },
            leader: Sample::sample(random, version),
            skip_assignment: if version.number >= 9 {
                Sample::sample(random, version)
            } else {
                false
            },
            member_id: Sample::sample(random, version),
            members: Sample::sample(random, version),
        }
    }
}

impl Sample for join_group::JoinGroupResponseMember<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        join_group::JoinGroupResponseMember {
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            metadata: Sample::sample(random, version),
        }
    }
}

impl Sample for heartbeat::HeartbeatRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        heartbeat::HeartbeatRequest {
            group_id: Sample::sample(random, version),
            generation_id: Sample::sample(random, version),
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 3 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for heartbeat::HeartbeatResponse {
    fn sample(random: &mut Random, version: Version) -> Self {
        heartbeat::HeartbeatResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for leave_group::LeaveGroupRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        leave_group::LeaveGroupRequest {
            group_id: Sample::sample(random, version),
            member_id: if version.number <= 2 { Sample::sample(random, version) } else { "" },
            members: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for leave_group::MemberIdentity<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        leave_group::MemberIdentity {
            member_id: Sample::sample(random, version),
            group_instance_id: random.maybe(|random| Sample::sample(random, version)),
            reason: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for leave_group::LeaveGroupResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        leave_group::LeaveGroupResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            error_code: Sample::sample(random, version),
            members: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for leave_group::MemberResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        leave_group::MemberResponse {
            member_id: Sample::sample(random, version),
            group_instance_id: random.maybe(|random| Sample::sample(random, version)),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for sync_group::SyncGroupRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        sync_group::SyncGroupRequest {
            group_id: Sample::sample(random, version),
            generation_id: Sample::sample(random, version),
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 3 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            protocol_type: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            protocol_name: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            assignments: Sample::sample(random, version),
        }
    }
}

impl Sample for sync_group::SyncGroupRequestAssignment<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        sync_group::SyncGroupRequestAssignment {
            member_id: Sample::sample(random, version),
            assignment: Sample::sample(random, version),
        }
    }
}

impl Sample for sync_group::SyncGroupResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        sync_group::SyncGroupResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            error_code: Sample::sample(random, version),
            protocol_type: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            protocol_name: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            assignment: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_groups::DescribeGroupsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_groups::DescribeGroupsRequest {
            groups: Sample::sample(random, version),
            include_authorized_operations: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for describe_groups::DescribeGroupsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_groups::DescribeGroupsResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            groups: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_groups::DescribedGroup<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_groups::DescribedGroup {
            error_code: Sample::sample(random, version),
            error_message: if version.number >= 6 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            group_id: Sample::sample(random, version),
            group_state: Sample::sample(random, version),
            protocol_type: Sample::sample(random, version),
            protocol_data: Sample::sample(random, version),
            members: Sample::sample(random, version),
            authorized_operations: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                i32::MIN
            },
        }
    }
}

impl Sample for describe_groups::DescribedGroupMember<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_groups::DescribedGroupMember {
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 4 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            client_id: Sample::sample(random, version),
            client_host: Sample::sample(random, version),
            member_metadata: Sample::sample(random, version),
            member_assignment: Sample::sample(random, version),
        }
    }
}

impl Sample for list_groups::ListGroupsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_groups::ListGroupsRequest {
            states_filter: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            types_filter: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for list_groups::ListGroupsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_groups::ListGroupsResponse {
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            error_code: Sample::sample(random, version),
            groups: Sample::sample(random, version),
        }
    }
}

impl Sample for list_groups::ListedGroup<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_groups::ListedGroup {
            group_id: Sample::sample(random, version),
            protocol_type: Sample::sample(random, version),
            group_state: if version.number >= 4 { Sample::sample(random, version) } else { "" },
            group_type: if version.number >= 5 { Sample::sample(random, version) } else { "" },
        }
    }
}

impl Sample for api_versions::ApiVersionsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        api_versions::ApiVersionsRequest {
            client_software_name: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                ""
            },
            client_software_version: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                ""
            },
        }
    }
}

impl Sample for api_versions::ApiVersionsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        api_versions::ApiVersionsResponse {
            error_code: Sample::sample(random, version),
            api_keys: Sample::sample(random, version),
            throttle_time_ms: if version.number >= 1 { Sample::sample(random, version) } else { 0 },
            supported_features: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            finalized_features_epoch: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                -1
            },
            finalized_features: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            zk_migration_ready: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for api_versions::ApiVersion {
    fn sample(random: &mut Random, version: Version) -> Self {
        api_versions::ApiVersion {
            api_key: Sample::sample(random, version),
            min_version: Sample::sample(random, version),
            max_version: Sample::sample(random, version),
        }
    }
}

impl Sample for api_versions::SupportedFeatureKey<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        api_versions::SupportedFeatureKey {
            name: Sample::sample(random, version),
            min_version: Sample::sample(random, version),
            max_version: Sample::sample(random, version),
        }
    }
}

impl Sample for api_versions::FinalizedFeatureKey<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        api_versions::FinalizedFeatureKey {
            name: Sample::sample(random, version),
            max_version_level: Sample::sample(random, version),
            min_version_level: Sample::sample(random, version),
        }
    }
}

impl Sample for create_topics::CreateTopicsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreateTopicsRequest {
            topics: Sample::sample(random, version),
            timeout_ms: Sample::sample(random, version),
            validate_only: Sample::sample(random, version),
        }
    }
}

impl Sample for create_topics::CreatableTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreatableTopic {
            name: Sample::sample(random, version),
            num_partitions: Sample::sample(random, version),
            replication_factor: Sample::sample(random, version),
            assignments: Sample::sample(random, version),
            configs: Sample::sample(random, version),
        }
    }
}

impl Sample for create_topics::CreatableReplicaAssignment<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreatableReplicaAssignment {
            partition_index: Sample::sample(random, version),
            broker_ids: Sample::sample(random, version),
        }
    }
}

impl Sample for create_topics::CreatableTopicConfig<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreatableTopicConfig {
            name: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for create_topics::CreateTopicsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreateTopicsResponse {
            throttle_time_ms: Sample::sample(random, version),
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for create_topics::CreatableTopicResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreatableTopicResult {
            name: Sample::sample(random, version),
            topic_id: if version.number >= 7 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
            topic_config_error_code: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                0
            },
            num_partitions: if version.number >= 5 { Sample::sample(random, version) } else { -1 },
            replication_factor: if version.number >= 5 {
                Sample::sample(random, version)
            } else {
                -1
            },
            configs: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Array::EMPTY)
            },
        }
    }
}

impl Sample for create_topics::CreatableTopicConfigs<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_topics::CreatableTopicConfigs {
            name: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
            read_only: Sample::sample(random, version),
            config_source: Sample::sample(random, version),
            is_sensitive: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_topics::DeleteTopicsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_topics::DeleteTopicsRequest {
            topics: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            topic_names: if version.number <= 5 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            timeout_ms: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_topics::DeleteTopicState<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_topics::DeleteTopicState {
            name: random.maybe(|random| Sample::sample(random, version)),
            topic_id: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_topics::DeleteTopicsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_topics::DeleteTopicsResponse {
            throttle_time_ms: Sample::sample(random, version),
            responses: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_topics::DeletableTopicResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_topics::DeletableTopicResult {
            name: if version.number >= 6 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some(Sample::sample(random, version))
            },
            topic_id: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
            error_code: Sample::sample(random, version),
            error_message: if version.number >= 5 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for delete_records::DeleteRecordsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsRequest {
            topics: Sample::sample(random, version),
            timeout_ms: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_records::DeleteRecordsTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_records::DeleteRecordsPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsPartition {
            partition_index: Sample::sample(random, version),
            offset: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_records::DeleteRecordsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsResponse {
            throttle_time_ms: Sample::sample(random, version),
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_records::DeleteRecordsTopicResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsTopicResult {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_records::DeleteRecordsPartitionResult {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_records::DeleteRecordsPartitionResult {
            partition_index: Sample::sample(random, version),
            low_watermark: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for init_producer_id::InitProducerIdRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        init_producer_id::InitProducerIdRequest {
            transactional_id: random.maybe(|random| Sample::sample(random, version)),
            transaction_timeout_ms: Sample::sample(random, version),
            producer_id: if version.number >= 3 { Sample::sample(random, version) } else { -1 },
            producer_epoch: if version.number >= 3 { Sample::sample(random, version) } else { -1 },
            enable_2pc: if version.number >= 6 { Sample::sample(random, version) } else { false },
            keep_prepared_txn: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for init_producer_id::InitProducerIdResponse {
    fn sample(random: &mut Random, version: Version) -> Self {
        init_producer_id::InitProducerIdResponse {
            throttle_time_ms: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            producer_id: Sample::sample(random, version),
            producer_epoch: Sample::sample(random, version),
            ongoing_txn_producer_id: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                -1
            },
            ongoing_txn_producer_epoch: if version.number >= 6 {
                Sample::sample(random, version)
            } else {
                -1
            },
        }
    }
}

impl Sample for offset_for_leader_epoch::OffsetForLeaderEpochRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::OffsetForLeaderEpochRequest {
            replica_id: if version.number >= 3 { Sample::sample(random, version) } else { -2 },
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_for_leader_epoch::OffsetForLeaderTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::OffsetForLeaderTopic {
            topic: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_for_leader_epoch::OffsetForLeaderPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::OffsetForLeaderPartition {
            partition: Sample::sample(random, version),
            current_leader_epoch: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_for_leader_epoch::OffsetForLeaderEpochResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::OffsetForLeaderEpochResponse {
            throttle_time_ms: Sample::sample(random, version),
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_for_leader_epoch::OffsetForLeaderTopicResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::OffsetForLeaderTopicResult {
            topic: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_for_leader_epoch::EpochEndOffset {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_for_leader_epoch::EpochEndOffset {
            error_code: Sample::sample(random, version),
            partition: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
            end_offset: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_configs::DescribeConfigsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsRequest {
            resources: Sample::sample(random, version),
            include_synonyms: Sample::sample(random, version),
            include_documentation: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for describe_configs::DescribeConfigsResource<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsResource {
            resource_type: Sample::sample(random, version),
            resource_name: Sample::sample(random, version),
            configuration_keys: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for describe_configs::DescribeConfigsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsResponse {
            throttle_time_ms: Sample::sample(random, version),
            results: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_configs::DescribeConfigsResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsResult {
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
            resource_type: Sample::sample(random, version),
            resource_name: Sample::sample(random, version),
            configs: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_configs::DescribeConfigsResourceResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsResourceResult {
            name: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
            read_only: Sample::sample(random, version),
            config_source: Sample::sample(random, version),
            is_sensitive: Sample::sample(random, version),
            synonyms: Sample::sample(random, version),
            config_type: if version.number >= 3 { Sample::sample(random, version) } else { 0 },
            documentation: if version.number >= 3 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                Some("")
            },
        }
    }
}

impl Sample for describe_configs::DescribeConfigsSynonym<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_configs::DescribeConfigsSynonym {
            name: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
            source: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_log_dirs::DescribeLogDirsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribeLogDirsRequest {
            topics: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for describe_log_dirs::DescribableLogDirTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribableLogDirTopic {
            topic: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_log_dirs::DescribeLogDirsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribeLogDirsResponse {
            throttle_time_ms: Sample::sample(random, version),
            error_code: if version.number >= 3 { Sample::sample(random, version) } else { 0 },
            results: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_log_dirs::DescribeLogDirsResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribeLogDirsResult {
            error_code: Sample::sample(random, version),
            log_dir: Sample::sample(random, version),
            topics: Sample::sample(random, version),
            total_bytes: if version.number >= 4 { Sample::sample(random, version) } else { -1 },
            usable_bytes: if version.number >= 4 { Sample::sample(random, version) } else { -1 },
            is_cordoned: if version.number >= 5 { Sample::sample(random, version) } else { false },
        }
    }
}

impl Sample for describe_log_dirs::DescribeLogDirsTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribeLogDirsTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_log_dirs::DescribeLogDirsPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_log_dirs::DescribeLogDirsPartition {
            partition_index: Sample::sample(random, version),
            partition_size: Sample::sample(random, version),
            offset_lag: Sample::sample(random, version),
            is_future_key: Sample::sample(random, version),
        }
    }
}

impl Sample for create_partitions::CreatePartitionsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_partitions::CreatePartitionsRequest {
            topics: Sample::sample(random, version),
            timeout_ms: Sample::sample(random, version),
            validate_only: Sample::sample(random, version),
        }
    }
}

impl Sample for create_partitions::CreatePartitionsTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_partitions::CreatePartitionsTopic {
            name: Sample::sample(random, version),
            count: Sample::sample(random, version),
            assignments: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for create_partitions::CreatePartitionsAssignment<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_partitions::CreatePartitionsAssignment {
            broker_ids: Sample::sample(random, version),
        }
    }
}

impl Sample for create_partitions::CreatePartitionsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_partitions::CreatePartitionsResponse {
            throttle_time_ms: Sample::sample(random, version),
            results: Sample::sample(random, version),
        }
    }
}

impl Sample for create_partitions::CreatePartitionsTopicResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        create_partitions::CreatePartitionsTopicResult {
            name: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for delete_groups::DeleteGroupsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_groups::DeleteGroupsRequest { groups_names: Sample::sample(random, version) }
    }
}

impl Sample for delete_groups::DeleteGroupsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_groups::DeleteGroupsResponse {
            throttle_time_ms: Sample::sample(random, version),
            results: Sample::sample(random, version),
        }
    }
}

impl Sample for delete_groups::DeletableGroupResult<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        delete_groups::DeletableGroupResult {
            group_id: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for incremental_alter_configs::IncrementalAlterConfigsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        incremental_alter_configs::IncrementalAlterConfigsRequest {
            resources: Sample::sample(random, version),
            validate_only: Sample::sample(random, version),
        }
    }
}

impl Sample for incremental_alter_configs::AlterConfigsResource<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        incremental_alter_configs::AlterConfigsResource {
            resource_type: Sample::sample(random, version),
            resource_name: Sample::sample(random, version),
            configs: Sample::sample(random, version),
        }
    }
}

impl Sample for incremental_alter_configs::AlterableConfig<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        incremental_alter_configs::AlterableConfig {
            name: Sample::sample(random, version),
            config_operation: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for incremental_alter_configs::IncrementalAlterConfigsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        incremental_alter_configs::IncrementalAlterConfigsResponse {
            throttle_time_ms: Sample::sample(random, version),
            responses: Sample::sample(random, version),
        }
    }
}

impl Sample for incremental_alter_configs::AlterConfigsResourceResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        incremental_alter_configs::AlterConfigsResourceResponse {
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
            resource_type: Sample::sample(random, version),
            resource_name: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteRequest {
            group_id: Sample::sample(random, version),
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteRequestTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteRequestTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteRequestPartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteRequestPartition {
            partition_index: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteResponse {
            error_code: Sample::sample(random, version),
            throttle_time_ms: Sample::sample(random, version),
            topics: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteResponseTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteResponseTopic {
            name: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_delete::OffsetDeleteResponsePartition {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_delete::OffsetDeleteResponsePartition {
            partition_index: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_cluster::DescribeClusterRequest {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_cluster::DescribeClusterRequest {
            include_cluster_authorized_operations: Sample::sample(random, version),
            endpoint_type: if version.number >= 1 { Sample::sample(random, version) } else { 1 },
            include_fenced_brokers: if version.number >= 2 {
                Sample::sample(random, version)
            } else {
                false
            },
        }
    }
}

impl Sample for describe_cluster::DescribeClusterResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_cluster::DescribeClusterResponse {
            throttle_time_ms: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            error_message: random.maybe(|random| Sample::sample(random, version)),
            endpoint_type: if version.number >= 1 { Sample::sample(random, version) } else { 1 },
            cluster_id: Sample::sample(random, version),
            controller_id: Sample::sample(random, version),
            brokers: Sample::sample(random, version),
            cluster_authorized_operations: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_cluster::DescribeClusterBroker<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_cluster::DescribeClusterBroker {
            broker_id: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            rack: random.maybe(|random| Sample::sample(random, version)),
            is_fenced: if version.number >= 2 { Sample::sample(random, version) } else { false },
        }
    }
}

impl Sample for list_config_resources::ListConfigResourcesRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_config_resources::ListConfigResourcesRequest {
            resource_types: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
        }
    }
}

impl Sample for list_config_resources::ListConfigResourcesResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_config_resources::ListConfigResourcesResponse {
            throttle_time_ms: Sample::sample(random, version),
            error_code: Sample::sample(random, version),
            config_resources: Sample::sample(random, version),
        }
    }
}

impl Sample for list_config_resources::ConfigResource<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        list_config_resources::ConfigResource {
            resource_name: Sample::sample(random, version),
            resource_type: if version.number >= 1 { Sample::sample(random, version) } else { 16 },
        }
    }
}

impl Sample for describe_topic_partitions::DescribeTopicPartitionsRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::DescribeTopicPartitionsRequest {
            topics: Sample::sample(random, version),
            response_partition_limit: Sample::sample(random, version),
            cursor: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for describe_topic_partitions::TopicRequest<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::TopicRequest { name: Sample::sample(random, version) }
    }
}

impl Sample for describe_topic_partitions::Cursor<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::Cursor {
            topic_name: Sample::sample(random, version),
            partition_index: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_topic_partitions::DescribeTopicPartitionsResponse<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::DescribeTopicPartitionsResponse {
            throttle_time_ms: Sample::sample(random, version),
            topics: Sample::sample(random, version),
            next_cursor: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for describe_topic_partitions::DescribeTopicPartitionsResponseTopic<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::DescribeTopicPartitionsResponseTopic {
            error_code: Sample::sample(random, version),
            name: random.maybe(|random| Sample::sample(random, version)),
            topic_id: Sample::sample(random, version),
            is_internal: Sample::sample(random, version),
            partitions: Sample::sample(random, version),
            topic_authorized_operations: Sample::sample(random, version),
        }
    }
}

impl Sample for describe_topic_partitions::DescribeTopicPartitionsResponsePartition<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        describe_topic_partitions::DescribeTopicPartitionsResponsePartition {
            error_code: Sample::sample(random, version),
            partition_index: Sample::sample(random, version),
            leader_id: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
            replica_nodes: Sample::sample(random, version),
            isr_nodes: Sample::sample(random, version),
            eligible_leader_replicas: random.maybe(|random| Sample::sample(random, version)),
            last_known_elr: random.maybe(|random| Sample::sample(random, version)),
            offline_replicas: Sample::sample(random, version),
        }
    }
}
