//! A look at a run that goes on, for whoever shows its progress or breaks it off.

use crate::Failure;
use crate::latency::Latency;
use std::time::{Duration, Instant};

/// Time between two looks.
pub const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// What is fetched later is read and checked.
    FirstRead,
    WarmUp,
    Measured,
}

/// Where a run is; counts are since the phase began.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub phase: Phase,
    pub passed: Duration,
    pub records: u64,
    /// Of record batches.
    pub bytes: u64,
    pub latency: &'a Latency,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    Continue,
    Stop,
}

/// Called about every [`LOOK_EVERY`].
pub type Watcher<'a> = dyn FnMut(&Look<'_>) -> Flow + 'a;

/// What a run says that was stopped by its watcher.
pub const STOPPED: &str = "broken off";

/// One phase of a run and the next look at it.
pub struct Looks {
    phase: Phase,
    start: Instant,
    next: Instant,
}

impl Looks {
    pub fn start(phase: Phase, start: Instant) -> Looks {
        Looks { phase, start, next: start + LOOK_EVERY }
    }

    /// When the next is due.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// Lets the watcher look, whose word may end the run.
    pub fn look(
        &mut self,
        now: Instant,
        (records, bytes): (u64, u64),
        latency: &Latency,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), Failure> {
        self.next = now + LOOK_EVERY;
        let passed = now.saturating_duration_since(self.start);
        let look = Look { phase: self.phase, passed, records, bytes, latency };
        match watcher(&look) {
            Flow::Continue => Ok(()),
            Flow::Stop => Err(STOPPED.into()),
        }
    }
}
