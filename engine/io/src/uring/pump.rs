//! The pump: the one task of a shard that moves its ring. It gives the kernel what tasks pushed,
//! wakes whom completions concern, answers the bell, and sleeps when there is nothing: then the
//! shard's thread waits in the runtime's own ring for a read of the eventfd, and nothing polls.
//!
//! No wake-up is lost. Before it sleeps the pump turns the ring's signals on and announces itself as
//! parked, then looks again. Whatever comes later writes to the eventfd: the kernel on a completion,
//! another thread when it rings a parked bell. What a task of this shard pushes pokes the pump, and
//! so does the doorman, a task that does nothing but read the eventfd.

use super::bell::ShardBell;
use super::ring::Ring;
use super::shard::Shard;
use crate::sync::Signal;
use glommio::io::BufferedFile;
use std::cell::Cell;
use std::future::poll_fn;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

/// How a shard ends its pump and its doorman.
#[derive(Default)]
pub(super) struct PumpEnd {
    wanted: Cell<bool>,
    tasks: Cell<u32>,
    ended: Signal,
}

impl PumpEnd {
    /// Has both tasks end, and waits until they have.
    pub(super) async fn reach(&self, ring: &Ring, bell: &ShardBell) {
        self.wanted.set(true);
        ring.poke();
        // The runtime must not end with a read under way into its memory.
        bell.strike();
        while self.tasks.get() > 0 {
            self.ended.wait().await;
        }
    }

    fn one_ended(&self) {
        self.tasks.set(self.tasks.get() - 1);
        self.ended.notify();
    }
}

/// Starts the pump and the doorman of a shard. `arrived` tells the mail's receivers to look.
pub(super) fn start(
    shard: &Rc<Shard>,
    bell: &Arc<ShardBell>,
    arrived: impl Fn() + 'static,
) -> Rc<PumpEnd> {
    let end = Rc::new(PumpEnd::default());
    end.tasks.set(2);
    shard.spawn_pump(doorman(shard.ring.clone(), bell.clone(), end.clone()));
    shard.spawn_pump(pump(shard.clone(), bell.clone(), end.clone(), arrived));
    end
}

async fn pump(shard: Rc<Shard>, bell: Arc<ShardBell>, end: Rc<PumpEnd>, arrived: impl Fn()) {
    let ring = &shard.ring;
    loop {
        if bell.answer() {
            arrived();
            shard.look_for_stop();
        }
        let fired = shard.timers.fire();
        if ring.turn() > 0 || fired > 0 {
            // Those who were woken run first: what they push goes to the kernel in one call.
            glommio::executor().yield_now().await;
            continue;
        }
        if end.wanted.get() {
            break;
        }
        if shard.timers.earliest().is_some_and(|at| ring.arm(at)) {
            continue;
        }
        ring.listen(true);
        if bell.park() && ring.is_quiet() {
            poll_fn(
                |context| {
                    if ring.poll_poked(context.waker()) { Poll::Ready(()) } else { Poll::Pending }
                },
            )
            .await;
        } else {
            glommio::executor().yield_now().await;
        }
        bell.unpark();
        ring.listen(false);
    }
    end.one_ended();
}

/// A task of its own, because a read of glommio keeps one more waker each time it is polled without
/// being ready, and a task with 32768 of them panics (its counter has 16 bits).
async fn doorman(ring: Rc<Ring>, bell: Arc<ShardBell>, end: Rc<PumpEnd>) {
    // Never dropped: the descriptor belongs to the bell, which closes it.
    // SAFETY: the descriptor is open as long as `bell` lives, which is as long as this task.
    let eventfd = ManuallyDrop::new(unsafe { BufferedFile::from_raw_fd(bell.fd()) });
    while !end.wanted.get() {
        if let Err(error) = eventfd.read_at(0, 8).await {
            panic!("reading the eventfd failed: {error}");
        }
        ring.poke();
    }
    end.one_ended();
}
