//! DescribeGroups, 0 to 6.

use crate::context::Context;
use crate::error::group_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{DescribedGroup as Described, GroupError};
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeGroupsRequest = request.decode().await?;
    let mut described: Vec<(&str, Result<Described, GroupError>)> = Vec::new();
    let mut seen = HashSet::new();
    for group_id in &body.groups {
        // A group may be much larger than its name: who asks twice is answered once.
        if !seen.insert(group_id) {
            continue;
        }
        request.turn(&server.env).await;
        let call = GroupCall::Describe(group_id.to_owned());
        let result = match server.shard.group(group_id, call).await {
            GroupAnswer::Described(described) => described.ok_or(GroupError::GroupIdNotFound),
            GroupAnswer::Failed(error) => Err(error),
            _ => Err(GroupError::UnknownServerError),
        };
        described.push((group_id, result));
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
