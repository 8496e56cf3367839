//! Recovery of one partition: what the journal holds is written into the segments again, then the
//! batches from the recovery point on are checked one after another. Used at start only, by
//! [`crate::recovery`]. What cannot have been acknowledged is cut off; what was on stable media and
//! does not check is damage: its bytes are kept aside, batches after it are saved, and it is told.

use crate::error::{Damage, LogError};
use crate::index::{IndexedBatch, SegmentIndex};
use crate::names::{self, DAMAGED_SUFFIX, LOG_SUFFIX};
use crate::points::IndexState;
use crate::replay::{Redo, Replay};
use crate::tail::to_u64;
use crate::window::{READ_BYTES, RELATIVE_OFFSET_MAX, Window};
use engine_base::TopicPartition;
use engine_io::{Create, Env, File, OpenMode};
use engine_record::BatchHeader;
use engine_record::header::{CRC_AT, HEADER_BYTES};
use std::io;
use std::path::{Path, PathBuf};
use tracing::{info, warn};

/// A segment on disk, or found by recovery.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub base: i64,
    /// Bytes of the file; after the scan, of whole batches.
    pub len: u64,
    pub end_offset: i64,
    pub index: Option<SegmentIndex>,
    pub first_timestamp: i64,
    /// Bytes that were read and checked.
    pub scanned: u64,
    /// Bytes of the offset index file and of the time index file, if both are there.
    pub index_bytes: Option<(u64, u64)>,
    /// Up to where the index files are on stable media, if that is known, and the state there.
    pub synced: Option<(u64, IndexState)>,
}

/// Where a scan begins.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub segment: i64,
    pub position: u64,
    /// Offset that the batch at `position` must have, if it is known.
    pub offset: Option<i64>,
    /// The log was written by us, so offsets have no gaps. (Compaction by Kafka makes gaps.)
    pub strict: bool,
    pub index: SegmentIndex,
    pub first_timestamp: i64,
    /// Up to where the segment's index files are on stable media, if that is known.
    pub synced: Option<(u64, IndexState)>,
}

pub(crate) struct Scan<'a, E: Env> {
    pub env: &'a E,
    pub dir: &'a Path,
    pub partition: TopicPartition,
    pub interval_bytes: u64,
    /// The last stop was clean.
    pub clean: bool,
    /// Segment and position below which everything was on stable media.
    pub durable: Option<(i64, u64)>,
    /// Headers of batches with producers at or above this offset are collected.
    pub replay_from: i64,
    pub headers: Vec<BatchHeader>,
    /// Leader epochs of the batches seen, with first offsets, increasing.
    pub epochs: Vec<(i32, i64)>,
    pub damages: Vec<Damage>,
}

impl<E: Env> Scan<'_, E> {
    fn path(&self, base: i64) -> PathBuf {
        names::offset_file(self.dir, base, LOG_SUFFIX)
    }

    async fn open(&self, base: i64, create: Create) -> Result<Window<E>, LogError> {
        let path = self.path(base);
        let failed = |error: io::Error| LogError::io("open", &path, &error);
        let mode = OpenMode { write: true, create, direct: false };
        let file = self.env.open(&path, mode).await.map_err(failed)?;
        let len = file.len().map_err(failed)?;
        Ok(Window { file, path, len, start: 0, bytes: Vec::new() })
    }

    /// Writes journal bytes to their places again. Segments that are made are added to `segments`.
    pub async fn redo(
        &mut self,
        replay: &Replay,
        redo: &[Redo],
        segments: &mut Vec<Found>,
    ) -> Result<(), LogError> {
        let mut bases: Vec<i64> = redo.iter().map(|redo| redo.segment).collect();
        bases.sort_unstable();
        bases.dedup();
        for base in bases {
            let mut window = self.open(base, Create::IfMissing).await?;
            for redo in redo.iter().filter(|redo| redo.segment == base) {
                self.redo_one(&mut window, redo, replay.bytes(redo))?;
            }
            let failed = |error: io::Error| LogError::io("redo", &window.path, &error);
            window.file.sync_data().await.map_err(failed)?;
            let len = window.file.len().map_err(failed)?;
            match segments.binary_search_by_key(&base, |found| found.base) {
                Ok(index) => segments[index].len = len,
                Err(index) => segments.insert(index, Found::unscanned(base, len)),
            }
        }
        let failed = |error: io::Error| LogError::io("sync", self.dir, &error);
        self.env.sync_dir(self.dir).await.map_err(failed)
    }

    fn redo_one(
        &mut self,
        window: &mut Window<E>,
        redo: &Redo,
        bytes: &[u8],
    ) -> Result<(), LogError> {
        let failed = |error: io::Error| LogError::io("redo", &window.path, &error);
        let mut there = vec![0; bytes.len()];
        let count = window.file.read_cached(&mut there, redo.position).map_err(failed)?;
        if there[..count] == *bytes {
            return Ok(());
        }
        if is_foreign(&there[..count], bytes) {
            // A whole batch that is not ours: another broker wrote here after us. Its data stands.
            self.damages.push(Damage {
                partition: Some(self.partition),
                file: window.path.clone(),
                position: redo.position,
                what: "the segment was written by another broker after this journal".to_owned(),
                quarantine: None,
            });
            return Ok(());
        }
        window.file.write_cached(&[io::IoSlice::new(bytes)], redo.position).map_err(failed)?;
        window.forget();
        Ok(())
    }

    /// Checks the batches from `start` on through all later segments; cuts off what does not count.
    /// Afterwards `segments` describes the log.
    pub async fn run(&mut self, start: Start, segments: &mut Vec<Found>) -> Result<(), LogError> {
        let strict = start.strict;
        let mut expected = start.offset.unwrap_or(start.segment);
        let Ok(mut at) = segments.binary_search_by_key(&start.segment, |found| found.base) else {
            return Ok(());
        };
        let mut position = start.position;
        let mut first_timestamp = start.first_timestamp;
        let mut index = start.index;
        let mut synced = start.synced;
        let mut exact = start.offset.is_some();
        loop {
            let base = segments[at].base;
            let mut window = self.open(base, Create::Never).await?;
            let from = position;
            while let Some(header) = self.next_batch(&mut window, position, expected, exact, base) {
                exact = strict;
                let bytes = to_u64(header.bytes_len());
                self.note(&header, position, &mut index, &mut first_timestamp);
                expected = header.next_offset().0;
                position += bytes;
                if position / to_u64(READ_BYTES) != (position - bytes) / to_u64(READ_BYTES) {
                    self.env.yield_now().await;
                }
            }
            let next = segments.get(at + 1).map(|found| found.base);
            let rest = self.judge(&mut window, position, expected, next, strict).await?;
            self.cut(&window, position, position > from || !self.clean).await?;
            let found = &mut segments[at];
            found.len = position;
            found.end_offset = expected;
            found.index = Some(index);
            found.synced = synced.take();
            found.first_timestamp = first_timestamp;
            found.scanned = position - from;
            match rest {
                Rest::Follows => {}
                Rest::Saved(saved) => {
                    match segments.binary_search_by_key(&saved.base, |found| found.base) {
                        Ok(index) => segments[index] = saved,
                        Err(index) => segments.insert(index, saved),
                    }
                }
                Rest::Ends => {
                    for gone in segments.drain(at + 1..).collect::<Vec<Found>>() {
                        remove_segment(self.env, self.dir, gone.base).await?;
                    }
                    return Ok(());
                }
            }
            at += 1;
            let Some(next) = segments.get(at) else { return Ok(()) };
            expected = expected.max(next.base);
            position = 0;
            first_timestamp = -1;
            index = SegmentIndex::new(next.base);
        }
    }

    /// The header of the whole, checked batch at `position`, if there is one that belongs there.
    fn next_batch(
        &self,
        window: &mut Window<E>,
        position: u64,
        expected: i64,
        exact: bool,
        base: i64,
    ) -> Option<BatchHeader> {
        let batch = window.batch(position)?;
        let header = BatchHeader::parse(batch).ok()?;
        let offset = header.base_offset.0;
        let belongs = if exact { offset == expected } else { offset >= expected };
        let sane = belongs
            && header.last_offset_delta >= 0
            && header.last_offset().0 - base <= RELATIVE_OFFSET_MAX;
        (sane && header.check_crc(batch).is_ok()).then_some(header)
    }

    /// Collects headers with producers at or above `replay_from` between two positions, below the
    /// recovery point: bytes that were checked before, and are not checked again.
    pub async fn walk_headers(
        &self,
        base: i64,
        from: u64,
        end: u64,
        headers: &mut Vec<BatchHeader>,
    ) -> Result<(), LogError> {
        let mut window = self.open(base, Create::Never).await?;
        let mut position = from;
        while position < end {
            let Some(bytes) = window.at(position, HEADER_BYTES) else { break };
            let Ok(header) = BatchHeader::parse(bytes) else { break };
            if header.has_producer() && header.base_offset.0 >= self.replay_from {
                headers.push(header);
            }
            position += to_u64(header.bytes_len());
        }
        window.file.drop_cache();
        if position >= end {
            return Ok(());
        }
        let file = window.path;
        Err(LogError::Damaged { file, position })
    }

    fn note(
        &mut self,
        header: &BatchHeader,
        position: u64,
        index: &mut SegmentIndex,
        first_timestamp: &mut i64,
    ) {
        let batch = IndexedBatch {
            position,
            bytes: to_u64(header.bytes_len()),
            last_offset: header.last_offset().0,
            max_timestamp: header.max_timestamp,
        };
        index.add(batch, self.interval_bytes);
        if position == 0 {
            *first_timestamp = header.max_timestamp;
        }
        let epoch = header.leader_epoch.0;
        if epoch >= 0 && self.epochs.last().is_none_or(|last| epoch > last.0) {
            self.epochs.push((epoch, header.base_offset.0));
        }
        if header.has_producer() && header.base_offset.0 >= self.replay_from {
            self.headers.push(*header);
        }
    }

    /// Decides what the bytes after the last good batch of a segment mean.
    async fn judge(
        &mut self,
        window: &mut Window<E>,
        position: u64,
        expected: i64,
        next: Option<i64>,
        strict: bool,
    ) -> Result<Rest, LogError> {
        let base = names::parse_offset_file(
            window.path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            LOG_SUFFIX,
        );
        let base = base.expect("the path was made from an offset");
        let follows = match next {
            Some(next) if strict => next == expected,
            Some(next) => next >= expected,
            None => false,
        };
        // The beginning of the next segment, whose file need not be there yet, is the end of this one.
        let lost = self
            .durable
            .is_some_and(|durable| durable > (base, position) && durable != (expected, 0));
        let bad = position < window.len && !window.is_zero_from(position)?;
        if !lost || (follows && !bad) {
            if follows && (strict || !bad) {
                return Ok(Rest::Follows);
            }
            if bad {
                self.tell_cut(window, base, position, expected).await?;
            }
            return Ok(Rest::Ends);
        }
        let quarantine = self.quarantine(window, base, position).await?;
        let saved = match window.resync(position, expected)? {
            Some((at, offset)) => Some(self.save_rest(window, at, offset).await?),
            None => None,
        };
        let damage = Damage {
            partition: Some(self.partition),
            file: window.path.clone(),
            position,
            what: "bytes that were on stable media do not check".to_owned(),
            quarantine: Some(quarantine),
        };
        self.damages.push(damage);
        match saved {
            Some(found) => Ok(Rest::Saved(found)),
            None if next.is_some() => Ok(Rest::Follows),
            None => Ok(Rest::Ends),
        }
    }

    /// Says that bytes which nobody flushed do not check and are about to be cut off. If whole batches
    /// lie behind them they are kept aside: after a loss of power that is what the device had not
    /// written yet, but after a mere kill a bit has changed.
    async fn tell_cut(
        &self,
        window: &mut Window<E>,
        base: i64,
        position: u64,
        expected: i64,
    ) -> Result<(), LogError> {
        let file = window.path.display().to_string();
        let bytes = window.len - position;
        match window.resync(position, expected)? {
            None => info!(file, position, bytes, "an unfinished append is cut off"),
            Some((at, offset)) => {
                let kept = self.quarantine(window, base, position).await?;
                let kept = kept.display();
                warn!(
                    file, position, bytes, expected, next_good = at, its_offset = offset, %kept,
                    "a batch that was not flushed yet does not check: it is cut off with what lies \
                     behind it, and kept aside"
                );
            }
        }
        Ok(())
    }

    /// Copies everything from `position` on to a file beside the segment.
    async fn quarantine(
        &self,
        window: &Window<E>,
        base: i64,
        position: u64,
    ) -> Result<PathBuf, LogError> {
        let path = self.dir.join(format!("{base:020}.{position}{DAMAGED_SUFFIX}"));
        self.copy_rest(window, position, &path).await?;
        Ok(path)
    }

    async fn copy_rest(
        &self,
        window: &Window<E>,
        position: u64,
        path: &Path,
    ) -> Result<u64, LogError> {
        let failed = |error: io::Error| LogError::io("copy to", path, &error);
        let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
        let copy = self.env.open(path, mode).await.map_err(failed)?;
        copy.set_len(0).await.map_err(failed)?;
        let mut buffer = vec![0; READ_BYTES];
        let mut done = 0;
        loop {
            let count = window.file.read_cached(&mut buffer, position + done).map_err(failed)?;
            if count == 0 {
                break;
            }
            copy.write_cached(&[io::IoSlice::new(&buffer[..count])], done).map_err(failed)?;
            done += to_u64(count);
            self.env.yield_now().await;
        }
        copy.sync_data().await.map_err(failed)?;
        self.env.sync_dir(self.dir).await.map_err(failed)?;
        Ok(done)
    }

    /// Makes a segment of its own from the good batches after a damaged place.
    async fn save_rest(
        &self,
        window: &Window<E>,
        position: u64,
        offset: i64,
    ) -> Result<Found, LogError> {
        let path = self.path(offset);
        let failed = |error: io::Error| LogError::io("save to", &path, &error);
        let mode = OpenMode { write: false, create: Create::Never, direct: false };
        if let Ok(known) = self.env.open(&path, mode).await
            && known.len().map_err(failed)? >= window.len - position
        {
            // An earlier recovery, cut short, saved it already.
            return Ok(Found::unscanned(offset, known.len().map_err(failed)?));
        }
        let fresh = self.dir.join(format!("{offset:020}.log.cleaned"));
        let len = self.copy_rest(window, position, &fresh).await?;
        self.env.rename(&fresh, &path).await.map_err(failed)?;
        self.env.sync_dir(self.dir).await.map_err(failed)?;
        Ok(Found::unscanned(offset, len))
    }

    /// Cuts the file to `position` if it is longer; makes it durable then or if `sync` (a process that
    /// was killed leaves writes and cuts in the page cache); leaves nothing of it in there.
    async fn cut(&self, window: &Window<E>, position: u64, sync: bool) -> Result<(), LogError> {
        let failed = |error: io::Error| LogError::io("cut", &window.path, &error);
        let longer = window.file.len().map_err(failed)? != position;
        if longer {
            window.file.set_len(position).await.map_err(failed)?;
        } else if !sync {
            return Ok(());
        }
        window.file.sync_data().await.map_err(failed)?;
        window.file.drop_cache();
        Ok(())
    }
}

/// Whether `there` begins with a whole batch with the offset of the one `ours` begins with, but other
/// content. The base offset lies outside the checksum, so a write torn within the first bytes leaves
/// a batch that checks, with a wrong offset: that one is ours.
fn is_foreign(there: &[u8], ours: &[u8]) -> bool {
    let (Ok(header), Ok(own)) = (BatchHeader::parse(there), BatchHeader::parse(ours)) else {
        return false;
    };
    let len = header.bytes_len();
    len <= there.len()
        && header.base_offset == own.base_offset
        && header.check_crc(&there[..len]).is_ok()
        && (len > ours.len() || there[CRC_AT..len] != ours[CRC_AT..len])
}

/// What comes after the last good batch of a segment.
enum Rest {
    /// The next segment.
    Follows,
    /// Batches after a damaged place, as a segment of their own.
    Saved(Found),
    /// Nothing: the log ends here.
    Ends,
}

impl Found {
    pub fn unscanned(base: i64, len: u64) -> Found {
        Found {
            base,
            len,
            end_offset: base,
            index: None,
            first_timestamp: -1,
            scanned: 0,
            index_bytes: None,
            synced: None,
        }
    }
}

/// Removes the files of a segment. The log goes first: what is left alone is removed at the next
/// start.
pub(crate) async fn remove_segment<E: Env>(env: &E, dir: &Path, base: i64) -> Result<(), LogError> {
    let suffixes =
        [LOG_SUFFIX, names::INDEX_SUFFIX, names::TIME_INDEX_SUFFIX, names::TXN_INDEX_SUFFIX];
    for suffix in suffixes {
        let path = names::offset_file(dir, base, suffix);
        match env.remove_file(&path).await {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LogError::io("remove", &path, &error)),
        }
    }
    let failed = |error: io::Error| LogError::io("sync", dir, &error);
    env.sync_dir(dir).await.map_err(failed)
}
