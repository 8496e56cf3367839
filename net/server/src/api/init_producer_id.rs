//! InitProducerId, 0 to 5, for idempotent producers. A transactional id is refused: there are no
//! transactions yet.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: InitProducerIdRequest = request.decode().await?;
    let refused = |code: ErrorCode| InitProducerIdResponse {
        error_code: code.code(),
        producer_epoch: -1,
        ..InitProducerIdResponse::default()
    };
    match body.transactional_id {
        // Kafka's own answer where a transactional id may not be used: final for every client.
        Some(id) if !id.is_empty() => {
            return request.reply(&refused(ErrorCode::TransactionalIdAuthorizationFailed));
        }
        Some(_) => return request.reply(&refused(ErrorCode::InvalidRequest)),
        None => {}
    }
    // A producer that comes back with its id gets a new one, as in Kafka without a transaction.
    match server.shard.producer_id().await {
        Some(id) => request.reply(&InitProducerIdResponse {
            producer_id: id.0,
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        }),
        None => request.reply(&refused(ErrorCode::CoordinatorLoadInProgress)),
    }
}
