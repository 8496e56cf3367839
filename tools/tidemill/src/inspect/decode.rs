//! What a record says: text, or the decoded form of Kafka's internal topics.

use crate::output::time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine_base::codec::{DecodeError, Reader};
use engine_base::message::Message;
use engine_record::{ControlType, EndMarker, Record};
use engine_state::generated::AnyRecord;
use engine_state::generated::group_metadata::GroupMetadataValue;
use engine_state::generated::leader_change::LeaderChangeMessage;
use engine_state::generated::offset_commit::OffsetCommitValue;
use engine_state::generated::snapshot_footer::SnapshotFooterRecord;
use engine_state::generated::snapshot_header::SnapshotHeaderRecord;
use engine_state::groups::records::{Key, decode_key, decode_value};
use serde::Serialize;
use std::path::Path;

/// What the records of a file are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Plain,
    /// `__cluster_metadata` and its snapshots.
    Metadata,
    /// `__consumer_offsets`.
    Offsets,
}

impl Content {
    /// Judges by the name of the partition's directory.
    pub fn of_directory(directory: &Path) -> Content {
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name.rsplit_once('-').map(|(topic, _)| topic) {
            Some("__cluster_metadata") => Content::Metadata,
            Some("__consumer_offsets") => Content::Offsets,
            _ => Content::Plain,
        }
    }
}

#[derive(Serialize)]
pub struct RecordItem {
    offset: i64,
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<String>,
    /// Text, or base64 under `..._base64`.
    #[serde(flatten)]
    key: Field<Keyed>,
    #[serde(flatten)]
    value: Field<Valued>,
    headers: Vec<(String, Option<String>)>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Field<T> {
    Shown(T),
    Hidden {},
}

#[derive(Serialize)]
#[serde(untagged)]
enum Keyed {
    Text { key: Option<String> },
    Bytes { key_base64: String },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Valued {
    Text { value: Option<String> },
    Bytes { value_base64: String },
}

impl RecordItem {
    pub fn text(&self) -> String {
        let mut text = format!("    {}  {}", self.offset, time::utc(self.timestamp));
        if let Some(decoded) = &self.decoded {
            return format!("{text}  {decoded}");
        }
        match &self.key {
            Field::Shown(Keyed::Text { key: Some(key) }) => {
                text.push_str(&format!("  key {key:?}"))
            }
            Field::Shown(Keyed::Bytes { key_base64 }) => {
                text.push_str(&format!("  key base64:{key_base64}"));
            }
            _ => {}
        }
        match &self.value {
            Field::Shown(Valued::Text { value: Some(value) }) => {
                text.push_str(&format!("  {value:?}"));
            }
            Field::Shown(Valued::Bytes { value_base64 }) => {
                text.push_str(&format!("  base64:{value_base64}"));
            }
            _ => text.push_str("  null"),
        }
        for (key, value) in &self.headers {
            let value = value.as_deref().unwrap_or("null");
            text.push_str(&format!("  header {key:?}={value:?}"));
        }
        text
    }
}

pub fn explain(record: &Record<'_>, content: Content, control: bool) -> RecordItem {
    let undecodable = |error: DecodeError| format!("cannot be decoded: {error}");
    let decoded = if control {
        Some(control_text(record).unwrap_or_else(undecodable))
    } else {
        match content {
            Content::Plain => None,
            Content::Metadata => Some(metadata_text(record).unwrap_or_else(undecodable)),
            Content::Offsets => Some(offsets_text(record).unwrap_or_else(undecodable)),
        }
    };
    let plain = decoded.is_none();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
    let key = match record.key.map(text) {
        None => Keyed::Text { key: None },
        Some(Ok(key)) => Keyed::Text { key: Some(key) },
        Some(Err(error)) => Keyed::Bytes { key_base64: STANDARD.encode(error.as_bytes()) },
    };
    let value = match record.value.map(text) {
        None => Valued::Text { value: None },
        Some(Ok(value)) => Valued::Text { value: Some(value) },
        Some(Err(error)) => Valued::Bytes { value_base64: STANDARD.encode(error.as_bytes()) },
    };
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    RecordItem {
        offset: record.offset.0,
        timestamp: record.timestamp,
        decoded,
        key: if plain { Field::Shown(key) } else { Field::Hidden {} },
        value: if plain { Field::Shown(value) } else { Field::Hidden {} },
        headers: record.headers.map(|h| (lossy(h.key), h.value.map(lossy))).collect(),
    }
}

fn control_text(record: &Record<'_>) -> Result<String, DecodeError> {
    let kind = ControlType::from_key(record.key.unwrap_or_default())?;
    let value = record.value.unwrap_or_default();
    Ok(match kind {
        ControlType::Abort | ControlType::Commit => {
            let marker = EndMarker::from_value(value)?;
            format!("{kind:?} by coordinator epoch {}", marker.coordinator_epoch)
        }
        ControlType::LeaderChange => format!("{:?}", newest::<LeaderChangeMessage<'_>>(value)?),
        ControlType::SnapshotHeader => format!("{:?}", newest::<SnapshotHeaderRecord>(value)?),
        ControlType::SnapshotFooter => format!("{:?}", newest::<SnapshotFooterRecord>(value)?),
        ControlType::KRaftVersion | ControlType::KRaftVoters | ControlType::Unknown(_) => {
            format!("{kind:?}, {} bytes", value.len())
        }
    })
}

/// Control records begin with their version and are read in it.
fn newest<'a, M: Message<'a>>(value: &'a [u8]) -> Result<M, DecodeError> {
    let version = Reader::new(value).i16()?;
    M::decode(value, version.clamp(M::VERSION_MIN, M::VERSION_MAX))
}

/// Frame version, type and version as varints, then the record.
/// Source: Kafka's `MetadataRecordSerde`.
fn metadata_text(record: &Record<'_>) -> Result<String, DecodeError> {
    const FRAME_VERSION: u32 = 1;
    let mut reader = Reader::new(record.value.unwrap_or_default());
    if reader.unsigned_varint()? != FRAME_VERSION {
        return Err(DecodeError::Value);
    }
    let narrow = |number: u32| i16::try_from(number).map_err(|_| DecodeError::Value);
    let key = narrow(reader.unsigned_varint()?)?;
    let version = narrow(reader.unsigned_varint()?)?;
    let body = reader.rest();
    match AnyRecord::decode(key, body, version) {
        Ok(record) => {
            // The variant repeats the name of the struct in it.
            let text = format!("{record:?}");
            let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            Ok(inner.unwrap_or(&text).to_owned())
        }
        // Kafka has more types than this broker needs.
        Err(DecodeError::Value) => {
            Ok(format!("record of type {key} version {version}, {} bytes", body.len()))
        }
        Err(error) => Err(error),
    }
}

fn offsets_text(record: &Record<'_>) -> Result<String, DecodeError> {
    Ok(match decode_key(record.key.unwrap_or_default())? {
        Key::Offset(key) => {
            let place = format!("group {:?} {}-{}", key.group, key.topic, key.partition);
            match record.value {
                None => format!("{place}: offset removed"),
                Some(value) => {
                    let value: OffsetCommitValue<'_> = decode_value(value)?;
                    let at = time::utc(value.commit_timestamp);
                    let mut text = format!("{place}: offset {} committed {at}", value.offset);
                    if !value.metadata.is_empty() {
                        text.push_str(&format!(" metadata {:?}", value.metadata));
                    }
                    text
                }
            }
        }
        Key::Group(key) => match record.value {
            None => format!("group {:?}: removed", key.group),
            Some(value) => {
                let value: GroupMetadataValue<'_> = decode_value(value)?;
                let members: Vec<String> =
                    value.members.iter().map(|member| member.member_id.to_owned()).collect();
                format!(
                    "group {:?}: generation {} {} {} leader {} members [{}]",
                    key.group,
                    value.generation,
                    value.protocol_type,
                    value.protocol.unwrap_or("-"),
                    value.leader.unwrap_or("-"),
                    members.join(", ")
                )
            }
        },
        Key::Other(version) => {
            let size = record.value.map_or(0, <[u8]>::len);
            format!("key of version {version} (another kind of group), {size} bytes")
        }
    })
}
