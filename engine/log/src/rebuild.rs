//! The end of a partition's recovery: what was found becomes segments, with complete index files.
//! Used by [`crate::recovery`] only.

use crate::error::LogError;
use crate::index::{OFFSET_ENTRY_BYTES, SegmentIndex, TIME_ENTRY_BYTES};
use crate::names::{self, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX};
use crate::points::{IndexState, Mark, Point};
use crate::scan::Found;
use crate::segment::{IndexFiles, Segment, SegmentStart, from_count};
use crate::tail::{align_down, to_u64, to_usize};
use engine_io::{Create, Env, File, OpenMode};
use std::io;
use std::path::Path;
use std::rc::Rc;

/// Turns what was found into segments, the last of them active, with complete index files.
pub(crate) async fn make_segments<E: Env>(
    env: &E,
    dir: &Path,
    found: Vec<Found>,
    end: i64,
    point: Option<Point>,
    now_ms: i64,
) -> Result<Vec<Rc<Segment<E>>>, LogError> {
    let mut made = Vec::new();
    let count = found.len();
    for (at, mut found) in found.into_iter().enumerate() {
        let active = at + 1 == count && found.end_offset >= end;
        if !active && let Some(index) = &mut found.index {
            index.seal();
        }
        let known = point.filter(|point| point.recovery.segment == found.base);
        if !active {
            // Nothing will be written to its index files any more.
            found.synced = None;
        }
        let files = write_index_files(env, dir, &found).await?;
        let stub = if active { read_stub(env, dir, &found).await? } else { Vec::new() };
        let (offset, position) = (found.end_offset, found.len);
        let mark = Mark { offset, segment: found.base, position };
        let segment = Segment::from_start(SegmentStart {
            end: mark,
            stub,
            index: found.index.filter(|_| active),
            index_files: files,
            allocated: found.len,
            first_timestamp: found.first_timestamp,
            created_ms: known.map_or(now_ms, |point| point.created_ms),
            jitter_ms: 0,
            named: true,
        });
        segment.sealed.set(!active);
        segment.complete.set(!active);
        made.push(segment);
    }
    if made.last().is_none_or(|last| last.sealed.get()) {
        made.push(Segment::fresh(end, now_ms, 0));
    }
    Ok(made)
}

/// Brings the index files of a scanned segment to the state of its index. Files that are whole in the
/// page cache may still be lost to a power cut: where it is known up to where they are durable, the
/// next point says so, and they are synced in time; others are now.
async fn write_index_files<E: Env>(
    env: &E,
    dir: &Path,
    found: &Found,
) -> Result<IndexFiles, LogError> {
    let Some(index) = &found.index else {
        let synced =
            IndexState { offsets: 0, times: 0, max: SegmentIndex::new(found.base).max_timestamp() };
        return Ok(IndexFiles::none(synced));
    };
    let (offsets, times) = index.counts();
    let synced = IndexState {
        offsets: from_count(offsets),
        times: from_count(times),
        max: index.max_timestamp(),
    };
    let position = found.len;
    let now = IndexFiles { offsets, times, position, synced_position: position, synced };
    let bytes = (offsets * OFFSET_ENTRY_BYTES, times * TIME_ENTRY_BYTES);
    if let Some((synced_position, synced)) = found.synced
        && found.scanned == 0
        && found.index_bytes == Some((to_u64(bytes.0), to_u64(bytes.1)))
    {
        return Ok(IndexFiles { synced_position, synced, ..now });
    }
    let pairs = [(INDEX_SUFFIX, index.offset_bytes(0)), (TIME_INDEX_SUFFIX, index.time_bytes(0))];
    let mut made = false;
    for (suffix, bytes) in pairs {
        let path = names::offset_file(dir, found.base, suffix);
        let failed = |error: io::Error| LogError::io("write", &path, &error);
        let mode = OpenMode { write: true, create: Create::Never, direct: false };
        let file = match env.open(&path, mode).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                made = true;
                let mode = OpenMode { create: Create::New, ..mode };
                env.open(&path, mode).await.map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        if file.len().map_err(failed)? > to_u64(bytes.len()) {
            file.set_len(to_u64(bytes.len())).await.map_err(failed)?;
        }
        file.write_cached(&[io::IoSlice::new(&bytes)], 0).map_err(failed)?;
        if found.synced.is_none() {
            file.sync_data().await.map_err(failed)?;
        }
    }
    if let Some((synced_position, synced)) = found.synced {
        return Ok(IndexFiles { synced_position, synced, ..now });
    }
    if made {
        let failed = |error: io::Error| LogError::io("sync", dir, &error);
        env.sync_dir(dir).await.map_err(failed)?;
    }
    Ok(now)
}

/// The bytes of the last block that is not full.
async fn read_stub<E: Env>(env: &E, dir: &Path, found: &Found) -> Result<Vec<u8>, LogError> {
    let start = align_down(found.len);
    let mut stub = vec![0; to_usize(found.len - start)];
    if stub.is_empty() {
        return Ok(stub);
    }
    let path = names::offset_file(dir, found.base, LOG_SUFFIX);
    let failed = |error: io::Error| LogError::io("read", &path, &error);
    let mode = OpenMode { write: false, create: Create::Never, direct: false };
    let file = env.open(&path, mode).await.map_err(failed)?;
    let count = file.read_cached(&mut stub, start).map_err(failed)?;
    // After a clean stop only this block is there, and stays for the next start: the first direct
    // write takes it away.
    if found.scanned > 0 {
        file.drop_cache();
    }
    if count < stub.len() {
        return Err(LogError::Damaged { file: path, position: start + to_u64(count) });
    }
    Ok(stub)
}
