//! A segment's offset and time index in memory: the entries of `.index` and `.timeindex` exactly as
//! Kafka 4.3 would append them (`LogSegment.append`, KAFKA-806: judged per batch), and the look-ups.
//! Pure; the partition feeds it each batch in order and writes its entries to the files.

use engine_base::codec::Write;

pub const OFFSET_ENTRY_BYTES: usize = 8;
pub const TIME_ENTRY_BYTES: usize = 12;

/// The largest timestamp of the batches so far, with the last offset of the first batch that had it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MaxTimestamp {
    /// Milliseconds since 1970; -1 is none.
    pub timestamp: i64,
    pub offset: i64,
}

/// Last offset of the batch that starts at `position`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct OffsetEntry {
    relative: u32,
    position: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TimeEntry {
    timestamp: i64,
    relative: u32,
}

/// What the index needs to know of a batch.
#[derive(Clone, Copy, Debug)]
pub struct IndexedBatch {
    pub position: u64,
    pub bytes: u64,
    pub last_offset: i64,
    pub max_timestamp: i64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentIndex {
    base: i64,
    offsets: Vec<OffsetEntry>,
    times: Vec<TimeEntry>,
    max: MaxTimestamp,
    bytes_since_entry: u64,
}

impl SegmentIndex {
    pub fn new(base: i64) -> SegmentIndex {
        assert!(base >= 0);
        SegmentIndex {
            base,
            offsets: Vec::new(),
            times: Vec::new(),
            max: MaxTimestamp { timestamp: -1, offset: base },
            bytes_since_entry: 0,
        }
    }

    /// Takes what makes sense from the bytes of the two files: the longest prefix of increasing
    /// entries that name batches before `position` and offsets before `end_offset`. The maximum
    /// timestamp is the last time entry's, as Kafka's.
    pub fn from_files(
        base: i64,
        offsets: &[u8],
        times: &[u8],
        position: u64,
        end_offset: i64,
    ) -> SegmentIndex {
        let mut index = SegmentIndex::new(base);
        for entry in offsets.chunks_exact(OFFSET_ENTRY_BYTES) {
            let relative = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let at = u32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]);
            let grows = match index.offsets.last() {
                Some(last) => relative > last.relative && at > last.position,
                None => at > 0,
            };
            let known = u64::from(at) < position && base + i64::from(relative) < end_offset;
            if !grows || !known {
                break;
            }
            index.offsets.push(OffsetEntry { relative, position: at });
        }
        for entry in times.chunks_exact(TIME_ENTRY_BYTES) {
            let (timestamp, relative) = entry.split_at(8);
            let timestamp = i64::from_be_bytes(timestamp.try_into().expect("split at eight"));
            let relative = u32::from_be_bytes(relative.try_into().expect("twelve less eight"));
            let grows = match index.times.last() {
                Some(last) => timestamp > last.timestamp && relative >= last.relative,
                None => timestamp > 0 || (timestamp == 0 && relative > 0),
            };
            if !grows || base + i64::from(relative) >= end_offset {
                break;
            }
            index.times.push(TimeEntry { timestamp, relative });
        }
        if let Some(last) = index.times.last() {
            let offset = base + i64::from(last.relative);
            index.max = MaxTimestamp { timestamp: last.timestamp, offset };
        }
        let indexed = index.offsets.last().map_or(0, |last| u64::from(last.position));
        index.bytes_since_entry = position - indexed;
        index
    }

    /// Goes back to `offsets` and `times` entries and the state the index had at `position`.
    pub fn rewind(&mut self, offsets: usize, times: usize, position: u64, max: MaxTimestamp) {
        assert!(offsets <= self.offsets.len() && times <= self.times.len());
        self.offsets.truncate(offsets);
        self.times.truncate(times);
        self.max = max;
        let indexed = self.offsets.last().map_or(0, |last| u64::from(last.position));
        assert!(indexed <= position);
        self.bytes_since_entry = position - indexed;
    }

    /// Takes note of a batch appended at the end of the segment.
    pub fn add(&mut self, batch: IndexedBatch, interval_bytes: u64) {
        if batch.max_timestamp > self.max.timestamp {
            self.max = MaxTimestamp { timestamp: batch.max_timestamp, offset: batch.last_offset };
        }
        if self.bytes_since_entry > interval_bytes {
            let relative = self.relative(batch.last_offset);
            let position = u32::try_from(batch.position).expect("segments stay below 2 GiB");
            assert!(self.offsets.last().is_none_or(|last| relative > last.relative));
            self.offsets.push(OffsetEntry { relative, position });
            self.add_time();
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += batch.bytes;
    }

    fn add_time(&mut self) {
        let last = self.times.last().map_or(-1, |last| last.timestamp);
        if self.max.timestamp > last {
            let relative = self.relative(self.max.offset);
            self.times.push(TimeEntry { timestamp: self.max.timestamp, relative });
        }
    }

    fn relative(&self, offset: i64) -> u32 {
        u32::try_from(offset - self.base).expect("the segment rolled before the offset overflowed")
    }

    /// Adds the last time entry, as Kafka does when a segment is rolled or closed.
    pub fn seal(&mut self) {
        self.add_time();
    }

    /// Whether the segment must roll before anything more is appended.
    pub fn is_full(&self, index_bytes_max: u64) -> bool {
        let max = usize::try_from(index_bytes_max).unwrap_or(usize::MAX);
        // Kafka keeps the last slot of the time index for the entry made on roll.
        self.offsets.len() >= max / OFFSET_ENTRY_BYTES
            || self.times.len() + 1 >= max / TIME_ENTRY_BYTES
    }

    pub fn max_timestamp(&self) -> MaxTimestamp {
        self.max
    }

    /// Entries so far: of the offset index and of the time index.
    pub fn counts(&self) -> (usize, usize) {
        (self.offsets.len(), self.times.len())
    }

    /// Memory of the entries, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.offsets.capacity() * size_of::<OffsetEntry>()
            + self.times.capacity() * size_of::<TimeEntry>()
    }

    /// Where to start walking to find `offset`: the position of a batch at or before it.
    pub fn floor_offset(&self, offset: i64) -> u64 {
        let count =
            self.offsets.partition_point(|entry| self.base + i64::from(entry.relative) <= offset);
        count.checked_sub(1).map_or(0, |last| u64::from(self.offsets[last].position))
    }

    /// The last indexed batch that starts at or before `position`.
    pub fn floor_position(&self, position: u64) -> u64 {
        let count = self.offsets.partition_point(|entry| u64::from(entry.position) <= position);
        count.checked_sub(1).map_or(0, |last| u64::from(self.offsets[last].position))
    }

    /// An offset such that all batches up to it are older than `timestamp` or as old.
    pub fn floor_time(&self, timestamp: i64) -> i64 {
        let count = self.times.partition_point(|entry| entry.timestamp <= timestamp);
        count
            .checked_sub(1)
            .map_or(self.base, |last| self.base + i64::from(self.times[last].relative))
    }

    /// File bytes of the entries from `first` on.
    pub fn offset_bytes(&self, first: usize) -> Vec<u8> {
        let entries = &self.offsets[first..];
        let mut out = Vec::with_capacity(entries.len() * OFFSET_ENTRY_BYTES);
        for entry in entries {
            out.put_u32(entry.relative);
            out.put_u32(entry.position);
        }
        out
    }

    /// File bytes of the entries from `first` on.
    pub fn time_bytes(&self, first: usize) -> Vec<u8> {
        let entries = &self.times[first..];
        let mut out = Vec::with_capacity(entries.len() * TIME_ENTRY_BYTES);
        for entry in entries {
            out.put_i64(entry.timestamp);
            out.put_u32(entry.relative);
        }
        out
    }
}

/// The timestamp of the last whole entry of a `.timeindex` file: the largest of its segment once the
/// segment is sealed.
pub fn last_timestamp(times: &[u8]) -> Option<i64> {
    let entry = times.chunks_exact(TIME_ENTRY_BYTES).next_back()?;
    Some(i64::from_be_bytes(entry[..8].try_into().expect("twelve bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: i64, interval: u64) -> SegmentIndex {
        let mut index = SegmentIndex::new(100);
        for number in 0..count {
            let batch = IndexedBatch {
                position: number.cast_unsigned() * 100,
                bytes: 100,
                last_offset: 100 + number * 10 + 9,
                max_timestamp: if number == 7 { 5000 } else { 1000 + number },
            };
            index.add(batch, interval);
        }
        index
    }

    #[test]
    fn entries_follow_kafkas_rule() {
        let index = filled(10, 250);
        // More than 250 bytes lie before batches 3, 6 and 9.
        let entries: Vec<_> = index.offsets.iter().map(|e| (e.relative, e.position)).collect();
        assert_eq!(entries, [(39, 300), (69, 600), (99, 900)]);
        let times: Vec<_> = index.times.iter().map(|e| (e.timestamp, e.relative)).collect();
        assert_eq!(times, [(1003, 39), (1006, 69), (5000, 79)]);
        assert_eq!(index.max_timestamp(), MaxTimestamp { timestamp: 5000, offset: 179 });
        assert_eq!(index.floor_offset(138), 0);
        assert_eq!(index.floor_offset(139), 300);
        assert_eq!(index.floor_offset(10_000), 900);
        assert_eq!(index.floor_position(899), 600);
        assert_eq!(index.floor_time(1002), 100);
        assert_eq!(index.floor_time(1006), 169);
    }

    #[test]
    fn sealing_adds_the_newest_time_once() {
        let mut index = filled(9, 250);
        assert_eq!(index.counts(), (2, 2));
        index.seal();
        index.seal();
        assert_eq!(index.counts(), (2, 3));
        assert_eq!(last_timestamp(&index.time_bytes(0)), Some(5000));
    }

    #[test]
    fn files_are_read_back_as_far_as_they_make_sense() {
        let index = filled(40, 0);
        let (offsets, times) = (index.offset_bytes(0), index.time_bytes(0));
        let mut read = SegmentIndex::from_files(100, &offsets, &times, 4000, 500);
        assert_eq!(read.offsets, index.offsets);
        assert_eq!(read.bytes_since_entry, index.bytes_since_entry);
        let (count, time_count) = (read.counts().0, read.counts().1);
        read.rewind(count, time_count, 4000, index.max_timestamp());
        assert_eq!(read, index);
        // A zero tail and a torn entry end the file early.
        let torn = [&offsets[..83], &[0; 64][..]].concat();
        let read = SegmentIndex::from_files(100, &torn, &times, 4000, 500);
        assert_eq!(read.counts().0, 10);
        let read = SegmentIndex::from_files(100, &offsets, &times, 1000, 200);
        assert!(read.offsets.iter().all(|entry| entry.position < 1000));
        assert!(read.times.iter().all(|entry| entry.relative < 100));
    }

    #[test]
    fn full_indexes_are_told() {
        let index = filled(40, 0);
        assert_eq!(index.counts().0, 39);
        assert!(index.is_full(39 * 8));
        assert!(!index.is_full(1000));
    }
}
