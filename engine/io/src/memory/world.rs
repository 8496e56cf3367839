//! The inside of a simulated machine: tasks, virtual time, events, and the loop that runs them. One
//! world is one OS thread; everything that could happen in any order happens in an order drawn from
//! the seed. Used by the handles of this module ([`env`](super::env) and its kin); no user names it.

use super::disk::Disk;
use super::fault::{DiskCall, Verdict};
use super::net::Net;
use super::operation::{Op, OpId};
use super::options::{Options, Order};
use super::random::{Latency, Random, Trace, TraceEntry, nanos};
use crate::sync::{Receiver, Signal, oneshot};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Tasks that can run, oldest first. Behind a lock because wakers must be `Send`; never contended.
type Ready = Arc<Mutex<VecDeque<u64>>>;

struct TaskWaker {
    id: u64,
    is_queued: AtomicBool,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::Relaxed) {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(self.id);
        }
    }
}

/// What runs a future: its number and waker, known before the future exists.
#[derive(Clone)]
pub(super) struct Slot {
    pub id: u64,
    waker: Arc<TaskWaker>,
}

impl Slot {
    pub fn waker(&self) -> Waker {
        Waker::from(self.waker.clone())
    }
}

type TaskFuture<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A future that borrows from the caller of `run`; the run lasts until all of them have ended.
pub(super) struct Main<'a> {
    pub slot: Slot,
    pub future: Option<TaskFuture<'a>>,
}

/// Orders events by time, then by chance (or not), then by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct EventKey {
    at: u64,
    tie: u64,
    sequence: u64,
}

pub(super) type Act = Box<dyn FnOnce(&Rc<World>)>;

pub(super) enum Event {
    Wake(Waker),
    Disk(OpId),
    Call(&'static str, Act),
}

/// When a run ends before its main future does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Halt {
    /// After this many polls of tasks.
    Polls(u64),
    /// After the task that makes the n-th call to the disk (from 1) has yielded.
    DiskCalls(u64),
    /// When this much virtual time has passed.
    After(Duration),
}

pub(super) struct World {
    pub seed: u64,
    pub options: Options,
    /// Counts processes; what a dead one left behind must not be used.
    pub process: Cell<u64>,
    pub now: Cell<u64>,
    /// Wall clock minus monotonic clock, milliseconds.
    pub wall_offset_ms: Cell<i64>,
    pub random: RefCell<Random>,
    /// What users of `Env::random` draw from.
    pub entropy: RefCell<Random>,
    pub trace: RefCell<Trace>,
    pub disk: RefCell<Disk>,
    pub net: RefCell<Net>,
    pub stop: Signal,
    pub is_stopping: Cell<bool>,
    /// Set while the futures of a dead process are dropped: nothing they do has an effect.
    pub is_dying: Cell<bool>,
    pub is_halted: Cell<bool>,
    pub disk_calls: Cell<u64>,
    disk_calls_max: Cell<u64>,
    sequence: Cell<u64>,
    ready: Ready,
    tasks: RefCell<BTreeMap<u64, (Slot, TaskFuture<'static>)>>,
    events: RefCell<BTreeMap<EventKey, Event>>,
}

impl World {
    pub fn new(seed: u64, options: Options) -> Rc<World> {
        Rc::new(World {
            seed,
            process: Cell::new(1),
            now: Cell::new(1),
            wall_offset_ms: Cell::new(options.wall_ms),
            random: RefCell::new(Random::new(seed)),
            entropy: RefCell::new(Random::new(!seed)),
            trace: RefCell::new(Trace::new(seed, options.keep_trace)),
            disk: RefCell::new(Disk::new(&options)),
            net: RefCell::new(Net::default()),
            stop: Signal::new(),
            is_stopping: Cell::new(false),
            is_dying: Cell::new(false),
            is_halted: Cell::new(false),
            disk_calls: Cell::new(0),
            disk_calls_max: Cell::new(u64::MAX),
            sequence: Cell::new(0),
            ready: Ready::default(),
            tasks: RefCell::default(),
            events: RefCell::default(),
            options,
        })
    }

    pub fn next_sequence(&self) -> u64 {
        self.sequence.set(self.sequence.get() + 1);
        self.sequence.get()
    }

    pub fn trace(&self, what: &'static str, first: u64, second: u64) {
        let entry = TraceEntry { at: self.now.get(), what, first, second };
        self.trace.borrow_mut().add(entry);
    }

    pub fn draw(&self, latency: Latency) -> u64 {
        latency.draw(&mut self.random.borrow_mut())
    }

    // Events.

    pub fn at(&self, at: u64, event: Event) -> EventKey {
        let tie = match self.options.order {
            Order::Random => self.random.borrow_mut().draw(),
            Order::Fifo => 0,
        };
        let key = EventKey { at, tie, sequence: self.next_sequence() };
        self.events.borrow_mut().insert(key, event);
        key
    }

    pub fn after(&self, nanos: u64, event: Event) -> EventKey {
        self.at(self.now.get().saturating_add(nanos), event)
    }

    pub fn cancel(&self, key: EventKey) {
        // Not while an event that drops the future of a sleep is being taken out.
        if let Ok(mut events) = self.events.try_borrow_mut() {
            events.remove(&key);
        }
    }

    /// Runs the first event that is due at `until`; false if there is none.
    fn fire(self: &Rc<Self>, until: u64) -> bool {
        let (key, event) = {
            let mut events = self.events.borrow_mut();
            let Some(first) = events.first_entry() else { return false };
            if first.key().at > until {
                return false;
            }
            first.remove_entry()
        };
        self.now.set(self.now.get().max(key.at));
        match event {
            Event::Wake(waker) => {
                self.trace("timer", key.sequence, 0);
                waker.wake();
            }
            Event::Disk(id) => {
                self.trace("disk", id.0, 0);
                self.disk.borrow_mut().complete(id, &mut self.random.borrow_mut());
            }
            Event::Call(what, act) => {
                self.trace(what, key.sequence, 0);
                act(self);
            }
        }
        true
    }

    // Tasks.

    pub fn slot(&self) -> Slot {
        let id = self.next_sequence();
        let is_queued = AtomicBool::new(false);
        Slot { id, waker: Arc::new(TaskWaker { id, is_queued, ready: self.ready.clone() }) }
    }

    pub fn spawn(&self, slot: Slot, future: impl Future<Output = ()> + 'static) {
        if self.is_dying.get() {
            return;
        }
        slot.waker.wake_by_ref();
        self.tasks.borrow_mut().insert(slot.id, (slot, Box::pin(future)));
    }

    fn pick(&self) -> Option<u64> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() > 1 && self.options.order == Order::Random {
            let index = self.random.borrow_mut().index(ready.len());
            ready.swap(0, index);
        }
        ready.pop_front()
    }

    fn poll(self: &Rc<Self>, id: u64, mains: &mut [Main<'_>]) {
        self.trace("poll", id, 0);
        if let Some(main) = mains.iter_mut().find(|main| main.slot.id == id) {
            if let Some(future) = &mut main.future
                && Self::poll_once(&main.slot, future).is_ready()
            {
                main.future = None;
            }
        } else {
            let task = self.tasks.borrow_mut().remove(&id);
            let Some((slot, mut future)) = task else { return };
            if Self::poll_once(&slot, &mut future).is_pending() {
                self.tasks.borrow_mut().insert(id, (slot, future));
            }
        }
        let cost = match self.options.poll_nanos_max {
            0 => 0,
            max if self.options.order == Order::Fifo => max,
            max => self.random.borrow_mut().below(max + 1),
        };
        self.now.set(self.now.get() + cost);
    }

    fn poll_once(slot: &Slot, future: &mut TaskFuture<'_>) -> Poll<()> {
        slot.waker.is_queued.store(false, Ordering::Relaxed);
        future.as_mut().poll(&mut Context::from_waker(&slot.waker()))
    }

    /// Runs until all `mains` have ended (true) or `halt` says so (false).
    pub fn drive(self: &Rc<Self>, mains: &mut [Main<'_>], halt: Option<Halt>) -> bool {
        let _guard = SeedGuard(self.seed);
        self.is_halted.set(false);
        let (mut polls_max, mut until) = (u64::MAX, u64::MAX);
        self.disk_calls_max.set(u64::MAX);
        match halt {
            Some(Halt::Polls(count)) => polls_max = count,
            Some(Halt::DiskCalls(count)) => self.disk_calls_max.set(self.disk_calls.get() + count),
            Some(Halt::After(duration)) => until = self.now.get().saturating_add(nanos(duration)),
            None => {}
        }
        for main in mains.iter() {
            main.slot.waker.wake_by_ref();
        }
        let mut polls = 0;
        while mains.iter().any(|main| main.future.is_some()) {
            if self.is_halted.get() || polls >= polls_max || self.now.get() >= until {
                return false;
            }
            while self.fire(self.now.get()) {}
            match self.pick() {
                Some(id) => self.poll(id, mains),
                None if self.fire(until) => continue,
                // Nothing happens before the end that was set.
                None if until < u64::MAX => {
                    self.now.set(until);
                    continue;
                }
                None => self.deadlock(),
            }
            polls += 1;
            assert!(polls <= self.options.polls_max, "no end after {polls} polls, {self:?}");
        }
        true
    }

    fn deadlock(&self) -> ! {
        panic!("deadlock: nothing can ever run again, {self:?}");
    }

    /// Drops all tasks and events without letting them do anything any more.
    pub fn drop_tasks(&self) {
        self.is_dying.set(true);
        // One at a time, and never while the map is borrowed: drop code may spawn or cancel.
        loop {
            let task = self.tasks.borrow_mut().pop_first();
            let Some(task) = task else { break };
            drop(task);
        }
        loop {
            let event = self.events.borrow_mut().pop_first();
            let Some(event) = event else { break };
            drop(event);
        }
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.is_dying.set(false);
    }

    // Calls to the disk.

    /// What the faults say about a call, which is counted.
    pub fn judge(&self, path: &Path, call: DiskCall) -> Verdict {
        self.disk_calls.set(self.disk_calls.get() + 1);
        if self.disk_calls.get() >= self.disk_calls_max.get() {
            self.is_halted.set(true);
        }
        let mut disk = self.disk.borrow_mut();
        disk.faults.decide(path, call, &mut self.random.borrow_mut())
    }

    /// Starts an operation that completes later.
    pub fn submit(&self, path: &Path, call: DiskCall, op: Op) {
        if self.is_dying.get() {
            return;
        }
        let verdict = self.judge(path, call);
        let id = OpId(self.next_sequence());
        let latency = match call {
            DiskCall::Read => self.options.read,
            DiskCall::Write => self.options.write,
            DiskCall::Sync | DiskCall::SyncDir => self.options.sync,
            _ => self.options.metadata,
        };
        let delay = self.draw(latency).saturating_add(verdict.delay);
        self.disk.borrow_mut().start(id, op, verdict);
        if !verdict.park {
            self.after(delay, Event::Disk(id));
        }
    }

    /// Waits for a call by path to be allowed to take effect.
    pub async fn path_call(&self, path: &Path, call: DiskCall) -> io::Result<()> {
        let (done, result) = oneshot();
        self.submit(path, call, Op::Path { done });
        outcome(result).await
    }
}

/// The outcome of an operation. One that belonged to a dead process never comes.
pub(super) async fn outcome<T>(receiver: Receiver<T>) -> T {
    match receiver.await {
        Some(value) => value,
        None => std::future::pending().await,
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}, {} ns", self.seed, self.now.get())?;
        write!(f, ", {} tasks", self.tasks.borrow().len())?;
        let disk = self.disk.borrow();
        write!(f, ", {} disk operations ({} parked)", disk.in_flight.len(), disk.parked.len())
    }
}

/// Names the seed when a test panics inside the simulation.
struct SeedGuard(u64);

impl Drop for SeedGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("simulated machine: seed {}", self.0);
        }
    }
}
