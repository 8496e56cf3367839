//! Metadata record 5, PartitionChangeRecord.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version};

#[derive(Clone, PartialEq, Debug)]
pub struct PartitionChangeRecord<'a> {
    pub partition_id: i32,
    pub topic_id: Uuid,
    /// Tag 0.
    pub isr: Option<Array<'a, i32>>,
    /// Tag 1.
    pub leader: i32,
    /// Tag 2.
    pub replicas: Option<Array<'a, i32>>,
    /// Tag 3.
    pub removing_replicas: Option<Array<'a, i32>>,
    /// Tag 4.
    pub adding_replicas: Option<Array<'a, i32>>,
    /// Tag 5.
    pub leader_recovery_state: i8,
    /// Versions 1+, tag 8.
    pub directories: Option<Array<'a, Uuid>>,
    /// Versions 2+, tag 6.
    pub eligible_leader_replicas: Option<Array<'a, i32>>,
    /// Versions 2+, tag 7.
    pub last_known_elr: Option<Array<'a, i32>>,
}

impl Default for PartitionChangeRecord<'_> {
    fn default() -> Self {
        PartitionChangeRecord {
            partition_id: -1,
            topic_id: Uuid::ZERO,
            isr: None,
            leader: -2,
            replicas: None,
            removing_replicas: None,
            adding_replicas: None,
            leader_recovery_state: -1,
            directories: None,
            eligible_leader_replicas: None,
            last_known_elr: None,
        }
    }
}

impl<'a> Element<'a> for PartitionChangeRecord<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = PartitionChangeRecord {
            partition_id: reader.i32()?,
            topic_id: reader.uuid()?,
            isr: None,
            leader: -2,
            replicas: None,
            removing_replicas: None,
            adding_replicas: None,
            leader_recovery_state: -1,
            directories: None,
            eligible_leader_replicas: None,
            last_known_elr: None,
        };
        reader.tagged_fields(|tag, mut content| {
            let reader = &mut content;
            match tag {
                0 => this.isr = Array::read_nullable(reader, version)?,
                1 => this.leader = reader.i32()?,
                2 => this.replicas = Array::read_nullable(reader, version)?,
                3 => this.removing_replicas = Array::read_nullable(reader, version)?,
                4 => this.adding_replicas = Array::read_nullable(reader, version)?,
                5 => this.leader_recovery_state = reader.i8()?,
                6 if version.number >= 2 => {
                    this.eligible_leader_replicas = Array::read_nullable(reader, version)?
                }
                7 if version.number >= 2 => {
                    this.last_known_elr = Array::read_nullable(reader, version)?
                }
                8 if version.number >= 1 => {
                    this.directories = Array::read_nullable(reader, version)?
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
        if version.number < 1 && self.directories.is_some() {
            out.unsupported("directories");
        }
        if version.number < 2 && self.eligible_leader_replicas.is_some() {
            out.unsupported("eligible_leader_replicas");
        }
        if version.number < 2 && self.last_known_elr.is_some() {
            out.unsupported("last_known_elr");
        }
        let has_isr = self.isr.is_some();
        let has_leader = self.leader != -2;
        let has_replicas = self.replicas.is_some();
        let has_removing_replicas = self.removing_replicas.is_some();
        let has_adding_replicas = self.adding_replicas.is_some();
        let has_leader_recovery_state = self.leader_recovery_state != -1;
        let has_eligible_leader_replicas =
            version.number >= 2 && self.eligible_leader_replicas.is_some();
        let has_last_known_elr = version.number >= 2 && self.last_known_elr.is_some();
        let has_directories = version.number >= 1 && self.directories.is_some();
        out.put_unsigned_varint(
            u32::from(has_isr)
                + u32::from(has_leader)
                + u32::from(has_replicas)
                + u32::from(has_removing_replicas)
                + u32::from(has_adding_replicas)
                + u32::from(has_leader_recovery_state)
                + u32::from(has_eligible_leader_replicas)
                + u32::from(has_last_known_elr)
                + u32::from(has_directories),
        );
        if has_isr {
            out.put_tagged(0, |out| {
                Array::write_nullable(self.isr.as_ref(), out, version);
            });
        }
        if has_leader {
            out.put_tagged(1, |out| {
                out.put_i32(self.leader);
            });
        }
        if has_replicas {
            out.put_tagged(2, |out| {
                Array::write_nullable(self.replicas.as_ref(), out, version);
            });
        }
        if has_removing_replicas {
            out.put_tagged(3, |out| {
                Array::write_nullable(self.removing_replicas.as_ref(), out, version);
            });
        }
        if has_adding_replicas {
            out.put_tagged(4, |out| {
                Array::write_nullable(self.adding_replicas.as_ref(), out, version);
            });
        }
        if has_leader_recovery_state {
            out.put_tagged(5, |out| {
                out.put_i8(self.leader_recovery_state);
            });
        }
        if has_eligible_leader_replicas {
            out.put_tagged(6, |out| {
                Array::write_nullable(self.eligible_leader_replicas.as_ref(), out, version);
            });
        }
        if has_last_known_elr {
            out.put_tagged(7, |out| {
                Array::write_nullable(self.last_known_elr.as_ref(), out, version);
            });
        }
        if has_directories {
            out.put_tagged(8, |out| {
                Array::write_nullable(self.directories.as_ref(), out, version);
            });
        }
    }
}

impl<'a> Message<'a> for PartitionChangeRecord<'a> {
    const NAME: &'static str = "PartitionChangeRecord";
    const KEY: i16 = 5;
    const VERSION_MIN: i16 = 0;
    const VERSION_MAX: i16 = 2;
    const FLEXIBLE_SINCE: i16 = 0;
}
