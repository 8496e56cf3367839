//! Coordinator record 1, OffsetCommit.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Element, Message, Version, read_text};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct OffsetCommitKey<'a> {
    pub group: &'a str,
    pub topic: &'a str,
    pub partition: i32,
}

impl<'a> Element<'a> for OffsetCommitKey<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(OffsetCommitKey {
            group: read_text(reader, version)?,
            topic: read_text(reader, version)?,
            partition: reader.i32()?,
        })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group));
        out.put_text(version, Some(self.topic));
        out.put_i32(self.partition);
    }
}

impl<'a> Message<'a> for OffsetCommitKey<'a> {
    const NAME: &'static str = "OffsetCommitKey";
    const KEY: i16 = 1;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = i16::MAX;
}

#[derive(Clone, PartialEq, Debug)]
pub struct OffsetCommitValue<'a> {
    pub offset: i64,
    /// Versions 3+.
    pub leader_epoch: i32,
    pub metadata: &'a str,
    pub commit_timestamp: i64,
    /// Versions 1.
    pub expire_timestamp: i64,
    /// Versions 4+, tag 0.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue<'_> {
    fn default() -> Self {
        OffsetCommitValue {
            offset: 0,
            leader_epoch: -1,
            metadata: "",
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::ZERO,
        }
    }
}

impl<'a> Element<'a> for OffsetCommitValue<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = OffsetCommitValue {
            offset: reader.i64()?,
            leader_epoch: if version.number >= 3 { reader.i32()? } else { -1 },
            metadata: read_text(reader, version)?,
            commit_timestamp: reader.i64()?,
            expire_timestamp: if version.number == 1 { reader.i64()? } else { -1 },
            topic_id: Uuid::ZERO,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 => this.topic_id = reader.uuid()?,
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i64(self.offset);
        if version.number >= 3 {
            out.put_i32(self.leader_epoch);
        }
        out.put_text(version, Some(self.metadata));
        out.put_i64(self.commit_timestamp);
        if version.number == 1 {
            out.put_i64(self.expire_timestamp);
        }
        if version.flexible {
            let has_topic_id = version.number >= 4 && !self.topic_id.is_zero();
            out.put_unsigned_varint(u32::from(has_topic_id));
            if has_topic_id {
                out.put_tagged(0, |out| {
                    out.put_uuid(self.topic_id);
                });
            }
        }
    }
}

impl<'a> Message<'a> for OffsetCommitValue<'a> {
    const NAME: &'static str = "OffsetCommitValue";
    const KEY: i16 = 1;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}
