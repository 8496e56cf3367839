//! Which journals must be there after a crash, and whether they are: by the points files, which name
//! the files of a shard's journal before these are used. A journal that must be there and is
//! missing, emptied or another's may have held acknowledged records, so the start is refused; frames
//! that are damaged between good ones are told. Pure; used by [`crate::replay`] only.

use crate::contents::{JournalName, PointsHead};
use crate::file_header::{FRAMES_START, FileHeader};
use crate::frame::FrameHeader;
use crate::names;
use std::ops::Range;
use std::path::PathBuf;

/// A frame that was read back.
pub(crate) struct FoundFrame {
    pub header: FrameHeader,
    /// Index of the journal in the list of those that were read.
    pub file: usize,
    pub position: usize,
    /// Position of its end.
    pub end: usize,
    /// Where its entries are in what is kept of the journal.
    pub body: Range<usize>,
}

/// A journal that was read.
pub(crate) struct FoundFile {
    pub name: JournalName,
    pub path: PathBuf,
    pub len: u64,
    pub header: Option<FileHeader>,
}

/// A journal that must be there and cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Loss {
    pub file: PathBuf,
    pub what: String,
}

/// Frames that are missing between or after others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Gap {
    pub run: u32,
    pub shard: u16,
    pub first: u64,
    pub last: u64,
    /// Highest frame of the run that was on stable media.
    pub synced: u64,
    /// Index of the journal, and the position in it at which the first of them should be.
    pub place: Option<(usize, u64)>,
}

impl Gap {
    /// No crash takes these away. (Others may have been lost with the power.)
    pub fn is_damage(&self) -> bool {
        self.first <= self.synced
    }
}

/// The points files whose journals count: those after which no start got so far that all shards
/// wrote points again.
pub(crate) fn in_force(heads: &[PointsHead]) -> Vec<&PointsHead> {
    let is_superseded = |head: &PointsHead| {
        heads.iter().any(|other| {
            (0..other.shard_count).all(|shard| {
                heads.iter().any(|one| {
                    one.shard_count == other.shard_count && one.shard == shard && one.run > head.run
                })
            })
        })
    };
    heads.iter().filter(|head| !is_superseded(head)).collect()
}

/// The journals that `head` names and that are not what they should be.
pub(crate) fn lost_files(
    head: &PointsHead,
    files: &[FoundFile],
    frames: &[FoundFrame],
) -> Vec<Loss> {
    let mut lost = Vec::new();
    let journal = &head.journal;
    for index in (0..u32::BITS).filter(|index| journal.files >> index & 1 == 1) {
        let name = JournalName { shard: head.shard, index };
        let Some(at) = files.iter().position(|file| file.name == name) else {
            let file = head.dir.join(names::journal(head.shard, index));
            lost.push(Loss { file, what: "is missing".to_owned() });
            continue;
        };
        let file = &files[at];
        let has_frames = frames.iter().any(|frame| frame.file == at && head.wrote(&frame.header));
        let what = if file.len != journal.file_bytes {
            format!("has {} bytes instead of {}", file.len, journal.file_bytes)
        } else {
            match file.header {
                Some(header) if header.id == journal.id && header.index == index => continue,
                // Told as damage, see `damaged_headers`.
                None if has_frames => continue,
                None => "was emptied or damaged: it has no header and no frame".to_owned(),
                Some(header) => format!("is another journal's file (of run {})", header.run),
            }
        };
        lost.push(Loss { file: file.path.clone(), what });
    }
    lost
}

/// Journals that `head` names whose header is damaged while frames are there.
pub(crate) fn damaged_headers(head: &PointsHead, files: &[FoundFile]) -> Vec<usize> {
    let named = |file: &FoundFile| {
        file.name.shard == head.shard && head.journal.files >> file.name.index & 1 == 1
    };
    let damaged = files.iter().enumerate().filter(|(_, file)| named(file) && file.header.is_none());
    damaged.map(|(at, _)| at).collect()
}

/// The frames of `head`'s run that should be there and are not. `frames` in order.
pub(crate) fn gaps(head: &PointsHead, frames: &[FoundFrame]) -> Vec<Gap> {
    let own: Vec<&FoundFrame> = frames.iter().filter(|frame| head.wrote(&frame.header)).collect();
    let journal = &head.journal;
    let synced = own.iter().map(|frame| frame.header.synced_sequence).max().unwrap_or(0);
    let synced = synced.max(journal.synced);
    let newest = own.last().map_or(0, |frame| frame.header.sequence).max(synced);
    let spans = journal.spans.iter().copied().filter(|span| *span != (0, 0));
    let mut gaps = Vec::new();
    for (first, last) in spans.chain(std::iter::once((journal.written + 1, newest))) {
        let mut expected = first;
        let from = own.partition_point(|frame| frame.header.sequence < first);
        let within = own[from..].iter().take_while(|frame| frame.header.sequence <= last);
        let found = within.map(|frame| frame.header.sequence);
        for sequence in found.chain((last >= first).then_some(last + 1)) {
            if sequence > expected {
                gaps.push(Gap {
                    run: head.run,
                    shard: head.shard,
                    first: expected,
                    last: sequence - 1,
                    synced,
                    place: place(&own, expected),
                });
            }
            expected = sequence + 1;
        }
    }
    gaps
}

/// Where the frame `sequence` should have been.
fn place(own: &[&FoundFrame], sequence: u64) -> Option<(usize, u64)> {
    let above = own.partition_point(|frame| frame.header.sequence < sequence);
    let before = above.checked_sub(1).map(|at| own[at]);
    let after = own.get(above);
    let end = |frame: &FoundFrame| (frame.file, crate::tail::to_u64(frame.end));
    match (before, after) {
        (Some(before), Some(after)) if before.file == after.file => Some(end(before)),
        (_, Some(after)) if crate::tail::to_u64(after.position) != FRAMES_START => {
            Some((after.file, FRAMES_START))
        }
        (Some(before), _) => Some(end(before)),
        (None, Some(after)) => Some((after.file, FRAMES_START)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Generation;
    use crate::points::JournalState;

    fn head(shard_count: u16, shard: u16, run: u32) -> PointsHead {
        let journal = JournalState { id: 5, file_bytes: 1 << 20, files: 1, ..Default::default() };
        PointsHead { dir: "/data".into(), run, shard, shard_count, journal }
    }

    #[test]
    fn points_count_until_all_shards_of_a_later_start_wrote_theirs() {
        let runs = |heads: &[PointsHead]| {
            let left = in_force(heads).into_iter();
            left.map(|head| (head.shard_count, head.shard)).collect::<Vec<_>>()
        };
        let old = [head(2, 0, 5), head(2, 1, 6)];
        assert_eq!(runs(&old), [(2, 0), (2, 1)]);
        let begun = [old[0].clone(), old[1].clone(), head(3, 0, 7), head(3, 2, 8)];
        assert_eq!(runs(&begun).len(), 4);
        let done = [begun.as_slice(), &[head(3, 1, 9)]].concat();
        assert_eq!(runs(&done), [(3, 0), (3, 2), (3, 1)]);
        // The old count again: what shard 1 of it had is needed still.
        let again = [head(2, 0, 9), head(2, 1, 6), head(3, 0, 7)];
        assert_eq!(runs(&again).len(), 3);
    }

    fn frames(sequences: &[(u64, u64)]) -> Vec<FoundFrame> {
        let made = sequences.iter().map(|(sequence, synced_sequence)| {
            let position = 4096 + usize::try_from(*sequence).expect("small") * 100;
            FoundFrame {
                header: FrameHeader {
                    generation: Generation { run: 5, turn: 1 },
                    sequence: *sequence,
                    synced_sequence: *synced_sequence,
                    body_bytes: 0,
                    entry_count: 0,
                    shard: 0,
                    shard_count: 1,
                    id: 5,
                },
                file: 0,
                position,
                end: position + 60,
                body: 0..0,
            }
        });
        made.collect()
    }

    #[test]
    fn missing_frames_are_found_and_judged() {
        let mut head = head(1, 0, 5);
        let check = |head: &PointsHead, list: &[(u64, u64)]| {
            let gaps = gaps(head, &frames(list));
            gaps.iter().map(|gap| (gap.first, gap.last, gap.is_damage())).collect::<Vec<_>>()
        };
        assert_eq!(check(&head, &[]), []);
        assert_eq!(check(&head, &[(1, 0), (2, 0), (3, 2)]), []);
        assert_eq!(check(&head, &[(1, 0), (3, 2)]), [(2, 2, true)]);
        assert_eq!(check(&head, &[(1, 0), (3, 1)]), [(2, 2, false)], "the power may have gone");
        assert_eq!(check(&head, &[(3, 1)]), [(1, 2, true)]);
        head.journal = JournalState {
            written: 20,
            synced: 18,
            spans: [(3, 4), (8, 9), (0, 0), (0, 0)],
            ..head.journal
        };
        assert_eq!(check(&head, &[]), [(3, 4, true), (8, 9, true)]);
        assert_eq!(check(&head, &[(3, 0), (4, 0), (8, 0), (9, 0), (21, 0)]), []);
        assert_eq!(check(&head, &[(3, 0), (4, 0), (8, 0), (9, 0), (23, 22)]), [(21, 22, true)]);
        assert_eq!(check(&head, &[(4, 0), (8, 0), (9, 0), (21, 0)]), [(3, 3, true)]);
    }
}
