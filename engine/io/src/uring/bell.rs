//! What other threads may touch of a shard: its bell, and the request to stop. A bell is an eventfd
//! with a state beside it, so that ringing a shard that is awake costs no system call. The shard's
//! ring has a standing read of the eventfd: whatever wakes the shard comes in by one door.

use crate::mail::Bell;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

/// The shard runs and will look at the state before it sleeps.
const AWAKE: u8 = 0;
/// The shard sleeps, or is about to: whoever rings must write to the eventfd.
const PARKED: u8 = 1;
/// Somebody rang; the shard has not seen it yet.
const RUNG: u8 = 2;

/// One shard's bell. Shared by all threads; only the shard's own thread parks and answers.
#[derive(Debug)]
pub(super) struct ShardBell {
    state: AtomicU8,
    eventfd: OwnedFd,
}

impl ShardBell {
    pub(super) fn new() -> io::Result<ShardBell> {
        // Not EFD_NONBLOCK: a read in a ring would then fail at once instead of waiting.
        // SAFETY: plain system call without pointers.
        let raw = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let eventfd = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(ShardBell { state: AtomicU8::new(AWAKE), eventfd })
    }

    pub(super) fn fd(&self) -> RawFd {
        self.eventfd.as_raw_fd()
    }

    /// Takes note of a ring. What was sent before it can be seen after this returns `true`.
    pub(super) fn answer(&self) -> bool {
        if self.state.load(Ordering::Relaxed) != RUNG {
            return false;
        }
        self.state.swap(AWAKE, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        true
    }

    /// Announces sleep. `false` if somebody rang meanwhile: then there is something to look at.
    pub(super) fn park(&self) -> bool {
        self.state.compare_exchange(AWAKE, PARKED, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    /// Takes the announcement back. A ring that came in between stays to be answered.
    pub(super) fn unpark(&self) {
        let _ = self.state.compare_exchange(PARKED, AWAKE, Ordering::SeqCst, Ordering::Relaxed);
    }

    /// Wakes the shard's runtime whatever the state says.
    pub(super) fn strike(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight readable bytes; the descriptor lives as long as `self`.
        let written = unsafe { libc::write(self.fd(), one.as_ptr().cast(), one.len()) };
        // It fails only when the counter is full, and then the shard is being woken anyway.
        debug_assert!(
            written == 8 || io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
        );
    }
}

impl Bell for ShardBell {
    fn ring(&self) {
        // Pairs with the read-modify-write in `answer` and `park`: either the shard sees the message
        // that was pushed before this fence, or this load sees that the shard parked.
        fence(Ordering::SeqCst);
        if self.state.load(Ordering::Relaxed) == RUNG {
            return;
        }
        if self.state.swap(RUNG, Ordering::SeqCst) == PARKED {
            self.strike();
        }
    }
}

#[derive(Debug, Default)]
struct StopShared {
    requested: AtomicBool,
    bells: Mutex<Vec<Arc<ShardBell>>>,
}

/// Asks all shards of a runtime to stop, from any thread (not from inside a signal handler: it takes
/// a lock). May be called before the runtime starts, and more than once.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<StopShared>);

impl StopHandle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Completes `Env::stopped` on all shards.
    pub fn request_stop(&self) {
        let bells = self.0.bells.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.requested.store(true, Ordering::SeqCst);
        for bell in bells.iter() {
            bell.ring();
        }
    }

    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    pub(super) fn attach(&self, bells: &[Arc<ShardBell>]) {
        let mut known = self.0.bells.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(bells.iter().cloned());
        if self.is_requested() {
            for bell in bells {
                bell.ring();
            }
        }
    }

    pub(super) fn detach(&self, bells: &[Arc<ShardBell>]) {
        let mut known = self.0.bells.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|bell| !bells.iter().any(|gone| Arc::ptr_eq(bell, gone)));
    }
}

#[cfg(test)]
mod tests {
    use super::ShardBell;
    use crate::mail::Bell;
    use std::sync::Arc;

    fn counter(bell: &ShardBell) -> u64 {
        let mut bytes = [0u8; 8];
        bell.strike();
        // SAFETY: eight writable bytes.
        let read = unsafe { libc::read(bell.fd(), bytes.as_mut_ptr().cast(), 8) };
        assert_eq!(read, 8);
        u64::from_ne_bytes(bytes) - 1
    }

    #[test]
    fn only_a_parked_shard_is_struck() {
        let bell = ShardBell::new().expect("an eventfd");
        bell.ring();
        bell.ring();
        assert_eq!(counter(&bell), 0);
        assert!(!bell.park(), "an unanswered ring forbids sleep");
        assert!(bell.answer());
        assert!(!bell.answer());
        assert!(bell.park());
        bell.ring();
        bell.ring();
        assert_eq!(counter(&bell), 1);
        bell.unpark();
        assert!(bell.answer(), "unpark keeps the ring");
    }

    #[test]
    fn stop_reaches_bells_attached_before_and_after() {
        let stop = super::StopHandle::new();
        let early = Arc::new(ShardBell::new().expect("an eventfd"));
        stop.attach(std::slice::from_ref(&early));
        assert!(!early.answer());
        stop.request_stop();
        assert!(early.answer());
        let late = Arc::new(ShardBell::new().expect("an eventfd"));
        stop.attach(std::slice::from_ref(&late));
        assert!(late.answer());
        stop.detach(std::slice::from_ref(&early));
        stop.request_stop();
        assert!(!early.answer());
        assert!(late.answer());
    }
}
