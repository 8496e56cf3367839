//! API 16, ListGroups.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListGroupsRequest<'a> {
    /// Versions 4+.
    pub states_filter: Array<'a, &'a str>,
    /// Versions 5+.
    pub types_filter: Array<'a, &'a str>,
}

impl<'a> Element<'a> for ListGroupsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListGroupsRequest {
            states_filter: if version.number >= 4 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
            types_filter: if version.number >= 5 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 4 {
            self.states_filter.write(out, version);
        } else if !self.states_filter.is_empty() {
            out.unsupported("states_filter");
        }
        if version.number >= 5 {
            self.types_filter.write(out, version);
        } else if !self.types_filter.is_empty() {
            out.unsupported("types_filter");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ListGroupsRequest<'a> {
    const NAME: &'static str = "ListGroupsRequest";
    const KEY: i16 = 16;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Request<'a> for ListGroupsRequest<'a> {
    type Response<'r> = ListGroupsResponse<'r>;
    const API: ApiKey = ApiKey::ListGroups;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListGroupsResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Array<'a, ListedGroup<'a>>,
}

impl<'a> Element<'a> for ListGroupsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListGroupsResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            error_code: reader.i16()?,
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
        out.put_i16(self.error_code);
        self.groups.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ListGroupsResponse<'a> {
    const NAME: &'static str = "ListGroupsResponse";
    const KEY: i16 = 16;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 5;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Response<'a> for ListGroupsResponse<'a> {
    const API: ApiKey = ApiKey::ListGroups;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListedGroup<'a> {
    pub group_id: &'a str,
    pub protocol_type: &'a str,
    /// Versions 4+.
    pub group_state: &'a str,
    /// Versions 5+.
    pub group_type: &'a str,
}

impl<'a> Element<'a> for ListedGroup<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListedGroup {
            group_id: read_text(reader, version)?,
            protocol_type: read_text(reader, version)?,
            group_state: if version.number >= 4 { read_text(reader, version)? } else { "" },
            group_type: if version.number >= 5 { read_text(reader, version)? } else { "" },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group_id));
        out.put_text(version, Some(self.protocol_type));
        if version.number >= 4 {
            out.put_text(version, Some(self.group_state));
        }
        if version.number >= 5 {
            out.put_text(version, Some(self.group_type));
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
