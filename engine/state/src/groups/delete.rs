//! DeleteGroups, OffsetDelete, and the offsets of deleted topics: all of it tombstones. Commits in
//! flight count as committed, for their records come before the tombstones in the log. Source:
//! Kafka's `GroupCoordinatorShard.deleteGroups`, `OffsetMetadataManager.deleteOffsets`,
//! `onTopicsDeleted`.

use super::appends::{Action, Appends, OffsetKey};
use super::coordinator::Coordinator;
use super::error::GroupError;
use super::group::{Group, GroupState};
use super::records;
use super::reply::{
    DeletedGroup, Effect, OffsetDeleteReply, PartitionResult, Record, Reply, TopicResult,
};
use super::request::DeleteOffsetsTopic;
use crate::offsets::OffsetStore;
use engine_base::Uuid;
use std::collections::BTreeSet;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Delete` once the tombstones are durable. New requests find the
    /// groups gone at once.
    pub fn delete_groups(
        &mut self,
        now_ms: i64,
        group_ids: Vec<String>,
        token: u64,
        out: &mut Vec<Effect>,
    ) {
        let ready = self.ready();
        let (groups, offsets, mut turn) = self.split(now_ms, out);
        let (mut records, mut keys, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        let mut results = Vec::with_capacity(group_ids.len());
        for group_id in group_ids {
            let found = groups.get(group_id.as_str()).ok_or(GroupError::GroupIdNotFound);
            let error = ready.and(found).and_then(Group::validate_delete).err();
            if error.is_none()
                && let Some(mut group) = groups.remove(group_id.as_str())
            {
                for key in all_offsets(&group.id, offsets, turn.appends) {
                    records.push(records::offset_tombstone(&key));
                    keys.push(key);
                }
                records.push(records::group_tombstone(&group.id));
                group.cancel_timers(&mut turn);
                removed.push(group);
            }
            results.push(DeletedGroup { group_id, error });
        }
        let reply = Reply::Delete(results);
        if records.is_empty() {
            turn.reply(token, reply);
            return;
        }
        let action = Action::Deleted { offsets: keys, groups: removed };
        turn.append(records, action, Some((token, reply)));
    }

    /// Answers `token` with `Reply::DeleteOffsets` once the tombstones are durable.
    pub fn delete_offsets(
        &mut self,
        now_ms: i64,
        group_id: &str,
        topics: Vec<DeleteOffsetsTopic>,
        token: u64,
        out: &mut Vec<Effect>,
    ) {
        let allowed = match group_id.is_empty() {
            true => Err(GroupError::InvalidGroupId),
            false => self.ready(),
        };
        let (groups, offsets, mut turn) = self.split(now_ms, out);
        let group = allowed.and_then(|()| {
            let group = groups.get(group_id).ok_or(GroupError::GroupIdNotFound)?;
            group.validate_delete_offsets()?;
            Ok(group)
        });
        let group = match group {
            Ok(group) => group,
            Err(error) => {
                let reply = OffsetDeleteReply { error: Some(error), topics: Vec::new() };
                turn.reply(token, Reply::DeleteOffsets(reply));
                return;
            }
        };
        let known: BTreeSet<OffsetKey> =
            all_offsets(&group.id, offsets, turn.appends).into_iter().collect();
        let (mut records, mut keys) = (Vec::new(), Vec::new());
        let subscriptions = group.subscriptions();
        let mut results = Vec::with_capacity(topics.len());
        for topic in topics {
            let subscribed = subscriptions.contains(&topic.name);
            let error = subscribed.then_some(GroupError::GroupSubscribedToTopic);
            let name: Rc<str> = topic.name.as_str().into();
            for index in topic.partitions.iter().filter(|_| !subscribed) {
                let key = (Rc::clone(&group.id), Rc::clone(&name), *index);
                if known.contains(&key) {
                    records.push(records::offset_tombstone(&key));
                    keys.push(key);
                }
            }
            let partitions = topic.partitions.into_iter();
            let partitions = partitions.map(|index| PartitionResult { index, error }).collect();
            results.push(TopicResult { name: topic.name, topic_id: Uuid::ZERO, partitions });
        }
        let reply = Reply::DeleteOffsets(OffsetDeleteReply { error: None, topics: results });
        if records.is_empty() {
            turn.reply(token, reply);
            return;
        }
        let action = Action::Deleted { offsets: keys, groups: Vec::new() };
        turn.append(records, action, Some((token, reply)));
    }

    /// Topics were deleted: their offsets go too. Offsets committed by name go with any topic of
    /// that name. Before `loaded` this does nothing, as in Kafka: the caller tells it again then.
    pub fn topics_deleted(
        &mut self,
        now_ms: i64,
        topics: &[(String, Uuid)],
        out: &mut Vec<Effect>,
    ) {
        if !self.loaded {
            return;
        }
        let (_, offsets, mut turn) = self.split(now_ms, out);
        let mut keys: Vec<OffsetKey> = Vec::new();
        for (group, group_topics) in offsets.iter() {
            for (name, id) in topics {
                let Some((name, partitions)) = group_topics.get_key_value(name.as_str()) else {
                    continue;
                };
                for (index, entry) in partitions {
                    if entry.topic_id.is_zero() || entry.topic_id == *id {
                        keys.push((Rc::clone(group), Rc::clone(name), *index));
                    }
                }
            }
        }
        for keys in keys.chunks(super::config::CLEANUP_RECORDS_MAX) {
            let records: Vec<Record> = keys.iter().map(records::offset_tombstone).collect();
            let action = Action::Deleted { offsets: keys.to_vec(), groups: Vec::new() };
            turn.append(records, action, None);
        }
    }
}

/// Every offset of a group, committed or being committed.
pub(super) fn all_offsets(
    group: &Rc<str>,
    offsets: &OffsetStore,
    appends: &Appends,
) -> Vec<OffsetKey> {
    let stored = offsets.group(group).into_iter().flatten().flat_map(|(topic, partitions)| {
        partitions.keys().map(move |index| (Rc::clone(group), Rc::clone(topic), *index))
    });
    let coming =
        appends.committing(group).map(|(topic, index)| (Rc::clone(group), Rc::clone(topic), index));
    let keys: BTreeSet<OffsetKey> = stored.chain(coming).collect();
    keys.into_iter().collect()
}

impl Group {
    fn validate_delete(&self) -> Result<(), GroupError> {
        if self.state == GroupState::Empty { Ok(()) } else { Err(GroupError::NonEmptyGroup) }
    }

    /// A consumer group may lose offsets of topics it does not subscribe to while it is active.
    fn validate_delete_offsets(&self) -> Result<(), GroupError> {
        if self.state == GroupState::Empty || self.is_consumer() {
            Ok(())
        } else {
            Err(GroupError::NonEmptyGroup)
        }
    }
}
