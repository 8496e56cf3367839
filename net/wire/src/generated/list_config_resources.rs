//! API 74, ListConfigResources.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListConfigResourcesRequest<'a> {
    /// Versions 1+.
    pub resource_types: Array<'a, i8>,
}

impl<'a> Element<'a> for ListConfigResourcesRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListConfigResourcesRequest {
            resource_types: if version.number >= 1 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 1 {
            self.resource_types.write(out, version);
        } else if !self.resource_types.is_empty() {
            out.unsupported("resource_types");
        }
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for ListConfigResourcesRequest<'a> {
    const NAME: &'static str = "ListConfigResourcesRequest";
    const KEY: i16 = 74;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Request<'a> for ListConfigResourcesRequest<'a> {
    type Response<'r> = ListConfigResourcesResponse<'r>;
    const API: ApiKey = ApiKey::ListConfigResources;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ListConfigResourcesResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Array<'a, ConfigResource<'a>>,
}

impl<'a> Element<'a> for ListConfigResourcesResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ListConfigResourcesResponse {
            throttle_time_ms: reader.i32()?,
            error_code: reader.i16()?,
            config_resources: Array::read(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        self.config_resources.write(out, version);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for ListConfigResourcesResponse<'a> {
    const NAME: &'static str = "ListConfigResourcesResponse";
    const KEY: i16 = 74;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Response<'a> for ListConfigResourcesResponse<'a> {
    const API: ApiKey = ApiKey::ListConfigResources;
}

#[derive(Clone, PartialEq, Debug)]
pub struct ConfigResource<'a> {
    pub resource_name: &'a str,
    /// Versions 1+.
    pub resource_type: i8,
}

impl Default for ConfigResource<'_> {
    fn default() -> Self {
        ConfigResource { resource_name: "", resource_type: 16 }
    }
}

impl<'a> Element<'a> for ConfigResource<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ConfigResource {
            resource_name: read_text(reader, version)?,
            resource_type: if version.number >= 1 { reader.i8()? } else { 16 },
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.resource_name));
        if version.number >= 1 {
            out.put_i8(self.resource_type);
        }
        out.put_unsigned_varint(0);
    }
}
