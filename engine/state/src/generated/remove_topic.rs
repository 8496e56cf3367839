//! Metadata record 9, RemoveTopicRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct RemoveTopicRecord {
    pub topic_id: Uuid,
}

impl<'a> Element<'a> for RemoveTopicRecord {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = RemoveTopicRecord { topic_id: reader.uuid()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_uuid(self.topic_id);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for RemoveTopicRecord {
    const NAME: &'static str = "RemoveTopicRecord";
    const KEY: i16 = 9;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = 0;
}
