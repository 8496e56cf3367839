//! Group commit: one task turns what all partitions have pending into journal frames, another makes
//! the frames durable. While a sync is under way the next frame gathers, and behind it for a
//! moment those that it answered ([`crate::group`]). Lives on the shard; partitions put themselves
//! into the queue when something was appended.

use crate::append::Acks;
use crate::config::{
    FRAME_BODY_BYTES_MAX, FRAME_SLICES_MAX, JOURNAL_FILE_BYTES_MIN, NO_SPACE_RETRY_MS,
};
use crate::error::LogError;
use crate::frame::{
    ENTRY_HEADER_BYTES, EntryHeader, EntryKind, FRAME_HEADER_BYTES, FrameHeader, Generation,
};
use crate::group::{Groups, gather_group};
use crate::journal::{Files, Room};
use crate::partition::{Partition, Place};
use crate::plant::{self, Bug};
use crate::points::Mark;
use crate::segment::Segment;
use crate::shared::Shared;
use crate::tail::{Tail, to_u64, to_usize};
use engine_io::sync::Signal;
use engine_io::{Env, File, Queue};
use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Ranges of at most so many bytes are copied together with their entries' headers: a long list of
/// short slices costs more than the copy.
const COPIED_BYTES_MAX: u64 = 2 << 10;
/// Notes of one kind, evidence or needed, that wait for the next frame. Beyond: of evidence the oldest
/// is dropped, and who needs one waits.
const NOTES_MAX: usize = 512;

const _: () = assert!(JOURNAL_FILE_BYTES_MIN == 256 << 10);
const _: () = assert!(FRAME_HEADER_BYTES + 2 * NOTES_MAX * ENTRY_HEADER_BYTES <= 128 << 10);

pub(crate) struct Commit<E: Env> {
    queue: RefCell<VecDeque<Partition<E>>>,
    /// Entries without bytes that go with the next frame, as evidence.
    notes: RefCell<VecDeque<EntryHeader>>,
    /// Such entries that somebody waits for: a frame is written for their sake.
    needed: RefCell<Vec<EntryHeader>>,
    pub files: RefCell<Files<E>>,
    /// Frames written, and frames known to be on stable media.
    pub written: Cell<u64>,
    pub synced: Cell<u64>,
    /// Something pending was appended with acks=1: the frame does not wait for a sync under way.
    leader_pending: Cell<bool>,
    /// Appends with acks=all so far.
    pub asked: Cell<u64>,
    pub groups: Groups,
    pub sync_wanted: Cell<bool>,
    sync_in_flight: Cell<bool>,
    /// Scratch of one frame.
    copied: RefCell<Vec<u8>>,
    /// Ranges in frames that no sync has covered yet.
    unsynced: RefCell<Vec<(Partition<E>, i64, Mark)>>,
    pub fenced: Cell<bool>,
    pub no_space: Cell<bool>,
    /// Frames wait for a journal file to become free or to be made.
    pub is_full: Cell<bool>,
    pub work: Signal,
    pub sync_work: Signal,
    synced_moved: Signal,
}

/// What one round did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Round {
    /// A frame was written; there may be more.
    Wrote,
    /// Nothing to do, or it must wait for something that will wake the task.
    Idle,
    /// The journal has no room for the time being.
    Full,
}

/// A part of a frame: one range of one segment.
struct Piece<E: Env> {
    segment: Rc<Segment<E>>,
    start: u64,
    end: u64,
}

/// One partition's share of a frame.
struct Share<E: Env> {
    partition: Partition<E>,
    from: Mark,
    to: Place,
    pieces: Vec<Piece<E>>,
}

impl<E: Env> Commit<E> {
    pub fn new(files: Files<E>) -> Commit<E> {
        Commit {
            queue: RefCell::default(),
            notes: RefCell::default(),
            needed: RefCell::default(),
            files: RefCell::new(files),
            written: Cell::new(0),
            synced: Cell::new(0),
            leader_pending: Cell::new(false),
            asked: Cell::new(0),
            groups: Groups::default(),
            sync_wanted: Cell::new(false),
            sync_in_flight: Cell::new(false),
            copied: RefCell::default(),
            unsynced: RefCell::default(),
            fenced: Cell::new(false),
            no_space: Cell::new(false),
            is_full: Cell::new(false),
            work: Signal::new(),
            sync_work: Signal::new(),
            synced_moved: Signal::new(),
        }
    }

    /// Puts a partition with pending bytes into the queue.
    pub fn enqueue(&self, partition: &Partition<E>, acks: Acks) {
        match acks {
            Acks::Leader => self.leader_pending.set(true),
            Acks::All => self.asked.set(self.asked.get() + 1),
        }
        if !partition.0.queued.replace(true) {
            self.queue.borrow_mut().push_back(partition.clone());
        }
        self.work.notify();
    }

    /// Puts a note into the next frame, whenever that is.
    pub fn note(&self, note: EntryHeader) {
        let mut notes = self.notes.borrow_mut();
        notes.retain(|old| !is_replaced(old, &note));
        if notes.len() == NOTES_MAX {
            notes.pop_front();
        }
        notes.push_back(note);
    }

    /// Puts a note into the journal and completes once it is on stable media.
    pub async fn note_durably(&self, note: EntryHeader) -> Result<(), LogError> {
        let mut target = None;
        loop {
            let moved = self.synced_moved.wait();
            if self.fenced.get() {
                return Err(LogError::Fenced);
            }
            if target.is_none() && self.needed.borrow().len() < NOTES_MAX {
                let mut needed = self.needed.borrow_mut();
                match needed.iter_mut().find(|known| is_replaced(known, &note)) {
                    // One that waited for room may say less than one that came when there was some.
                    Some(known) => {
                        let further = |one: &EntryHeader| (one.segment, one.position);
                        *known = std::cmp::max_by_key(*known, note, further);
                    }
                    None => needed.push(note),
                }
                target = Some(self.written.get() + 1);
                self.work.notify();
            }
            if target.is_some_and(|target| self.synced.get() >= target) {
                return Ok(());
            }
            if self.no_space.get() {
                return Err(LogError::NoSpace);
            }
            moved.await;
        }
    }

    pub fn has_unsynced(&self) -> bool {
        !self.unsynced.borrow().is_empty()
    }

    /// Lets go of all partitions.
    pub fn clear(&self) {
        let (queue, unsynced) = (self.queue.take(), self.unsynced.take());
        drop((queue, unsynced));
    }

    pub fn want_sync(&self) {
        self.sync_wanted.set(true);
        self.sync_work.notify();
    }

    /// Wakes both tasks to look around: space was made, or the log stops.
    pub fn wake(&self) {
        self.work.notify();
        self.sync_work.notify();
        self.synced_moved.notify();
    }
}

/// Whether a newer note, or one that goes further, says all that an older one does.
fn is_replaced(old: &EntryHeader, new: &EntryHeader) -> bool {
    (old.kind, old.partition) == (new.kind, new.partition)
}

/// The task that writes frames.
pub(crate) async fn write_frames<E: Env>(shared: Rc<Shared<E>>) {
    loop {
        let commit = &shared.commit;
        let work = commit.work.wait();
        if shared.stopped.get() {
            return;
        }
        let round = write_round(&shared);
        commit.is_full.set(round == Round::Full);
        match round {
            Round::Wrote => {}
            Round::Idle => work.await,
            Round::Full => {
                shared.want_checkpoint();
                if commit.no_space.get() {
                    shared.env.sleep(Duration::from_millis(NO_SPACE_RETRY_MS)).await;
                } else {
                    work.await;
                }
            }
        }
    }
}

fn write_round<E: Env>(shared: &Rc<Shared<E>>) -> Round {
    let commit = &shared.commit;
    if commit.fenced.get() {
        commit.queue.borrow_mut().clear();
        return Round::Idle;
    }
    let urgent = commit.leader_pending.get();
    if commit.sync_in_flight.get() && !urgent {
        return Round::Idle;
    }
    let shares = gather(shared);
    if shares.is_empty() && commit.needed.borrow().is_empty() {
        commit.leader_pending.set(false);
        // Whatever was refused for want of space is gone: the next append shall try again.
        commit.no_space.set(false);
        return Round::Idle;
    }
    let result = write_frame(shared, &shares);
    match result {
        Ok(true) => {
            finish_round(shared, shares);
            if commit.queue.borrow().is_empty() {
                commit.leader_pending.set(false);
            }
            Round::Wrote
        }
        Ok(false) => {
            requeue(commit, shares);
            Round::Full
        }
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            stall(shared);
            requeue(commit, shares);
            Round::Full
        }
        Err(error) => {
            fence(shared, "journal frame could not be written", &error);
            Round::Idle
        }
    }
}

/// Takes partitions from the queue until a frame is full. Those with much pending get a task of
/// their own.
fn gather<E: Env>(shared: &Rc<Shared<E>>) -> Vec<Share<E>> {
    let commit = &shared.commit;
    let mut shares = Vec::new();
    let (mut body, mut slices) = (0, 1);
    let body_max = FRAME_BODY_BYTES_MAX.min(to_usize(commit.files.borrow().file_bytes() / 2));
    loop {
        let Some(partition) = commit.queue.borrow_mut().pop_front() else { break };
        partition.0.queued.set(false);
        if partition.0.direct.get() || partition.0.stop.get().is_some() {
            // The task, when done, puts the partition back.
            continue;
        }
        if partition.wants_direct() {
            partition.spawn_direct();
            continue;
        }
        let (from, to) = (partition.pending_start(), partition.end_place());
        let pieces = partition.pieces(from, to.mark);
        if pieces.is_empty() {
            continue;
        }
        let bytes: usize =
            pieces.iter().map(|(_, start, end)| ENTRY_HEADER_BYTES + to_usize(end - start)).sum();
        let bytes = bytes + partition.name_entry_bytes();
        // Chunks hold at least 16 KiB, so a range below the direct threshold has few slices.
        let count = match partition.pending_bytes() {
            ..=COPIED_BYTES_MAX => 0,
            pending => pieces.len() * 2 + to_usize(pending >> 14) + 2,
        };
        let full = body + bytes > body_max || slices + count > FRAME_SLICES_MAX;
        if full && !shares.is_empty() {
            partition.0.queued.set(true);
            commit.queue.borrow_mut().push_front(partition);
            break;
        }
        body += bytes;
        slices += count;
        let pieces =
            pieces.into_iter().map(|(segment, start, end)| Piece { segment, start, end }).collect();
        shares.push(Share { partition, from, to, pieces });
    }
    shares
}

fn requeue<E: Env>(commit: &Commit<E>, shares: Vec<Share<E>>) {
    for share in shares.into_iter().rev() {
        if !share.partition.0.queued.replace(true) {
            commit.queue.borrow_mut().push_front(share.partition);
        }
    }
}

/// Writes one frame with all shares and waiting notes. `Ok(false)`: no room in the journal.
fn write_frame<E: Env>(shared: &Rc<Shared<E>>, shares: &[Share<E>]) -> io::Result<bool> {
    let commit = &shared.commit;
    let pieces: Vec<(&Share<E>, &Piece<E>)> = shares
        .iter()
        .flat_map(|share| share.pieces.iter().map(move |piece| (share, piece)))
        .collect();
    // Headers of entries and what is copied. Before `cuts`, positions in it, come the long ranges.
    let mut copied = commit.copied.borrow_mut();
    copied.clear();
    let named: usize = shares.iter().map(|one| one.partition.put_name_entry(&mut copied)).sum();
    let mut cuts = Vec::new();
    let mut body_bytes = copied.len();
    for (index, (share, piece)) in pieces.iter().enumerate() {
        let bytes = piece.end - piece.start;
        let entry = EntryHeader {
            kind: EntryKind::Data,
            partition: share.partition.id(),
            segment: piece.segment.base,
            position: piece.start,
            length: u32::try_from(bytes).expect("below the frame's limit"),
        };
        entry.encode(&mut copied);
        body_bytes += ENTRY_HEADER_BYTES + to_usize(bytes);
        if bytes <= COPIED_BYTES_MAX {
            let tail = piece.segment.tail.borrow();
            tail.slices(piece.start..piece.end, |slice| copied.extend_from_slice(slice));
        } else {
            cuts.push((copied.len(), index));
        }
    }
    let (needed, evidence) = (commit.needed.borrow().len(), commit.notes.borrow().len());
    let notes = needed + evidence;
    commit.needed.borrow().iter().for_each(|note| note.encode(&mut copied));
    commit.notes.borrow().iter().for_each(|note| note.encode(&mut copied));
    body_bytes += notes * ENTRY_HEADER_BYTES;

    let mut files = commit.files.borrow_mut();
    let room = files.room(to_u64(FRAME_HEADER_BYTES + body_bytes));
    let (generation, position) = match room {
        Room::At(generation, position) => (generation, position),
        Room::None => return Ok(false),
    };
    let tails: Vec<Ref<'_, Tail>> =
        cuts.iter().map(|(_, index)| pieces[*index].1.segment.tail.borrow()).collect();
    let mut slices: Vec<&[u8]> = Vec::with_capacity(cuts.len() * 3 + 1);
    let mut from = 0;
    for ((cut, index), tail) in cuts.iter().zip(&tails) {
        slices.push(&copied[from..*cut]);
        from = *cut;
        let piece = pieces[*index].1;
        tail.slices(piece.start..piece.end, |slice| slices.push(slice));
    }
    if from < copied.len() {
        slices.push(&copied[from..]);
    }
    let entries = named + pieces.len() + notes;
    let header = frame_header(shared, (generation, files.id()), body_bytes, entries);
    let head = header.encode(slices.iter().copied());
    let mut vector = Vec::with_capacity(slices.len() + 1);
    vector.push(io::IoSlice::new(&head));
    vector.extend(slices.iter().map(|slice| io::IoSlice::new(slice)));
    let bytes = to_u64(FRAME_HEADER_BYTES + body_bytes);
    files.write(&vector, position, bytes, notes > 0)?;
    commit.notes.borrow_mut().clear();
    commit.needed.borrow_mut().clear();
    commit.written.set(header.sequence);
    if needed > 0 {
        commit.sync_wanted.set(true);
    }
    Ok(true)
}

fn frame_header<E: Env>(
    shared: &Shared<E>,
    (generation, id): (Generation, u64),
    body_bytes: usize,
    entry_count: usize,
) -> FrameHeader {
    FrameHeader {
        generation,
        id,
        sequence: shared.commit.written.get() + 1,
        synced_sequence: shared.commit.synced.get(),
        body_bytes: u32::try_from(body_bytes).expect("below the frame's limit"),
        entry_count: u32::try_from(entry_count).expect("below the frame's limit"),
        shard: shared.config.shard,
        shard_count: shared.config.shard_count,
    }
}

/// The frame is in the kernel's hands: acks=1 holds from here on.
fn finish_round<E: Env>(shared: &Rc<Shared<E>>, shares: Vec<Share<E>>) {
    let commit = &shared.commit;
    commit.no_space.set(false);
    for share in shares {
        let partition = share.partition;
        let to = share.to.mark;
        partition.0.submitted.set(to);
        partition.set_kill_safe(share.to);
        commit.files.borrow_mut().note_end(partition.0.slot, to.offset);
        commit.unsynced.borrow_mut().push((partition.clone(), share.from.offset, to));
        let wants_all = partition
            .0
            .all_pending
            .borrow()
            .back()
            .is_some_and(|(_, end)| *end > share.from.offset);
        if wants_all {
            commit.sync_wanted.set(true);
            if partition.0.unflushed.get() {
                partition.spawn_flush();
            }
        }
        partition.advance();
        partition.maybe_write_out();
    }
    if commit.files.borrow().wants_checkpoint() {
        shared.want_checkpoint();
    }
    if commit.sync_wanted.get() {
        commit.sync_work.notify();
    }
}

/// The task that makes frames durable.
pub(crate) async fn sync_frames<E: Env>(shared: Rc<Shared<E>>) {
    loop {
        let commit = &shared.commit;
        let work = commit.sync_work.wait();
        if shared.stopped.get() || commit.fenced.get() {
            return;
        }
        if !commit.sync_wanted.get() || commit.synced.get() == commit.written.get() {
            commit.sync_wanted.set(false);
            work.await;
            continue;
        }
        commit.sync_wanted.set(false);
        let target = commit.written.get();
        let covered = commit.unsynced.take();
        let (asked, begun) = (commit.asked.get(), shared.env.now());
        let files = commit.files.borrow_mut().begin_sync();
        commit.sync_in_flight.set(true);
        let mut result = Ok(());
        for file in files {
            if plant::is_on(Bug::SkipJournalSync) {
                continue;
            }
            result = result.and(file.sync_data().await);
        }
        if let Err(error) = result {
            commit.sync_in_flight.set(false);
            fence(&shared, "journal could not be synced", &error);
            return;
        }
        assert!(target > commit.synced.get());
        commit.synced.set(target);
        for (partition, start, end) in covered {
            partition.add_journal_synced(start, end);
            partition.advance();
        }
        commit.synced_moved.notify();
        // Frames wait on, as if the sync were still under way.
        gather_group(&shared, asked, begun).await;
        commit.sync_in_flight.set(false);
        commit.work.notify();
    }
}

/// The journal got no space: pending appends are told, and retried.
pub(crate) fn stall<E: Env>(shared: &Rc<Shared<E>>) {
    if !shared.commit.no_space.replace(true) {
        tracing::warn!(shard = shared.config.shard, "no space left for the journal");
    }
    shared.fail_all();
    shared.commit.synced_moved.notify();
}

/// After a failed write or sync of the journal nothing is appended on this shard any more.
pub(crate) fn fence<E: Env>(shared: &Rc<Shared<E>>, what: &'static str, error: &io::Error) {
    if shared.commit.fenced.replace(true) {
        return;
    }
    tracing::error!(shard = shared.config.shard, %error, "shard fenced: {what}");
    shared.fail_all();
    shared.commit.wake();
}

impl<E: Env> Partition<E> {
    /// Starts the task that writes pending bytes straight to the segment.
    fn spawn_direct(&self) {
        assert!(!self.0.direct.replace(true), "one such task at a time");
        let partition = self.clone();
        self.0.shared.spawn(Queue::Append, async move { partition.write_direct().await });
    }
}
