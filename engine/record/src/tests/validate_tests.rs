//! Each rule of produce validation, one bad batch at a time.

use super::golden::{self, TIME};
use crate::build::{BatchBuilder, BatchOptions, Producer};
use crate::compress::Codec;
use crate::error::{BatchError, ErrorClass, RECORD_ERRORS_MAX, RecordError, RecordFlaw};
use crate::error::{RecordErrors, RecordProblem};
use crate::header::{BatchHeader, CRC_AT, HEADER_BYTES, TimestampType, batch_crc};
use crate::stamp::set_time;
use crate::validate::{ProduceRules, validate_produce};
use engine_base::codec::DecodeError;
use engine_base::{ProducerEpoch, ProducerId};

const CODECS: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn rules() -> ProduceRules {
    ProduceRules::new(TIME)
}

fn opening() -> ProduceRules {
    ProduceRules { open_compressed: true, ..rules() }
}

/// `batch` with a changed header and a checksum that fits it.
fn edited(batch: &[u8], edit: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut header = BatchHeader::parse(batch).expect("golden");
    edit(&mut header);
    let mut batch = batch.to_vec();
    batch[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    signed(batch)
}

fn signed(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = batch_crc(&batch);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// A batch whose record section is `section`, `record_count` records by its header.
fn raw(section: &[u8], record_count: i32) -> Vec<u8> {
    let batch = [&golden::NONE[..HEADER_BYTES], section].concat();
    edited(&batch, |header| {
        header.batch_length = i32::try_from(batch.len() - 12).expect("small");
        header.record_count = record_count;
        header.last_offset_delta = record_count - 1;
    })
}

fn records(codec: Codec, rows: &[(i64, Option<&[u8]>)]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { codec, ..BatchOptions::default() });
    for (timestamp, key) in rows {
        builder.append(*timestamp, *key, Some(b"value"), &[]);
    }
    builder.finish()
}

fn check(batch: &[u8], rules: &ProduceRules, class: ErrorClass, expected: BatchError) {
    let error = validate_produce(batch, rules).expect_err("must be refused");
    assert_eq!(error, expected);
    assert_eq!(error.class(), class, "{error}");
}

#[test]
fn kafkas_batches_pass() {
    for batch in golden::PLAIN {
        for rules in [rules(), opening()] {
            let header = validate_produce(batch, &rules).expect("golden");
            assert_eq!(BatchHeader::parse(batch), Ok(header), "nothing to correct");
        }
    }
    let transactional = edited(golden::TRANSACTIONAL, |header| header.base_offset.0 = 0);
    assert!(validate_produce(&transactional, &rules()).is_ok());
}

#[test]
fn structure() {
    use ErrorClass::{Corrupt, InvalidRecord, TooLarge};
    let one = golden::NONE;
    let two = [one, one].concat();
    check(&two, &rules(), InvalidRecord, BatchError::Trailing(one.len()));
    let garbage = [one, b"x"].concat();
    check(&garbage, &rules(), InvalidRecord, BatchError::Trailing(1));
    for cut in 0..one.len() {
        let need = if cut < HEADER_BYTES { HEADER_BYTES } else { one.len() };
        let expected = BatchError::Incomplete { have: cut, need };
        check(&one[..cut], &rules(), InvalidRecord, expected);
    }
    let old = edited(one, |header| header.magic = 1);
    check(&old, &rules(), InvalidRecord, BatchError::OldMagic(1));
    let unknown = edited(one, |header| header.magic = 3);
    check(&unknown, &rules(), Corrupt, BatchError::Magic(3));
    let short = edited(one, |header| header.batch_length = 48);
    check(&short, &rules(), Corrupt, BatchError::Length(48));
    let small = ProduceRules { max_message_bytes: one.len() - 1, ..rules() };
    let too_large = BatchError::TooLarge { bytes: one.len(), bytes_max: one.len() - 1 };
    check(one, &small, TooLarge, too_large);
    let exact = ProduceRules { max_message_bytes: one.len(), ..rules() };
    assert!(validate_produce(one, &exact).is_ok());
    check(golden::COMMIT, &rules(), InvalidRecord, BatchError::BaseOffset(80));
}

#[test]
fn header_fields() {
    use ErrorClass::{InvalidRecord, UnsupportedCompression};
    let one = golden::NONE;
    for (record_count, last_offset_delta) in
        [(0, -1), (-1, -2), (3, 3), (2, 2), (i32::MIN, i32::MAX), (i32::MAX, i32::MIN), (0, 0)]
    {
        let bad = edited(one, |header| {
            header.record_count = record_count;
            header.last_offset_delta = last_offset_delta;
        });
        let expected = BatchError::Count { record_count, last_offset_delta };
        check(&bad, &rules(), InvalidRecord, expected);
    }
    let control = edited(golden::COMMIT, |header| header.base_offset.0 = 0);
    check(&control, &rules(), InvalidRecord, BatchError::Control);
    let horizon = edited(one, |header| header.attributes |= 0x40);
    check(&horizon, &rules(), InvalidRecord, BatchError::Attributes(0x40));
    for id in 5..8 {
        let bad = edited(one, |header| header.attributes |= id);
        check(&bad, &rules(), UnsupportedCompression, BatchError::UnknownCodec(id));
    }
    let old = ProduceRules { zstd_allowed: false, ..rules() };
    check(golden::ZSTD, &old, UnsupportedCompression, BatchError::ZstdTooOld);
    assert!(validate_produce(golden::LZ4, &old).is_ok());
}

#[test]
fn producer_fields() {
    let accept = |id: i64, epoch: i16, sequence: i32, transactional: bool, expected: bool| {
        let batch = edited(golden::NONE, |header| {
            header.producer_id = ProducerId(id);
            header.producer_epoch = ProducerEpoch(epoch);
            header.base_sequence = sequence;
            header.attributes |= i16::from(transactional) << 4;
        });
        match expected {
            true => assert!(validate_produce(&batch, &rules()).is_ok()),
            false => check(
                &batch,
                &rules(),
                ErrorClass::InvalidRecord,
                BatchError::Producer { id, epoch, sequence },
            ),
        }
    };
    accept(-1, -1, -1, false, true);
    accept(0, 0, 0, false, true);
    accept(7, i16::MAX, i32::MAX, true, true);
    accept(7, 0, -1, false, false);
    accept(7, -1, 0, false, false);
    accept(-1, -1, -1, true, false);
}

#[test]
fn every_flipped_bit_is_noticed() {
    for batch in [golden::NONE, golden::ZSTD] {
        for at in 0..batch.len() {
            // The leader epoch is the broker's field: outside the checksum, overwritten.
            if (12..16).contains(&at) {
                continue;
            }
            for bit in 0..8 {
                let mut bad = batch.to_vec();
                bad[at] ^= 1 << bit;
                let error = validate_produce(&bad, &rules()).expect_err("damage");
                if at >= CRC_AT {
                    assert_eq!(error.class(), ErrorClass::Corrupt, "byte {at}: {error}");
                }
            }
        }
    }
}

#[test]
fn record_structure() {
    let flaw = |section: &[u8], count: i32, index: i32, flaw: RecordFlaw| {
        let expected = BatchError::Record { index, flaw };
        check(&raw(section, count), &rules(), ErrorClass::InvalidRecord, expected);
    };
    // Length 6, attributes, timestamp and offset delta 0, null key, null value, no headers.
    let good: [u8; 7] = [12, 0, 0, 0, 1, 1, 0];
    assert!(validate_produce(&raw(&good, 1), &rules()).is_ok());
    flaw(&good, 2, 1, RecordFlaw::Decode(DecodeError::Truncated));
    flaw(&[&good[..], &good[..]].concat(), 1, 1, RecordFlaw::Trailing(7));
    flaw(&[&good[..], &good[..]].concat(), 2, 1, RecordFlaw::OffsetDelta { found: 0, expected: 1 });
    flaw(&[12, 0, 0, 2, 1, 1, 0], 1, 0, RecordFlaw::OffsetDelta { found: 1, expected: 0 });
    flaw(&[14, 0, 0, 0, 1, 1, 0, 9], 1, 0, RecordFlaw::BodyLength { declared: 7, left: 1 });
    flaw(&[10, 0, 0, 0, 1, 1, 0], 1, 0, RecordFlaw::Decode(DecodeError::Truncated));
    flaw(&[1, 0, 0, 0, 1, 1, 0], 1, 0, RecordFlaw::Decode(DecodeError::Length));
    flaw(&[0xFF; 7], 1, 0, RecordFlaw::Decode(DecodeError::Varint));
    // Key longer than the record, key of length -2, header count beyond the bytes and negative,
    // null header key.
    flaw(&[12, 0, 0, 0, 80, 1, 0], 1, 0, RecordFlaw::Decode(DecodeError::Truncated));
    flaw(&[12, 0, 0, 0, 3, 1, 0], 1, 0, RecordFlaw::Decode(DecodeError::Length));
    flaw(&[12, 0, 0, 0, 1, 1, 2], 1, 0, RecordFlaw::HeaderCount(1));
    flaw(&[12, 0, 0, 0, 1, 1, 1], 1, 0, RecordFlaw::HeaderCount(-1));
    flaw(&[16, 0, 0, 0, 1, 1, 2, 1, 1], 1, 0, RecordFlaw::Decode(DecodeError::Length));
    flaw(b"", 1, 0, RecordFlaw::Decode(DecodeError::Truncated));
}

#[test]
fn timestamps() {
    let now = TIME;
    let rules = ProduceRules {
        timestamp_before_max_ms: 1000,
        timestamp_after_max_ms: 50,
        ..ProduceRules::new(now)
    };
    let range = |timestamp| RecordProblem::TimestampRange {
        timestamp,
        earliest: now - 1000,
        latest: now + 50,
    };
    let rejected = |rows: &[(i32, i64)]| {
        let first =
            rows.iter().map(|(index, time)| RecordError { index: *index, problem: range(*time) });
        let first: Vec<_> = first.collect();
        let count = u32::try_from(first.len()).expect("few");
        BatchError::Rejected(RecordErrors { first, count, timestamps: true })
    };
    for codec in Codec::ALL {
        for time in [now, now - 1000, now + 50, -1] {
            let batch = records(codec, &[(now, None), (time, None)]);
            assert!(validate_produce(&batch, &rules).is_ok(), "{codec:?} {time}");
        }
        for time in [now - 1001, now + 51, i64::MIN, i64::MAX, -2] {
            let batch = records(codec, &[(time, None), (now, None), (time, None)]);
            let expected = rejected(&[(0, time), (2, time)]);
            check(&batch, &rules, ErrorClass::InvalidTimestamp, expected);
            // LogAppendTime topics do not care.
            let append = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules };
            assert!(validate_produce(&batch, &append).is_ok());
        }
    }
}

/// Kafka checks these as the time of every record, and drops the flag if they are in range.
#[test]
fn log_append_time_from_a_producer() {
    for (codec, batch) in Codec::ALL.into_iter().zip(golden::PLAIN) {
        let mut batch = batch.to_vec();
        set_time(&mut batch, TimestampType::LogAppendTime, TIME + 3);
        let header = validate_produce(&batch, &rules()).expect("in range");
        assert_eq!(header.timestamp_type(), TimestampType::CreateTime, "{codec:?}");
        assert_eq!(header.max_timestamp, TIME + 3);
        let append = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() };
        let error = validate_produce(&batch, &append).expect_err("refused");
        assert_eq!(error.class(), ErrorClass::InvalidTimestamp);
        assert_eq!(error.record_errors()[0].problem, RecordProblem::LogAppendTime);
        set_time(&mut batch, TimestampType::LogAppendTime, -1);
        let error = validate_produce(&batch, &rules()).expect_err("refused");
        assert_eq!(error.record_errors()[0].problem, RecordProblem::LogAppendTime);
    }
}

#[test]
fn a_false_maximum_is_corrected() {
    for batch in golden::PLAIN {
        let honest = BatchHeader::parse(batch).expect("golden");
        let mut lying = edited(batch, |header| header.max_timestamp = TIME + 4);
        let header = validate_produce(&lying, &opening()).expect("allowed, as in Kafka");
        assert_eq!(header.max_timestamp, TIME + 5);
        assert!(set_time(&mut lying, header.timestamp_type(), header.max_timestamp));
        assert_eq!(BatchHeader::parse(&lying).map(|header| header.crc), Ok(honest.crc));
    }
}

#[test]
fn compacted_topics_want_keys() {
    let rules = ProduceRules { keys_required: true, ..rules() };
    for codec in Codec::ALL {
        let keyed = records(codec, &[(TIME, Some(b"k")), (TIME, Some(b""))]);
        assert!(validate_produce(&keyed, &rules).is_ok());
        let batch = records(codec, &[(TIME, Some(b"k")), (TIME, None)]);
        let first = vec![RecordError { index: 1, problem: RecordProblem::NoKey }];
        let expected = BatchError::Rejected(RecordErrors { first, count: 1, timestamps: false });
        check(&batch, &rules, ErrorClass::InvalidRecord, expected);
        // A bad timestamp beside it decides the code for the batch.
        let batch = records(codec, &[(i64::MAX, Some(b"k")), (TIME, None)]);
        let error = validate_produce(&batch, &rules).expect_err("refused");
        assert_eq!(error.class(), ErrorClass::InvalidTimestamp);
        assert_eq!(error.record_errors().len(), 2);
    }
    let many = vec![(TIME, None); 10_000];
    let error = validate_produce(&records(Codec::None, &many), &rules).expect_err("refused");
    assert_eq!(error.record_errors().len(), RECORD_ERRORS_MAX);
    assert!(error.to_string().starts_with("10000 records rejected"), "{error}");
}

/// By default the section of a compressed batch is not looked at; opened, it is checked in full.
#[test]
fn compressed_sections() {
    for codec in CODECS {
        let batch = records(codec, &[(TIME, None), (TIME, None)]);
        let mut bad = batch.clone();
        let at = HEADER_BYTES + 3;
        bad[at] ^= 0x55;
        let bad = signed(bad);
        assert!(validate_produce(&bad, &rules()).is_ok(), "passes through unopened");
        check(&bad, &opening(), ErrorClass::InvalidRecord, BatchError::Compressed);
        let miscounted = edited(&batch, |header| {
            header.record_count = 1;
            header.last_offset_delta = 0;
        });
        let left = RecordFlaw::Trailing(12);
        let expected = BatchError::Record { index: 1, flaw: left };
        check(&miscounted, &opening(), ErrorClass::InvalidRecord, expected);
        let capped = ProduceRules { decompressed_bytes_max: 23, ..opening() };
        check(&batch, &capped, ErrorClass::TooLarge, BatchError::Bomb { bytes_max: 23 });
        let enough = ProduceRules { decompressed_bytes_max: 24, ..opening() };
        assert!(validate_produce(&batch, &enough).is_ok());
    }
}

#[test]
fn plain_producers_options_pass() {
    let mut builder = BatchBuilder::new(BatchOptions {
        producer: Producer {
            id: ProducerId(3),
            epoch: ProducerEpoch(0),
            base_sequence: 0,
            transactional: false,
        },
        ..BatchOptions::default()
    });
    builder.append(-1, None, None, &[]);
    let header = validate_produce(&builder.finish(), &rules()).expect("good");
    assert_eq!(header.max_timestamp, -1);
}
