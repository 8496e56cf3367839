//! API 37, CreatePartitions.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatePartitionsRequest<'a> {
    pub topics: Array<'a, CreatePartitionsTopic<'a>>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl<'a> Element<'a> for CreatePartitionsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatePartitionsRequest {
            topics: Array::read(reader, version)?,
            timeout_ms: reader.i32()?,
            validate_only: reader.bool()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.topics.write(out, version);
        out.put_i32(self.timeout_ms);
        out.put_bool(self.validate_only);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for CreatePartitionsRequest<'a> {
    const NAME: &'static str = "CreatePartitionsRequest";
    const KEY: i16 = 37;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Request<'a> for CreatePartitionsRequest<'a> {
    type Response<'r> = CreatePartitionsResponse<'r>;
    const API: ApiKey = ApiKey::CreatePartitions;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatePartitionsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Array<'a, CreatePartitionsTopicResult<'a>>,
}

impl<'a> Element<'a> for CreatePartitionsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatePartitionsResponse {
            throttle_time_ms: reader.i32()?,
            results: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        self.results.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for CreatePartitionsResponse<'a> {
    const NAME: &'static str = "CreatePartitionsResponse";
    const KEY: i16 = 37;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Response<'a> for CreatePartitionsResponse<'a> {
    const API: ApiKey = ApiKey::CreatePartitions;
}

#[derive(Clone, PartialEq, Debug)]
pub struct CreatePartitionsTopic<'a> {
    pub name: &'a str,
    pub count: i32,
    pub assignments: Option<Array<'a, CreatePartitionsAssignment<'a>>>,
}

impl Default for CreatePartitionsTopic<'_> {
    fn default() -> Self {
        CreatePartitionsTopic { name: "", count: 0, assignments: Some(Array::EMPTY) }
    }
}

impl<'a> Element<'a> for CreatePartitionsTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatePartitionsTopic {
            name: read_text(reader, version)?,
            count: reader.i32()?,
            assignments: Array::read_nullable(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i32(self.count);
        Array::write_nullable(self.assignments.as_ref(), out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatePartitionsAssignment<'a> {
    pub broker_ids: Array<'a, i32>,
}

impl<'a> Element<'a> for CreatePartitionsAssignment<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatePartitionsAssignment { broker_ids: Array::read(reader, version)? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.broker_ids.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatePartitionsTopicResult<'a> {
    pub name: &'a str,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
}

impl<'a> Element<'a> for CreatePartitionsTopicResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatePartitionsTopicResult {
            name: read_text(reader, version)?,
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
