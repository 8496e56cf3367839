//! Metadata, 0 to 13: brokers, topics, partitions, and the creation of missing topics where both
//! the client and the broker allow it.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::Uuid;
use engine_base::message::Array;
use engine_io::Env;
use engine_state::metadata::TopicImage;
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
    MetadataResponseTopic,
};
use std::rc::Rc;
use std::sync::Arc;

/// One topic of the answer.
pub enum Found {
    Known(Arc<TopicImage>),
    Missing { name: Option<String>, topic_id: Uuid, code: ErrorCode },
}

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: MetadataRequest = request.decode().await?;
    // Version 0 asks for all topics with an empty list, later ones with null.
    let all = body.topics.as_ref().is_none_or(|topics| request.version == 0 && topics.is_empty());
    let mut found = Vec::new();
    if all {
        let image = server.shard.image();
        found.extend(image.topics().map(|topic| Found::Known(topic.clone())));
    } else {
        let mut missing: Vec<String> = Vec::new();
        let mut seen = HashSet::new();
        for topic in body.topics.iter().flatten() {
            request.turn(&server.env).await;
            // Who asks twice is answered once, as in Kafka.
            if !seen.insert((topic.name, topic.topic_id)) {
                continue;
            }
            match (topic.name, topic.topic_id) {
                (Some(name), id) if id.is_zero() => match server.topic(name) {
                    Some(known) => found.push(Found::Known(known)),
                    None => missing.push(name.to_owned()),
                },
                (_, topic_id) => found.push(by_id(&server, topic_id)),
            }
        }
        let create = body.allow_auto_topic_creation && server.config.auto_create_topics;
        found.extend(create_missing(&server, missing, create).await);
    }
    let endpoint = server.endpoint(request.connection.listener);
    let topics = found.iter().map(topic_entry).collect();
    request.reply(&MetadataResponse {
        brokers: vec![MetadataResponseBroker {
            node_id: server.config.node_id,
            host: endpoint.host,
            port: endpoint.port,
            rack: server.config.rack.as_deref(),
        }]
        .into(),
        cluster_id: Some(&server.cluster_id),
        controller_id: server.config.node_id,
        topics,
        ..MetadataResponse::default()
    })
}

fn by_id<E: Env>(server: &Context<E>, topic_id: Uuid) -> Found {
    match server.shard.image().topic_by_id(&topic_id) {
        Some(topic) => Found::Known(topic.clone()),
        None => Found::Missing { name: None, topic_id, code: ErrorCode::UnknownTopicId },
    }
}

async fn create_missing<E: Env>(
    server: &Rc<Context<E>>,
    missing: Vec<String>,
    create: bool,
) -> Vec<Found> {
    let mut found = Vec::new();
    if missing.is_empty() {
        return found;
    }
    if !create {
        for name in missing {
            let code = if engine_state::metadata::names::check(&name).is_ok() {
                ErrorCode::UnknownTopicOrPartition
            } else {
                ErrorCode::InvalidTopicException
            };
            found.push(Found::Missing { name: Some(name), topic_id: Uuid::ZERO, code });
        }
        return found;
    }
    for (name, result) in server.auto_create(missing).await {
        // The creation is done when it is answered, so the topic can be given at once: Kafka says
        // LEADER_NOT_AVAILABLE and makes the client ask again.
        let known = server.topic(&name);
        found.push(match (known, result) {
            (Some(topic), _) => Found::Known(topic),
            (None, result) => Found::Missing {
                name: Some(name),
                topic_id: Uuid::ZERO,
                code: result.err().unwrap_or(ErrorCode::LeaderNotAvailable),
            },
        });
    }
    found
}

fn topic_entry(found: &Found) -> MetadataResponseTopic<'_> {
    match found {
        Found::Missing { name, topic_id, code } => MetadataResponseTopic {
            error_code: code.code(),
            name: name.as_deref(),
            topic_id: *topic_id,
            ..MetadataResponseTopic::default()
        },
        Found::Known(topic) => MetadataResponseTopic {
            name: Some(&topic.name),
            topic_id: topic.id,
            is_internal: topic.is_internal(),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| MetadataResponsePartition {
                    partition_index: partition.id,
                    leader_id: partition.leader,
                    leader_epoch: partition.leader_epoch,
                    replica_nodes: Array::Borrowed(&partition.replicas),
                    isr_nodes: Array::Borrowed(&partition.isr),
                    ..MetadataResponsePartition::default()
                })
                .collect(),
            ..MetadataResponseTopic::default()
        },
    }
}
