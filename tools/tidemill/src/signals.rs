//! SIGINT and SIGTERM end a long command in an orderly way: what is done is kept. Another one, a
//! second later, ends the process at once; not sooner, because `timeout` and terminals may send the
//! same signal twice.

use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Signals {
    seen: Arc<AtomicU8>,
}

impl Signals {
    pub fn watch() -> Result<Signals, Failure> {
        let failed = |error| Failure::new(format!("cannot watch for signals: {error}"));
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
        let seen: Arc<AtomicU8> = Arc::default();
        let watched = Signals { seen: Arc::clone(&seen) };
        let work = move || {
            let mut first: Option<Instant> = None;
            for signal in signals.forever() {
                let since = *first.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    std::process::exit(128 + signal);
                }
                seen.store(u8::try_from(signal).unwrap_or(u8::MAX), Ordering::Relaxed);
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(work).map_err(failed)?;
        Ok(watched)
    }

    /// The signal that came, if one did.
    pub fn seen(&self) -> Option<u8> {
        Some(self.seen.load(Ordering::Relaxed)).filter(|signal| *signal > 0)
    }
}
