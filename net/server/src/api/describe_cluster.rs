//! DescribeCluster, 0 to 2: one broker, which is its own controller.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use std::rc::Rc;

/// Kafka's endpoint types.
const BROKERS: i8 = 1;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeClusterRequest = request.decode().await?;
    if request.version >= 1 && body.endpoint_type != BROKERS {
        return request.reply(&DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType.code(),
            error_message: Some("this is a broker's listener, not a controller's"),
            cluster_id: &server.cluster_id,
            ..DescribeClusterResponse::default()
        });
    }
    let endpoint = server.endpoint(request.connection.listener);
    request.reply(&DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: &server.cluster_id,
        controller_id: server.config.node_id,
        brokers: vec![DescribeClusterBroker {
            broker_id: server.config.node_id,
            host: endpoint.host,
            port: endpoint.port,
            rack: server.config.rack.as_deref(),
            is_fenced: false,
        }]
        .into(),
        ..DescribeClusterResponse::default()
    })
}
