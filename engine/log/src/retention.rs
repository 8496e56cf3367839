//! Removing what need not be kept: whole sealed segments by age, size and log start (Kafka's rules),
//! and whole partitions. Files are renamed first and removed later, as Kafka does; what is left of
//! either is removed at the next start. Called by the shard from time to time.

use crate::directory::Directory;
use crate::error::LogError;
use crate::names::{
    self, DELETE_DIR_SUFFIX, DELETED_SUFFIX, INDEX_SUFFIX, LOG_SUFFIX, TIME_INDEX_SUFFIX,
    TXN_INDEX_SUFFIX,
};
use crate::partition::{Partition, Stop};
use crate::segment::Segment;
use crate::shared::Shared;
use engine_base::TopicPartition;
use engine_io::{Env, Instant};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

impl<E: Env> Partition<E> {
    /// Removes segments that the topic's settings do not keep; returns how many. `now_ms`: wall
    /// clock, milliseconds since 1970. Sources: `UnifiedLog.deleteOldSegments`, `deletableSegments`.
    pub async fn apply_retention(&self, now_ms: i64) -> Result<usize, LogError> {
        if self.0.stop.get().is_some() {
            return Ok(0);
        }
        let config = self.0.config.get();
        let mut count = self.count_below_start();
        if config.delete {
            count = count.max(self.count_by_size(count));
            count = count.max(self.count_by_age(count, now_ms).await);
        }
        if count == 0 {
            return Ok(0);
        }
        if count == self.segment_count() {
            // There is always an active segment: the one to be removed makes room for a fresh one.
            if self.active().size() == 0 || self.high_watermark() < self.log_end() {
                count -= 1;
            } else {
                self.roll(now_ms);
            }
        }
        self.remove_first(count).await?;
        Ok(count)
    }

    /// Leading segments that lie wholly below the log start.
    fn count_below_start(&self) -> usize {
        let segments = self.0.segments.borrow();
        let below = segments.windows(2).take_while(|pair| pair[1].base <= self.log_start());
        below.count()
    }

    fn count_by_size(&self, from: usize) -> usize {
        let limit = self.0.config.get().retention_bytes;
        let Ok(limit) = u64::try_from(limit) else { return from };
        let mut surplus = self.size_bytes().saturating_sub(limit);
        let segments = self.0.segments.borrow();
        let mut count = 0;
        for segment in segments.iter() {
            let size = segment.size();
            if surplus < size || size == 0 || !self.is_below_high(&segments, count) {
                break;
            }
            surplus -= size;
            count += 1;
        }
        count.max(from)
    }

    async fn count_by_age(&self, from: usize, now_ms: i64) -> usize {
        let limit = self.0.config.get().retention_ms;
        if limit < 0 {
            return from;
        }
        let segments: Vec<Rc<Segment<E>>> = self.0.segments.borrow().clone();
        let mut count = from;
        for segment in &segments[from..] {
            let expired = match self.largest_timestamp_ms(segment).await {
                Some(timestamp) if timestamp >= 0 => now_ms.saturating_sub(timestamp) > limit,
                // Without timestamps the age of the file counts; that of the log's opening is known.
                _ => now_ms.saturating_sub(segment.created_ms.get()) > limit,
            };
            if !expired || segment.size() == 0 || !self.is_below_high(&segments, count) {
                break;
            }
            count += 1;
        }
        count
    }

    /// Whether all records of segment `index` are visible: the log start may not pass that.
    fn is_below_high(&self, segments: &[Rc<Segment<E>>], index: usize) -> bool {
        let end = segments.get(index + 1).map_or_else(|| self.log_end(), |next| next.base);
        self.high_watermark() >= end
    }

    async fn remove_first(&self, count: usize) -> Result<(), LogError> {
        let guard = self.0.io.acquire().await;
        if self.0.stop.get().is_some() {
            return Err(LogError::Closed);
        }
        // A segment rolled just now may have bytes in memory or the journal only.
        self.complete_sealed_locked().await?;
        let gone: Vec<Rc<Segment<E>>> = {
            let mut segments = self.0.segments.borrow_mut();
            let whole = segments.iter().take_while(|segment| segment.complete.get()).count();
            let count = count.min(whole).min(segments.len() - 1);
            segments.drain(..count).collect()
        };
        let first = self.0.segments.borrow()[0].base;
        if first > self.log_start() {
            self.0.log_start.set(first);
            self.0.epochs_dirty.set(self.trim_epochs(first) || self.0.epochs_dirty.get());
            self.mark_dirty();
            self.0.moved.notify();
        }
        let dir = self.0.dir.borrow().clone();
        let mut renamed = Vec::new();
        for segment in &gone {
            segment.deleted.set(true);
            segment.close_file();
            segment.forget_cold();
            renamed.extend(rename_files(&self.0.shared.env, &dir, segment.base).await?);
        }
        drop(guard);
        self.remove_later(renamed);
        Ok(())
    }

    /// Drops epochs that ended below `start`; the one in force there begins at it. Whether any was.
    fn trim_epochs(&self, start: i64) -> bool {
        let mut epochs = self.0.epochs.borrow_mut();
        let above = epochs.partition_point(|entry| entry.1 <= start);
        let Some(floor) = above.checked_sub(1) else { return false };
        if floor == 0 && epochs[0].1 == start {
            return false;
        }
        epochs.drain(..floor);
        epochs[0].1 = start;
        true
    }

    fn remove_later(&self, paths: Vec<PathBuf>) {
        let due = self.removal_time();
        let shared = &self.0.shared;
        let covered = Some((self.id(), self.log_start()));
        let trash = paths.into_iter().map(|path| Trash { due, path, is_dir: false, covered });
        shared.trash.borrow_mut().extend(trash);
        shared.mark_dirty();
    }

    fn removal_time(&self) -> Instant {
        let delay = self.0.config.get().file_delete_delay_ms.max(0).unsigned_abs();
        self.0.shared.env.now().plus(Duration::from_millis(delay))
    }

    /// Takes the partition out of the log for good: its directory is renamed at once and removed
    /// later. Pending appends and readers get `Closed`.
    pub(crate) async fn delete(&self, unique: u128) -> Result<(), LogError> {
        self.0.stop.set(Some(Stop::Deleted));
        self.wake_all();
        if self.is_named_by_journal() {
            // Else a start after a crash makes it again, perhaps in the place of a later topic of
            // this name. Where nothing can be written any more, such a start sets it aside.
            let _told = self.0.shared.commit.note_durably(self.durable_note()).await;
        }
        let guard = self.0.io.acquire().await;
        if self.0.directory.get() == Directory::Missing && !self.has_directory() {
            return Ok(());
        }
        drop(guard);
        let path = self.take_away(unique, DELETE_DIR_SUFFIX).await?;
        let shared = &self.0.shared;
        let due = self.removal_time();
        shared.trash.borrow_mut().push(Trash { due, path, is_dir: true, covered: None });
        shared.mark_dirty();
        Ok(())
    }

    /// Ends the partition and renames its directory; returns the new path.
    pub(crate) async fn take_away(&self, unique: u128, suffix: &str) -> Result<PathBuf, LogError> {
        self.0.stop.set(Some(Stop::Deleted));
        self.wake_all();
        let _guard = self.0.io.acquire().await;
        let shared = &self.0.shared;
        let dir = self.0.dir.borrow().clone();
        let name = names::renamed_dir(self.topic(), self.id().partition, unique, suffix);
        let away = shared.config.dir.join(name);
        let failed = |error: io::Error| LogError::io("rename", &dir, &error);
        shared.env.rename(&dir, &away).await.map_err(failed)?;
        shared.env.sync_dir(&shared.config.dir).await.map_err(failed)?;
        *self.0.dir.borrow_mut() = away.clone();
        for segment in self.0.segments.borrow().iter() {
            segment.deleted.set(true);
            segment.close_file();
            segment.forget_cold();
        }
        Ok(away)
    }
}

/// A renamed file or directory that waits for its removal.
#[derive(Debug)]
pub(crate) struct Trash {
    pub due: Instant,
    pub path: PathBuf,
    pub is_dir: bool,
    /// A partition, and the log start that its point must have first: otherwise a start after a
    /// crash takes the file for lost.
    pub covered: Option<(TopicPartition, i64)>,
}

/// Removes what is due; called by the background task. What the log leaves behind at its end is
/// removed at the next start.
pub(crate) async fn empty_trash<E: Env>(shared: &Rc<Shared<E>>) {
    let now = shared.env.now();
    let is_due = |one: &Trash| {
        let partitions = shared.partitions.borrow();
        let known = one.covered.and_then(|(id, start)| Some((partitions.get(&id)?, start)));
        one.due <= now && known.is_none_or(|(one, start)| one.0.point.get().log_start >= start)
    };
    let due: Vec<Trash> = shared.trash.borrow_mut().extract_if(.., |one| is_due(one)).collect();
    for trash in due {
        if trash.is_dir {
            remove_dir(&shared.env, &trash.path).await;
        } else if let Err(error) = shared.env.remove_file(&trash.path).await
            // Gone with its directory.
            && error.kind() != io::ErrorKind::NotFound
        {
            let file = trash.path.display();
            tracing::warn!(%file, %error, "deleted segment could not be removed");
        }
    }
}

async fn rename_files<E: Env>(env: &E, dir: &Path, base: i64) -> Result<Vec<PathBuf>, LogError> {
    let mut renamed = Vec::new();
    for suffix in [LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX] {
        let path = names::offset_file(dir, base, suffix);
        let away = names::offset_file(dir, base, &format!("{suffix}{DELETED_SUFFIX}"));
        match env.rename(&path, &away).await {
            Ok(()) => renamed.push(away),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LogError::io("rename", &path, &error)),
        }
    }
    Ok(renamed)
}

/// Removes a directory with the files in it. What cannot be removed stays for the next start.
pub(crate) async fn remove_dir<E: Env>(env: &E, dir: &Path) {
    let Ok(entries) = env.read_dir(dir) else { return };
    for entry in entries {
        if let Err(error) = env.remove_file(&dir.join(&entry.name)).await {
            tracing::warn!(dir = %dir.display(), %error, "deleted partition could not be removed");
            return;
        }
        env.yield_now().await;
    }
    if let Err(error) = env.remove_dir(dir).await {
        tracing::warn!(dir = %dir.display(), %error, "deleted partition could not be removed");
    }
}
