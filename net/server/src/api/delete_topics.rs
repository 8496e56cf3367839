//! DeleteTopics, 1 to 6: by name, from version 6 by id as well.

use crate::context::Context;
use crate::error::{partition_code, refusal_code};
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::Uuid;
use engine_io::Env;
use engine_shard::{ControllerAnswer, ControllerCall, TopicName};
use net_wire::ErrorCode;
use net_wire::generated::delete_topics::{
    DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse,
};
use std::rc::Rc;

/// Name and id of a deleted topic, or why it is not deleted.
type Verdict = Result<(String, Uuid), (ErrorCode, Option<String>)>;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DeleteTopicsRequest = request.decode().await?;
    let asked: Vec<(Option<&str>, Uuid)> = if request.version >= 6 {
        body.topics.iter().map(|topic| (topic.name, topic.topic_id)).collect()
    } else {
        body.topic_names.iter().map(|name| (Some(name), Uuid::ZERO)).collect()
    };
    let names = asked
        .iter()
        .map(|(name, id)| match name {
            Some(name) => TopicName::Name((*name).to_owned()),
            None => TopicName::Id(*id),
        })
        .collect();
    let answer = server.shard.control(ControllerCall::DeleteTopics(names)).await;
    let failed = |code: ErrorCode| asked.iter().map(|_| Err((code, None))).collect();
    let results: Vec<Verdict> = match answer {
        ControllerAnswer::Deleted(results) => results
            .into_iter()
            .map(|result| result.map_err(|refusal| (refusal_code(refusal.kind), refusal.message)))
            .collect(),
        ControllerAnswer::Refused(refusal) => failed(refusal_code(refusal.kind)),
        ControllerAnswer::Failed(error) => failed(partition_code(&error)),
        _ => failed(ErrorCode::UnknownServerError),
    };
    let responses = asked
        .iter()
        .zip(&results)
        .map(|((name, id), result)| match result {
            Ok((name, id)) => {
                DeletableTopicResult { name: Some(name), topic_id: *id, ..Default::default() }
            }
            Err((code, message)) => DeletableTopicResult {
                name: *name,
                topic_id: *id,
                error_code: code.code(),
                error_message: message.as_deref(),
            },
        })
        .collect();
    request.reply(&DeleteTopicsResponse { throttle_time_ms: 0, responses })
}
