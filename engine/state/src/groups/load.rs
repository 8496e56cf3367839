//! Rebuilding the coordinator from its partition's records. Source: Kafka's
//! `GroupMetadataManager.replay` and `onLoaded`, `OffsetMetadataManager.replay`.

use super::coordinator::Coordinator;
use super::group::{Group, GroupState};
use super::member::{Member, MemberProtocol};
use super::records::{self, Key};
use super::reply::Effect;
use super::timers::Session;
use crate::generated::group_metadata::{GroupMetadataValue, MemberMetadata};
use crate::generated::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use crate::offsets::CommittedOffset;
use bytes::Bytes;
use engine_base::codec::DecodeError;
use std::rc::Rc;

/// What a replayed record was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loaded {
    Offset,
    Group,
    /// A record of another kind of group (KIP-848 consumer, share, streams); it had no effect.
    Skipped,
}

impl Coordinator {
    /// Replays one record, in the order of the log, before `loaded`. Control records and those of
    /// aborted or open transactions are the caller's to leave out. An error means the record does
    /// not read as Kafka's; it had no effect.
    pub fn load(
        &mut self,
        now_ms: i64,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<Loaded, DecodeError> {
        assert!(!self.loaded, "records are replayed before requests come");
        match records::decode_key(key)? {
            Key::Other(_) => Ok(Loaded::Skipped),
            Key::Offset(OffsetCommitKey { group, topic, partition }) => {
                let value =
                    value.map(records::decode_value::<OffsetCommitValue<'_>>).transpose()?;
                let order = self.appends.next_order();
                let Some(value) = value else {
                    self.offsets.remove(group, topic, partition, order);
                    return Ok(Loaded::Offset);
                };
                let entry = CommittedOffset {
                    offset: value.offset,
                    leader_epoch: value.leader_epoch,
                    metadata: value.metadata.into(),
                    commit_timestamp_ms: value.commit_timestamp,
                    expire_timestamp_ms: records::timestamp(value.expire_timestamp),
                    topic_id: value.topic_id,
                    order,
                };
                let id: Rc<str> = match self.groups.get_key_value(group) {
                    Some((id, _)) => Rc::clone(id),
                    None => {
                        let id: Rc<str> = group.into();
                        self.groups.insert(Rc::clone(&id), Group::new(Rc::clone(&id), now_ms));
                        id
                    }
                };
                self.offsets.put(&id, &topic.into(), partition, entry);
                Ok(Loaded::Offset)
            }
            Key::Group(key) => {
                let group = key.group;
                match value.map(records::decode_value).transpose()? {
                    None => self.groups.remove(group),
                    Some(value) => {
                        let loaded = load_group(group.into(), &value, now_ms)?;
                        self.groups.insert(Rc::clone(&loaded.id), loaded)
                    }
                };
                Ok(Loaded::Group)
            }
        }
    }

    /// All records are replayed: sessions start, and requests are served from now on.
    pub fn loaded(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        assert!(!self.loaded, "a partition is loaded once");
        self.loaded = true;
        self.next_cleanup_ms =
            Some(now_ms.saturating_add(self.config.offsets_retention_check_ms.max(1)));
        let (groups, _, mut turn) = self.split(now_ms, out);
        for group in groups.values_mut() {
            for id in group.member_ids() {
                group.restart_session(&id, &mut turn);
            }
            if group.members().len() > turn.config.group_size_max {
                // The limit was lowered: members get a chance to commit before some are refused.
                group.prepare_rebalance(&mut turn);
            }
        }
    }
}

fn load_group(
    id: Rc<str>,
    value: &GroupMetadataValue<'_>,
    now_ms: i64,
) -> Result<Group, DecodeError> {
    let mut group = Group::new(id, now_ms);
    group.generation = value.generation;
    group.state_since_ms = records::timestamp(value.current_state_timestamp);
    group.protocol_type = (!value.protocol_type.is_empty()).then(|| value.protocol_type.into());
    group.protocol = value.protocol.map(Rc::from);
    if value.members.is_empty() {
        return Ok(group);
    }
    let protocol_type: Rc<str> = value.protocol_type.into();
    let protocol: Rc<str> = value.protocol.ok_or(DecodeError::Value)?.into();
    group.leader = value
        .leader
        .filter(|leader| value.members.iter().any(|member| member.member_id == *leader))
        .map(Rc::from);
    for member in value.members.iter() {
        let known = group.member(member.member_id).is_some();
        let claimed = member.group_instance_id.is_some_and(|id| group.static_member(id).is_some());
        if known || claimed {
            return Err(DecodeError::Value);
        }
        group.add(member.member_id.into(), load_member(&member, &protocol), &protocol_type);
    }
    group.state = GroupState::Stable;
    Ok(group)
}

fn load_member(member: &MemberMetadata<'_>, protocol: &Rc<str>) -> Member {
    let metadata = Bytes::copy_from_slice(member.subscription);
    Member {
        instance_id: member.group_instance_id.map(Rc::from),
        client_id: member.client_id.to_owned(),
        client_host: member.client_host.to_owned(),
        session_timeout_ms: member.session_timeout,
        rebalance_timeout_ms: match member.rebalance_timeout {
            -1 => member.session_timeout,
            timeout_ms => timeout_ms,
        },
        protocols: vec![MemberProtocol { name: Rc::clone(protocol), metadata }],
        assignment: Bytes::copy_from_slice(member.assignment),
        join: None,
        sync: None,
        is_new: false,
        owes_sync: false,
        session: Session::default(),
    }
}
