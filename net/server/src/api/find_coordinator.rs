//! FindCoordinator, 0 to 6. There is one broker, so it coordinates every group; asking creates the
//! offsets topic, as in Kafka. Transactions are not served yet, nor are share groups.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};
use std::rc::Rc;

/// Kafka's coordinator types.
const TYPE_GROUP: i8 = 0;
const TYPE_TRANSACTION: i8 = 1;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: FindCoordinatorRequest = request.decode().await?;
    let endpoint = server.endpoint(request.connection.listener);
    let key_type = if request.version == 0 { TYPE_GROUP } else { body.key_type };
    let verdict = match key_type {
        TYPE_GROUP if server.shard.ensure_offsets_topic().await => Ok(()),
        TYPE_GROUP => Err((ErrorCode::CoordinatorNotAvailable, "the offsets topic is not ready")),
        TYPE_TRANSACTION => {
            Err((ErrorCode::CoordinatorNotAvailable, "transactions are not served by this broker"))
        }
        _ => Err((ErrorCode::InvalidRequest, "coordinator type is unknown")),
    };
    let (error, message) = match verdict {
        Ok(()) => (ErrorCode::None, None),
        Err((error, message)) => (error, Some(message)),
    };
    let found = error == ErrorCode::None;
    let (node_id, host, port) =
        if found { (server.config.node_id, endpoint.host, endpoint.port) } else { (-1, "", -1) };
    if request.version < 4 {
        return request.reply(&FindCoordinatorResponse {
            error_code: error.code(),
            error_message: message,
            node_id,
            host,
            port,
            ..FindCoordinatorResponse::default()
        });
    }
    let coordinators = body
        .coordinator_keys
        .iter()
        .map(|key| Coordinator {
            key,
            node_id,
            host,
            port,
            error_code: error.code(),
            error_message: message,
        })
        .collect();
    request.reply(&FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() })
}
