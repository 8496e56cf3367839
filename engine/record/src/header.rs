//! The 61 bytes before the records: layout, parse, encode. Called by everything that touches a
//! batch: the produce path, the log's recovery scan, fetch. Parsing judges structure only (length
//! and magic), so that damage elsewhere is found by the checksum and called damage.
//! Source: Kafka's `DefaultRecordBatch`.

use crate::compress::Codec;
use crate::error::BatchError;
use engine_base::checksum::{crc32c, crc32c_of};
use engine_base::codec::Reader;
use engine_base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// Byte positions from the start of a batch.
pub const BASE_OFFSET_AT: usize = 0;
pub const LENGTH_AT: usize = 8;
pub const LEADER_EPOCH_AT: usize = 12;
pub const MAGIC_AT: usize = 16;
pub const CRC_AT: usize = 17;
/// The checksum covers everything from here to the end of the batch.
pub const ATTRIBUTES_AT: usize = 21;
pub const LAST_OFFSET_DELTA_AT: usize = 23;
pub const BASE_TIMESTAMP_AT: usize = 27;
pub const MAX_TIMESTAMP_AT: usize = 35;
pub const PRODUCER_ID_AT: usize = 43;
pub const PRODUCER_EPOCH_AT: usize = 51;
pub const BASE_SEQUENCE_AT: usize = 53;
pub const RECORD_COUNT_AT: usize = 57;
/// Where records start, which is also the size of the header.
pub const HEADER_BYTES: usize = 61;

/// Base offset and length: the part that the length field does not count.
pub const PREFIX_BYTES: usize = 12;
/// The only format version this broker stores.
pub const MAGIC: i8 = 2;
/// Below this no format version fits, so Kafka calls such a length damage without a look at magic.
const ANY_LENGTH_MIN: i32 = 14;
/// The least that the length field of a version 2 batch can say.
const LENGTH_MIN: i32 = 49;

const _: () = assert!(LENGTH_AT + 4 == PREFIX_BYTES);
const _: () = assert!(RECORD_COUNT_AT + 4 == HEADER_BYTES);
const _: () = assert!(LENGTH_MIN as usize + PREFIX_BYTES == HEADER_BYTES);

pub const CODEC_MASK: i16 = 0x07;
pub const LOG_APPEND_TIME_FLAG: i16 = 0x08;
pub const TRANSACTIONAL_FLAG: i16 = 0x10;
pub const CONTROL_FLAG: i16 = 0x20;
/// The base timestamp field holds the time from which tombstones may go (KIP-534).
pub const DELETE_HORIZON_FLAG: i16 = 0x40;

/// "No timestamp" in a record or batch.
pub const NO_TIMESTAMP: i64 = -1;
/// "No sequence": the batch is not from an idempotent producer.
pub const NO_SEQUENCE: i32 = -1;

/// Whose clock a batch's timestamps are from (KIP-32).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// The header of a batch, decoded. After [`BatchHeader::parse`] only `batch_length` and `magic`
/// are known to be possible; the rest is what the bytes say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    pub base_offset: Offset,
    /// Bytes after the length field.
    pub batch_length: i32,
    pub leader_epoch: LeaderEpoch,
    pub magic: i8,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    /// Milliseconds since the epoch; of the first record, or the delete horizon.
    pub base_timestamp: i64,
    /// Milliseconds since the epoch; -1 is none.
    pub max_timestamp: i64,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl BatchHeader {
    /// Decodes the header at the front of `bytes`, which may hold less or more than the batch.
    ///
    /// Errors: `Incomplete` if the header is cut short, `Length`, `Magic`, `OldMagic`. A length or
    /// magic that is impossible is told before the rest of the header is there.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let cut = |_| BatchError::Incomplete { have: bytes.len(), need: HEADER_BYTES };
        let mut reader = Reader::new(bytes);
        let base_offset = Offset(reader.i64().map_err(cut)?);
        let batch_length = reader.i32().map_err(cut)?;
        if batch_length < ANY_LENGTH_MIN {
            return Err(BatchError::Length(batch_length));
        }
        let leader_epoch = LeaderEpoch(reader.i32().map_err(cut)?);
        let magic = reader.i8().map_err(cut)?;
        match magic {
            MAGIC => {}
            0 | 1 => return Err(BatchError::OldMagic(magic)),
            _ => return Err(BatchError::Magic(magic)),
        }
        if batch_length < LENGTH_MIN {
            return Err(BatchError::Length(batch_length));
        }
        let mut rest = || -> Result<BatchHeader, engine_base::codec::DecodeError> {
            Ok(BatchHeader {
                base_offset,
                batch_length,
                leader_epoch,
                magic,
                crc: reader.u32()?,
                attributes: reader.i16()?,
                last_offset_delta: reader.i32()?,
                base_timestamp: reader.i64()?,
                max_timestamp: reader.i64()?,
                producer_id: ProducerId(reader.i64()?),
                producer_epoch: ProducerEpoch(reader.i16()?),
                base_sequence: reader.i32()?,
                record_count: reader.i32()?,
            })
        };
        rest().map_err(cut)
    }

    /// The header as bytes, checksum as it stands in the field.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(BASE_OFFSET_AT, &self.base_offset.0.to_be_bytes());
        put(LENGTH_AT, &self.batch_length.to_be_bytes());
        put(LEADER_EPOCH_AT, &self.leader_epoch.0.to_be_bytes());
        put(MAGIC_AT, &self.magic.to_be_bytes());
        put(CRC_AT, &self.crc.to_be_bytes());
        put(ATTRIBUTES_AT, &self.attributes.to_be_bytes());
        put(LAST_OFFSET_DELTA_AT, &self.last_offset_delta.to_be_bytes());
        put(BASE_TIMESTAMP_AT, &self.base_timestamp.to_be_bytes());
        put(MAX_TIMESTAMP_AT, &self.max_timestamp.to_be_bytes());
        put(PRODUCER_ID_AT, &self.producer_id.0.to_be_bytes());
        put(PRODUCER_EPOCH_AT, &self.producer_epoch.0.to_be_bytes());
        put(BASE_SEQUENCE_AT, &self.base_sequence.to_be_bytes());
        put(RECORD_COUNT_AT, &self.record_count.to_be_bytes());
        bytes
    }

    /// Size of the whole batch in bytes, base offset and length field included.
    pub fn bytes_len(&self) -> usize {
        assert!(self.batch_length >= LENGTH_MIN);
        usize::try_from(self.batch_length).expect("not negative") + PREFIX_BYTES
    }

    /// Offset of the last record, or of the last one there was before compaction.
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    /// The offset after this batch.
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Sequence number of the last record, [`NO_SEQUENCE`] if the batch has none.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return NO_SEQUENCE;
        }
        sequence_plus(self.base_sequence, self.last_offset_delta)
    }

    pub fn codec(&self) -> Result<Codec, BatchError> {
        let id = self.attributes & CODEC_MASK;
        Codec::from_id(id).ok_or(BatchError::UnknownCodec(id))
    }

    pub fn timestamp_type(&self) -> TimestampType {
        if self.has(LOG_APPEND_TIME_FLAG) {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    pub fn is_transactional(&self) -> bool {
        self.has(TRANSACTIONAL_FLAG)
    }

    pub fn is_control(&self) -> bool {
        self.has(CONTROL_FLAG)
    }

    /// Milliseconds since the epoch from which the tombstones of this batch may be compacted away.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.has(DELETE_HORIZON_FLAG).then_some(self.base_timestamp)
    }

    /// Whether the batch is from an idempotent or transactional producer.
    pub fn has_producer(&self) -> bool {
        self.producer_id.0 >= 0
    }

    fn has(&self, flag: i16) -> bool {
        self.attributes & flag != 0
    }

    /// Compares the stored checksum with the bytes of `batch`, exactly one whole batch.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), BatchError> {
        assert_eq!(batch.len(), self.bytes_len());
        self.compare_crc(batch_crc(batch))
    }

    /// As [`check_crc`](Self::check_crc), of a batch that lies in several pieces.
    pub fn check_crc_of<'a>(
        &self,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), BatchError> {
        let (mut skip, mut bytes) = (ATTRIBUTES_AT, 0);
        let covered = pieces.into_iter().map(|piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            bytes += piece.len();
            &piece[skipped..]
        });
        let computed = crc32c_of(covered);
        assert_eq!(bytes, self.bytes_len());
        self.compare_crc(computed)
    }

    fn compare_crc(&self, computed: u32) -> Result<(), BatchError> {
        if computed == self.crc {
            Ok(())
        } else {
            Err(BatchError::Crc { stored: self.crc, computed })
        }
    }
}

/// CRC-32C over the part of a whole `batch` that its checksum covers.
pub fn batch_crc(batch: &[u8]) -> u32 {
    assert!(batch.len() >= HEADER_BYTES);
    crc32c(&batch[ATTRIBUTES_AT..])
}

/// The sequence number `increment` records after `sequence`: after `i32::MAX` comes 0.
pub fn sequence_plus(sequence: i32, increment: i32) -> i32 {
    assert!(sequence >= 0);
    let sum = i64::from(sequence) + i64::from(increment);
    i32::try_from(sum.rem_euclid(1 << 31)).expect("below 2^31")
}

#[cfg(test)]
mod tests {
    use super::{BatchHeader, HEADER_BYTES, sequence_plus};
    use crate::error::BatchError;
    use engine_base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

    fn sample() -> BatchHeader {
        BatchHeader {
            base_offset: Offset(0x0102_0304_0506_0708),
            batch_length: 49,
            leader_epoch: LeaderEpoch(11),
            magic: 2,
            crc: 0xDEAD_BEEF,
            attributes: 0x0014,
            last_offset_delta: 7,
            base_timestamp: -1,
            max_timestamp: 99,
            producer_id: ProducerId(4711),
            producer_epoch: ProducerEpoch(3),
            base_sequence: i32::MAX - 3,
            record_count: 8,
        }
    }

    #[test]
    fn encodes_what_it_parses() {
        let header = sample();
        let bytes = header.to_bytes();
        assert_eq!(BatchHeader::parse(&bytes), Ok(header));
        assert_eq!(header.bytes_len(), HEADER_BYTES);
        assert_eq!(header.last_offset(), Offset(0x0102_0304_0506_070F));
        assert_eq!(header.next_offset(), Offset(0x0102_0304_0506_0710));
        assert_eq!(header.last_sequence(), 3, "wraps to 0 after the maximum");
        assert!(header.is_transactional() && header.has_producer() && !header.is_control());
        assert_eq!(header.delete_horizon_ms(), None);
        for len in 0..HEADER_BYTES {
            let expected = BatchError::Incomplete { have: len, need: HEADER_BYTES };
            assert_eq!(BatchHeader::parse(&bytes[..len]), Err(expected), "cut at {len}");
        }
    }

    #[test]
    fn impossible_prefixes_are_told_early() {
        let check = |length: i32, magic: i8, expected: BatchError| {
            let header = BatchHeader { batch_length: length, magic, ..sample() };
            assert_eq!(BatchHeader::parse(&header.to_bytes()[..17]), Err(expected));
        };
        check(-1, 2, BatchError::Length(-1));
        check(13, 0, BatchError::Length(13));
        check(14, 0, BatchError::OldMagic(0));
        check(60, 1, BatchError::OldMagic(1));
        check(60, 3, BatchError::Magic(3));
        check(60, -1, BatchError::Magic(-1));
        check(48, 2, BatchError::Length(48));
        check(49, 2, BatchError::Incomplete { have: 17, need: HEADER_BYTES });
    }

    /// Hostile numbers must not overflow in the helpers, before anyone has validated them.
    #[test]
    fn extremes_do_not_panic() {
        for delta in [i32::MIN, -1, 0, i32::MAX] {
            for base in [i64::MIN, -1, 0, i64::MAX] {
                for base_sequence in [i32::MIN, -1, 0, i32::MAX] {
                    let header = BatchHeader {
                        base_offset: Offset(base),
                        last_offset_delta: delta,
                        base_sequence,
                        batch_length: i32::MAX,
                        ..sample()
                    };
                    let header = BatchHeader::parse(&header.to_bytes()).expect("structure is fine");
                    assert!(header.last_sequence() >= -1);
                    assert!(header.next_offset() >= header.last_offset());
                    assert!(header.bytes_len() > HEADER_BYTES);
                }
            }
        }
    }

    #[test]
    fn a_checksum_holds_however_the_batch_is_cut() {
        let mut batch = sample().to_bytes().to_vec();
        let header = BatchHeader { crc: super::batch_crc(&batch), ..sample() };
        batch[17..21].copy_from_slice(&header.crc.to_be_bytes());
        header.check_crc(&batch).expect("right");
        for cut in 0..batch.len() {
            let pieces = [&batch[..cut], &batch[cut..]];
            header.check_crc_of(pieces).expect("right");
            let mut bad = batch.clone();
            bad[30] ^= 1;
            let pieces = [&bad[..cut], &bad[cut..]];
            assert!(header.check_crc_of(pieces).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn sequences_wrap_as_in_kafka() {
        assert_eq!(sequence_plus(0, 0), 0);
        assert_eq!(sequence_plus(i32::MAX, 1), 0);
        assert_eq!(sequence_plus(i32::MAX - 1, 3), 1);
        assert_eq!(sequence_plus(i32::MAX, i32::MAX), i32::MAX - 1);
    }
}
