//! Control record 3, SnapshotHeaderRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SnapshotHeaderRecord {
    pub version: i16,
    pub last_contained_log_timestamp: i64,
}

impl<'a> Element<'a> for SnapshotHeaderRecord {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = SnapshotHeaderRecord {
            version: reader.i16()?,
            last_contained_log_timestamp: reader.i64()?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i16(self.version);
        out.put_i64(self.last_contained_log_timestamp);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for SnapshotHeaderRecord {
    const NAME: &'static str = "SnapshotHeaderRecord";
    const KEY: i16 = 3;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
