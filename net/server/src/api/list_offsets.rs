//! ListOffsets, 1 to 11: by timestamp, and the special timestamps -1 (end), -2 (start), -3 (record
//! with the largest timestamp, from 7), -4 (start of the local log, from 8), -5 (end of the tiered
//! log, from 9; there is none) and -6 (first offset waiting for tiering, from 11; there is none).

use crate::context::Context;
use crate::error::partition_code;
use crate::pipeline::Outcome;
use crate::request::Request;
use engine_base::TopicPartition;
use engine_io::Env;
use engine_shard::{OffsetKind, OffsetQuery};
use engine_state::metadata::TopicImage;
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use std::rc::Rc;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// What to ask the log for a timestamp in a version; `Err` if that version does not have it.
fn kind(timestamp: i64, version: i16) -> Result<OffsetKind, ErrorCode> {
    match timestamp {
        0.. => Ok(OffsetKind::Timestamp(timestamp)),
        LATEST => Ok(OffsetKind::Latest),
        EARLIEST => Ok(OffsetKind::Earliest),
        MAX_TIMESTAMP if version >= 7 => Ok(OffsetKind::MaxTimestamp),
        EARLIEST_LOCAL if version >= 8 => Ok(OffsetKind::Earliest),
        LATEST_TIERED if version >= 9 => Ok(OffsetKind::Tiered),
        EARLIEST_PENDING_UPLOAD if version >= 11 => Ok(OffsetKind::Tiered),
        _ => Err(ErrorCode::UnsupportedVersion),
    }
}

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: ListOffsetsRequest = request.decode().await?;
    let repeated = repeated(&server, &request, &body).await;
    let mut codes = Vec::new();
    let mut queries = Vec::new();
    {
        let image = server.shard.image();
        for topic in &body.topics {
            let known = image.topic(topic.name).map(|topic| &**topic);
            for partition in &topic.partitions {
                request.turn(&server.env).await;
                // As in Kafka, which one of the two is meant nobody knows.
                let found = if repeated.contains(&(topic.name, partition.partition_index)) {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    query(known, &partition, request.version)
                };
                codes.push(found.as_ref().err().copied());
                queries.extend(found.ok());
            }
        }
    }
    let mut answers = server.shard.offsets(queries).await.into_iter();
    let mut codes = codes.into_iter();
    let mut answer = |partition: ListOffsetsPartition| {
        let failed = |code: ErrorCode| ListOffsetsPartitionResponse {
            partition_index: partition.partition_index,
            error_code: code.code(),
            ..Default::default()
        };
        if let Some(code) = codes.next().flatten() {
            return failed(code);
        }
        match answers.next() {
            Some(Ok(found)) => ListOffsetsPartitionResponse {
                timestamp: found.timestamp_ms,
                offset: found.offset.0,
                leader_epoch: found.leader_epoch,
                ..failed(ErrorCode::None)
            },
            Some(Err(error)) => failed(partition_code(&error)),
            None => failed(ErrorCode::UnknownServerError),
        }
    };
    let topics = body
        .topics
        .iter()
        .map(|topic| ListOffsetsTopicResponse {
            name: topic.name,
            partitions: topic.partitions.iter().map(&mut answer).collect(),
        })
        .collect();
    request.reply(&ListOffsetsResponse { throttle_time_ms: 0, topics })
}

/// Partitions that are named more than once.
async fn repeated<'a, E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    body: &ListOffsetsRequest<'a>,
) -> HashSet<(&'a str, i32)> {
    let mut seen = HashSet::new();
    let mut repeated = HashSet::new();
    for topic in &body.topics {
        for partition in &topic.partitions {
            request.turn(&server.env).await;
            let key = (topic.name, partition.partition_index);
            if !seen.insert(key) {
                repeated.insert(key);
            }
        }
    }
    repeated
}

/// What to ask about one partition of `topic`, which may not exist.
fn query(
    topic: Option<&TopicImage>,
    asked: &ListOffsetsPartition,
    version: i16,
) -> Result<OffsetQuery, ErrorCode> {
    let ListOffsetsPartition { partition_index: partition, current_leader_epoch, timestamp } =
        *asked;
    let topic = topic
        .filter(|topic| topic.partition(partition).is_some())
        .ok_or(ErrorCode::UnknownTopicOrPartition)?;
    Ok(OffsetQuery {
        partition: TopicPartition { topic_id: topic.id, partition },
        kind: kind(timestamp, version)?,
        current_epoch: current_leader_epoch,
    })
}
