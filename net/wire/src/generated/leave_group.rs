//! API 13, LeaveGroup.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct LeaveGroupRequest<'a> {
    pub group_id: &'a str,
    /// Versions 0-2.
    pub member_id: &'a str,
    /// Versions 3+.
    pub members: Array<'a, MemberIdentity<'a>>,
}

impl<'a> Element<'a> for LeaveGroupRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = LeaveGroupRequest {
            group_id: read_text(reader, version)?,
            member_id: if version.number <= 2 { read_text(reader, version)? } else { "" },
            members: if version.number >= 3 { Array::read(reader, version)? } else { Array::EMPTY },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        if version.number <= 2 {
            out.put_text(version, Some(self.member_id));
        } else if !self.member_id.is_empty() {
            out.unsupported("member_id");
        }
        if version.number >= 3 {
            self.members.write(out, version);
        } else if !self.members.is_empty() {
            out.unsupported("members");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for LeaveGroupRequest<'a> {
    const NAME: &'static str = "LeaveGroupRequest";
    const KEY: i16 = 13;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for LeaveGroupRequest<'a> {
    type Response<'r> = LeaveGroupResponse<'r>;
    const API: ApiKey = ApiKey::LeaveGroup;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct LeaveGroupResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Versions 3+.
    pub members: Array<'a, MemberResponse<'a>>,
}

impl<'a> Element<'a> for LeaveGroupResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = LeaveGroupResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            error_code: reader.i16()?,
            members: if version.number >= 3 { Array::read(reader, version)? } else { Array::EMPTY },
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
        if version.number >= 3 {
            self.members.write(out, version);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for LeaveGroupResponse<'a> {
    const NAME: &'static str = "LeaveGroupResponse";
    const KEY: i16 = 13;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for LeaveGroupResponse<'a> {
    const API: ApiKey = ApiKey::LeaveGroup;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct MemberIdentity<'a> {
    pub member_id: &'a str,
    pub group_instance_id: Option<&'a str>,
    /// Versions 5+.
    pub reason: Option<&'a str>,
}

impl<'a> Element<'a> for MemberIdentity<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MemberIdentity {
            member_id: read_text(reader, version)?,
            group_instance_id: read_nullable_text(reader, version)?,
            reason: if version.number >= 5 { read_nullable_text(reader, version)? } else { None },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        out.put_text(version, self.group_instance_id);
        if version.number >= 5 {
            out.put_text(version, self.reason);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct MemberResponse<'a> {
    pub member_id: &'a str,
    pub group_instance_id: Option<&'a str>,
    pub error_code: i16,
}

impl Default for MemberResponse<'_> {
    fn default() -> Self {
        MemberResponse { member_id: "", group_instance_id: Some(""), error_code: 0 }
    }
}

impl<'a> Element<'a> for MemberResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MemberResponse {
            member_id: read_text(reader, version)?,
            group_instance_id: read_nullable_text(reader, version)?,
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        out.put_text(version, self.group_instance_id);
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
