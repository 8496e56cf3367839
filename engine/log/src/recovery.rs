//! Start: finds the partitions in the log directory that this shard owns and recovers each. One pass
//! at open; whatever it finds is durable before it returns. Nothing here depends on Kafka's
//! per-directory checkpoint files for correctness, only for how much is read.

use crate::config::SMALL_FILE_BYTES_MAX;
use crate::error::{Damage, LogError};
use crate::index::SegmentIndex;
use crate::names::{
    self, EPOCH_FILE, INDEX_SUFFIX, LOG_SUFFIX, METADATA_FILE, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX,
};
use crate::node_files::{
    DirPoints, decode_epochs, decode_partition_metadata, encode_epochs, read_text,
};
use crate::plant::{self, Bug};
use crate::points::{IndexState, Mark, Point};
use crate::read::load_index;
use crate::replay::{PartitionReplay, Redo, Replay};
use crate::scan::{Found, Scan, Start, remove_segment};
use crate::segment::{IndexFiles, Segment, SegmentStart, to_count};
use crate::tail::{align_down, to_u64, to_usize};
use engine_base::checksum::crc32c;
use engine_base::{TopicPartition, Uuid};
use engine_io::{Create, Env, File, OpenMode};
use engine_record::BatchHeader;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Bytes of a snapshot file before what its checksum covers: version and checksum.
const SNAPSHOT_HEAD_BYTES: usize = 6;

/// What recovery starts from, the same for all partitions of a shard.
pub(crate) struct Sources<'a> {
    pub replay: &'a Replay,
    pub dir_points: &'a DirPoints,
    pub clean: bool,
    pub interval_bytes: u64,
    pub now_ms: i64,
}

/// A partition as recovery leaves it.
pub(crate) struct Loaded<E: Env> {
    pub id: TopicPartition,
    pub topic: String,
    pub dir: PathBuf,
    pub segments: Vec<Rc<Segment<E>>>,
    pub end: Mark,
    pub log_start: i64,
    pub epochs: Vec<(i32, i64)>,
    pub snapshot: Option<(i64, Vec<u8>)>,
    pub snapshots: Vec<i64>,
    pub headers: Vec<BatchHeader>,
    pub damages: Vec<Damage>,
    pub scanned_bytes: u64,
}

/// Names in a partition's directory that matter.
#[derive(Default)]
struct Listing {
    segments: Vec<Found>,
    snapshots: Vec<i64>,
}

/// The id of the topic whose partition lies in `dir`.
pub(crate) async fn topic_id<E: Env>(env: &E, dir: &Path, topic: &str) -> Option<Uuid> {
    let text = read_text(env, &dir.join(METADATA_FILE)).await;
    let id = text.as_deref().and_then(decode_partition_metadata);
    match id {
        None if topic == "__cluster_metadata" => Some(Uuid::METADATA_TOPIC),
        other => other,
    }
}

/// Recovers one partition. `point`: the newest recovery point and the run it is of.
pub(crate) async fn recover<E: Env>(
    env: &E,
    dir: PathBuf,
    name: (&str, TopicPartition),
    point: Option<(u32, Point)>,
    sources: &Sources<'_>,
) -> Result<Loaded<E>, LogError> {
    let (topic, id) = name;
    let mut listing = list(env, &dir).await?;
    let none = PartitionReplay::default();
    let known = sources.replay.partitions.get(&id).unwrap_or(&none);
    let run = point.map_or(0, |(run, _)| run);
    let point = point.map(|(_, point)| point);
    let dir_name = names::partition_dir(topic, id.partition);
    let first = listing.segments.first().map_or(0, |found| found.base);
    let log_start = point
        .map_or(0, |point| point.log_start)
        .max(known.log_start)
        .max(sources.dir_points.log_start.get(&dir_name).copied().unwrap_or(0))
        .max(first);
    let redo = relevant(known, run, point, &listing.segments);
    let snapshot = newest_snapshot(env, &dir, &listing.snapshots).await;
    let mut scan = Scan {
        env,
        dir: &dir,
        partition: id,
        interval_bytes: sources.interval_bytes,
        clean: sources.clean,
        durable: durable_end(known, run, point),
        replay_from: replay_from(point, &snapshot, &listing.snapshots, log_start, sources.clean),
        headers: Vec::new(),
        epochs: Vec::new(),
        damages: Vec::new(),
    };
    if !sources.clean && !redo.is_empty() {
        scan.redo(sources.replay, &redo, &mut listing.segments).await?;
    }
    let epoch_text = read_text(env, &dir.join(EPOCH_FILE)).await;
    scan.epochs = epoch_text.as_deref().and_then(decode_epochs).unwrap_or_default();
    let recovery = sources.dir_points.recovery.get(&dir_name).copied();
    let own = point.is_some() || !redo.is_empty();
    let from = From { point, recovery, clean: sources.clean, own };
    let start = choose_start(env, &dir, &listing.segments, from).await;
    let trusted = start.as_ref().map(|start| (start.segment, start.position, start.offset));
    if let Some(start) = start {
        scan.run(start, &mut listing.segments).await?;
    }
    let mut segments = listing.segments;
    let mut end = segments.last().map_or(0, |found| found.end_offset);
    if let Some(point) = point.filter(|point| point.recovery.offset > end) {
        // Offsets that were given out once are not given out again.
        end = point.recovery.offset;
        scan.report_short(point.recovery);
    }
    if end < log_start {
        for found in segments.drain(..) {
            remove_segment(env, &dir, found.base).await?;
        }
    }
    let end = end.max(log_start);
    scan.early_headers(&segments, trusted).await?;
    scan.epochs.retain(|(_, start)| *start < end || *start == 0);
    let snapshots = drop_snapshots(env, &dir, listing.snapshots, end).await;
    let snapshot = snapshot.filter(|(offset, _)| *offset <= end);
    let (headers, epochs, damages) = (scan.headers, scan.epochs, scan.damages);
    let text = encode_epochs(&epochs);
    if epoch_text.as_ref() != Some(&text) {
        let failed = |error: io::Error| LogError::io("write", &dir, &error);
        env.write_whole(&dir.join(EPOCH_FILE), text.as_bytes()).await.map_err(failed)?;
    }
    if !sources.clean {
        // Names that a killed process made and did not sync: what goes into those files from here on
        // must not be lost with them.
        let failed = |error: io::Error| LogError::io("sync", &dir, &error);
        env.sync_dir(&dir).await.map_err(failed)?;
    }
    let scanned_bytes = segments.iter().map(|found| found.scanned).sum();
    let made = make_segments(env, &dir, segments, end, point, sources.now_ms).await?;
    let mark = made.last().expect("at least a fresh one").end_mark();
    Ok(Loaded {
        id,
        topic: topic.to_owned(),
        dir,
        segments: made,
        end: mark,
        log_start,
        epochs,
        snapshot,
        snapshots,
        headers,
        damages,
        scanned_bytes,
    })
}

/// Lists the directory; removes what an unfinished deletion or compaction left.
async fn list<E: Env>(env: &E, dir: &Path) -> Result<Listing, LogError> {
    let failed = |error: io::Error| LogError::io("list", dir, &error);
    let mut listing = Listing::default();
    let mut entries = env.read_dir(dir).map_err(failed)?;
    for entry in &entries {
        let name = &entry.name;
        let stale = [names::DELETED_SUFFIX, ".cleaned", ".tmp"];
        if stale.iter().any(|suffix| name.ends_with(suffix)) {
            env.remove_file(&dir.join(name)).await.map_err(failed)?;
        } else if let Some(final_name) = name.strip_suffix(".swap") {
            env.rename(&dir.join(name), &dir.join(final_name)).await.map_err(failed)?;
        }
    }
    if entries.iter().any(|entry| entry.name.ends_with(".swap")) {
        env.sync_dir(dir).await.map_err(failed)?;
        entries = env.read_dir(dir).map_err(failed)?;
    }
    for entry in &entries {
        if let Some(base) = names::parse_offset_file(&entry.name, LOG_SUFFIX) {
            listing.segments.push(Found::unscanned(base, entry.len));
        } else if let Some(offset) = names::parse_offset_file(&entry.name, SNAPSHOT_SUFFIX) {
            listing.snapshots.push(offset);
        }
    }
    listing.segments.sort_by_key(|found| found.base);
    listing.snapshots.sort_unstable();
    let bases: Vec<i64> = listing.segments.iter().map(|found| found.base).collect();
    for pair in bases.windows(2) {
        if let Some(found) = listing.segments.iter_mut().find(|found| found.base == pair[0]) {
            found.end_offset = pair[1];
        }
    }
    Ok(listing)
}

/// The journal entries that the recovery point does not cover.
fn relevant(
    known: &PartitionReplay,
    run: u32,
    point: Option<Point>,
    segments: &[Found],
) -> Vec<Redo> {
    let from = point.map_or((0, 0), |point| (point.recovery.segment, point.recovery.position));
    let first = segments.first().map_or(0, |found| found.base);
    let entries = known.redo.iter().filter(|redo| {
        (redo.run >= run || plant::is_on(Bug::IgnoreRuns))
            && (redo.segment, redo.end()) > from
            && redo.segment >= first.min(from.0)
    });
    entries.cloned().collect()
}

/// Segment and position below which everything was on stable media, by all evidence. A journal entry
/// that was synced is none: what lies before it may have been written straight to the segment and
/// not flushed.
fn durable_end(known: &PartitionReplay, run: u32, point: Option<Point>) -> Option<(i64, u64)> {
    let noted = known.durable.filter(|(noted_run, _, _)| *noted_run >= run);
    let noted = noted.map(|(_, segment, position)| (segment, position));
    noted.max(point.map(|point| (point.recovery.segment, point.recovery.position)))
}

/// From which offset on batches with producers must be told to the producer state.
fn replay_from(
    point: Option<Point>,
    snapshot: &Option<(i64, Vec<u8>)>,
    listed: &[i64],
    log_start: i64,
    clean: bool,
) -> i64 {
    if clean && point.is_none() && listed.is_empty() {
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

async fn newest_snapshot<E: Env>(env: &E, dir: &Path, offsets: &[i64]) -> Option<(i64, Vec<u8>)> {
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

async fn drop_snapshots<E: Env>(env: &E, dir: &Path, offsets: Vec<i64>, end: i64) -> Vec<i64> {
    let (kept, gone): (Vec<i64>, Vec<i64>) = offsets.into_iter().partition(|one| *one <= end);
    for offset in gone {
        // One that stays is ignored and dropped at the next start.
        let _stays = env.remove_file(&names::offset_file(dir, offset, SNAPSHOT_SUFFIX)).await;
    }
    kept
}

/// What is known of where a scan may begin.
struct From {
    point: Option<Point>,
    /// Kafka's recovery point.
    recovery: Option<i64>,
    clean: bool,
    /// There is a point or a journal entry of ours.
    own: bool,
}

/// Where the scan begins. `None`: there is nothing to scan.
async fn choose_start<E: Env>(
    env: &E,
    dir: &Path,
    segments: &[Found],
    from: From,
) -> Option<Start> {
    let From { point, recovery, clean, own } = from;
    let last = segments.last()?;
    let by_point = point.and_then(|point| {
        let mark = point.recovery;
        let index = segments.binary_search_by_key(&mark.segment, |found| found.base).ok()?;
        (segments[index].len >= mark.position).then_some((point, segments[index].len))
    });
    let ours = by_point.filter(|(point, len)| {
        !clean || (point.recovery.segment == last.base && point.recovery.position == *len)
    });
    if let Some((point, _)) = ours {
        return Some(start_at_point(env, dir, point).await);
    }
    if clean {
        // Another broker stopped clean here: its sizes hold, the last batches are looked at.
        let index = load_index(env, dir, last.base, last.len, i64::MAX).await;
        let position = index.floor_position(last.len);
        return Some(start_at_entry(last.base, index, position));
    }
    let recovery = recovery.unwrap_or(0);
    let above = segments.partition_point(|found| found.base <= recovery);
    // Our own logs without a point are young: they are read from their first batch.
    let segment = if own { segments[0].base } else { segments[above.saturating_sub(1)].base };
    let index = SegmentIndex::new(segment);
    let offset = own.then_some(segment);
    Some(Start { segment, position: 0, offset, strict: own, index, first_timestamp: -1 })
}

/// Starts at the recovery point, or a little before it if the index files lost their end.
async fn start_at_point<E: Env>(env: &E, dir: &Path, point: Point) -> Start {
    let Mark { offset, segment, position } = point.recovery;
    let mut index = load_index(env, dir, segment, position, offset).await;
    let has = |index: &SegmentIndex, state: &IndexState| {
        let (offsets, times) = index.counts();
        offsets >= to_count(state.offsets) && times >= to_count(state.times)
    };
    let first_timestamp = point.first_timestamp;
    let (state, position, offset) = if has(&index, &point.index) {
        (point.index, position, Some(offset))
    } else if has(&index, &point.synced) {
        (point.synced, point.synced_position, None)
    } else {
        index = SegmentIndex::new(segment);
        let offset = Some(segment);
        return Start { segment, position: 0, offset, strict: true, index, first_timestamp: -1 };
    };
    index.rewind(to_count(state.offsets), to_count(state.times), position, state.max);
    Start { segment, position, offset, strict: true, index, first_timestamp }
}

/// Starts at an index entry of a segment that another broker wrote.
fn start_at_entry(base: i64, mut index: SegmentIndex, position: u64) -> Start {
    let (mut offsets, times) = index.counts();
    // The batch at the entry is scanned again and makes its own entry again.
    offsets -= usize::from(position > 0);
    let max = index.max_timestamp();
    index.rewind(offsets, times, position, max);
    Start { segment: base, position, offset: None, strict: false, index, first_timestamp: -1 }
}

impl<E: Env> Scan<'_, E> {
    fn report_short(&mut self, recovery: Mark) {
        let file = names::offset_file(self.dir, recovery.segment, LOG_SUFFIX);
        tracing::error!(file = %file.display(), "log ends before its recovery point");
        self.damages.push(Damage {
            partition: Some(self.partition),
            file,
            position: recovery.position,
            what: "the log ends before its recovery point",
            quarantine: None,
        });
    }

    /// Collects headers of batches with producers that lie before the place the scan began at.
    async fn early_headers(
        &mut self,
        segments: &[Found],
        scanned_from: Option<(i64, u64, Option<i64>)>,
    ) -> Result<(), LogError> {
        let Some((scan_segment, scan_position, offset)) = scanned_from else { return Ok(()) };
        if self.replay_from >= offset.unwrap_or(i64::MAX) {
            return Ok(());
        }
        let above = segments.partition_point(|found| found.base <= self.replay_from);
        let mut early = Vec::new();
        for found in &segments[above.saturating_sub(1)..] {
            if found.base > scan_segment {
                break;
            }
            let end = if found.base == scan_segment { scan_position } else { found.len };
            if end == 0 {
                continue;
            }
            let index = load_index(self.env, self.dir, found.base, end, i64::MAX).await;
            let from = index.floor_offset(self.replay_from);
            self.walk_headers(found.base, from, end, &mut early).await?;
        }
        early.append(&mut self.headers);
        self.headers = early;
        Ok(())
    }
}

/// Turns what was found into segments, the last of them active, with complete index files.
async fn make_segments<E: Env>(
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
        // Files that are whole in the page cache may still be lost to a power cut.
        let known = point.filter(|point| point.recovery.segment == found.base);
        let durable = found.scanned == 0
            && found.index.as_ref().is_none_or(|index| {
                let synced = known.map(|point| point.synced);
                let counts = synced.map(|one| (to_count(one.offsets), to_count(one.times)));
                counts == Some(index.counts())
            });
        let files = write_index_files(env, dir, &found, durable).await?;
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

/// Brings the index files of a scanned segment to the state of its index. `durable`: all entries are
/// in the files, on stable media; there may be more after them.
async fn write_index_files<E: Env>(
    env: &E,
    dir: &Path,
    found: &Found,
    durable: bool,
) -> Result<IndexFiles, LogError> {
    let Some(index) = &found.index else {
        let synced =
            IndexState { offsets: 0, times: 0, max: SegmentIndex::new(found.base).max_timestamp() };
        return Ok(IndexFiles { offsets: 0, times: 0, synced_position: 0, synced });
    };
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
        if durable && file.len().map_err(failed)? == to_u64(bytes.len()) {
            continue;
        }
        file.set_len(to_u64(bytes.len())).await.map_err(failed)?;
        file.write_cached(&[io::IoSlice::new(&bytes)], 0).map_err(failed)?;
        file.sync_data().await.map_err(failed)?;
    }
    if made {
        let failed = |error: io::Error| LogError::io("sync", dir, &error);
        env.sync_dir(dir).await.map_err(failed)?;
    }
    let (offsets, times) = index.counts();
    let count = |count| u32::try_from(count).expect("index files stay below 2 GiB");
    let synced =
        IndexState { offsets: count(offsets), times: count(times), max: index.max_timestamp() };
    Ok(IndexFiles { offsets, times, synced_position: found.len, synced })
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
    file.drop_cache();
    if count < stub.len() {
        return Err(LogError::Damaged { file: path, position: start + to_u64(count) });
    }
    Ok(stub)
}
