//! What can be wrong with a batch of records. A variant exists where a caller acts or explains
//! differently; [`BatchError::class`] groups them the way Kafka's error codes do, and `net/server`
//! turns the group into a code. Nothing here is our own mistake: those are assertions.

use engine_base::codec::DecodeError;
use std::fmt;

/// Why bytes are not a batch that may be stored or read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BatchError {
    /// Fewer bytes than the header, or than the length field announces. Sizes in bytes.
    #[error("batch is incomplete: {have} bytes of {need}")]
    Incomplete { have: usize, need: usize },
    /// The length field is below what any batch has.
    #[error("batch length {0} is impossible")]
    Length(i32),
    /// No version of Kafka's formats.
    #[error("magic byte {0} is unknown")]
    Magic(i8),
    /// Kafka's formats before 0.11, which Kafka 4 no longer takes either.
    #[error("magic byte {0} is an old message format, only 2 is accepted")]
    OldMagic(i8),
    #[error("checksum does not match: stored {stored:#010x}, computed {computed:#010x}")]
    Crc { stored: u32, computed: u32 },
    /// Bytes follow the batch: a second batch, or garbage.
    #[error("{0} bytes follow the only batch allowed")]
    Trailing(usize),
    /// A producer must send base offset zero.
    #[error("base offset {0} in a batch from a producer, it must be 0")]
    BaseOffset(i64),
    #[error("batch of {bytes} bytes is larger than the maximum of {bytes_max}")]
    TooLarge { bytes: usize, bytes_max: usize },
    /// Records would take more than the cap once decompressed.
    #[error("records take more than {bytes_max} bytes when decompressed")]
    Bomb { bytes_max: usize },
    /// The codec bits name no codec.
    #[error("compression codec {0} is unknown")]
    UnknownCodec(i16),
    /// zstd in a request too old for it (KIP-110).
    #[error("compression codec zstd is not allowed in this version of the request")]
    ZstdTooOld,
    /// The compressed section cannot be decompressed.
    #[error("compressed records are damaged")]
    Compressed,
    #[error("{record_count} records do not match last offset delta {last_offset_delta}")]
    Count { record_count: i32, last_offset_delta: i32 },
    #[error("producers may not write control records")]
    Control,
    /// A flag that only a broker may set (the delete horizon).
    #[error("attributes {0:#06x} hold a flag that producers may not set")]
    Attributes(i16),
    #[error("producer id {id} with epoch {epoch} and sequence {sequence} makes no sense")]
    Producer { id: i64, epoch: i16, sequence: i32 },
    /// A record is not well formed. `index` counts from zero within the batch.
    #[error("record {index} of the batch: {flaw}")]
    Record { index: i32, flaw: RecordFlaw },
    /// Well-formed records break the topic's rules.
    #[error("{0}")]
    Rejected(RecordErrors),
}

/// How a client is told. The names follow Kafka's error codes without naming the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// The bytes were damaged on their way; sending them again may help.
    Corrupt,
    /// The producer built something wrong; sending it again cannot help.
    InvalidRecord,
    TooLarge,
    InvalidTimestamp,
    UnsupportedCompression,
}

impl BatchError {
    pub fn class(&self) -> ErrorClass {
        match self {
            BatchError::Length(_) | BatchError::Magic(_) | BatchError::Crc { .. } => {
                ErrorClass::Corrupt
            }
            BatchError::TooLarge { .. } | BatchError::Bomb { .. } => ErrorClass::TooLarge,
            BatchError::UnknownCodec(_) | BatchError::ZstdTooOld => {
                ErrorClass::UnsupportedCompression
            }
            BatchError::Rejected(errors) if errors.timestamps => ErrorClass::InvalidTimestamp,
            BatchError::Incomplete { .. }
            | BatchError::OldMagic(_)
            | BatchError::Trailing(_)
            | BatchError::BaseOffset(_)
            | BatchError::Compressed
            | BatchError::Count { .. }
            | BatchError::Control
            | BatchError::Attributes(_)
            | BatchError::Producer { .. }
            | BatchError::Record { .. }
            | BatchError::Rejected(_) => ErrorClass::InvalidRecord,
        }
    }

    /// The records to name in the answer, for protocols that can (KIP-467); empty for the rest.
    pub fn record_errors(&self) -> &[RecordError] {
        match self {
            BatchError::Rejected(errors) => &errors.first,
            _ => &[],
        }
    }
}

/// What is malformed in one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordFlaw {
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// The length before the record is not the length of its fields.
    #[error("declared {declared} bytes but its fields leave {left} over")]
    BodyLength { declared: usize, left: usize },
    #[error("header count {0} is impossible")]
    HeaderCount(i32),
    #[error("offset delta {found}, expected {expected}")]
    OffsetDelta { found: i32, expected: i32 },
    /// Bytes after the last record the header counts.
    #[error("{0} bytes are left after the last record")]
    Trailing(usize),
}

/// How many rejected records one batch reports by name. Kafka has no limit; a batch of a million
/// keyless records must not become a million messages here.
pub const RECORD_ERRORS_MAX: usize = 100;

/// All the records of a batch that its topic refuses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RecordErrors {
    /// The first ones, at most [`RECORD_ERRORS_MAX`].
    pub first: Vec<RecordError>,
    /// How many there are.
    pub count: u32,
    /// Whether any of them is about a timestamp: Kafka then answers the whole batch with that.
    pub timestamps: bool,
}

impl RecordErrors {
    pub(crate) fn push(&mut self, error: RecordError) {
        self.timestamps |= error.problem != RecordProblem::NoKey;
        self.count = self.count.saturating_add(1);
        if self.first.len() < RECORD_ERRORS_MAX {
            self.first.push(error);
        }
    }
}

impl fmt::Display for RecordErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records rejected", self.count)?;
        match self.first.first() {
            Some(first) => write!(f, ", the first is record {}: {}", first.index, first.problem),
            None => Ok(()),
        }
    }
}

/// One refused record. `index` counts from zero within the batch (Produce v8's batch index).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordError {
    pub index: i32,
    pub problem: RecordProblem,
}

/// Why a topic refuses a well-formed record. `Display` is the message for the producer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordProblem {
    #[error("a compacted topic cannot take a record without a key")]
    NoKey,
    /// All in milliseconds since the epoch; the allowed range is inclusive.
    #[error("timestamp {timestamp} is outside the allowed range [{earliest}, {latest}]")]
    TimestampRange { timestamp: i64, earliest: i64, latest: i64 },
    #[error("only the broker may set the timestamp type LogAppendTime")]
    LogAppendTime,
}
