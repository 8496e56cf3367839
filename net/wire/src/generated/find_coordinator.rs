//! API 10, FindCoordinator.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FindCoordinatorRequest<'a> {
    /// Versions 0-3.
    pub key: &'a str,
    /// Versions 1+.
    pub key_type: i8,
    /// Versions 4+.
    pub coordinator_keys: Array<'a, &'a str>,
}

impl<'a> Element<'a> for FindCoordinatorRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = FindCoordinatorRequest {
            key: if version.number <= 3 { read_text(reader, version)? } else { "" },
            key_type: if version.number >= 1 { reader.i8()? } else { 0 },
            coordinator_keys: if version.number >= 4 {
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
        if version.number <= 3 {
            out.put_text(version, Some(self.key));
        } else if !self.key.is_empty() {
            out.unsupported("key");
        }
        if version.number >= 1 {
            out.put_i8(self.key_type);
        } else if self.key_type != 0 {
            out.unsupported("key_type");
        }
        if version.number >= 4 {
            self.coordinator_keys.write(out, version);
        } else if !self.coordinator_keys.is_empty() {
            out.unsupported("coordinator_keys");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for FindCoordinatorRequest<'a> {
    const NAME: &'static str = "FindCoordinatorRequest";
    const KEY: i16 = 10;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Request<'a> for FindCoordinatorRequest<'a> {
    type Response<'r> = FindCoordinatorResponse<'r>;
    const API: ApiKey = ApiKey::FindCoordinator;
}

#[derive(Clone, PartialEq, Debug)]
pub struct FindCoordinatorResponse<'a> {
    /// Versions 1+.
    pub throttle_time_ms: i32,
    /// Versions 0-3.
    pub error_code: i16,
    /// Versions 1-3.
    pub error_message: Option<&'a str>,
    /// Versions 0-3.
    pub node_id: i32,
    /// Versions 0-3.
    pub host: &'a str,
    /// Versions 0-3.
    pub port: i32,
    /// Versions 4+.
    pub coordinators: Array<'a, Coordinator<'a>>,
}

impl Default for FindCoordinatorResponse<'_> {
    fn default() -> Self {
        FindCoordinatorResponse {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(""),
            node_id: 0,
            host: "",
            port: 0,
            coordinators: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for FindCoordinatorResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = FindCoordinatorResponse {
            throttle_time_ms: if version.number >= 1 { reader.i32()? } else { 0 },
            error_code: if version.number <= 3 { reader.i16()? } else { 0 },
            error_message: if (1..=3).contains(&version.number) {
                read_nullable_text(reader, version)?
            } else {
                Some("")
            },
            node_id: if version.number <= 3 { reader.i32()? } else { 0 },
            host: if version.number <= 3 { read_text(reader, version)? } else { "" },
            port: if version.number <= 3 { reader.i32()? } else { 0 },
            coordinators: if version.number >= 4 {
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
        if version.number >= 1 {
            out.put_i32(self.throttle_time_ms);
        }
        if version.number <= 3 {
            out.put_i16(self.error_code);
        }
        if (1..=3).contains(&version.number) {
            out.put_text(version, self.error_message);
        }
        if version.number <= 3 {
            out.put_i32(self.node_id);
        }
        if version.number <= 3 {
            out.put_text(version, Some(self.host));
        }
        if version.number <= 3 {
            out.put_i32(self.port);
        }
        if version.number >= 4 {
            self.coordinators.write(out, version);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for FindCoordinatorResponse<'a> {
    const NAME: &'static str = "FindCoordinatorResponse";
    const KEY: i16 = 10;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 3;
}

impl<'a> Response<'a> for FindCoordinatorResponse<'a> {
    const API: ApiKey = ApiKey::FindCoordinator;
}

#[derive(Clone, PartialEq, Debug)]
pub struct Coordinator<'a> {
    pub key: &'a str,
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
}

impl Default for Coordinator<'_> {
    fn default() -> Self {
        Coordinator {
            key: "",
            node_id: 0,
            host: "",
            port: 0,
            error_code: 0,
            error_message: Some(""),
        }
    }
}

impl<'a> Element<'a> for Coordinator<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = Coordinator {
            key: read_text(reader, version)?,
            node_id: reader.i32()?,
            host: read_text(reader, version)?,
            port: reader.i32()?,
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.key));
        out.put_i32(self.node_id);
        out.put_text(version, Some(self.host));
        out.put_i32(self.port);
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        out.put_unsigned_varint(0);
    }
}
