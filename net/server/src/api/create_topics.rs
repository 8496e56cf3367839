//! CreateTopics, 2 to 7. Shard 0 decides; the answer comes once every shard has its partitions.

use crate::context::Context;
use crate::error::{partition_code, refusal_code};
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{ControllerAnswer, ControllerCall, TopicSpec};
use engine_state::config::Layers;
use engine_state::config::describe::{self, Entry};
use engine_state::metadata::Refusal;
use engine_state::metadata::create_topics::CreatedTopic;
use net_wire::ErrorCode;
use net_wire::generated::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};
use std::rc::Rc;

/// What is answered for one topic.
enum Verdict {
    Created { topic: CreatedTopic, configs: Vec<Entry> },
    Failed { code: ErrorCode, message: Option<String> },
}

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: CreateTopicsRequest = request.decode().await?;
    let topics = body.topics.iter().map(|topic| spec(&server, &topic)).collect();
    let call = ControllerCall::CreateTopics { topics, validate_only: body.validate_only };
    let answer = server.shard.control(call).await;
    let count = body.topics.len();
    let verdicts: Vec<Verdict> = match answer {
        ControllerAnswer::Created(results) => {
            results.into_iter().map(|result| verdict(&server, result)).collect()
        }
        ControllerAnswer::Refused(refusal) => (0..count).map(|_| failed(&refusal)).collect(),
        ControllerAnswer::Failed(error) => (0..count)
            .map(|_| Verdict::Failed { code: partition_code(&error), message: None })
            .collect(),
        _ => (0..count)
            .map(|_| Verdict::Failed { code: ErrorCode::UnknownServerError, message: None })
            .collect(),
    };
    let topics = body
        .topics
        .iter()
        .zip(&verdicts)
        .map(|(topic, verdict)| result(topic.name, verdict))
        .collect();
    request.reply(&CreateTopicsResponse { throttle_time_ms: 0, topics })
}

fn spec<E: Env>(server: &Context<E>, topic: &CreatableTopic<'_>) -> TopicSpec {
    TopicSpec {
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|entry| (entry.partition_index, entry.broker_ids.iter().collect()))
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| (config.name.to_owned(), config.value.map(str::to_owned)))
            .collect(),
        ..TopicSpec::with_defaults(topic.name.to_owned(), server.random_id())
    }
}

fn verdict<E: Env>(server: &Context<E>, result: Result<CreatedTopic, Refusal>) -> Verdict {
    match result {
        Err(refusal) => failed(&refusal),
        Ok(topic) => {
            let image = server.shard.image();
            let broker = server.shard.broker_layers(&image);
            let configs = describe::topic(&Layers { topic: &topic.configs, broker });
            Verdict::Created { topic, configs }
        }
    }
}

fn failed(refusal: &Refusal) -> Verdict {
    Verdict::Failed { code: refusal_code(refusal.kind), message: refusal.message.clone() }
}

fn result<'a>(name: &'a str, verdict: &'a Verdict) -> CreatableTopicResult<'a> {
    match verdict {
        Verdict::Failed { code, message } => CreatableTopicResult {
            name,
            error_code: code.code(),
            error_message: message.as_deref(),
            configs: None,
            ..CreatableTopicResult::default()
        },
        Verdict::Created { topic, configs } => CreatableTopicResult {
            name,
            topic_id: topic.id,
            num_partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            configs: Some(
                configs
                    .iter()
                    .map(|entry| CreatableTopicConfigs {
                        name: &entry.name,
                        value: entry.value.as_deref(),
                        read_only: entry.read_only,
                        config_source: entry.source.id(),
                        is_sensitive: entry.sensitive,
                    })
                    .collect(),
            ),
            ..CreatableTopicResult::default()
        },
    }
}
