//! ListConfigResources, 0 and 1: what DescribeConfigs can be asked about.

use super::describe_configs::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: ListConfigResourcesRequest = request.decode().await?;
    // Version 0 knows client metrics only, of which there are none.
    let types: Vec<i8> = match (request.version, body.resource_types.is_empty()) {
        (0, _) => vec![CLIENT_METRICS],
        (_, true) => vec![TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP],
        (_, false) => body.resource_types.iter().collect(),
    };
    let known = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];
    if types.iter().any(|kind| !known.contains(kind)) {
        return request.reply(&ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..ListConfigResourcesResponse::default()
        });
    }
    let image = server.shard.image();
    let node = server.config.node_id.to_string();
    let mut resources = Vec::new();
    if types.contains(&TOPIC) {
        resources.extend(
            image
                .topics()
                .map(|topic| ConfigResource { resource_name: &topic.name, resource_type: TOPIC }),
        );
    }
    for kind in [BROKER, BROKER_LOGGER] {
        if types.contains(&kind) {
            resources.push(ConfigResource { resource_name: &node, resource_type: kind });
        }
    }
    request.reply(&ListConfigResourcesResponse {
        config_resources: resources.into(),
        ..ListConfigResourcesResponse::default()
    })
}
