//! Batches made by Kafka 4.3.1's `MemoryRecordsBuilder`, and what is in them. The compressed ones
//! have a fourth record whose value spans several blocks of snappy and lz4.

use crate::record::{Record, records_of};

pub const NONE: &[u8] = include_bytes!("../testdata/none.bin");
pub const GZIP: &[u8] = include_bytes!("../testdata/gzip.bin");
pub const SNAPPY: &[u8] = include_bytes!("../testdata/snappy.bin");
pub const LZ4: &[u8] = include_bytes!("../testdata/lz4.bin");
pub const ZSTD: &[u8] = include_bytes!("../testdata/zstd.bin");
/// Producer 4711, epoch 3, sequence i32::MAX - 1, base offset 70, leader epoch 9.
pub const TRANSACTIONAL: &[u8] = include_bytes!("../testdata/transactional.bin");
/// Base offset 12, leader epoch 2, appended at TIME + 777.
pub const LOG_APPEND_TIME: &[u8] = include_bytes!("../testdata/log-append-time.bin");
/// Coordinator epoch 6, producer 4711, epoch 3, leader epoch 9, at TIME + 9, offset 80.
pub const COMMIT: &[u8] = include_bytes!("../testdata/commit.bin");
/// As the commit, at offset 81.
pub const ABORT: &[u8] = include_bytes!("../testdata/abort.bin");
/// NONE after Kafka's setLastOffset(1002), setPartitionLeaderEpoch(5) and
/// setMaxTimestamp(LOG_APPEND_TIME, TIME + 1234).
pub const NONE_STAMPED: &[u8] = include_bytes!("../testdata/none-stamped.bin");

/// Every golden batch of a plain producer.
pub const PLAIN: [&[u8]; 5] = [NONE, GZIP, SNAPPY, LZ4, ZSTD];

/// Milliseconds since the epoch of the first record.
pub const TIME: i64 = 1_700_000_000_000;

pub type HeaderRow = (&'static str, Option<&'static [u8]>);

/// A record written down.
pub struct Row {
    pub timestamp: i64,
    pub key: Option<&'static [u8]>,
    pub value: Option<Vec<u8>>,
    pub headers: &'static [HeaderRow],
}

/// The records of the golden batches: three, or four in the compressed ones.
pub fn rows(count: usize) -> Vec<Row> {
    let big = (0..100_000u32).map(|i| (i / 64 + i % 7).to_be_bytes()[3]).collect();
    let mut rows = vec![
        Row { timestamp: TIME, key: Some(b"k0"), value: Some(b"v0".to_vec()), headers: &[] },
        Row {
            timestamp: TIME + 5,
            key: None,
            value: Some(b"second".to_vec()),
            headers: &[("h", Some(b"x")), ("h", None)],
        },
        Row { timestamp: TIME - 3, key: Some(b"k2"), value: None, headers: &[("", Some(b""))] },
        Row { timestamp: TIME + 1, key: Some(b"big"), value: Some(big), headers: &[] },
    ];
    rows.truncate(count);
    rows
}

/// Checks that `batch` holds the first `count` rows from `base_offset` on; `timestamp` replaces
/// all their times if given.
pub fn check_rows(batch: &[u8], count: usize, base_offset: i64, timestamp: Option<i64>) {
    let records = records_of(batch, 200_000).expect("golden batch opens");
    let found: Vec<Record<'_>> =
        records.iter().map(|record| record.expect("golden record")).collect();
    assert_eq!(found.len(), count);
    for (offset, (record, row)) in (base_offset..).zip(found.iter().zip(rows(count))) {
        assert_eq!(record.offset.0, offset);
        assert_eq!(record.timestamp, timestamp.unwrap_or(row.timestamp));
        assert_eq!(record.key, row.key);
        assert!(record.value == row.value.as_deref());
        assert_eq!(record.headers.len(), row.headers.len());
        for (header, (key, value)) in record.headers.zip(row.headers) {
            assert_eq!((header.key, header.value), (key.as_bytes(), *value));
        }
    }
}
