//! The journal's files: preallocated with written zeros, so that a sync needs no metadata, used one
//! after another, and used again once the segments hold everything that is in them. Owned by
//! [`Commit`](crate::commit::Commit).

use crate::config::{JOURNAL_FILE_BYTES_MIN, JOURNAL_FILES_MAX};
use crate::file_header::{FRAMES_START, FileHeader};
use crate::frame::{FRAME_ALIGN, Generation, SYNC_ALIGN};
use crate::names;
use crate::plant::{self, Bug};
use crate::points::JournalState;
use engine_io::{Create, Env, File, OpenMode};
use hashbrown::HashMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// Zeros are written in pieces of this size.
const ZERO_PIECE_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Holds nothing that is needed.
    Free,
    Active,
    /// Holds frames that the segments do not hold on stable media yet.
    Full,
}

struct JournalFile<E: Env> {
    index: u32,
    file: Rc<E::File>,
    generation: Generation,
    state: State,
    position: u64,
    /// Sequences of its first and last frame. Only while it has some.
    frames: Option<(u64, u64)>,
    /// Has frames that no sync has covered.
    dirty: bool,
    /// Such frames hold notes, which somebody may want on stable media for their own sake.
    noted: bool,
    /// Of each partition (by slot) with bytes in this file: the end offset of the last of them.
    ends: HashMap<u32, i64>,
}

/// Where the next frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    At(Generation, u64),
    /// No file has room: one must be freed or made.
    None,
}

pub(crate) struct Files<E: Env> {
    files: Vec<JournalFile<E>>,
    file_bytes: u64,
    run: u32,
    /// Drawn for this run: see [`FileHeader::id`].
    id: u64,
    turns: u32,
    /// Frames written: the sequence of the last one.
    sequence: u64,
    /// The segments hold everything and nothing will be appended.
    retired: bool,
    /// Bytes written since the last checkpoint began.
    bytes_since: u64,
    total_bytes: u64,
}

/// Size of each of a journal's files.
pub(crate) fn file_bytes(journal_bytes: u64) -> u64 {
    let count = crate::tail::to_u64(JOURNAL_FILES_MAX);
    (journal_bytes / count).max(JOURNAL_FILE_BYTES_MIN).next_multiple_of(SYNC_ALIGN)
}

impl<E: Env> Files<E> {
    pub fn new(run: u32, id: u64, journal_bytes: u64) -> Files<E> {
        Files {
            files: Vec::new(),
            file_bytes: file_bytes(journal_bytes),
            run,
            id,
            turns: 0,
            sequence: 0,
            retired: false,
            bytes_since: 0,
            total_bytes: journal_bytes,
        }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The header that file `index` of this run begins with.
    pub fn header(&self, index: u32, shard: u16, shard_count: u16) -> FileHeader {
        let (run, file_bytes, id) = (self.run, self.file_bytes, self.id);
        FileHeader { run, shard, shard_count, index, file_bytes, id }
    }

    /// What a points file says of this journal. `is_done(slot, end offset)`: its points cover that
    /// much. `made`: a file that will be added.
    pub fn state(
        &self,
        is_done: impl Fn(u32, i64) -> bool,
        synced: u64,
        made: Option<u32>,
    ) -> JournalState {
        if self.retired {
            // Frames may lie there still: none is missing.
            let written = self.sequence;
            return JournalState { written, synced, ..JournalState::default() };
        }
        let needed = self.files.iter().filter(|file| !file.is_done(&is_done));
        let mut spans = [(0, 0); JOURNAL_FILES_MAX];
        for (span, known) in spans.iter_mut().zip(needed.filter_map(|file| file.frames)) {
            *span = known;
        }
        let files = self.files.iter().map(|file| file.index).chain(made);
        JournalState {
            id: self.id,
            file_bytes: self.file_bytes,
            files: files.fold(0, |bits, index| bits | 1 << index),
            written: self.sequence,
            synced,
            spans,
        }
    }

    /// Nothing in the journal is needed from now on, and the next points file shall say so.
    pub fn retire(&mut self) {
        self.retired = true;
    }

    /// Takes a file that has this run's header, is named by the points file, and is zero-filled or
    /// holds only stale frames behind it, all durable.
    pub fn add(&mut self, index: u32, file: Rc<E::File>) {
        assert!(self.files.len() < JOURNAL_FILES_MAX);
        self.files.push(JournalFile {
            index,
            file,
            generation: Generation::default(),
            state: State::Free,
            position: FRAMES_START,
            frames: None,
            dirty: false,
            noted: false,
            ends: HashMap::new(),
        });
    }

    pub fn has_free(&self) -> bool {
        self.files.iter().any(|file| file.state == State::Free)
    }

    /// The index of a file that should be made now, so that the active one has a successor.
    pub fn missing(&self) -> Option<u32> {
        if self.has_free() || self.files.len() == JOURNAL_FILES_MAX {
            return None;
        }
        let used = |index| self.files.iter().any(|file| file.index == index);
        (0..).find(|index| !used(*index))
    }

    /// Finds room for a frame of `bytes`, in the active file or a free one.
    pub fn room(&mut self, bytes: u64) -> Room {
        let limit = self.file_bytes - FRAMES_START;
        assert!(bytes <= limit, "frames are limited below the size of a file");
        if let Some(active) = self.active() {
            if active.position + bytes <= self.file_bytes {
                let active = self.active().expect("just seen");
                return Room::At(active.generation, active.position);
            }
            self.active_mut().expect("just seen").state = State::Full;
        }
        let turn = self.turns + 1;
        let generation = Generation { run: self.run, turn };
        let Some(free) = self.files.iter_mut().find(|file| file.state == State::Free) else {
            return Room::None;
        };
        free.state = State::Active;
        free.position = FRAMES_START;
        free.generation = generation;
        assert!(free.ends.is_empty() && free.frames.is_none() && !free.dirty);
        self.turns = turn;
        Room::At(generation, FRAMES_START)
    }

    fn active(&self) -> Option<&JournalFile<E>> {
        self.files.iter().find(|file| file.state == State::Active)
    }

    fn active_mut(&mut self) -> Option<&mut JournalFile<E>> {
        self.files.iter_mut().find(|file| file.state == State::Active)
    }

    /// Writes the next frame, of `bytes`, where [`room`](Self::room) said. `noted`: it has notes.
    pub fn write(
        &mut self,
        data: &[io::IoSlice<'_>],
        position: u64,
        bytes: u64,
        noted: bool,
    ) -> io::Result<()> {
        let sequence = self.sequence + 1;
        let active = self.active_mut().expect("room was found");
        assert_eq!(active.position, position);
        active.file.write_cached(data, position)?;
        active.position = (position + bytes).next_multiple_of(FRAME_ALIGN);
        active.dirty = true;
        active.noted |= noted;
        let first = active.frames.map_or(sequence, |(first, _)| first);
        active.frames = Some((first, sequence));
        self.sequence = sequence;
        self.bytes_since += bytes;
        Ok(())
    }

    /// Notes that the active file holds bytes of a partition up to `end` (an offset).
    pub fn note_end(&mut self, slot: u32, end: i64) {
        let active = self.active_mut().expect("a frame was just written");
        active.ends.insert(slot, end);
    }

    /// The files with frames not on stable media. Later frames start in a block of their own.
    pub fn begin_sync(&mut self) -> Vec<Rc<E::File>> {
        let mut files = Vec::new();
        for file in &mut self.files {
            if std::mem::take(&mut file.dirty) {
                file.noted = false;
                file.position = file.position.next_multiple_of(SYNC_ALIGN);
                files.push(file.file.clone());
            }
        }
        files
    }

    pub fn begin_checkpoint(&mut self) {
        self.bytes_since = 0;
    }

    /// Whether so much was written since the last checkpoint that the next should begin.
    pub fn wants_checkpoint(&self) -> bool {
        self.bytes_since > self.total_bytes / 2
    }

    /// The files whose partitions all have `is_done(slot, end offset)`, each with its last frame.
    pub fn freeable(&self, is_done: impl Fn(u32, i64) -> bool) -> Vec<(u32, u64)> {
        let done = self.files.iter().filter(|file| file.is_done(&is_done));
        done.filter_map(|file| Some((file.index, file.frames?.1))).collect()
    }

    /// Frees those of the files that [`freeable`](Self::freeable) named which got no frame since:
    /// the points file on disk says that they are not needed. Data that no sync has covered need not
    /// wait for one then: the segments hold it on stable media. Nor need a note whose sync is under way:
    /// a log start is in force before its note is written, so the points that made the file freeable
    /// name it, and all other notes are evidence, which may be missing. Whether any was freed.
    pub fn recycle(&mut self, freeable: &[(u32, u64)]) -> bool {
        let mut freed = false;
        for file in &mut self.files {
            let last = file.frames.map(|(_, last)| (file.index, last));
            let done = file.state == State::Full
                && !file.noted
                && (last.is_some_and(|last| freeable.contains(&last))
                    || plant::is_on(Bug::RecycleEarly));
            if done {
                file.ends.clear();
                file.frames = None;
                file.dirty = false;
                file.state = State::Free;
                freed = true;
            }
        }
        freed
    }
}

impl<E: Env> JournalFile<E> {
    fn is_done(&self, is_done: impl Fn(u32, i64) -> bool) -> bool {
        self.ends.iter().all(|(slot, end)| is_done(*slot, *end))
    }
}

/// Makes a journal file: its header, then zeros, written and durable. If it is there already with
/// the right size it gets the header only (its frames are stale by then).
pub(crate) async fn make_file<E: Env>(
    env: &E,
    dir: &Path,
    header: FileHeader,
) -> io::Result<Rc<E::File>> {
    let path = dir.join(names::journal(header.shard, header.index));
    let bytes = header.file_bytes;
    let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
    let file = Rc::new(env.open(&path, mode).await?);
    let fresh = file.len()? != bytes;
    if fresh {
        file.set_len(0).await?;
        file.allocate(0, bytes).await?;
        let zeros = vec![0; ZERO_PIECE_BYTES];
        let mut position = 0;
        while position < bytes {
            let piece = (bytes - position).min(crate::tail::to_u64(ZERO_PIECE_BYTES));
            let slice = io::IoSlice::new(&zeros[..crate::tail::to_usize(piece)]);
            file.write_cached(&[slice], position)?;
            position += piece;
            env.yield_now().await;
        }
    }
    file.write_cached(&[io::IoSlice::new(&header.encode())], 0)?;
    file.sync_data().await?;
    if fresh {
        env.sync_dir(dir).await?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::file_bytes;

    #[test]
    fn files_are_whole_blocks() {
        assert_eq!(file_bytes(64 << 20), 16 << 20);
        assert_eq!(file_bytes(1), 256 << 10);
        assert_eq!(file_bytes((8 << 20) + 5) % 4096, 0);
    }
}
