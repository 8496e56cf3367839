//! What all partitions of a shard's log have in common: the machine, settings, the journal, memory,
//! and the tasks' bookkeeping. Owned by [`ShardLog`](crate::ShardLog); one per shard.

use crate::cache::Cache;
use crate::commit::Commit;
use crate::config::LogConfig;
use crate::contents::JournalName;
use crate::error::{Damage, LogError};
use crate::partition::Partition;
use crate::points::Point;
use crate::retention::Trash;
use crate::waiting::Gate;
use engine_base::TopicPartition;
use engine_io::sync::{Lock, Signal};
use engine_io::{Env, Queue};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

pub(crate) struct Shared<E: Env> {
    pub env: E,
    pub config: LogConfig,
    /// Number of this opening of the directory, higher than all before.
    pub run: u32,
    pub partitions: RefCell<BTreeMap<TopicPartition, Partition<E>>>,
    pub commit: Commit<E>,
    pub cache: Cache<E>,
    pub gate: Rc<Gate>,
    /// No more appends.
    pub closing: Cell<bool>,
    /// No more tasks: the background loops end.
    pub stopped: Cell<bool>,
    /// Wakes the background loop: something became dirty, or the log closes.
    pub background: Signal,
    /// Whether anything was appended since the background loop last found nothing to do.
    pub dirty: Cell<bool>,
    pub checkpoint_wanted: Cell<bool>,
    pub checkpoint_lock: Lock,
    /// Held while the points file is replaced.
    pub points_lock: Lock,
    /// Bytes written straight to segments since the last checkpoint began.
    pub unchecked_bytes: Cell<u64>,
    /// Bytes with producers that no snapshot covers.
    pub unsnapped_bytes: Cell<u64>,
    /// Partitions that may need a checkpoint.
    pub dirty_partitions: RefCell<Vec<Partition<E>>>,
    /// Partitions that were appended to and have no directory yet.
    pub unnamed: RefCell<Vec<Partition<E>>>,
    /// Partitions with segment data that is not on stable media, written for acks=1.
    pub unflushed: RefCell<Vec<Partition<E>>>,
    /// Renamed files and directories that wait for their removal.
    pub trash: RefCell<Vec<Trash>>,
    /// Memory became free, perhaps.
    pub room: Signal,
    pub damages: RefCell<Vec<Damage>>,
    /// Partitions that held records and are not there or cannot be told: with the point they had.
    pub lost: RefCell<BTreeMap<TopicPartition, Point>>,
    /// Lost partitions begin anew at the end they had.
    pub accepts_loss: Cell<bool>,
    /// Journals found damaged at start, to be set aside.
    pub damaged_journals: RefCell<Vec<JournalName>>,
    /// Counts partitions, so that each has a number of its own in this run.
    pub slots: Cell<u32>,
}

impl<E: Env> Shared<E> {
    pub fn spawn(self: &Rc<Self>, queue: Queue, task: impl Future<Output = ()> + 'static) {
        let guard = self.gate.enter();
        self.env.spawn(queue, async move {
            task.await;
            drop(guard);
        });
    }

    /// Why nothing can be appended to any partition, if so.
    pub fn refusal(&self) -> Option<LogError> {
        if self.closing.get() {
            return Some(LogError::Closed);
        }
        if self.commit.fenced.get() {
            return Some(LogError::Fenced);
        }
        self.commit.no_space.get().then_some(LogError::NoSpace)
    }

    pub fn mark_dirty(&self) {
        if !self.dirty.replace(true) {
            self.background.notify();
        }
    }

    pub fn want_checkpoint(&self) {
        if !self.checkpoint_wanted.replace(true) {
            self.background.notify();
        }
    }

    pub fn next_slot(&self) -> u32 {
        let slot = self.slots.get();
        self.slots.set(slot + 1);
        slot
    }

    /// Fails every pending append that is not safe yet, after the journal or the log was fenced.
    pub fn fail_all(&self) {
        let partitions: Vec<Partition<E>> = self.partitions.borrow().values().cloned().collect();
        for partition in partitions {
            partition.wake_all();
        }
    }
}
