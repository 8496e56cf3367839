//! OffsetFetch, 1 to 10: one group up to version 7, several from 8, topic ids from 10.

use crate::context::Context;
use crate::error::group_result;
use crate::pipeline::Outcome;
use crate::request::Request;
use crate::work::ITEMS_AT_ONCE;
use engine_base::Uuid;
use engine_base::message::Array;
use engine_io::Env;
use engine_shard::{GroupAnswer, GroupCall};
use engine_state::groups::{
    FetchReply, FetchRequest as Fetch, FetchTopic, FetchedPartition, FetchedTopic, GroupError,
    Reply,
};
use futures_util::future::join_all;
use hashbrown::HashSet;
use net_wire::ErrorCode;
use net_wire::generated::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use std::rc::Rc;

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: OffsetFetchRequest = request.decode().await?;
    if request.version < 8 {
        return one_group(&server, &request, &body).await;
    }
    // A group may have much more than a name: who asks for all of it twice is answered once.
    let mut whole = HashSet::new();
    let asked: Vec<OffsetFetchRequestGroup> = body
        .groups
        .iter()
        .filter(|group| group.topics.is_some() || whole.insert(group.group_id))
        .collect();
    let mut fetched = Vec::with_capacity(asked.len());
    for groups in asked.chunks(ITEMS_AT_ONCE) {
        let fetch = async |group: &OffsetFetchRequestGroup| {
            request.turn(&server.env).await;
            let mut unknown = Vec::new();
            let topics = group_topics(&server, group, request.version, &mut unknown);
            let fetch = Fetch {
                group_id: group.group_id.to_owned(),
                topics,
                require_stable: body.require_stable,
            };
            let mut reply = ask(&server, fetch).await;
            if group.topics.is_none() && request.version >= 10 {
                fill_ids(&server, &mut reply);
            }
            (reply, unknown)
        };
        let replies = join_all(groups.iter().map(fetch)).await;
        let named = groups.iter().map(|group| group.group_id).zip(replies);
        fetched.extend(named.map(|(group_id, (reply, unknown))| (group_id, reply, unknown)));
    }
    let groups = fetched
        .iter()
        .map(|(group_id, reply, unknown)| OffsetFetchResponseGroup {
            group_id,
            topics: reply
                .topics
                .iter()
                .map(topics_entry)
                .chain(unknown.iter().map(unknown_entry))
                .collect(),
            error_code: group_result(reply.error),
        })
        .collect();
    request.reply(&OffsetFetchResponse { groups, ..OffsetFetchResponse::default() })
}

/// Version 1 to 7. Version 1 has no error of its own: each partition carries it.
async fn one_group<E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    body: &OffsetFetchRequest<'_>,
) -> Outcome {
    let topics = body.topics.as_ref().map(|topics| {
        topics
            .iter()
            .map(|topic| FetchTopic {
                name: topic.name.to_owned(),
                topic_id: Uuid::ZERO,
                partitions: topic.partition_indexes.iter().collect(),
            })
            .collect()
    });
    let fetch =
        Fetch { group_id: body.group_id.to_owned(), topics, require_stable: body.require_stable };
    let reply = ask(server, fetch).await;
    let code = group_result(reply.error);
    let topics: Array<OffsetFetchResponseTopic> = if reply.error.is_some() && request.version < 2 {
        failed_topics(body, code)
    } else {
        reply.topics.iter().map(topic_entry).collect()
    };
    request.reply(&OffsetFetchResponse { topics, error_code: code, ..Default::default() })
}

fn failed_topics<'a>(
    body: &OffsetFetchRequest<'a>,
    code: i16,
) -> Array<'a, OffsetFetchResponseTopic<'a>> {
    let Some(topics) = &body.topics else { return Array::EMPTY };
    topics
        .iter()
        .map(|topic| OffsetFetchResponseTopic {
            name: topic.name,
            partitions: topic
                .partition_indexes
                .iter()
                .map(|index| OffsetFetchResponsePartition {
                    partition_index: index,
                    committed_offset: -1,
                    committed_leader_epoch: -1,
                    metadata: Some(""),
                    error_code: code,
                })
                .collect(),
        })
        .collect()
}

async fn ask<E: Env>(server: &Context<E>, fetch: Fetch) -> FetchReply {
    let failed = |error| FetchReply { error: Some(error), topics: Vec::new() };
    let group_id = fetch.group_id.clone();
    match server.shard.group(&group_id, GroupCall::Fetch(fetch)).await {
        GroupAnswer::Reply(Reply::Fetch(reply)) => reply,
        GroupAnswer::Failed(error) => failed(error),
        _ => failed(GroupError::UnknownServerError),
    }
}

/// The topics asked for, by name; ids nobody knows go to `unknown`.
fn group_topics<E: Env>(
    server: &Context<E>,
    group: &OffsetFetchRequestGroup<'_>,
    version: i16,
    unknown: &mut Vec<(Uuid, Vec<i32>)>,
) -> Option<Vec<FetchTopic>> {
    let topics = group.topics.as_ref()?;
    let image = server.shard.image();
    let mut wanted = Vec::new();
    for topic in topics {
        let partitions: Vec<i32> = topic.partition_indexes.iter().collect();
        if version < 10 {
            let name = topic.name.to_owned();
            wanted.push(FetchTopic { name, topic_id: Uuid::ZERO, partitions });
        } else if let Some(known) = image.topic_by_id(&topic.topic_id) {
            let name = known.name.to_string();
            wanted.push(FetchTopic { name, topic_id: topic.topic_id, partitions });
        } else {
            unknown.push((topic.topic_id, partitions));
        }
    }
    Some(wanted)
}

/// When all topics were asked for, version 10 wants the ids of those that still exist.
fn fill_ids<E: Env>(server: &Context<E>, reply: &mut FetchReply) {
    let image = server.shard.image();
    reply.topics.retain_mut(|topic| match image.topic(&topic.name) {
        Some(known) => {
            topic.topic_id = known.id;
            true
        }
        None => false,
    });
}

fn topics_entry(topic: &FetchedTopic) -> OffsetFetchResponseTopics<'_> {
    OffsetFetchResponseTopics {
        name: &topic.name,
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition: &FetchedPartition| OffsetFetchResponsePartitions {
                partition_index: partition.index,
                committed_offset: partition.offset,
                committed_leader_epoch: partition.leader_epoch,
                metadata: Some(&partition.metadata),
                error_code: ErrorCode::None.code(),
            })
            .collect(),
    }
}

fn unknown_entry<'a>(
    (topic_id, partitions): &'a (Uuid, Vec<i32>),
) -> OffsetFetchResponseTopics<'a> {
    OffsetFetchResponseTopics {
        name: "",
        topic_id: *topic_id,
        partitions: partitions
            .iter()
            .map(|index| OffsetFetchResponsePartitions {
                partition_index: *index,
                committed_offset: -1,
                committed_leader_epoch: -1,
                metadata: Some(""),
                error_code: ErrorCode::UnknownTopicId.code(),
            })
            .collect(),
    }
}

fn topic_entry(topic: &FetchedTopic) -> OffsetFetchResponseTopic<'_> {
    OffsetFetchResponseTopic {
        name: &topic.name,
        partitions: topic
            .partitions
            .iter()
            .map(|partition: &FetchedPartition| OffsetFetchResponsePartition {
                partition_index: partition.index,
                committed_offset: partition.offset,
                committed_leader_epoch: partition.leader_epoch,
                metadata: Some(&partition.metadata),
                error_code: ErrorCode::None.code(),
            })
            .collect(),
    }
}
