//! API 20, DeleteTopics.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteTopicsRequest<'a> {
    /// Versions 6+.
    pub topics: Array<'a, DeleteTopicState<'a>>,
    /// Versions 1-5.
    pub topic_names: Array<'a, &'a str>,
    pub timeout_ms: i32,
}

impl<'a> Element<'a> for DeleteTopicsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteTopicsRequest {
            topics: if version.number >= 6 { Array::read(reader, version)? } else { Array::EMPTY },
            topic_names: if version.number <= 5 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
            timeout_ms: reader.i32()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 6 {
            self.topics.write(out, version);
        } else if !self.topics.is_empty() {
            out.unsupported("topics");
        }
        if version.number <= 5 {
            self.topic_names.write(out, version);
        }
        out.put_i32(self.timeout_ms);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for DeleteTopicsRequest<'a> {
    const NAME: &'static str = "DeleteTopicsRequest";
    const KEY: i16 = 20;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Request<'a> for DeleteTopicsRequest<'a> {
    type Response<'r> = DeleteTopicsResponse<'r>;
    const API: ApiKey = ApiKey::DeleteTopics;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteTopicsResponse<'a> {
    pub throttle_time_ms: i32,
    pub responses: Array<'a, DeletableTopicResult<'a>>,
}

impl<'a> Element<'a> for DeleteTopicsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteTopicsResponse {
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

impl<'a> Message<'a> for DeleteTopicsResponse<'a> {
    const NAME: &'static str = "DeleteTopicsResponse";
    const KEY: i16 = 20;
    const VERSION_MIN: i16 = 1;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 4;
}

impl<'a> Response<'a> for DeleteTopicsResponse<'a> {
    const API: ApiKey = ApiKey::DeleteTopics;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeleteTopicState<'a> {
    pub name: Option<&'a str>,
    pub topic_id: Uuid,
}

impl<'a> Element<'a> for DeleteTopicState<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeleteTopicState {
            name: read_nullable_text(reader, version)?,
            topic_id: reader.uuid()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, self.name);
        out.put_uuid(self.topic_id);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DeletableTopicResult<'a> {
    /// Null in 6+.
    pub name: Option<&'a str>,
    /// Versions 6+.
    pub topic_id: Uuid,
    pub error_code: i16,
    /// Versions 5+.
    pub error_message: Option<&'a str>,
}

impl Default for DeletableTopicResult<'_> {
    fn default() -> Self {
        DeletableTopicResult {
            name: Some(""),
            topic_id: Uuid::ZERO,
            error_code: 0,
            error_message: None,
        }
    }
}

impl<'a> Element<'a> for DeletableTopicResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DeletableTopicResult {
            name: if version.number >= 6 {
                read_nullable_text(reader, version)?
            } else {
                Some(read_text(reader, version)?)
            },
            topic_id: if version.number >= 6 { reader.uuid()? } else { Uuid::ZERO },
            error_code: reader.i16()?,
            error_message: if version.number >= 5 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(
            version,
            if version.number >= 6 { self.name } else { Some(self.name.unwrap_or_default()) },
        );
        if version.number >= 6 {
            out.put_uuid(self.topic_id);
        }
        out.put_i16(self.error_code);
        if version.number >= 5 {
            out.put_text(version, self.error_message);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
