//! What a broker acknowledged, on paper, for a look at what it still has after it was killed.

use crate::Failure;
use crate::arguments::Produce;
use crate::frames::Frames;
use crate::produce::Offsets;
use engine_record::BatchHeader;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ledger {
    pub topic: String,
    /// Checksum of each batch: they are all alike.
    pub batch_crc: u32,
    pub batch_records: u32,
    pub partitions: Vec<Page>,
    /// What ended the load, if it did not end by itself.
    pub failure: Option<String>,
}

/// One partition: all offsets from `start` up to `end` were acknowledged here, or belong to a
/// request that a connection of this load had not finished.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Page {
    pub partition: i32,
    pub start: i64,
    pub end: i64,
    /// Records.
    pub acknowledged: i64,
}

impl Ledger {
    pub fn of(
        options: &Produce,
        frames: &Frames,
        offsets: &[Offsets],
        failure: Option<String>,
    ) -> Result<Ledger, Failure> {
        let mut partitions = Vec::new();
        for (partition, offsets) in offsets.iter().enumerate() {
            if offsets.acknowledged > 0 {
                let Offsets { start, end, acknowledged } = *offsets;
                let partition = i32::try_from(partition)?;
                partitions.push(Page { partition, start, end, acknowledged });
            }
        }
        let batch = BatchHeader::parse(frames.batch())?;
        Ok(Ledger {
            topic: options.window.topic.clone(),
            batch_crc: batch.crc,
            batch_records: frames.records(),
            partitions,
            failure,
        })
    }

    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string(self)?;
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub fn read(path: &Path) -> Result<Ledger, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
