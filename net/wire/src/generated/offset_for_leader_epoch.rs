//! API 23, OffsetForLeaderEpoch.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetForLeaderEpochRequest<'a> {
    /// Versions 3+.
    pub replica_id: i32,
    pub topics: Array<'a, OffsetForLeaderTopic<'a>>,
}

impl Default for OffsetForLeaderEpochRequest<'_> {
    fn default() -> Self {
        OffsetForLeaderEpochRequest { replica_id: -2, topics: Array::EMPTY }
    }
}

impl<'a> Element<'a> for OffsetForLeaderEpochRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetForLeaderEpochRequest {
            replica_id: if version.number >= 3 { reader.i32()? } else { -2 },
            topics: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 3 {
            out.put_i32(self.replica_id);
        }
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetForLeaderEpochRequest<'a> {
    const NAME: &'static str = "OffsetForLeaderEpochRequest";
    const KEY: i16 = 23;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for OffsetForLeaderEpochRequest<'a> {
    type Response<'r> = OffsetForLeaderEpochResponse<'r>;
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetForLeaderEpochResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Array<'a, OffsetForLeaderTopicResult<'a>>,
}

impl<'a> Element<'a> for OffsetForLeaderEpochResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetForLeaderEpochResponse {
            throttle_time_ms: reader.i32()?,
            topics: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for OffsetForLeaderEpochResponse<'a> {
    const NAME: &'static str = "OffsetForLeaderEpochResponse";
    const KEY: i16 = 23;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for OffsetForLeaderEpochResponse<'a> {
    const API: ApiKey = ApiKey::OffsetForLeaderEpoch;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetForLeaderTopic<'a> {
    pub topic: &'a str,
    pub partitions: Array<'a, OffsetForLeaderPartition>,
}

impl<'a> Element<'a> for OffsetForLeaderTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetForLeaderTopic {
            topic: read_text(reader, version)?,
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.topic));
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetForLeaderPartition {
    pub partition: i32,
    pub current_leader_epoch: i32,
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        OffsetForLeaderPartition { partition: 0, current_leader_epoch: -1, leader_epoch: 0 }
    }
}

impl<'a> Element<'a> for OffsetForLeaderPartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetForLeaderPartition {
            partition: reader.i32()?,
            current_leader_epoch: reader.i32()?,
            leader_epoch: reader.i32()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition);
        out.put_i32(self.current_leader_epoch);
        out.put_i32(self.leader_epoch);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetForLeaderTopicResult<'a> {
    pub topic: &'a str,
    pub partitions: Array<'a, EpochEndOffset>,
}

impl<'a> Element<'a> for OffsetForLeaderTopicResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = OffsetForLeaderTopicResult {
            topic: read_text(reader, version)?,
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.topic));
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct EpochEndOffset {
    pub error_code: i16,
    pub partition: i32,
    pub leader_epoch: i32,
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        EpochEndOffset { error_code: 0, partition: 0, leader_epoch: -1, end_offset: -1 }
    }
}

impl<'a> Element<'a> for EpochEndOffset {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = EpochEndOffset {
            error_code: reader.i16()?,
            partition: reader.i32()?,
            leader_epoch: reader.i32()?,
            end_offset: reader.i64()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_i32(self.partition);
        out.put_i32(self.leader_epoch);
        out.put_i64(self.end_offset);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
