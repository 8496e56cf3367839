//! Waiting between tasks of one shard, on nothing but `Waker`s: no runtime, no thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
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

/// One holder at a time, who may await; the others get it in the order in which they asked, so
/// nobody who frees it and asks again at once keeps them out.
#[derive(Default, Debug)]
pub struct Lock {
    held: Cell<bool>,
    /// Counts those who had to wait.
    tickets: Cell<u64>,
    waiting: RefCell<VecDeque<(u64, Waker)>>,
}

/// Frees its [`Lock`] when dropped.
#[derive(Debug)]
pub struct LockGuard<'a>(&'a Lock);

impl Lock {
    /// The place in the order is taken at the first poll.
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire { lock: self, ticket: None }
    }

    fn wake_first(&self) {
        let first = self.waiting.borrow().front().map(|(_, waker)| waker.clone());
        if let Some(waker) = first {
            waker.wake();
        }
    }
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        self.0.held.set(false);
        self.0.wake_first();
    }
}

/// See [`Lock::acquire`].
#[derive(Debug)]
pub struct Acquire<'a> {
    lock: &'a Lock,
    /// Its place among those who wait.
    ticket: Option<u64>,
}

impl<'a> Future for Acquire<'a> {
    type Output = LockGuard<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<LockGuard<'a>> {
        let lock = self.lock;
        let mut waiting = lock.waiting.borrow_mut();
        let is_next = waiting.front().is_none_or(|(first, _)| Some(*first) == self.ticket);
        if is_next && !lock.held.replace(true) {
            if self.ticket.take().is_some() {
                waiting.pop_front();
            }
            return Poll::Ready(LockGuard(lock));
        }
        match self.ticket {
            Some(own) => {
                if let Some((_, waker)) = waiting.iter_mut().find(|(ticket, _)| *ticket == own) {
                    waker.clone_from(context.waker());
                }
            }
            None => {
                let ticket = lock.tickets.get();
                lock.tickets.set(ticket + 1);
                waiting.push_back((ticket, context.waker().clone()));
                self.ticket = Some(ticket);
            }
        }
        Poll::Pending
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        // Gave up: the next one may be due.
        if let Some(own) = self.ticket {
            self.lock.waiting.borrow_mut().retain(|(ticket, _)| *ticket != own);
            if !self.lock.held.get() {
                self.lock.wake_first();
            }
        }
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
    fn a_lock_goes_to_those_who_wait_in_their_order() {
        use std::future::Future;
        let lock = super::Lock::default();
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(lock.acquire()).poll(&mut context) else {
            panic!("it was free");
        };
        let mut second = Box::pin(lock.acquire());
        let mut third = Box::pin(lock.acquire());
        let mut fourth = Box::pin(lock.acquire());
        for waiting in [&mut second, &mut third, &mut fourth] {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        drop(first);
        let mut again = Box::pin(lock.acquire());
        assert!(again.as_mut().poll(&mut context).is_pending(), "nobody comes before them");
        assert!(third.as_mut().poll(&mut context).is_pending());
        let Poll::Ready(held) = second.as_mut().poll(&mut context) else { panic!("its turn") };
        drop(third);
        drop(held);
        assert!(again.as_mut().poll(&mut context).is_pending());
        assert!(fourth.as_mut().poll(&mut context).is_ready(), "the third gave up");
        assert!(again.as_mut().poll(&mut context).is_ready());
        assert!(lock.waiting.borrow().is_empty());
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
