//! Takes a partition that was recovered or just made into the shard's table. Called by
//! [`ShardLog`](crate::ShardLog).

use crate::partition::{Inner, Partition, Place};
use crate::points::Point;
use crate::recovery::Loaded;
use crate::segment::Segment;
use crate::shard_log::Recovered;
use crate::shared::Shared;
use engine_io::sync::{Lock, Signal};
use engine_io::{ChunkClass, Env};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Everything recovered is durable, and the index files are complete.
fn point_after_recovery<E: Env>(loaded: &Loaded<E>, place: Place, active: &Segment<E>) -> Point {
    let files = active.index_files.get();
    let first = loaded.headers.first().map(|header| header.base_offset.0);
    Point {
        partition: loaded.id,
        log_start: loaded.log_start,
        recovery: place.mark,
        index: place.state,
        synced_position: files.synced_position,
        synced: files.synced,
        first_timestamp: active.first_timestamp.get(),
        created_ms: active.created_ms.get(),
        replay_from: first.unwrap_or(place.mark.offset),
    }
}

/// Puts a partition into the shard's table.
pub(crate) fn install<E: Env>(
    shared: &Rc<Shared<E>>,
    loaded: Loaded<E>,
    known: Option<(u32, Point)>,
) -> Recovered<E> {
    shared.damages.borrow_mut().extend(loaded.damages.iter().cloned());
    let active = loaded.segments.last().expect("a partition has a segment").clone();
    let end = active.end_mark();
    assert_eq!(end, loaded.end);
    let place = Place { mark: end, state: active.index_state() };
    if let Some((_, known)) = known
        && known.recovery.segment == active.base
    {
        active.created_ms.set(known.created_ms);
    }
    let point = point_after_recovery(&loaded, place, &active);
    let partition = Partition(Rc::new(Inner {
        id: loaded.id,
        topic: loaded.topic.into(),
        slot: shared.next_slot(),
        shared: shared.clone(),
        dir: RefCell::new(loaded.dir),
        directory: Cell::new(loaded.directory),
        named_by_journal: Cell::new(false),
        is_remade: loaded.is_remade,
        config: Cell::new(shared.config.partition),
        segments: RefCell::new(loaded.segments),
        log_start: Cell::new(loaded.log_start),
        epochs: RefCell::new(loaded.epochs),
        epochs_dirty: Cell::new(false),
        end: Cell::new(end),
        submitted: Cell::new(end),
        kill: Cell::new(place),
        power: Cell::new(end),
        high: Cell::new(end),
        all_pending: RefCell::default(),
        journal_synced: RefCell::default(),
        waiters: RefCell::default(),
        moved: Signal::new(),
        progress: Signal::new(),
        stop: Cell::new(None),
        no_space: Cell::new(false),
        queued: Cell::new(false),
        direct: Cell::new(false),
        unflushed: Cell::new(false),
        dirty: Cell::new(false),
        writing_out: Cell::new(false),
        io: Lock::default(),
        point: Cell::new(point),
        is_pointed: Cell::new(false),
        chunk_class: Cell::new(ChunkClass::K16),
        chunk_opened: Cell::new(None),
        unsnapped: RefCell::new(VecDeque::new()),
        snapshot_due: Cell::new(false),
        snapshots: RefCell::new(loaded.snapshots),
        cursors: RefCell::default(),
    }));
    for header in &loaded.headers {
        let bytes = crate::tail::to_u64(header.bytes_len());
        partition.0.add_unsnapped(header.base_offset.0, bytes);
        shared.unsnapped_bytes.set(shared.unsnapped_bytes.get() + bytes);
    }
    shared.partitions.borrow_mut().insert(loaded.id, partition.clone());
    Recovered {
        partition,
        snapshot: loaded.snapshot,
        headers: loaded.headers,
        scanned_bytes: loaded.scanned_bytes,
    }
}
