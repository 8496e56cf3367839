//! What one shard of the runtime has: its ring, task queues, tasks, clock, chance, and whether it was
//! asked to stop. Lives on the shard's thread; [`UringEnv`](super::UringEnv) is a handle to it.

use super::bell::StopHandle;
use super::ring::Ring;
use super::timers::{Sleep, Timers};
use crate::env::{Instant, Queue};
use crate::sync::Signal;
use engine_base::ShardId;
use glommio::{Latency, Shares, TaskQueueHandle};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

/// Shares of the task queues: who gets how much of the thread when all want it.
const NET_SHARES: usize = 1000;
const APPEND_SHARES: usize = 1000;
const BACKGROUND_SHARES: usize = 100;
const PUMP_SHARES: usize = 1000;
/// Rounds in which tasks, as they are dropped at the end, may start others.
const DROP_ROUNDS_MAX: usize = 16;

pub(super) struct Shard {
    pub(super) id: ShardId,
    pub(super) count: u16,
    pub(super) ring: Rc<Ring>,
    pub(super) timers: Rc<Timers>,
    queues: Queues,
    /// State of the generator (SplitMix64).
    random: Cell<u64>,
    stop: StopHandle,
    stopped: Cell<bool>,
    stopping: Signal,
    /// All tasks that run. `None` once the shard ends.
    tasks: RefCell<Option<Slab<Rc<Task>>>>,
}

struct Queues {
    net: TaskQueueHandle,
    append: TaskQueueHandle,
    background: TaskQueueHandle,
    pump: TaskQueueHandle,
}

/// A spawned future. The shard keeps it too, so that the end of the shard drops it: the runtime
/// itself forgets tasks that wait, with all they hold.
struct Task {
    future: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
}

impl Shard {
    /// To be called inside the shard's executor.
    pub(super) fn new(id: ShardId, count: u16, ring: Rc<Ring>, stop: StopHandle) -> Rc<Shard> {
        let queue = |shares, name: &str| {
            glommio::executor().create_task_queue(
                Shares::Static(shares),
                Latency::NotImportant,
                name,
            )
        };
        let queues = Queues {
            net: queue(NET_SHARES, "net"),
            append: queue(APPEND_SHARES, "append"),
            background: queue(BACKGROUND_SHARES, "background"),
            pump: queue(PUMP_SHARES, "pump"),
        };
        Rc::new(Shard {
            id,
            count,
            timers: Rc::new(Timers::new(ring.clone())),
            ring,
            queues,
            random: Cell::new(seed()),
            stop,
            stopped: Cell::new(false),
            stopping: Signal::new(),
            tasks: RefCell::new(Some(Slab::new())),
        })
    }

    pub(super) fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(now().plus(duration))
    }

    pub(super) fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep::new(self.timers.clone(), at)
    }

    /// Lets other tasks run, and the ring complete what is ready for them.
    pub(super) fn yield_now(self: &Rc<Self>) -> impl Future<Output = ()> + 'static {
        let ring = self.ring.clone();
        async move {
            ring.poke();
            glommio::executor().yield_task_queue_now().await;
        }
    }

    pub(super) fn spawn(self: &Rc<Self>, queue: Queue, future: impl Future<Output = ()> + 'static) {
        let task = Rc::new(Task { future: RefCell::new(Some(Box::pin(future))) });
        let index = match &mut *self.tasks.borrow_mut() {
            Some(tasks) => tasks.insert(task.clone()),
            // The shard ends: the task would never run.
            None => return,
        };
        let queue = match queue {
            Queue::Net => self.queues.net,
            Queue::Append => self.queues.append,
            Queue::Background => self.queues.background,
        };
        let shard = self.clone();
        self.spawn_raw(queue, async move {
            Running(task).await;
            // While the shard ends the task is gone from the list already.
            let finished =
                shard.tasks.borrow_mut().as_mut().and_then(|tasks| tasks.try_remove(index));
            drop(finished);
        });
    }

    pub(super) fn spawn_pump(&self, pump: impl Future<Output = ()> + 'static) {
        self.spawn_raw(self.queues.pump, pump);
    }

    fn spawn_raw(&self, queue: TaskQueueHandle, future: impl Future<Output = ()> + 'static) {
        glommio::spawn_local_into(future, queue).expect("queues stay for good").detach();
    }

    /// Drops all tasks with all they hold.
    pub(super) fn drop_tasks(&self) {
        for _ in 0..DROP_ROUNDS_MAX {
            let tasks = self.tasks.borrow_mut().replace(Slab::new()).unwrap_or_default();
            if tasks.is_empty() {
                break;
            }
            for (_, task) in tasks {
                let future = task.future.borrow_mut().take();
                drop(future);
            }
        }
        *self.tasks.borrow_mut() = None;
    }

    /// Called when the bell rang.
    pub(super) fn look_for_stop(&self) {
        if !self.stopped.get() && self.stop.is_requested() {
            self.stopped.set(true);
            self.stopping.notify();
        }
    }

    pub(super) fn stopped(self: &Rc<Self>) -> impl Future<Output = ()> + 'static {
        let shard = self.clone();
        async move {
            shard.look_for_stop();
            while !shard.stopped.get() {
                shard.stopping.wait().await;
            }
        }
    }
}

struct Running(Rc<Task>);

impl Future for Running {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut slot = self.0.future.borrow_mut();
        // Nothing there: the shard ended and dropped it.
        let Some(future) = slot.as_mut() else { return Poll::Ready(()) };
        if future.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let finished = slot.take();
        drop(slot);
        drop(finished);
        Poll::Ready(())
    }
}

/// Time since this process first asked, the same on all shards.
pub(super) fn now() -> Instant {
    static START: OnceLock<std::time::Instant> = OnceLock::new();
    let elapsed = START.get_or_init(std::time::Instant::now).elapsed();
    // One more, so that nobody meets the default value.
    Instant(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX).saturating_add(1))
}

fn seed() -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: eight writable bytes.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    assert_eq!(got, 8, "getrandom failed: {}", io::Error::last_os_error());
    u64::from_ne_bytes(bytes)
}
