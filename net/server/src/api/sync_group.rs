//! SyncGroup, 0 to 5. Followers wait for the leader's assignment.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{GroupError, Reply, SyncReply, SyncRequest};
use net_wire::generated::sync_group::{SyncGroupRequest, SyncGroupResponse};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: SyncGroupRequest = request.decode().await?;
    let sync = SyncRequest {
        group_id: body.group_id.to_owned(),
        generation: body.generation_id,
        member_id: body.member_id.to_owned(),
        instance_id: body.group_instance_id.map(str::to_owned),
        protocol_type: body.protocol_type.map(str::to_owned),
        protocol_name: body.protocol_name.map(str::to_owned),
        assignments: body
            .assignments
            .iter()
            .map(|entry| (entry.member_id.to_owned(), request.share(entry.assignment)))
            .collect(),
    };
    request.hand_over();
    let reply = match server.shard.group(body.group_id, GroupCall::Sync(sync)).await {
        GroupAnswer::Reply(Reply::Sync(reply)) => reply,
        GroupAnswer::Failed(error) => failed(error),
        _ => failed(GroupError::UnknownServerError),
    };
    request.reply(&SyncGroupResponse {
        throttle_time_ms: 0,
        error_code: group_result(reply.error),
        protocol_type: reply.protocol_type.as_deref(),
        protocol_name: reply.protocol_name.as_deref(),
        assignment: &reply.assignment,
    })
}

fn failed(error: GroupError) -> SyncReply {
    SyncReply {
        error: Some(error),
        protocol_type: None,
        protocol_name: None,
        assignment: bytes::Bytes::new(),
    }
}
