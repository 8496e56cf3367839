//! The `%020d.snapshot` file of a partition, in Kafka's bytes: i16 version 1, u32 CRC-32C of all
//! that follows, i32 count, then lines of 46 bytes. Source: Kafka's `ProducerSnapshot`.
//!
//! Kafka writes one line per producer, with its last batch, and so takes a batch before that one,
//! sent again after a restart, for a gap. Here each kept batch has a line, oldest first: a later
//! line replaces an earlier one when Kafka loads the file.

use super::entry::{KeptBatch, NO_SEQUENCE, ProducerEntry};
use super::table::ProducerTable;
use engine_base::checksum::crc32c;
use engine_base::codec::{DecodeError, Reader, Write};
use engine_base::{Offset, ProducerEpoch, ProducerId};
use thiserror::Error;

/// The only version Kafka 4.3 reads and writes.
pub const VERSION: i16 = 1;
/// Version, checksum and count.
pub const HEADER_BYTES: usize = 10;
/// One line: a producer and one of its batches.
pub const ENTRY_BYTES: usize = 46;

const CHECKSUM_START: usize = 2;
const CHECKED_START: usize = 6;
const _: () = assert!(ENTRY_BYTES == 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8);
const _: () = assert!(HEADER_BYTES == CHECKED_START + 4);

/// Why a snapshot is of no use. The caller deletes it and tries the one before, as Kafka does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SnapshotError {
    #[error("producer snapshot has version {0}, not 1")]
    Version(i16),
    #[error("producer snapshot has checksum {stored:#010x}, its bytes give {computed:#010x}")]
    Checksum { stored: u32, computed: u32 },
    #[error("producer snapshot names {count} lines in {bytes} bytes")]
    Count { count: i32, bytes: usize },
    #[error("producer snapshot holds an impossible entry for producer {0}")]
    Entry(i64),
    #[error("producer snapshot: {0}")]
    Decode(#[from] DecodeError),
}

/// The file's content for `table`, by rising producer id.
pub fn encode(table: &ProducerTable) -> Vec<u8> {
    let entries = table.sorted();
    let lines: usize = entries.iter().map(|entry| entry.batches().len().max(1)).sum();
    let mut out = Vec::with_capacity(HEADER_BYTES + ENTRY_BYTES * lines);
    out.put_i16(VERSION);
    out.put_u32(0);
    out.put_i32(i32::try_from(lines).expect("the table's limit is far below 2^31"));
    for entry in entries {
        let (last, earlier) = match entry.batches().split_last() {
            Some((last, earlier)) => (Some(last), earlier),
            None => (None, entry.batches()),
        };
        for batch in earlier {
            put_line(&mut out, entry, Some(batch), batch.timestamp_ms, None);
        }
        put_line(&mut out, entry, last, entry.last_timestamp_ms, entry.open_transaction);
    }
    let sum = crc32c(&out[CHECKED_START..]);
    out[CHECKSUM_START..CHECKED_START].copy_from_slice(&sum.to_be_bytes());
    out
}

fn put_line(
    out: &mut Vec<u8>,
    entry: &ProducerEntry,
    batch: Option<&KeptBatch>,
    timestamp_ms: i64,
    open_transaction: Option<Offset>,
) {
    out.put_i64(entry.producer_id.0);
    out.put_i16(entry.epoch.0);
    out.put_i32(batch.map_or(NO_SEQUENCE, |batch| batch.last_sequence));
    out.put_i64(batch.map_or(-1, |batch| batch.last_offset.0));
    out.put_i32(batch.map_or(0, |batch| batch.offset_delta));
    out.put_i64(timestamp_ms);
    out.put_i32(entry.coordinator_epoch);
    out.put_i64(open_transaction.map_or(-1, |offset| offset.0));
}

/// The producers in a snapshot's bytes. They go to [`ProducerTable::restore`].
pub fn decode(bytes: &[u8]) -> Result<Vec<ProducerEntry>, SnapshotError> {
    let mut reader = Reader::new(bytes);
    let version = reader.i16()?;
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let stored = reader.u32()?;
    let computed = crc32c(reader.rest());
    if stored != computed {
        return Err(SnapshotError::Checksum { stored, computed });
    }
    let count = reader.i32()?;
    let expected = usize::try_from(count).ok().and_then(|count| count.checked_mul(ENTRY_BYTES));
    if expected != Some(reader.left()) {
        return Err(SnapshotError::Count { count, bytes: reader.left() });
    }
    let mut entries: Vec<ProducerEntry> = Vec::with_capacity(reader.left() / ENTRY_BYTES);
    while reader.left() > 0 {
        let entry = decode_entry(&mut reader)?;
        match entries.last_mut() {
            Some(last) if last.producer_id == entry.producer_id => last.follow(entry),
            _ => entries.push(entry),
        }
    }
    Ok(entries)
}

fn decode_entry(reader: &mut Reader<'_>) -> Result<ProducerEntry, SnapshotError> {
    let producer_id = reader.i64()?;
    let epoch = ProducerEpoch(reader.i16()?);
    let last_sequence = reader.i32()?;
    let last_offset = reader.i64()?;
    let offset_delta = reader.i32()?;
    let timestamp_ms = reader.i64()?;
    let coordinator_epoch = reader.i32()?;
    let open_transaction = reader.i64()?;
    let mut entry = ProducerEntry::new(ProducerId(producer_id));
    if last_offset >= 0 {
        let impossible = producer_id < 0
            || last_sequence < 0
            || offset_delta < 0
            || i64::from(offset_delta) > last_offset;
        if impossible {
            return Err(SnapshotError::Entry(producer_id));
        }
        let last_offset = Offset(last_offset);
        entry.push(epoch, KeptBatch { last_sequence, last_offset, offset_delta, timestamp_ms });
    }
    entry.epoch = epoch;
    entry.coordinator_epoch = coordinator_epoch;
    entry.last_timestamp_ms = timestamp_ms;
    entry.open_transaction = (open_transaction >= 0).then_some(Offset(open_transaction));
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_BYTES, HEADER_BYTES, SnapshotError, decode, encode};
    use crate::producers::{ProducerBatch, ProducerCheck, ProducerEntry, ProducerTable};
    use engine_base::{Offset, ProducerEpoch, ProducerId};

    /// Written by Kafka 4.3.1's `ProducerStateManager.writeSnapshot`: producer 4000 with a batch of
    /// two at offset 41, producer 4001 in a transaction without a batch.
    const GOLDEN: &str = "0001f2747559000000020000000000000fa000020000000b000000000000002900000001\
        0000018bcfe5687bffffffffffffffffffffffff0000000000000fa10000ffffffffffffffffffffffff\
        000000000000018bcfe56be7000000030000000000000011";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).expect("ascii");
        digits.chunks(2).map(|p| u8::from_str_radix(&text(p), 16).expect("hex")).collect()
    }

    fn golden_table() -> ProducerTable {
        let mut table = ProducerTable::default();
        let batch = ProducerBatch {
            producer_id: ProducerId(4000),
            epoch: ProducerEpoch(2),
            base_sequence: 10,
            last_offset_delta: 1,
        };
        table.append(&batch, Offset(40), 1_700_000_000_123);
        let mut open = ProducerEntry::new(ProducerId(4001));
        open.epoch = ProducerEpoch(0);
        open.coordinator_epoch = 3;
        open.last_timestamp_ms = 1_700_000_000_999;
        open.open_transaction = Some(Offset(17));
        table.restore(open, 1_700_000_001_000);
        table
    }

    #[test]
    fn bytes_are_kafkas() {
        let golden = bytes(GOLDEN);
        assert_eq!(golden.len(), HEADER_BYTES + 2 * ENTRY_BYTES);
        assert_eq!(encode(&golden_table()), golden);
        let mut back = ProducerTable::default();
        for entry in decode(&golden).expect("golden") {
            back.restore(entry, 1_700_000_001_000);
        }
        assert_eq!(back.sorted(), golden_table().sorted());
    }

    #[test]
    fn the_kept_batches_survive_a_restart() {
        let mut table = ProducerTable::default();
        let batch = |producer_id, epoch, base_sequence| ProducerBatch {
            producer_id: ProducerId(producer_id),
            epoch: ProducerEpoch(epoch),
            base_sequence,
            last_offset_delta: 0,
        };
        for sequence in 0..9 {
            table.append(&batch(1, 0, sequence), Offset(i64::from(sequence)), 1);
            table.append(&batch(2, i16::from(sequence > 6), sequence % 7), Offset(50), 2);
        }
        let bytes = encode(&table);
        assert_eq!(bytes.len(), HEADER_BYTES + (5 + 2) * ENTRY_BYTES);
        let before = table.clone();
        let entries = decode(&bytes).expect("own bytes");
        table.clear();
        entries.into_iter().for_each(|entry| table.restore(entry, 1));
        assert_eq!(table.sorted(), before.sorted());
        for sequence in 4..9 {
            let known = table.check(&batch(1, 0, sequence));
            assert!(matches!(known, ProducerCheck::Duplicate { .. }), "{sequence}");
        }
        assert_eq!(table.check(&batch(1, 0, 3)), ProducerCheck::OutOfOrderSequence);
        assert_eq!(table.check(&batch(1, 0, 9)), ProducerCheck::Accept);
    }

    #[test]
    fn damage_is_refused() {
        let golden = bytes(GOLDEN);
        for len in 0..golden.len() {
            assert!(decode(&golden[..len]).is_err(), "cut to {len}");
        }
        for index in 0..golden.len() {
            let mut bad = golden.clone();
            bad[index] ^= 0x10;
            assert!(decode(&bad).is_err(), "flipped at {index}");
        }
        let sealed = |mut body: Vec<u8>| {
            let sum = engine_base::checksum::crc32c(&body[6..]);
            body[2..6].copy_from_slice(&sum.to_be_bytes());
            decode(&body)
        };
        let mut longer = golden.clone();
        longer.push(0);
        assert_eq!(sealed(longer), Err(SnapshotError::Count { count: 2, bytes: 93 }));
        let mut many = golden.clone();
        many[6] = 0x7F;
        assert!(matches!(sealed(many), Err(SnapshotError::Count { .. })));
        let mut delta = golden;
        delta[32] = 0x70;
        assert_eq!(sealed(delta), Err(SnapshotError::Entry(4000)));
    }
}
