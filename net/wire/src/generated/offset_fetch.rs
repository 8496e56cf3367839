//! API 9, OffsetFetch.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetFetchRequest<'a> {
    /// Versions 1-7.
    pub group_id: &'a str,
    /// Versions 1-7, null in 2+.
    pub topics: Option<Array<'a, OffsetFetchRequestTopic<'a>>>,
    /// Versions 8+.
    pub groups: Array<'a, OffsetFetchRequestGroup<'a>>,
    /// Versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest<'_> {
    fn default() -> Self {
        OffsetFetchRequest {
            group_id: "",
            topics: Some(Array::EMPTY),
            groups: Array::EMPTY,
            require_stable: false,
        }
    }
}

impl<'a> Element<'a> for OffsetFetchRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchRequest {
            group_id: if version.number <= 7 { read_text(reader, version)? } else { "" },
            topics: if version.number <= 7 {
                if version.number >= 2 {
                    Array::read_nullable(reader, version)?
                } else {
                    Some(Array::read(reader, version)?)
                }
            } else {
                Some(Array::EMPTY)
            },
            groups: if version.number >= 8 { Array::read(reader, version)? } else { Array::EMPTY },
            require_stable: if version.number >= 7 { reader.bool()? } else { false },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 7 {
            out.put_text(version, Some(self.group_id));
        } else if !self.group_id.is_empty() {
            out.unsupported("group_id");
        }
        if version.number <= 7 {
            if version.number >= 2 {
                Array::write_nullable(self.topics.as_ref(), out, version);
            } else {
                match &self.topics {
                    Some(value) => value.write(out, version),
                    None => out.null("topics"),
                }
            }
        } else if self.topics.as_ref().is_none_or(|items| !items.is_empty()) {
            out.unsupported("topics");
        }
        if version.number >= 8 {
            self.groups.write(out, version);
        } else if !self.groups.is_empty() {
            out.unsupported("groups");
        }
        if version.number >= 7 {
            out.put_bool(self.require_stable);
        } else if self.require_stable {
            out.unsupported("require_stable");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetFetchRequest<'a> {
    const NAME: &'static str = "OffsetFetchRequest";
    const KEY: i16 = 9;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 10;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Request<'a> for OffsetFetchRequest<'a> {
    type Response<'r> = OffsetFetchResponse<'r>;
    const API: ApiKey = ApiKey::OffsetFetch;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchResponse<'a> {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    /// Versions 1-7.
    pub topics: Array<'a, OffsetFetchResponseTopic<'a>>,
    /// Versions 2-7.
    pub error_code: i16,
    /// Versions 8+.
    pub groups: Array<'a, OffsetFetchResponseGroup<'a>>,
}

impl<'a> Element<'a> for OffsetFetchResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponse {
            throttle_time_ms: if version.number >= 3 { reader.i32()? } else { 0 },
            topics: if version.number <= 7 { Array::read(reader, version)? } else { Array::EMPTY },
            error_code: if (2..=7).contains(&version.number) { reader.i16()? } else { 0 },
            groups: if version.number >= 8 { Array::read(reader, version)? } else { Array::EMPTY },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 3 {
            out.put_i32(self.throttle_time_ms);
        }
        if version.number <= 7 {
            self.topics.write(out, version);
        }
        if (2..=7).contains(&version.number) {
            out.put_i16(self.error_code);
        }
        if version.number >= 8 {
            self.groups.write(out, version);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetFetchResponse<'a> {
    const NAME: &'static str = "OffsetFetchResponse";
    const KEY: i16 = 9;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 10;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Response<'a> for OffsetFetchResponse<'a> {
    const API: ApiKey = ApiKey::OffsetFetch;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchRequestTopic<'a> {
    pub name: &'a str,
    pub partition_indexes: Array<'a, i32>,
}

impl<'a> Element<'a> for OffsetFetchRequestTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchRequestTopic {
            name: read_text(reader, version)?,
            partition_indexes: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        self.partition_indexes.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetFetchRequestGroup<'a> {
    pub group_id: &'a str,
    /// Versions 9+.
    pub member_id: Option<&'a str>,
    /// Versions 9+.
    pub member_epoch: i32,
    pub topics: Option<Array<'a, OffsetFetchRequestTopics<'a>>>,
}

impl Default for OffsetFetchRequestGroup<'_> {
    fn default() -> Self {
        OffsetFetchRequestGroup {
            group_id: "",
            member_id: None,
            member_epoch: -1,
            topics: Some(Array::EMPTY),
        }
    }
}

impl<'a> Element<'a> for OffsetFetchRequestGroup<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchRequestGroup {
            group_id: read_text(reader, version)?,
            member_id: if version.number >= 9 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            member_epoch: if version.number >= 9 { reader.i32()? } else { -1 },
            topics: Array::read_nullable(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        if version.number >= 9 {
            out.put_text(version, self.member_id);
        }
        if version.number >= 9 {
            out.put_i32(self.member_epoch);
        }
        Array::write_nullable(self.topics.as_ref(), out, version);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchRequestTopics<'a> {
    /// Versions 8-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: Uuid,
    pub partition_indexes: Array<'a, i32>,
}

impl<'a> Element<'a> for OffsetFetchRequestTopics<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchRequestTopics {
            name: if version.number <= 9 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            partition_indexes: Array::read(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 9 {
            out.put_text(version, Some(self.name));
        }
        if version.number >= 10 {
            out.put_uuid(self.topic_id);
        }
        self.partition_indexes.write(out, version);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchResponseTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, OffsetFetchResponsePartition<'a>>,
}

impl<'a> Element<'a> for OffsetFetchResponseTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponseTopic {
            name: read_text(reader, version)?,
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetFetchResponsePartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Versions 5+.
    pub committed_leader_epoch: i32,
    pub metadata: Option<&'a str>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition<'_> {
    fn default() -> Self {
        OffsetFetchResponsePartition {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(""),
            error_code: 0,
        }
    }
}

impl<'a> Element<'a> for OffsetFetchResponsePartition<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponsePartition {
            partition_index: reader.i32()?,
            committed_offset: reader.i64()?,
            committed_leader_epoch: if version.number >= 5 { reader.i32()? } else { -1 },
            metadata: read_nullable_text(reader, version)?,
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        if version.number >= 5 {
            out.put_i32(self.committed_leader_epoch);
        }
        out.put_text(version, self.metadata);
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchResponseGroup<'a> {
    pub group_id: &'a str,
    pub topics: Array<'a, OffsetFetchResponseTopics<'a>>,
    pub error_code: i16,
}

impl<'a> Element<'a> for OffsetFetchResponseGroup<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponseGroup {
            group_id: read_text(reader, version)?,
            topics: Array::read(reader, version)?,
            error_code: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        self.topics.write(out, version);
        out.put_i16(self.error_code);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetFetchResponseTopics<'a> {
    /// Versions 8-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, OffsetFetchResponsePartitions<'a>>,
}

impl<'a> Element<'a> for OffsetFetchResponseTopics<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponseTopics {
            name: if version.number <= 9 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 9 {
            out.put_text(version, Some(self.name));
        }
        if version.number >= 10 {
            out.put_uuid(self.topic_id);
        }
        self.partitions.write(out, version);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetFetchResponsePartitions<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<&'a str>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions<'_> {
    fn default() -> Self {
        OffsetFetchResponsePartitions {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(""),
            error_code: 0,
        }
    }
}

impl<'a> Element<'a> for OffsetFetchResponsePartitions<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetFetchResponsePartitions {
            partition_index: reader.i32()?,
            committed_offset: reader.i64()?,
            committed_leader_epoch: reader.i32()?,
            metadata: read_nullable_text(reader, version)?,
            error_code: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        out.put_i32(self.committed_leader_epoch);
        out.put_text(version, self.metadata);
        out.put_i16(self.error_code);
        out.put_unsigned_varint(0);
    }
}
