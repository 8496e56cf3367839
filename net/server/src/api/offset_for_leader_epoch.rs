//! OffsetForLeaderEpoch, 2 to 4: where an epoch of a partition ends. A single node's partitions
//! change their epoch only when they are created again, so the end is the log's end.

use crate::context::Context;
use crate::error::partition_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use crate::work::ITEMS_AT_ONCE;
use engine_base::TopicPartition;
use engine_io::Env;
use futures_util::future::join_all;
use net_wire::ErrorCode;
use net_wire::generated::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: OffsetForLeaderEpochRequest = request.decode().await?;
    let mut topics = Vec::new();
    for topic in &body.topics {
        let known = server.topic(topic.topic);
        let asked: Vec<_> = topic.partitions.iter().collect();
        let mut partitions = Vec::with_capacity(asked.len());
        for asked in asked.chunks(ITEMS_AT_ONCE) {
            let find = async |asked: &OffsetForLeaderPartition| {
                request.turn(&server.env).await;
                let failed = |code: ErrorCode| EpochEndOffset {
                    error_code: code.code(),
                    partition: asked.partition,
                    ..EpochEndOffset::default()
                };
                let found =
                    known.as_ref().filter(|topic| topic.partition(asked.partition).is_some());
                let Some(topic) = found else {
                    return failed(ErrorCode::UnknownTopicOrPartition);
                };
                let id = TopicPartition { topic_id: topic.id, partition: asked.partition };
                let (current, epoch) = (asked.current_leader_epoch, asked.leader_epoch);
                match server.shard.epoch_end(id, current, epoch).await {
                    Ok((leader_epoch, end_offset)) => {
                        EpochEndOffset { leader_epoch, end_offset, ..failed(ErrorCode::None) }
                    }
                    Err(error) => failed(partition_code(&error)),
                }
            };
            partitions.extend(join_all(asked.iter().map(find)).await);
        }
        topics
            .push(OffsetForLeaderTopicResult { topic: topic.topic, partitions: partitions.into() });
    }
    request.reply(&OffsetForLeaderEpochResponse { throttle_time_ms: 0, topics: topics.into() })
}
