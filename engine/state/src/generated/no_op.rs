//! Metadata record 20, NoOpRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct NoOpRecord {}

impl<'a> Element<'a> for NoOpRecord {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = NoOpRecord {};
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for NoOpRecord {
    const NAME: &'static str = "NoOpRecord";
    const KEY: i16 = 20;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
