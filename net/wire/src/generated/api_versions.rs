//! API 18, ApiVersions.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ApiVersionsRequest<'a> {
    /// Versions 3+.
    pub client_software_name: &'a str,
    /// Versions 3+.
    pub client_software_version: &'a str,
}

impl<'a> Element<'a> for ApiVersionsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ApiVersionsRequest {
            client_software_name: if version.number >= 3 {
                read_text(reader, version)?
            } else {
                ""
            },
            client_software_version: if version.number >= 3 {
                read_text(reader, version)?
            } else {
                ""
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 3 {
            out.put_text(version, Some(self.client_software_name));
        }
        if version.number >= 3 {
            out.put_text(version, Some(self.client_software_version));
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ApiVersionsRequest<'a> {
    const NAME: &'static str = "ApiVersionsRequest";
    const KEY: i16 = 18;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Request<'a> for ApiVersionsRequest<'a> {
    type Response<'r> = ApiVersionsResponse<'r>;
    const API: ApiKey = ApiKey::ApiVersions;
}

#[derive(Clone, PartialEq, Debug)]
pub struct ApiVersionsResponse<'a> {
    pub error_code: i16,
    pub api_keys: Array<'a, ApiVersion>,
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 3+, tag 0.
    pub supported_features: Array<'a, SupportedFeatureKey<'a>>,
    /// Versions 3+, tag 1.
    pub finalized_features_epoch: i64,
    /// Versions 3+, tag 2.
    pub finalized_features: Array<'a, FinalizedFeatureKey<'a>>,
    /// Versions 3+, tag 3.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse<'_> {
    fn default() -> Self {
        ApiVersionsResponse {
            error_code: 0,
            api_keys: Array::EMPTY,
            throttle_time_ms: 0,
            supported_features: Array::EMPTY,
            finalized_features_epoch: -1,
            finalized_features: Array::EMPTY,
            zk_migration_ready: false,
        }
    }
}

impl<'a> Element<'a> for ApiVersionsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = ApiVersionsResponse {
            error_code: reader.i16()?,
            api_keys: Array::read(reader, version)?,
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            supported_features: Array::EMPTY,
            finalized_features_epoch: -1,
            finalized_features: Array::EMPTY,
            zk_migration_ready: false,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 => this.supported_features = Array::read(reader, version)?,
                    1 => this.finalized_features_epoch = reader.i64()?,
                    2 => this.finalized_features = Array::read(reader, version)?,
                    3 => this.zk_migration_ready = reader.bool()?,
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        self.api_keys.write(out, version);
        if version.number >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        if version.flexible {
            let has_supported_features = version.number >= 3 && !self.supported_features.is_empty();
            let has_finalized_features_epoch =
                version.number >= 3 && self.finalized_features_epoch != -1;
            let has_finalized_features = version.number >= 3 && !self.finalized_features.is_empty();
            let has_zk_migration_ready = version.number >= 3 && self.zk_migration_ready;
            out.put_unsigned_varint(
                u32::from(has_supported_features)
                    + u32::from(has_finalized_features_epoch)
                    + u32::from(has_finalized_features)
                    + u32::from(has_zk_migration_ready),
            );
            if has_supported_features {
                out.put_tagged(0, |out| {
                    self.supported_features.write(out, version);
                });
            }
            if has_finalized_features_epoch {
                out.put_tagged(1, |out| {
                    out.put_i64(self.finalized_features_epoch);
                });
            }
            if has_finalized_features {
                out.put_tagged(2, |out| {
                    self.finalized_features.write(out, version);
                });
            }
            if has_zk_migration_ready {
                out.put_tagged(3, |out| {
                    out.put_bool(self.zk_migration_ready);
                });
            }
        }
    }
}

impl<'a> Message<'a> for ApiVersionsResponse<'a> {
    const NAME: &'static str = "ApiVersionsResponse";
    const KEY: i16 = 18;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Response<'a> for ApiVersionsResponse<'a> {
    const API: ApiKey = ApiKey::ApiVersions;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ApiVersion {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl<'a> Element<'a> for ApiVersion {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ApiVersion {
            api_key: reader.i16()?,
            min_version: reader.i16()?,
            max_version: reader.i16()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.api_key);
        out.put_i16(self.min_version);
        out.put_i16(self.max_version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SupportedFeatureKey<'a> {
    pub name: &'a str,
    pub min_version: i16,
    pub max_version: i16,
}

impl<'a> Element<'a> for SupportedFeatureKey<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = SupportedFeatureKey {
            name: read_text(reader, version)?,
            min_version: reader.i16()?,
            max_version: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i16(self.min_version);
        out.put_i16(self.max_version);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FinalizedFeatureKey<'a> {
    pub name: &'a str,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl<'a> Element<'a> for FinalizedFeatureKey<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = FinalizedFeatureKey {
            name: read_text(reader, version)?,
            max_version_level: reader.i16()?,
            min_version_level: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i16(self.max_version_level);
        out.put_i16(self.min_version_level);
        out.put_unsigned_varint(0);
    }
}
