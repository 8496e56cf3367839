//! OffsetCommit. Offsets are visible once their records are durable. Source: Kafka's
//! `OffsetMetadataManager.commitOffset`, `ClassicGroup.validateOffsetCommit`.

use super::appends::Action;
use super::config::STRING_BYTES_MAX;
use super::coordinator::{Coordinator, Turn};
use super::error::GroupError;
use super::group::{Group, GroupState};
use super::records;
use super::reply::{Effect, PartitionResult, Record, Reply, TopicResult};
use super::request::{CommitPartition, CommitRequest};
use crate::offsets::CommittedOffset;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Commit`, once the offsets are durable.
    pub fn commit(
        &mut self,
        now_ms: i64,
        request: CommitRequest,
        token: u64,
        out: &mut Vec<Effect>,
    ) {
        let ready = self.ready();
        let (groups, _, mut turn) = self.split(now_ms, out);
        let created = !groups.contains_key(request.group_id.as_str());
        let group = ready.and_then(|()| committing_group(groups, &request, &mut turn));
        let group = match group {
            Ok(group) => group,
            Err(error) => {
                turn.reply(token, refused(request, error));
                return;
            }
        };
        let id = Rc::clone(&group.id);
        let commit = Commit::new(&id, request, &turn);
        let reply = Reply::Commit(commit.results);
        if commit.records.is_empty() {
            if created {
                groups.remove(&id);
            }
            turn.reply(token, reply);
            return;
        }
        let action = Action::Committed { group: id, offsets: commit.offsets };
        turn.append(commit.records, action, Some((token, reply)));
    }
}

/// The group that may commit, created if it is one without membership.
fn committing_group<'a>(
    groups: &'a mut BTreeMap<Rc<str>, Group>,
    request: &CommitRequest,
    turn: &mut Turn<'_>,
) -> Result<&'a mut Group, GroupError> {
    let id = request.group_id.as_str();
    if !groups.contains_key(id) {
        if request.generation >= 0 {
            return Err(match request.reports_missing_group {
                true => GroupError::GroupIdNotFound,
                false => GroupError::IllegalGeneration,
            });
        }
        groups.insert(id.into(), Group::new(id.into(), turn.now_ms));
    }
    let group = groups.get_mut(id).expect("found or just created");
    group.validate_commit(request)?;
    if matches!(group.state, GroupState::Stable | GroupState::PreparingRebalance) {
        group.restart_session(&request.member_id, turn);
    }
    Ok(group)
}

impl Group {
    fn validate_commit(&self, request: &CommitRequest) -> Result<(), GroupError> {
        if request.generation < 0 && self.state == GroupState::Empty {
            return Ok(());
        }
        let managed = request.generation >= 0
            || !request.member_id.is_empty()
            || request.instance_id.is_some();
        if !managed {
            return Err(GroupError::UnknownMemberId);
        }
        self.validate_member(&request.member_id, request.instance_id.as_deref())?;
        if request.generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        if self.state == GroupState::CompletingRebalance {
            // The member knows the generation but not yet what it owns in it.
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }
}

/// A request as records, as entries to store, and as the answer.
struct Commit {
    records: Vec<Record>,
    offsets: Vec<(Rc<str>, i32, CommittedOffset)>,
    results: Vec<TopicResult>,
}

impl Commit {
    fn new(group: &Rc<str>, request: CommitRequest, turn: &Turn<'_>) -> Self {
        let mut commit = Commit { records: Vec::new(), offsets: Vec::new(), results: Vec::new() };
        let expire_timestamp_ms = request.retention_ms.map(|ms| turn.now_ms.saturating_add(ms));
        for topic in request.topics {
            let name: Rc<str> = topic.name.as_str().into();
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for partition in topic.partitions {
                let index = partition.index;
                let error = metadata_too_large(&partition, turn.config.offset_metadata_max);
                partitions.push(PartitionResult { index, error });
                if error.is_some() {
                    continue;
                }
                let entry = CommittedOffset {
                    offset: partition.offset,
                    leader_epoch: partition.leader_epoch.max(-1),
                    metadata: partition.metadata.unwrap_or_default().into(),
                    commit_timestamp_ms: turn.now_ms,
                    expire_timestamp_ms,
                    topic_id: topic.topic_id,
                    order: 0,
                };
                commit.records.push(records::offset_record(group, &name, index, &entry));
                commit.offsets.push((Rc::clone(&name), index, entry));
            }
            let (name, topic_id) = (topic.name, topic.topic_id);
            commit.results.push(TopicResult { name, topic_id, partitions });
        }
        commit
    }
}

fn metadata_too_large(partition: &CommitPartition, max: usize) -> Option<GroupError> {
    let metadata = partition.metadata.as_deref().unwrap_or("");
    // Kafka counts UTF-16 units, of which a text never has more than bytes.
    let too_large = metadata.len() > STRING_BYTES_MAX
        || (metadata.len() > max && metadata.encode_utf16().count() > max);
    too_large.then_some(GroupError::OffsetMetadataTooLarge)
}

/// The answer when the whole request fails with `error`.
fn refused(request: CommitRequest, error: GroupError) -> Reply {
    let topics = request.topics.into_iter().map(|topic| TopicResult {
        name: topic.name,
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| PartitionResult { index: partition.index, error: Some(error) })
            .collect(),
    });
    Reply::Commit(topics.collect())
}
