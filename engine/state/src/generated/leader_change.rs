//! Control record 2, LeaderChangeMessage.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct LeaderChangeMessage<'a> {
    pub version: i16,
    pub leader_id: i32,
    pub voters: Array<'a, Voter>,
    pub granting_voters: Array<'a, Voter>,
}

impl<'a> Element<'a> for LeaderChangeMessage<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = LeaderChangeMessage {
            version: reader.i16()?,
            leader_id: reader.i32()?,
            voters: Array::read(reader, version)?,
            granting_voters: Array::read(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i16(self.version);
        out.put_i32(self.leader_id);
        self.voters.write(out, version);
        self.granting_voters.write(out, version);
        out.put_unsigned_varint(0);
    }
}

impl<'a> Message<'a> for LeaderChangeMessage<'a> {
    const NAME: &'static str = "LeaderChangeMessage";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 1;
    const FLEXIBLE_SINCE: i16 = 0;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Voter {
    pub voter_id: i32,
    /// Versions 1+.
    pub voter_directory_id: Uuid,
}

impl<'a> Element<'a> for Voter {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = Voter {
            voter_id: reader.i32()?,
            voter_directory_id: if version.number >= 1 { reader.uuid()? } else { Uuid::ZERO },
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.voter_id);
        if version.number >= 1 {
            out.put_uuid(self.voter_directory_id);
        } else if !self.voter_directory_id.is_zero() {
            out.unsupported("voter_directory_id");
        }
        out.put_unsigned_varint(0);
    }
}
