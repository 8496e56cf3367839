//! API 47, OffsetDelete.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteRequest<'a> {
    pub group_id: &'a str,
    pub topics: Array<'a, OffsetDeleteRequestTopic<'a>>,
}

impl<'a> Element<'a> for OffsetDeleteRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(OffsetDeleteRequest {
            group_id: read_text(reader, version)?,
            topics: Array::read(reader, version)?,
        })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        self.topics.write(out, version);
    }
}

impl<'a> Message<'a> for OffsetDeleteRequest<'a> {
    const NAME: &'static str = "OffsetDeleteRequest";
    const KEY: i16 = 47;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = i16::MAX;
}

impl<'a> Request<'a> for OffsetDeleteRequest<'a> {
    type Response<'r> = OffsetDeleteResponse<'r>;
    const API: ApiKey = ApiKey::OffsetDelete;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteResponse<'a> {
    pub error_code: i16,
    pub throttle_time_ms: i32,
    pub topics: Array<'a, OffsetDeleteResponseTopic<'a>>,
}

impl<'a> Element<'a> for OffsetDeleteResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(OffsetDeleteResponse {
            error_code: reader.i16()?,
            throttle_time_ms: reader.i32()?,
            topics: Array::read(reader, version)?,
        })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_i32(self.throttle_time_ms);
        self.topics.write(out, version);
    }
}

impl<'a> Message<'a> for OffsetDeleteResponse<'a> {
    const NAME: &'static str = "OffsetDeleteResponse";
    const KEY: i16 = 47;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = i16::MAX;
}

impl<'a> Response<'a> for OffsetDeleteResponse<'a> {
    const API: ApiKey = ApiKey::OffsetDelete;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteRequestTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, OffsetDeleteRequestPartition>,
}

impl<'a> Element<'a> for OffsetDeleteRequestTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(OffsetDeleteRequestTopic {
            name: read_text(reader, version)?,
            partitions: Array::read(reader, version)?,
        })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        self.partitions.write(out, version);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteRequestPartition {
    pub partition_index: i32,
}

impl<'a> Element<'a> for OffsetDeleteRequestPartition {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        Ok(OffsetDeleteRequestPartition { partition_index: reader.i32()? })
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.partition_index);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteResponseTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, OffsetDeleteResponsePartition>,
}

impl<'a> Element<'a> for OffsetDeleteResponseTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(OffsetDeleteResponseTopic {
            name: read_text(reader, version)?,
            partitions: Array::read(reader, version)?,
        })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        self.partitions.write(out, version);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetDeleteResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl<'a> Element<'a> for OffsetDeleteResponsePartition {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        Ok(OffsetDeleteResponsePartition {
            partition_index: reader.i32()?,
            error_code: reader.i16()?,
        })
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
    }
}
