//! Kafka's small text files.

use super::report::{Problem, Report};
use crate::failure::Failure;
use engine_base::Uuid;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct OffsetRow<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
}

#[derive(Serialize)]
struct EpochRow {
    epoch: i32,
    start_offset: i64,
}

#[derive(Serialize)]
struct Property<'a> {
    key: &'a str,
    value: &'a str,
}

fn read(report: &mut Report<'_>, path: &Path) -> Result<Option<String>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = u64::try_from(error.utf8_error().valid_up_to()).expect("sizes fit");
            report.problem(Problem::at(path, at, "not text"))?;
            Ok(None)
        }
    }
}

/// What one line of a checkpoint is.
enum Row<'a> {
    Offset(OffsetRow<'a>),
    Epoch(EpochRow),
}

/// A checkpoint: version 0, how many lines follow, the lines.
fn checkpoint(
    report: &mut Report<'_>,
    path: &Path,
    parse: fn(&str) -> Option<Row<'_>>,
    expected: &str,
    list: bool,
) -> Result<(), Failure> {
    let Some(text) = read(report, path)? else { return Ok(()) };
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return report.problem(Problem::line(path, 1, "expected the version, 0"));
    }
    let Some(count) = lines.next().and_then(|line| line.trim().parse::<u64>().ok()) else {
        return report.problem(Problem::line(path, 2, "expected how many lines follow"));
    };
    let mut last: Option<EpochRow> = None;
    let mut found = 0;
    for (number, line) in (3..).zip(lines) {
        found += 1;
        match parse(line) {
            None => report.problem(Problem::line(path, number, format!("expected {expected}")))?,
            Some(Row::Offset(row)) => {
                if list {
                    let text = format!("  {}-{}  {}", row.topic, row.partition, row.offset);
                    report.item("offset", &row, &text)?;
                }
            }
            Some(Row::Epoch(row)) => {
                let text = format!("  epoch {} from offset {}", row.epoch, row.start_offset);
                report.item("epoch", &row, &text)?;
                let back = |last: &EpochRow| {
                    row.epoch <= last.epoch || row.start_offset < last.start_offset
                };
                if last.as_ref().is_some_and(back) {
                    report.problem(Problem::line(path, number, "epochs go back"))?;
                }
                last = Some(row);
            }
        }
    }
    if !list {
        report.note(&format!("{found} lines"))?;
    }
    if found != count {
        let what = format!("line 2 announces {count} lines, there are {found}");
        report.problem(Problem::line(path, 2, what))?;
    }
    Ok(())
}

fn offset_row(line: &str) -> Option<Row<'_>> {
    let mut fields = line.split(' ');
    let topic = fields.next().filter(|topic| !topic.is_empty())?;
    let row = OffsetRow {
        topic,
        partition: fields.next()?.parse().ok()?,
        offset: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(Row::Offset(row))
}

fn epoch_row(line: &str) -> Option<Row<'_>> {
    let (epoch, start) = line.split_once(' ')?;
    Some(Row::Epoch(EpochRow { epoch: epoch.parse().ok()?, start_offset: start.parse().ok()? }))
}

/// The checkpoints of a log directory; `list` shows every line.
pub fn offsets(report: &mut Report<'_>, path: &Path, list: bool) -> Result<(), Failure> {
    checkpoint(report, path, offset_row, "\"TOPIC PARTITION OFFSET\"", list)
}

/// `leader-epoch-checkpoint`.
pub fn epochs(report: &mut Report<'_>, path: &Path) -> Result<(), Failure> {
    checkpoint(report, path, epoch_row, "\"EPOCH OFFSET\"", true)
}

/// `meta.properties` and `partition.metadata`: keys and values; `wanted` must be there.
pub fn properties(
    report: &mut Report<'_>,
    path: &Path,
    separator: char,
    wanted: &[&str],
) -> Result<(), Failure> {
    let Some(text) = read(report, path)? else { return Ok(()) };
    let mut seen = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once(separator) else {
            let what = format!("expected KEY{separator}VALUE");
            report.problem(Problem::line(path, number, what))?;
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        report.item("property", &Property { key, value }, &format!("  {key}  {value}"))?;
        if matches!(key, "topic_id" | "directory.id") && Uuid::parse(value).is_none() {
            report.problem(Problem::line(path, number, format!("'{value}' is no id")))?;
        }
        seen.push(key);
    }
    for key in wanted.iter().filter(|key| !seen.contains(key)) {
        report.problem(Problem::whole(path, format!("{key} is missing")))?;
    }
    Ok(())
}

/// A JSON file: `.kafka_cleanshutdown`, `quorum-state`.
pub fn json(report: &mut Report<'_>, path: &Path) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        content: serde_json::Value,
    }
    let Some(text) = read(report, path)? else { return Ok(()) };
    if text.trim().is_empty() {
        return report.note("empty");
    }
    match serde_json::from_str(&text) {
        Ok(content) => report.item("content", &Document { content }, &format!("  {}", text.trim())),
        Err(error) => {
            let line = u64::try_from(error.line()).expect("sizes fit");
            report.problem(Problem::line(path, line, error.to_string()))
        }
    }
}
