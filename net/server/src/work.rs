//! How many items the requests in work on one shard may hold together. An item of an array takes a
//! byte of a frame and hundreds of bytes of memory once a handler works on it, so a frame's size
//! says little about what it costs. Lives on its shard; requests draw on it when they are decoded.
//!
//! What always holds: the body of a request weighs at most [`WEIGHT_MAX`], or its connection is
//! closed. Requests that weigh more than [`WEIGHT_FREE`] weigh at most as much together, each waiting
//! its turn in the order they came; a fetch, which counts a session of up to 100,000 partitions
//! besides its body, may weigh more, and is then alone. Whoever works on a heavy one lets other tasks run every [`TURN_ITEMS`] items, and
//! its connection begins no other request before it is answered, so that requests stay in order.

use engine_io::sync::Signal;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What one request may weigh, in bytes of `engine_base::codec::Reader::limited`: 131,072 bare items,
/// or 100,000 partitions with two megabytes of names. Kafka has no such limit; a consumer of all
/// partitions of the largest clusters, or a tool that asks for all of their offsets, stays below.
pub const WEIGHT_MAX: usize = 8 << 20;

/// What a request may weigh without waiting for others: 1,024 items.
pub const WEIGHT_FREE: usize = 64 << 10;

/// Items of a heavy request between two turns of others: a fraction of a millisecond.
pub const TURN_ITEMS: usize = 256;

/// Items that whoever owns them is asked about at once, be they of a light request or a heavy one.
pub const ITEMS_AT_ONCE: usize = 64;

/// A heavy fetch waits no longer than this for records, whatever it asks: what it holds is needed by
/// others. It is what consumers ask by default (`fetch.max.wait.ms`).
pub const HEAVY_WAIT_MAX_MS: i32 = 500;

/// The budget of one shard.
#[derive(Default)]
pub struct Work {
    used: Cell<usize>,
    last_ticket: Cell<u64>,
    waiting: RefCell<VecDeque<u64>>,
    freed: Signal,
}

impl Work {
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Waits for its turn to hold `weight`.
    pub async fn begin(self: &Rc<Self>, weight: usize) -> Share {
        let ticket = Ticket::take(self);
        loop {
            let freed = self.freed.wait();
            let is_next = self.waiting.borrow().front() == Some(&ticket.number);
            let used = self.used.get();
            if is_next && (used == 0 || used + weight <= WEIGHT_MAX) {
                self.used.set(used + weight);
                return Share { work: self.clone(), weight };
            }
            freed.await;
        }
    }
}

/// A place in the queue, given up when dropped.
struct Ticket<'a> {
    work: &'a Work,
    number: u64,
}

impl<'a> Ticket<'a> {
    fn take(work: &'a Work) -> Self {
        let number = work.last_ticket.get() + 1;
        work.last_ticket.set(number);
        work.waiting.borrow_mut().push_back(number);
        Ticket { work, number }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.work.waiting.borrow_mut().retain(|number| *number != self.number);
        self.work.freed.notify();
    }
}

/// What one request holds, given back when dropped.
pub struct Share {
    work: Rc<Work>,
    weight: usize,
}

impl Share {
    pub fn weight(&self) -> usize {
        self.weight
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.work.used.set(self.work.used.get() - self.weight);
        self.work.freed.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::{WEIGHT_MAX, Work};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn heavy_requests_take_turns_in_order() {
        let mut context = Context::from_waker(Waker::noop());
        let work = Work::new();
        let Poll::Ready(first) = pin!(work.begin(WEIGHT_MAX / 2)).poll(&mut context) else {
            panic!("nobody else works");
        };
        let mut large = pin!(work.begin(WEIGHT_MAX));
        assert!(large.as_mut().poll(&mut context).is_pending());
        let mut small = pin!(work.begin(1));
        assert!(small.as_mut().poll(&mut context).is_pending(), "it would fit, and waits its turn");
        {
            let mut gone = pin!(work.begin(1));
            assert!(gone.as_mut().poll(&mut context).is_pending());
        }
        drop(first);
        let Poll::Ready(large) = large.as_mut().poll(&mut context) else {
            panic!("it is the first, and alone");
        };
        assert_eq!(large.weight(), WEIGHT_MAX);
        assert!(small.as_mut().poll(&mut context).is_pending());
        drop(large);
        let Poll::Ready(small) = small.as_mut().poll(&mut context) else { panic!("there is room") };
        drop(small);
        assert_eq!(work.used.get(), 0);
        assert!(work.waiting.borrow().is_empty());
    }
}
