//! Metadata record 4, ConfigRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct ConfigRecord<'a> {
    pub resource_type: i8,
    pub resource_name: &'a str,
    pub name: &'a str,
    pub value: Option<&'a str>,
}

impl Default for ConfigRecord<'_> {
    fn default() -> Self {
        ConfigRecord { resource_type: 0, resource_name: "", name: "", value: Some("") }
    }
}

impl<'a> Element<'a> for ConfigRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ConfigRecord {
            resource_type: reader.i8()?,
            resource_name: read_text(reader, version)?,
            name: read_text(reader, version)?,
            value: read_nullable_text(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i8(self.resource_type);
        out.put_text(version, Some(self.resource_name));
        out.put_text(version, Some(self.name));
        out.put_text(version, self.value);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for ConfigRecord<'a> {
    const NAME: &'static str = "ConfigRecord";
    const KEY: i16 = 4;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
