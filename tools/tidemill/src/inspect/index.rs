//! A segment's `.index`, `.timeindex` and `.txnindex`, checked against the segment next to them.

use super::report::{Problem, Report};
use crate::failure::Failure;
use crate::output::time;
use engine_base::codec::{DecodeError, Reader};
use engine_log::names::{INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX};
use engine_record::BatchHeader;
use engine_record::header::HEADER_BYTES;
use serde::Serialize;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Offsets,
    Times,
    Transactions,
}

impl Kind {
    pub fn suffix(self) -> &'static str {
        match self {
            Kind::Offsets => INDEX_SUFFIX,
            Kind::Times => TIME_INDEX_SUFFIX,
            Kind::Transactions => TXN_INDEX_SUFFIX,
        }
    }

    fn entry_bytes(self) -> usize {
        match self {
            Kind::Offsets => 8,
            Kind::Times => 12,
            Kind::Transactions => 34,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
enum Entry {
    Offset { offset: i64, position: u32 },
    Time { timestamp: i64, offset: i64 },
    Aborted { producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64 },
}

impl Entry {
    fn read(kind: Kind, bytes: &[u8], base: i64) -> Result<Entry, DecodeError> {
        let mut reader = Reader::new(bytes);
        Ok(match kind {
            Kind::Offsets => {
                let offset = base.saturating_add(i64::from(reader.u32()?));
                Entry::Offset { offset, position: reader.u32()? }
            }
            Kind::Times => {
                let timestamp = reader.i64()?;
                Entry::Time { timestamp, offset: base.saturating_add(i64::from(reader.u32()?)) }
            }
            Kind::Transactions => {
                if reader.i16()? != 0 {
                    return Err(DecodeError::Value);
                }
                Entry::Aborted {
                    producer_id: reader.i64()?,
                    first_offset: reader.i64()?,
                    last_offset: reader.i64()?,
                    last_stable_offset: reader.i64()?,
                }
            }
        })
    }

    /// Whether an entry may follow `before`.
    fn follows(self, before: Entry) -> bool {
        match (before, self) {
            (Entry::Offset { offset: o1, position: p1 }, Entry::Offset { offset, position }) => {
                offset > o1 && position > p1
            }
            (Entry::Time { timestamp: t1, offset: o1 }, Entry::Time { timestamp, offset }) => {
                // A segment that is closed may repeat its last entry's offset.
                timestamp >= t1 && offset >= o1
            }
            (Entry::Aborted { last_offset: l1, .. }, Entry::Aborted { last_offset, .. }) => {
                last_offset > l1
            }
            _ => false,
        }
    }

    fn text(self) -> String {
        match self {
            Entry::Offset { offset, position } => format!("  offset {offset}  at {position}"),
            Entry::Time { timestamp, offset } => {
                format!("  {}  offset {offset}", time::utc(timestamp))
            }
            Entry::Aborted { producer_id, first_offset, last_offset, last_stable_offset } => {
                format!(
                    "  producer {producer_id} aborted offsets {first_offset}..={last_offset}, \
                     last stable offset {last_stable_offset}"
                )
            }
        }
    }
}

#[derive(Serialize)]
struct Summary {
    entries: usize,
    reserved_bytes: usize,
}

/// Explains an index; `list` shows its entries.
pub fn inspect(
    report: &mut Report<'_>,
    path: &Path,
    kind: Kind,
    base: i64,
    list: bool,
) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, &error))?;
    let size = kind.entry_bytes();
    // Kafka reserves the file of the open segment; what is not used yet is zero.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let used = used.next_multiple_of(size).min(bytes.len());
    let log = File::open(path.with_extension(&LOG_SUFFIX[1..])).ok();
    let mut before = None;
    let mut entries = 0;
    for (index, bytes) in bytes[..used].chunks(size).enumerate() {
        let position = u64::try_from(index * size).expect("sizes fit");
        let entry = match Entry::read(kind, bytes, base) {
            Ok(entry) => entry,
            Err(error) => {
                report.problem(Problem::at(path, position, format!("entry: {error}")))?;
                break;
            }
        };
        if list {
            report.item("entry", &entry, &entry.text())?;
        }
        if before.is_some_and(|before| !entry.follows(before)) {
            let what = format!("entry goes back:{}", entry.text());
            report.problem(Problem::at(path, position, what))?;
            break;
        }
        if let (Some(log), Entry::Offset { offset, position: at }) = (&log, entry)
            && let Some(what) = contradicts(log, offset, at)
        {
            report.problem(Problem::at(path, position, what).offset(offset))?;
        }
        before = Some(entry);
        entries += 1;
    }
    let reserved_bytes = bytes.len() - used;
    let mut text = format!("  {entries} entries");
    if reserved_bytes > 0 {
        text.push_str(&format!(", {reserved_bytes} bytes reserved at the end"));
    }
    report.item("summary", &Summary { entries, reserved_bytes }, &text)
}

/// What is wrong with an offset entry, if the segment says something else.
fn contradicts(log: &File, offset: i64, position: u32) -> Option<String> {
    let mut bytes = [0; HEADER_BYTES];
    if log.read_exact_at(&mut bytes, u64::from(position)).is_err() {
        return Some(format!("the segment ends before position {position}"));
    }
    match BatchHeader::parse(&bytes) {
        Err(error) => Some(format!("no batch begins at position {position}: {error}")),
        Ok(header) if offset < header.base_offset.0 => Some(format!(
            "the batch at position {position} begins later, at {}",
            header.base_offset
        )),
        Ok(_) => None,
    }
}
