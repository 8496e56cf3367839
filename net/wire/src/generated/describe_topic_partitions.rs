//! API 75, DescribeTopicPartitions.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{
    Array, Element, Message, Version, read_nullable_element, read_nullable_text, read_text,
    write_nullable_element,
};

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeTopicPartitionsRequest<'a> {
    pub topics: Array<'a, TopicRequest<'a>>,
    pub response_partition_limit: i32,
    pub cursor: Option<Cursor<'a>>,
}

impl Default for DescribeTopicPartitionsRequest<'_> {
    fn default() -> Self {
        DescribeTopicPartitionsRequest {
            topics: Array::EMPTY,
            response_partition_limit: 2000,
            cursor: None,
        }
    }
}

impl<'a> Element<'a> for DescribeTopicPartitionsRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeTopicPartitionsRequest {
            topics: Array::read(reader, version)?,
            response_partition_limit: reader.i32()?,
            cursor: read_nullable_element(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.topics.write(out, version);
        out.put_i32(self.response_partition_limit);
        write_nullable_element(self.cursor.as_ref(), out, version);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for DescribeTopicPartitionsRequest<'a> {
    const NAME: &'static str = "DescribeTopicPartitionsRequest";
    const KEY: i16 = 75;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Request<'a> for DescribeTopicPartitionsRequest<'a> {
    type Response<'r> = DescribeTopicPartitionsResponse<'r>;
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeTopicPartitionsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Array<'a, DescribeTopicPartitionsResponseTopic<'a>>,
    pub next_cursor: Option<Cursor<'a>>,
}

impl<'a> Element<'a> for DescribeTopicPartitionsResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeTopicPartitionsResponse {
            throttle_time_ms: reader.i32()?,
            topics: Array::read(reader, version)?,
            next_cursor: read_nullable_element(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        self.topics.write(out, version);
        write_nullable_element(self.next_cursor.as_ref(), out, version);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for DescribeTopicPartitionsResponse<'a> {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const KEY: i16 = 75;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Response<'a> for DescribeTopicPartitionsResponse<'a> {
    const API: ApiKey = ApiKey::DescribeTopicPartitions;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicRequest<'a> {
    pub name: &'a str,
}

impl<'a> Element<'a> for TopicRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = TopicRequest { name: read_text(reader, version)? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Cursor<'a> {
    pub topic_name: &'a str,
    pub partition_index: i32,
}

impl<'a> Element<'a> for Cursor<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this =
            Cursor { topic_name: read_text(reader, version)?, partition_index: reader.i32()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.topic_name));
        out.put_i32(self.partition_index);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeTopicPartitionsResponseTopic<'a> {
    pub error_code: i16,
    pub name: Option<&'a str>,
    pub topic_id: Uuid,
    pub is_internal: bool,
    pub partitions: Array<'a, DescribeTopicPartitionsResponsePartition<'a>>,
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic<'_> {
    fn default() -> Self {
        DescribeTopicPartitionsResponseTopic {
            error_code: 0,
            name: Some(""),
            topic_id: Uuid::ZERO,
            is_internal: false,
            partitions: Array::EMPTY,
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl<'a> Element<'a> for DescribeTopicPartitionsResponseTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeTopicPartitionsResponseTopic {
            error_code: reader.i16()?,
            name: read_nullable_text(reader, version)?,
            topic_id: reader.uuid()?,
            is_internal: reader.bool()?,
            partitions: Array::read(reader, version)?,
            topic_authorized_operations: reader.i32()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_text(version, self.name);
        out.put_uuid(self.topic_id);
        out.put_bool(self.is_internal);
        self.partitions.write(out, version);
        out.put_i32(self.topic_authorized_operations);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeTopicPartitionsResponsePartition<'a> {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Array<'a, i32>,
    pub isr_nodes: Array<'a, i32>,
    pub eligible_leader_replicas: Option<Array<'a, i32>>,
    pub last_known_elr: Option<Array<'a, i32>>,
    pub offline_replicas: Array<'a, i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition<'_> {
    fn default() -> Self {
        DescribeTopicPartitionsResponsePartition {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Array::EMPTY,
            isr_nodes: Array::EMPTY,
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for DescribeTopicPartitionsResponsePartition<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeTopicPartitionsResponsePartition {
            error_code: reader.i16()?,
            partition_index: reader.i32()?,
            leader_id: reader.i32()?,
            leader_epoch: reader.i32()?,
            replica_nodes: Array::read(reader, version)?,
            isr_nodes: Array::read(reader, version)?,
            eligible_leader_replicas: Array::read_nullable(reader, version)?,
            last_known_elr: Array::read_nullable(reader, version)?,
            offline_replicas: Array::read(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.error_code);
        out.put_i32(self.partition_index);
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        self.replica_nodes.write(out, version);
        self.isr_nodes.write(out, version);
        Array::write_nullable(self.eligible_leader_replicas.as_ref(), out, version);
        Array::write_nullable(self.last_known_elr.as_ref(), out, version);
        self.offline_replicas.write(out, version);
        out.put_unsigned_varint(0);
    }
}
