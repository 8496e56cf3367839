//! Reading journals back: finds the frames that hold, in order, and sorts their entries by
//! partition. Used once at start, after an unclean stop. Frames may lie after a damaged one: they are
//! taken all the same, because redo of one partition does not depend on another's, and a hole in a
//! partition ends that partition's redo by itself.

use crate::error::{Damage, LogError};
use crate::frame::{
    ENTRY_HEADER_BYTES, Entries, EntryKind, FRAME_ALIGN, FRAME_HEADER_BYTES, FRAME_MAGIC,
    FrameHeader,
};
use crate::points::Point;
use crate::tail::to_usize;
use engine_base::TopicPartition;
use engine_io::{Create, Env, File, OpenMode};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Largest journal file that is read, in bytes.
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
        self.position + crate::tail::to_u64(self.range.len())
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
}

#[derive(Default, Debug)]
pub(crate) struct Replay {
    files: Vec<Vec<u8>>,
    pub partitions: BTreeMap<TopicPartition, PartitionReplay>,
    pub damages: Vec<Damage>,
    pub run_max: u32,
}

struct FoundFrame {
    header: FrameHeader,
    file: usize,
    position: usize,
    body: Range<usize>,
}

impl Replay {
    pub fn bytes(&self, redo: &Redo) -> &[u8] {
        &self.files[redo.file][redo.range.clone()]
    }

    /// Reads the journal files at `paths` whole. `points`: the newest recovery points.
    pub async fn read<E: Env>(
        env: &E,
        paths: &[PathBuf],
        points: &NewestPoints,
    ) -> Result<Replay, LogError> {
        let mut replay = Replay::default();
        let mut frames = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let bytes = read_file(env, path).await?;
            frames.extend(find_frames(&bytes, index));
            replay.files.push(bytes);
        }
        frames.sort_by_key(|frame| {
            (frame.header.generation.run, frame.header.shard, frame.header.sequence)
        });
        let mut synced: HashMap<(u32, u16), u64> = HashMap::new();
        for frame in &frames {
            let header = &frame.header;
            let known = synced.entry((header.generation.run, header.shard)).or_default();
            *known = (*known).max(header.synced_sequence);
            replay.run_max = replay.run_max.max(header.generation.run);
        }
        replay.find_gaps(&frames, &synced, paths, points);
        for frame in &frames {
            replay.take(frame, &paths[frame.file]);
        }
        Ok(replay)
    }

    /// Reports frames that were on stable media and are not there any more.
    fn find_gaps(
        &mut self,
        frames: &[FoundFrame],
        synced: &HashMap<(u32, u16), u64>,
        paths: &[PathBuf],
        points: &NewestPoints,
    ) {
        let mut before: Option<&FoundFrame> = None;
        for frame in frames {
            let header = &frame.header;
            let known = synced[&(header.generation.run, header.shard)];
            let was_synced = header.sequence - 1 <= known;
            let neighbour = before.filter(|before| {
                let old = &before.header;
                old.shard == header.shard
                    && old.generation.run == header.generation.run
                    && old.generation.turn + 1 >= header.generation.turn
            });
            let gap = match neighbour {
                Some(before) => before.header.sequence + 1 != header.sequence,
                None => frame.position != 0,
            };
            // A file that was taken into use again, its first new frames torn, shows old frames with
            // gaps: nobody needs those any more.
            if gap && was_synced && self.is_needed(frame, points) {
                let position = neighbour
                    .filter(|before| before.file == frame.file)
                    .map_or(0, |before| before.body.end);
                self.damages.push(Damage {
                    partition: None,
                    file: paths[frame.file].clone(),
                    position: crate::tail::to_u64(position),
                    what: "journal frames that were on stable media do not check",
                    quarantine: None,
                });
            }
            before = Some(frame);
        }
    }

    /// Whether a frame holds anything that the recovery points do not cover.
    fn is_needed(&self, frame: &FoundFrame, points: &NewestPoints) -> bool {
        let body = &self.files[frame.file][frame.body.clone()];
        Entries::new(body).flatten().any(|(entry, _, _)| {
            let end = entry.position + u64::from(entry.length);
            entry.kind == EntryKind::Data
                && points.get(&entry.partition).is_none_or(|(run, point)| {
                    let recovery = (point.recovery.segment, point.recovery.position);
                    frame.header.generation.run >= *run && (entry.segment, end) > recovery
                })
        })
    }

    fn take(&mut self, frame: &FoundFrame, path: &Path) {
        let run = frame.header.generation.run;
        let body = &self.files[frame.file][frame.body.clone()];
        for entry in Entries::new(body) {
            let Ok((entry, at, bytes)) = entry else {
                // The checksum held, so this was written so: a newer format or our mistake.
                self.damages.push(Damage {
                    partition: None,
                    file: path.to_path_buf(),
                    position: crate::tail::to_u64(frame.position),
                    what: "journal frame with entries that make no sense",
                    quarantine: None,
                });
                return;
            };
            let known = self.partitions.entry(entry.partition).or_default();
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
                }
                EntryKind::Durable => {
                    let durable = (run, entry.segment, entry.position);
                    known.durable = known.durable.max(Some(durable));
                }
                EntryKind::LogStart => {
                    let offset = i64::try_from(entry.position).unwrap_or(0);
                    known.log_start = known.log_start.max(offset);
                }
            }
        }
    }
}

/// All frames of the file's newest use whose checksum holds.
fn find_frames(bytes: &[u8], file: usize) -> Vec<FoundFrame> {
    let align = to_usize(FRAME_ALIGN);
    let mut frames: Vec<FoundFrame> = Vec::new();
    let mut position = 0;
    while position + FRAME_HEADER_BYTES <= bytes.len() {
        let rest = &bytes[position..];
        let parsed = if rest.starts_with(&FRAME_MAGIC) { FrameHeader::parse(rest) } else { None };
        match parsed {
            Some((header, body)) => {
                let start = position + FRAME_HEADER_BYTES;
                let body = start..start + body.len();
                let end = body.end;
                frames.push(FoundFrame { header, file, position, body });
                position = end.next_multiple_of(align);
            }
            None => position += align,
        }
    }
    let newest = frames.iter().map(|frame| frame.header.generation).max();
    frames.retain(|frame| Some(frame.header.generation) == newest);
    frames
}

async fn read_file<E: Env>(env: &E, path: &Path) -> Result<Vec<u8>, LogError> {
    let failed = |error: std::io::Error| LogError::io("read", path, &error);
    let mode = OpenMode { write: false, create: Create::Never, direct: false };
    let file = env.open(path, mode).await.map_err(failed)?;
    let len = file.len().map_err(failed)?.min(JOURNAL_BYTES_MAX);
    let mut bytes = vec![0; to_usize(len)];
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + READ_BYTES);
        let position = crate::tail::to_u64(at);
        let count = file.read_cached(&mut bytes[at..end], position).map_err(failed)?;
        if count == 0 {
            bytes.truncate(at);
        }
        at += count;
        env.yield_now().await;
    }
    Ok(bytes)
}

/// The highest run in the first frames of the journals, without reading them whole.
pub(crate) async fn newest_run<E: Env>(env: &E, paths: &[PathBuf]) -> Result<u32, LogError> {
    let mut newest = 0;
    for path in paths {
        let failed = |error: std::io::Error| LogError::io("read", path, &error);
        let mode = OpenMode { write: false, create: Create::Never, direct: false };
        let file = env.open(path, mode).await.map_err(failed)?;
        let mut head = [0; FRAME_HEADER_BYTES];
        let count = file.read_cached(&mut head, 0).map_err(failed)?;
        if count == head.len() && head.starts_with(&FRAME_MAGIC) {
            let run = u32::from_be_bytes([head[20], head[21], head[22], head[23]]);
            newest = newest.max(run);
        }
    }
    Ok(newest)
}
