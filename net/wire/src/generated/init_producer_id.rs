//! API 22, InitProducerId.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_nullable_text};

#[derive(Clone, PartialEq, Debug)]
pub struct InitProducerIdRequest<'a> {
    pub transactional_id: Option<&'a str>,
    pub transaction_timeout_ms: i32,
    /// Versions 3+.
    pub producer_id: i64,
    /// Versions 3+.
    pub producer_epoch: i16,
    /// Versions 6+.
    pub enable_2pc: bool,
    /// Versions 6+.
    pub keep_prepared_txn: bool,
}

impl Default for InitProducerIdRequest<'_> {
    fn default() -> Self {
        InitProducerIdRequest {
            transactional_id: Some(""),
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
            enable_2pc: false,
            keep_prepared_txn: false,
        }
    }
}

impl<'a> Element<'a> for InitProducerIdRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = InitProducerIdRequest {
            transactional_id: read_nullable_text(reader, version)?,
            transaction_timeout_ms: reader.i32()?,
            producer_id: if version.number >= 3 { reader.i64()? } else { -1 },
            producer_epoch: if version.number >= 3 { reader.i16()? } else { -1 },
            enable_2pc: if version.number >= 6 { reader.bool()? } else { false },
            keep_prepared_txn: if version.number >= 6 { reader.bool()? } else { false },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, self.transactional_id);
        out.put_i32(self.transaction_timeout_ms);
        if version.number >= 3 {
            out.put_i64(self.producer_id);
        } else if self.producer_id != -1 {
            out.unsupported("producer_id");
        }
        if version.number >= 3 {
            out.put_i16(self.producer_epoch);
        } else if self.producer_epoch != -1 {
            out.unsupported("producer_epoch");
        }
        if version.number >= 6 {
            out.put_bool(self.enable_2pc);
        } else if self.enable_2pc {
            out.unsupported("enable_2pc");
        }
        if version.number >= 6 {
            out.put_bool(self.keep_prepared_txn);
        } else if self.keep_prepared_txn {
            out.unsupported("keep_prepared_txn");
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for InitProducerIdRequest<'a> {
    const NAME: &'static str = "InitProducerIdRequest";
    const KEY: i16 = 22;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Request<'a> for InitProducerIdRequest<'a> {
    type Response<'r> = InitProducerIdResponse;
    const API: ApiKey = ApiKey::InitProducerId;
}

#[derive(Clone, PartialEq, Debug)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
    /// Versions 6+.
    pub ongoing_txn_producer_id: i64,
    /// Versions 6+.
    pub ongoing_txn_producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        InitProducerIdResponse {
            throttle_time_ms: 0,
            error_code: 0,
            producer_id: -1,
            producer_epoch: 0,
            ongoing_txn_producer_id: -1,
            ongoing_txn_producer_epoch: -1,
        }
    }
}

impl<'a> Element<'a> for InitProducerIdResponse {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = InitProducerIdResponse {
            throttle_time_ms: reader.i32()?,
            error_code: reader.i16()?,
            producer_id: reader.i64()?,
            producer_epoch: reader.i16()?,
            ongoing_txn_producer_id: if version.number >= 6 { reader.i64()? } else { -1 },
            ongoing_txn_producer_epoch: if version.number >= 6 { reader.i16()? } else { -1 },
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        if version.number >= 6 {
            out.put_i64(self.ongoing_txn_producer_id);
        }
        if version.number >= 6 {
            out.put_i16(self.ongoing_txn_producer_epoch);
        }
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for InitProducerIdResponse {
    const NAME: &'static str = "InitProducerIdResponse";
    const KEY: i16 = 22;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 6;
    const FLEXIBLE_SINCE: i16 = 2;
}

impl<'a> Response<'a> for InitProducerIdResponse {
    const API: ApiKey = ApiKey::InitProducerId;
}
