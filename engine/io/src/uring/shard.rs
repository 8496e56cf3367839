//! What one shard of the runtime has: its ring, tasks, clock, chance, and whether it was
//! asked to stop. Lives on the shard's thread; [`UringEnv`](super::UringEnv) is a handle to it.

use super::bell::{ShardBell, StopHandle};
use super::executor::Executor;
use super::ring::Ring;
use super::timers::{Sleep, Timers};
use crate::env::{Instant, Queue};
use crate::sync::Signal;
use engine_base::ShardId;
use std::cell::Cell;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) struct Shard {
    pub(super) id: ShardId,
    pub(super) count: u16,
    pub(super) ring: Rc<Ring>,
    pub(super) timers: Rc<Timers>,
    pub(super) executor: Rc<Executor>,
    /// Milliseconds since 1970 in this round of tasks, once somebody asked.
    wall_ms: Cell<Option<i64>>,
    /// State of the generator (SplitMix64).
    random: Cell<u64>,
    stop: StopHandle,
    stopped: Cell<bool>,
    stopping: Signal,
}

impl Shard {
    /// To be called on the shard's thread.
    pub(super) fn new(
        id: ShardId,
        count: u16,
        ring: Rc<Ring>,
        bell: Arc<ShardBell>,
        stop: StopHandle,
    ) -> Rc<Shard> {
        Rc::new(Shard {
            id,
            count,
            timers: Rc::new(Timers::new()),
            ring,
            executor: Rc::new(Executor::new(bell)),
            wall_ms: Cell::new(None),
            random: Cell::new(seed()),
            stop,
            stopped: Cell::new(false),
            stopping: Signal::new(),
        })
    }

    /// A round of tasks begins: the time is asked for again.
    pub(super) fn begin_round(&self) {
        self.timers.begin_round();
        self.wall_ms.set(None);
    }

    /// Milliseconds since 1970 when this round first asked.
    pub(super) fn wall_ms(&self) -> i64 {
        self.wall_ms.get().unwrap_or_else(|| {
            // Before 1970 only with a clock that is wrong.
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let wall_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            self.wall_ms.set(Some(wall_ms));
            wall_ms
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
    pub(super) fn yield_now(&self) -> impl Future<Output = ()> + 'static {
        self.executor.yield_now()
    }

    pub(super) fn spawn(&self, queue: Queue, future: impl Future<Output = ()> + 'static) {
        self.executor.spawn(queue, future);
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
