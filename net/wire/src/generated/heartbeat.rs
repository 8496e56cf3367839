//! API 12, Heartbeat.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct HeartbeatRequest<'a> {
    pub group_id: &'a str,
    pub generation_id: i32,
    pub member_id: &'a str,
    /// Versions 3+.
    pub group_instance_id: Option<&'a str>,
}

impl<'a> Element<'a> for HeartbeatRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = HeartbeatRequest {
            group_id: read_text(reader, version)?,
            generation_id: reader.i32()?,
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 3 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        out.put_i32(self.generation_id);
        out.put_text(version, Some(self.member_id));
        if version.number >= 3 {
            out.put_text(version, self.group_instance_id);
        } else if self.group_instance_id.is_some() {
            out.unsupported("group_instance_id");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for HeartbeatRequest<'a> {
    const NAME: &'static str = "HeartbeatRequest";
    const KEY: i16 = 12;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for HeartbeatRequest<'a> {
    type Response<'r> = HeartbeatResponse;
    const API: ApiKey = ApiKey::Heartbeat;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct HeartbeatResponse {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl<'a> Element<'a> for HeartbeatResponse {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = HeartbeatResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for HeartbeatResponse {
    const NAME: &'static str = "HeartbeatResponse";
    const KEY: i16 = 12;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for HeartbeatResponse {
    const API: ApiKey = ApiKey::Heartbeat;
}
