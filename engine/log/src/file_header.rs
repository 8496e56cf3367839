//! The first block of a journal file: which use of which directory the file belongs to. Written and
//! made durable before the points file names the journal and before its first frame, and not touched
//! while frames are written, so no crash can tear it: a file without it, where the points say that
//! there is one, was removed, emptied or exchanged by somebody else. Pure encoding and decoding;
//! big-endian; docs/FORMAT.md holds the same in words.

use engine_base::codec::{DecodeError, Reader, Write};

pub const FILE_MAGIC: [u8; 4] = *b"TMJH";
const VERSION: u16 = 1;
pub const FILE_HEADER_BYTES: usize = 64;
/// Frames start here.
pub const FRAMES_START: u64 = 4096;
const CRC_AT: usize = 8;
const CRC_END: usize = 12;

const _: () = assert!(4 + 2 + 2 + 4 + 4 + 2 + 2 + 4 + 8 + 8 + 24 == FILE_HEADER_BYTES);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileHeader {
    /// The run that took the file into use; frames of earlier runs in it are stale.
    pub run: u32,
    pub shard: u16,
    pub shard_count: u16,
    pub index: u32,
    /// Size of the whole file.
    pub file_bytes: u64,
    /// Drawn for each run of a shard; the points file of that run has the same.
    pub id: u64,
}

impl FileHeader {
    pub fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut out = Vec::with_capacity(FILE_HEADER_BYTES);
        out.put(&FILE_MAGIC);
        out.put_u16(VERSION);
        out.put_u16(64);
        out.put_u32(0);
        out.put_u32(self.run);
        out.put_u16(self.shard);
        out.put_u16(self.shard_count);
        out.put_u32(self.index);
        out.put_i64(self.file_bytes.cast_signed());
        out.put_i64(self.id.cast_signed());
        out.put(&[0; 24]);
        let mut bytes: [u8; FILE_HEADER_BYTES] =
            out.try_into().expect("the fields add up to the header, checked at compile time");
        let crc = crc32fast::hash(&bytes[CRC_END..]);
        bytes[CRC_AT..CRC_END].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// `None` if the file does not begin with a header whose checksum holds.
    pub fn parse(bytes: &[u8]) -> Option<FileHeader> {
        let head = bytes.get(..FILE_HEADER_BYTES)?;
        let crc = crc32fast::hash(&head[CRC_END..]);
        Self::fields(head, crc).ok()
    }

    fn fields(head: &[u8], crc: u32) -> Result<FileHeader, DecodeError> {
        let mut reader = Reader::new(head);
        let known = reader.take(4)? == FILE_MAGIC && reader.u16()? == VERSION;
        if !known || reader.u16()? != 64 || reader.u32()? != crc {
            return Err(DecodeError::Value);
        }
        Ok(FileHeader {
            run: reader.u32()?,
            shard: reader.u16()?,
            shard_count: reader.u16()?,
            index: reader.u32()?,
            file_bytes: reader.i64()?.cast_unsigned(),
            id: reader.i64()?.cast_unsigned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes_round_trip_and_damage() {
        let header = FileHeader {
            run: 7,
            shard: 1,
            shard_count: 2,
            index: 3,
            file_bytes: 16 << 20,
            id: 0x0102_0304_0506_0708,
        };
        let bytes = header.encode();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(&hex[..16], "544d4a4800010040");
        assert_eq!(&hex[24..80], "00000007000100020000000300000000010000000102030405060708");
        assert_eq!(FileHeader::parse(&bytes), Some(header));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FileHeader::parse(&bad), None, "bit {bit}");
        }
        assert_eq!(FileHeader::parse(&bytes[..63]), None);
        assert_eq!(FileHeader::parse(&[0; 4096]), None);
    }
}
