//! DescribeConfigs, 1 to 4: every config of topics and of this broker, with its source and what
//! weaker layers say.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_state::config::describe::{self, Entry};
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use std::rc::Rc;

/// Kafka's resource types.
pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const BROKER_LOGGER: i8 = 8;
pub const CLIENT_METRICS: i8 = 16;
pub const GROUP: i8 = 32;

type Described = Result<Vec<Entry>, (ErrorCode, String)>;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeConfigsRequest = request.decode().await?;
    let mut described: Vec<(DescribeConfigsResource, Described)> = Vec::new();
    let mut seen = HashSet::new();
    for resource in &body.resources {
        request.turn(&server.env).await;
        // What is told of one is much longer than its name: who asks twice is answered once.
        let number = (resource.resource_type == BROKER)
            .then(|| resource.resource_name.parse::<i32>().ok())
            .flatten();
        let name = if number.is_some() { "" } else { resource.resource_name };
        if seen.insert((resource.resource_type, number, name)) {
            let what = describe(&server, &resource);
            described.push((resource, what));
        }
    }
    let results = described
        .iter()
        .map(|(resource, described)| {
            let empty = DescribeConfigsResult {
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
                ..DescribeConfigsResult::default()
            };
            match described {
                Ok(entries) => DescribeConfigsResult {
                    configs: entries
                        .iter()
                        .filter(|entry| is_wanted(resource, &entry.name))
                        .map(|entry| config_entry(entry, &body))
                        .collect(),
                    ..empty
                },
                Err((code, message)) => DescribeConfigsResult {
                    error_code: code.code(),
                    error_message: Some(message),
                    ..empty
                },
            }
        })
        .collect();
    request.reply(&DescribeConfigsResponse { throttle_time_ms: 0, results })
}

fn is_wanted(resource: &DescribeConfigsResource<'_>, name: &str) -> bool {
    match &resource.configuration_keys {
        None => true,
        Some(keys) => keys.iter().any(|key| key == name),
    }
}

fn describe<E: Env>(server: &Context<E>, resource: &DescribeConfigsResource<'_>) -> Described {
    let image = server.shard.image();
    let name = resource.resource_name;
    let layers = server.shard.broker_layers(&image);
    match resource.resource_type {
        TOPIC => {
            let topic = image.topic(name).ok_or((
                ErrorCode::UnknownTopicOrPartition,
                format!("topic {name} does not exist"),
            ))?;
            Ok(describe::topic(&server.shard.topic_layers(&image, topic)))
        }
        BROKER if name.is_empty() => Ok(describe::cluster(&layers)),
        BROKER => match name.parse::<i32>() {
            Ok(id) if id == server.config.node_id => Ok(describe::broker(&layers)),
            Ok(id) => Err((
                ErrorCode::InvalidRequest,
                format!("broker {id} is not this one, which is {}", server.config.node_id),
            )),
            Err(_) => Err((ErrorCode::InvalidRequest, format!("broker id {name} is not a number"))),
        },
        // Nothing is configured there, and nothing can be.
        BROKER_LOGGER | CLIENT_METRICS | GROUP => Ok(Vec::new()),
        other => Err((ErrorCode::InvalidRequest, format!("resource type {other} is unknown"))),
    }
}

fn config_entry<'a>(
    entry: &'a Entry,
    body: &DescribeConfigsRequest<'_>,
) -> DescribeConfigsResourceResult<'a> {
    let synonyms = if body.include_synonyms { entry.synonyms.as_slice() } else { &[] };
    DescribeConfigsResourceResult {
        name: &entry.name,
        value: entry.value.as_deref(),
        read_only: entry.read_only,
        config_source: entry.source.id(),
        is_sensitive: entry.sensitive,
        synonyms: synonyms
            .iter()
            .map(|synonym| DescribeConfigsSynonym {
                name: &synonym.name,
                value: synonym.value.as_deref(),
                source: synonym.source.id(),
            })
            .collect(),
        config_type: entry.kind.map_or(0, |kind| kind.id()),
        documentation: entry.doc.filter(|_| body.include_documentation),
    }
}
