//! `tidemill inspect`: explains any file that this broker or Kafka writes, and says what is
//! damaged. Only reads. The name of a file decides what it is taken for.

mod decode;
mod directory;
mod index;
mod journal;
mod report;
mod segment;
mod snapshot;
mod text;

use crate::failure::Failure;
use crate::output::Format;
use decode::Content;
use engine_log::names::{
    EPOCH_FILE, LOG_SUFFIX, METADATA_FILE, SNAPSHOT_SUFFIX, parse_journal, parse_offset_file,
    parse_points,
};
use index::Kind;
use report::Report;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Understood: segments (.log) and their .index, .timeindex, .txnindex and \
    .snapshot files, metadata snapshots (.checkpoint), leader-epoch-checkpoint, \
    partition.metadata, the checkpoints and meta.properties of a log directory, \
    .kafka_cleanshutdown, quorum-state, journals and recovery points; a partition's directory; a \
    whole log directory.\n\n\
    Damage is reported with file, position and offset, and makes the exit code 1.")]
pub struct Args {
    /// Files and directories
    #[arg(required = true)]
    paths: Vec<PathBuf>,

    /// Show records too, decoded in Kafka's internal topics, and the entries of journals
    #[arg(short, long)]
    records: bool,

    /// In log directories, read every segment, not only the last of each partition
    #[arg(long)]
    deep: bool,

    /// Text, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How much to show.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub records: bool,
    pub deep: bool,
    /// Show the entries of indexes and checkpoints.
    pub list: bool,
}

/// What a file is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// With its base offset.
    Segment(i64),
    Index(Kind, i64),
    Snapshot,
    MetadataSnapshot,
    Epochs,
    Offsets,
    PartitionMetadata,
    MetaProperties,
    Json,
    Journal,
    Points,
}

impl FileKind {
    fn what(self) -> &'static str {
        match self {
            FileKind::Segment(_) => "segment",
            FileKind::Index(Kind::Offsets, _) => "offset index",
            FileKind::Index(Kind::Times, _) => "time index",
            FileKind::Index(Kind::Transactions, _) => "index of aborted transactions",
            FileKind::Snapshot => "producers of a partition",
            FileKind::MetadataSnapshot => "snapshot of the metadata log",
            FileKind::Epochs => "leader epochs of a partition",
            FileKind::Offsets => "offsets of all partitions",
            FileKind::PartitionMetadata => "topic id of a partition",
            FileKind::MetaProperties => "owner of a log directory",
            FileKind::Json => "state",
            FileKind::Journal => "journal of a shard",
            FileKind::Points => "recovery points of a shard",
        }
    }
}

/// `None` if the name says nothing.
pub fn kind_of(path: &Path) -> Option<FileKind> {
    let name = path.file_name()?.to_str()?;
    for kind in [Kind::Offsets, Kind::Times, Kind::Transactions] {
        if let Some(base) = parse_offset_file(name, kind.suffix()) {
            return Some(FileKind::Index(kind, base));
        }
    }
    if let Some(base) = parse_offset_file(name, LOG_SUFFIX) {
        return Some(FileKind::Segment(base));
    }
    if parse_offset_file(name, SNAPSHOT_SUFFIX).is_some() {
        return Some(FileKind::Snapshot);
    }
    if parse_journal(name).is_some() {
        return Some(FileKind::Journal);
    }
    if parse_points(name).is_some() {
        return Some(FileKind::Points);
    }
    Some(match name {
        EPOCH_FILE => FileKind::Epochs,
        METADATA_FILE => FileKind::PartitionMetadata,
        "meta.properties" => FileKind::MetaProperties,
        ".kafka_cleanshutdown" | "quorum-state" => FileKind::Json,
        "recovery-point-offset-checkpoint"
        | "log-start-offset-checkpoint"
        | "replication-offset-checkpoint"
        | "cleaner-offset-checkpoint" => FileKind::Offsets,
        name if name.ends_with(".checkpoint") => FileKind::MetadataSnapshot,
        _ => return None,
    })
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut report = Report::stdout(args.format);
    for path in &args.paths {
        inspect(&mut report, path, args)?;
    }
    report.finish()
}

fn inspect(report: &mut Report<'_>, path: &Path, args: &Args) -> Result<(), Failure> {
    let options = Options { records: args.records, deep: args.deep, list: true };
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        return match inspect_file(report, path, options)? {
            true => Ok(()),
            false => Err(Failure::new(format!("{} is no file of a broker", path.display()))
                .hint("what is understood is listed by: tidemill inspect --help")),
        };
    }
    let has_segment = entries(path)?.iter().any(|file| {
        matches!(kind_of(file), Some(FileKind::Segment(_) | FileKind::PartitionMetadata))
    });
    if has_segment {
        directory::partition(report, path, options)
    } else {
        directory::log_dir(report, path, options)
    }
}

/// Explains one file; false if its name says nothing.
fn inspect_file(report: &mut Report<'_>, path: &Path, options: Options) -> Result<bool, Failure> {
    let Some(kind) = kind_of(path) else { return Ok(false) };
    report.file(path, kind.what())?;
    match kind {
        FileKind::Segment(base) => {
            let content = directory::content_of(path);
            segment::inspect(report, path, base, content, options.records)?;
        }
        FileKind::MetadataSnapshot => {
            segment::inspect(report, path, 0, Content::Metadata, options.records)?;
        }
        FileKind::Index(kind, base) => index::inspect(report, path, kind, base, options.list)?,
        FileKind::Snapshot => snapshot::inspect(report, path)?,
        FileKind::Epochs => text::epochs(report, path)?,
        FileKind::Offsets => text::offsets(report, path, options.list)?,
        FileKind::PartitionMetadata => {
            text::properties(report, path, ':', &["version", "topic_id"])?;
        }
        FileKind::MetaProperties => {
            text::properties(report, path, '=', &["version", "cluster.id", "node.id"])?;
        }
        FileKind::Json => text::json(report, path)?,
        FileKind::Journal => journal::journal(report, path, options.records)?,
        FileKind::Points => journal::points(report, path)?,
    }
    Ok(true)
}

/// The entries of a directory, by name.
fn entries(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| unreadable(path, &error);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    Ok(entries)
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
