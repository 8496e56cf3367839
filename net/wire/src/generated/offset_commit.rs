//! API 8, OffsetCommit.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetCommitRequest<'a> {
    pub group_id: &'a str,
    pub generation_id_or_member_epoch: i32,
    pub member_id: &'a str,
    /// Versions 7+.
    pub group_instance_id: Option<&'a str>,
    /// Versions 2-4.
    pub retention_time_ms: i64,
    pub topics: Array<'a, OffsetCommitRequestTopic<'a>>,
}

impl Default for OffsetCommitRequest<'_> {
    fn default() -> Self {
        OffsetCommitRequest {
            group_id: "",
            generation_id_or_member_epoch: -1,
            member_id: "",
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for OffsetCommitRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitRequest {
            group_id: read_text(reader, version)?,
            generation_id_or_member_epoch: reader.i32()?,
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 7 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            retention_time_ms: if version.number <= 4 { reader.i64()? } else { -1 },
            topics: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        out.put_i32(self.generation_id_or_member_epoch);
        out.put_text(version, Some(self.member_id));
        if version.number >= 7 {
            out.put_text(version, self.group_instance_id);
        } else if self.group_instance_id.is_some() {
            out.unsupported("group_instance_id");
        }
        if version.number <= 4 {
            out.put_i64(self.retention_time_ms);
        }
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetCommitRequest<'a> {
    const NAME: &'static str = "OffsetCommitRequest";
    const KEY: i16 = 8;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 10;
    const FLEXIBLE_SINCE: i16 = 8;
}

impl<'a> Request<'a> for OffsetCommitRequest<'a> {
    type Response<'r> = OffsetCommitResponse<'r>;
    const API: ApiKey = ApiKey::OffsetCommit;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetCommitResponse<'a> {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    pub topics: Array<'a, OffsetCommitResponseTopic<'a>>,
}

impl<'a> Element<'a> for OffsetCommitResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitResponse {
            throttle_time_ms: if version.number >= 3 { reader.i32()? } else { 0 },
            topics: Array::read(reader, version)?,
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
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetCommitResponse<'a> {
    const NAME: &'static str = "OffsetCommitResponse";
    const KEY: i16 = 8;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 10;
    const FLEXIBLE_SINCE: i16 = 8;
}

impl<'a> Response<'a> for OffsetCommitResponse<'a> {
    const API: ApiKey = ApiKey::OffsetCommit;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetCommitRequestTopic<'a> {
    /// Versions 2-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, OffsetCommitRequestPartition<'a>>,
}

impl<'a> Element<'a> for OffsetCommitRequestTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitRequestTopic {
            name: if version.number <= 9 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
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
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetCommitRequestPartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Versions 6+.
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<&'a str>,
}

impl Default for OffsetCommitRequestPartition<'_> {
    fn default() -> Self {
        OffsetCommitRequestPartition {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(""),
        }
    }
}

impl<'a> Element<'a> for OffsetCommitRequestPartition<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitRequestPartition {
            partition_index: reader.i32()?,
            committed_offset: reader.i64()?,
            committed_leader_epoch: if version.number >= 6 { reader.i32()? } else { -1 },
            committed_metadata: read_nullable_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.committed_offset);
        if version.number >= 6 {
            out.put_i32(self.committed_leader_epoch);
        }
        out.put_text(version, self.committed_metadata);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetCommitResponseTopic<'a> {
    /// Versions 2-9.
    pub name: &'a str,
    /// Versions 10+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, OffsetCommitResponsePartition>,
}

impl<'a> Element<'a> for OffsetCommitResponseTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitResponseTopic {
            name: if version.number <= 9 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
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
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl<'a> Element<'a> for OffsetCommitResponsePartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetCommitResponsePartition {
            partition_index: reader.i32()?,
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
