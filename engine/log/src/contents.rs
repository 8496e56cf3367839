//! A look at the log directory as a whole at start: partitions, journals, points files. Used by
//! [`crate::ShardLog`].

use crate::config::LogConfig;
use crate::error::LogError;
use crate::frame::FrameHeader;
use crate::names;
use crate::points::{JournalState, Points};
use crate::replay::NewestPoints;
use engine_io::Env;
use std::io;
use std::path::PathBuf;

/// What lies in the log directory.
#[derive(Default)]
pub(crate) struct Contents {
    /// Directory name, topic, partition number.
    pub partitions: Vec<(String, String, i32)>,
    pub journals: Vec<JournalName>,
    pub points: Vec<(u16, u16)>,
    pub deleted: Vec<String>,
    /// The operator has agreed to a start that loses records.
    pub accepts_loss: bool,
}

/// A journal file by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalName {
    pub shard: u16,
    pub index: u32,
}

/// What a points file says beside its points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PointsHead {
    pub dir: PathBuf,
    pub run: u32,
    pub shard: u16,
    pub shard_count: u16,
    pub journal: JournalState,
}

impl PointsHead {
    /// Whether a frame is of the run that the points are of.
    pub fn wrote(&self, frame: &FrameHeader) -> bool {
        frame.generation.run == self.run
            && (frame.shard, frame.shard_count) == (self.shard, self.shard_count)
    }

    pub fn file(&self) -> PathBuf {
        self.dir.join(names::points(self.shard_count, self.shard))
    }
}

/// All points files of the directory.
#[derive(Default)]
pub(crate) struct KnownPoints {
    /// The newest point of each partition with its run.
    pub newest: NewestPoints,
    /// The highest run.
    pub run: u32,
    pub heads: Vec<PointsHead>,
}

/// Looks through the log directory.
pub(crate) fn list<E: Env>(env: &E, config: &LogConfig) -> Result<Contents, LogError> {
    let failed = |error: io::Error| LogError::io("list", &config.dir, &error);
    let mut contents = Contents::default();
    for entry in env.read_dir(&config.dir).map_err(failed)? {
        let name = &entry.name;
        if entry.is_dir {
            if names::is_deleted_dir(name) {
                contents.deleted.push(name.clone());
            } else if let Some((topic, partition)) = names::parse_partition_dir(name) {
                contents.partitions.push((name.clone(), topic.to_owned(), partition));
            }
        } else if let Some((shard, index)) = names::parse_journal(name) {
            contents.journals.push(JournalName { shard, index });
        } else if let Some(points) = names::parse_points(name) {
            contents.points.push(points);
        } else if name == names::ACCEPT_LOSS_FILE {
            contents.accepts_loss = true;
        }
    }
    Ok(contents)
}

/// Reads the points files.
pub(crate) async fn read_points<E: Env>(
    env: &E,
    config: &LogConfig,
    contents: &Contents,
) -> KnownPoints {
    let mut known = KnownPoints::default();
    for (count, shard) in &contents.points {
        let path = config.dir.join(names::points(*count, *shard));
        let bytes = env.read_whole(&path, crate::config::SMALL_FILE_BYTES_MAX).await;
        let decoded = bytes.ok().as_deref().and_then(Points::decode);
        let named = |points: &Points| (points.shard_count, points.shard) == (*count, *shard);
        let Some(points) = decoded.filter(named) else {
            tracing::error!(file = %path.display(), "recovery points are damaged, all is scanned");
            continue;
        };
        known.run = known.run.max(points.run);
        known.heads.push(PointsHead {
            dir: config.dir.clone(),
            run: points.run,
            shard: *shard,
            shard_count: *count,
            journal: points.journal,
        });
        for point in points.points {
            let newest = known.newest.entry(point.partition).or_insert((points.run, point));
            if points.run > newest.0 {
                *newest = (points.run, point);
            }
        }
    }
    known
}

/// Whether only this shard's own journals and points may hold something for its partitions. Not if
/// the last process had another count of shards, or died while it changed.
pub(crate) fn is_same_count(config: &LogConfig, contents: &Contents) -> bool {
    contents.points.iter().all(|(count, _)| *count == config.shard_count)
        && contents.points.len() == usize::from(config.shard_count)
        && contents.journals.iter().all(|name| name.shard < config.shard_count)
}

/// The journals that may hold bytes of this shard's partitions.
pub(crate) fn relevant_journals(config: &LogConfig, contents: &Contents) -> Vec<JournalName> {
    let same = is_same_count(config, contents);
    let relevant = contents.journals.iter().filter(|name| !same || name.shard == config.shard);
    relevant.copied().collect()
}
