//! API 32, DescribeConfigs.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeConfigsRequest<'a> {
    pub resources: Array<'a, DescribeConfigsResource<'a>>,
    pub include_synonyms: bool,
    /// Versions 3+.
    pub include_documentation: bool,
}

impl<'a> Element<'a> for DescribeConfigsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsRequest {
            resources: Array::read(reader, version)?,
            include_synonyms: reader.bool()?,
            include_documentation: if version.number >= 3 { reader.bool()? } else { false },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.resources.write(out, version);
        out.put_bool(self.include_synonyms);
        if version.number >= 3 {
            out.put_bool(self.include_documentation);
        } else if self.include_documentation {
            out.unsupported("include_documentation");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DescribeConfigsRequest<'a> {
    const NAME: &'static str = "DescribeConfigsRequest";
    const KEY: i16 = 32;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for DescribeConfigsRequest<'a> {
    type Response<'r> = DescribeConfigsResponse<'r>;
    const API: ApiKey = ApiKey::DescribeConfigs;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeConfigsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Array<'a, DescribeConfigsResult<'a>>,
}

impl<'a> Element<'a> for DescribeConfigsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsResponse {
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

impl<'a> Message<'a> for DescribeConfigsResponse<'a> {
    const NAME: &'static str = "DescribeConfigsResponse";
    const KEY: i16 = 32;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for DescribeConfigsResponse<'a> {
    const API: ApiKey = ApiKey::DescribeConfigs;
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeConfigsResource<'a> {
    pub resource_type: i8,
    pub resource_name: &'a str,
    pub configuration_keys: Option<Array<'a, &'a str>>,
}

impl Default for DescribeConfigsResource<'_> {
    fn default() -> Self {
        DescribeConfigsResource {
            resource_type: 0,
            resource_name: "",
            configuration_keys: Some(Array::EMPTY),
        }
    }
}

impl<'a> Element<'a> for DescribeConfigsResource<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsResource {
            resource_type: reader.i8()?,
            resource_name: read_text(reader, version)?,
            configuration_keys: Array::read_nullable(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i8(self.resource_type);
        out.put_text(version, Some(self.resource_name));
        Array::write_nullable(self.configuration_keys.as_ref(), out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeConfigsResult<'a> {
    pub error_code: i16,
    pub error_message: Option<&'a str>,
    pub resource_type: i8,
    pub resource_name: &'a str,
    pub configs: Array<'a, DescribeConfigsResourceResult<'a>>,
}

impl Default for DescribeConfigsResult<'_> {
    fn default() -> Self {
        DescribeConfigsResult {
            error_code: 0,
            error_message: Some(""),
            resource_type: 0,
            resource_name: "",
            configs: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for DescribeConfigsResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsResult {
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
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
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        out.put_i8(self.resource_type);
        out.put_text(version, Some(self.resource_name));
        self.configs.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeConfigsResourceResult<'a> {
    pub name: &'a str,
    pub value: Option<&'a str>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
    pub synonyms: Array<'a, DescribeConfigsSynonym<'a>>,
    /// Versions 3+.
    pub config_type: i8,
    /// Versions 3+.
    pub documentation: Option<&'a str>,
}

impl Default for DescribeConfigsResourceResult<'_> {
    fn default() -> Self {
        DescribeConfigsResourceResult {
            name: "",
            value: Some(""),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
            synonyms: Array::EMPTY,
            config_type: 0,
            documentation: Some(""),
        }
    }
}

impl<'a> Element<'a> for DescribeConfigsResourceResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsResourceResult {
            name: read_text(reader, version)?,
            value: read_nullable_text(reader, version)?,
            read_only: reader.bool()?,
            config_source: reader.i8()?,
            is_sensitive: reader.bool()?,
            synonyms: Array::read(reader, version)?,
            config_type: if version.number >= 3 { reader.i8()? } else { 0 },
            documentation: if version.number >= 3 {
                read_nullable_text(reader, version)?
            } else {
                Some("")
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_text(version, self.value);
        out.put_bool(self.read_only);
        out.put_i8(self.config_source);
        out.put_bool(self.is_sensitive);
        self.synonyms.write(out, version);
        if version.number >= 3 {
            out.put_i8(self.config_type);
        }
        if version.number >= 3 {
            out.put_text(version, self.documentation);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeConfigsSynonym<'a> {
    pub name: &'a str,
    pub value: Option<&'a str>,
    pub source: i8,
}

impl Default for DescribeConfigsSynonym<'_> {
    fn default() -> Self {
        DescribeConfigsSynonym { name: "", value: Some(""), source: 0 }
    }
}

impl<'a> Element<'a> for DescribeConfigsSynonym<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeConfigsSynonym {
            name: read_text(reader, version)?,
            value: read_nullable_text(reader, version)?,
            source: reader.i8()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_text(version, self.value);
        out.put_i8(self.source);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
