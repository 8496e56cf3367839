//! The recovery points of one shard: a file that is replaced as a whole at each checkpoint. It says
//! of each partition up to where its segment files hold everything on stable media, so that recovery
//! starts there. Pure encoding and decoding; big-endian; docs/FORMAT.md holds the same in words.

use crate::config::JOURNAL_FILES_MAX;
use crate::index::MaxTimestamp;
use engine_base::TopicPartition;
use engine_base::codec::{DecodeError, Reader, Write};

pub const POINTS_MAGIC: [u8; 4] = *b"TMP1";
const VERSION: u16 = 2;
const HEADER_BYTES: usize = 128;
const POINT_BYTES: usize = 136;
const CRC_AT: usize = 8;
const CRC_END: usize = 12;

const _: () = assert!(24 + 4 * 8 + 4 + 4 + JOURNAL_FILES_MAX * 16 == HEADER_BYTES);
const _: () = assert!(16 + 4 + 8 + 24 + 24 + 32 + 8 + 8 + 8 + 4 == POINT_BYTES);

/// A place in a partition's log: between two batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mark {
    /// Offset of the next record.
    pub offset: i64,
    /// Base offset of the segment.
    pub segment: i64,
    /// Byte position in the segment's file.
    pub position: u64,
}

/// A segment's index at some place of the segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexState {
    /// Entries of the offset index.
    pub offsets: u32,
    /// Entries of the time index.
    pub times: u32,
    pub max: MaxTimestamp,
}

/// Where one partition's recovery starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Point {
    pub partition: TopicPartition,
    pub log_start: i64,
    pub recovery: Mark,
    /// The index at `recovery`: in the files, but perhaps not yet on stable media.
    pub index: IndexState,
    /// Position in the same segment up to which the index files are on stable media.
    pub synced_position: u64,
    pub synced: IndexState,
    /// Largest timestamp of the segment's first batch; -1 is none.
    pub first_timestamp: i64,
    /// When the segment was begun, in milliseconds since 1970.
    pub created_ms: i64,
    /// Batches with a producer id that no snapshot covers have offsets from here on.
    pub replay_from: i64,
}

/// The journal that belongs to the points: what must be there after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JournalState {
    /// Stands in the header of each of its files.
    pub id: u64,
    /// Size of each file.
    pub file_bytes: u64,
    /// Bit n: file n is there. 0: no journal is needed.
    pub files: u32,
    /// Sequence of the last frame written; those after it are in the files, without a gap.
    pub written: u64,
    /// Frames up to this one were on stable media.
    pub synced: u64,
    /// First and last frame of each file that has some that the points do not cover; else zeros.
    pub spans: [(u64, u64); JOURNAL_FILES_MAX],
}

/// The file's content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Points {
    pub run: u32,
    pub shard: u16,
    pub shard_count: u16,
    pub journal: JournalState,
    pub points: Vec<Point>,
}

impl Points {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.points.len() * POINT_BYTES);
        out.put(&POINTS_MAGIC);
        out.put_u16(VERSION);
        out.put_u16(128);
        out.put_u32(0);
        out.put_u32(self.run);
        out.put_u16(self.shard);
        out.put_u16(self.shard_count);
        out.put_u32(u32::try_from(self.points.len()).expect("partitions fit 32 bits"));
        put_journal(&mut out, &self.journal);
        assert_eq!(out.len(), HEADER_BYTES);
        for point in &self.points {
            put_point(&mut out, point);
        }
        assert_eq!(out.len(), HEADER_BYTES + self.points.len() * POINT_BYTES);
        let crc = crc32fast::hash(&out[CRC_END..]);
        out[CRC_AT..CRC_END].copy_from_slice(&crc.to_be_bytes());
        out
    }

    /// `None` if anything is wrong with the file: it is used whole or not at all.
    pub fn decode(bytes: &[u8]) -> Option<Points> {
        let crc = u32::from_be_bytes(bytes.get(CRC_AT..CRC_END)?.try_into().ok()?);
        if bytes.len() < HEADER_BYTES || crc32fast::hash(&bytes[CRC_END..]) != crc {
            return None;
        }
        Self::fields(bytes).ok()
    }

    fn fields(bytes: &[u8]) -> Result<Points, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.take(4)? != POINTS_MAGIC || reader.u16()? != VERSION || reader.u16()? != 128 {
            return Err(DecodeError::Value);
        }
        reader.u32()?;
        let run = reader.u32()?;
        let shard = reader.u16()?;
        let shard_count = reader.u16()?;
        let count = reader.u32()?;
        let journal = read_journal(&mut reader)?;
        let mut points = Vec::new();
        while reader.left() > 0 {
            points.push(read_point(&mut reader)?);
        }
        if u32::try_from(points.len()) != Ok(count) {
            return Err(DecodeError::Length);
        }
        Ok(Points { run, shard, shard_count, journal, points })
    }
}

fn put_journal(out: &mut Vec<u8>, journal: &JournalState) {
    out.put_i64(journal.id.cast_signed());
    out.put_i64(journal.file_bytes.cast_signed());
    out.put_i64(journal.written.cast_signed());
    out.put_i64(journal.synced.cast_signed());
    out.put_u32(journal.files);
    out.put_u32(0);
    for (first, last) in journal.spans {
        out.put_i64(first.cast_signed());
        out.put_i64(last.cast_signed());
    }
}

fn read_journal(reader: &mut Reader<'_>) -> Result<JournalState, DecodeError> {
    let id = reader.i64()?.cast_unsigned();
    let file_bytes = reader.i64()?.cast_unsigned();
    let written = reader.i64()?.cast_unsigned();
    let synced = reader.i64()?.cast_unsigned();
    let files = reader.u32()?;
    reader.u32()?;
    let mut spans = [(0, 0); JOURNAL_FILES_MAX];
    for span in &mut spans {
        *span = (reader.i64()?.cast_unsigned(), reader.i64()?.cast_unsigned());
    }
    let sane = spans.iter().all(|(first, last)| first <= last && *last <= written)
        && synced <= written
        && files >> JOURNAL_FILES_MAX == 0;
    if !sane {
        return Err(DecodeError::Value);
    }
    Ok(JournalState { id, file_bytes, files, written, synced, spans })
}

fn put_state(out: &mut Vec<u8>, state: &IndexState) {
    out.put_u32(state.offsets);
    out.put_u32(state.times);
    out.put_i64(state.max.timestamp);
    out.put_i64(state.max.offset);
}

fn read_state(reader: &mut Reader<'_>) -> Result<IndexState, DecodeError> {
    Ok(IndexState {
        offsets: reader.u32()?,
        times: reader.u32()?,
        max: MaxTimestamp { timestamp: reader.i64()?, offset: reader.i64()? },
    })
}

fn put_point(out: &mut Vec<u8>, point: &Point) {
    out.put_uuid(point.partition.topic_id);
    out.put_i32(point.partition.partition);
    out.put_i64(point.log_start);
    out.put_i64(point.recovery.offset);
    out.put_i64(point.recovery.segment);
    out.put_i64(point.recovery.position.cast_signed());
    put_state(out, &point.index);
    out.put_i64(point.synced_position.cast_signed());
    put_state(out, &point.synced);
    out.put_i64(point.first_timestamp);
    out.put_i64(point.created_ms);
    out.put_i64(point.replay_from);
    out.put_u32(0);
}

fn read_point(reader: &mut Reader<'_>) -> Result<Point, DecodeError> {
    let topic_id = reader.uuid()?;
    let partition = reader.i32()?;
    let log_start = reader.i64()?;
    let (offset, segment) = (reader.i64()?, reader.i64()?);
    let position = reader.i64()?.cast_unsigned();
    let index = read_state(reader)?;
    let synced_position = reader.i64()?.cast_unsigned();
    let synced = read_state(reader)?;
    let first_timestamp = reader.i64()?;
    let created_ms = reader.i64()?;
    let replay_from = reader.i64()?;
    reader.u32()?;
    let sane = partition >= 0
        && log_start >= 0
        && segment >= 0
        && offset >= segment
        && position <= i64::MAX.cast_unsigned()
        && synced_position <= position
        && synced.offsets <= index.offsets
        && synced.times <= index.times;
    if !sane {
        return Err(DecodeError::Value);
    }
    Ok(Point {
        partition: TopicPartition { topic_id, partition },
        log_start,
        recovery: Mark { offset, segment, position },
        index,
        synced_position,
        synced,
        first_timestamp,
        created_ms,
        replay_from,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_base::Uuid;

    #[test]
    fn round_trip_and_damage() {
        let state = |offsets, times, timestamp| IndexState {
            offsets,
            times,
            max: MaxTimestamp { timestamp, offset: 12 },
        };
        let point = Point {
            partition: TopicPartition {
                topic_id: Uuid::from_bytes(*b"0123456789abcdef"),
                partition: 5,
            },
            log_start: 3,
            recovery: Mark { offset: 20, segment: 10, position: 400 },
            index: state(4, 3, 99),
            synced_position: 300,
            synced: state(2, 1, 98),
            first_timestamp: 50,
            created_ms: 51,
            replay_from: 18,
        };
        let other = Point { log_start: 7, ..point };
        let journal = JournalState {
            id: 77,
            file_bytes: 1 << 20,
            files: 0b101,
            written: 45,
            synced: 44,
            spans: [(30, 40), (0, 0), (41, 45), (0, 0)],
        };
        let points =
            Points { run: 9, shard: 1, shard_count: 2, journal, points: vec![point, other] };
        let bytes = points.encode();
        assert_eq!(Points::decode(&bytes), Some(points));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Points::decode(&bad), None, "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(Points::decode(&bytes[..cut]), None, "cut {cut}");
        }
    }
}
