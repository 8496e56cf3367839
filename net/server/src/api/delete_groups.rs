//! DeleteGroups, 0 to 2.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{GroupError, Reply};
use net_wire::generated::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DeleteGroupsRequest = request.decode().await?;
    let mut results = Vec::new();
    for group_id in &body.groups_names {
        request.turn(&server.env).await;
        let call = GroupCall::Delete(group_id.to_owned());
        let error = match server.shard.group(group_id, call).await {
            GroupAnswer::Reply(Reply::Delete(groups)) => {
                groups.first().and_then(|group| group.error)
            }
            GroupAnswer::Failed(error) => Some(error),
            _ => Some(GroupError::UnknownServerError),
        };
        results.push(DeletableGroupResult { group_id, error_code: group_result(error) });
    }
    request.reply(&DeleteGroupsResponse { throttle_time_ms: 0, results: results.into() })
}
