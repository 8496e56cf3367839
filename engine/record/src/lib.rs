//! Kafka's record batch, version 2, as bytes: view, check, stamp, iterate, build, compress. The
//! only record format of this broker: batches keep the client's bytes from socket to disk to
//! socket. No I/O, no clock, no state; lives on every core. Layout: docs/FORMAT.md.

pub mod batches;
pub mod build;
pub mod compress;
pub mod control;
pub mod error;
pub mod header;
pub mod lookup;
pub mod recode;
pub mod record;
pub mod stamp;
pub mod validate;

pub use batches::{Batches, Tail};
pub use build::{BatchBuilder, BatchOptions, Producer};
pub use compress::Codec;
pub use control::{ControlType, EndMarker};
pub use error::{BatchError, ErrorClass, RecordError, RecordErrors, RecordFlaw, RecordProblem};
pub use header::{BatchHeader, TimestampType};
pub use lookup::TimestampedOffset;
pub use recode::recode;
pub use record::{BatchRecords, Header, Record, Records, records_of};
pub use validate::{ProduceRules, validate_produce, verify_batch};

#[cfg(test)]
mod tests;
