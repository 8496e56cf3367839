//! A shard's timers: who wants to be woken when. The pump fires them; while the shard sleeps, one
//! timeout on the ring stands for the earliest.

use super::shard::now;
use crate::env::Instant;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// See the head of the file.
pub(super) struct Timers {
    waiting: RefCell<BTreeMap<(Instant, u64), Waker>>,
    last_id: Cell<u64>,
    /// The time of this round of tasks, once somebody asked for it.
    moment: Cell<Option<Instant>>,
}

impl Timers {
    pub(super) fn new() -> Timers {
        Timers {
            waiting: RefCell::new(BTreeMap::new()),
            last_id: Cell::new(0),
            moment: Cell::new(None),
        }
    }

    /// A round of tasks begins: the time is asked for again.
    pub(super) fn begin_round(&self) {
        self.moment.set(None);
    }

    /// When this round asked for the time first, or the end of a sleep that ended in it: asking the
    /// machine for each append adds up.
    pub(super) fn moment(&self) -> Instant {
        self.moment.get().unwrap_or_else(|| {
            let moment = now();
            self.moment.set(Some(moment));
            moment
        })
    }

    /// Wakes everybody whose time has come, and says how many they were.
    pub(super) fn fire(&self) -> usize {
        if self.waiting.borrow().is_empty() {
            return 0;
        }
        let now = now();
        let mut count = 0;
        loop {
            let waker = {
                let mut waiting = self.waiting.borrow_mut();
                match waiting.first_entry() {
                    Some(entry) if entry.key().0 <= now => entry.remove(),
                    _ => return count,
                }
            };
            waker.wake();
            count += 1;
        }
    }

    pub(super) fn earliest(&self) -> Option<Instant> {
        self.waiting.borrow().first_key_value().map(|((at, _), _)| *at)
    }

    fn insert(&self, at: Instant, id: u64, waker: Waker) {
        // The pump looks at the earliest before it sleeps.
        let replaced = self.waiting.borrow_mut().insert((at, id), waker);
        drop(replaced);
    }

    fn remove(&self, at: Instant, id: u64) {
        let removed = self.waiting.borrow_mut().remove(&(at, id));
        drop(removed);
    }
}

/// Completes at a point in time.
pub(super) struct Sleep {
    timers: Rc<Timers>,
    at: Instant,
    id: Option<u64>,
}

impl Sleep {
    pub(super) fn new(timers: Rc<Timers>, at: Instant) -> Sleep {
        Sleep { timers, at, id: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let now = now();
        if self.at <= now {
            // Who waited for a time must not read an earlier one: it would wait again, for ever.
            self.timers.moment.set(Some(now));
            return Poll::Ready(());
        }
        let id = self.id.unwrap_or_else(|| {
            let next = self.timers.last_id.get() + 1;
            self.timers.last_id.set(next);
            next
        });
        self.id = Some(id);
        self.timers.insert(self.at, id, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.timers.remove(self.at, id);
        }
    }
}
