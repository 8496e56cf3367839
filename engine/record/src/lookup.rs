//! Finding a record of a batch by time. Called for ListOffsets by timestamp and for the offset of
//! the newest timestamp (KIP-734), after the time index has named the batch.
//! Source: Kafka's `FileRecords.searchForTimestamp`, `RecordBatch.offsetOfMaxTimestamp`.

use crate::error::BatchError;
use crate::record::{records_of, whole};
use engine_base::Offset;

/// A record's place and its time in milliseconds since the epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampedOffset {
    pub offset: Offset,
    pub timestamp: i64,
}

/// The first record of `batch` at or after `timestamp` whose offset is not below `start`. A batch
/// whose header says that all its records are older is not opened. Compressed records may take
/// `bytes_max` bytes.
pub fn first_at_or_after(
    batch: &[u8],
    timestamp: i64,
    start: Offset,
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let header = whole(batch)?;
    if header.max_timestamp < timestamp || header.last_offset() < start {
        return Ok(None);
    }
    for record in &records_of(batch, bytes_max)? {
        let record = record?;
        if record.timestamp >= timestamp && record.offset >= start {
            let found = TimestampedOffset { offset: record.offset, timestamp: record.timestamp };
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The first of the records of `batch` with the newest timestamp; none if the batch is empty.
pub fn offset_of_max_timestamp(
    batch: &[u8],
    bytes_max: usize,
) -> Result<Option<TimestampedOffset>, BatchError> {
    let mut newest: Option<TimestampedOffset> = None;
    for record in &records_of(batch, bytes_max)? {
        let record = record?;
        if newest.is_none_or(|newest| record.timestamp > newest.timestamp) {
            newest = Some(TimestampedOffset { offset: record.offset, timestamp: record.timestamp });
        }
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::{TimestampedOffset, first_at_or_after, offset_of_max_timestamp};
    use crate::error::BatchError;
    use crate::tests::golden::{self, TIME};
    use engine_base::Offset;

    const CAP: usize = 1 << 20;

    /// Times of the golden records are TIME, TIME + 5, TIME - 3 and, compressed, TIME + 1.
    #[test]
    fn finds_the_first_record_in_time() {
        let check = |batch: &[u8], timestamp: i64, start: i64, expected: Option<(i64, i64)>| {
            let found = first_at_or_after(batch, timestamp, Offset(start), CAP).expect("golden");
            let found = found.map(|found| (found.offset.0, found.timestamp));
            assert_eq!(found, expected, "at {timestamp} from {start}");
        };
        for batch in [golden::NONE, golden::GZIP, golden::SNAPPY, golden::LZ4, golden::ZSTD] {
            check(batch, 0, 0, Some((0, TIME)));
            check(batch, TIME, 0, Some((0, TIME)));
            check(batch, TIME + 1, 0, Some((1, TIME + 5)));
            check(batch, TIME + 5, 0, Some((1, TIME + 5)));
            check(batch, TIME + 6, 0, None);
            check(batch, 0, 2, Some((2, TIME - 3)));
            check(batch, TIME, 9, None);
        }
        check(golden::ZSTD, TIME, 2, Some((3, TIME + 1)));
        check(golden::NONE, TIME, 2, None);
        check(golden::LOG_APPEND_TIME, TIME + 777, 0, Some((12, TIME + 777)));
    }

    #[test]
    fn finds_the_newest_record() {
        let check = |batch: &[u8], offset: i64, timestamp: i64| {
            let expected = TimestampedOffset { offset: Offset(offset), timestamp };
            assert_eq!(offset_of_max_timestamp(batch, CAP), Ok(Some(expected)));
        };
        check(golden::NONE, 1, TIME + 5);
        check(golden::LZ4, 1, TIME + 5);
        check(golden::TRANSACTIONAL, 71, TIME + 5);
        check(golden::LOG_APPEND_TIME, 12, TIME + 777);
        let bomb = Err(BatchError::Bomb { bytes_max: 1000 });
        assert_eq!(offset_of_max_timestamp(golden::ZSTD, 1000), bomb);
    }
}
