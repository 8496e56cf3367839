//! Waiting between tasks of one shard, on nothing but `Waker`s: no runtime, no thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Wakes every task that waits on it. A wake is not remembered: a waiter first looks at the state it
/// waits for, then waits. Lives on one shard.
#[derive(Default, Debug)]
pub struct Signal {
    generation: Cell<u64>,
    waiters: RefCell<Vec<Waker>>,
}

impl Signal {
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes all waiters.
    pub fn notify(&self) {
        self.generation.set(self.generation.get().wrapping_add(1));
        let mut waiters = self.waiters.take();
        for waker in waiters.drain(..) {
            waker.wake();
        }
        // Keep the allocation for the next round unless somebody already waits again.
        let mut slot = self.waiters.borrow_mut();
        if slot.is_empty() {
            *slot = waiters;
        }
    }

    /// Completes at the first [`notify`](Self::notify) after this call (not after the first poll).
    pub fn wait(&self) -> Wait<'_> {
        Wait { signal: self, generation: self.generation.get(), registered: None }
    }
}

/// See [`Signal::wait`].
#[derive(Debug)]
pub struct Wait<'a> {
    signal: &'a Signal,
    generation: u64,
    registered: Option<Waker>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.signal.generation.get() != self.generation {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !self.registered.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.signal.waiters.borrow_mut().push(waker.clone());
            self.registered = Some(waker.clone());
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        // A waiter that gave up must not stay behind: a quiet signal would collect them for ever.
        if let Some(waker) = self.registered.take()
            && self.signal.generation.get() == self.generation
        {
            let mut waiters = self.signal.waiters.borrow_mut();
            if let Some(index) = waiters.iter().position(|known| known.will_wake(&waker)) {
                waiters.swap_remove(index);
            }
        }
    }
}

/// One holder at a time, who may await; the others wait. Not fair, and it need not be: for rare
/// work such as changes of metadata.
#[derive(Default, Debug)]
pub struct Lock {
    held: Cell<bool>,
    free: Signal,
}

/// Frees its [`Lock`] when dropped.
#[derive(Debug)]
pub struct LockGuard<'a>(&'a Lock);

impl Lock {
    pub async fn acquire(&self) -> LockGuard<'_> {
        loop {
            let free = self.free.wait();
            if !self.held.replace(true) {
                return LockGuard(self);
            }
            free.await;
        }
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.0.held.set(false);
        self.0.free.notify();
    }
}

struct Once<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// The sender is gone without a value.
    closed: bool,
}

/// Completes one [`Receiver`] on the same shard.
pub struct Sender<T>(Rc<RefCell<Once<T>>>);

/// The value of a [`Sender`], or `None` when the sender was dropped without sending.
pub struct Receiver<T>(Rc<RefCell<Once<T>>>);

/// A single value handed from one task to another of the same shard.
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let once = Rc::new(RefCell::new(Once { value: None, waker: None, closed: false }));
    (Sender(once.clone()), Receiver(once))
}

impl<T> Sender<T> {
    /// Whether somebody still waits for the value.
    pub fn is_wanted(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    pub fn send(self, value: T) {
        let waker = {
            let mut once = self.0.borrow_mut();
            once.value = Some(value);
            once.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut once = self.0.borrow_mut();
            once.closed = true;
            once.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut once = self.0.borrow_mut();
        if let Some(value) = once.value.take() {
            return Poll::Ready(Some(value));
        }
        if once.closed {
            return Poll::Ready(None);
        }
        once.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::{Signal, oneshot};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_signal_wakes_those_who_waited_before_it() {
        let signal = Signal::new();
        let mut context = Context::from_waker(Waker::noop());
        let mut early = pin!(signal.wait());
        assert_eq!(early.as_mut().poll(&mut context), Poll::Pending);
        let mut unpolled = pin!(signal.wait());
        signal.notify();
        let mut late = pin!(signal.wait());
        assert_eq!(early.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(unpolled.as_mut().poll(&mut context), Poll::Ready(()));
        assert_eq!(late.as_mut().poll(&mut context), Poll::Pending);
        use std::future::Future;
    }

    #[test]
    fn a_waiter_that_gives_up_leaves_nothing() {
        let signal = Signal::new();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..10 {
            let mut wait = Box::pin(signal.wait());
            use std::future::Future;
            assert_eq!(wait.as_mut().poll(&mut context), Poll::Pending);
        }
        assert!(signal.waiters.borrow().is_empty());
    }

    #[test]
    fn a_lock_has_one_holder() {
        use std::future::Future;
        let lock = super::Lock::default();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(lock.acquire()).poll(&mut context) else {
            panic!("it was free");
        };
        let mut second = pin!(lock.acquire());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_ready());
    }

    #[test]
    fn oneshot_delivers_or_closes() {
        use std::future::Future;
        let mut context = Context::from_waker(Waker::noop());
        let (sender, receiver) = oneshot();
        let mut receiver = pin!(receiver);
        assert_eq!(receiver.as_mut().poll(&mut context), Poll::Pending);
        sender.send(7);
        assert_eq!(receiver.as_mut().poll(&mut context), Poll::Ready(Some(7)));
        let (sender, receiver) = oneshot::<u8>();
        drop(sender);
        assert_eq!(pin!(receiver).poll(&mut context), Poll::Ready(None));
    }
}
