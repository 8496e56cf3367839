//! Coordinator record 2, GroupMetadata.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{
    Array, Element, Message, Version, read_blob, read_nullable_text, read_text,
};

#[derive(Clone, PartialEq, Debug, Default)]
pub struct GroupMetadataKey<'a> {
    pub group: &'a str,
}

impl<'a> Element<'a> for GroupMetadataKey<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(GroupMetadataKey { group: read_text(reader, version)? })
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.group));
    }
}

impl<'a> Message<'a> for GroupMetadataKey<'a> {
    const NAME: &'static str = "GroupMetadataKey";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 0;
    const FLEXIBLE_SINCE: i16 = i16::MAX;
}

#[derive(Clone, PartialEq, Debug)]
pub struct GroupMetadataValue<'a> {
    pub protocol_type: &'a str,
    pub generation: i32,
    pub protocol: Option<&'a str>,
    pub leader: Option<&'a str>,
    /// Versions 2+.
    pub current_state_timestamp: i64,
    pub members: Array<'a, MemberMetadata<'a>>,
}

impl Default for GroupMetadataValue<'_> {
    fn default() -> Self {
        GroupMetadataValue {
            protocol_type: "",
            generation: 0,
            protocol: Some(""),
            leader: Some(""),
            current_state_timestamp: -1,
            members: Array::EMPTY,
        }
    }
}

impl<'a> Element<'a> for GroupMetadataValue<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = GroupMetadataValue {
            protocol_type: read_text(reader, version)?,
            generation: reader.i32()?,
            protocol: read_nullable_text(reader, version)?,
            leader: read_nullable_text(reader, version)?,
            current_state_timestamp: if version.number >= 2 { reader.i64()? } else { -1 },
            members: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.protocol_type));
        out.put_i32(self.generation);
        out.put_text(version, self.protocol);
        out.put_text(version, self.leader);
        if version.number >= 2 {
            out.put_i64(self.current_state_timestamp);
        }
        self.members.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

impl<'a> Message<'a> for GroupMetadataValue<'a> {
    const NAME: &'static str = "GroupMetadataValue";
    const KEY: i16 = 2;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 4;
    const FLEXIBLE_SINCE: i16 = 4;
}

#[derive(Clone, PartialEq, Debug)]
pub struct MemberMetadata<'a> {
    pub member_id: &'a str,
    /// Versions 3+.
    pub group_instance_id: Option<&'a str>,
    pub client_id: &'a str,
    pub client_host: &'a str,
    /// Versions 1+.
    pub rebalance_timeout: i32,
    pub session_timeout: i32,
    pub subscription: &'a [u8],
    pub assignment: &'a [u8],
}

impl Default for MemberMetadata<'_> {
    fn default() -> Self {
        MemberMetadata {
            member_id: "",
            group_instance_id: None,
            client_id: "",
            client_host: "",
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: &[],
            assignment: &[],
        }
    }
}

impl<'a> Element<'a> for MemberMetadata<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = MemberMetadata {
            member_id: read_text(reader, version)?,
            group_instance_id: if version.number >= 3 {
                read_nullable_text(reader, version)?
            } else {
                None
            },
            client_id: read_text(reader, version)?,
            client_host: read_text(reader, version)?,
            rebalance_timeout: if version.number >= 1 { reader.i32()? } else { -1 },
            session_timeout: reader.i32()?,
            subscription: read_blob(reader, version)?,
            assignment: read_blob(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self.member_id));
        if version.number >= 3 {
            out.put_text(version, self.group_instance_id);
        }
        out.put_text(version, Some(self.client_id));
        out.put_text(version, Some(self.client_host));
        if version.number >= 1 {
            out.put_i32(self.rebalance_timeout);
        }
        out.put_i32(self.session_timeout);
        out.put_blob(version, Some(self.subscription));
        out.put_blob(version, Some(self.assignment));
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}
