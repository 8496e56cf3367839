//! Checkpoints: dirty tails go to the segments, index entries to the index files, the recovery points
//! to the shard's points file, and journal files become free. One background task per shard decides
//! when, and also flushes what acks=1 left behind, makes journal files, and trims idle segments.
//! It sleeps without a timer while nothing is dirty.

use crate::config::{
    BACKGROUND_FLUSH_MS, CHECKPOINT_CONCURRENCY, CHECKPOINT_MS, IDLE_LOOK_MS, IDLE_TRIM_MS,
    INDEX_LAG_BYTES, INDEX_UNSYNCED_MAX, UNSNAPPED_BYTES_MAX,
};
use crate::directory::{Directory, make_directories};
use crate::error::LogError;
use crate::journal;
use crate::names::{self, EPOCH_FILE, SNAPSHOT_SUFFIX};
use crate::node_files::{CheckpointRow, encode_epochs};
use crate::partition::{Partition, Place};
use crate::points::{IndexState, Mark, Point, Points};
use crate::retention::empty_trash;
use crate::segment::{Segment, from_count, to_count};
use crate::shared::Shared;
use engine_base::TopicPartition;
use engine_io::{Env, Instant};
use futures_util::stream::{self, StreamExt};
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Snapshot files kept per partition.
const SNAPSHOTS_KEPT: usize = 2;

/// The background task.
pub(crate) async fn background<E: Env>(shared: Rc<Shared<E>>) {
    let mut last = shared.env.now();
    let mut looked = last;
    let mut has_open = true;
    loop {
        let wake = shared.background.wait();
        if shared.stopped.get() {
            return;
        }
        make_journal_file(&shared).await;
        make_directories(&shared).await;
        let wanted = shared.checkpoint_wanted.get();
        let due = shared.env.now().since(last) >= Duration::from_millis(CHECKPOINT_MS);
        if wanted || (due && needs_checkpoint(&shared)) {
            last = shared.env.now();
            // Errors are told by the state of what failed; the next checkpoint tries again.
            let _told = checkpoint(&shared).await;
            if wanted {
                pause(&shared, wake).await;
                continue;
            }
        }
        flush_behind(&shared).await;
        empty_trash(&shared).await;
        if shared.env.now().since(looked) >= Duration::from_millis(IDLE_LOOK_MS) {
            looked = shared.env.now();
            has_open = trim_idle(&shared).await;
        }
        let idle = !has_open && !needs_checkpoint(&shared) && shared.unnamed.borrow().is_empty();
        let flushed = (!shared.commit.has_unsynced() || shared.commit.fenced.get())
            && shared.unflushed.borrow().is_empty();
        let fenced = shared.commit.fenced.get();
        let ready = fenced || shared.commit.files.borrow().missing().is_none();
        if idle && flushed && ready && shared.trash.borrow().is_empty() {
            shared.dirty.set(false);
            wake.await;
            last = shared.env.now();
            looked = last;
            has_open = true;
        } else {
            pause(&shared, wake).await;
        }
    }
}

/// Waits a little, or until a checkpoint is wanted or the log stops.
async fn pause<E: Env>(shared: &Rc<Shared<E>>, wake: impl Future<Output = ()>) {
    let sleep = shared.env.sleep(Duration::from_millis(BACKGROUND_FLUSH_MS));
    futures_util::future::select(std::pin::pin!(wake), std::pin::pin!(sleep)).await;
}

/// Makes durable what was appended with acks=1 and nobody asked to sync.
async fn flush_behind<E: Env>(shared: &Rc<Shared<E>>) {
    if shared.commit.has_unsynced() {
        shared.commit.want_sync();
    }
    let partitions = shared.unflushed.take();
    stream::iter(partitions)
        .for_each_concurrent(CHECKPOINT_CONCURRENCY, async |partition: Partition<E>| {
            partition.flush_written().await;
            if partition.0.unflushed.get() && partition.0.stop.get().is_none() {
                partition.0.shared.unflushed.borrow_mut().push(partition.clone());
            }
        })
        .await;
}

async fn make_journal_file<E: Env>(shared: &Rc<Shared<E>>) {
    let missing = shared.commit.files.borrow().missing();
    let Some(index) = missing else { return };
    if shared.commit.fenced.get() {
        return;
    }
    match add_journal_file(shared, index).await {
        Ok(()) => shared.commit.wake(),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            // It is tried again; until the files there are full nobody need know.
            if shared.commit.is_full.get() {
                crate::commit::stall(shared);
            }
        }
        Err(error) => crate::commit::fence(shared, "journal file could not be made", &error),
    }
}

/// Makes a journal file of this run, has the points file name it, and takes it into use: in this
/// order, so that a file that was used is always named, and a named file is always there.
async fn add_journal_file<E: Env>(shared: &Rc<Shared<E>>, index: u32) -> io::Result<()> {
    let file = make_journal(shared, index).await?;
    if let Err(error) = write_points_naming(shared, &[], Some(index)).await {
        return Err(match error {
            LogError::NoSpace => io::ErrorKind::StorageFull.into(),
            other => io::Error::other(other),
        });
    }
    shared.commit.files.borrow_mut().add(index, file);
    Ok(())
}

/// A journal file with the header of this run, durable, not in use yet.
pub(crate) async fn make_journal<E: Env>(
    shared: &Shared<E>,
    index: u32,
) -> io::Result<Rc<E::File>> {
    let config = &shared.config;
    let header = {
        let files = shared.commit.files.borrow();
        files.header(index, config.shard, config.shard_count)
    };
    journal::make_file(&shared.env, &config.dir, header).await
}

fn needs_checkpoint<E: Env>(shared: &Shared<E>) -> bool {
    shared.checkpoint_wanted.get()
        || shared.dirty_partitions.borrow().iter().any(Partition::needs_checkpoint)
}

/// One checkpoint of the whole shard. If there is no space for it and the journal waits for it, those
/// who wait for the journal are told.
pub(crate) async fn checkpoint<E: Env>(shared: &Rc<Shared<E>>) -> Result<(), LogError> {
    let _one = shared.checkpoint_lock.acquire().await;
    let result = try_checkpoint(shared).await;
    let is_full = shared.commit.is_full.get() && !shared.commit.files.borrow().has_free();
    if is_full && result == Err(LogError::NoSpace) {
        crate::commit::stall(shared);
    }
    result
}

async fn try_checkpoint<E: Env>(shared: &Rc<Shared<E>>) -> Result<(), LogError> {
    shared.checkpoint_wanted.set(false);
    shared.commit.files.borrow_mut().begin_checkpoint();
    shared.unchecked_bytes.set(0);
    let dirty: Vec<Partition<E>> = {
        let partitions = shared.dirty_partitions.borrow();
        partitions.iter().filter(|partition| partition.needs_checkpoint()).cloned().collect()
    };
    let results: Vec<Result<Point, LogError>> = stream::iter(dirty.iter().cloned())
        .map(async |partition: Partition<E>| partition.checkpoint().await)
        .buffered(CHECKPOINT_CONCURRENCY)
        .collect()
        .await;
    let mut failed = None;
    let mut moved: Vec<(Partition<E>, Point)> = Vec::new();
    for (partition, result) in dirty.into_iter().zip(results) {
        match result {
            Ok(point) => moved.push((partition, point)),
            Err(error) => failed = Some(error),
        }
    }
    let freeable = write_points(shared, &moved).await?;
    for (partition, point) in &moved {
        partition.0.point.set(*point);
    }
    shared.forget_clean();
    let freed = shared.commit.files.borrow_mut().recycle(&freeable);
    if freed {
        shared.commit.wake();
    }
    shared.room.notify();
    failed.map_or(Ok(()), Err)
}

/// Replaces the points file: the moved points and those of all other partitions. Returns the journal
/// files that are not needed beside it, for [`Files::recycle`](journal::Files::recycle).
pub(crate) async fn write_points<E: Env>(
    shared: &Rc<Shared<E>>,
    moved: &[(Partition<E>, Point)],
) -> Result<Vec<(u32, u64)>, LogError> {
    write_points_naming(shared, moved, None).await
}

async fn write_points_naming<E: Env>(
    shared: &Rc<Shared<E>>,
    moved: &[(Partition<E>, Point)],
    made: Option<u32>,
) -> Result<Vec<(u32, u64)>, LogError> {
    let _one = shared.points_lock.acquire().await;
    let named: Vec<Partition<E>> = shared.partitions.borrow().values().cloned().collect();
    let points = points_now(shared, &named, moved);
    let mut covered = vec![i64::MAX; slot_index(shared.slots.get())];
    for (partition, point) in named.iter().zip(&points) {
        covered[slot_index(partition.0.slot)] = point.recovery.offset;
    }
    // A slot without a partition belongs to a deleted one.
    let is_done = |slot, end| covered[slot_index(slot)] >= end;
    let (journal, freeable) = {
        let files = shared.commit.files.borrow();
        (files.state(is_done, shared.commit.synced.get(), made), files.freeable(is_done))
    };
    let (shard, shard_count) = (shared.config.shard, shared.config.shard_count);
    let bytes = Points { run: shared.run, shard, shard_count, journal, points }.encode();
    let path = shared.config.dir.join(names::points(shard_count, shard));
    let written = shared.env.write_whole(&path, &bytes).await;
    written.map_err(|error| LogError::io("write", &path, &error))?;
    named.iter().for_each(|partition| partition.0.is_pointed.set(true));
    Ok(freeable)
}

fn slot_index(slot: u32) -> usize {
    usize::try_from(slot).expect("addresses have 64 bits")
}

/// The points to be written: of `partitions` in their order, then of what is lost.
fn points_now<E: Env>(
    shared: &Shared<E>,
    partitions: &[Partition<E>],
    moved: &[(Partition<E>, Point)],
) -> Vec<Point> {
    let moved: HashMap<u32, &Point> =
        moved.iter().map(|(partition, point)| (partition.0.slot, point)).collect();
    let mut points: Vec<Point> = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let known = moved.get(&partition.0.slot).map(|point| **point);
        let point = known.unwrap_or_else(|| partition.0.point.get());
        points.push(Point { log_start: partition.log_start(), ..point });
    }
    // What is not there now shall be missed at the next start too.
    let there = shared.partitions.borrow();
    let lost = shared.lost.borrow();
    points.extend(lost.iter().filter(|(id, _)| !there.contains_key(id)).map(|(_, point)| *point));
    points
}

impl<E: Env> Shared<E> {
    /// Takes partitions that need no checkpoint out of the list.
    fn forget_clean(&self) {
        self.dirty_partitions.borrow_mut().retain(|partition| {
            let stays = partition.is_dirty();
            partition.0.dirty.set(stays);
            stays
        });
    }
}

impl<E: Env> Partition<E> {
    /// Notes that something of the partition is to be written some time.
    pub(crate) fn mark_dirty(&self) {
        let shared = &self.0.shared;
        if !self.0.dirty.replace(true) {
            shared.dirty_partitions.borrow_mut().push(self.clone());
            if !self.is_named() {
                shared.unnamed.borrow_mut().push(self.clone());
            }
        }
        shared.mark_dirty();
    }

    pub(crate) fn needs_checkpoint(&self) -> bool {
        self.is_behind(self.0.kill.get().mark)
    }

    /// Whether a checkpoint will be needed, if not now then when all is kill-safe.
    fn is_dirty(&self) -> bool {
        self.is_behind(self.0.end.get())
    }

    /// Whether the recovery point lies before `mark`, or says something old.
    fn is_behind(&self, mark: Mark) -> bool {
        let point = self.0.point.get();
        self.0.stop.get().is_none()
            && (mark.offset > point.recovery.offset
                || self.0.epochs_dirty.get()
                || point.log_start != self.log_start())
    }

    /// Makes everything that is kill-safe durable in the segments; returns the new point.
    pub(crate) async fn checkpoint(&self) -> Result<Point, LogError> {
        let _guard = self.0.io.acquire().await;
        self.complete_sealed_locked().await?;
        let place = self.0.kill.get();
        self.write_segments(place.mark, true).await?;
        self.raise_flushed();
        self.advance();
        let dir = self.0.dir.borrow().clone();
        let env = &self.0.shared.env;
        if self.0.epochs_dirty.replace(false) {
            let text = encode_epochs(&self.0.epochs.borrow());
            let path = dir.join(EPOCH_FILE);
            if let Err(error) = env.write_whole(&path, text.as_bytes()).await {
                self.0.epochs_dirty.set(true);
                return Err(LogError::io("write", &path, &error));
            }
        }
        let Some(segment) = self.segment_at(place.mark.segment) else {
            return Err(LogError::Closed);
        };
        let unsynced = to_count(place.state.offsets)
            .saturating_sub(to_count(segment.index_files.get().synced.offsets));
        let sync = unsynced >= INDEX_UNSYNCED_MAX;
        let (state, position) = (place.state, place.mark.position);
        if sync || position >= segment.index_files.get().position + INDEX_LAG_BYTES {
            let written = segment.write_index(env, &dir, state, position, sync).await;
            written.map_err(|error| LogError::io("write index of", &dir, &error))?;
        }
        Ok(self.point_at(place, &segment))
    }

    /// The last checkpoint of a clean stop: the active segment is trimmed, its index files complete.
    pub(crate) async fn finish(&self) -> Result<Point, LogError> {
        let stop = self.0.stop.get();
        if stop.is_some() {
            return Err(LogError::Fenced);
        }
        if self.0.directory.get() == Directory::Missing && self.size_bytes() == 0 {
            // Nothing of it is on the disk, and nothing has to be.
            return Ok(self.point_at(self.0.kill.get(), &self.active()));
        }
        if let Some(index) = self.active().index.borrow_mut().as_mut() {
            index.seal();
        }
        if self.is_finished() {
            return Ok(self.point_at(self.end_place(), &self.active()));
        }
        self.checkpoint().await?;
        let _guard = self.0.io.acquire().await;
        self.complete_sealed_locked().await?;
        let active = self.active();
        let dir = self.0.dir.borrow().clone();
        let failed = |error: io::Error| LogError::io("complete", &dir, &error);
        // A real Kafka takes a segment without a log or index file for damaged.
        active.file(&self.0.shared.env, &dir).await.map_err(failed)?;
        self.trim(&active).await?;
        let place = Place { mark: active.end_mark(), state: active.index_state() };
        let (state, position) = (place.state, place.mark.position);
        let env = &self.0.shared.env;
        active.write_index(env, &dir, state, position, true).await.map_err(failed)?;
        env.sync_dir(&dir).await.map_err(failed)?;
        active.close_file();
        active.keep_last_block(env, &dir).await.map_err(failed)?;
        Ok(self.point_at(place, &active))
    }

    /// Whether the files are as a clean stop leaves them: nothing came since the last one.
    fn is_finished(&self) -> bool {
        let active = self.active();
        let (state, files) = (active.index_state(), active.index_files.get());
        let end = active.end_mark();
        let earlier = self.segment_count() - 1;
        self.0.segments.borrow()[..earlier].iter().all(|segment| segment.complete.get())
            && !self.is_dirty()
            && active.has_file()
            && !active.is_open()
            && (active.allocated.get(), active.flushed.get()) == (end.position, end)
            && files.synced == state
    }

    /// The point that says: recovery starts at `place`.
    pub(crate) fn point_at(&self, place: Place, segment: &Segment<E>) -> Point {
        assert_eq!(segment.base, place.mark.segment);
        let files = segment.index_files.get();
        let synced = files.synced_position <= place.mark.position
            && files.synced.offsets <= place.state.offsets
            && files.synced.times <= place.state.times;
        let (synced_position, synced) = if synced {
            (files.synced_position, files.synced)
        } else {
            (place.mark.position, place.state)
        };
        let replay_from = self.0.unsnapped.borrow().front().map(|(offset, _)| *offset);
        Point {
            partition: self.id(),
            log_start: self.log_start(),
            recovery: place.mark,
            index: IndexState {
                offsets: place.state.offsets.min(from_count(files.offsets)),
                times: place.state.times.min(from_count(files.times)),
                max: place.state.max,
            },
            synced_position,
            synced,
            first_timestamp: segment.first_timestamp.get(),
            created_ms: segment.created_ms.get(),
            replay_from: replay_from.unwrap_or(place.mark.offset).min(place.mark.offset),
        }
    }

    /// Trims the active segment and closes its file if nothing came for long. Whether it will have
    /// to be looked at again.
    async fn trim_if_idle(&self, now: Instant) -> bool {
        let active = self.active();
        let size = active.size();
        if !active.is_open() || self.0.stop.get().is_some() {
            return false;
        }
        let idle = now.since(active.last_append.get()) >= Duration::from_millis(IDLE_TRIM_MS);
        if !idle || active.written.get().position != size {
            return true;
        }
        let _guard = self.0.io.acquire().await;
        // Facts from before the await may have changed.
        if active.written.get().position != active.size() || active.sealed.get() {
            return true;
        }
        if let Err(error) = self.trim(&active).await {
            tracing::warn!(topic = self.topic(), %error, "idle segment could not be trimmed");
        }
        active.close_file();
        false
    }
}

async fn trim_idle<E: Env>(shared: &Rc<Shared<E>>) -> bool {
    let now = shared.env.now();
    let partitions: Vec<Partition<E>> = shared.partitions.borrow().values().cloned().collect();
    let mut again = false;
    for partition in partitions {
        again |= partition.trim_if_idle(now).await;
    }
    again
}

/// Producer snapshots and the directory's checkpoint table.
impl<E: Env> Shared<E> {
    /// Partitions whose producer state should be saved now, with the offset that the snapshot will
    /// have: the end of the log at this moment.
    pub(crate) fn snapshots_due(&self, all: bool) -> Vec<(TopicPartition, i64)> {
        let many = self.unsnapped_bytes.get() > UNSNAPPED_BYTES_MAX;
        let partitions = self.partitions.borrow();
        let due = partitions.values().filter(|partition| {
            !partition.0.unsnapped.borrow().is_empty()
                && (all || many || partition.0.snapshot_due.get())
                && partition.0.stop.get().is_none()
        });
        due.map(|partition| (partition.id(), partition.log_end())).collect()
    }
}

impl<E: Env> Partition<E> {
    /// Saves the producer state as of `offset` (it covers all records below) in Kafka's file.
    pub async fn write_snapshot(&self, offset: i64, bytes: &[u8]) -> Result<(), LogError> {
        assert!(offset <= self.log_end());
        self.make_directory().await?;
        let dir = self.0.dir.borrow().clone();
        let path = names::offset_file(&dir, offset, SNAPSHOT_SUFFIX);
        let env = &self.0.shared.env;
        let written = env.write_whole(&path, bytes).await;
        written.map_err(|error| LogError::io("write", &path, &error))?;
        self.0.snapshot_due.set(false);
        let freed = self.forget_unsnapped(offset);
        let shared = &self.0.shared;
        shared.unsnapped_bytes.set(shared.unsnapped_bytes.get().saturating_sub(freed));
        let old = {
            let mut snapshots = self.0.snapshots.borrow_mut();
            snapshots.retain(|known| *known != offset);
            snapshots.push(offset);
            snapshots.sort_unstable();
            let surplus = snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
            snapshots.drain(..surplus).collect::<Vec<i64>>()
        };
        for offset in old {
            // A file that stays is removed at the next start; it does no harm.
            let _stays = env.remove_file(&names::offset_file(&dir, offset, SNAPSHOT_SUFFIX)).await;
        }
        Ok(())
    }

    /// Drops what a snapshot at `offset` covers; returns how many bytes that were.
    fn forget_unsnapped(&self, offset: i64) -> u64 {
        let mut unsnapped = self.0.unsnapped.borrow_mut();
        let mut freed = 0;
        while let Some((first, bytes)) = unsnapped.front().copied() {
            let next = unsnapped.get(1).map_or_else(|| self.log_end(), |(next, _)| *next);
            if first >= offset {
                break;
            }
            if next > offset {
                // Covered in part.
                if let Some(front) = unsnapped.front_mut() {
                    front.0 = offset;
                }
                break;
            }
            freed += bytes;
            unsnapped.pop_front();
        }
        freed
    }

    /// This partition's row of the directory's checkpoint files.
    pub(crate) fn checkpoint_row(&self) -> CheckpointRow {
        let recovery: Mark = self.0.point.get().recovery;
        CheckpointRow {
            topic: self.topic().to_owned(),
            partition: self.id().partition,
            recovery_point: recovery.offset,
            log_start: self.log_start(),
            high_watermark: self.high_watermark(),
        }
    }
}
