//! Metadata record 2, TopicRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicRecord<'a> {
    pub name: &'a str,
    pub topic_id: Uuid,
}

impl<'a> Element<'a> for TopicRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = TopicRecord { name: read_text(reader, version)?, topic_id: reader.uuid()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.name));
        out.put_uuid(self.topic_id);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for TopicRecord<'a> {
    const NAME: &'static str = "TopicRecord";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
