//! DeleteRecords, 0 to 2.

use crate::context::Context;
use crate::error::partition_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::{Offset, TopicPartition};
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::delete_records::{
    DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteRecordsTopicResult,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DeleteRecordsRequest = request.decode().await?;
    let mut wanted = Vec::new();
    let mut codes = Vec::new();
    {
        let image = server.shard.image();
        for topic in &body.topics {
            let known = image.topic(topic.name);
            for partition in &topic.partitions {
                request.turn(&server.env).await;
                let index = partition.partition_index;
                codes.push(match known.filter(|topic| topic.partition(index).is_some()) {
                    None => Some(ErrorCode::UnknownTopicOrPartition),
                    Some(topic) if topic.is_internal() => Some(ErrorCode::InvalidTopicException),
                    Some(topic) => {
                        let partition_id = TopicPartition { topic_id: topic.id, partition: index };
                        wanted.push((partition_id, Offset(partition.offset)));
                        None
                    }
                });
            }
        }
    }
    let mut done = server.shard.delete_records(wanted).await.into_iter();
    let mut codes = codes.into_iter();
    let mut result = |index: i32| {
        let failed = |code: ErrorCode| DeleteRecordsPartitionResult {
            partition_index: index,
            low_watermark: -1,
            error_code: code.code(),
        };
        if let Some(code) = codes.next().flatten() {
            return failed(code);
        }
        match done.next() {
            Some(Ok(start)) => {
                DeleteRecordsPartitionResult { low_watermark: start.0, ..failed(ErrorCode::None) }
            }
            Some(Err(error)) => failed(partition_code(&error)),
            None => failed(ErrorCode::UnknownServerError),
        }
    };
    let topics = body
        .topics
        .iter()
        .map(|topic| DeleteRecordsTopicResult {
            name: topic.name,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| result(partition.partition_index))
                .collect(),
        })
        .collect();
    request.reply(&DeleteRecordsResponse { throttle_time_ms: 0, topics })
}
