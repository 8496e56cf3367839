//! Metadata record 15, ProducerIdsRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version};

#[derive(Clone, PartialEq, Debug)]
pub struct ProducerIdsRecord {
    pub broker_id: i32,
    pub broker_epoch: i64,
    pub next_producer_id: i64,
}

impl Default for ProducerIdsRecord {
    fn default() -> Self {
        ProducerIdsRecord { broker_id: 0, broker_epoch: -1, next_producer_id: 0 }
    }
}

impl<'a> Element<'a> for ProducerIdsRecord {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = ProducerIdsRecord {
            broker_id: reader.i32()?,
            broker_epoch: reader.i64()?,
            next_producer_id: reader.i64()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.broker_id);
        out.put_i64(self.broker_epoch);
        out.put_i64(self.next_producer_id);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for ProducerIdsRecord {
    const NAME: &'static str = "ProducerIdsRecord";
    const KEY: i16 = 15;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
