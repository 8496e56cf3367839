//! Cold data: blocks of segments' files that were read from the disk, and who reads them in a row.
//! Pure but for the wait for a block; [`crate::load`] fills blocks, [`crate::cache`] decides how long
//! they stay. What came from the disk is checked once: a batch is good when each of its bytes was
//! part of a batch with a good checksum since its block was read. Lives on the partition's shard.

use crate::config::COLD_BLOCK_BYTES;
use crate::error::LogError;
use crate::tail::{align_down, to_u64, to_usize};
use bytes::Bytes;
use engine_io::sync::Signal;
use engine_record::BatchHeader;
use engine_record::header::HEADER_BYTES;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// Sequential readers remembered per partition. Beyond: the one that read longest ago is forgotten.
const CURSORS_MAX: usize = 16;

/// Start of the block that holds `position`.
pub(crate) fn block_start(position: u64) -> u64 {
    position / COLD_BLOCK_BYTES * COLD_BLOCK_BYTES
}

/// How many blocks a shard has. Shared by them and the cache.
#[derive(Default)]
pub(crate) struct ColdCounts {
    /// Blocks in memory of the arena.
    pub kept: Cell<usize>,
    /// Those of them that are on their way: nobody can take them back.
    pub loading: Cell<usize>,
    /// Blocks read ahead that nobody has used yet.
    pub ahead: Cell<usize>,
}

fn add(count: &Cell<usize>, change: isize) {
    count.set(count.get().checked_add_signed(change).expect("counts match"));
}

enum State {
    Loading,
    Ready(Bytes),
    Failed(LogError),
}

/// Why a block is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Somebody waits for it.
    Wanted,
    /// A sequential reader will want it.
    Ahead,
}

/// Bytes of a segment's file, short at the end of what was written.
pub(crate) struct ColdBlock {
    pub start: u64,
    state: RefCell<State>,
    ended: Signal,
    /// Bytes known to be good.
    checked: Cell<(usize, usize)>,
    /// Nobody has used it yet.
    ahead: Cell<bool>,
    /// Those of the shard, if its memory is the arena's.
    counts: Option<Rc<ColdCounts>>,
}

impl ColdBlock {
    /// A block in memory of the arena, for all.
    pub fn new(start: u64, reason: Reason, counts: &Rc<ColdCounts>) -> Rc<ColdBlock> {
        assert_eq!(start % COLD_BLOCK_BYTES, 0);
        add(&counts.kept, 1);
        add(&counts.loading, 1);
        let ahead = reason == Reason::Ahead;
        add(&counts.ahead, isize::from(ahead));
        ColdBlock::loading(start, ahead, Some(counts.clone()))
    }

    /// Part of a block, in other memory, for one reader.
    pub fn unpooled(start: u64) -> Rc<ColdBlock> {
        assert_eq!(start, align_down(start));
        ColdBlock::loading(start, false, None)
    }

    fn loading(start: u64, ahead: bool, counts: Option<Rc<ColdCounts>>) -> Rc<ColdBlock> {
        Rc::new(ColdBlock {
            start,
            state: RefCell::new(State::Loading),
            ended: Signal::new(),
            checked: Cell::default(),
            ahead: Cell::new(ahead),
            counts,
        })
    }

    /// Whether its memory is the arena's.
    pub fn is_kept(&self) -> bool {
        self.counts.is_some()
    }

    /// Ends the wait for the block.
    pub fn end(&self, result: Result<Bytes, LogError>) {
        let state = match result {
            Ok(bytes) => State::Ready(bytes),
            Err(error) => State::Failed(error),
        };
        let before = self.state.replace(state);
        assert!(matches!(before, State::Loading), "a block is loaded once");
        if let Some(counts) = &self.counts {
            add(&counts.loading, -1);
        }
        self.ended.notify();
    }

    /// Its bytes, if they are here.
    pub fn ready(&self) -> Option<Bytes> {
        match &*self.state.borrow() {
            State::Ready(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }

    /// Its bytes, once they are here.
    pub async fn bytes(&self) -> Result<Bytes, LogError> {
        self.use_now();
        loop {
            let ended = self.ended.wait();
            match &*self.state.borrow() {
                State::Ready(bytes) => return Ok(bytes.clone()),
                State::Failed(error) => return Err(error.clone()),
                State::Loading => {}
            }
            ended.await;
        }
    }

    /// Whether it ends before `position`: it was read when less was written.
    pub fn is_short_of(&self, position: u64) -> bool {
        self.ready().is_some_and(|bytes| position >= self.start + to_u64(bytes.len()))
    }

    /// Whether it was read ahead and is not used yet.
    pub fn is_ahead(&self) -> bool {
        self.ahead.get()
    }

    /// It is not ahead of anybody any more.
    pub fn use_now(&self) {
        if self.ahead.replace(false)
            && let Some(counts) = &self.counts
        {
            add(&counts.ahead, -1);
        }
    }

    fn is_checked(&self, range: &Range<usize>) -> bool {
        let (start, end) = self.checked.get();
        start <= range.start && range.end <= end
    }

    /// Notes that `range` is good. Of two ranges apart the new one counts: its reader goes on.
    fn set_checked(&self, range: &Range<usize>) {
        let (start, end) = self.checked.get();
        let apart = range.end < start || end < range.start;
        self.checked.set(match apart {
            true => (range.start, range.end),
            false => (start.min(range.start), end.max(range.end)),
        });
    }
}

impl Drop for ColdBlock {
    fn drop(&mut self) {
        self.use_now();
        if let Some(counts) = &self.counts {
            add(&counts.kept, -1);
            // The task that reads it was dropped: the shard ends.
            let is_loading = matches!(*self.state.borrow(), State::Loading);
            add(&counts.loading, -isize::from(is_loading));
        }
    }
}

/// A part of what is read: of a block, or of a tail, which needs no check.
pub(crate) struct Piece {
    pub bytes: Bytes,
    /// The block, and where in it `bytes` begins.
    block: Option<(Rc<ColdBlock>, usize)>,
}

impl Piece {
    pub fn hot(bytes: Bytes) -> Piece {
        Piece { bytes, block: None }
    }

    /// The bytes of `block`, which are `bytes`, from `position` on up to `end`.
    pub fn cold(block: Rc<ColdBlock>, bytes: &Bytes, position: u64, end: u64) -> Piece {
        let from = to_usize(position - block.start);
        let to = bytes.len().min(to_usize(end - block.start));
        Piece { bytes: bytes.slice(from..to), block: Some((block, from)) }
    }

    /// `range` of this piece in its block.
    fn in_block(from: usize, range: &Range<usize>) -> Range<usize> {
        from + range.start..from + range.end
    }

    fn is_checked(&self, range: &Range<usize>) -> bool {
        let Some((block, from)) = &self.block else { return true };
        block.is_checked(&Self::in_block(*from, range))
    }
}

/// Sees to it that all batches of `pieces`, which begin and end with one, are good; those known to
/// be are not looked at again. `Err`: bytes before the first bad one.
pub(crate) fn check(pieces: &[Piece]) -> Result<(), u64> {
    let whole = |piece: &Piece| 0..piece.bytes.len();
    if !pieces.iter().all(|piece| piece.is_checked(&whole(piece))) {
        check_batches(pieces)?;
    }
    for piece in pieces {
        if let Some((block, from)) = &piece.block {
            let range = Piece::in_block(*from, &whole(piece));
            block.set_checked(&range);
        }
    }
    Ok(())
}

fn check_batches(pieces: &[Piece]) -> Result<(), u64> {
    let total: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    // The piece in which the next batch begins, where in it, and where in all of them.
    let (mut index, mut at, mut done) = (0, 0, 0);
    while done < total {
        let bad = to_u64(done);
        let mut head = [0; HEADER_BYTES];
        let mut filled = 0;
        for (piece, range) in parts(&pieces[index..], at, HEADER_BYTES.min(total - done)) {
            head[filled..filled + range.len()].copy_from_slice(&piece.bytes[range.clone()]);
            filled += range.len();
        }
        let header = BatchHeader::parse(&head[..filled]).map_err(|_| bad)?;
        let bytes = header.bytes_len();
        if bytes > total - done {
            return Err(bad);
        }
        let batch = || parts(&pieces[index..], at, bytes);
        if !batch().all(|(piece, range)| piece.is_checked(&range)) {
            header
                .check_crc_of(batch().map(|(piece, range)| &piece.bytes[range]))
                .map_err(|_| bad)?;
        }
        done += bytes;
        at += bytes;
        while index < pieces.len() && at >= pieces[index].bytes.len() {
            at -= pieces[index].bytes.len();
            index += 1;
        }
    }
    Ok(())
}

/// `bytes` from `at` of the first of `pieces` on, which are there, piece by piece.
fn parts(
    pieces: &[Piece],
    mut at: usize,
    mut bytes: usize,
) -> impl Iterator<Item = (&Piece, Range<usize>)> {
    pieces.iter().map_while(move |piece| {
        let range = at..piece.bytes.len().min(at + bytes);
        bytes -= range.len();
        at = 0;
        (!range.is_empty()).then_some((piece, range))
    })
}

/// A reader of cold data.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    segment: i64,
    /// Where its last read ended.
    position: u64,
    /// Bytes it has read in a row.
    run_bytes: u64,
}

/// The readers of a partition's cold data, the one that read last at the back.
#[derive(Default, Debug)]
pub(crate) struct Cursors(Vec<Cursor>);

impl Cursors {
    /// Notes a read of `range` after which a reader goes on at `next`, a segment and a position.
    /// Returns the bytes that this reader had read in a row before.
    pub fn note(&mut self, segment: i64, range: Range<u64>, next: (i64, u64)) -> u64 {
        let known = self
            .0
            .iter()
            .position(|cursor| cursor.segment == segment && cursor.position == range.start);
        let before = known.map_or(0, |index| self.0.remove(index).run_bytes);
        if self.0.len() == CURSORS_MAX {
            self.0.remove(0);
        }
        let run_bytes = before + (range.end - range.start);
        self.0.push(Cursor { segment: next.0, position: next.1, run_bytes });
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_record::{BatchBuilder, BatchOptions};

    fn batch(bytes: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.append(1, None, Some(&vec![7; bytes]), &[]);
        builder.finish()
    }

    fn block(start: u64, bytes: &[u8]) -> (Rc<ColdBlock>, Bytes) {
        let block = ColdBlock::new(start, Reason::Wanted, &Rc::default());
        let bytes = Bytes::copy_from_slice(bytes);
        block.end(Ok(bytes.clone()));
        (block, bytes)
    }

    fn bad(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
        bytes[at] ^= 1;
        bytes
    }

    #[test]
    fn batches_are_checked_once_and_again_when_a_block_was_read_again() {
        let data = [batch(300), batch(200_000), batch(100)].concat();
        let cut = 100_000;
        let position = COLD_BLOCK_BYTES - to_u64(cut);
        let first = [vec![0; to_usize(COLD_BLOCK_BYTES) - cut], data[..cut].to_vec()].concat();
        let end = position + to_u64(data.len());
        let read = |a: &(Rc<ColdBlock>, Bytes), b: &(Rc<ColdBlock>, Bytes)| {
            let a = Piece::cold(a.0.clone(), &a.1, position, end);
            check(&[a, Piece::cold(b.0.clone(), &b.1, COLD_BLOCK_BYTES, end)])
        };
        let a = block(0, &first);
        let b = block(COLD_BLOCK_BYTES, &data[cut..]);
        assert_eq!(read(&a, &b), Ok(()));
        // The second block is read again and is damaged, in each of its batches in turn.
        let start = batch(300).len();
        let last = start + batch(200_000).len();
        for (flip, told) in [(cut, start), (last - 1, start), (last + 90, last)] {
            let spoiled = block(COLD_BLOCK_BYTES, &bad(data.clone(), flip)[cut..]);
            assert_eq!(read(&a, &spoiled), Err(to_u64(told)));
            assert_eq!(
                read(&a, &spoiled),
                Err(to_u64(told)),
                "failure is not remembered as success"
            );
        }
        assert_eq!(read(&a, &block(COLD_BLOCK_BYTES, &data[cut..])), Ok(()));
        // So is the first.
        let spoiled = block(0, &bad(first.clone(), first.len() - 1));
        assert_eq!(read(&spoiled, &b), Err(to_u64(start)));
        // What was checked is not looked at again.
        let unseen = bad(data, last + 90);
        let hidden = (b.0.clone(), Bytes::copy_from_slice(&unseen[cut..]));
        assert_eq!(read(&a, &hidden), Ok(()));
    }

    #[test]
    fn ranges_that_touch_are_one_and_of_others_the_new_one_counts() {
        let (block, _) = block(0, &[0; 100]);
        block.set_checked(&(10..20));
        block.set_checked(&(20..30));
        block.set_checked(&(5..12));
        assert!(block.is_checked(&(5..30)) && !block.is_checked(&(4..6)));
        block.set_checked(&(50..60));
        assert!(block.is_checked(&(50..60)) && !block.is_checked(&(10..20)));
    }

    #[test]
    fn reads_in_a_row_are_told_apart() {
        let mut cursors = Cursors::default();
        let note =
            |cursors: &mut Cursors, start| cursors.note(0, start..start + 10, (0, start + 10));
        assert_eq!(note(&mut cursors, 0), 0);
        assert_eq!(note(&mut cursors, 10), 10);
        assert_eq!(note(&mut cursors, 500), 0);
        assert_eq!(note(&mut cursors, 20), 20);
        assert_eq!(note(&mut cursors, 510), 10);
        assert_eq!(cursors.note(0, 30..40, (7, 0)), 30);
        assert_eq!(cursors.note(7, 0..10, (7, 10)), 40, "on into the next segment");
        for start in 0..100 {
            note(&mut cursors, 1000 * start);
        }
        assert_eq!(cursors.0.len(), CURSORS_MAX);
        assert_eq!(note(&mut cursors, 520), 0, "forgotten");
    }

    #[test]
    fn counts_follow_the_blocks() {
        let counts = Rc::new(ColdCounts::default());
        let first = ColdBlock::new(0, Reason::Ahead, &counts);
        let second = ColdBlock::unpooled(4096);
        assert_eq!((counts.kept.get(), counts.ahead.get()), (1, 1));
        first.use_now();
        first.use_now();
        assert_eq!((counts.kept.get(), counts.ahead.get()), (1, 0));
        drop((first, second, ColdBlock::new(0, Reason::Ahead, &counts)));
        assert_eq!((counts.kept.get(), counts.ahead.get()), (0, 0));
    }
}
