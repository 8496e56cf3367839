//! CreatePartitions, 0 to 3.

use crate::context::Context;
use crate::error::done_results;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{ControllerCall, PartitionsSpec};
use net_wire::generated::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopicResult,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: CreatePartitionsRequest = request.decode().await?;
    let topics = body
        .topics
        .iter()
        .map(|topic| PartitionsSpec {
            name: topic.name.to_owned(),
            count: topic.count,
            assignments: topic.assignments.as_ref().map(|assignments| {
                assignments.iter().map(|entry| entry.broker_ids.iter().collect()).collect()
            }),
        })
        .collect();
    let call = ControllerCall::CreatePartitions { topics, validate_only: body.validate_only };
    let results = done_results(server.shard.control(call).await, body.topics.len());
    let results = body
        .topics
        .iter()
        .zip(&results)
        .map(|(topic, (code, message))| CreatePartitionsTopicResult {
            name: topic.name,
            error_code: code.code(),
            error_message: message.as_deref(),
        })
        .collect();
    request.reply(&CreatePartitionsResponse { throttle_time_ms: 0, results })
}
