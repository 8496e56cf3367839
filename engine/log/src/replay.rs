//! Reading journals back: finds the frames that hold, in order, and sorts their entries by
//! partition. Used once at start, after an unclean stop. Frames may lie after a damaged one: they are
//! taken all the same, because redo of one partition does not depend on another's, and a hole in a
//! partition ends that partition's redo by itself.

use crate::contents::{JournalName, KnownPoints, PointsHead};
use crate::directory::topic_name;
use crate::error::{Damage, LogError};
use crate::file_header::{FILE_HEADER_BYTES, FRAMES_START, FileHeader};
use crate::frame::{
    ENTRY_HEADER_BYTES, Entries, EntryKind, FRAME_ALIGN, FRAME_HEADER_BYTES, FRAME_MAGIC,
    FrameHeader,
};
use crate::names;
use crate::plant::{self, Bug};
use crate::points::{JournalState, Point};
use crate::required::{self, FoundFile, FoundFrame, Gap, Loss};
use crate::tail::{to_u64, to_usize};
use engine_base::TopicPartition;
use engine_io::{Create, Env, File, OpenMode};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// Bytes read of one journal file, at most: a quarter of the largest `tidemill.journal.bytes`.
const JOURNAL_BYTES_MAX: u64 = 1 << 30;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// The newest recovery point of each partition, with the run it is of.
pub(crate) type NewestPoints = BTreeMap<TopicPartition, (u32, Point)>;

/// Bytes that belong at a place of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Redo {
    pub run: u32,
    pub segment: i64,
    pub position: u64,
    file: usize,
    range: Range<usize>,
}

impl Redo {
    pub fn end(&self) -> u64 {
        self.position + to_u64(self.range.len())
    }
}

/// What the journals say of one partition.
#[derive(Default, Debug)]
pub(crate) struct PartitionReplay {
    /// In the order of writing.
    pub redo: Vec<Redo>,
    /// Segment and position below which the segment was durable, with the run that says so.
    pub durable: Option<(u32, i64, u64)>,
    pub log_start: i64,
    /// Name of the topic, with the run that says so, if the directory was not on stable media when
    /// the last of the entries was written.
    pub name: Option<(u32, String)>,
    /// The frame that says so, counted in the order of writing.
    pub name_frame: usize,
}

#[derive(Default)]
pub(crate) struct Replay {
    /// What is kept of each journal: the entries of owned partitions.
    files: Vec<Vec<u8>>,
    names: Vec<JournalName>,
    pub partitions: BTreeMap<TopicPartition, PartitionReplay>,
    pub damages: Vec<Damage>,
    /// Journals that must be there and are not, or not as they were.
    pub losses: Vec<Loss>,
    /// Journals that have damaged parts.
    pub damaged: Vec<JournalName>,
    pub run_max: u32,
}

/// Which journals to read, and whose points say what must be in them.
pub(crate) struct Request<'a> {
    pub dir: &'a Path,
    pub journals: &'a [JournalName],
    pub points: &'a KnownPoints,
    /// Only the journal of this shard matters.
    pub only: Option<u16>,
    /// Whose entries are kept.
    pub owned: &'a dyn Fn(TopicPartition) -> bool,
}

impl Replay {
    pub fn bytes(&self, redo: &Redo) -> &[u8] {
        &self.files[redo.file][redo.range.clone()]
    }

    /// Bytes of all journals that stay in memory.
    #[cfg(test)]
    pub fn kept_bytes(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }

    /// The journal that holds an entry.
    pub fn name(&self, redo: &Redo) -> JournalName {
        self.names[redo.file]
    }

    /// Nothing has to be done again.
    pub fn of_clean_stop(run_max: u32) -> Replay {
        Replay { run_max, ..Replay::default() }
    }

    /// Reads the journal files, one at a time.
    pub async fn read<E: Env>(env: &E, request: &Request<'_>) -> Result<Replay, LogError> {
        let mut replay = Replay::default();
        let mut files = Vec::new();
        let mut frames = Vec::new();
        let headers = read_headers(env, request.dir, request.journals).await?;
        for (index, name) in request.journals.iter().enumerate() {
            let path = request.dir.join(names::journal(name.shard, name.index));
            let (bytes, len) = read_file(env, &path).await?;
            let header = headers[index];
            let ids = ids(*name, header, &headers, &request.points.heads);
            let is_own = |id| ids.contains(&id) || plant::is_on(Bug::IgnoreRuns);
            let mut found = find_frames(&bytes, index, is_own);
            let file = FoundFile { name: *name, path, len, header };
            if ids.is_empty() && !find_frames(&bytes, index, |_| true).is_empty() {
                let what = "neither the journal's first block nor the recovery points tell whose \
                            frames these are: they are not used";
                replay.report(&file, 0, what.to_owned());
            }
            replay.files.push(keep(&bytes, &mut found, request.owned));
            replay.names.push(*name);
            frames.extend(found);
            files.push(file);
        }
        frames.sort_by_key(|frame| {
            (frame.header.generation.run, frame.header.shard, frame.header.sequence)
        });
        let runs = frames.iter().map(|frame| frame.header.generation.run);
        let headers = files.iter().filter_map(|file| Some(file.header?.run));
        replay.run_max = runs.chain(headers).max().unwrap_or(0);
        let heads: Vec<PointsHead> = required::in_force(&request.points.heads)
            .into_iter()
            .filter(|head| request.only.is_none_or(|shard| head.shard == shard))
            .cloned()
            .collect();
        let without = replay.report_missing_points(request, &files, &frames);
        // Nothing else says which frames are stale.
        frames.retain(|frame| {
            without.iter().all(|head| {
                frame.header.shard != head.shard || frame.header.generation.run >= head.run
            })
        });
        let mut gaps = Vec::new();
        for head in heads.iter().chain(&without) {
            replay.losses.extend(required::lost_files(head, &files, &frames));
            for at in required::damaged_headers(head, &files) {
                replay.report(&files[at], 0, "the journal's first block does not check".to_owned());
            }
            for gap in required::gaps(head, &frames) {
                replay.report_gap(&gap, head, &files);
                gaps.push(gap);
            }
        }
        for (number, frame) in frames.iter().enumerate() {
            let header = &frame.header;
            let after_damage = gaps.iter().any(|gap| {
                gap.is_damage()
                    && (gap.run, gap.shard) == (header.generation.run, header.shard)
                    && header.sequence > gap.last
            });
            replay.take((number, frame), after_damage, &files[frame.file].path);
        }
        Ok(replay)
    }

    /// Shards whose journal says that it had points, and whose points are not there or not readable:
    /// nothing says what must be in the journal but the frames themselves.
    fn report_missing_points(
        &mut self,
        request: &Request<'_>,
        files: &[FoundFile],
        frames: &[FoundFrame],
    ) -> Vec<PointsHead> {
        let mut without: Vec<PointsHead> = Vec::new();
        let headers = files.iter().filter_map(|file| file.header);
        for header in headers {
            let (shard, shard_count, run) = (header.shard, header.shard_count, header.run);
            let same = |head: &PointsHead| {
                (head.shard, head.shard_count, head.run) == (shard, shard_count, run)
            };
            let assumed = PointsHead {
                dir: request.dir.to_path_buf(),
                run,
                shard,
                shard_count,
                journal: JournalState::default(),
            };
            let newer = request.points.heads.iter().any(|head| {
                (head.shard, head.shard_count) == (shard, shard_count) && head.run >= run
            });
            let all = [request.points.heads.as_slice(), std::slice::from_ref(&assumed)].concat();
            let in_force = required::in_force(&all).into_iter().any(same);
            if newer || !in_force || without.iter().any(same) {
                continue;
            }
            let first = frames.iter().find(|frame| assumed.wrote(&frame.header));
            let before = first.map_or(0, |frame| frame.header.sequence - 1);
            let journal = JournalState { written: before, ..JournalState::default() };
            let head = PointsHead { journal, ..assumed };
            self.damages.push(Damage {
                partition: None,
                file: head.file(),
                position: 0,
                what: "the recovery points are missing or damaged: all is read, and nothing \
                       tells whether the journal is whole"
                    .to_owned(),
                quarantine: None,
            });
            without.push(head);
        }
        without
    }

    fn report(&mut self, file: &FoundFile, position: u64, what: String) {
        if !self.damaged.contains(&file.name) {
            self.damaged.push(file.name);
        }
        let damage =
            Damage { partition: None, file: file.path.clone(), position, what, quarantine: None };
        self.damages.push(damage);
    }

    /// Reports frames that were there and are not any more.
    fn report_gap(&mut self, gap: &Gap, head: &PointsHead, files: &[FoundFile]) {
        let Gap { first, last, shard, .. } = *gap;
        if !gap.is_damage() {
            // All that acks=1 lost, unless it was only the process that died.
            tracing::warn!(shard, first, last, "journal frames that were never synced are gone");
            return;
        }
        let what = format!(
            "journal frames {first} to {last} do not check although they were on stable media; \
             all others are used"
        );
        match gap.place {
            Some((at, position)) => self.report(&files[at], position, what),
            None => self.damages.push(Damage {
                partition: None,
                file: head.dir.join(names::journal(shard, head.journal.files.trailing_zeros())),
                position: FRAMES_START,
                what,
                quarantine: None,
            }),
        }
    }

    /// `after_damage`: a frame before this one is damaged. So what a partition has after a hole is no
    /// torn tail.
    fn take(&mut self, (number, frame): (usize, &FoundFrame), after_damage: bool, path: &Path) {
        let run = frame.header.generation.run;
        let body = &self.files[frame.file][frame.body.clone()];
        for entry in Entries::new(body) {
            let Ok((entry, at, bytes)) = entry else {
                // The checksum held, so this was written so: a newer format or our mistake.
                self.damages.push(Damage {
                    partition: None,
                    file: path.to_path_buf(),
                    position: to_u64(frame.position),
                    what: "journal frame with entries that make no sense".to_owned(),
                    quarantine: None,
                });
                return;
            };
            let known = self.partitions.entry(entry.partition).or_default();
            if matches!(entry.kind, EntryKind::Data | EntryKind::Durable)
                && known.name_frame != number
            {
                known.name = None;
            }
            match entry.kind {
                EntryKind::Data => {
                    let start = frame.body.start + at;
                    assert!(at >= ENTRY_HEADER_BYTES);
                    known.redo.push(Redo {
                        run,
                        segment: entry.segment,
                        position: entry.position,
                        file: frame.file,
                        range: start..start + bytes.len(),
                    });
                    if after_damage {
                        let end = entry.position + to_u64(bytes.len());
                        known.durable = known.durable.max(Some((run, entry.segment, end)));
                    }
                }
                EntryKind::Durable => {
                    let durable = (run, entry.segment, entry.position);
                    known.durable = known.durable.max(Some(durable));
                }
                EntryKind::LogStart => {
                    let offset = i64::try_from(entry.position).unwrap_or(0);
                    known.log_start = known.log_start.max(offset);
                }
                EntryKind::Name => {
                    known.name = topic_name(bytes).map(|name| (run, name));
                    known.name_frame = number;
                }
            }
        }
    }
}

/// The ids that frames of a journal may have: of its header; if that is damaged, of what else is
/// known of the shard.
fn ids(
    name: JournalName,
    header: Option<FileHeader>,
    headers: &[Option<FileHeader>],
    heads: &[PointsHead],
) -> Vec<u64> {
    if let Some(header) = header {
        return vec![header.id];
    }
    let heads = heads.iter().filter(|head| head.shard == name.shard && head.journal.id != 0);
    let others = headers.iter().flatten().filter(|header| header.shard == name.shard);
    heads.map(|head| head.journal.id).chain(others.map(|header| header.id)).collect()
}

/// Copies the entries of owned partitions, so that the journal's bytes need not stay in memory.
fn keep(
    bytes: &[u8],
    frames: &mut [FoundFrame],
    owned: &dyn Fn(TopicPartition) -> bool,
) -> Vec<u8> {
    let mut kept = Vec::new();
    for frame in frames {
        let body = &bytes[frame.body.clone()];
        let start = kept.len();
        let mut done = 0;
        for entry in Entries::new(body) {
            let Ok((header, at, data)) = entry else {
                // Told later, with the frame's place.
                kept.extend_from_slice(&body[done..]);
                break;
            };
            let end = at + data.len();
            if owned(header.partition) {
                kept.extend_from_slice(&body[done..end]);
            }
            done = end;
        }
        frame.body = start..kept.len();
    }
    kept
}

/// All frames of the file's newest use whose checksum holds and whose id is one of the journal's.
/// What lies in the file from earlier uses may be records that look like frames.
fn find_frames(bytes: &[u8], file: usize, is_own: impl Fn(u64) -> bool) -> Vec<FoundFrame> {
    let align = to_usize(FRAME_ALIGN);
    let mut frames: Vec<FoundFrame> = Vec::new();
    let mut position = 0;
    while position + FRAME_HEADER_BYTES <= bytes.len() {
        let rest = &bytes[position..];
        let parsed = if rest.starts_with(&FRAME_MAGIC) { FrameHeader::parse(rest) } else { None };
        match parsed.filter(|(header, _)| is_own(header.id)) {
            Some((header, body)) => {
                let start = position + FRAME_HEADER_BYTES;
                let body = start..start + body.len();
                let end = body.end;
                frames.push(FoundFrame { header, file, position, end, body });
                position = end.next_multiple_of(align);
            }
            None => position += align,
        }
    }
    let newest = frames.iter().map(|frame| frame.header.generation).max();
    frames.retain(|frame| Some(frame.header.generation) == newest);
    frames
}

/// The file's content up to the limit, and its size.
async fn read_file<E: Env>(env: &E, path: &Path) -> Result<(Vec<u8>, u64), LogError> {
    let failed = |error: std::io::Error| LogError::io("read", path, &error);
    let mode = OpenMode { write: false, create: Create::Never, direct: false };
    let file = env.open(path, mode).await.map_err(failed)?;
    let len = file.len().map_err(failed)?;
    let mut bytes = vec![0; to_usize(len.min(JOURNAL_BYTES_MAX))];
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + READ_BYTES);
        let position = to_u64(at);
        let count = file.read_cached(&mut bytes[at..end], position).map_err(failed)?;
        if count == 0 {
            bytes.truncate(at);
        }
        at += count;
        env.yield_now().await;
    }
    Ok((bytes, len))
}

/// The headers of journals, without reading these whole.
async fn read_headers<E: Env>(
    env: &E,
    dir: &Path,
    journals: &[JournalName],
) -> Result<Vec<Option<FileHeader>>, LogError> {
    let mut headers = Vec::new();
    for name in journals {
        let path = dir.join(names::journal(name.shard, name.index));
        let failed = |error: std::io::Error| LogError::io("read", &path, &error);
        let mode = OpenMode { write: false, create: Create::Never, direct: false };
        let file = env.open(&path, mode).await.map_err(failed)?;
        let mut head = [0; FILE_HEADER_BYTES];
        let count = file.read_cached(&mut head, 0).map_err(failed)?;
        headers.push(FileHeader::parse(&head[..count]));
    }
    Ok(headers)
}

/// The highest run in the headers of the journals.
pub(crate) async fn newest_run<E: Env>(
    env: &E,
    dir: &Path,
    journals: &[JournalName],
) -> Result<u32, LogError> {
    let headers = read_headers(env, dir, journals).await?;
    Ok(headers.iter().flatten().map(|header| header.run).max().unwrap_or(0))
}
