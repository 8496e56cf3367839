//! API 14, SyncGroup.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{
    Array, Element, Message, Version, read_blob, read_nullable_text, read_text,
};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SyncGroupRequest<'a> {
    pub group_id: &'a str,
    pub generation_id: i32,
    pub member_id: &'a str,
    /// Versions 3+.
    pub group_instance_id: Option<&'a str>,
    /// Versions 5+.
    pub protocol_type: Option<&'a str>,
    /// Versions 5+.
    pub protocol_name: Option<&'a str>,
    pub assignments: Array<'a, SyncGroupRequestAssignment<'a>>,
}

impl<'a> Element<'a> for SyncGroupRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = SyncGroupRequest {
            group_id: read_text(reader, version)?,
            generation_id: reader.i32()?,
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 3 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            protocol_type: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            protocol_name: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            assignments: Array::read(reader, version)?,
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
        if version.number >= 5 {
            out.put_text(version, self.protocol_type);
        }
        if version.number >= 5 {
            out.put_text(version, self.protocol_name);
        }
        self.assignments.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for SyncGroupRequest<'a> {
    const NAME: &'static str = "SyncGroupRequest";
    const KEY: i16 = 14;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for SyncGroupRequest<'a> {
    type Response<'r> = SyncGroupResponse<'r>;
    const API: ApiKey = ApiKey::SyncGroup;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SyncGroupResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 5+.
    pub protocol_type: Option<&'a str>,
    /// Versions 5+.
    pub protocol_name: Option<&'a str>,
    pub assignment: &'a [u8],
}

impl<'a> Element<'a> for SyncGroupResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = SyncGroupResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            error_code: reader.i16()?,
            protocol_type: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            protocol_name: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            assignment: read_blob(reader, version)?,
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
        if version.number >= 5 {
            out.put_text(version, self.protocol_type);
        }
        if version.number >= 5 {
            out.put_text(version, self.protocol_name);
        }
        out.put_blob(version, Some(self.assignment));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for SyncGroupResponse<'a> {
    const NAME: &'static str = "SyncGroupResponse";
    const KEY: i16 = 14;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for SyncGroupResponse<'a> {
    const API: ApiKey = ApiKey::SyncGroup;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SyncGroupRequestAssignment<'a> {
    pub member_id: &'a str,
    pub assignment: &'a [u8],
}

impl<'a> Element<'a> for SyncGroupRequestAssignment<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = SyncGroupRequestAssignment {
            member_id: read_text(reader, version)?,
            assignment: read_blob(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        out.put_blob(version, Some(self.assignment));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
