//! The one table of what is served, and the way from a frame to its handler. ApiVersions, the docs
//! and the tests read the same table.

use crate::api;
use crate::connection::Connection;
use crate::context::Context;
use crate::memory::Charge;
use crate::pipeline::{Close, Size, Working};
use crate::request::Request;
use bytes::Bytes;
use engine_io::Env;
use net_wire::{Api, ApiKey, RequestHeader};
use std::rc::Rc;

/// Every API this broker serves. What is not here is not announced, and asking for it ends the
/// connection, as in Kafka.
pub const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::DescribeConfigs,
    ApiKey::DescribeLogDirs,
    ApiKey::CreatePartitions,
    ApiKey::DeleteGroups,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::OffsetDelete,
    ApiKey::DescribeCluster,
    ApiKey::ListConfigResources,
    ApiKey::DescribeTopicPartitions,
];

/// The table entries of what is served, in order of key.
pub fn table() -> impl Iterator<Item = &'static Api> {
    net_wire::APIS.iter().filter(|api| SERVED.contains(&api.key))
}

/// How large the answer to a frame may get.
pub fn size_of_answer(frame: &[u8]) -> Size {
    let key = frame.first_chunk::<2>().map(|key| i16::from_be_bytes(*key));
    match key.and_then(ApiKey::from_code) {
        Some(ApiKey::Fetch) => Size::Large,
        _ => Size::Small,
    }
}

/// Takes a complete frame to its handler. The returned work has not started yet.
pub fn start<E: Env>(
    server: &Rc<Context<E>>,
    connection: &Rc<Connection<E::Stream>>,
    frame: Bytes,
    charge: Charge,
) -> Result<Working, Close> {
    let (header, body) =
        RequestHeader::decode(&frame).map_err(|error| Close::because(error.to_string()))?;
    let api = header.api.api();
    if !SERVED.contains(&api.key) {
        return Err(Close::because(format!("{} is not served", api.name)));
    }
    if !api.serves(header.api_version) && api.key != ApiKey::ApiVersions {
        return Err(Close::because(format!(
            "{} version {} is not supported, only {} to {}",
            api.name, header.api_version, api.version_min, api.advertised_max
        )));
    }
    let request =
        Request::new(&header, &frame, body, connection.clone(), charge, server.work.clone());
    let server = server.clone();
    Ok(match request.api {
        ApiKey::Produce => Box::pin(api::produce::handle(server, request)),
        ApiKey::Fetch => Box::pin(api::fetch::handle(server, request)),
        ApiKey::ListOffsets => Box::pin(api::list_offsets::handle(server, request)),
        ApiKey::Metadata => Box::pin(api::metadata::handle(server, request)),
        ApiKey::OffsetCommit => Box::pin(api::offset_commit::handle(server, request)),
        ApiKey::OffsetFetch => Box::pin(api::offset_fetch::handle(server, request)),
        ApiKey::FindCoordinator => Box::pin(api::find_coordinator::handle(server, request)),
        ApiKey::JoinGroup => Box::pin(api::join_group::handle(server, request)),
        ApiKey::Heartbeat => Box::pin(api::heartbeat::handle(server, request)),
        ApiKey::LeaveGroup => Box::pin(api::leave_group::handle(server, request)),
        ApiKey::SyncGroup => Box::pin(api::sync_group::handle(server, request)),
        ApiKey::DescribeGroups => Box::pin(api::describe_groups::handle(server, request)),
        ApiKey::ListGroups => Box::pin(api::list_groups::handle(server, request)),
        ApiKey::ApiVersions => Box::pin(api::api_versions::handle(server, request)),
        ApiKey::CreateTopics => Box::pin(api::create_topics::handle(server, request)),
        ApiKey::DeleteTopics => Box::pin(api::delete_topics::handle(server, request)),
        ApiKey::DeleteRecords => Box::pin(api::delete_records::handle(server, request)),
        ApiKey::InitProducerId => Box::pin(api::init_producer_id::handle(server, request)),
        ApiKey::OffsetForLeaderEpoch => {
            Box::pin(api::offset_for_leader_epoch::handle(server, request))
        }
        ApiKey::DescribeConfigs => Box::pin(api::describe_configs::handle(server, request)),
        ApiKey::DescribeLogDirs => Box::pin(api::describe_log_dirs::handle(server, request)),
        ApiKey::CreatePartitions => Box::pin(api::create_partitions::handle(server, request)),
        ApiKey::DeleteGroups => Box::pin(api::delete_groups::handle(server, request)),
        ApiKey::IncrementalAlterConfigs => {
            Box::pin(api::incremental_alter_configs::handle(server, request))
        }
        ApiKey::OffsetDelete => Box::pin(api::offset_delete::handle(server, request)),
        ApiKey::DescribeCluster => Box::pin(api::describe_cluster::handle(server, request)),
        ApiKey::ListConfigResources => {
            Box::pin(api::list_config_resources::handle(server, request))
        }
        ApiKey::DescribeTopicPartitions => {
            Box::pin(api::describe_topic_partitions::handle(server, request))
        }
    })
}
