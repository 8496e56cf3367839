//! A shard's tasks: which there are and which are ready to run. Lives on the shard's thread; only
//! wakers leave it. The pump (`pump.rs`) has ready tasks run, those of connections first, then those
//! of the log, then a few of the background, until none is ready or it is time to look at the ring.
//!
//! A waker may be used on any thread: it puts its task into the ready queue, behind a lock that
//! nobody else wants as a rule, and rings the shard's bell if it is used elsewhere. A task that is
//! in the queue is not put there again.

use super::bell::ShardBell;
use crate::env::Queue;
use crate::mail::Bell;
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// When this many tasks have run, the ring is looked at once the round of those that were ready at
/// its begin is over.
const POLLS_MAX: usize = 256;
/// Background tasks that run between two looks at the ring: so many, or one for so many polls of
/// the others if that is more, so that much other work does not hold them up.
const BACKGROUND_POLLS: usize = 8;
const BACKGROUND_SHARE: usize = 32;
/// Rounds in which tasks, as they are dropped at the end, may start others.
const DROP_ROUNDS_MAX: usize = 16;

thread_local! {
    /// The ready queues of the shard that runs on this thread, as an address to compare with.
    static HERE: Cell<*const Ready> = const { Cell::new(std::ptr::null()) };
}

/// Tasks that were woken, by queue, in the order they were.
#[derive(Default)]
struct Woken([VecDeque<Arc<Handle>>; 3]);

struct Ready {
    woken: Mutex<Woken>,
    bell: Arc<ShardBell>,
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What wakers refer to.
struct Handle {
    index: usize,
    queue: Queue,
    /// In the ready queue, or about to be put there.
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Handle {
    /// Puts the task into the ready queue, unless it is there.
    fn enqueue(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.lock().0[place(self.queue)].push_back(self.clone());
            if HERE.get() != Arc::as_ptr(&self.ready) {
                self.ready.bell.ring();
            }
        }
    }
}

impl Wake for Handle {
    fn wake(self: Arc<Self>) {
        self.enqueue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.enqueue();
    }
}

fn place(queue: Queue) -> usize {
    match queue {
        Queue::Net => 0,
        Queue::Append => 1,
        Queue::Background => 2,
    }
}

struct Task {
    /// `None` while it is dropped.
    future: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    waker: Waker,
    handle: Arc<Handle>,
}

/// See the head of the file.
pub(super) struct Executor {
    ready: Arc<Ready>,
    /// All tasks. `None` once the shard ends.
    tasks: RefCell<Option<Slab<Rc<Task>>>>,
    /// Tasks that yielded: ready after the next look at the ring.
    yielded: RefCell<Vec<Waker>>,
    /// Scratch of one round.
    round: RefCell<VecDeque<Arc<Handle>>>,
}

impl Executor {
    /// To be called on the shard's thread.
    pub(super) fn new(bell: Arc<ShardBell>) -> Executor {
        let ready = Arc::new(Ready { woken: Mutex::default(), bell });
        HERE.set(Arc::as_ptr(&ready));
        Executor {
            ready,
            tasks: RefCell::new(Some(Slab::new())),
            yielded: RefCell::default(),
            round: RefCell::default(),
        }
    }

    /// Takes a task, to be run soon. Once the shard ends it is dropped at once.
    pub(super) fn spawn(&self, queue: Queue, future: impl Future<Output = ()> + 'static) {
        let waker = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(tasks) = tasks.as_mut() else { return };
            let entry = tasks.vacant_entry();
            let handle = Arc::new(Handle {
                index: entry.key(),
                queue,
                queued: AtomicBool::new(false),
                ready: self.ready.clone(),
            });
            let waker = Waker::from(handle.clone());
            let future = RefCell::new(Some(Box::pin(future) as Pin<Box<dyn Future<Output = ()>>>));
            entry.insert(Rc::new(Task { future, waker: waker.clone(), handle }));
            waker
        };
        waker.wake();
    }

    /// Completes after the next look at the ring.
    pub(super) fn yield_now(self: &Rc<Self>) -> impl Future<Output = ()> + 'static {
        let executor = self.clone();
        let mut has_yielded = false;
        std::future::poll_fn(move |context| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            executor.yielded.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
    }

    /// Whether a task is ready, or will be after the next look at the ring.
    pub(super) fn has_ready(&self) -> bool {
        !self.yielded.borrow().is_empty()
            || self.ready.lock().0.iter().any(|queue| !queue.is_empty())
    }

    /// Runs what is ready, see the head of the file.
    pub(super) fn run_ready(&self) {
        for waker in self.yielded.take() {
            waker.wake();
        }
        let mut polls = 0;
        while polls < POLLS_MAX {
            let count =
                self.run_queue(Queue::Net, usize::MAX) + self.run_queue(Queue::Append, usize::MAX);
            if count == 0 {
                break;
            }
            polls += count;
        }
        self.run_queue(Queue::Background, BACKGROUND_POLLS.max(polls / BACKGROUND_SHARE));
    }

    /// Runs the tasks of one queue that are ready now, at most `limit`. Returns how many it ran.
    fn run_queue(&self, queue: Queue, limit: usize) -> usize {
        let mut round = self.round.take();
        assert!(round.is_empty());
        {
            let mut ready = self.ready.lock();
            let woken = &mut ready.0[place(queue)];
            if woken.len() <= limit {
                std::mem::swap(&mut round, woken);
            } else {
                round.extend(woken.drain(..limit));
            }
        }
        let count = round.len();
        for handle in round.drain(..) {
            self.run_task(&handle);
        }
        *self.round.borrow_mut() = round;
        count
    }

    fn run_task(&self, handle: &Arc<Handle>) {
        // From here on a wake counts again. Acquires what the waker wrote before it.
        handle.queued.swap(false, Ordering::AcqRel);
        let task = {
            let tasks = self.tasks.borrow();
            let known = tasks.as_ref().and_then(|tasks| tasks.get(handle.index));
            // A waker may outlive its task, whose place may be another's by now.
            known.filter(|task| Arc::ptr_eq(&task.handle, handle)).cloned()
        };
        let Some(task) = task else { return };
        let mut slot = task.future.borrow_mut();
        let Some(future) = slot.as_mut() else { return };
        if future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_pending() {
            return;
        }
        let finished = slot.take();
        drop(slot);
        drop(finished);
        // While the shard ends the task is gone from the list already.
        let removed =
            self.tasks.borrow_mut().as_mut().and_then(|tasks| tasks.try_remove(handle.index));
        drop(removed);
    }

    /// Drops all tasks with all they hold. Those spawned from now on are dropped at once.
    pub(super) fn drop_tasks(&self) {
        for _ in 0..DROP_ROUNDS_MAX {
            let tasks = self.tasks.borrow_mut().replace(Slab::new()).unwrap_or_default();
            if tasks.is_empty() {
                break;
            }
            for (_, task) in tasks {
                let future = task.future.borrow_mut().take();
                drop(future);
            }
        }
        // Dropped outside the borrow: what is left may spawn once more, which then ends at once.
        let left = self.tasks.take();
        drop(left);
        // Handles refer to the queues that hold them: empty queues let both go.
        for queue in &mut self.ready.lock().0 {
            queue.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DROP_ROUNDS_MAX, Executor, POLLS_MAX};
    use crate::env::Queue;
    use crate::uring::bell::ShardBell;
    use std::cell::{Cell, RefCell};
    use std::future::poll_fn;
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::{Poll, Waker};

    fn executor() -> (Rc<Executor>, Arc<ShardBell>) {
        let bell = Arc::new(ShardBell::new().expect("an eventfd"));
        (Rc::new(Executor::new(bell.clone())), bell)
    }

    #[test]
    fn queues_run_in_their_order_and_yields_wait_for_the_next_round() {
        let (executor, _) = executor();
        let seen = Rc::new(RefCell::new(Vec::new()));
        for (queue, name) in [
            (Queue::Background, "background"),
            (Queue::Append, "append"),
            (Queue::Net, "net"),
            (Queue::Net, "net too"),
        ] {
            let (seen, own) = (seen.clone(), executor.clone());
            executor.spawn(queue, async move {
                seen.borrow_mut().push(name);
                own.yield_now().await;
                seen.borrow_mut().push(name);
            });
        }
        executor.run_ready();
        let once = ["net", "net too", "append", "background"];
        assert_eq!(*seen.borrow(), once);
        assert!(executor.has_ready());
        executor.run_ready();
        assert_eq!(seen.borrow()[4..], once);
        assert!(!executor.has_ready());
    }

    #[test]
    fn a_task_that_wakes_itself_does_not_keep_the_ring_waiting() {
        let (executor, _) = executor();
        let count = Rc::new(Cell::new(0));
        let (own, background) = (count.clone(), Rc::new(Cell::new(false)));
        let seen = background.clone();
        executor.spawn(Queue::Background, async move { seen.set(true) });
        executor.spawn(
            Queue::Net,
            poll_fn(move |context| {
                own.set(own.get() + 1);
                context.waker().wake_by_ref();
                Poll::Pending
            }),
        );
        executor.run_ready();
        assert_eq!(count.get(), POLLS_MAX);
        assert!(background.get(), "the background is not starved");
        executor.drop_tasks();
        assert!(!executor.has_ready());
    }

    #[test]
    fn the_background_has_its_share_of_a_busy_round() {
        let busy_of = |count: usize| {
            let (executor, _) = executor();
            let seen = Rc::new(Cell::new(0));
            for _ in 0..100 {
                let seen = seen.clone();
                executor.spawn(Queue::Background, async move { seen.set(seen.get() + 1) });
            }
            for _ in 0..count {
                executor.spawn(Queue::Net, async {});
            }
            executor.run_ready();
            executor.drop_tasks();
            seen.get()
        };
        assert_eq!([0, 256, 1024].map(busy_of), [8, 8, 32]);
    }

    #[test]
    fn tasks_that_start_others_as_they_are_dropped_end() {
        struct Respawn(Rc<Executor>, usize, Rc<Cell<usize>>);
        impl Drop for Respawn {
            fn drop(&mut self) {
                self.2.set(self.2.get() + 1);
                if self.1 > 0 {
                    let next = Respawn(self.0.clone(), self.1 - 1, self.2.clone());
                    self.0.spawn(Queue::Net, async move {
                        let _held = next;
                        std::future::pending::<()>().await;
                    });
                }
            }
        }
        let (executor, _) = executor();
        let dropped = Rc::new(Cell::new(0));
        let generations = 2 * DROP_ROUNDS_MAX;
        drop(Respawn(executor.clone(), generations, dropped.clone()));
        executor.run_ready();
        executor.drop_tasks();
        assert_eq!(dropped.get(), generations + 1);
    }

    #[test]
    fn a_waker_works_on_another_thread_and_after_its_task() {
        let (executor, bell) = executor();
        let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
        let (own, polls) = (kept.clone(), Rc::new(Cell::new(0)));
        let counted = polls.clone();
        executor.spawn(
            Queue::Net,
            poll_fn(move |context| {
                *own.borrow_mut() = Some(context.waker().clone());
                counted.set(counted.get() + 1);
                if counted.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
            }),
        );
        executor.run_ready();
        let waker = kept.borrow_mut().take().expect("it ran");
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!bell.answer(), "the shard's own wakes ring no bell");
        let elsewhere = waker.clone();
        executor.run_ready();
        assert_eq!(polls.get(), 2);
        // Its place is taken by another one, which a late wake must not run.
        let other = Rc::new(Cell::new(0));
        let counted = other.clone();
        executor.spawn(
            Queue::Net,
            poll_fn(move |_| {
                counted.set(counted.get() + 1);
                Poll::Pending
            }),
        );
        executor.run_ready();
        std::thread::spawn(move || elsewhere.wake()).join().expect("no panic");
        assert!(bell.answer(), "a wake from elsewhere rings");
        assert!(executor.has_ready());
        executor.run_ready();
        assert_eq!(other.get(), 1);
    }
}
