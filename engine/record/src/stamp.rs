//! What the leader writes into a client's batch, in place: offsets and epoch (outside the
//! checksum), and timestamps (inside it). Called by the append path on bytes that validation has
//! accepted, so a wrong size here is our mistake. Source: `MutableRecordBatch` of Kafka.

use crate::header::{
    ATTRIBUTES_AT, BASE_OFFSET_AT, BatchHeader, CRC_AT, HEADER_BYTES, LEADER_EPOCH_AT,
    LOG_APPEND_TIME_FLAG, MAX_TIMESTAMP_AT, TimestampType, batch_crc,
};
use engine_base::{LeaderEpoch, Offset};

/// Gives `batch` its place in the log. The checksum does not cover these fields.
pub fn set_place(batch: &mut [u8], base_offset: Offset, leader_epoch: LeaderEpoch) {
    assert!(batch.len() >= HEADER_BYTES);
    assert!(base_offset.0 >= 0);
    put(batch, BASE_OFFSET_AT, &base_offset.0.to_be_bytes());
    put(batch, LEADER_EPOCH_AT, &leader_epoch.0.to_be_bytes());
}

/// Sets timestamp type and maximum timestamp (milliseconds since the epoch) of one whole batch,
/// and its checksum if anything changed. For LogAppendTime `max_timestamp` is the broker's now;
/// for CreateTime it is what validation found. Returns whether the bytes changed.
pub fn set_time(batch: &mut [u8], kind: TimestampType, max_timestamp: i64) -> bool {
    let header = BatchHeader::parse(batch).expect("validation accepted this batch");
    assert_eq!(header.bytes_len(), batch.len());
    if header.timestamp_type() == kind && header.max_timestamp == max_timestamp {
        return false;
    }
    let attributes = match kind {
        TimestampType::CreateTime => header.attributes & !LOG_APPEND_TIME_FLAG,
        TimestampType::LogAppendTime => header.attributes | LOG_APPEND_TIME_FLAG,
    };
    put(batch, ATTRIBUTES_AT, &attributes.to_be_bytes());
    put(batch, MAX_TIMESTAMP_AT, &max_timestamp.to_be_bytes());
    let crc = batch_crc(batch);
    put(batch, CRC_AT, &crc.to_be_bytes());
    true
}

fn put(batch: &mut [u8], at: usize, field: &[u8]) {
    batch[at..at + field.len()].copy_from_slice(field);
}

#[cfg(test)]
mod tests {
    use super::{set_place, set_time};
    use crate::header::{BatchHeader, TimestampType};
    use crate::record::records_of;
    use crate::tests::golden;
    use crate::validate::verify_batch;
    use engine_base::{LeaderEpoch, Offset};

    #[test]
    fn stamps_byte_for_byte_as_kafka() {
        let mut batch = golden::NONE.to_vec();
        set_place(&mut batch, Offset(1000), LeaderEpoch(5));
        assert!(verify_batch(&batch).is_ok(), "the place is outside the checksum");
        let now = golden::TIME + 1234;
        assert!(set_time(&mut batch, TimestampType::LogAppendTime, now));
        assert_eq!(batch, golden::NONE_STAMPED);
        assert!(!set_time(&mut batch, TimestampType::LogAppendTime, now), "nothing to do");
        let records = records_of(&batch, 0).expect("uncompressed");
        let times: Vec<i64> =
            records.iter().map(|record| record.expect("good").timestamp).collect();
        assert_eq!(times, [now; 3]);

        // Back to the producer's own times: the original bytes but for the place.
        assert!(set_time(&mut batch, TimestampType::CreateTime, golden::TIME + 5));
        set_place(&mut batch, Offset(0), LeaderEpoch(-1));
        assert_eq!(batch, golden::NONE);
    }

    #[test]
    fn other_attributes_survive() {
        for batch in [golden::TRANSACTIONAL, golden::COMMIT, golden::ZSTD] {
            let before = BatchHeader::parse(batch).expect("golden");
            let mut batch = batch.to_vec();
            set_time(&mut batch, TimestampType::LogAppendTime, 42);
            let after = verify_batch(&batch).expect("checksum was recomputed");
            assert_eq!(after.attributes, before.attributes | 0x08);
            assert_eq!(after.max_timestamp, 42);
        }
    }
}
