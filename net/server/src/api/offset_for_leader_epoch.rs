//! OffsetForLeaderEpoch, 2 to 4: where an epoch of a partition ends. A single node's partitions
//! change their epoch only when they are created again, so the end is the log's end.

use crate::context::Context;
use crate::error::partition_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::TopicPartition;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: OffsetForLeaderEpochRequest = request.decode().await?;
    let mut topics = Vec::new();
    for topic in &body.topics {
        let known = server.topic(topic.topic);
        let mut partitions = Vec::new();
        for asked in &topic.partitions {
            request.turn(&server.env).await;
            let failed = |code: ErrorCode| EpochEndOffset {
                error_code: code.code(),
                partition: asked.partition,
                ..EpochEndOffset::default()
            };
            let found = known.as_ref().filter(|topic| topic.partition(asked.partition).is_some());
            let Some(topic) = found else {
                partitions.push(failed(ErrorCode::UnknownTopicOrPartition));
                continue;
            };
            let id = TopicPartition { topic_id: topic.id, partition: asked.partition };
            let end =
                server.shard.epoch_end(id, asked.current_leader_epoch, asked.leader_epoch).await;
            partitions.push(match end {
                Ok((leader_epoch, end_offset)) => {
                    EpochEndOffset { leader_epoch, end_offset, ..failed(ErrorCode::None) }
                }
                Err(error) => failed(partition_code(&error)),
            });
        }
        topics
            .push(OffsetForLeaderTopicResult { topic: topic.topic, partitions: partitions.into() });
    }
    request.reply(&OffsetForLeaderEpochResponse { throttle_time_ms: 0, topics: topics.into() })
}
