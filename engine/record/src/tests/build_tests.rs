//! The builder against Kafka's bytes, and the reader against the builder's.

use super::golden::{self, TIME, check_rows, rows};
use crate::build::{BatchBuilder, BatchOptions, MarkerPlace, Producer, end_marker};
use crate::compress::Codec;
use crate::control::{ControlType, EndMarker};
use crate::header::{BatchHeader, HEADER_BYTES, NO_SEQUENCE, TimestampType};
use crate::record::{Header, records_of};
use crate::validate::verify_batch;
use engine_base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

fn build(options: BatchOptions, count: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::new(options);
    assert!(builder.is_empty());
    for row in rows(count) {
        let headers: Vec<Header<'_>> = row
            .headers
            .iter()
            .map(|(key, value)| Header { key: key.as_bytes(), value: *value })
            .collect();
        builder.append(row.timestamp, row.key, row.value.as_deref(), &headers);
    }
    assert_eq!(builder.count(), i32::try_from(count).expect("few"));
    builder.finish()
}

const TRANSACTIONAL: Producer = Producer {
    id: ProducerId(4711),
    epoch: ProducerEpoch(3),
    base_sequence: i32::MAX - 1,
    transactional: true,
};

#[test]
fn golden_batches_read_as_written() {
    check_rows(golden::NONE, 3, 0, None);
    for batch in [golden::GZIP, golden::SNAPPY, golden::LZ4, golden::ZSTD] {
        check_rows(batch, 4, 0, None);
    }
    check_rows(golden::TRANSACTIONAL, 3, 70, None);
    check_rows(golden::LOG_APPEND_TIME, 3, 12, Some(TIME + 777));
    check_rows(golden::NONE_STAMPED, 3, 1000, Some(TIME + 1234));
}

#[test]
fn golden_headers_read_as_written() {
    let check = |batch: &[u8], id: i16| {
        let header = verify_batch(batch).expect("golden");
        assert_eq!(header.codec().map(Codec::id), Ok(id));
        assert_eq!(header.bytes_len(), batch.len());
        assert_eq!(header.to_bytes(), batch[..HEADER_BYTES]);
        header
    };
    for (id, batch) in (0..).zip(golden::PLAIN) {
        let header = check(batch, id);
        assert_eq!(header.base_offset, Offset(0));
        assert_eq!(header.last_offset(), Offset(i64::from(header.record_count) - 1));
        assert_eq!(header.base_timestamp, TIME);
        assert_eq!(header.max_timestamp, TIME + 5);
        assert_eq!(header.last_sequence(), NO_SEQUENCE);
        assert!(!header.has_producer() && !header.is_control() && !header.is_transactional());
    }
    let header = check(golden::TRANSACTIONAL, 0);
    assert_eq!(header.producer_id, ProducerId(4711));
    assert_eq!(header.producer_epoch, ProducerEpoch(3));
    assert_eq!((header.base_sequence, header.last_sequence()), (i32::MAX - 1, 0));
    assert_eq!((header.base_offset, header.next_offset()), (Offset(70), Offset(73)));
    assert_eq!(header.leader_epoch, LeaderEpoch(9));
    assert!(header.is_transactional() && !header.is_control());
    let header = check(golden::LOG_APPEND_TIME, 0);
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    let header = check(golden::COMMIT, 0);
    assert!(header.is_transactional() && header.is_control());
}

#[test]
fn builds_byte_for_byte_as_kafka() {
    assert_eq!(build(BatchOptions::default(), 3), golden::NONE);
    let options = BatchOptions {
        base_offset: Offset(70),
        leader_epoch: LeaderEpoch(9),
        producer: TRANSACTIONAL,
        ..BatchOptions::default()
    };
    assert_eq!(build(options, 3), golden::TRANSACTIONAL);
    let mut place = MarkerPlace {
        base_offset: Offset(80),
        leader_epoch: LeaderEpoch(9),
        producer_id: ProducerId(4711),
        producer_epoch: ProducerEpoch(3),
        timestamp: TIME + 9,
    };
    let marker = EndMarker { coordinator_epoch: 6 };
    assert_eq!(end_marker(ControlType::Commit, marker, place), golden::COMMIT);
    place.base_offset = Offset(81);
    assert_eq!(end_marker(ControlType::Abort, marker, place), golden::ABORT);
}

#[test]
fn markers_read_as_written() {
    for (batch, control) in
        [(golden::COMMIT, ControlType::Commit), (golden::ABORT, ControlType::Abort)]
    {
        let records = records_of(batch, 0).expect("golden");
        let record = records.iter().next().expect("one record").expect("golden");
        assert_eq!(ControlType::from_key(record.key.expect("a key")), Ok(control));
        let marker = EndMarker::from_value(record.value.expect("a value"));
        assert_eq!(marker, Ok(EndMarker { coordinator_epoch: 6 }));
    }
}

#[test]
fn every_codec_round_trips() {
    for codec in Codec::ALL {
        let options = BatchOptions { codec, base_offset: Offset(5), ..BatchOptions::default() };
        let batch = build(options, 4);
        let header = verify_batch(&batch).expect("our own batch");
        assert_eq!(header.codec(), Ok(codec));
        check_rows(&batch, 4, 5, None);
        let small = batch.len() < 20_000;
        assert_eq!(small, codec != Codec::None, "{codec:?} does not compress");
    }
}

/// As compaction leaves it: gaps between offsets, fewer records than offsets.
#[test]
fn gaps_are_kept() {
    let mut builder =
        BatchBuilder::new(BatchOptions { base_offset: Offset(100), ..BatchOptions::default() });
    for delta in [3, 4, 90] {
        builder.append_at(delta, i64::MIN, Some(b"k"), None, &[]);
    }
    builder.append(i64::MAX, None, None, &[]);
    let batch = builder.finish();
    let header = BatchHeader::parse(&batch).expect("our own batch");
    assert_eq!((header.record_count, header.last_offset()), (4, Offset(191)));
    let records = records_of(&batch, 0).expect("uncompressed");
    let found: Vec<(i64, i64)> = records
        .iter()
        .map(|record| record.expect("our own record"))
        .map(|record| (record.offset.0, record.timestamp))
        .collect();
    let min = i64::MIN;
    assert_eq!(found, [(103, min), (104, min), (190, min), (191, i64::MAX)]);
}
