//! Control record 4, SnapshotFooterRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct SnapshotFooterRecord {
    pub version: i16,
}

impl<'a> Element<'a> for SnapshotFooterRecord {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = SnapshotFooterRecord { version: reader.i16()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i16(self.version);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for SnapshotFooterRecord {
    const NAME: &'static str = "SnapshotFooterRecord";
    const KEY: i16 = 4;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
