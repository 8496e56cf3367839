//! Partitions that held records and are not there any more, or whose directory does not say whose it
//! is. They are neither served nor made anew until an operator has seen to it: an empty log in their
//! place would look as if nothing had happened. Called by [`ShardLog`](crate::ShardLog).

use crate::config::LogConfig;
use crate::contents::Contents;
use crate::error::{Damage, LogError};
use crate::names::{self, LOG_SUFFIX, METADATA_FILE};
use crate::node_files::decode_partition_metadata;
use crate::node_files::{encode_partition_metadata, read_text};
use crate::points::{IndexState, Mark, Point};
use crate::replay::{NewestPoints, Redo, Replay};
use crate::retention::Trash;
use crate::shared::Shared;
use engine_base::TopicPartition;
use engine_io::Env;
use engine_record::Batches;
use std::path::{Path, PathBuf};

/// Notes partitions that had records by their points or the journal and have no directory. The
/// journals that hold some of these are set aside.
pub(crate) fn note_missing<E: Env>(
    shared: &Shared<E>,
    known: &NewestPoints,
    replay: &Replay,
    is_missing: impl Fn(TopicPartition) -> bool,
) {
    let mut lost = shared.lost.borrow_mut();
    for (id, (_, point)) in known {
        if is_missing(*id) && point.recovery.offset > point.log_start {
            lost.insert(*id, *point);
        }
    }
    let mut aside = shared.damaged_journals.borrow_mut();
    for (id, partition) in replay.partitions.iter().filter(|(id, _)| is_missing(**id)) {
        let (run, point) = known.get(id).map_or((0, None), |(run, point)| (*run, Some(*point)));
        let from = point.map_or((-1, 0), |one| (one.recovery.segment, one.recovery.position));
        let is_new = |redo: &&Redo| redo.run >= run && (redo.segment, redo.end()) > from;
        for redo in partition.redo.iter().filter(is_new) {
            let next = Batches::new(replay.bytes(redo)).flatten().last();
            let Some((header, _)) = next else { continue };
            let offset = header.next_offset().0;
            let end = Mark { offset, segment: redo.segment, position: redo.end() };
            let kept = lost.entry(*id).or_insert_with(|| point.unwrap_or_else(|| empty(*id)));
            if end.offset > kept.recovery.offset {
                kept.recovery = end;
                aside.push(replay.name(redo));
            }
        }
    }
}

/// After an unclean stop, if neither recovery points nor a journal are there: what was only in the
/// journal is gone, and nothing says whether there was anything.
pub(crate) fn unvouched(config: &LogConfig, contents: &Contents) -> Option<Damage> {
    let known = !contents.points.is_empty() || !contents.journals.is_empty();
    (!config.clean && !known).then(|| Damage {
        partition: None,
        file: config.dir.clone(),
        position: 0,
        what: "the last process did not stop cleanly, and no recovery points and no journal are \
               there: nothing vouches for the newest records of the log"
            .to_owned(),
        quarantine: None,
    })
}

/// The point of a partition that never had one.
fn empty(partition: TopicPartition) -> Point {
    let max = crate::index::SegmentIndex::new(0).max_timestamp();
    let index = IndexState { offsets: 0, times: 0, max };
    Point {
        partition,
        log_start: 0,
        recovery: Mark::default(),
        index,
        synced_position: 0,
        synced: index,
        first_timestamp: -1,
        created_ms: 0,
        replay_from: 0,
    }
}

/// The offset at which a partition that is to be made begins. An error if it was there once, unless
/// the operator has agreed to its loss.
pub(crate) fn start_of_missing<E: Env>(
    shared: &Shared<E>,
    dir: &Path,
    id: TopicPartition,
) -> Result<i64, LogError> {
    let Some(point) = shared.lost.borrow().get(&id).copied() else { return Ok(0) };
    let end = point.recovery.offset;
    if shared.accepts_loss.get() {
        tracing::error!(dir = %dir.display(), end, "lost partition begins anew at its end");
        return Ok(end);
    }
    let what = format!(
        "is missing or empty; it held the records of offsets {} to {end}. Put it back and start \
         again. If it is lost for good, delete the topic, or make the empty file {} beside the \
         partitions and start again: the partition goes on empty at offset {end}",
        point.log_start,
        names::ACCEPT_LOSS_FILE
    );
    Err(LogError::Offline { path: dir.to_path_buf(), what })
}

/// Says that a directory of a partition has no readable topic id, if that is more than the making
/// of a partition cut short.
pub(crate) fn tell_unnamed<E: Env>(shared: &Shared<E>, dir: &Path) {
    let entries = shared.env.read_dir(dir).unwrap_or_default();
    if entries.iter().any(|entry| entry.name.ends_with(LOG_SUFFIX) && entry.len > 0) {
        tracing::error!(
            file = %dir.join(METADATA_FILE).display(),
            "topic id is missing or damaged: the partition is not served, its segments are kept"
        );
    }
}

/// Why a partition cannot be made in a directory that is there already. `None` if it is its own.
pub(crate) async fn claimed<E: Env>(
    env: &E,
    dir: &Path,
    (topic, id): (&str, TopicPartition),
) -> Option<LogError> {
    let path = dir.join(METADATA_FILE);
    let text = read_text(env, &path).await;
    let wanted = encode_partition_metadata(id.topic_id).replace('\n', ", ");
    Some(match text.as_deref().map(decode_partition_metadata) {
        Some(Some(own)) if own == id.topic_id => return None,
        Some(Some(other)) => LogError::Offline {
            path: dir.to_path_buf(),
            what: format!(
                "holds a partition of topic id {other}, but {topic} has the id {}. Move the \
                 directory away and start again",
                id.topic_id
            ),
        },
        found => {
            let state = if found.is_some() { "is damaged" } else { "is missing" };
            let what = format!(
                "{state}, but the partition held records; its segments are kept. Write the file \
                 again with the two lines {wanted}, or move the directory away, and start again"
            );
            LogError::Offline { path, what }
        }
    })
}

impl<E: Env> Shared<E> {
    /// Removes files, once new points are written.
    pub fn discard(&self, paths: Vec<PathBuf>) {
        let due = self.env.now();
        let trash = paths.into_iter().map(|path| Trash { due, path, is_dir: false, covered: None });
        self.trash.borrow_mut().extend(trash);
    }
}
