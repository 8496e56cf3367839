//! API 19, CreateTopics.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct CreateTopicsRequest<'a> {
    pub topics: Array<'a, CreatableTopic<'a>>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest<'_> {
    fn default() -> Self {
        CreateTopicsRequest { topics: Array::EMPTY, timeout_ms: 60000, validate_only: false }
    }
}

impl<'a> Element<'a> for CreateTopicsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreateTopicsRequest {
            topics: Array::read(reader, version)?,
            timeout_ms: reader.i32()?,
            validate_only: reader.bool()?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.topics.write(out, version);
        out.put_i32(self.timeout_ms);
        out.put_bool(self.validate_only);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for CreateTopicsRequest<'a> {
    const NAME: &'static str = "CreateTopicsRequest";
    const KEY: i16 = 19;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 7;
    const FLEXIBLE_SINCE: i16 = 5;
}

impl<'a> Request<'a> for CreateTopicsRequest<'a> {
    type Response<'r> = CreateTopicsResponse<'r>;
    const API: ApiKey = ApiKey::CreateTopics;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreateTopicsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Array<'a, CreatableTopicResult<'a>>,
}

impl<'a> Element<'a> for CreateTopicsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreateTopicsResponse {
            throttle_time_ms: reader.i32()?,
            topics: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        self.topics.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for CreateTopicsResponse<'a> {
    const NAME: &'static str = "CreateTopicsResponse";
    const KEY: i16 = 19;
    const VERSION_MIN: i16 = 2;
    const VERSION_MAX: i16 = 7;
    const FLEXIBLE_SINCE: i16 = 5;
}

impl<'a> Response<'a> for CreateTopicsResponse<'a> {
    const API: ApiKey = ApiKey::CreateTopics;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatableTopic<'a> {
    pub name: &'a str,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Array<'a, CreatableReplicaAssignment<'a>>,
    pub configs: Array<'a, CreatableTopicConfig<'a>>,
}

impl<'a> Element<'a> for CreatableTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatableTopic {
            name: read_text(reader, version)?,
            num_partitions: reader.i32()?,
            replication_factor: reader.i16()?,
            assignments: Array::read(reader, version)?,
            configs: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i32(self.num_partitions);
        out.put_i16(self.replication_factor);
        self.assignments.write(out, version);
        self.configs.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct CreatableReplicaAssignment<'a> {
    pub partition_index: i32,
    pub broker_ids: Array<'a, i32>,
}

impl<'a> Element<'a> for CreatableReplicaAssignment<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatableReplicaAssignment {
            partition_index: reader.i32()?,
            broker_ids: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        self.broker_ids.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct CreatableTopicConfig<'a> {
    pub name: &'a str,
    pub value: Option<&'a str>,
}

impl Default for CreatableTopicConfig<'_> {
    fn default() -> Self {
        CreatableTopicConfig { name: "", value: Some("") }
    }
}

impl<'a> Element<'a> for CreatableTopicConfig<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatableTopicConfig {
            name: read_text(reader, version)?,
            value: read_nullable_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_text(version, self.value);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct CreatableTopicResult<'a> {
    pub name: &'a str,
    /// Versions 7+.
    pub topic_id: Uuid,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
    /// Versions 5+, tag 0.
    pub topic_config_error_code: i16,
    /// Versions 5+.
    pub num_partitions: i32,
    /// Versions 5+.
    pub replication_factor: i16,
    /// Versions 5+.
    pub configs: Option<Array<'a, CreatableTopicConfigs<'a>>>,
}

impl Default for CreatableTopicResult<'_> {
    fn default() -> Self {
        CreatableTopicResult {
            name: "",
            topic_id: Uuid::ZERO,
            error_code: 0,
            error_message: Some(""),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Array::EMPTY),
        }
    }
}

impl<'a> Element<'a> for CreatableTopicResult<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = CreatableTopicResult {
            name: read_text(reader, version)?,
            topic_id: if version.number >= 7 { reader.uuid()? } else { Uuid::ZERO },
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
            topic_config_error_code: 0,
            num_partitions: if version.number >= 5 { reader.i32()? } else { -1 },
            replication_factor: if version.number >= 5 { reader.i16()? } else { -1 },
            configs: if version.number >= 5 {
                Array::read_nullable(reader, version)?
            } else {
                Some(Array::EMPTY)
            },
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 => this.topic_config_error_code = reader.i16()?,
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        if version.number >= 7 {
            out.put_uuid(self.topic_id);
        }
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        if version.number >= 5 {
            out.put_i32(self.num_partitions);
        }
        if version.number >= 5 {
            out.put_i16(self.replication_factor);
        }
        if version.number >= 5 {
            Array::write_nullable(self.configs.as_ref(), out, version);
        }
        if version.flexible {
            let has_topic_config_error_code =
                version.number >= 5 && self.topic_config_error_code != 0;
            out.put_unsigned_varint(u32::from(has_topic_config_error_code));
            if has_topic_config_error_code {
                out.put_tagged(0, |out| {
                    out.put_i16(self.topic_config_error_code);
                });
            }
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct CreatableTopicConfigs<'a> {
    pub name: &'a str,
    pub value: Option<&'a str>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs<'_> {
    fn default() -> Self {
        CreatableTopicConfigs {
            name: "",
            value: Some(""),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl<'a> Element<'a> for CreatableTopicConfigs<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = CreatableTopicConfigs {
            name: read_text(reader, version)?,
            value: read_nullable_text(reader, version)?,
            read_only: reader.bool()?,
            config_source: reader.i8()?,
            is_sensitive: reader.bool()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_text(version, self.value);
        out.put_bool(self.read_only);
        out.put_i8(self.config_source);
        out.put_bool(self.is_sensitive);
        out.put_unsigned_varint(0);
    }
}
