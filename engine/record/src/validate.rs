//! Whether a producer's bytes may be appended. Called once per partition of a Produce request, on
//! the core that owns the partition, before anything is stored. After it the bytes are one whole,
//! undamaged batch whose header tells the truth about its records; for a compressed batch that was
//! not opened, the record section is the producer's affair, as is Kafka's `producer` compression.
//! Source: Kafka's `ProduceRequest.validateRecords`, `UnifiedLog.analyzeAndValidateRecords`,
//! `LogValidator`. Stricter than Kafka: trailing bytes, offset deltas of uncompressed records,
//! negative producer epochs, transactional batches without a producer, and the delete horizon flag
//! are refused here.

use crate::compress::Codec;
use crate::error::{BatchError, RecordError, RecordErrors, RecordFlaw, RecordProblem};
use crate::header::{
    BatchHeader, DELETE_HORIZON_FLAG, HEADER_BYTES, LOG_APPEND_TIME_FLAG, NO_TIMESTAMP,
    TimestampType,
};
use crate::record::{PlainRecord, Records, open_into, whole};
use std::cell::Cell;
use std::ops::RangeInclusive;

/// Memory for opened batches that is kept for the next one. Beyond: it is given back.
const KEPT_BYTES_MAX: usize = 4 << 20;

thread_local! {
    /// Where this shard opens batches to look at them: fresh memory for each would cost more than
    /// unpacking does.
    static OPENED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a topic and the request allow. Times in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct ProduceRules {
    /// The broker's clock, since the epoch.
    pub now_ms: i64,
    /// `max.message.bytes`: size of a whole batch as sent.
    pub max_message_bytes: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`, for CreateTime.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`, for CreateTime.
    pub timestamp_after_max_ms: i64,
    /// The topic is compacted. Compressed batches are opened to look for the keys.
    pub keys_required: bool,
    /// Look into compressed batches too.
    pub open_compressed: bool,
    /// What the records of one batch may take when it is opened.
    pub decompressed_bytes_max: usize,
    /// False for requests older than zstd (Produce below 7).
    pub zstd_allowed: bool,
}

impl ProduceRules {
    /// Kafka's defaults for a topic, at the time `now_ms`.
    pub fn new(now_ms: i64) -> ProduceRules {
        ProduceRules {
            now_ms,
            max_message_bytes: 1_048_588,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            keys_required: false,
            open_compressed: false,
            decompressed_bytes_max: 100 << 20,
            zstd_allowed: true,
        }
    }
}

/// Checks that `batch` is exactly one whole batch with a matching checksum. For bytes that a
/// broker wrote: from disk, from a leader.
pub fn verify_batch(batch: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = whole(batch)?;
    header.check_crc(batch)?;
    Ok(header)
}

/// Checks what a producer sent for one partition. The header returned is the one to store: where
/// the records were looked at and the topic uses CreateTime, its maximum timestamp and timestamp
/// type are corrected to what the records say, and [`crate::stamp::set_time`] with these values
/// brings the bytes into line (it does nothing for honest producers).
pub fn validate_produce(bytes: &[u8], rules: &ProduceRules) -> Result<BatchHeader, BatchError> {
    let mut header = whole(bytes)?;
    if header.base_offset.0 != 0 {
        return Err(BatchError::BaseOffset(header.base_offset.0));
    }
    let bytes_max = rules.max_message_bytes;
    if bytes.len() > bytes_max {
        return Err(BatchError::TooLarge { bytes: bytes.len(), bytes_max });
    }
    header.check_crc(bytes)?;
    check_header(&header)?;
    let codec = header.codec()?;
    let section = &bytes[HEADER_BYTES..];
    let max_timestamp = match codec {
        Codec::None => walk(&header, section, rules)?,
        Codec::Zstd if !rules.zstd_allowed => return Err(BatchError::ZstdTooOld),
        _ if must_open(&header, rules) => {
            let bytes_max = rules.decompressed_bytes_max;
            with_opened(codec, section, bytes_max, |records| walk(&header, records, rules))?
        }
        _ => return Ok(header),
    };
    if rules.timestamp_type == TimestampType::CreateTime {
        header.max_timestamp = max_timestamp;
        header.attributes &= !LOG_APPEND_TIME_FLAG;
    }
    Ok(header)
}

fn check_header(header: &BatchHeader) -> Result<(), BatchError> {
    let BatchHeader { record_count, last_offset_delta, .. } = *header;
    if record_count <= 0 || last_offset_delta != record_count - 1 {
        return Err(BatchError::Count { record_count, last_offset_delta });
    }
    if header.is_control() {
        return Err(BatchError::Control);
    }
    if header.attributes & DELETE_HORIZON_FLAG != 0 {
        return Err(BatchError::Attributes(header.attributes));
    }
    let (epoch, sequence) = (header.producer_epoch.0, header.base_sequence);
    let coherent = match header.has_producer() {
        true => epoch >= 0 && sequence >= 0,
        false => !header.is_transactional(),
    };
    if coherent {
        Ok(())
    } else {
        Err(BatchError::Producer { id: header.producer_id.0, epoch, sequence })
    }
}

/// Whether a compressed batch has to be opened: because the topic wants it, or because its header
/// announces timestamps that some record will be refused for, and the answer names the record.
fn must_open(header: &BatchHeader, rules: &ProduceRules) -> bool {
    let taken = timestamps(rules);
    let in_range = |timestamp| timestamp == NO_TIMESTAMP || taken.contains(&timestamp);
    rules.open_compressed
        || rules.keys_required
        || header.timestamp_type() == TimestampType::LogAppendTime
        || rules.timestamp_type == TimestampType::CreateTime
            && !(in_range(header.base_timestamp) && in_range(header.max_timestamp))
}

/// Calls `look` with the records of a compressed section.
fn with_opened<T>(
    codec: Codec,
    section: &[u8],
    bytes_max: usize,
    look: impl FnOnce(&[u8]) -> Result<T, BatchError>,
) -> Result<T, BatchError> {
    let mut records = OPENED.take();
    records.clear();
    let result = open_into(codec, section, bytes_max, &mut records).and_then(|()| look(&records));
    if records.capacity() <= KEPT_BYTES_MAX {
        OPENED.set(records);
    }
    result
}

/// The timestamps that a topic with CreateTime takes, but for none at all.
fn timestamps(rules: &ProduceRules) -> RangeInclusive<i64> {
    let earliest = rules.now_ms.saturating_sub(rules.timestamp_before_max_ms);
    earliest..=rules.now_ms.saturating_add(rules.timestamp_after_max_ms)
}

/// Checks every record of an uncompressed section; returns the newest timestamp, -1 if none.
fn walk(header: &BatchHeader, section: &[u8], rules: &ProduceRules) -> Result<i64, BatchError> {
    let mut errors = RecordErrors::default();
    let mut max_timestamp = NO_TIMESTAMP;
    let taken = timestamps(rules);
    let mut index = 0;
    let mut records = Records::new(header, section);
    loop {
        let record = match records.next_plain() {
            Some(record) => record,
            None => match records.next() {
                Some(record) => record?.into(),
                None => break,
            },
        };
        if record.offset_delta != index {
            let flaw = RecordFlaw::OffsetDelta { found: record.offset_delta, expected: index };
            return Err(BatchError::Record { index, flaw });
        }
        if let Some(problem) = judge(header, &record, rules, &taken) {
            errors.push(RecordError { index, problem });
        }
        max_timestamp = max_timestamp.max(record.timestamp);
        index += 1;
    }
    assert_eq!(index, header.record_count);
    if errors.count == 0 { Ok(max_timestamp) } else { Err(BatchError::Rejected(errors)) }
}

/// What the topic has against a well-formed record: the key first, then the time, as in Kafka.
fn judge(
    header: &BatchHeader,
    record: &PlainRecord,
    rules: &ProduceRules,
    taken: &RangeInclusive<i64>,
) -> Option<RecordProblem> {
    if rules.keys_required && !record.has_key {
        return Some(RecordProblem::NoKey);
    }
    let timestamp = record.timestamp;
    if rules.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
        let (earliest, latest) = (*taken.start(), *taken.end());
        let problem = RecordProblem::TimestampRange { timestamp, earliest, latest };
        return (!taken.contains(&timestamp)).then_some(problem);
    }
    (header.timestamp_type() == TimestampType::LogAppendTime)
        .then_some(RecordProblem::LogAppendTime)
}
