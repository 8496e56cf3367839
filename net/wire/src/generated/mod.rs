//! Kafka's requests and responses, one module per API.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

pub mod api_versions;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod sync_group;
mod table;

pub use table::{APIS, Api, ApiKey};

use engine_base::codec::Result;
use engine_base::encoder::Encoder;
use engine_base::message::Message as _;

/// Any request.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum AnyRequest<'a> {
    Produce(produce::ProduceRequest<'a>),
    Fetch(fetch::FetchRequest<'a>),
    ListOffsets(list_offsets::ListOffsetsRequest<'a>),
    Metadata(metadata::MetadataRequest<'a>),
    OffsetCommit(offset_commit::OffsetCommitRequest<'a>),
    OffsetFetch(offset_fetch::OffsetFetchRequest<'a>),
    FindCoordinator(find_coordinator::FindCoordinatorRequest<'a>),
    JoinGroup(join_group::JoinGroupRequest<'a>),
    Heartbeat(heartbeat::HeartbeatRequest<'a>),
    LeaveGroup(leave_group::LeaveGroupRequest<'a>),
    SyncGroup(sync_group::SyncGroupRequest<'a>),
    DescribeGroups(describe_groups::DescribeGroupsRequest<'a>),
    ListGroups(list_groups::ListGroupsRequest<'a>),
    ApiVersions(api_versions::ApiVersionsRequest<'a>),
    CreateTopics(create_topics::CreateTopicsRequest<'a>),
    DeleteTopics(delete_topics::DeleteTopicsRequest<'a>),
    DeleteRecords(delete_records::DeleteRecordsRequest<'a>),
    InitProducerId(init_producer_id::InitProducerIdRequest<'a>),
    OffsetForLeaderEpoch(offset_for_leader_epoch::OffsetForLeaderEpochRequest<'a>),
    DescribeConfigs(describe_configs::DescribeConfigsRequest<'a>),
    DescribeLogDirs(describe_log_dirs::DescribeLogDirsRequest<'a>),
    CreatePartitions(create_partitions::CreatePartitionsRequest<'a>),
    DeleteGroups(delete_groups::DeleteGroupsRequest<'a>),
    IncrementalAlterConfigs(incremental_alter_configs::IncrementalAlterConfigsRequest<'a>),
    OffsetDelete(offset_delete::OffsetDeleteRequest<'a>),
    DescribeCluster(describe_cluster::DescribeClusterRequest),
    ListConfigResources(list_config_resources::ListConfigResourcesRequest<'a>),
    DescribeTopicPartitions(describe_topic_partitions::DescribeTopicPartitionsRequest<'a>),
}

impl<'a> AnyRequest<'a> {
    /// Reads the body of a message; bytes left over are an error.
    pub fn decode(api: ApiKey, bytes: &'a [u8], version: i16) -> Result<Self> {
        Ok(match api {
            ApiKey::Produce => Self::Produce(produce::ProduceRequest::decode(bytes, version)?),
            ApiKey::Fetch => Self::Fetch(fetch::FetchRequest::decode(bytes, version)?),
            ApiKey::ListOffsets => {
                Self::ListOffsets(list_offsets::ListOffsetsRequest::decode(bytes, version)?)
            }
            ApiKey::Metadata => Self::Metadata(metadata::MetadataRequest::decode(bytes, version)?),
            ApiKey::OffsetCommit => {
                Self::OffsetCommit(offset_commit::OffsetCommitRequest::decode(bytes, version)?)
            }
            ApiKey::OffsetFetch => {
                Self::OffsetFetch(offset_fetch::OffsetFetchRequest::decode(bytes, version)?)
            }
            ApiKey::FindCoordinator => Self::FindCoordinator(
                find_coordinator::FindCoordinatorRequest::decode(bytes, version)?,
            ),
            ApiKey::JoinGroup => {
                Self::JoinGroup(join_group::JoinGroupRequest::decode(bytes, version)?)
            }
            ApiKey::Heartbeat => {
                Self::Heartbeat(heartbeat::HeartbeatRequest::decode(bytes, version)?)
            }
            ApiKey::LeaveGroup => {
                Self::LeaveGroup(leave_group::LeaveGroupRequest::decode(bytes, version)?)
            }
            ApiKey::SyncGroup => {
                Self::SyncGroup(sync_group::SyncGroupRequest::decode(bytes, version)?)
            }
            ApiKey::DescribeGroups => Self::DescribeGroups(
                describe_groups::DescribeGroupsRequest::decode(bytes, version)?,
            ),
            ApiKey::ListGroups => {
                Self::ListGroups(list_groups::ListGroupsRequest::decode(bytes, version)?)
            }
            ApiKey::ApiVersions => {
                Self::ApiVersions(api_versions::ApiVersionsRequest::decode(bytes, version)?)
            }
            ApiKey::CreateTopics => {
                Self::CreateTopics(create_topics::CreateTopicsRequest::decode(bytes, version)?)
            }
            ApiKey::DeleteTopics => {
                Self::DeleteTopics(delete_topics::DeleteTopicsRequest::decode(bytes, version)?)
            }
            ApiKey::DeleteRecords => {
                Self::DeleteRecords(delete_records::DeleteRecordsRequest::decode(bytes, version)?)
            }
            ApiKey::InitProducerId => Self::InitProducerId(
                init_producer_id::InitProducerIdRequest::decode(bytes, version)?,
            ),
            ApiKey::OffsetForLeaderEpoch => Self::OffsetForLeaderEpoch(
                offset_for_leader_epoch::OffsetForLeaderEpochRequest::decode(bytes, version)?,
            ),
            ApiKey::DescribeConfigs => Self::DescribeConfigs(
                describe_configs::DescribeConfigsRequest::decode(bytes, version)?,
            ),
            ApiKey::DescribeLogDirs => Self::DescribeLogDirs(
                describe_log_dirs::DescribeLogDirsRequest::decode(bytes, version)?,
            ),
            ApiKey::CreatePartitions => Self::CreatePartitions(
                create_partitions::CreatePartitionsRequest::decode(bytes, version)?,
            ),
            ApiKey::DeleteGroups => {
                Self::DeleteGroups(delete_groups::DeleteGroupsRequest::decode(bytes, version)?)
            }
            ApiKey::IncrementalAlterConfigs => Self::IncrementalAlterConfigs(
                incremental_alter_configs::IncrementalAlterConfigsRequest::decode(bytes, version)?,
            ),
            ApiKey::OffsetDelete => {
                Self::OffsetDelete(offset_delete::OffsetDeleteRequest::decode(bytes, version)?)
            }
            ApiKey::DescribeCluster => Self::DescribeCluster(
                describe_cluster::DescribeClusterRequest::decode(bytes, version)?,
            ),
            ApiKey::ListConfigResources => Self::ListConfigResources(
                list_config_resources::ListConfigResourcesRequest::decode(bytes, version)?,
            ),
            ApiKey::DescribeTopicPartitions => Self::DescribeTopicPartitions(
                describe_topic_partitions::DescribeTopicPartitionsRequest::decode(bytes, version)?,
            ),
        })
    }

    pub fn api(&self) -> ApiKey {
        match self {
            Self::Produce(_) => ApiKey::Produce,
            Self::Fetch(_) => ApiKey::Fetch,
            Self::ListOffsets(_) => ApiKey::ListOffsets,
            Self::Metadata(_) => ApiKey::Metadata,
            Self::OffsetCommit(_) => ApiKey::OffsetCommit,
            Self::OffsetFetch(_) => ApiKey::OffsetFetch,
            Self::FindCoordinator(_) => ApiKey::FindCoordinator,
            Self::JoinGroup(_) => ApiKey::JoinGroup,
            Self::Heartbeat(_) => ApiKey::Heartbeat,
            Self::LeaveGroup(_) => ApiKey::LeaveGroup,
            Self::SyncGroup(_) => ApiKey::SyncGroup,
            Self::DescribeGroups(_) => ApiKey::DescribeGroups,
            Self::ListGroups(_) => ApiKey::ListGroups,
            Self::ApiVersions(_) => ApiKey::ApiVersions,
            Self::CreateTopics(_) => ApiKey::CreateTopics,
            Self::DeleteTopics(_) => ApiKey::DeleteTopics,
            Self::DeleteRecords(_) => ApiKey::DeleteRecords,
            Self::InitProducerId(_) => ApiKey::InitProducerId,
            Self::OffsetForLeaderEpoch(_) => ApiKey::OffsetForLeaderEpoch,
            Self::DescribeConfigs(_) => ApiKey::DescribeConfigs,
            Self::DescribeLogDirs(_) => ApiKey::DescribeLogDirs,
            Self::CreatePartitions(_) => ApiKey::CreatePartitions,
            Self::DeleteGroups(_) => ApiKey::DeleteGroups,
            Self::IncrementalAlterConfigs(_) => ApiKey::IncrementalAlterConfigs,
            Self::OffsetDelete(_) => ApiKey::OffsetDelete,
            Self::DescribeCluster(_) => ApiKey::DescribeCluster,
            Self::ListConfigResources(_) => ApiKey::ListConfigResources,
            Self::DescribeTopicPartitions(_) => ApiKey::DescribeTopicPartitions,
        }
    }

    /// Appends the body. Failures stick to the encoder.
    pub fn encode(&self, out: &mut Encoder, version: i16) {
        match self {
            Self::Produce(message) => message.encode(out, version),
            Self::Fetch(message) => message.encode(out, version),
            Self::ListOffsets(message) => message.encode(out, version),
            Self::Metadata(message) => message.encode(out, version),
            Self::OffsetCommit(message) => message.encode(out, version),
            Self::OffsetFetch(message) => message.encode(out, version),
            Self::FindCoordinator(message) => message.encode(out, version),
            Self::JoinGroup(message) => message.encode(out, version),
            Self::Heartbeat(message) => message.encode(out, version),
            Self::LeaveGroup(message) => message.encode(out, version),
            Self::SyncGroup(message) => message.encode(out, version),
            Self::DescribeGroups(message) => message.encode(out, version),
            Self::ListGroups(message) => message.encode(out, version),
            Self::ApiVersions(message) => message.encode(out, version),
            Self::CreateTopics(message) => message.encode(out, version),
            Self::DeleteTopics(message) => message.encode(out, version),
            Self::DeleteRecords(message) => message.encode(out, version),
            Self::InitProducerId(message) => message.encode(out, version),
            Self::OffsetForLeaderEpoch(message) => message.encode(out, version),
            Self::DescribeConfigs(message) => message.encode(out, version),
            Self::DescribeLogDirs(message) => message.encode(out, version),
            Self::CreatePartitions(message) => message.encode(out, version),
            Self::DeleteGroups(message) => message.encode(out, version),
            Self::IncrementalAlterConfigs(message) => message.encode(out, version),
            Self::OffsetDelete(message) => message.encode(out, version),
            Self::DescribeCluster(message) => message.encode(out, version),
            Self::ListConfigResources(message) => message.encode(out, version),
            Self::DescribeTopicPartitions(message) => message.encode(out, version),
        }
    }
}

/// Any response.
#[derive(Clone, PartialEq, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum AnyResponse<'a> {
    Produce(produce::ProduceResponse<'a>),
    Fetch(fetch::FetchResponse<'a>),
    ListOffsets(list_offsets::ListOffsetsResponse<'a>),
    Metadata(metadata::MetadataResponse<'a>),
    OffsetCommit(offset_commit::OffsetCommitResponse<'a>),
    OffsetFetch(offset_fetch::OffsetFetchResponse<'a>),
    FindCoordinator(find_coordinator::FindCoordinatorResponse<'a>),
    JoinGroup(join_group::JoinGroupResponse<'a>),
    Heartbeat(heartbeat::HeartbeatResponse),
    LeaveGroup(leave_group::LeaveGroupResponse<'a>),
    SyncGroup(sync_group::SyncGroupResponse<'a>),
    DescribeGroups(describe_groups::DescribeGroupsResponse<'a>),
    ListGroups(list_groups::ListGroupsResponse<'a>),
    ApiVersions(api_versions::ApiVersionsResponse<'a>),
    CreateTopics(create_topics::CreateTopicsResponse<'a>),
    DeleteTopics(delete_topics::DeleteTopicsResponse<'a>),
    DeleteRecords(delete_records::DeleteRecordsResponse<'a>),
    InitProducerId(init_producer_id::InitProducerIdResponse),
    OffsetForLeaderEpoch(offset_for_leader_epoch::OffsetForLeaderEpochResponse<'a>),
    DescribeConfigs(describe_configs::DescribeConfigsResponse<'a>),
    DescribeLogDirs(describe_log_dirs::DescribeLogDirsResponse<'a>),
    CreatePartitions(create_partitions::CreatePartitionsResponse<'a>),
    DeleteGroups(delete_groups::DeleteGroupsResponse<'a>),
    IncrementalAlterConfigs(incremental_alter_configs::IncrementalAlterConfigsResponse<'a>),
    OffsetDelete(offset_delete::OffsetDeleteResponse<'a>),
    DescribeCluster(describe_cluster::DescribeClusterResponse<'a>),
    ListConfigResources(list_config_resources::ListConfigResourcesResponse<'a>),
    DescribeTopicPartitions(describe_topic_partitions::DescribeTopicPartitionsResponse<'a>),
}

impl<'a> AnyResponse<'a> {
    /// Reads the body of a message; bytes left over are an error.
    pub fn decode(api: ApiKey, bytes: &'a [u8], version: i16) -> Result<Self> {
        Ok(match api {
            ApiKey::Produce => Self::Produce(produce::ProduceResponse::decode(bytes, version)?),
            ApiKey::Fetch => Self::Fetch(fetch::FetchResponse::decode(bytes, version)?),
            ApiKey::ListOffsets => {
                Self::ListOffsets(list_offsets::ListOffsetsResponse::decode(bytes, version)?)
            }
            ApiKey::Metadata => Self::Metadata(metadata::MetadataResponse::decode(bytes, version)?),
            ApiKey::OffsetCommit => {
                Self::OffsetCommit(offset_commit::OffsetCommitResponse::decode(bytes, version)?)
            }
            ApiKey::OffsetFetch => {
                Self::OffsetFetch(offset_fetch::OffsetFetchResponse::decode(bytes, version)?)
            }
            ApiKey::FindCoordinator => Self::FindCoordinator(
                find_coordinator::FindCoordinatorResponse::decode(bytes, version)?,
            ),
            ApiKey::JoinGroup => {
                Self::JoinGroup(join_group::JoinGroupResponse::decode(bytes, version)?)
            }
            ApiKey::Heartbeat => {
                Self::Heartbeat(heartbeat::HeartbeatResponse::decode(bytes, version)?)
            }
            ApiKey::LeaveGroup => {
                Self::LeaveGroup(leave_group::LeaveGroupResponse::decode(bytes, version)?)
            }
            ApiKey::SyncGroup => {
                Self::SyncGroup(sync_group::SyncGroupResponse::decode(bytes, version)?)
            }
            ApiKey::DescribeGroups => Self::DescribeGroups(
                describe_groups::DescribeGroupsResponse::decode(bytes, version)?,
            ),
            ApiKey::ListGroups => {
                Self::ListGroups(list_groups::ListGroupsResponse::decode(bytes, version)?)
            }
            ApiKey::ApiVersions => {
                Self::ApiVersions(api_versions::ApiVersionsResponse::decode(bytes, version)?)
            }
            ApiKey::CreateTopics => {
                Self::CreateTopics(create_topics::CreateTopicsResponse::decode(bytes, version)?)
            }
            ApiKey::DeleteTopics => {
                Self::DeleteTopics(delete_topics::DeleteTopicsResponse::decode(bytes, version)?)
            }
            ApiKey::DeleteRecords => {
                Self::DeleteRecords(delete_records::DeleteRecordsResponse::decode(bytes, version)?)
            }
            ApiKey::InitProducerId => Self::InitProducerId(
                init_producer_id::InitProducerIdResponse::decode(bytes, version)?,
            ),
            ApiKey::OffsetForLeaderEpoch => Self::OffsetForLeaderEpoch(
                offset_for_leader_epoch::OffsetForLeaderEpochResponse::decode(bytes, version)?,
            ),
            ApiKey::DescribeConfigs => Self::DescribeConfigs(
                describe_configs::DescribeConfigsResponse::decode(bytes, version)?,
            ),
            ApiKey::DescribeLogDirs => Self::DescribeLogDirs(
                describe_log_dirs::DescribeLogDirsResponse::decode(bytes, version)?,
            ),
            ApiKey::CreatePartitions => Self::CreatePartitions(
                create_partitions::CreatePartitionsResponse::decode(bytes, version)?,
            ),
            ApiKey::DeleteGroups => {
                Self::DeleteGroups(delete_groups::DeleteGroupsResponse::decode(bytes, version)?)
            }
            ApiKey::IncrementalAlterConfigs => Self::IncrementalAlterConfigs(
                incremental_alter_configs::IncrementalAlterConfigsResponse::decode(bytes, version)?,
            ),
            ApiKey::OffsetDelete => {
                Self::OffsetDelete(offset_delete::OffsetDeleteResponse::decode(bytes, version)?)
            }
            ApiKey::DescribeCluster => Self::DescribeCluster(
                describe_cluster::DescribeClusterResponse::decode(bytes, version)?,
            ),
            ApiKey::ListConfigResources => Self::ListConfigResources(
                list_config_resources::ListConfigResourcesResponse::decode(bytes, version)?,
            ),
            ApiKey::DescribeTopicPartitions => Self::DescribeTopicPartitions(
                describe_topic_partitions::DescribeTopicPartitionsResponse::decode(bytes, version)?,
            ),
        })
    }

    pub fn api(&self) -> ApiKey {
        match self {
            Self::Produce(_) => ApiKey::Produce,
            Self::Fetch(_) => ApiKey::Fetch,
            Self::ListOffsets(_) => ApiKey::ListOffsets,
            Self::Metadata(_) => ApiKey::Metadata,
            Self::OffsetCommit(_) => ApiKey::OffsetCommit,
            Self::OffsetFetch(_) => ApiKey::OffsetFetch,
            Self::FindCoordinator(_) => ApiKey::FindCoordinator,
            Self::JoinGroup(_) => ApiKey::JoinGroup,
            Self::Heartbeat(_) => ApiKey::Heartbeat,
            Self::LeaveGroup(_) => ApiKey::LeaveGroup,
            Self::SyncGroup(_) => ApiKey::SyncGroup,
            Self::DescribeGroups(_) => ApiKey::DescribeGroups,
            Self::ListGroups(_) => ApiKey::ListGroups,
            Self::ApiVersions(_) => ApiKey::ApiVersions,
            Self::CreateTopics(_) => ApiKey::CreateTopics,
            Self::DeleteTopics(_) => ApiKey::DeleteTopics,
            Self::DeleteRecords(_) => ApiKey::DeleteRecords,
            Self::InitProducerId(_) => ApiKey::InitProducerId,
            Self::OffsetForLeaderEpoch(_) => ApiKey::OffsetForLeaderEpoch,
            Self::DescribeConfigs(_) => ApiKey::DescribeConfigs,
            Self::DescribeLogDirs(_) => ApiKey::DescribeLogDirs,
            Self::CreatePartitions(_) => ApiKey::CreatePartitions,
            Self::DeleteGroups(_) => ApiKey::DeleteGroups,
            Self::IncrementalAlterConfigs(_) => ApiKey::IncrementalAlterConfigs,
            Self::OffsetDelete(_) => ApiKey::OffsetDelete,
            Self::DescribeCluster(_) => ApiKey::DescribeCluster,
            Self::ListConfigResources(_) => ApiKey::ListConfigResources,
            Self::DescribeTopicPartitions(_) => ApiKey::DescribeTopicPartitions,
        }
    }

    /// Appends the body. Failures stick to the encoder.
    pub fn encode(&self, out: &mut Encoder, version: i16) {
        match self {
            Self::Produce(message) => message.encode(out, version),
            Self::Fetch(message) => message.encode(out, version),
            Self::ListOffsets(message) => message.encode(out, version),
            Self::Metadata(message) => message.encode(out, version),
            Self::OffsetCommit(message) => message.encode(out, version),
            Self::OffsetFetch(message) => message.encode(out, version),
            Self::FindCoordinator(message) => message.encode(out, version),
            Self::JoinGroup(message) => message.encode(out, version),
            Self::Heartbeat(message) => message.encode(out, version),
            Self::LeaveGroup(message) => message.encode(out, version),
            Self::SyncGroup(message) => message.encode(out, version),
            Self::DescribeGroups(message) => message.encode(out, version),
            Self::ListGroups(message) => message.encode(out, version),
            Self::ApiVersions(message) => message.encode(out, version),
            Self::CreateTopics(message) => message.encode(out, version),
            Self::DeleteTopics(message) => message.encode(out, version),
            Self::DeleteRecords(message) => message.encode(out, version),
            Self::InitProducerId(message) => message.encode(out, version),
            Self::OffsetForLeaderEpoch(message) => message.encode(out, version),
            Self::DescribeConfigs(message) => message.encode(out, version),
            Self::DescribeLogDirs(message) => message.encode(out, version),
            Self::CreatePartitions(message) => message.encode(out, version),
            Self::DeleteGroups(message) => message.encode(out, version),
            Self::IncrementalAlterConfigs(message) => message.encode(out, version),
            Self::OffsetDelete(message) => message.encode(out, version),
            Self::DescribeCluster(message) => message.encode(out, version),
            Self::ListConfigResources(message) => message.encode(out, version),
            Self::DescribeTopicPartitions(message) => message.encode(out, version),
        }
    }
}
