//! Producer snapshots at start: which counts, and which batches it does not cover. Used by
//! [`crate::recovery`] only; snapshots are written by [`crate::checkpoint`].

use crate::config::SMALL_FILE_BYTES_MAX;
use crate::names::{self, SNAPSHOT_SUFFIX};
use crate::points::Point;
use engine_base::checksum::crc32c;
use engine_io::Env;
use std::path::Path;

/// Bytes of a snapshot file before what its checksum covers: version and checksum.
const SNAPSHOT_HEAD_BYTES: usize = 6;

/// From which offset on batches with producers must be told to the producer state.
pub(crate) fn replay_from(
    point: Option<Point>,
    snapshot: &Option<(i64, Vec<u8>)>,
    listed: &[i64],
    log_start: i64,
    foreign: bool,
) -> i64 {
    if foreign && listed.is_empty() {
        // As Kafka: after a clean stop without a snapshot there were no producers.
        return i64::MAX;
    }
    let covered = snapshot.as_ref().map_or(log_start, |(offset, _)| *offset);
    let is_newest = listed.last().copied() == snapshot.as_ref().map(|(offset, _)| *offset);
    match point {
        Some(point) if is_newest => point.replay_from.max(covered),
        _ => covered,
    }
}

pub(crate) async fn newest_snapshot<E: Env>(
    env: &E,
    dir: &Path,
    offsets: &[i64],
) -> Option<(i64, Vec<u8>)> {
    for offset in offsets.iter().rev() {
        let path = names::offset_file(dir, *offset, SNAPSHOT_SUFFIX);
        let Ok(bytes) = env.read_whole(&path, SMALL_FILE_BYTES_MAX).await else { continue };
        let valid = bytes.len() >= SNAPSHOT_HEAD_BYTES
            && bytes[..2] == [0, 1]
            && bytes[2..6] == crc32c(&bytes[SNAPSHOT_HEAD_BYTES..]).to_be_bytes();
        if valid {
            return Some((*offset, bytes));
        }
        tracing::warn!(file = %path.display(), "producer snapshot is damaged, an older one is used");
    }
    None
}

pub(crate) async fn drop_snapshots<E: Env>(
    env: &E,
    dir: &Path,
    offsets: Vec<i64>,
    end: i64,
) -> Vec<i64> {
    let (kept, gone): (Vec<i64>, Vec<i64>) = offsets.into_iter().partition(|one| *one <= end);
    for offset in gone {
        // One that stays is ignored and dropped at the next start.
        let _stays = env.remove_file(&names::offset_file(dir, offset, SNAPSHOT_SUFFIX)).await;
    }
    kept
}
