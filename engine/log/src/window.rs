//! Reading a segment's file forward at start, through the page cache, a piece at a time. Used by
//! [`crate::scan`] only. Lengths in the file are believed as far as the file goes and no further.

use crate::error::LogError;
use crate::tail::{to_u64, to_usize};
use engine_io::{Env, File};
use engine_record::BatchHeader;
use engine_record::header::{BASE_OFFSET_AT, HEADER_BYTES, MAGIC, MAGIC_AT};
use std::path::PathBuf;

/// Bytes read at once.
pub(crate) const READ_BYTES: usize = 1 << 20;
/// Bytes read at once where the file has only reserved room.
const READ_BYTES_MIN: usize = 16 << 10;
/// A batch whose length field says more is no batch.
const BATCH_BYTES_MAX: u64 = 256 << 20;
/// Offsets of one segment lie within this.
pub(crate) const RELATIVE_OFFSET_MAX: i64 = 0x7FFF_FFFF;

/// A file with the part of it that was read last.
pub(crate) struct Window<E: Env> {
    pub file: E::File,
    pub path: PathBuf,
    pub len: u64,
    pub start: u64,
    pub bytes: Vec<u8>,
}

impl<E: Env> Window<E> {
    /// Forgets what was read: the file was written.
    pub fn forget(&mut self) {
        self.bytes.clear();
    }

    /// At least `need` bytes at `position`, if the file has them.
    pub fn at(&mut self, position: u64, need: usize) -> Option<&[u8]> {
        let end = position.checked_add(to_u64(need))?;
        if end > self.len {
            return None;
        }
        let have = self.start..self.start + to_u64(self.bytes.len());
        if position < have.start || end > have.end {
            let want = need.max(self.ahead(position)).min(to_usize(self.len - position));
            self.bytes.resize(want, 0);
            self.start = position;
            let mut filled = 0;
            while filled < want {
                let at = position + to_u64(filled);
                // An unreadable sector ends the good part like bad bytes do.
                let count = self.file.read_cached(&mut self.bytes[filled..], at).unwrap_or(0);
                if count == 0 {
                    break;
                }
                filled += count;
            }
            self.bytes.truncate(filled);
        }
        let from = to_usize(position - self.start);
        self.bytes.get(from..).filter(|bytes| bytes.len() >= need)
    }

    /// How much to read at `position`: not what is only reserved.
    fn ahead(&self, position: u64) -> usize {
        let bytes = match self.file.data_range(position) {
            Ok(Some(data)) if data.start <= position => data.end - position,
            Ok(_) => 0,
            Err(_) => u64::MAX,
        };
        to_usize(bytes.min(to_u64(READ_BYTES))).max(READ_BYTES_MIN)
    }

    /// The bytes of the batch at `position`, if its length makes sense.
    pub fn batch(&mut self, position: u64) -> Option<&[u8]> {
        let header = BatchHeader::parse(self.at(position, HEADER_BYTES)?).ok()?;
        let bytes = header.bytes_len();
        if to_u64(bytes) > BATCH_BYTES_MAX {
            return None;
        }
        Some(&self.at(position, bytes)?[..bytes])
    }

    /// Whether the rest of the file is zeros.
    pub fn is_zero_from(&mut self, position: u64) -> Result<bool, LogError> {
        let mut at = position;
        loop {
            let data = self.file.data_range(at);
            let data = data.map_err(|error| LogError::io("read", &self.path, &error))?;
            let Some(data) = data.filter(|data| data.start < self.len) else { return Ok(true) };
            at = at.max(data.start);
            let piece = READ_BYTES.min(to_usize(data.end.min(self.len) - at));
            let Some(bytes) = self.at(at, piece) else { return Ok(false) };
            if bytes[..piece].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += to_u64(piece);
        }
    }

    /// The first place after `position` where a whole, checked batch with an offset above `expected`
    /// begins, and its offset.
    pub fn resync(&mut self, position: u64, expected: i64) -> Result<Option<(u64, i64)>, LogError> {
        let mut at = position + 1;
        while let Some(head) = self.at(at, HEADER_BYTES) {
            let offset = &head[BASE_OFFSET_AT..BASE_OFFSET_AT + 8];
            let offset = i64::from_be_bytes(offset.try_into().expect("eight bytes"));
            let likely = head[MAGIC_AT] == MAGIC.cast_unsigned()
                && offset > expected
                && offset - expected <= RELATIVE_OFFSET_MAX;
            if likely
                && let Some(batch) = self.batch(at)
                && let Ok(header) = BatchHeader::parse(batch)
                && header.check_crc(batch).is_ok()
            {
                return Ok(Some((at, offset)));
            }
            at += 1;
        }
        Ok(None)
    }
}
