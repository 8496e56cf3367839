//! A look at the log directory as a whole at start: partitions, journals, points files. Used by
//! [`crate::ShardLog`].

use crate::config::LogConfig;
use crate::error::LogError;
use crate::names;
use crate::points::Points;
use crate::replay::NewestPoints;
use engine_io::Env;
use std::io;
use std::path::PathBuf;

/// What lies in the log directory.
#[derive(Default)]
pub(crate) struct Contents {
    /// Directory name, topic, partition number.
    pub partitions: Vec<(String, String, i32)>,
    pub journals: Vec<(u16, u32)>,
    pub points: Vec<(u16, u16)>,
    pub deleted: Vec<String>,
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
        } else if let Some(journal) = names::parse_journal(name) {
            contents.journals.push(journal);
        } else if let Some(points) = names::parse_points(name) {
            contents.points.push(points);
        }
    }
    Ok(contents)
}

/// The newest point of each partition with its run, and the highest run.
pub(crate) async fn read_points<E: Env>(
    env: &E,
    config: &LogConfig,
    contents: &Contents,
) -> (NewestPoints, u32) {
    let mut newest = NewestPoints::new();
    let mut run = 0;
    for (count, shard) in &contents.points {
        let path = config.dir.join(names::points(*count, *shard));
        let bytes = env.read_whole(&path, crate::config::SMALL_FILE_BYTES_MAX).await;
        let Some(points) = bytes.ok().as_deref().and_then(Points::decode) else {
            tracing::error!(file = %path.display(), "recovery points are damaged, all is scanned");
            continue;
        };
        run = run.max(points.run);
        for point in points.points {
            let known = newest.entry(point.partition).or_insert((points.run, point));
            if points.run > known.0 {
                *known = (points.run, point);
            }
        }
    }
    (newest, run)
}

/// The journals that may hold bytes of this shard's partitions: its own, or all if the last process
/// had another count of shards (or died while it changed).
pub(crate) fn relevant_journals(config: &LogConfig, contents: &Contents) -> Vec<PathBuf> {
    let same = contents.points.iter().all(|(count, _)| *count == config.shard_count)
        && contents.points.len() == usize::from(config.shard_count)
        && contents.journals.iter().all(|(shard, _)| *shard < config.shard_count);
    let relevant = contents.journals.iter().filter(|(shard, _)| !same || *shard == config.shard);
    relevant.map(|(shard, index)| config.dir.join(names::journal(*shard, *index))).collect()
}
