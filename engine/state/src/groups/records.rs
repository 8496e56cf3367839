//! The records of `__consumer_offsets` in Kafka's bytes. Written: offset key 1, offset value 4 (1
//! if the client named a retention), group key 2, group value 3, as Kafka 4.3 does; read: all
//! versions Kafka ever wrote. Source: Kafka's `GroupCoordinatorRecordHelpers` and its
//! `OffsetCommit*`, `GroupMetadata*` schemas. Strings come from requests and loaded records, whose
//! lengths fit these formats; member ids are cut to fit where they are made.

use super::appends::OffsetKey;
use super::group::Group;
use super::member::Member;
use super::reply::Record;
use crate::offsets::CommittedOffset;
use bytes::Bytes;
use engine_base::Uuid;
use engine_base::codec::{DecodeError, Reader, Result, Write};
use std::collections::BTreeMap;
use std::rc::Rc;

const OFFSET_KEY: i16 = 1;
const GROUP_KEY: i16 = 2;
const OFFSET_VALUE: i16 = 4;
const OFFSET_VALUE_WITH_EXPIRY: i16 = 1;
const GROUP_VALUE: i16 = 3;
/// The first versions with compact strings and tagged fields, for both values.
const FLEXIBLE: i16 = 4;
const TOPIC_ID_TAG: u32 = 0;

/// A record's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key<'a> {
    Offset {
        group: &'a str,
        topic: &'a str,
        partition: i32,
    },
    Group {
        group: &'a str,
    },
    /// Of a kind of group that is not ours.
    Other(i16),
}

/// The value of an offset record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetValue<'a> {
    pub offset: i64,
    /// -1 for none.
    pub leader_epoch: i32,
    pub metadata: &'a str,
    pub commit_timestamp_ms: i64,
    pub expire_timestamp_ms: Option<i64>,
    /// Zero for none.
    pub topic_id: Uuid,
}

/// The value of a group record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupValue<'a> {
    pub protocol_type: &'a str,
    pub generation: i32,
    pub protocol: Option<&'a str>,
    pub leader: Option<&'a str>,
    pub state_timestamp_ms: Option<i64>,
    pub members: Vec<MemberValue<'a>>,
}

/// A member in a group record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberValue<'a> {
    pub member_id: &'a str,
    pub instance_id: Option<&'a str>,
    pub client_id: &'a str,
    pub client_host: &'a str,
    /// -1 for the session timeout.
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    pub subscription: &'a [u8],
    pub assignment: &'a [u8],
}

pub(super) fn offset_record(
    group: &str,
    topic: &str,
    partition: i32,
    entry: &CommittedOffset,
) -> Record {
    let value = OffsetValue {
        offset: entry.offset,
        leader_epoch: entry.leader_epoch,
        metadata: &entry.metadata,
        commit_timestamp_ms: entry.commit_timestamp_ms,
        expire_timestamp_ms: entry.expire_timestamp_ms,
        topic_id: entry.topic_id,
    };
    (offset_key(group, topic, partition), Some(encode_offset(&value)))
}

pub(super) fn offset_tombstone((group, topic, partition): &OffsetKey) -> Record {
    (offset_key(group, topic, *partition), None)
}

pub(super) fn group_tombstone(group: &str) -> Record {
    (group_key(group), None)
}

/// The first record of a group, which only keeps its name.
pub(super) fn new_group_record(group: &Group) -> Record {
    let value = GroupValue {
        protocol_type: "",
        generation: 0,
        protocol: None,
        leader: None,
        state_timestamp_ms: group.state_since_ms,
        members: Vec::new(),
    };
    (group_key(&group.id), Some(encode_group(&value)))
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
    let members = group.members().iter().map(|(id, member)| MemberValue {
        member_id: id,
        instance_id: member.instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        session_timeout_ms: member.session_timeout_ms,
        subscription: protocol.and_then(|name| member.metadata(name)).map_or(&[], |bytes| bytes),
        assignment: assignments.get(id).map_or(&[], |bytes| bytes),
    });
    let value = GroupValue {
        protocol_type: group.protocol_type.as_deref().unwrap_or(""),
        generation: group.generation,
        protocol,
        leader: group.leader.as_deref(),
        state_timestamp_ms: group.state_since_ms,
        members: members.collect(),
    };
    (group_key(&group.id), Some(encode_group(&value)))
}

fn offset_key(group: &str, topic: &str, partition: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + 2 + group.len() + 2 + topic.len() + 4);
    out.put_i16(OFFSET_KEY);
    out.put_string(group);
    out.put_string(topic);
    out.put_i32(partition);
    out
}

fn group_key(group: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + 2 + group.len());
    out.put_i16(GROUP_KEY);
    out.put_string(group);
    out
}

/// An offset value as Kafka 4.3 writes it.
pub fn encode_offset(value: &OffsetValue<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(50 + value.metadata.len());
    if let Some(expire_timestamp_ms) = value.expire_timestamp_ms {
        out.put_i16(OFFSET_VALUE_WITH_EXPIRY);
        out.put_i64(value.offset);
        out.put_string(value.metadata);
        out.put_i64(value.commit_timestamp_ms);
        out.put_i64(expire_timestamp_ms);
        return out;
    }
    out.put_i16(OFFSET_VALUE);
    out.put_i64(value.offset);
    out.put_i32(value.leader_epoch);
    out.put_compact_string(value.metadata);
    out.put_i64(value.commit_timestamp_ms);
    if value.topic_id.is_zero() {
        out.put_unsigned_varint(0);
    } else {
        out.put_unsigned_varint(1);
        out.put_unsigned_varint(TOPIC_ID_TAG);
        out.put_unsigned_varint(16);
        out.put_uuid(value.topic_id);
    }
    out
}

/// A group value as Kafka 4.3 writes it.
pub fn encode_group(value: &GroupValue<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i16(GROUP_VALUE);
    out.put_string(value.protocol_type);
    out.put_i32(value.generation);
    out.put_nullable_string(value.protocol);
    out.put_nullable_string(value.leader);
    out.put_i64(value.state_timestamp_ms.unwrap_or(-1));
    out.put_nullable_count(Some(value.members.len()));
    for member in &value.members {
        out.put_string(member.member_id);
        out.put_nullable_string(member.instance_id);
        out.put_string(member.client_id);
        out.put_string(member.client_host);
        out.put_i32(member.rebalance_timeout_ms);
        out.put_i32(member.session_timeout_ms);
        out.put_bytes(member.subscription);
        out.put_bytes(member.assignment);
    }
    out
}

/// Reads a key. Kafka ignores bytes after the last field, and so do we.
pub fn decode_key(bytes: &[u8]) -> Result<Key<'_>> {
    let mut reader = Reader::new(bytes);
    match reader.i16()? {
        // 0 and 1 differ only in the values Kafka once wrote with them.
        0 | OFFSET_KEY => {
            let (group, topic) = (reader.string()?, reader.string()?);
            Ok(Key::Offset { group, topic, partition: reader.i32()? })
        }
        GROUP_KEY => Ok(Key::Group { group: reader.string()? }),
        other if other > GROUP_KEY => Ok(Key::Other(other)),
        _ => Err(DecodeError::Value),
    }
}

/// Reads an offset value of versions 0 to 4.
pub fn decode_offset(bytes: &[u8]) -> Result<OffsetValue<'_>> {
    let mut reader = Reader::new(bytes);
    let version = version(&mut reader)?;
    let offset = reader.i64()?;
    let leader_epoch = if version >= 3 { reader.i32()? } else { -1 };
    let metadata = string(&mut reader, version)?;
    let commit_timestamp_ms = reader.i64()?;
    let expire = if version == OFFSET_VALUE_WITH_EXPIRY { reader.i64()? } else { -1 };
    let mut topic_id = Uuid::ZERO;
    if version >= FLEXIBLE {
        reader.tagged_fields(|tag, mut field| {
            if tag == TOPIC_ID_TAG {
                topic_id = field.uuid()?;
            }
            Ok(())
        })?;
    }
    let expire_timestamp_ms = (expire != -1).then_some(expire);
    Ok(OffsetValue {
        offset,
        leader_epoch,
        metadata,
        commit_timestamp_ms,
        expire_timestamp_ms,
        topic_id,
    })
}

/// Reads a group value of versions 0 to 4.
pub fn decode_group(bytes: &[u8]) -> Result<GroupValue<'_>> {
    let mut reader = Reader::new(bytes);
    let version = version(&mut reader)?;
    let protocol_type = string(&mut reader, version)?;
    let generation = reader.i32()?;
    let protocol = nullable_string(&mut reader, version)?;
    let leader = nullable_string(&mut reader, version)?;
    let timestamp = if version >= 2 { reader.i64()? } else { -1 };
    let count = match version >= FLEXIBLE {
        true => reader.compact_nullable_count()?,
        false => reader.nullable_count()?,
    };
    let mut members = Vec::new();
    for _ in 0..count.ok_or(DecodeError::Length)? {
        members.push(decode_member(&mut reader, version)?);
    }
    if version >= FLEXIBLE {
        reader.skip_tagged_fields()?;
    }
    let state_timestamp_ms = (timestamp != -1).then_some(timestamp);
    Ok(GroupValue { protocol_type, generation, protocol, leader, state_timestamp_ms, members })
}

fn decode_member<'a>(reader: &mut Reader<'a>, version: i16) -> Result<MemberValue<'a>> {
    let bytes = |reader: &mut Reader<'a>| match version >= FLEXIBLE {
        true => reader.compact_bytes(),
        false => reader.bytes(),
    };
    let member = MemberValue {
        member_id: string(reader, version)?,
        instance_id: if version >= 3 { nullable_string(reader, version)? } else { None },
        client_id: string(reader, version)?,
        client_host: string(reader, version)?,
        rebalance_timeout_ms: if version >= 1 { reader.i32()? } else { -1 },
        session_timeout_ms: reader.i32()?,
        subscription: bytes(reader)?,
        assignment: bytes(reader)?,
    };
    if version >= FLEXIBLE {
        reader.skip_tagged_fields()?;
    }
    Ok(member)
}

fn version(reader: &mut Reader<'_>) -> Result<i16> {
    let version = reader.i16()?;
    if (0..=FLEXIBLE).contains(&version) { Ok(version) } else { Err(DecodeError::Value) }
}

fn string<'a>(reader: &mut Reader<'a>, version: i16) -> Result<&'a str> {
    if version >= FLEXIBLE { reader.compact_string() } else { reader.string() }
}

fn nullable_string<'a>(reader: &mut Reader<'a>, version: i16) -> Result<Option<&'a str>> {
    if version >= FLEXIBLE { reader.compact_nullable_string() } else { reader.nullable_string() }
}
