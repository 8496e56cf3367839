//! JoinGroup, 0 to 9. The answer may wait for the whole rebalance.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{GroupError, JoinReply, JoinRequest as Join, Protocol, Reply};
use net_wire::generated::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: JoinGroupRequest = request.decode_light()?;
    let join = Join {
        group_id: body.group_id.to_owned(),
        member_id: body.member_id.to_owned(),
        instance_id: body.group_instance_id.map(str::to_owned),
        client_id: request.client_id().to_owned(),
        client_host: format!("/{}", request.connection.peer.ip()),
        session_timeout_ms: body.session_timeout_ms,
        // Version 0 has no rebalance timeout: the session timeout stands for it.
        rebalance_timeout_ms: if request.version == 0 {
            body.session_timeout_ms
        } else {
            body.rebalance_timeout_ms
        },
        protocol_type: body.protocol_type.to_owned(),
        protocols: body
            .protocols
            .iter()
            .map(|protocol| Protocol {
                name: protocol.name.to_owned(),
                metadata: request.share(protocol.metadata),
            })
            .collect(),
        require_known_member_id: request.version >= 4,
        supports_skip_assignment: request.version >= 9,
        random: u128::from_be_bytes(server.random_bytes()),
    };
    let answer = server.shard.group(body.group_id, GroupCall::Join(join)).await;
    let reply = match answer {
        GroupAnswer::Reply(Reply::Join(reply)) => reply,
        GroupAnswer::Failed(error) => failed(error, body.member_id),
        _ => failed(GroupError::UnknownServerError, body.member_id),
    };
    // Version 7 made the protocol name nullable; before, none is the empty string.
    let protocol_name = match (&reply.protocol_name, request.version) {
        (None, ..7) => Some(""),
        (name, _) => name.as_deref(),
    };
    request.reply(&JoinGroupResponse {
        throttle_time_ms: 0,
        error_code: group_result(reply.error),
        generation_id: reply.generation,
        protocol_type: reply.protocol_type.as_deref(),
        protocol_name,
        leader: &reply.leader,
        skip_assignment: reply.skip_assignment,
        member_id: &reply.member_id,
        members: reply
            .members
            .iter()
            .map(|member| JoinGroupResponseMember {
                member_id: &member.member_id,
                group_instance_id: member.instance_id.as_deref(),
                metadata: &member.metadata,
            })
            .collect(),
    })
}

fn failed(error: GroupError, member_id: &str) -> JoinReply {
    JoinReply {
        error: Some(error),
        generation: -1,
        protocol_type: None,
        protocol_name: None,
        leader: String::new(),
        skip_assignment: false,
        member_id: member_id.to_owned(),
        members: Vec::new(),
    }
}
