//! The journal's files: preallocated with written zeros, so that a sync needs no metadata, used one
//! after another, and used again once the segments hold everything that is in them. Owned by
//! [`Commit`](crate::commit::Commit).

use crate::config::{JOURNAL_FILE_BYTES_MIN, JOURNAL_FILES_MAX};
use crate::frame::{FRAME_ALIGN, Generation, SYNC_ALIGN};
use crate::names;
use engine_io::{Create, Env, File, OpenMode};
use std::collections::HashMap;
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
    /// Has frames that no sync has covered.
    dirty: bool,
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
    turns: u32,
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
    pub fn new(run: u32, journal_bytes: u64) -> Files<E> {
        Files {
            files: Vec::new(),
            file_bytes: file_bytes(journal_bytes),
            run,
            turns: 0,
            bytes_since: 0,
            total_bytes: journal_bytes,
        }
    }

    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Takes a file that is zero-filled and durable, or holds only stale frames.
    pub fn add(&mut self, index: u32, file: Rc<E::File>) {
        assert!(self.files.len() < JOURNAL_FILES_MAX);
        self.files.push(JournalFile {
            index,
            file,
            generation: Generation::default(),
            state: State::Free,
            position: 0,
            dirty: false,
            ends: HashMap::new(),
        });
    }

    /// The index of a file that should be made now, so that the active one has a successor.
    pub fn missing(&self) -> Option<u32> {
        let free = self.files.iter().any(|file| file.state == State::Free);
        if free || self.files.len() == JOURNAL_FILES_MAX {
            return None;
        }
        let used = |index| self.files.iter().any(|file| file.index == index);
        (0..).find(|index| !used(*index))
    }

    /// Finds room for a frame of `bytes`, in the active file or a free one.
    pub fn room(&mut self, bytes: u64) -> Room {
        assert!(bytes <= self.file_bytes, "frames are limited below the size of a file");
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
        free.position = 0;
        free.generation = generation;
        assert!(free.ends.is_empty() && !free.dirty);
        self.turns = turn;
        Room::At(generation, 0)
    }

    fn active(&self) -> Option<&JournalFile<E>> {
        self.files.iter().find(|file| file.state == State::Active)
    }

    fn active_mut(&mut self) -> Option<&mut JournalFile<E>> {
        self.files.iter_mut().find(|file| file.state == State::Active)
    }

    /// Writes a frame of `bytes` where [`room`](Self::room) said.
    pub fn write(&mut self, data: &[io::IoSlice<'_>], position: u64, bytes: u64) -> io::Result<()> {
        let active = self.active_mut().expect("room was found");
        assert_eq!(active.position, position);
        active.file.write_cached(data, position)?;
        active.position = (position + bytes).next_multiple_of(FRAME_ALIGN);
        active.dirty = true;
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

    /// Frees files whose partitions all have `is_done(slot, end offset)`. Whether any was freed.
    pub fn recycle(&mut self, is_done: impl Fn(u32, i64) -> bool) -> bool {
        let mut freed = false;
        for file in &mut self.files {
            let done = file.state == State::Full
                && !file.dirty
                && file.ends.iter().all(|(slot, end)| is_done(*slot, *end));
            if done {
                file.ends.clear();
                file.state = State::Free;
                freed = true;
            }
        }
        freed
    }
}

/// Makes a journal file: zeros, written and durable. If it is there already with the right size it
/// is taken as it is (its frames are stale by then).
pub(crate) async fn make_file<E: Env>(
    env: &E,
    dir: &Path,
    shard: u16,
    index: u32,
    bytes: u64,
) -> io::Result<Rc<E::File>> {
    let path = dir.join(names::journal(shard, index));
    let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
    let file = Rc::new(env.open(&path, mode).await?);
    if file.len()? != bytes {
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
        file.sync_data().await?;
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
