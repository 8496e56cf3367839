//! Metadata record 0, RegisterBrokerRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct RegisterBrokerRecord<'a> {
    pub broker_id: i32,
    /// Versions 2+.
    pub is_migrating_zk_broker: bool,
    pub incarnation_id: Uuid,
    pub broker_epoch: i64,
    pub end_points: Array<'a, BrokerEndpoint<'a>>,
    pub features: Array<'a, BrokerFeature<'a>>,
    pub rack: Option<&'a str>,
    pub fenced: bool,
    /// Versions 1+.
    pub in_controlled_shutdown: bool,
    /// Versions 3+, tag 0.
    pub log_dirs: Array<'a, Uuid>,
    /// Versions 4+, tag 1.
    pub cordoned_log_dirs: Option<Array<'a, Uuid>>,
}

impl Default for RegisterBrokerRecord<'_> {
    fn default() -> Self {
        RegisterBrokerRecord {
            broker_id: 0,
            is_migrating_zk_broker: false,
            incarnation_id: Uuid::ZERO,
            broker_epoch: 0,
            end_points: Array::EMPTY,
            features: Array::EMPTY,
            rack: Some(""),
            fenced: true,
            in_controlled_shutdown: false,
            log_dirs: Array::EMPTY,
            cordoned_log_dirs: None,
        }
    }
}

impl<'a> Element<'a> for RegisterBrokerRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = RegisterBrokerRecord {
            broker_id: reader.i32()?,
            is_migrating_zk_broker: if version.number >= 2 { reader.bool()? } else { false },
            incarnation_id: reader.uuid()?,
            broker_epoch: reader.i64()?,
            end_points: Array::read(reader, version)?,
            features: Array::read(reader, version)?,
            rack: read_nullable_text(reader, version)?,
            fenced: reader.bool()?,
            in_controlled_shutdown: if version.number >= 1 { reader.bool()? } else { false },
            log_dirs: Array::EMPTY,
            cordoned_log_dirs: None,
        };
        reader.tagged_fields(|tag, mut content| {
            let reader = &mut content;
            match tag {
                0 if version.number >= 3 => this.log_dirs = Array::read(reader, version)?,
                1 if version.number >= 4 => {
                    this.cordoned_log_dirs = Array::read_nullable(reader, version)?
                }
                _ => return Ok(()),
            }
            content.finish()
        })?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.broker_id);
        if version.number >= 2 {
            out.put_bool(self.is_migrating_zk_broker);
        } else if self.is_migrating_zk_broker {
            out.unsupported("is_migrating_zk_broker");
        }
        out.put_uuid(self.incarnation_id);
        out.put_i64(self.broker_epoch);
        self.end_points.write(out, version);
        self.features.write(out, version);
        out.put_text(version, self.rack);
        out.put_bool(self.fenced);
        if version.number >= 1 {
            out.put_bool(self.in_controlled_shutdown);
        } else if self.in_controlled_shutdown {
            out.unsupported("in_controlled_shutdown");
        }
        if version.number < 3 && !self.log_dirs.is_empty() {
            out.unsupported("log_dirs");
        }
        if version.number < 4 && self.cordoned_log_dirs.is_some() {
            out.unsupported("cordoned_log_dirs");
        }
        let has_log_dirs = version.number >= 3 && !self.log_dirs.is_empty();
        let has_cordoned_log_dirs = version.number >= 4 && self.cordoned_log_dirs.is_some();
        out.put_unsigned_varint(u32::from(has_log_dirs) + u32::from(has_cordoned_log_dirs));
        if has_log_dirs {
            out.put_tagged(0, |out| {
                self.log_dirs.write(out, version);
            });
        }
        if has_cordoned_log_dirs {
            out.put_tagged(1, |out| {
                Array::write_nullable(self.cordoned_log_dirs.as_ref(), out, version);
            });
        }
    }
}

impl<'a> Message<'a> for RegisterBrokerRecord<'a> {
    const NAME: &'static str = "RegisterBrokerRecord";
    const KEY: i16 = 0;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 0;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct BrokerEndpoint<'a> {
    pub name: &'a str,
    pub host: &'a str,
    pub port: u16,
    pub security_protocol: i16,
}

impl<'a> Element<'a> for BrokerEndpoint<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = BrokerEndpoint {
            name: read_text(reader, version)?,
            host: read_text(reader, version)?,
            port: reader.u16()?,
            security_protocol: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_text(version, Some(self.host));
        out.put_u16(self.port);
        out.put_i16(self.security_protocol);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct BrokerFeature<'a> {
    pub name: &'a str,
    pub min_supported_version: i16,
    pub max_supported_version: i16,
}

impl<'a> Element<'a> for BrokerFeature<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = BrokerFeature {
            name: read_text(reader, version)?,
            min_supported_version: reader.i16()?,
            max_supported_version: reader.i16()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i16(self.min_supported_version);
        out.put_i16(self.max_supported_version);
        out.put_unsigned_varint(0);
    }
}
