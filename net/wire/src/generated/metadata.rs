//! API 3, Metadata.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct MetadataRequest<'a> {
    /// Null in 1+.
    pub topics: Option<Array<'a, MetadataRequestTopic<'a>>>,
    /// Versions 4+.
    pub allow_auto_topic_creation: bool,
    /// Versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// Versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest<'_> {
    fn default() -> Self {
        MetadataRequest {
            topics: Some(Array::EMPTY),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl<'a> Element<'a> for MetadataRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataRequest {
            topics: if version.number >= 1 {
                Array::read_nullable(reader, version)?
            } else {
                Some(Array::read(reader, version)?)
            },
            allow_auto_topic_creation: if version.number >= 4 { reader.bool()? } else { true },
            include_cluster_authorized_operations: if (8..=10).contains(&version.number) {
                reader.bool()?
            } else {
                false
            },
            include_topic_authorized_operations: if version.number >= 8 {
                reader.bool()?
            } else {
                false
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 1 {
            Array::write_nullable(self.topics.as_ref(), out, version);
        } else {
            match &self.topics {
                Some(value) => value.write(out, version),
                None => out.null("topics"),
            }
        }
        if version.number >= 4 {
            out.put_bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            out.unsupported("allow_auto_topic_creation");
        }
        if (8..=10).contains(&version.number) {
            out.put_bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            out.unsupported("include_cluster_authorized_operations");
        }
        if version.number >= 8 {
            out.put_bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            out.unsupported("include_topic_authorized_operations");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for MetadataRequest<'a> {
    const NAME: &'static str = "MetadataRequest";
    const KEY: i16 = 3;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 13;
    const FLEXIBLE_SINCE: i16 = 9;
}

impl<'a> Request<'a> for MetadataRequest<'a> {
    type Response<'r> = MetadataResponse<'r>;
    const API: ApiKey = ApiKey::Metadata;
}

#[derive(Clone, PartialEq, Debug)]
pub struct MetadataResponse<'a> {
    /// Versions 3+.
    pub throttle_time_ms: i32,
    pub brokers: Array<'a, MetadataResponseBroker<'a>>,
    /// Versions 2+.
    pub cluster_id: Option<&'a str>,
    /// Versions 1+.
    pub controller_id: i32,
    pub topics: Array<'a, MetadataResponseTopic<'a>>,
    /// Versions 8-10.
    pub cluster_authorized_operations: i32,
    /// Versions 13+.
    pub error_code: i16,
}

impl Default for MetadataResponse<'_> {
    fn default() -> Self {
        MetadataResponse {
            throttle_time_ms: 0,
            brokers: Array::EMPTY,
            cluster_id: None,
            controller_id: -1,
            topics: Array::EMPTY,
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl<'a> Element<'a> for MetadataResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataResponse {
            throttle_time_ms: if version.number >= 3 { reader.i32()? } else { 0 },
            brokers: Array::read(reader, version)?,
            cluster_id: if version.number >= 2 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            controller_id: if version.number >= 1 { reader.i32()? } else { -1 },
            topics: Array::read(reader, version)?,
            cluster_authorized_operations: if (8..=10).contains(&version.number) {
                reader.i32()?
            } else {
                i32::MIN
            },
            error_code: if version.number >= 13 { reader.i16()? } else { 0 },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 3 {
            out.put_i32(self.throttle_time_ms);
        }
        self.brokers.write(out, version);
        if version.number >= 2 {
            out.put_text(version, self.cluster_id);
        }
        if version.number >= 1 {
            out.put_i32(self.controller_id);
        }
        self.topics.write(out, version);
        if (8..=10).contains(&version.number) {
            out.put_i32(self.cluster_authorized_operations);
        }
        if version.number >= 13 {
            out.put_i16(self.error_code);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for MetadataResponse<'a> {
    const NAME: &'static str = "MetadataResponse";
    const KEY: i16 = 3;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 13;
    const FLEXIBLE_SINCE: i16 = 9;
}

impl<'a> Response<'a> for MetadataResponse<'a> {
    const API: ApiKey = ApiKey::Metadata;
}

#[derive(Clone, PartialEq, Debug)]
pub struct MetadataRequestTopic<'a> {
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Null in 10+.
    pub name: Option<&'a str>,
}

impl Default for MetadataRequestTopic<'_> {
    fn default() -> Self {
        MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some("") }
    }
}

impl<'a> Element<'a> for MetadataRequestTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataRequestTopic {
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            name: if version.number >= 10 {
                read_nullable_text(reader, version)?
            } else {
                Some(read_text(reader, version)?)
            },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number >= 10 {
            out.put_uuid(self.topic_id);
        }
        if self.name.is_none() && version.number < 10 {
            out.null("name");
        }
        out.put_text(version, self.name);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct MetadataResponseBroker<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    /// Versions 1+.
    pub rack: Option<&'a str>,
}

impl<'a> Element<'a> for MetadataResponseBroker<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataResponseBroker {
            node_id: reader.i32()?,
            host: read_text(reader, version)?,
            port: reader.i32()?,
            rack: if version.number >= 1 { read_nullable_text(reader, version)? } else { None },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.node_id);
        out.put_text(version, Some(self.host));
        out.put_i32(self.port);
        if version.number >= 1 {
            out.put_text(version, self.rack);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct MetadataResponseTopic<'a> {
    pub error_code: i16,
    /// Null in 12+.
    pub name: Option<&'a str>,
    /// Versions 10+.
    pub topic_id: Uuid,
    /// Versions 1+.
    pub is_internal: bool,
    pub partitions: Array<'a, MetadataResponsePartition<'a>>,
    /// Versions 8+.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic<'_> {
    fn default() -> Self {
        MetadataResponseTopic {
            error_code: 0,
            name: Some(""),
            topic_id: Uuid::ZERO,
            is_internal: false,
            partitions: Array::EMPTY,
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl<'a> Element<'a> for MetadataResponseTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataResponseTopic {
            error_code: reader.i16()?,
            name: if version.number >= 12 {
                read_nullable_text(reader, version)?
            } else {
                Some(read_text(reader, version)?)
            },
            topic_id: if version.number >= 10 { reader.uuid()? } else { Uuid::ZERO },
            is_internal: if version.number >= 1 { reader.bool()? } else { false },
            partitions: Array::read(reader, version)?,
            topic_authorized_operations: if version.number >= 8 { reader.i32()? } else { i32::MIN },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_text(
            version,
            if version.number >= 12 { self.name } else { Some(self.name.unwrap_or_default()) },
        );
        if version.number >= 10 {
            out.put_uuid(self.topic_id);
        }
        if version.number >= 1 {
            out.put_bool(self.is_internal);
        }
        self.partitions.write(out, version);
        if version.number >= 8 {
            out.put_i32(self.topic_authorized_operations);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct MetadataResponsePartition<'a> {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    /// Versions 7+.
    pub leader_epoch: i32,
    pub replica_nodes: Array<'a, i32>,
    pub isr_nodes: Array<'a, i32>,
    /// Versions 5+.
    pub offline_replicas: Array<'a, i32>,
}

impl Default for MetadataResponsePartition<'_> {
    fn default() -> Self {
        MetadataResponsePartition {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Array::EMPTY,
            isr_nodes: Array::EMPTY,
            offline_replicas: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for MetadataResponsePartition<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MetadataResponsePartition {
            error_code: reader.i16()?,
            partition_index: reader.i32()?,
            leader_id: reader.i32()?,
            leader_epoch: if version.number >= 7 { reader.i32()? } else { -1 },
            replica_nodes: Array::read(reader, version)?,
            isr_nodes: Array::read(reader, version)?,
            offline_replicas: if version.number >= 5 {
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
        out.put_i16(self.error_code);
        out.put_i32(self.partition_index);
        out.put_i32(self.leader_id);
        if version.number >= 7 {
            out.put_i32(self.leader_epoch);
        }
        self.replica_nodes.write(out, version);
        self.isr_nodes.write(out, version);
        if version.number >= 5 {
            self.offline_replicas.write(out, version);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
