//! Start: finds the partitions in the log directory that this shard owns and recovers each. One pass
//! at open; whatever it finds is durable before it returns. Nothing here depends on Kafka's
//! per-directory checkpoint files for correctness, only for how much is read.

use crate::directory::Directory;
use crate::error::{Damage, LogError};
use crate::names::{
    self, EPOCH_FILE, INDEX_SUFFIX, LOG_SUFFIX, METADATA_FILE, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX,
};
use crate::node_files::{
    DirPoints, decode_epochs, decode_partition_metadata, encode_epochs, read_text,
};
use crate::plant::{self, Bug};
use crate::points::{Mark, Point};
use crate::read::load_index;
use crate::rebuild::make_segments;
use crate::replay::{PartitionReplay, Redo, Replay};
use crate::scan::{Found, Scan, remove_segment};
use crate::segment::Segment;
use crate::snapshots::{drop_snapshots, newest_snapshot, replay_from};
use crate::start::{From, choose_start, start_before};
use engine_base::{TopicPartition, Uuid};
use engine_io::{Create, Env, OpenMode};
use engine_record::BatchHeader;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What recovery starts from, the same for all partitions of a shard.
pub(crate) struct Sources<'a> {
    pub replay: &'a Replay,
    pub dir_points: &'a DirPoints,
    pub clean: bool,
    pub interval_bytes: u64,
    pub now_ms: i64,
    /// A log that is gone begins anew.
    pub accepts_loss: bool,
}

/// A partition as recovery leaves it.
pub(crate) struct Loaded<E: Env> {
    pub id: TopicPartition,
    pub topic: String,
    pub dir: PathBuf,
    pub directory: Directory,
    /// Known from the journal only, see [`Partition::is_remade`](crate::Partition::is_remade).
    pub is_remade: bool,
    pub segments: Vec<Rc<Segment<E>>>,
    pub end: Mark,
    pub log_start: i64,
    pub epochs: Vec<(i32, i64)>,
    pub snapshot: Option<(i64, Vec<u8>)>,
    pub snapshots: Vec<i64>,
    pub headers: Vec<BatchHeader>,
    pub damages: Vec<Damage>,
    pub scanned_bytes: u64,
    /// Files that retention had taken out of the log, to be removed once new points are written.
    pub deleted: Vec<PathBuf>,
}

/// Names in a partition's directory that matter.
#[derive(Default)]
struct Listing {
    segments: Vec<Found>,
    snapshots: Vec<i64>,
    /// Taken out by retention.
    deleted: Vec<PathBuf>,
    /// Base offset of the last segment among them, or -1.
    trimmed_to: i64,
    /// Base offsets of index files whose segment is not there.
    orphans: Vec<i64>,
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

/// What is known of a partition before its files are looked at.
struct Known<'a> {
    point: Option<Point>,
    /// The run that the point is of.
    run: u32,
    journal: &'a PartitionReplay,
    dir_name: String,
    sources: &'a Sources<'a>,
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
    let none = PartitionReplay::default();
    let known = Known {
        point: point.map(|(_, point)| point),
        run: point.map_or(0, |(run, _)| run),
        journal: sources.replay.partitions.get(&id).unwrap_or(&none),
        dir_name: names::partition_dir(topic, id.partition),
        sources,
    };
    let mut listing = list(env, &dir).await?;
    let trimmed = known.drop_trimmed(&dir, &mut listing);
    let mut log_start = known.log_start(&listing.segments);
    if trimmed {
        log_start = log_start.max(known.point.map_or(0, |point| point.recovery.offset));
    }
    let epoch_text = read_text(env, &dir.join(EPOCH_FILE)).await;
    let mut scan = Scan {
        env,
        dir: &dir,
        partition: id,
        interval_bytes: sources.interval_bytes,
        clean: sources.clean,
        durable: durable_end(known.journal, known.run, known.point),
        replay_from: 0,
        headers: Vec::new(),
        epochs: epoch_text.as_deref().and_then(decode_epochs).unwrap_or_default(),
        damages: Vec::new(),
    };
    known.report_missing(&mut scan, &listing);
    let began = known.scan(&mut scan, &mut listing.segments, listing.trimmed_to).await?;
    let end = known.settle_end(&mut scan, &mut listing.segments, log_start, trimmed).await?;
    let segments = listing.segments;
    if segments.iter().all(|found| found.len == 0) && end > log_start && known.point.is_some() {
        if !sources.accepts_loss && !trimmed {
            return Err(known.gone(&dir, log_start, end));
        }
        log_start = end;
    }
    scan.epochs.retain(|(_, start)| *start < end || *start == 0);
    let gone = listing.snapshots.iter().any(|offset| *offset > end);
    let snapshots = drop_snapshots(env, &dir, listing.snapshots, end).await;
    let snapshot = newest_snapshot(env, &dir, &snapshots).await;
    // A point may have counted on a snapshot that reaches beyond what survived.
    let trusted = known.point.filter(|_| !gone);
    scan.replay_from = replay_from(trusted, &snapshot, &snapshots, log_start, known.is_foreign());
    let from = scan.replay_from;
    scan.headers.retain(|header| header.base_offset.0 >= from);
    scan.early_headers(&segments, began).await?;
    let (headers, epochs, damages) = (scan.headers, scan.epochs, scan.damages);
    make_durable(env, &dir, &epochs, epoch_text, sources.clean).await?;
    let scanned_bytes = segments.iter().map(|found| found.scanned).sum();
    // Without bytes, what lies there may not be on stable media: it is made again with the first.
    let is_empty = segments.iter().all(|found| found.len == 0);
    let directory = if is_empty { Directory::Missing } else { Directory::Named };
    let segments = make_segments(env, &dir, segments, end, known.point, sources.now_ms).await?;
    Ok(Loaded {
        id,
        topic: topic.to_owned(),
        dir,
        directory,
        is_remade: false,
        end: segments.last().expect("at least a fresh one").end_mark(),
        segments,
        log_start,
        epochs,
        snapshot,
        snapshots,
        headers,
        damages,
        scanned_bytes,
        deleted: listing.deleted,
    })
}

impl Known<'_> {
    fn log_start(&self, segments: &[Found]) -> i64 {
        let dir_points = &self.sources.dir_points.log_start;
        self.point
            .map_or(0, |point| point.log_start)
            .max(self.journal.log_start)
            .max(dir_points.get(&self.dir_name).copied().unwrap_or(0))
            .max(segments.first().map_or(0, |found| found.base))
    }

    /// Whether another broker wrote the log and stopped clean.
    fn is_foreign(&self) -> bool {
        self.sources.clean && self.point.is_none()
    }

    /// Redo and scan. Returns where the scan began, and the offset there if it was known.
    async fn scan<E: Env>(
        &self,
        scan: &mut Scan<'_, E>,
        segments: &mut Vec<Found>,
        trimmed_to: i64,
    ) -> Result<Option<(i64, u64, Option<i64>)>, LogError> {
        let cut = self.is_cut(segments);
        let mut redo = relevant(self.journal, self.run, self.point, segments);
        redo.retain(|redo| redo.segment > trimmed_to);
        if !self.sources.clean && !redo.is_empty() {
            scan.redo(self.sources.replay, &redo, segments).await?;
        }
        let from = From {
            point: self.point,
            recovery: self.sources.dir_points.recovery.get(&self.dir_name).copied(),
            clean: self.sources.clean,
            own: self.point.is_some() || !redo.is_empty(),
        };
        self.make_empty_active(scan, segments).await?;
        let start = match self.point.filter(|_| cut) {
            Some(point) => start_before(segments, point),
            None => choose_start(scan.env, scan.dir, segments, from).await,
        };
        let Some(start) = start else { return Ok(None) };
        let began = (start.segment, start.position, start.offset);
        if let (true, Some(end), Some(last)) = (scan.clean, start.offset, segments.last_mut())
            && (last.base, last.len) == (start.segment, start.position)
        {
            // All of it was checked before.
            last.end_offset = end;
            last.index = Some(start.index);
            last.first_timestamp = start.first_timestamp;
            last.synced = start.synced;
            return Ok(Some(began));
        }
        scan.run(start, segments).await?;
        Ok(Some(began))
    }

    /// Retention takes segments out from the first on: what lies below one that it took is out too,
    /// even if the power went before its name changed. Whether that is so of the point's segment.
    fn drop_trimmed(&self, dir: &Path, listing: &mut Listing) -> bool {
        let to = listing.trimmed_to;
        for found in listing.segments.extract_if(.., |found| found.base <= to) {
            let suffixes = [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX];
            let files = suffixes.map(|suffix| names::offset_file(dir, found.base, suffix));
            listing.deleted.extend(files);
        }
        self.point.is_some_and(|point| point.recovery.segment <= to)
    }

    /// Whether the file of the point's segment lacks bytes that the point says were there.
    fn is_cut(&self, segments: &[Found]) -> bool {
        let Some(Mark { segment, position, .. }) = self.point.map(|point| point.recovery) else {
            return false;
        };
        let found = segments.iter().find(|found| found.base == segment);
        found.map_or(0, |found| found.len) < position
    }

    /// The log had records and has none any more.
    fn gone(&self, dir: &Path, log_start: i64, end: i64) -> LogError {
        let segment = self.point.map_or(0, |point| point.recovery.segment);
        let what = format!(
            "is missing or empty; it held the records of offsets {log_start} to {end}. Put it back \
             and start again. If it is lost for good, delete the topic, or make the empty file {} \
             beside the partitions and start again: the partition goes on empty at offset {end}",
            names::ACCEPT_LOSS_FILE
        );
        LogError::Offline { path: names::offset_file(dir, segment, LOG_SUFFIX), what }
    }

    /// Reports segments below the recovery point whose files somebody removed: those before the
    /// first one that is there, and those that left their index files.
    fn report_missing<E: Env>(&self, scan: &mut Scan<'_, E>, listing: &Listing) {
        // Retention cut short leaves holes of its own.
        let Some(point) = self.point.filter(|_| listing.deleted.is_empty()) else { return };
        let last = point.recovery.segment;
        let start = self.log_start(&[]);
        let mut missing = Vec::new();
        if let Some(first) = listing.segments.first()
            && first.base > start
        {
            missing.push((start, format!("offsets {start} to {} are lost", first.base)));
        }
        let first = listing.segments.first().map_or(start, |found| found.base);
        for base in listing.orphans.iter().filter(|base| (first..last).contains(*base)) {
            let next = listing.segments.iter().find(|found| found.base > *base);
            let end = next.map_or(last, |found| found.base);
            missing.push((*base, format!("offsets {base} to {end} are lost")));
        }
        for (base, lost) in missing {
            scan.damages.push(Damage {
                partition: Some(scan.partition),
                file: names::offset_file(scan.dir, base, LOG_SUFFIX),
                position: 0,
                what: format!("the segment is missing: {lost}, all others are kept"),
                quarantine: None,
            });
        }
    }

    /// Makes the file of a segment that a point names and nothing was written to yet.
    async fn make_empty_active<E: Env>(
        &self,
        scan: &Scan<'_, E>,
        segments: &mut Vec<Found>,
    ) -> Result<(), LogError> {
        let Some(Mark { segment, position: 0, .. }) = self.point.map(|point| point.recovery) else {
            return Ok(());
        };
        let Err(at) = segments.binary_search_by_key(&segment, |found| found.base) else {
            return Ok(());
        };
        let path = names::offset_file(scan.dir, segment, LOG_SUFFIX);
        let failed = |error: io::Error| LogError::io("make", &path, &error);
        let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
        scan.env.open(&path, mode).await.map_err(failed)?;
        scan.env.sync_dir(scan.dir).await.map_err(failed)?;
        segments.insert(at, Found::unscanned(segment, 0));
        Ok(())
    }

    /// The offset the log ends at. Segments are removed if it begins beyond what they hold.
    /// `trimmed`: retention was at work when the process died, and may have removed all.
    async fn settle_end<E: Env>(
        &self,
        scan: &mut Scan<'_, E>,
        segments: &mut Vec<Found>,
        log_start: i64,
        trimmed: bool,
    ) -> Result<i64, LogError> {
        let mut end = segments.last().map_or(0, |found| found.end_offset);
        if let Some(point) = self.point.filter(|point| point.recovery.offset > end) {
            // Offsets that were given out once are not given out again.
            if !trimmed {
                scan.report_short(point.recovery, end.max(log_start));
            }
            end = point.recovery.offset;
        }
        if end < log_start {
            for found in segments.drain(..) {
                remove_segment(scan.env, scan.dir, found.base).await?;
            }
        }
        Ok(end.max(log_start))
    }
}

/// Writes the epoch file if it changed, and makes names durable that a killed process made and did
/// not sync: what goes into those files from here on must not be lost with them.
async fn make_durable<E: Env>(
    env: &E,
    dir: &Path,
    epochs: &[(i32, i64)],
    epoch_text: Option<String>,
    clean: bool,
) -> Result<(), LogError> {
    let failed = |error: io::Error| LogError::io("write", dir, &error);
    let text = encode_epochs(epochs);
    if epoch_text.as_ref() != Some(&text) {
        env.write_whole(&dir.join(EPOCH_FILE), text.as_bytes()).await.map_err(failed)?;
    }
    if !clean {
        env.sync_dir(dir).await.map_err(failed)?;
    }
    Ok(())
}

/// Lists the directory; removes what an unfinished compaction left.
async fn list<E: Env>(env: &E, dir: &Path) -> Result<Listing, LogError> {
    let failed = |error: io::Error| LogError::io("list", dir, &error);
    let mut listing = Listing { trimmed_to: -1, ..Listing::default() };
    let mut entries = env.read_dir(dir).map_err(failed)?;
    for entry in &entries {
        let name = &entry.name;
        let stale = [".cleaned", ".tmp"];
        if name.ends_with(names::DELETED_SUFFIX) {
            listing.deleted.push(dir.join(name));
            let suffix = format!("{LOG_SUFFIX}{}", names::DELETED_SUFFIX);
            let base = names::parse_offset_file(name, &suffix);
            listing.trimmed_to = listing.trimmed_to.max(base.unwrap_or(-1));
        } else if stale.iter().any(|suffix| name.ends_with(suffix)) {
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
    let bytes_of = |base: i64, suffix: &str| {
        let is_it = |name: &str| names::parse_offset_file(name, suffix) == Some(base);
        entries.iter().find(|entry| is_it(&entry.name)).map(|entry| entry.len)
    };
    if let Some(last) = listing.segments.last_mut() {
        let sizes = (bytes_of(last.base, INDEX_SUFFIX), bytes_of(last.base, TIME_INDEX_SUFFIX));
        last.index_bytes = sizes.0.zip(sizes.1);
    }
    let indexes = entries.iter().filter_map(|entry| {
        let offsets = names::parse_offset_file(&entry.name, INDEX_SUFFIX);
        offsets.or_else(|| names::parse_offset_file(&entry.name, TIME_INDEX_SUFFIX))
    });
    let orphans = indexes.filter(|base| listing.segments.iter().all(|found| found.base != *base));
    listing.orphans = orphans.collect();
    listing.orphans.sort_unstable();
    listing.orphans.dedup();
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

impl<E: Env> Scan<'_, E> {
    fn report_short(&mut self, recovery: Mark, end: i64) {
        let file = names::offset_file(self.dir, recovery.segment, LOG_SUFFIX);
        self.damages.push(Damage {
            partition: Some(self.partition),
            file,
            position: recovery.position,
            what: format!(
                "the log ends before its recovery point: offsets {end} to {} are lost",
                recovery.offset
            ),
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
