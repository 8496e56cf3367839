//! Heartbeat, 0 to 4.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::GroupError;
use net_wire::generated::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: HeartbeatRequest = request.decode().await?;
    let call = GroupCall::Heartbeat {
        group_id: body.group_id.to_owned(),
        generation: body.generation_id,
        member_id: body.member_id.to_owned(),
        instance_id: body.group_instance_id.map(str::to_owned),
    };
    let error = match server.shard.group(body.group_id, call).await {
        GroupAnswer::Heartbeat(result) => result.err(),
        GroupAnswer::Failed(error) => heartbeat_error(error),
        _ => Some(GroupError::UnknownServerError),
    };
    request.reply(&HeartbeatResponse { throttle_time_ms: 0, error_code: group_result(error) })
}

/// While the coordinator loads, Kafka answers heartbeats with success: the member keeps its
/// assignment and no rebalance starts.
fn heartbeat_error(error: GroupError) -> Option<GroupError> {
    (error != GroupError::CoordinatorLoadInProgress).then_some(error)
}
