//! LeaveGroup, 0 to 5. One member before version 3, any number from there on.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{GroupError, LeaveReply, LeavingMember, Reply};
use net_wire::generated::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberResponse};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: LeaveGroupRequest = request.decode().await?;
    let members = if request.version < 3 {
        vec![LeavingMember { member_id: body.member_id.to_owned(), instance_id: None }]
    } else {
        body.members
            .iter()
            .map(|member| LeavingMember {
                member_id: member.member_id.to_owned(),
                instance_id: member.group_instance_id.map(str::to_owned),
            })
            .collect()
    };
    let call = GroupCall::Leave { group_id: body.group_id.to_owned(), members };
    let reply = match server.shard.group(body.group_id, call).await {
        GroupAnswer::Reply(Reply::Leave(reply)) => reply,
        GroupAnswer::Failed(error) => LeaveReply { error: Some(error), members: Vec::new() },
        _ => LeaveReply { error: Some(GroupError::UnknownServerError), members: Vec::new() },
    };
    // Before version 3 the one member's error is the answer's.
    let error = match (reply.error, request.version) {
        (None, ..3) => reply.members.first().and_then(|member| member.error),
        (error, _) => error,
    };
    request.reply(&LeaveGroupResponse {
        throttle_time_ms: 0,
        error_code: group_result(error),
        members: reply
            .members
            .iter()
            .map(|member| MemberResponse {
                member_id: &member.member_id,
                group_instance_id: member.instance_id.as_deref(),
                error_code: group_result(member.error),
            })
            .collect(),
    })
}
