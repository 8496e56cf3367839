//! ListGroups, 0 to 5: the groups of every coordinator of this broker.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use engine_state::groups::ListFilter;
use net_wire::ErrorCode;
use net_wire::generated::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: ListGroupsRequest = request.decode().await?;
    let filter = ListFilter {
        states: body.states_filter.iter().map(str::to_owned).collect(),
        types: body.types_filter.iter().map(str::to_owned).collect(),
    };
    let (groups, loading) = server.shard.list_groups(filter).await;
    let error = if loading { ErrorCode::CoordinatorLoadInProgress } else { ErrorCode::None };
    request.reply(&ListGroupsResponse {
        throttle_time_ms: 0,
        error_code: error.code(),
        groups: groups
            .iter()
            .map(|group| ListedGroup {
                group_id: &group.group_id,
                protocol_type: &group.protocol_type,
                group_state: group.state.name(),
                group_type: "classic",
            })
            .collect(),
    })
}
