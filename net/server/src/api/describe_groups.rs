//! DescribeGroups, 0 to 6.

use crate::context::Context;
use crate::error::group_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use crate::work::ITEMS_AT_ONCE;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{DescribedGroup as Described, GroupError};
use futures_util::future::join_all;
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeGroupsRequest = request.decode().await?;
    // A group may be much larger than its name: who asks twice is answered once.
    let mut seen = HashSet::new();
    let asked: Vec<&str> = body.groups.iter().filter(|group_id| seen.insert(*group_id)).collect();
    let mut described: Vec<(&str, Result<Described, GroupError>)> = Vec::new();
    for group_ids in asked.chunks(ITEMS_AT_ONCE) {
        let describe = async |group_id: &str| {
            request.turn(&server.env).await;
            match server.shard.group(group_id, GroupCall::Describe(group_id.to_owned())).await {
                GroupAnswer::Described(described) => described.ok_or(GroupError::GroupIdNotFound),
                GroupAnswer::Failed(error) => Err(error),
                _ => Err(GroupError::UnknownServerError),
            }
        };
        let results = join_all(group_ids.iter().map(|group_id| describe(group_id))).await;
        described.extend(group_ids.iter().copied().zip(results));
    }
    let missing: Vec<String> =
        described.iter().map(|(group_id, _)| format!("Group {group_id} not found.")).collect();
    let groups = described
        .iter()
        .zip(&missing)
        .map(|((group_id, result), missing)| match result {
            Ok(group) => group_found(group_id, group),
            Err(GroupError::GroupIdNotFound) => DescribedGroup {
                group_id,
                // Version 6 says that the group is missing, before it is dead without an error.
                error_code: if request.version >= 6 {
                    ErrorCode::GroupIdNotFound.code()
                } else {
                    ErrorCode::None.code()
                },
                error_message: (request.version >= 6).then_some(missing.as_str()),
                group_state: "Dead",
                ..DescribedGroup::default()
            },
            Err(error) => DescribedGroup {
                group_id,
                error_code: group_code(*error).code(),
                ..DescribedGroup::default()
            },
        })
        .collect();
    request.reply(&DescribeGroupsResponse { throttle_time_ms: 0, groups })
}

fn group_found<'a>(group_id: &'a str, group: &'a Described) -> DescribedGroup<'a> {
    DescribedGroup {
        group_id,
        group_state: group.state.name(),
        protocol_type: &group.protocol_type,
        protocol_data: &group.protocol,
        members: group
            .members
            .iter()
            .map(|member| DescribedGroupMember {
                member_id: &member.member_id,
                group_instance_id: member.instance_id.as_deref(),
                client_id: &member.client_id,
                client_host: &member.client_host,
                member_metadata: &member.metadata,
                member_assignment: &member.assignment,
            })
            .collect(),
        ..DescribedGroup::default()
    }
}
