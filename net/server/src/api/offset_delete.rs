//! OffsetDelete, 0.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{DeleteOffsetsTopic, GroupError, OffsetDeleteReply, Reply};
use net_wire::generated::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: OffsetDeleteRequest = request.decode().await?;
    let topics = body
        .topics
        .iter()
        .map(|topic| DeleteOffsetsTopic {
            name: topic.name.to_owned(),
            partitions: topic.partitions.iter().map(|entry| entry.partition_index).collect(),
        })
        .collect();
    let call = GroupCall::DeleteOffsets { group_id: body.group_id.to_owned(), topics };
    let reply = match server.shard.group(body.group_id, call).await {
        GroupAnswer::Reply(Reply::DeleteOffsets(reply)) => reply,
        GroupAnswer::Failed(error) => OffsetDeleteReply { error: Some(error), topics: Vec::new() },
        _ => OffsetDeleteReply { error: Some(GroupError::UnknownServerError), topics: Vec::new() },
    };
    request.reply(&OffsetDeleteResponse {
        error_code: group_result(reply.error),
        throttle_time_ms: 0,
        topics: reply
            .topics
            .iter()
            .map(|topic| OffsetDeleteResponseTopic {
                name: &topic.name,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| OffsetDeleteResponsePartition {
                        partition_index: partition.index,
                        error_code: group_result(partition.error),
                    })
                    .collect(),
            })
            .collect(),
    })
}
