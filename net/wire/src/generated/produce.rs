//! API 0, Produce.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use crate::records::Records;
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProduceRequest<'a> {
    pub transactional_id: Option<&'a str>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Array<'a, TopicProduceData<'a>>,
}

impl<'a> Element<'a> for ProduceRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ProduceRequest {
            transactional_id: read_nullable_text(reader, version)?,
            acks: reader.i16()?,
            timeout_ms: reader.i32()?,
            topic_data: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, self.transactional_id);
        out.put_i16(self.acks);
        out.put_i32(self.timeout_ms);
        self.topic_data.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for ProduceRequest<'a> {
    const NAME: &'static str = "ProduceRequest";
    const KEY: i16 = 0;
    const VERSION_MIN: i16 = 3;
    const VERSION_MAX: i16 = 13;
    const FLEXIBLE_SINCE: i16 = 9;
}

impl<'a> Request<'a> for ProduceRequest<'a> {
    type Response<'r> = ProduceResponse<'r>;
    const API: ApiKey = ApiKey::Produce;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ProduceResponse<'a> {
    pub responses: Array<'a, TopicProduceResponse<'a>>,
    pub throttle_time_ms: i32,
    /// Versions 10+, tag 0.
    pub node_endpoints: Array<'a, NodeEndpoint<'a>>,
}

impl<'a> Element<'a> for ProduceResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = ProduceResponse {
            responses: Array::read(reader, version)?,
            throttle_time_ms: reader.i32()?,
            node_endpoints: Array::EMPTY,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 if version.number >= 10 => {
                        this.node_endpoints = Array::read(reader, version)?
                    }
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        self.responses.write(out, version);
        out.put_i32(self.throttle_time_ms);
        if version.flexible {
            let has_node_endpoints = version.number >= 10 && !self.node_endpoints.is_empty();
            out.put_unsigned_varint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                out.put_tagged(0, |out| {
                    self.node_endpoints.write(out, version);
                });
            }
        }
    }
}

impl<'a> Message<'a> for ProduceResponse<'a> {
    const NAME: &'static str = "ProduceResponse";
    const KEY: i16 = 0;
    const VERSION_MIN: i16 = 3;
    const VERSION_MAX: i16 = 13;
    const FLEXIBLE_SINCE: i16 = 9;
}

impl<'a> Response<'a> for ProduceResponse<'a> {
    const API: ApiKey = ApiKey::Produce;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicProduceData<'a> {
    /// Versions 3-12.
    pub name: &'a str,
    /// Versions 13+.
    pub topic_id: Uuid,
    pub partition_data: Array<'a, PartitionProduceData<'a>>,
}

impl<'a> Element<'a> for TopicProduceData<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = TopicProduceData {
            name: if version.number <= 12 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 13 { reader.uuid()? } else { Uuid::ZERO },
            partition_data: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 12 {
            out.put_text(version, Some(self.name));
        }
        if version.number >= 13 {
            out.put_uuid(self.topic_id);
        }
        self.partition_data.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct PartitionProduceData<'a> {
    pub index: i32,
    pub records: Records<'a>,
}

impl<'a> Element<'a> for PartitionProduceData<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this =
            PartitionProduceData { index: reader.i32()?, records: Records::read(reader, version)? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.index);
        self.records.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicProduceResponse<'a> {
    /// Versions 3-12.
    pub name: &'a str,
    /// Versions 13+.
    pub topic_id: Uuid,
    pub partition_responses: Array<'a, PartitionProduceResponse<'a>>,
}

impl<'a> Element<'a> for TopicProduceResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = TopicProduceResponse {
            name: if version.number <= 12 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 13 { reader.uuid()? } else { Uuid::ZERO },
            partition_responses: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 12 {
            out.put_text(version, Some(self.name));
        }
        if version.number >= 13 {
            out.put_uuid(self.topic_id);
        }
        self.partition_responses.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct PartitionProduceResponse<'a> {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    pub log_append_time_ms: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// Versions 8+.
    pub record_errors: Array<'a, BatchIndexAndErrorMessage<'a>>,
    /// Versions 8+.
    pub error_message: Option<&'a str>,
    /// Versions 10+, tag 0.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse<'_> {
    fn default() -> Self {
        PartitionProduceResponse {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Array::EMPTY,
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl<'a> Element<'a> for PartitionProduceResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = PartitionProduceResponse {
            index: reader.i32()?,
            error_code: reader.i16()?,
            base_offset: reader.i64()?,
            log_append_time_ms: reader.i64()?,
            log_start_offset: if version.number >= 5 { reader.i64()? } else { -1 },
            record_errors: if version.number >= 8 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
            error_message: if version.number >= 8 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            current_leader: LeaderIdAndEpoch::default(),
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 if version.number >= 10 => {
                        this.current_leader = LeaderIdAndEpoch::read(reader, version)?
                    }
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.index);
        out.put_i16(self.error_code);
        out.put_i64(self.base_offset);
        out.put_i64(self.log_append_time_ms);
        if version.number >= 5 {
            out.put_i64(self.log_start_offset);
        }
        if version.number >= 8 {
            self.record_errors.write(out, version);
        }
        if version.number >= 8 {
            out.put_text(version, self.error_message);
        }
        if version.flexible {
            let has_current_leader =
                version.number >= 10 && self.current_leader != LeaderIdAndEpoch::default();
            out.put_unsigned_varint(u32::from(has_current_leader));
            if has_current_leader {
                out.put_tagged(0, |out| {
                    self.current_leader.write(out, version);
                });
            }
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct BatchIndexAndErrorMessage<'a> {
    pub batch_index: i32,
    pub batch_index_error_message: Option<&'a str>,
}

impl<'a> Element<'a> for BatchIndexAndErrorMessage<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = BatchIndexAndErrorMessage {
            batch_index: reader.i32()?,
            batch_index_error_message: read_nullable_text(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.batch_index);
        out.put_text(version, self.batch_index_error_message);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        LeaderIdAndEpoch { leader_id: -1, leader_epoch: -1 }
    }
}

impl<'a> Element<'a> for LeaderIdAndEpoch {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = LeaderIdAndEpoch { leader_id: reader.i32()?, leader_epoch: reader.i32()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct NodeEndpoint<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
}

impl<'a> Element<'a> for NodeEndpoint<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = NodeEndpoint {
            node_id: reader.i32()?,
            host: read_text(reader, version)?,
            port: reader.i32()?,
            rack: read_nullable_text(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.node_id);
        out.put_text(version, Some(self.host));
        out.put_i32(self.port);
        out.put_text(version, self.rack);
        out.put_unsigned_varint(0);
    }
}
