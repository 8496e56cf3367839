//! DeleteGroups, 0 to 2.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use crate::work::ITEMS_AT_ONCE;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{GroupError, Reply};
use futures_util::future::join_all;
use net_wire::generated::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DeleteGroupsRequest = request.decode().await?;
    let asked: Vec<&str> = body.groups_names.iter().collect();
    let mut results = Vec::with_capacity(asked.len());
    for group_ids in asked.chunks(ITEMS_AT_ONCE) {
        let delete = async |group_id: &str| {
            request.turn(&server.env).await;
            match server.shard.group(group_id, GroupCall::Delete(group_id.to_owned())).await {
                GroupAnswer::Reply(Reply::Delete(groups)) => {
                    groups.first().and_then(|group| group.error)
                }
                GroupAnswer::Failed(error) => Some(error),
                _ => Some(GroupError::UnknownServerError),
            }
        };
        let errors = join_all(group_ids.iter().map(|group_id| delete(group_id))).await;
        results.extend(group_ids.iter().zip(errors).map(|(group_id, error)| {
            DeletableGroupResult { group_id, error_code: group_result(error) }
        }));
    }
    request.reply(&DeleteGroupsResponse { throttle_time_ms: 0, results: results.into() })
}
