//! API 15, DescribeGroups.
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
pub struct DescribeGroupsRequest<'a> {
    pub groups: Array<'a, &'a str>,
    /// Versions 3+.
    pub include_authorized_operations: bool,
}

impl<'a> Element<'a> for DescribeGroupsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeGroupsRequest {
            groups: Array::read(reader, version)?,
            include_authorized_operations: if version.number >= 3 { reader.bool()? } else { false },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.groups.write(out, version);
        if version.number >= 3 {
            out.put_bool(self.include_authorized_operations);
        } else if self.include_authorized_operations {
            out.unsupported("include_authorized_operations");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DescribeGroupsRequest<'a> {
    const NAME: &'static str = "DescribeGroupsRequest";
    const KEY: i16 = 15;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 5;
}

impl<'a> Request<'a> for DescribeGroupsRequest<'a> {
    type Response<'r> = DescribeGroupsResponse<'r>;
    const API: ApiKey = ApiKey::DescribeGroups;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeGroupsResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub groups: Array<'a, DescribedGroup<'a>>,
}

impl<'a> Element<'a> for DescribeGroupsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeGroupsResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            groups: Array::read(reader, version)?,
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
        self.groups.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DescribeGroupsResponse<'a> {
    const NAME: &'static str = "DescribeGroupsResponse";
    const KEY: i16 = 15;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 5;
}

impl<'a> Response<'a> for DescribeGroupsResponse<'a> {
    const API: ApiKey = ApiKey::DescribeGroups;
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribedGroup<'a> {
    pub error_code: i16,
    /// Versions 6+.
    pub error_message: Option<&'a str>,
    pub group_id: &'a str,
    pub group_state: &'a str,
    pub protocol_type: &'a str,
    pub protocol_data: &'a str,
    pub members: Array<'a, DescribedGroupMember<'a>>,
    /// Versions 3+.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup<'_> {
    fn default() -> Self {
        DescribedGroup {
            error_code: 0,
            error_message: None,
            group_id: "",
            group_state: "",
            protocol_type: "",
            protocol_data: "",
            members: Array::EMPTY,
            authorized_operations: i32::MIN,
        }
    }
}

impl<'a> Element<'a> for DescribedGroup<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribedGroup {
            error_code: reader.i16()?,
            error_message: if version.number >= 6 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            group_id: read_text(reader, version)?,
            group_state: read_text(reader, version)?,
            protocol_type: read_text(reader, version)?,
            protocol_data: read_text(reader, version)?,
            members: Array::read(reader, version)?,
            authorized_operations: if version.number >= 3 { reader.i32()? } else { i32::MIN },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        if version.number >= 6 {
            out.put_text(version, self.error_message);
        }
        out.put_text(version, Some(self.group_id));
        out.put_text(version, Some(self.group_state));
        out.put_text(version, Some(self.protocol_type));
        out.put_text(version, Some(self.protocol_data));
        self.members.write(out, version);
        if version.number >= 3 {
            out.put_i32(self.authorized_operations);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribedGroupMember<'a> {
    pub member_id: &'a str,
    /// Versions 4+.
    pub group_instance_id: Option<&'a str>,
    pub client_id: &'a str,
    pub client_host: &'a str,
    pub member_metadata: &'a [u8],
    pub member_assignment: &'a [u8],
}

impl<'a> Element<'a> for DescribedGroupMember<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribedGroupMember {
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 4 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            client_id: read_text(reader, version)?,
            client_host: read_text(reader, version)?,
            member_metadata: read_blob(reader, version)?,
            member_assignment: read_blob(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        if version.number >= 4 {
            out.put_text(version, self.group_instance_id);
        }
        out.put_text(version, Some(self.client_id));
        out.put_text(version, Some(self.client_host));
        out.put_blob(version, Some(self.member_metadata));
        out.put_blob(version, Some(self.member_assignment));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
