//! OffsetFetch of one group. Source: Kafka's `OffsetMetadataManager.fetchOffsets` and
//! `fetchAllOffsets`.

use super::coordinator::Coordinator;
use super::error::GroupError;
use super::group::Group;
use super::reply::{Effect, FetchReply, FetchedPartition, FetchedTopic, Reply};
use super::request::FetchRequest;
use crate::offsets::{CommittedOffset, OffsetStore};
use engine_base::Uuid;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Fetch`: at once with what is durable, or, if stable offsets are
    /// required, after the commits of the group that are in flight.
    pub fn fetch(&mut self, request: FetchRequest, token: u64, out: &mut Vec<Effect>) {
        if let Err(error) = self.ready() {
            out.push(Effect::Reply { token, reply: failed(&request, error) });
            return;
        }
        if request.require_stable
            && let Some(commit) = self.appends.last_commit(&request.group_id)
        {
            commit.fetches.push((token, request));
            return;
        }
        let reply = reply(&self.groups, &self.offsets, &request);
        out.push(Effect::Reply { token, reply });
    }
}

/// The answer when the whole request fails.
pub(super) fn failed(_: &FetchRequest, error: GroupError) -> Reply {
    Reply::Fetch(FetchReply { error: Some(error), topics: Vec::new() })
}

/// The answer from what is durable. A group that does not exist has committed nothing.
pub(super) fn reply(
    groups: &BTreeMap<Rc<str>, Group>,
    offsets: &OffsetStore,
    request: &FetchRequest,
) -> Reply {
    let group = request.group_id.as_str();
    let known = groups.contains_key(group);
    let topics = match &request.topics {
        None if known => all_topics(offsets, group),
        None => Vec::new(),
        Some(topics) => topics
            .iter()
            .map(|topic| FetchedTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|index| {
                        let entry = offsets.get(group, &topic.name, *index);
                        let entry = entry.filter(|entry| known && same(entry, topic.topic_id));
                        fetched(*index, entry)
                    })
                    .collect(),
            })
            .collect(),
    };
    Reply::Fetch(FetchReply { error: None, topics })
}

fn all_topics(offsets: &OffsetStore, group: &str) -> Vec<FetchedTopic> {
    let topics = offsets.group(group).into_iter().flatten();
    topics
        .map(|(name, partitions)| FetchedTopic {
            name: name.to_string(),
            topic_id: Uuid::ZERO,
            partitions: partitions
                .iter()
                .map(|(index, entry)| fetched(*index, Some(entry)))
                .collect(),
        })
        .collect()
}

/// Offsets of a deleted topic are not those of a new one with its name.
fn same(entry: &CommittedOffset, topic_id: Uuid) -> bool {
    entry.topic_id.is_zero() || topic_id.is_zero() || entry.topic_id == topic_id
}

fn fetched(index: i32, entry: Option<&CommittedOffset>) -> FetchedPartition {
    match entry {
        None => FetchedPartition { index, offset: -1, leader_epoch: -1, metadata: String::new() },
        Some(entry) => FetchedPartition {
            index,
            offset: entry.offset,
            leader_epoch: entry.leader_epoch,
            metadata: entry.metadata.to_string(),
        },
    }
}
