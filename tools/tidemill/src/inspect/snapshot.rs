//! The `.snapshot` of a partition's producers.

use super::report::{Problem, Report};
use crate::failure::Failure;
use crate::output::time;
use engine_state::producers::{ProducerEntry, snapshot};
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct ProducerItem {
    producer_id: i64,
    epoch: i16,
    last_sequence: i32,
    last_offset: Option<i64>,
    last_timestamp: i64,
    coordinator_epoch: i32,
    open_transaction_offset: Option<i64>,
}

impl ProducerItem {
    fn new(entry: &ProducerEntry) -> ProducerItem {
        ProducerItem {
            producer_id: entry.producer_id.0,
            epoch: entry.epoch.0,
            last_sequence: entry.last_sequence(),
            last_offset: entry.last_batch().map(|batch| batch.last_offset.0),
            last_timestamp: entry.last_timestamp_ms,
            coordinator_epoch: entry.coordinator_epoch,
            open_transaction_offset: entry.open_transaction.map(|offset| offset.0),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "  producer {} epoch {}  last sequence {}",
            self.producer_id, self.epoch, self.last_sequence
        );
        if let Some(offset) = self.last_offset {
            text.push_str(&format!(" at offset {offset}"));
        }
        text.push_str(&format!("  {}", time::utc(self.last_timestamp)));
        if let Some(offset) = self.open_transaction_offset {
            text.push_str(&format!("  transaction open since offset {offset}"));
        }
        text
    }
}

#[derive(Serialize)]
struct Summary {
    producers: usize,
}

pub fn inspect(report: &mut Report<'_>, path: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, &error))?;
    match snapshot::decode(&bytes) {
        Err(error) => report.problem(Problem::whole(path, error.to_string())),
        Ok(entries) => {
            for entry in &entries {
                let item = ProducerItem::new(entry);
                report.item("producer", &item, &item.text())?;
            }
            let producers = entries.len();
            report.item("summary", &Summary { producers }, &format!("  {producers} producers"))
        }
    }
}
