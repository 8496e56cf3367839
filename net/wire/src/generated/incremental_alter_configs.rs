//! API 44, IncrementalAlterConfigs.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct IncrementalAlterConfigsRequest<'a> {
    pub resources: Array<'a, AlterConfigsResource<'a>>,
    pub validate_only: bool,
}

impl<'a> Element<'a> for IncrementalAlterConfigsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = IncrementalAlterConfigsRequest {
            resources: Array::read(reader, version)?,
            validate_only: reader.bool()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.resources.write(out, version);
        out.put_bool(self.validate_only);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for IncrementalAlterConfigsRequest<'a> {
    const NAME: &'static str = "IncrementalAlterConfigsRequest";
    const KEY: i16 = 44;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;
    const FLEXIBLE_SINCE: i16 = 1;
}

impl<'a> Request<'a> for IncrementalAlterConfigsRequest<'a> {
    type Response<'r> = IncrementalAlterConfigsResponse<'r>;
    const API: ApiKey = ApiKey::IncrementalAlterConfigs;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct IncrementalAlterConfigsResponse<'a> {
    pub throttle_time_ms: i32,
    pub responses: Array<'a, AlterConfigsResourceResponse<'a>>,
}

impl<'a> Element<'a> for IncrementalAlterConfigsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = IncrementalAlterConfigsResponse {
            throttle_time_ms: reader.i32()?,
            responses: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        self.responses.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for IncrementalAlterConfigsResponse<'a> {
    const NAME: &'static str = "IncrementalAlterConfigsResponse";
    const KEY: i16 = 44;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;
    const FLEXIBLE_SINCE: i16 = 1;
}

impl<'a> Response<'a> for IncrementalAlterConfigsResponse<'a> {
    const API: ApiKey = ApiKey::IncrementalAlterConfigs;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct AlterConfigsResource<'a> {
    pub resource_type: i8,
    pub resource_name: &'a str,
    pub configs: Array<'a, AlterableConfig<'a>>,
}

impl<'a> Element<'a> for AlterConfigsResource<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = AlterConfigsResource {
            resource_type: reader.i8()?,
            resource_name: read_text(reader, version)?,
            configs: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i8(self.resource_type);
        out.put_text(version, Some(self.resource_name));
        self.configs.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct AlterableConfig<'a> {
    pub name: &'a str,
    pub config_operation: i8,
    pub value: Option<&'a str>,
}

impl Default for AlterableConfig<'_> {
    fn default() -> Self {
        AlterableConfig { name: "", config_operation: 0, value: Some("") }
    }
}

impl<'a> Element<'a> for AlterableConfig<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = AlterableConfig {
            name: read_text(reader, version)?,
            config_operation: reader.i8()?,
            value: read_nullable_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i8(self.config_operation);
        out.put_text(version, self.value);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct AlterConfigsResourceResponse<'a> {
    pub error_code: i16,
    pub error_message: Option<&'a str>,
    pub resource_type: i8,
    pub resource_name: &'a str,
}

impl Default for AlterConfigsResourceResponse<'_> {
    fn default() -> Self {
        AlterConfigsResourceResponse {
            error_code: 0,
            error_message: Some(""),
            resource_type: 0,
            resource_name: "",
        }
    }
}

impl<'a> Element<'a> for AlterConfigsResourceResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = AlterConfigsResourceResponse {
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
            resource_type: reader.i8()?,
            resource_name: read_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        out.put_i8(self.resource_type);
        out.put_text(version, Some(self.resource_name));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
