//! A gate that counts tasks so that a close can wait for them. Lives on one shard.

use engine_io::sync::Signal;
use std::cell::Cell;
use std::rc::Rc;

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
