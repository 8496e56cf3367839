//! API 11, JoinGroup.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{
    Array, Element, Message, Version, read_blob, read_nullable_text, read_text,
};

#[derive(Clone, PartialEq, Debug)]
pub struct JoinGroupRequest<'a> {
    pub group_id: &'a str,
    pub session_timeout_ms: i32,
    /// Versions 1+.
    pub rebalance_timeout_ms: i32,
    pub member_id: &'a str,
    /// Versions 5+.
    pub group_instance_id: Option<&'a str>,
    pub protocol_type: &'a str,
    pub protocols: Array<'a, JoinGroupRequestProtocol<'a>>,
    /// Versions 8+.
    pub reason: Option<&'a str>,
}

impl Default for JoinGroupRequest<'_> {
    fn default() -> Self {
        JoinGroupRequest {
            group_id: "",
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: "",
            group_instance_id: None,
            protocol_type: "",
            protocols: Array::EMPTY,
            reason: None,
        }
    }
}

impl<'a> Element<'a> for JoinGroupRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = JoinGroupRequest {
            group_id: read_text(reader, version)?,
            session_timeout_ms: reader.i32()?,
            rebalance_timeout_ms: if version.number >= 1 { reader.i32()? } else { -1 },
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            protocol_type: read_text(reader, version)?,
            protocols: Array::read(reader, version)?,
            reason: if version.number >= 8 { read_nullable_text(reader, version)? } else { None },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        out.put_i32(self.session_timeout_ms);
        if version.number >= 1 {
            out.put_i32(self.rebalance_timeout_ms);
        }
        out.put_text(version, Some(self.member_id));
        if version.number >= 5 {
            out.put_text(version, self.group_instance_id);
        } else if self.group_instance_id.is_some() {
            out.unsupported("group_instance_id");
        }
        out.put_text(version, Some(self.protocol_type));
        self.protocols.write(out, version);
        if version.number >= 8 {
            out.put_text(version, self.reason);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for JoinGroupRequest<'a> {
    const NAME: &'static str = "JoinGroupRequest";
    const KEY: i16 = 11;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 9;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Request<'a> for JoinGroupRequest<'a> {
    type Response<'r> = JoinGroupResponse<'r>;
    const API: ApiKey = ApiKey::JoinGroup;
}

#[derive(Clone, PartialEq, Debug)]
pub struct JoinGroupResponse<'a> {
    /// Versions 2+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub generation_id: i32,
    /// Versions 7+.
    pub protocol_type: Option<&'a str>,
    /// Null in 7+.
    pub protocol_name: Option<&'a str>,
    pub leader: &'a str,
    /// Versions 9+.
    pub skip_assignment: bool,
    pub member_id: &'a str,
    pub members: Array<'a, JoinGroupResponseMember<'a>>,
}

impl Default for JoinGroupResponse<'_> {
    fn default() -> Self {
        JoinGroupResponse {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(""),
            leader: "",
            skip_assignment: false,
            member_id: "",
            members: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for JoinGroupResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = JoinGroupResponse {
            throttle_time_ms: if version.number >= 2 { reader.i32()? } else { 0 },
            error_code: reader.i16()?,
            generation_id: reader.i32()?,
            protocol_type: if version.number >= 7 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            protocol_name: if version.number >= 7 {
                read_nullable_text(reader, version)?
            } else {
                Some(read_text(reader, version)?)
            },
            leader: read_text(reader, version)?,
            skip_assignment: if version.number >= 9 { reader.bool()? } else { false },
            member_id: read_text(reader, version)?,
            members: Array::read(reader, version)?,
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
        out.put_i16(self.error_code);
        out.put_i32(self.generation_id);
        if version.number >= 7 {
            out.put_text(version, self.protocol_type);
        }
        out.put_text(
            version,
            if version.number >= 7 {
                self.protocol_name
            } else {
                Some(self.protocol_name.unwrap_or_default())
            },
        );
        out.put_text(version, Some(self.leader));
        if version.number >= 9 {
            out.put_bool(self.skip_assignment);
        }
        out.put_text(version, Some(self.member_id));
        self.members.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for JoinGroupResponse<'a> {
    const NAME: &'static str = "JoinGroupResponse";
    const KEY: i16 = 11;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 9;
    const FLEXIBLE_SINCE: i16 = 6;
}

impl<'a> Response<'a> for JoinGroupResponse<'a> {
    const API: ApiKey = ApiKey::JoinGroup;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct JoinGroupRequestProtocol<'a> {
    pub name: &'a str,
    pub metadata: &'a [u8],
}

impl<'a> Element<'a> for JoinGroupRequestProtocol<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = JoinGroupRequestProtocol {
            name: read_text(reader, version)?,
            metadata: read_blob(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_blob(version, Some(self.metadata));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct JoinGroupResponseMember<'a> {
    pub member_id: &'a str,
    /// Versions 5+.
    pub group_instance_id: Option<&'a str>,
    pub metadata: &'a [u8],
}

impl<'a> Element<'a> for JoinGroupResponseMember<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = JoinGroupResponseMember {
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            metadata: read_blob(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        if version.number >= 5 {
            out.put_text(version, self.group_instance_id);
        }
        out.put_blob(version, Some(self.metadata));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
