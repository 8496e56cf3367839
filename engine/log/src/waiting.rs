//! Two small tools on [`Signal`]: a lock whose holder may await, and a gate that counts tasks so that
//! a close can wait for them. Both live on one shard.

use engine_io::sync::Signal;
use std::cell::Cell;
use std::rc::Rc;

/// One holder at a time; the others wait. Not fair, and it need not be: holders are few.
#[derive(Default, Debug)]
pub(crate) struct Lock {
    held: Cell<bool>,
    free: Signal,
}

#[derive(Debug)]
pub(crate) struct LockGuard<'a>(&'a Lock);

impl Lock {
    pub async fn acquire(&self) -> LockGuard<'_> {
        loop {
            if let Some(guard) = self.try_acquire() {
                return guard;
            }
            self.free.wait().await;
        }
    }

    pub fn try_acquire(&self) -> Option<LockGuard<'_>> {
        // Not `then_some`: a guard that is made and dropped would free the lock.
        (!self.held.replace(true)).then(|| LockGuard(self))
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.0.held.set(false);
        self.0.free.notify();
    }
}

/// Counts running tasks.
#[derive(Default, Debug)]
pub(crate) struct Gate {
    count: Cell<usize>,
    left: Signal,
}

#[derive(Debug)]
pub(crate) struct GateGuard(Rc<Gate>);

impl Gate {
    pub fn enter(self: &Rc<Self>) -> GateGuard {
        self.count.set(self.count.get() + 1);
        GateGuard(self.clone())
    }

    /// Completes once all tasks that entered have ended.
    pub async fn empty(&self) {
        loop {
            let left = self.left.wait();
            if self.count.get() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for GateGuard {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.left.notify();
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn one_holder_at_a_time() {
        let lock = Lock::default();
        let first = lock.try_acquire().expect("free");
        assert!(lock.try_acquire().is_none());
        assert!(lock.try_acquire().is_none(), "a failed try does not free it");
        drop(first);
        assert!(lock.try_acquire().is_some());
    }
}
