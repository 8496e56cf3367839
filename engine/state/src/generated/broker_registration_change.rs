//! Metadata record 17, BrokerRegistrationChangeRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct BrokerRegistrationChangeRecord<'a> {
    pub broker_id: i32,
    pub broker_epoch: i64,
    /// Tag 0.
    pub fenced: i8,
    /// Versions 1+, tag 1.
    pub in_controlled_shutdown: i8,
    /// Versions 2+, tag 2.
    pub log_dirs: Array<'a, Uuid>,
    /// Versions 3+, tag 3.
    pub cordoned_log_dirs: Option<Array<'a, Uuid>>,
}

impl<'a> Element<'a> for BrokerRegistrationChangeRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = BrokerRegistrationChangeRecord {
            broker_id: reader.i32()?,
            broker_epoch: reader.i64()?,
            fenced: 0,
            in_controlled_shutdown: 0,
            log_dirs: Array::EMPTY,
            cordoned_log_dirs: None,
        };
        reader.tagged_fields(|tag, mut content| {
            let reader = &mut content;
            match tag {
                0 => this.fenced = reader.i8()?,
                1 if version.number >= 1 => this.in_controlled_shutdown = reader.i8()?,
                2 if version.number >= 2 => this.log_dirs = Array::read(reader, version)?,
                3 if version.number >= 3 => {
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
        out.put_i64(self.broker_epoch);
        if version.number < 1 && self.in_controlled_shutdown != 0 {
            out.unsupported("in_controlled_shutdown");
        }
        if version.number < 2 && !self.log_dirs.is_empty() {
            out.unsupported("log_dirs");
        }
        if version.number < 3 && self.cordoned_log_dirs.is_some() {
            out.unsupported("cordoned_log_dirs");
        }
        let has_fenced = self.fenced != 0;
        let has_in_controlled_shutdown = version.number >= 1 && self.in_controlled_shutdown != 0;
        let has_log_dirs = version.number >= 2 && !self.log_dirs.is_empty();
        let has_cordoned_log_dirs = version.number >= 3 && self.cordoned_log_dirs.is_some();
        out.put_unsigned_varint(
            u32::from(has_fenced)
                + u32::from(has_in_controlled_shutdown)
                + u32::from(has_log_dirs)
                + u32::from(has_cordoned_log_dirs),
        );
        if has_fenced {
            out.put_tagged(0, |out| {
                out.put_i8(self.fenced);
            });
        }
        if has_in_controlled_shutdown {
            out.put_tagged(1, |out| {
                out.put_i8(self.in_controlled_shutdown);
            });
        }
        if has_log_dirs {
            out.put_tagged(2, |out| {
                self.log_dirs.write(out, version);
            });
        }
        if has_cordoned_log_dirs {
            out.put_tagged(3, |out| {
                Array::write_nullable(self.cordoned_log_dirs.as_ref(), out, version);
            });
        }
    }
}

impl<'a> Message<'a> for BrokerRegistrationChangeRecord<'a> {
    const NAME: &'static str = "BrokerRegistrationChangeRecord";
    const KEY: i16 = 17;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 3;
    const FLEXIBLE_SINCE: i16 = 0;
}
