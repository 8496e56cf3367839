//! IncrementalAlterConfigs, 0 and 1: set, delete, append and subtract on topics and on this broker.

use crate::context::Context;
use crate::error::done_results;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_shard::{ConfigEdit, ControllerCall};
use engine_state::metadata::configs::Operation;
use engine_state::metadata::{ConfigResource, ResourceKind};
use net_wire::ErrorCode;
use net_wire::generated::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: IncrementalAlterConfigsRequest = request.decode().await?;
    // `None` where an operation is unknown: that resource is refused, the others go on.
    let edits: Vec<Option<(ConfigResource, Vec<ConfigEdit>)>> =
        body.resources.iter().map(|resource| edits_of(&resource)).collect();
    let resources: Vec<_> = edits.iter().flatten().cloned().collect();
    let count = resources.len();
    let call = ControllerCall::AlterConfigs { resources, validate_only: body.validate_only };
    let done =
        if count == 0 { Vec::new() } else { done_results(server.shard.control(call).await, count) };
    let unknown = (ErrorCode::InvalidRequest, Some("an operation is unknown".to_owned()));
    let mut done = done.iter();
    let responses = body
        .resources
        .iter()
        .zip(&edits)
        .map(|(resource, edits)| {
            let (code, message) = match edits {
                Some(_) => done.next().unwrap_or(&unknown),
                None => &unknown,
            };
            AlterConfigsResourceResponse {
                error_code: code.code(),
                error_message: message.as_deref(),
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
            }
        })
        .collect();
    request.reply(&IncrementalAlterConfigsResponse { throttle_time_ms: 0, responses })
}

fn edits_of(resource: &AlterConfigsResource<'_>) -> Option<(ConfigResource, Vec<ConfigEdit>)> {
    let edits = resource
        .configs
        .iter()
        .map(|config| {
            Some(ConfigEdit {
                name: config.name.to_owned(),
                operation: Operation::from_id(config.config_operation)?,
                value: config.value.map(str::to_owned),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let kind = ResourceKind::from_id(resource.resource_type);
    Some((ConfigResource { kind, name: resource.resource_name.into() }, edits))
}
