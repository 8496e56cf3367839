//! DescribeLogDirs, 1 to 5: the one log directory and the size of the partitions in it.

use crate::context::Context;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::TopicPartition;
use engine_io::Env;
use hashbrown::{HashMap, HashSet};
use net_wire::generated::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: DescribeLogDirsRequest = request.decode().await?;
    // By topic, for a request may name more partitions than one pass over each of ours affords.
    let asked: Option<HashMap<&str, HashSet<i32>>> = body.topics.as_ref().map(|topics| {
        let mut asked: HashMap<&str, HashSet<i32>> = HashMap::new();
        for topic in topics {
            asked.entry(topic.topic).or_default().extend(&topic.partitions);
        }
        asked
    });
    let mut rows: Vec<(String, i32, TopicPartition)> = Vec::new();
    {
        let image = server.shard.image();
        for topic in image.topics() {
            for index in topic.partitions.iter().map(|partition| partition.id) {
                let wanted = asked.as_ref().is_none_or(|asked| {
                    asked.get(&*topic.name).is_some_and(|partitions| partitions.contains(&index))
                });
                if wanted {
                    let id = TopicPartition { topic_id: topic.id, partition: index };
                    rows.push((topic.name.to_string(), index, id));
                }
            }
        }
    }
    let ids = rows.iter().map(|(_, _, id)| *id).collect();
    let sizes = server.shard.sizes(ids).await;
    let sized: Vec<_> = rows.iter().zip(sizes).collect();
    let topics = sized
        .chunk_by(|a, b| a.0.0 == b.0.0)
        .map(|group| DescribeLogDirsTopic {
            name: &group[0].0.0,
            partitions: group
                .iter()
                .map(|((_, index, _), size)| DescribeLogDirsPartition {
                    partition_index: *index,
                    partition_size: size.and_then(|size| i64::try_from(size).ok()).unwrap_or(0),
                    ..DescribeLogDirsPartition::default()
                })
                .collect(),
        })
        .collect();
    let dir = server.config.log_dir.to_string_lossy();
    let usable = server.env.free_bytes(&server.config.log_dir).ok();
    request.reply(&DescribeLogDirsResponse {
        results: vec![DescribeLogDirsResult {
            log_dir: &dir,
            topics,
            usable_bytes: usable.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1),
            ..DescribeLogDirsResult::default()
        }]
        .into(),
        ..DescribeLogDirsResponse::default()
    })
}
