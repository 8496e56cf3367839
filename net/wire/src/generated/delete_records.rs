//! API 21, DeleteRecords.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsRequest<'a> {
    pub topics: Array<'a, DeleteRecordsTopic<'a>>,
    pub timeout_ms: i32,
}

impl<'a> Element<'a> for DeleteRecordsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsRequest {
            topics: Array::read(reader, version)?,
            timeout_ms: reader.i32()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.topics.write(out, version);
        out.put_i32(self.timeout_ms);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DeleteRecordsRequest<'a> {
    const NAME: &'static str = "DeleteRecordsRequest";
    const KEY: i16 = 21;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Request<'a> for DeleteRecordsRequest<'a> {
    type Response<'r> = DeleteRecordsResponse<'r>;
    const API: ApiKey = ApiKey::DeleteRecords;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Array<'a, DeleteRecordsTopicResult<'a>>,
}

impl<'a> Element<'a> for DeleteRecordsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsResponse {
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

impl<'a> Message<'a> for DeleteRecordsResponse<'a> {
    const NAME: &'static str = "DeleteRecordsResponse";
    const KEY: i16 = 21;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Response<'a> for DeleteRecordsResponse<'a> {
    const API: ApiKey = ApiKey::DeleteRecords;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, DeleteRecordsPartition>,
}

impl<'a> Element<'a> for DeleteRecordsTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsTopic {
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

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsPartition {
    pub partition_index: i32,
    pub offset: i64,
}

impl<'a> Element<'a> for DeleteRecordsPartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsPartition { partition_index: reader.i32()?, offset: reader.i64()? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.offset);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsTopicResult<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, DeleteRecordsPartitionResult>,
}

impl<'a> Element<'a> for DeleteRecordsTopicResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsTopicResult {
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

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteRecordsPartitionResult {
    pub partition_index: i32,
    pub low_watermark: i64,
    pub error_code: i16,
}

impl<'a> Element<'a> for DeleteRecordsPartitionResult {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteRecordsPartitionResult {
            partition_index: reader.i32()?,
            low_watermark: reader.i64()?,
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.low_watermark);
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
