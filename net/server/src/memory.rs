//! How much received but unanswered request data one shard holds. Every connection may always hold
//! a first part of a frame; beyond that it draws on a budget that all connections of the shard
//! share. When the budget is spent, receiving waits; one connection at a time, the first that
//! waited, may overdraw, so that some frame always gets complete. Lives on its shard.

use engine_io::sync::Signal;
use std::cell::Cell;
use std::rc::Rc;

/// What a connection may hold without drawing on the shared budget, in bytes.
pub const FREE_BYTES: usize = 256 << 10;

/// The budget of one shard.
pub struct RequestMemory {
    limit_bytes: usize,
    used_bytes: Cell<usize>,
    /// The connection that may overdraw.
    favoured: Cell<Option<u64>>,
    freed: Signal,
}

impl RequestMemory {
    pub fn new(limit_bytes: usize) -> Rc<Self> {
        Rc::new(RequestMemory {
            limit_bytes,
            used_bytes: Cell::new(0),
            favoured: Cell::new(None),
            freed: Signal::new(),
        })
    }

    /// More is held than half of the budget: stalled connections are closed.
    pub fn under_pressure(&self) -> bool {
        self.used_bytes.get() > self.limit_bytes / 2
    }

    pub fn used_bytes(&self) -> usize {
        self.used_bytes.get()
    }

    /// A charge of nothing for connection `id`.
    pub fn charge(self: &Rc<Self>, id: u64) -> Charge {
        Charge { memory: self.clone(), id, bytes: 0 }
    }
}

/// What one connection, or one request of it, holds. Released when dropped.
pub struct Charge {
    memory: Rc<RequestMemory>,
    id: u64,
    bytes: usize,
}

impl Charge {
    /// Sets what is held to `bytes`, at once.
    pub fn set(&mut self, bytes: usize) {
        let memory = &self.memory;
        memory.used_bytes.set(memory.used_bytes.get() - self.bytes + bytes);
        if bytes < self.bytes {
            memory.freed.notify();
        }
        self.bytes = bytes;
        if bytes <= FREE_BYTES && memory.favoured.get() == Some(self.id) {
            memory.favoured.set(None);
            memory.freed.notify();
        }
    }

    /// Waits until this connection may receive more on top of what it holds.
    pub async fn room(&self) {
        loop {
            let memory = &self.memory;
            if self.bytes <= FREE_BYTES || memory.used_bytes.get() < memory.limit_bytes {
                return;
            }
            match memory.favoured.get() {
                Some(id) if id == self.id => return,
                None => memory.favoured.set(Some(self.id)),
                Some(_) => memory.freed.wait().await,
            }
        }
    }

    /// A separate charge for `bytes` of this connection, for a request that goes into work.
    pub fn split(&self, bytes: usize) -> Charge {
        let mut charge = self.memory.charge(u64::MAX);
        charge.set(bytes);
        charge
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{FREE_BYTES, RequestMemory};
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn one_connection_may_overdraw_the_others_wait() {
        let mut context = Context::from_waker(Waker::noop());
        let memory = RequestMemory::new(1 << 20);
        let mut first = memory.charge(1);
        let mut second = memory.charge(2);
        let mut small = memory.charge(3);
        first.set(600 << 10);
        second.set(600 << 10);
        small.set(FREE_BYTES);
        assert!(memory.under_pressure());
        let poll =
            |charge: &super::Charge, context: &mut Context<'_>| pin!(charge.room()).poll(context);
        assert_eq!(poll(&small, &mut context), Poll::Ready(()), "small holders always go on");
        assert_eq!(poll(&first, &mut context), Poll::Ready(()), "the first may overdraw");
        assert_eq!(poll(&second, &mut context), Poll::Pending);
        first.set(0);
        assert_eq!(poll(&second, &mut context), Poll::Ready(()));
        drop((first, second, small));
        assert_eq!(memory.used_bytes(), 0);
    }
}
