//! API 2, ListOffsets.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListOffsetsRequest<'a> {
    pub replica_id: i32,
    /// Versions 2+.
    pub isolation_level: i8,
    pub topics: Array<'a, ListOffsetsTopic<'a>>,
    /// Versions 10+.
    pub timeout_ms: i32,
}

impl<'a> Element<'a> for ListOffsetsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsRequest {
            replica_id: reader.i32()?,
            isolation_level: if version.number >= 2 { reader.i8()? } else { 0 },
            topics: Array::read(reader, version)?,
            timeout_ms: if version.number >= 10 { reader.i32()? } else { 0 },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.replica_id);
        if version.number >= 2 {
            out.put_i8(self.isolation_level);
        } else if self.isolation_level != 0 {
            out.unsupported("isolation_level");
        }
        self.topics.write(out, version);
        if version.number >= 10 {
            out.put_i32(self.timeout_ms);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ListOffsetsRequest<'a> {
    const NAME: &'static str = "ListOffsetsRequest";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 11;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Request<'a> for ListOffsetsRequest<'a> {
    type Response<'r> = ListOffsetsResponse<'r>;
    const API: ApiKey = ApiKey::ListOffsets;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListOffsetsResponse<'a> {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    pub topics: Array<'a, ListOffsetsTopicResponse<'a>>,
}

impl<'a> Element<'a> for ListOffsetsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsResponse {
            throttle_time_ms: if version.number >= 2 { reader.i32()? } else { 0 },
            topics: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 2 {
            out.put_i32(self.throttle_time_ms);
        }
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ListOffsetsResponse<'a> {
    const NAME: &'static str = "ListOffsetsResponse";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 11;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Response<'a> for ListOffsetsResponse<'a> {
    const API: ApiKey = ApiKey::ListOffsets;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListOffsetsTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, ListOffsetsPartition>,
}

impl<'a> Element<'a> for ListOffsetsTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsTopic {
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
pub struct ListOffsetsPartition {
    pub partition_index: i32,
    /// Versions 4+.
    pub current_leader_epoch: i32,
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        ListOffsetsPartition { partition_index: 0, current_leader_epoch: -1, timestamp: 0 }
    }
}

impl<'a> Element<'a> for ListOffsetsPartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsPartition {
            partition_index: reader.i32()?,
            current_leader_epoch: if version.number >= 4 { reader.i32()? } else { -1 },
            timestamp: reader.i64()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        if version.number >= 4 {
            out.put_i32(self.current_leader_epoch);
        }
        out.put_i64(self.timestamp);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListOffsetsTopicResponse<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, ListOffsetsPartitionResponse>,
}

impl<'a> Element<'a> for ListOffsetsTopicResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsTopicResponse {
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
pub struct ListOffsetsPartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    pub timestamp: i64,
    pub offset: i64,
    /// Versions 4+.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        ListOffsetsPartitionResponse {
            partition_index: 0,
            error_code: 0,
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl<'a> Element<'a> for ListOffsetsPartitionResponse {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListOffsetsPartitionResponse {
            partition_index: reader.i32()?,
            error_code: reader.i16()?,
            timestamp: reader.i64()?,
            offset: reader.i64()?,
            leader_epoch: if version.number >= 4 { reader.i32()? } else { -1 },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        out.put_i64(self.timestamp);
        out.put_i64(self.offset);
        if version.number >= 4 {
            out.put_i32(self.leader_epoch);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
