//! What a block device was asked to do between two moments, from its `stat` file in /sys. Counts
//! of the whole device: whoever asked.

use crate::Failure;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

const SECTOR_BYTES: u64 = 512;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Device {
    pub reads: u64,
    pub read_bytes: u64,
    pub writes: u64,
    pub written_bytes: u64,
    /// Requests to make durable what was written. Writes that carry that wish themselves (FUA)
    /// are not among them when the device knows how to do those; this kernel turns them into
    /// flushes when it does not.
    pub flushes: u64,
}

impl Device {
    /// `name` as in /sys/class/block.
    pub fn read(name: &str) -> Result<Device, Failure> {
        let path = Path::new("/sys/class/block").join(name).join("stat");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Device::parse(&text).ok_or_else(|| format!("{} is not as expected", path.display()).into())
    }

    /// Fields as in the kernel's Documentation/block/stat.rst; flushes since Linux 5.5.
    fn parse(text: &str) -> Option<Device> {
        let fields: Vec<u64> =
            text.split_whitespace().map_while(|field| field.parse().ok()).collect();
        Some(Device {
            reads: *fields.first()?,
            read_bytes: fields.get(2)? * SECTOR_BYTES,
            writes: *fields.get(4)?,
            written_bytes: fields.get(6)? * SECTOR_BYTES,
            flushes: fields.get(15).copied().unwrap_or(0),
        })
    }

    pub fn until(&self, after: &Device) -> Device {
        Device {
            reads: after.reads.saturating_sub(self.reads),
            read_bytes: after.read_bytes.saturating_sub(self.read_bytes),
            writes: after.writes.saturating_sub(self.writes),
            written_bytes: after.written_bytes.saturating_sub(self.written_bytes),
            flushes: after.flushes.saturating_sub(self.flushes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Device;

    #[test]
    fn fields_are_where_the_kernel_puts_them() {
        let line = " 2831130   581339 1086134850 14112974  4896577   796113 383034440  1561869 \
                    0  1263252 15930526   283889      162 266203288    77124  1781230   178558\n";
        let found = Device::parse(line).expect("a stat line");
        assert_eq!((found.reads, found.read_bytes), (2_831_130, 1_086_134_850 * 512));
        assert_eq!((found.writes, found.written_bytes), (4_896_577, 383_034_440 * 512));
        assert_eq!(found.flushes, 1_781_230);
        let later = Device { flushes: found.flushes + 7, ..found };
        assert_eq!(found.until(&later), Device { flushes: 7, ..Device::default() });
        assert_eq!(Device::parse("1 2 3"), None);
    }
}
