//! The records of `__consumer_offsets` in Kafka's bytes: a key is the number of its kind and the
//! generated message, a value its version and the generated message. Written: offset value 4 (1 if
//! the client named a retention), group value 3, as Kafka 4.3 does; read: all versions Kafka ever
//! wrote. Source: Kafka's `GroupCoordinatorRecordHelpers`, `CoordinatorRecordSerde`.

use super::appends::OffsetKey;
use super::group::Group;
use super::member::Member;
use super::reply::Record;
use crate::generated::group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};
use crate::generated::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use crate::offsets::CommittedOffset;
use bytes::Bytes;
use engine_base::codec::{DecodeError, Reader, Result, Write};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Message};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Both keys have only this version; the number before it is the kind.
const KEY_VERSION: i16 = 0;
/// The kind of offset keys before Kafka 0.9; the key itself is the same.
const LEGACY_OFFSET_KEY: i16 = 0;
const OFFSET_VALUE_VERSION: i16 = 4;
const OFFSET_VALUE_VERSION_WITH_EXPIRY: i16 = 1;
const GROUP_VALUE_VERSION: i16 = 3;
/// "No timestamp" in values.
const NO_TIMESTAMP: i64 = -1;

/// A record's key.
#[derive(Clone, PartialEq, Debug)]
pub enum Key<'a> {
    Offset(OffsetCommitKey<'a>),
    Group(GroupMetadataKey<'a>),
    /// Of a kind of group that is not ours.
    Other(i16),
}

pub(super) fn offset_record(
    group: &str,
    topic: &str,
    partition: i32,
    entry: &CommittedOffset,
) -> Record {
    let value = OffsetCommitValue {
        offset: entry.offset,
        leader_epoch: entry.leader_epoch,
        metadata: &entry.metadata,
        commit_timestamp: entry.commit_timestamp_ms,
        expire_timestamp: entry.expire_timestamp_ms.unwrap_or(NO_TIMESTAMP),
        topic_id: entry.topic_id,
    };
    let version = match entry.expire_timestamp_ms {
        Some(_) => OFFSET_VALUE_VERSION_WITH_EXPIRY,
        None => OFFSET_VALUE_VERSION,
    };
    (offset_key(group, topic, partition), Some(prefixed(version, &value, version)))
}

pub(super) fn offset_tombstone((group, topic, partition): &OffsetKey) -> Record {
    (offset_key(group, topic, *partition), None)
}

pub(super) fn group_tombstone(group: &str) -> Record {
    (group_key(group), None)
}

/// The first record of a group, which only keeps its name.
pub(super) fn new_group_record(group: &Group) -> Record {
    let value = GroupMetadataValue {
        protocol_type: "",
        generation: 0,
        protocol: None,
        leader: None,
        current_state_timestamp: group.state_since_ms.unwrap_or(NO_TIMESTAMP),
        members: Array::EMPTY,
    };
    (group_key(&group.id), Some(prefixed(GROUP_VALUE_VERSION, &value, GROUP_VALUE_VERSION)))
}

/// A group as it is, with the assignments that `assignment` gives for its members.
pub(super) fn group_record(group: &Group, assignment: impl Fn(&Member) -> Bytes) -> Record {
    let members = group.members().iter();
    let assignments = members.map(|(id, member)| (Rc::clone(id), assignment(member))).collect();
    group_record_with(group, &assignments)
}

/// A group as it is, with `assignments` by member id; a member without one gets none.
pub(super) fn group_record_with(group: &Group, assignments: &BTreeMap<Rc<str>, Bytes>) -> Record {
    let protocol = group.protocol.as_deref();
    let members = group.members().iter().map(|(id, member)| MemberMetadata {
        member_id: id,
        group_instance_id: member.instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: protocol.and_then(|name| member.metadata(name)).map_or(&[], |bytes| bytes),
        assignment: assignments.get(id).map_or(&[], |bytes| bytes),
    });
    let value = GroupMetadataValue {
        protocol_type: group.protocol_type.as_deref().unwrap_or(""),
        generation: group.generation,
        protocol,
        leader: group.leader.as_deref(),
        current_state_timestamp: group.state_since_ms.unwrap_or(NO_TIMESTAMP),
        members: members.collect(),
    };
    (group_key(&group.id), Some(prefixed(GROUP_VALUE_VERSION, &value, GROUP_VALUE_VERSION)))
}

fn offset_key(group: &str, topic: &str, partition: i32) -> Vec<u8> {
    let key = OffsetCommitKey { group, topic, partition };
    prefixed(OffsetCommitKey::KEY, &key, KEY_VERSION)
}

fn group_key(group: &str) -> Vec<u8> {
    prefixed(GroupMetadataKey::KEY, &GroupMetadataKey { group }, KEY_VERSION)
}

fn prefixed<'a>(prefix: i16, message: &impl Message<'a>, version: i16) -> Vec<u8> {
    let mut out = Encoder::new();
    out.put_i16(prefix);
    message.encode(&mut out, version);
    // Requests and loaded records hold no longer strings than records do, and a member id is cut
    // to fit where it is made.
    out.into_vec().expect("the fields fit the format")
}

/// Reads a key.
pub fn decode_key(bytes: &[u8]) -> Result<Key<'_>> {
    let mut reader = Reader::new(bytes);
    let kind = reader.i16()?;
    match kind {
        LEGACY_OFFSET_KEY | OffsetCommitKey::KEY => {
            OffsetCommitKey::decode(reader.rest(), KEY_VERSION).map(Key::Offset)
        }
        GroupMetadataKey::KEY => {
            GroupMetadataKey::decode(reader.rest(), KEY_VERSION).map(Key::Group)
        }
        other if other > GroupMetadataKey::KEY => Ok(Key::Other(other)),
        _ => Err(DecodeError::Value),
    }
}

/// Reads a value of any version.
pub fn decode_value<'a, T: Message<'a>>(bytes: &'a [u8]) -> Result<T> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    T::decode(reader.rest(), version)
}

/// A timestamp field as an option.
pub(super) fn timestamp(value: i64) -> Option<i64> {
    (value != NO_TIMESTAMP).then_some(value)
}
