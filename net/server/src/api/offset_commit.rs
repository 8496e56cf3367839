//! OffsetCommit, 2 to 10 (topic ids from 10). Unknown topics and partitions are refused here; the
//! coordinator judges group and member, and answers once the commit is durable.

use crate::context::Context;
use crate::error::{group_code, group_result};
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::Uuid;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{
    CommitPartition, CommitRequest, CommitTopic, GroupError, Reply, TopicResult,
};
use net_wire::ErrorCode;
use net_wire::generated::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: OffsetCommitRequest = request.decode().await?;
    let mut topics = Vec::new();
    // Per topic and partition of the request: the code known here, or none yet.
    let mut refused: Vec<Vec<Option<ErrorCode>>> = Vec::new();
    {
        let image = server.shard.image();
        for topic in &body.topics {
            let by_id = request.version >= 10;
            let known =
                if by_id { image.topic_by_id(&topic.topic_id) } else { image.topic(topic.name) };
            let missing = if by_id && known.is_none() {
                ErrorCode::UnknownTopicId
            } else {
                ErrorCode::UnknownTopicOrPartition
            };
            let mut codes = Vec::new();
            let mut partitions = Vec::new();
            for partition in &topic.partitions {
                request.turn(&server.env).await;
                let index = partition.partition_index;
                if known.is_some_and(|topic| topic.partition(index).is_some()) {
                    codes.push(None);
                    partitions.push(CommitPartition {
                        index,
                        offset: partition.committed_offset,
                        leader_epoch: partition.committed_leader_epoch,
                        metadata: partition.committed_metadata.map(str::to_owned),
                    });
                } else {
                    codes.push(Some(missing));
                }
            }
            refused.push(codes);
            if let Some(known) = known
                && !partitions.is_empty()
            {
                let topic_id = if by_id { topic.topic_id } else { Uuid::ZERO };
                topics.push(CommitTopic { name: known.name.to_string(), topic_id, partitions });
            }
        }
    }
    let results = commit(&server, &request, &body, topics).await;
    let mut results = results.iter().flatten();
    let topics = body
        .topics
        .iter()
        .zip(&refused)
        .map(|(topic, codes)| topic_answer(&topic, codes, &mut results))
        .collect();
    request.reply(&OffsetCommitResponse { throttle_time_ms: 0, topics })
}

/// The coordinator's verdict for each accepted partition, in the order of the request.
async fn commit<E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    body: &OffsetCommitRequest<'_>,
    topics: Vec<CommitTopic>,
) -> Vec<Vec<i16>> {
    let counts: Vec<usize> = topics.iter().map(|topic| topic.partitions.len()).collect();
    if counts.is_empty() {
        return Vec::new();
    }
    let commit = CommitRequest {
        group_id: body.group_id.to_owned(),
        generation: body.generation_id_or_member_epoch,
        member_id: body.member_id.to_owned(),
        instance_id: body.group_instance_id.map(str::to_owned),
        retention_ms: (request.version <= 4 && body.retention_time_ms != -1)
            .then_some(body.retention_time_ms),
        reports_missing_group: request.version >= 9,
        topics,
    };
    let failed = |error: GroupError| {
        counts.iter().map(|count| vec![group_code(error).code(); *count]).collect()
    };
    match server.shard.group(body.group_id, GroupCall::Commit(commit)).await {
        GroupAnswer::Reply(Reply::Commit(topics)) => topics
            .iter()
            .map(|TopicResult { partitions, .. }| {
                partitions.iter().map(|partition| group_result(partition.error)).collect()
            })
            .collect(),
        GroupAnswer::Failed(error) => failed(error),
        _ => failed(GroupError::UnknownServerError),
    }
}

fn topic_answer<'a, 'r>(
    topic: &OffsetCommitRequestTopic<'a>,
    codes: &[Option<ErrorCode>],
    results: &mut impl Iterator<Item = &'r i16>,
) -> OffsetCommitResponseTopic<'a> {
    let partitions = topic
        .partitions
        .iter()
        .zip(codes)
        .map(|(partition, refused)| OffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: match refused {
                Some(code) => code.code(),
                None => results.next().copied().unwrap_or(ErrorCode::UnknownServerError.code()),
            },
        })
        .collect();
    OffsetCommitResponseTopic { name: topic.name, topic_id: topic.topic_id, partitions }
}
