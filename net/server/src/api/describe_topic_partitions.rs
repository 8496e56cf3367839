//! DescribeTopicPartitions, 0: the partitions of topics, in pages.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::message::Array;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::describe_topic_partitions::{
    Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeTopicPartitionsRequest = request.decode().await?;
    let image = server.shard.image();
    let mut names: Vec<&str> = if body.topics.is_empty() {
        image.topics().map(|topic| &*topic.name).collect()
    } else {
        body.topics.iter().map(|topic| topic.name).collect()
    };
    names.sort_unstable();
    names.dedup();
    let (first_name, first_partition) =
        body.cursor.as_ref().map_or(("", 0), |cursor| (cursor.topic_name, cursor.partition_index));
    names.retain(|name| *name >= first_name);
    let asked = usize::try_from(body.response_partition_limit).unwrap_or(0);
    let mut left = asked.clamp(1, server.config.describe_partitions_max);
    let mut topics = Vec::new();
    let mut next_cursor = None;
    for name in names {
        if left == 0 {
            next_cursor = Some(Cursor { topic_name: name, partition_index: 0 });
            break;
        }
        let Some(topic) = image.topic(name) else {
            topics.push(DescribeTopicPartitionsResponseTopic {
                error_code: ErrorCode::UnknownTopicOrPartition.code(),
                name: Some(name),
                ..Default::default()
            });
            continue;
        };
        let start = if name == first_name { first_partition } else { 0 };
        let rest: Vec<_> =
            topic.partitions.iter().filter(|partition| partition.id >= start).collect();
        if let Some(partition) = rest.get(left) {
            next_cursor = Some(Cursor { topic_name: name, partition_index: partition.id });
        }
        let page = &rest[..rest.len().min(left)];
        left -= page.len();
        topics.push(DescribeTopicPartitionsResponseTopic {
            name: Some(name),
            topic_id: topic.id,
            is_internal: topic.is_internal(),
            partitions: page
                .iter()
                .map(|partition| DescribeTopicPartitionsResponsePartition {
                    partition_index: partition.id,
                    leader_id: partition.leader,
                    leader_epoch: partition.leader_epoch,
                    replica_nodes: Array::Borrowed(&partition.replicas),
                    isr_nodes: Array::Borrowed(&partition.isr),
                    eligible_leader_replicas: Some(Array::EMPTY),
                    last_known_elr: Some(Array::EMPTY),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        });
        if next_cursor.is_some() {
            break;
        }
    }
    request.reply(&DescribeTopicPartitionsResponse {
        throttle_time_ms: 0,
        topics: topics.into(),
        next_cursor,
    })
}
