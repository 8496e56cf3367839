//! API 35, DescribeLogDirs.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeLogDirsRequest<'a> {
    pub topics: Option<Array<'a, DescribableLogDirTopic<'a>>>,
}

impl Default for DescribeLogDirsRequest<'_> {
    fn default() -> Self {
        DescribeLogDirsRequest { topics: Some(Array::EMPTY) }
    }
}

impl<'a> Element<'a> for DescribeLogDirsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeLogDirsRequest { topics: Array::read_nullable(reader, version)? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        Array::write_nullable(self.topics.as_ref(), out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DescribeLogDirsRequest<'a> {
    const NAME: &'static str = "DescribeLogDirsRequest";
    const KEY: i16 = 35;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Request<'a> for DescribeLogDirsRequest<'a> {
    type Response<'r> = DescribeLogDirsResponse<'r>;
    const API: ApiKey = ApiKey::DescribeLogDirs;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeLogDirsResponse<'a> {
    pub throttle_time_ms: i32,
    /// Versions 3+.
    pub error_code: i16,
    pub results: Array<'a, DescribeLogDirsResult<'a>>,
}

impl<'a> Element<'a> for DescribeLogDirsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeLogDirsResponse {
            throttle_time_ms: reader.i32()?,
            error_code: if version.number >= 3 { reader.i16()? } else { 0 },
            results: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        if version.number >= 3 {
            out.put_i16(self.error_code);
        }
        self.results.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DescribeLogDirsResponse<'a> {
    const NAME: &'static str = "DescribeLogDirsResponse";
    const KEY: i16 = 35;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Response<'a> for DescribeLogDirsResponse<'a> {
    const API: ApiKey = ApiKey::DescribeLogDirs;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribableLogDirTopic<'a> {
    pub topic: &'a str,
    pub partitions: Array<'a, i32>,
}

impl<'a> Element<'a> for DescribableLogDirTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribableLogDirTopic {
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
pub struct DescribeLogDirsResult<'a> {
    pub error_code: i16,
    pub log_dir: &'a str,
    pub topics: Array<'a, DescribeLogDirsTopic<'a>>,
    /// Versions 4+.
    pub total_bytes: i64,
    /// Versions 4+.
    pub usable_bytes: i64,
    /// Versions 5+.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult<'_> {
    fn default() -> Self {
        DescribeLogDirsResult {
            error_code: 0,
            log_dir: "",
            topics: Array::EMPTY,
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: false,
        }
    }
}

impl<'a> Element<'a> for DescribeLogDirsResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeLogDirsResult {
            error_code: reader.i16()?,
            log_dir: read_text(reader, version)?,
            topics: Array::read(reader, version)?,
            total_bytes: if version.number >= 4 { reader.i64()? } else { -1 },
            usable_bytes: if version.number >= 4 { reader.i64()? } else { -1 },
            is_cordoned: if version.number >= 5 { reader.bool()? } else { false },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_text(version, Some(self.log_dir));
        self.topics.write(out, version);
        if version.number >= 4 {
            out.put_i64(self.total_bytes);
        }
        if version.number >= 4 {
            out.put_i64(self.usable_bytes);
        }
        if version.number >= 5 {
            out.put_bool(self.is_cordoned);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeLogDirsTopic<'a> {
    pub name: &'a str,
    pub partitions: Array<'a, DescribeLogDirsPartition>,
}

impl<'a> Element<'a> for DescribeLogDirsTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeLogDirsTopic {
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
pub struct DescribeLogDirsPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    pub offset_lag: i64,
    pub is_future_key: bool,
}

impl<'a> Element<'a> for DescribeLogDirsPartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeLogDirsPartition {
            partition_index: reader.i32()?,
            partition_size: reader.i64()?,
            offset_lag: reader.i64()?,
            is_future_key: reader.bool()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i64(self.partition_size);
        out.put_i64(self.offset_lag);
        out.put_bool(self.is_future_key);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
