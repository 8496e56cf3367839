//! Metadata record 3, PartitionRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version};

#[derive(Clone, PartialEq, Debug)]
pub struct PartitionRecord<'a> {
    pub partition_id: i32,
    pub topic_id: Uuid,
    pub replicas: Array<'a, i32>,
    pub isr: Array<'a, i32>,
    pub removing_replicas: Array<'a, i32>,
    pub adding_replicas: Array<'a, i32>,
    pub leader: i32,
    /// Tag 0.
    pub leader_recovery_state: i8,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    /// Versions 1+.
    pub directories: Array<'a, Uuid>,
    /// Versions 2+, tag 1.
    pub eligible_leader_replicas: Option<Array<'a, i32>>,
    /// Versions 2+, tag 2.
    pub last_known_elr: Option<Array<'a, i32>>,
}

impl Default for PartitionRecord<'_> {
    fn default() -> Self {
        PartitionRecord {
            partition_id: -1,
            topic_id: Uuid::ZERO,
            replicas: Array::EMPTY,
            isr: Array::EMPTY,
            removing_replicas: Array::EMPTY,
            adding_replicas: Array::EMPTY,
            leader: -1,
            leader_recovery_state: 0,
            leader_epoch: -1,
            partition_epoch: -1,
            directories: Array::EMPTY,
            eligible_leader_replicas: None,
            last_known_elr: None,
        }
    }
}

impl<'a> Element<'a> for PartitionRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = PartitionRecord {
            partition_id: reader.i32()?,
            topic_id: reader.uuid()?,
            replicas: Array::read(reader, version)?,
            isr: Array::read(reader, version)?,
            removing_replicas: Array::read(reader, version)?,
            adding_replicas: Array::read(reader, version)?,
            leader: reader.i32()?,
            leader_recovery_state: 0,
            leader_epoch: reader.i32()?,
            partition_epoch: reader.i32()?,
            directories: if version.number >= 1 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
            eligible_leader_replicas: None,
            last_known_elr: None,
        };
        reader.tagged_fields(|tag, mut content| {
            let reader = &mut content;
            match tag {
                0 => this.leader_recovery_state = reader.i8()?,
                1 if version.number >= 2 => {
                    this.eligible_leader_replicas = Array::read_nullable(reader, version)?
                }
                2 if version.number >= 2 => {
                    this.last_known_elr = Array::read_nullable(reader, version)?
                }
                _ => return Ok(()),
            }
            content.finish()
        })?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_id);
        out.put_uuid(self.topic_id);
        self.replicas.write(out, version);
        self.isr.write(out, version);
        self.removing_replicas.write(out, version);
        self.adding_replicas.write(out, version);
        out.put_i32(self.leader);
        out.put_i32(self.leader_epoch);
        out.put_i32(self.partition_epoch);
        if version.number >= 1 {
            self.directories.write(out, version);
        } else if !self.directories.is_empty() {
            out.unsupported("directories");
        }
        if version.number < 2 && self.eligible_leader_replicas.is_some() {
            out.unsupported("eligible_leader_replicas");
        }
        if version.number < 2 && self.last_known_elr.is_some() {
            out.unsupported("last_known_elr");
        }
        let has_leader_recovery_state = self.leader_recovery_state != 0;
        let has_eligible_leader_replicas =
            version.number >= 2 && self.eligible_leader_replicas.is_some();
        let has_last_known_elr = version.number >= 2 && self.last_known_elr.is_some();
        out.put_unsigned_varint(
            u32::from(has_leader_recovery_state)
                + u32::from(has_eligible_leader_replicas)
                + u32::from(has_last_known_elr),
        );
        if has_leader_recovery_state {
            out.put_tagged(0, |out| {
                out.put_i8(self.leader_recovery_state);
            });
        }
        if has_eligible_leader_replicas {
            out.put_tagged(1, |out| {
                Array::write_nullable(self.eligible_leader_replicas.as_ref(), out, version);
            });
        }
        if has_last_known_elr {
            out.put_tagged(2, |out| {
                Array::write_nullable(self.last_known_elr.as_ref(), out, version);
            });
        }
    }
}

impl<'a> Message<'a> for PartitionRecord<'a> {
    const NAME: &'static str = "PartitionRecord";
    const KEY: i16 = 3;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 0;
}
