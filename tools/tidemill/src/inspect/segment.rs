//! Files of record batches: segments, and snapshots of the metadata log. Reads them front to back,
//! one batch in memory at a time, and judges each.

use super::decode::{Content, explain};
use super::report::{Problem, Report};
use crate::failure::Failure;
use crate::output::{number, time};
use engine_record::header::{BatchHeader, HEADER_BYTES};
use engine_record::{BatchError, TimestampType, records_of};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

const READ_BYTES: usize = 1 << 20;
/// What the records of one batch may take when they are decompressed.
const RECORDS_BYTES_MAX: usize = 1 << 30;
/// Damaged batches reported one by one; the rest are counted.
const PROBLEMS_MAX: usize = 20;

/// One batch as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub struct BatchAt<'a> {
    pub position: u64,
    pub header: BatchHeader,
    pub bytes: &'a [u8],
    pub crc_ok: bool,
}

/// What a file of batches holds in all.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    pub batches: u64,
    pub records: u64,
    pub file_bytes: u64,
    pub first_offset: Option<i64>,
    /// The offset after the last.
    pub end_offset: Option<i64>,
    pub max_timestamp: Option<i64>,
    pub codecs: BTreeMap<&'static str, u64>,
    /// Bytes at the end that are reserved and not written: all zero.
    pub reserved_bytes: u64,
}

/// Walks over a file.
#[derive(Debug)]
pub struct Walk {
    pub summary: Summary,
    pub problems: Vec<Problem>,
    /// Problems beyond those kept.
    pub more_problems: u64,
}

impl Walk {
    /// Reads the whole file and shows each batch to `each`. `base` is the lowest offset that may
    /// be in it.
    pub fn over(
        path: &Path,
        base: i64,
        each: &mut dyn FnMut(&BatchAt<'_>) -> Result<(), Failure>,
    ) -> Result<Walk, Failure> {
        let failed = |error: io::Error| super::unreadable(path, &error);
        let file = File::open(path).map_err(failed)?;
        let file_bytes = file.metadata().map_err(failed)?.len();
        let mut reader = BufReader::with_capacity(READ_BYTES, file);
        let mut walk = Walk {
            summary: Summary { file_bytes, ..Summary::default() },
            problems: Vec::new(),
            more_problems: 0,
        };
        let mut position = 0;
        let mut expected = base;
        let mut bytes = Vec::new();
        while position < file_bytes {
            let left = file_bytes - position;
            match next_batch(&mut reader, left, &mut bytes).map_err(failed)? {
                Ok(header) => {
                    let batch = BatchAt { position, header, bytes: &bytes, crc_ok: true };
                    let batch = walk.judge(path, batch, expected);
                    each(&batch)?;
                    expected = expected.max(header.next_offset().0);
                    position += u64::try_from(bytes.len()).expect("sizes fit");
                }
                Err(_)
                    if bytes.iter().all(|b| *b == 0) && zeros(&mut reader).map_err(failed)? =>
                {
                    walk.summary.reserved_bytes = left;
                    break;
                }
                Err(error) => {
                    let what = match error {
                        BatchError::Incomplete { .. } => {
                            format!("cut short: {error}; {left} bytes are no whole batch")
                        }
                        _ => format!("{error}; the last {left} bytes cannot be read"),
                    };
                    walk.add(Problem::at(path, position, what).offset(expected));
                    break;
                }
            }
        }
        Ok(walk)
    }

    fn judge<'a>(&mut self, path: &Path, mut batch: BatchAt<'a>, expected: i64) -> BatchAt<'a> {
        let BatchAt { position, header, bytes, .. } = batch;
        let problem = |what: String| Problem::at(path, position, what).offset(header.base_offset.0);
        if let Err(error) = header.check_crc(bytes) {
            batch.crc_ok = false;
            self.add(problem(error.to_string()));
        }
        if header.base_offset.0 < expected {
            self.add(problem(format!("offsets go back, expected {expected} or more")));
        }
        let summary = &mut self.summary;
        summary.batches += 1;
        summary.records += u64::try_from(header.record_count).unwrap_or(0);
        summary.first_offset.get_or_insert(header.base_offset.0);
        summary.end_offset = Some(header.next_offset().0);
        summary.max_timestamp = summary.max_timestamp.max(Some(header.max_timestamp));
        match header.codec() {
            Ok(codec) => *summary.codecs.entry(codec.name()).or_default() += 1,
            Err(error) => self.add(problem(error.to_string())),
        }
        batch
    }

    fn add(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more_problems += 1;
        }
    }
}

/// Reads one batch into `bytes`; `left` bytes of the file remain. After an error `bytes` holds what
/// was read.
fn next_batch(
    reader: &mut impl Read,
    left: u64,
    bytes: &mut Vec<u8>,
) -> io::Result<Result<BatchHeader, BatchError>> {
    bytes.clear();
    let head = u64::try_from(HEADER_BYTES).expect("61").min(left);
    reader.by_ref().take(head).read_to_end(bytes)?;
    let header = match BatchHeader::parse(bytes) {
        Ok(header) => header,
        Err(error) => return Ok(Err(error)),
    };
    let need = header.bytes_len();
    let have = usize::try_from(left).unwrap_or(usize::MAX);
    if have < need {
        return Ok(Err(BatchError::Incomplete { have, need }));
    }
    let rest = u64::try_from(need - bytes.len()).expect("sizes fit");
    reader.by_ref().take(rest).read_to_end(bytes)?;
    if bytes.len() < need {
        return Ok(Err(BatchError::Incomplete { have: bytes.len(), need }));
    }
    Ok(Ok(header))
}

/// Whether everything left is zero.
fn zeros(reader: &mut impl Read) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(true),
            read if buffer[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

#[derive(Serialize)]
struct BatchItem {
    position: u64,
    bytes: usize,
    base_offset: i64,
    last_offset: i64,
    records: i32,
    codec: &'static str,
    crc_ok: bool,
    leader_epoch: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    producer_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    producer_epoch: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_sequence: Option<i32>,
    transactional: bool,
    control: bool,
    timestamp_type: &'static str,
    max_timestamp: i64,
}

impl BatchItem {
    fn new(batch: &BatchAt<'_>) -> BatchItem {
        let header = &batch.header;
        let producer = header.has_producer();
        BatchItem {
            position: batch.position,
            bytes: batch.bytes.len(),
            base_offset: header.base_offset.0,
            last_offset: header.last_offset().0,
            records: header.record_count,
            codec: header.codec().map_or("unknown", |codec| codec.name()),
            crc_ok: batch.crc_ok,
            leader_epoch: header.leader_epoch.0,
            producer_id: producer.then_some(header.producer_id.0),
            producer_epoch: producer.then_some(header.producer_epoch.0),
            base_sequence: producer.then_some(header.base_sequence),
            transactional: header.is_transactional(),
            control: header.is_control(),
            timestamp_type: match header.timestamp_type() {
                TimestampType::CreateTime => "CreateTime",
                TimestampType::LogAppendTime => "LogAppendTime",
            },
            max_timestamp: header.max_timestamp,
        }
    }

    fn text(&self, people: bool) -> String {
        let mut text = format!(
            "  offsets {}..={}  at {}  {}  {} records  {}  {}  {}",
            self.base_offset,
            self.last_offset,
            self.position,
            number::size(u64::try_from(self.bytes).expect("sizes fit"), people),
            self.records,
            self.codec,
            if self.crc_ok { "crc ok" } else { "CRC WRONG" },
            time::utc(self.max_timestamp),
        );
        if let (Some(id), Some(epoch)) = (self.producer_id, self.producer_epoch) {
            let sequence = self.base_sequence.unwrap_or(-1);
            text.push_str(&format!("  producer {id} epoch {epoch} sequence {sequence}"));
        }
        for (is, name) in [(self.transactional, "transactional"), (self.control, "control")] {
            if is {
                text.push_str("  ");
                text.push_str(name);
            }
        }
        text
    }
}

/// Explains a file of batches: each of them, their records if asked for, and a summary.
pub fn inspect(
    report: &mut Report<'_>,
    path: &Path,
    base: i64,
    content: Content,
    records: bool,
) -> Result<Summary, Failure> {
    let mut broken: Vec<Problem> = Vec::new();
    let walk = Walk::over(path, base, &mut |batch| {
        let item = BatchItem::new(batch);
        let text = item.text(report.people);
        report.item("batch", &item, &text)?;
        if records && let Err(error) = show_records(report, batch, content)? {
            let problem = Problem::at(path, batch.position, error.to_string());
            broken.push(problem.offset(batch.header.base_offset.0));
        }
        Ok(())
    })?;
    finish(report, path, &walk)?;
    broken.into_iter().try_for_each(|problem| report.problem(problem))?;
    Ok(walk.summary)
}

/// The problems and the summary of a walk.
pub fn finish(report: &mut Report<'_>, path: &Path, walk: &Walk) -> Result<(), Failure> {
    for problem in &walk.problems {
        report.problem(problem.clone())?;
    }
    if walk.more_problems > 0 {
        let what = format!("{} more batches are damaged", walk.more_problems);
        report.problem(Problem::whole(path, what))?;
    }
    let text = summary_text(&walk.summary, report.people);
    report.item("summary", &walk.summary, &text)
}

fn summary_text(summary: &Summary, people: bool) -> String {
    let mut text = format!(
        "  {} batches, {} records, {}",
        summary.batches,
        summary.records,
        number::size(summary.file_bytes, people)
    );
    if let (Some(first), Some(end)) = (summary.first_offset, summary.end_offset) {
        text.push_str(&format!(", offsets {first} to {}", end - 1));
    }
    if let Some(newest) = summary.max_timestamp {
        text.push_str(&format!(", newest {}", time::utc(newest)));
    }
    if summary.reserved_bytes > 0 {
        text.push_str(&format!(", {} bytes reserved at the end", summary.reserved_bytes));
    }
    text
}

fn show_records(
    report: &mut Report<'_>,
    batch: &BatchAt<'_>,
    content: Content,
) -> Result<Result<(), BatchError>, Failure> {
    let records = match records_of(batch.bytes, RECORDS_BYTES_MAX) {
        Ok(records) => records,
        Err(error) => return Ok(Err(error)),
    };
    for record in &records {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Ok(Err(error)),
        };
        let item = explain(&record, content, batch.header.is_control());
        let text = item.text();
        report.item("record", &item, &text)?;
    }
    Ok(Ok(()))
}
