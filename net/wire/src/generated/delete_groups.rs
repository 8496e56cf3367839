//! API 42, DeleteGroups.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteGroupsRequest<'a> {
    pub groups_names: Array<'a, &'a str>,
}

impl<'a> Element<'a> for DeleteGroupsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteGroupsRequest { groups_names: Array::read(reader, version)? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.groups_names.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DeleteGroupsRequest<'a> {
    const NAME: &'static str = "DeleteGroupsRequest";
    const KEY: i16 = 42;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Request<'a> for DeleteGroupsRequest<'a> {
    type Response<'r> = DeleteGroupsResponse<'r>;
    const API: ApiKey = ApiKey::DeleteGroups;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteGroupsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Array<'a, DeletableGroupResult<'a>>,
}

impl<'a> Element<'a> for DeleteGroupsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteGroupsResponse {
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

impl<'a> Message<'a> for DeleteGroupsResponse<'a> {
    const NAME: &'static str = "DeleteGroupsResponse";
    const KEY: i16 = 42;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Response<'a> for DeleteGroupsResponse<'a> {
    const API: ApiKey = ApiKey::DeleteGroups;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeletableGroupResult<'a> {
    pub group_id: &'a str,
    pub error_code: i16,
}

impl<'a> Element<'a> for DeletableGroupResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeletableGroupResult {
            group_id: read_text(reader, version)?,
            error_code: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        out.put_i16(self.error_code);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
