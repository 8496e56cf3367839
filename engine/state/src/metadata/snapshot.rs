//! Snapshots: an image as records, and those as the bytes of a `.checkpoint` file, which are
//! ordinary batches with a control batch first and last (`RecordsSnapshotWriter`). Offsets within
//! the file start at zero and have nothing to do with those of the log.

use super::error::{ApplyError, RecordError};
use super::features::METADATA_VERSION;
use super::image::Image;
use super::record::Record;
use crate::generated::snapshot_footer::SnapshotFooterRecord;
use crate::generated::snapshot_header::SnapshotHeaderRecord;
use engine_base::codec::DecodeError;
use engine_base::message::{EncodeError, Message as _};
use engine_base::{LeaderEpoch, Offset};
use engine_record::{
    BatchBuilder, BatchError, BatchOptions, Batches, ControlType, Tail, records_of, verify_batch,
};
use std::fmt;

/// A batch is closed when it has this many bytes (Kafka's largest metadata batch is 8 MiB).
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Records of a compressed batch may take this much memory.
const RECORDS_BYTES_MAX: usize = 64 << 20;
/// Control records carry the version of their message in front of it; so far there is one.
const CONTROL_VERSION: i16 = 0;

/// The image as records, in Kafka's order (`MetadataImage.write`): features with
/// `metadata.version` first, brokers, topics with their partitions, configs, producer ids.
pub fn records(image: &Image) -> Vec<Record> {
    let feature = |name: &str, level| Record::FeatureLevel { name: name.to_owned(), level };
    let mut records = Vec::new();
    let first = image.features().filter(|(name, _)| *name == METADATA_VERSION);
    let others = image.features().filter(|(name, _)| *name != METADATA_VERSION);
    records.extend(first.chain(others).map(|(name, level)| feature(name, level)));
    records.extend(image.brokers().cloned().map(Record::RegisterBroker));
    for topic in image.topics() {
        records.push(Record::Topic { name: topic.name.clone(), id: topic.id });
        let partitions = topic.partitions.iter().cloned();
        records
            .extend(partitions.map(|partition| Record::Partition { topic: topic.id, partition }));
    }
    for (resource, configs) in image.configured() {
        records.extend(configs.iter().map(|(name, value)| Record::Config {
            resource: resource.clone(),
            name: name.clone(),
            value: Some(value.clone()),
        }));
    }
    let ids = image.producer_ids();
    if ids.next > 0 {
        let (broker_id, broker_epoch, next) = (ids.broker_id, ids.broker_epoch, ids.next);
        records.push(Record::ProducerIds { broker_id, broker_epoch, next });
    }
    records
}

/// Name of the snapshot of an image: the offset after its last record, and that record's epoch.
pub fn file_name(image: &Image) -> String {
    format!("{:020}-{:010}.checkpoint", image.offset + 1, image.epoch)
}

/// End offset and epoch from the name of a snapshot; `None` if it is none.
pub fn parse_file_name(name: &str) -> Option<(i64, i32)> {
    let (offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let is_number = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(offset, 20) && is_number(epoch, 10)).then_some(())?;
    Some((offset.parse().ok()?, epoch.parse().ok()?))
}

/// The bytes of the file. `timestamp_ms` is that of the last batch of the log that is contained.
pub fn encode(image: &Image, timestamp_ms: i64) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut next_offset = 0;
    let options = |base_offset, control| BatchOptions {
        base_offset: Offset(base_offset),
        leader_epoch: LeaderEpoch(image.epoch),
        control,
        ..BatchOptions::default()
    };
    let control = |kind: ControlType, value: &[u8], offset: i64| {
        let mut batch = BatchBuilder::new(options(offset, true));
        batch.append(timestamp_ms, Some(&kind.to_key()), Some(value), &[]);
        batch.finish()
    };
    let header = SnapshotHeaderRecord {
        version: CONTROL_VERSION,
        last_contained_log_timestamp: timestamp_ms,
    };
    let header = header.to_vec(CONTROL_VERSION)?;
    out.extend(control(ControlType::SnapshotHeader, &header, next_offset));
    next_offset += 1;

    let mut batch = BatchBuilder::new(options(next_offset, false));
    for record in records(image) {
        if batch.bytes_len() > BATCH_BYTES_MAX {
            next_offset += i64::from(batch.count());
            let full = BatchBuilder::new(options(next_offset, false));
            out.extend(std::mem::replace(&mut batch, full).finish());
        }
        batch.append(timestamp_ms, None, Some(&record.encode()?), &[]);
    }
    if !batch.is_empty() {
        next_offset += i64::from(batch.count());
        out.extend(batch.finish());
    }

    let footer = SnapshotFooterRecord { version: CONTROL_VERSION };
    let footer = footer.to_vec(CONTROL_VERSION)?;
    out.extend(control(ControlType::SnapshotFooter, &footer, next_offset));
    Ok(out)
}

/// Why a snapshot cannot be loaded; `position` is that of the batch in the file.
#[derive(Clone, PartialEq, Debug)]
pub enum SnapshotError {
    Batch {
        position: usize,
        error: BatchError,
    },
    Control {
        position: usize,
        error: DecodeError,
    },
    Record {
        position: usize,
        error: RecordError,
    },
    Apply {
        position: usize,
        error: ApplyError,
    },
    NoValue {
        position: usize,
    },
    /// The file does not begin with a header or does not end with a footer.
    Incomplete {
        position: usize,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, what): (&usize, &dyn fmt::Display) = match self {
            SnapshotError::Batch { position, error } => (position, error),
            SnapshotError::Control { position, error } => (position, error),
            SnapshotError::Record { position, error } => (position, error),
            SnapshotError::Apply { position, error } => (position, error),
            SnapshotError::NoValue { position } => (position, &"record without a value"),
            SnapshotError::Incomplete { position } => (position, &"header or footer is missing"),
        };
        write!(f, "snapshot is damaged at byte {position}: {what}")
    }
}

impl std::error::Error for SnapshotError {}

/// The image of a snapshot file. `end_offset` and `epoch` are those of its name. The file must be
/// whole: it was complete before it got its name.
pub fn decode(bytes: &[u8], end_offset: i64, epoch: i32) -> Result<Image, SnapshotError> {
    let mut image = Image::default();
    let mut stage = Stage::Header;
    let mut position = 0;
    let mut batches = Batches::new(bytes);
    while let Some(batch) = batches.next() {
        let (_, batch) = batch.map_err(|error| SnapshotError::Batch { position, error })?;
        read_batch(batch, position, &mut stage, &mut image)?;
        position = batches.position();
    }
    if stage != Stage::End || batches.tail() != Some(Tail::Clean) {
        return Err(SnapshotError::Incomplete { position });
    }
    image.skip(end_offset - 1, epoch);
    Ok(image)
}

/// What may come next in a snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Records,
    End,
}

fn read_batch(
    batch: &[u8],
    position: usize,
    stage: &mut Stage,
    image: &mut Image,
) -> Result<(), SnapshotError> {
    let damaged = |error| SnapshotError::Batch { position, error };
    let header = verify_batch(batch).map_err(damaged)?;
    let records = records_of(batch, RECORDS_BYTES_MAX).map_err(damaged)?;
    for record in &records {
        let record = record.map_err(damaged)?;
        if header.is_control() {
            let kind = ControlType::from_key(record.key.unwrap_or_default());
            let kind = kind.map_err(|error| SnapshotError::Control { position, error })?;
            *stage = match (*stage, kind) {
                (Stage::Header, ControlType::SnapshotHeader) => Stage::Records,
                (Stage::Records, ControlType::SnapshotFooter) => Stage::End,
                // Voters and the level of kraft.version, or something later.
                (Stage::Records, _) => Stage::Records,
                _ => return Err(SnapshotError::Incomplete { position }),
            };
            continue;
        }
        if *stage != Stage::Records {
            return Err(SnapshotError::Incomplete { position });
        }
        let value = record.value.ok_or(SnapshotError::NoValue { position })?;
        let record =
            Record::decode(value).map_err(|error| SnapshotError::Record { position, error })?;
        image
            .apply(&record, image.offset + 1, image.epoch)
            .map_err(|error| SnapshotError::Apply { position, error })?;
    }
    Ok(())
}
