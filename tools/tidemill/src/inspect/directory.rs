//! Whole directories: a partition with all its files, or a log directory with all its partitions.

use super::decode::Content;
use super::report::{Problem, Report};
use super::segment::{self, Summary, Walk};
use super::{FileKind, Options, entries, kind_of};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, number};
use engine_log::names::{LOG_SUFFIX, parse_offset_file, parse_partition_dir};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Explains a partition: every file in it, in order; batches are listed only on request.
pub fn partition(report: &mut Report<'_>, path: &Path, options: Options) -> Result<(), Failure> {
    report.file(path, "directory of a partition")?;
    let mut expected: Option<i64> = None;
    for file in entries(path)? {
        let Some(FileKind::Segment(base)) = kind_of(&file) else {
            if file.is_file() {
                super::inspect_file(report, &file, Options { list: options.records, ..options })?;
            }
            continue;
        };
        let summary = if options.records {
            super::inspect_file(report, &file, options)?;
            continue;
        } else {
            segment_summary(report, &file, base)?
        };
        if let Some(end) = expected.filter(|end| base < *end) {
            let what = format!("begins at {base}, the segment before ends at {}", end - 1);
            report.problem(Problem::whole(&file, what).offset(base))?;
        }
        expected = summary.end_offset.or(expected);
    }
    Ok(())
}

fn segment_summary(report: &mut Report<'_>, file: &Path, base: i64) -> Result<Summary, Failure> {
    report.file(file, "segment")?;
    let walk = Walk::over(file, base, &mut |_| Ok(()))?;
    segment::finish(report, file, &walk)?;
    Ok(walk.summary)
}

/// A partition in one line.
#[derive(Serialize)]
struct Row {
    topic: String,
    partition: i32,
    segments: usize,
    bytes: u64,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    damaged: bool,
}

/// Explains a log directory: its own files, then a table of the partitions. Of each partition the
/// last segment is read, or all of them with `deep`.
pub fn log_dir(report: &mut Report<'_>, path: &Path, options: Options) -> Result<(), Failure> {
    report.file(path, "log directory")?;
    let (directories, files): (Vec<PathBuf>, Vec<PathBuf>) =
        entries(path)?.into_iter().partition(|entry| entry.is_dir());
    for file in &files {
        super::inspect_file(report, file, Options { list: false, ..options })?;
    }
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITION", Align::Right),
        ("SEGMENTS", Align::Right),
        ("SIZE", Align::Right),
        ("START", Align::Right),
        ("END", Align::Right),
        ("STATUS", Align::Left),
    ]);
    for directory in &directories {
        let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((topic, partition)) = parse_partition_dir(name) else {
            report.note(&format!("{name}: not a partition in use"))?;
            continue;
        };
        let row = row(report, directory, topic, partition, options.deep)?;
        if report.is_json() {
            report.item("partition", &row, "")?;
        }
        let offset = |value: Option<i64>| value.map_or("-".to_owned(), |value| value.to_string());
        table.row(vec![
            row.topic.clone(),
            row.partition.to_string(),
            row.segments.to_string(),
            number::bytes(row.bytes, report.people),
            offset(row.start_offset),
            offset(row.end_offset),
            if row.damaged { "DAMAGED" } else { "ok" }.to_owned(),
        ]);
    }
    if report.is_json() || table.is_empty() {
        return Ok(());
    }
    let text = table.render(output::stdout_paint());
    report.item("partitions", &(), text.trim_end())
}

fn row(
    report: &mut Report<'_>,
    directory: &Path,
    topic: &str,
    partition: i32,
    deep: bool,
) -> Result<Row, Failure> {
    let files = entries(directory)?;
    let segments: Vec<(i64, &PathBuf)> = files
        .iter()
        .filter_map(|file| {
            let name = file.file_name()?.to_str()?;
            Some((parse_offset_file(name, LOG_SUFFIX)?, file))
        })
        .collect();
    let mut row = Row {
        topic: topic.to_owned(),
        partition,
        segments: segments.len(),
        bytes: 0,
        start_offset: segments.first().map(|(base, _)| *base),
        end_offset: segments.last().map(|(base, _)| *base),
        damaged: false,
    };
    for (index, (base, file)) in segments.iter().enumerate() {
        let size = file.metadata().map_err(|error| super::unreadable(file, &error))?.len();
        row.bytes += size;
        let last = index + 1 == segments.len();
        if !last && !deep {
            continue;
        }
        let walk = Walk::over(file, *base, &mut |_| Ok(()))?;
        row.damaged |= !walk.problems.is_empty();
        for problem in walk.problems {
            report.problem(problem)?;
        }
        if last {
            row.end_offset = walk.summary.end_offset.or(row.end_offset);
        }
    }
    Ok(row)
}

/// What the records of the partition that holds `file` are about.
pub fn content_of(file: &Path) -> Content {
    file.parent().map_or(Content::Plain, Content::of_directory)
}
