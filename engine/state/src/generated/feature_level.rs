//! Metadata record 12, FeatureLevelRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FeatureLevelRecord<'a> {
    pub name: &'a str,
    pub feature_level: i16,
}

impl<'a> Element<'a> for FeatureLevelRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this =
            FeatureLevelRecord { name: read_text(reader, version)?, feature_level: reader.i16()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_i16(self.feature_level);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for FeatureLevelRecord<'a> {
    const NAME: &'static str = "FeatureLevelRecord";
    const KEY: i16 = 12;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
