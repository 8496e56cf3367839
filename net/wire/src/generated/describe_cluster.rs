//! API 60, DescribeCluster.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    /// Versions 1+.
    pub endpoint_type: i8,
    /// Versions 2+.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        DescribeClusterRequest {
            include_cluster_authorized_operations: false,
            endpoint_type: 1,
            include_fenced_brokers: false,
        }
    }
}

impl<'a> Element<'a> for DescribeClusterRequest {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeClusterRequest {
            include_cluster_authorized_operations: reader.bool()?,
            endpoint_type: if version.number >= 1 { reader.i8()? } else { 1 },
            include_fenced_brokers: if version.number >= 2 { reader.bool()? } else { false },
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_bool(self.include_cluster_authorized_operations);
        if version.number >= 1 {
            out.put_i8(self.endpoint_type);
        } else if self.endpoint_type != 1 {
            out.unsupported("endpoint_type");
        }
        if version.number >= 2 {
            out.put_bool(self.include_fenced_brokers);
        } else if self.include_fenced_brokers {
            out.unsupported("include_fenced_brokers");
        }
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for DescribeClusterRequest {
    const NAME: &'static str = "DescribeClusterRequest";
    const KEY: i16 = 60;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Request<'a> for DescribeClusterRequest {
    type Response<'r> = DescribeClusterResponse<'r>;
    const API: ApiKey = ApiKey::DescribeCluster;
}

#[derive(Clone, PartialEq, Debug)]
pub struct DescribeClusterResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<&'a str>,
    /// Versions 1+.
    pub endpoint_type: i8,
    pub cluster_id: &'a str,
    pub controller_id: i32,
    pub brokers: Array<'a, DescribeClusterBroker<'a>>,
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse<'_> {
    fn default() -> Self {
        DescribeClusterResponse {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: None,
            endpoint_type: 1,
            cluster_id: "",
            controller_id: -1,
            brokers: Array::EMPTY,
            cluster_authorized_operations: i32::MIN,
        }
    }
}

impl<'a> Element<'a> for DescribeClusterResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeClusterResponse {
            throttle_time_ms: reader.i32()?,
            error_code: reader.i16()?,
            error_message: read_nullable_text(reader, version)?,
            endpoint_type: if version.number >= 1 { reader.i8()? } else { 1 },
            cluster_id: read_text(reader, version)?,
            controller_id: reader.i32()?,
            brokers: Array::read(reader, version)?,
            cluster_authorized_operations: reader.i32()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        out.put_i16(self.error_code);
        out.put_text(version, self.error_message);
        if version.number >= 1 {
            out.put_i8(self.endpoint_type);
        }
        out.put_text(version, Some(self.cluster_id));
        out.put_i32(self.controller_id);
        self.brokers.write(out, version);
        out.put_i32(self.cluster_authorized_operations);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for DescribeClusterResponse<'a> {
    const NAME: &'static str = "DescribeClusterResponse";
    const KEY: i16 = 60;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 0;
}

impl<'a> Response<'a> for DescribeClusterResponse<'a> {
    const API: ApiKey = ApiKey::DescribeCluster;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct DescribeClusterBroker<'a> {
    pub broker_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
    /// Versions 2+.
    pub is_fenced: bool,
}

impl<'a> Element<'a> for DescribeClusterBroker<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = DescribeClusterBroker {
            broker_id: reader.i32()?,
            host: read_text(reader, version)?,
            port: reader.i32()?,
            rack: read_nullable_text(reader, version)?,
            is_fenced: if version.number >= 2 { reader.bool()? } else { false },
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.broker_id);
        out.put_text(version, Some(self.host));
        out.put_i32(self.port);
        out.put_text(version, self.rack);
        if version.number >= 2 {
            out.put_bool(self.is_fenced);
        }
        out.put_unsigned_varint(0);
    }
}
