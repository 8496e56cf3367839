//! How many bytes may lie between the input and the acknowledgements: the feed waits here when
//! brokers are slower than the input.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Shared by the feed and the sender.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    closed: bool,
}

impl Budget {
    /// `limit` in bytes.
    pub fn new(limit: usize) -> Budget {
        Budget { limit, state: Mutex::default(), freed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers stay right even if a thread that held them panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room. One piece is always let through, even if it is larger than the limit.
    /// False once the sender gave up.
    #[must_use]
    pub fn take(&self, bytes: usize) -> bool {
        let mut state = self.state();
        while !state.closed && state.used > 0 && state.used + bytes > self.limit {
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.used += bytes;
        !state.closed
    }

    pub fn give_back(&self, bytes: usize) {
        let mut state = self.state();
        state.used = state.used.checked_sub(bytes).expect("given back only what was taken");
        self.freed.notify_all();
    }

    /// Bytes under way.
    pub fn used(&self) -> usize {
        self.state().used
    }

    /// Ends all waiting: nothing will be sent any more.
    pub fn close(&self) {
        self.state().closed = true;
        self.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;
    use std::sync::Arc;

    #[test]
    fn waits_for_room_and_ends_when_closed() {
        let budget = Arc::new(Budget::new(10));
        assert!(budget.take(100), "the first piece always passes");
        budget.give_back(100);
        assert!(budget.take(8));
        let other = Arc::clone(&budget);
        let waiting = std::thread::spawn(move || (other.take(8), other.take(8)));
        budget.give_back(8);
        budget.close();
        let (_, second) = waiting.join().expect("no panic");
        assert!(!second);
    }
}
