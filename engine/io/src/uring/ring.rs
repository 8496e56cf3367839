//! A shard's ring: the slab of operations under way, submission, completion. Lives on one thread.
//! Every operation owns its memory in the slab until its last completion; dropping the future that
//! waits for it only detaches it. The pump calls [`Ring::turn`]; everybody else starts requests.

use super::accept::AcceptQueue;
use super::request::{Message, Payload, Request};
use super::shard::now;
use crate::env::Instant as Moment;
use crate::sync::Signal;
use io_uring::types::CancelBuilder;
use io_uring::{EnterFlags, IoUring, cqueue, opcode, squeue, types};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Operations under way on one shard. A receive waits on every connection, so this lies above any
/// number of connections that a shard serves. Beyond: starting one waits for another to end.
pub(super) const OPERATIONS_MAX: usize = 1 << 18;
/// Message headers kept for reuse. Beyond: freed.
const MESSAGES_MAX: usize = 256;
/// How long the end of a shard waits for the kernel to let go of its memory. Beyond: the memory is
/// left to the kernel.
const CLOSE_WAIT: Duration = Duration::from_secs(30);
/// What the kernel does at least in one call of the work that completions wait for
/// (`IO_LOCAL_TW_DEFAULT_MAX` since Linux 6.13; all of it before).
const LOCAL_WORK_MAX: usize = 20;
/// Completions that belong to no operation.
const USER_DATA_NONE: u64 = u64::MAX;
/// The completion of the timeout that [`Ring::arm`] set.
const USER_DATA_TIMEOUT: u64 = u64::MAX - 1;

/// Names an operation. The generation tells it from a later one in the same place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    fn user_data(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }
}

/// How an operation ended.
pub(super) struct Completion {
    /// Not negative: the result. Negative: the error number.
    pub(super) result: i32,
    pub(super) flags: u32,
    pub(super) payload: Payload,
}

impl Completion {
    pub(super) fn outcome(&self) -> io::Result<u32> {
        u32::try_from(self.result).map_err(|_| io::Error::from_raw_os_error(-self.result))
    }
}

enum State {
    /// Nobody was told yet.
    Waiting(Option<Waker>),
    Done {
        result: i32,
        flags: u32,
    },
    /// Nobody waits any more; the memory stays until the kernel is done.
    Detached,
    /// Completes many times.
    Accepting(Rc<AcceptQueue>),
}

/// Whom a completion concerns.
enum Told {
    Nobody,
    Waiter(Waker),
    Listener(Rc<AcceptQueue>),
}

struct Operation {
    generation: u32,
    state: State,
    payload: Payload,
    /// Keeps the descriptor open until the kernel is done with it.
    descriptor: Option<Rc<OwnedFd>>,
}

struct Inner {
    /// Dropped before `operations`: while the ring is there the kernel may use their memory.
    uring: Option<IoUring>,
    operations: Slab<Operation>,
    /// Requests that found the submission queue full.
    backlog: VecDeque<squeue::Entry>,
    generation: u32,
    messages: Vec<Box<Message>>,
    /// When the timeout under way ends. `None`: there is none.
    armed: Option<Moment>,
    /// What the kernel reads as it takes a timeout from the submission queue.
    timeout: Box<types::Timespec>,
    /// Scratch of one turn.
    completions: Vec<(u64, i32, u32)>,
    /// Scratch of one turn: operations to be dropped outside of any borrow.
    finished: Vec<Operation>,
}

/// See the head of the file.
pub(super) struct Ring {
    inner: RefCell<Inner>,
    operations_max: usize,
    has_truncate: bool,
    /// Something was pushed, or somebody wants a turn, since the pump last looked.
    poked: Cell<bool>,
    pump: Cell<Option<Waker>>,
    /// An operation ended.
    room: Signal,
}

impl Ring {
    /// `eventfd` is signalled at completions while [`Ring::listen`] is on.
    pub(super) fn new(
        uring: IoUring,
        eventfd: RawFd,
        has_truncate: bool,
        operations_max: usize,
    ) -> io::Result<Ring> {
        uring.submitter().register_eventfd(eventfd)?;
        let inner = Inner {
            uring: Some(uring),
            operations: Slab::new(),
            backlog: VecDeque::new(),
            generation: 0,
            messages: Vec::new(),
            armed: None,
            timeout: Box::new(types::Timespec::new()),
            completions: Vec::new(),
            finished: Vec::new(),
        };
        let ring = Ring {
            inner: RefCell::new(inner),
            operations_max,
            has_truncate,
            poked: Cell::new(false),
            pump: Cell::new(None),
            room: Signal::new(),
        };
        ring.listen(false);
        Ok(ring)
    }

    pub(super) fn has_truncate(&self) -> bool {
        self.has_truncate
    }

    /// Operations under way.
    pub(super) fn under_way(&self) -> usize {
        self.inner.borrow().operations.len()
    }

    pub(super) fn take_message(&self) -> Box<Message> {
        self.inner.borrow_mut().messages.pop().unwrap_or_else(Message::new)
    }

    pub(super) fn return_message(&self, message: Box<Message>) {
        let mut inner = self.inner.borrow_mut();
        if inner.messages.len() < MESSAGES_MAX {
            inner.messages.push(message);
        }
    }

    /// Starts a request and waits for its end. Waits first while too many are under way.
    pub(super) async fn perform(
        self: Rc<Self>,
        make: impl FnOnce() -> Request,
    ) -> io::Result<Completion> {
        while self.under_way() >= self.operations_max {
            self.room.wait().await;
        }
        let key = self.start(make(), State::Waiting(None))?;
        Ok(Operating { ring: self, key, taken: false }.await)
    }

    /// Starts accepting into `queue` until it is cancelled or fails.
    pub(super) fn start_accept(&self, request: Request, queue: Rc<AcceptQueue>) -> io::Result<Key> {
        self.start(request, State::Accepting(queue))
    }

    fn start(&self, request: Request, state: State) -> io::Result<Key> {
        let inner = &mut *self.inner.borrow_mut();
        if inner.uring.is_none() {
            return Err(io::Error::other("the shard has ended"));
        }
        inner.generation = inner.generation.wrapping_add(1) & (u32::MAX >> 1);
        let generation = inner.generation;
        let Request { entry, payload, descriptor } = request;
        let index = inner.operations.insert(Operation { generation, state, payload, descriptor });
        let index = u32::try_from(index).expect("fewer than 2^32 operations at a time");
        let key = Key { index, generation };
        inner.push(entry.user_data(key.user_data()));
        self.poke();
        Ok(key)
    }

    /// Asks the kernel to end an operation early. Its completion comes as always.
    pub(super) fn cancel(&self, key: Key) {
        let inner = &mut *self.inner.borrow_mut();
        if inner.uring.is_some() {
            let entry = opcode::AsyncCancel::new(key.user_data()).build();
            inner.push(entry.user_data(USER_DATA_NONE));
            self.poke();
        }
    }

    /// Sees to it that a completion comes at `at` at the latest (it may come earlier, for an older
    /// wish). `true` if that needs a turn before the shard may sleep.
    pub(super) fn arm(&self, at: Moment) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        if inner.uring.is_none() || inner.armed.is_some_and(|armed| armed <= at) {
            return false;
        }
        *inner.timeout = types::Timespec::from(at.since(now()));
        let timeout: *const types::Timespec = &raw const *inner.timeout;
        let entry = if inner.armed.is_some() {
            // It may end right now: then this finds nothing, and the next look arms anew.
            opcode::TimeoutUpdate::new(USER_DATA_TIMEOUT, timeout).build().user_data(USER_DATA_NONE)
        } else {
            opcode::Timeout::new(timeout).build().user_data(USER_DATA_TIMEOUT)
        };
        inner.armed = Some(at);
        inner.push(entry);
        true
    }

    /// Has the pump take a turn soon.
    pub(super) fn poke(&self) {
        if !self.poked.replace(true)
            && let Some(waker) = self.pump.take()
        {
            waker.wake();
        }
    }

    /// For the pump: whether somebody poked; if not, `waker` is woken when somebody does.
    pub(super) fn poll_poked(&self, waker: &Waker) -> bool {
        if self.poked.get() {
            return true;
        }
        self.pump.set(Some(waker.clone()));
        false
    }

    /// Gives the kernel what was pushed, takes what has completed and wakes those who wait for it.
    /// Returns how many completions there were. One system call at most (unless a queue is full).
    pub(super) fn turn(&self) -> usize {
        self.poked.set(false);
        let (mut completions, mut finished) = {
            let inner = &mut *self.inner.borrow_mut();
            if inner.uring.is_none() {
                return 0;
            }
            inner.enter();
            inner.collect();
            (std::mem::take(&mut inner.completions), std::mem::take(&mut inner.finished))
        };
        let count = completions.len();
        for (user_data, result, flags) in completions.drain(..) {
            // Wakers run foreign code: none of it while a borrow is open.
            match self.complete(user_data, result, flags, &mut finished) {
                Told::Nobody => {}
                Told::Waiter(waker) => waker.wake(),
                Told::Listener(queue) => queue.changed.notify(),
            }
        }
        if !finished.is_empty() {
            // Memory and descriptors go here, where no borrow is open.
            finished.clear();
            self.room.notify();
        }
        let mut inner = self.inner.borrow_mut();
        inner.completions = completions;
        inner.finished = finished;
        count
    }

    fn complete(
        &self,
        user_data: u64,
        result: i32,
        flags: u32,
        finished: &mut Vec<Operation>,
    ) -> Told {
        if user_data == USER_DATA_NONE {
            return Told::Nobody;
        }
        let inner = &mut *self.inner.borrow_mut();
        if user_data == USER_DATA_TIMEOUT {
            inner.armed = None;
            return Told::Nobody;
        }
        let index = usize::try_from(user_data & u64::from(u32::MAX)).expect("32 bits");
        let operation = inner.operations.get_mut(index).expect("completions name live operations");
        assert_eq!(u64::from(operation.generation), user_data >> 32, "a completion of the past");
        let last = !cqueue::more(flags);
        let told = match &mut operation.state {
            State::Waiting(waker) => {
                assert!(last, "only accepts complete more than once");
                let told = waker.take().map_or(Told::Nobody, Told::Waiter);
                operation.state = State::Done { result, flags };
                return told;
            }
            State::Done { .. } => panic!("a completion after the last one"),
            State::Detached => {
                if operation.payload.makes_descriptor() && result >= 0 {
                    // SAFETY: the kernel made this descriptor for the operation; nobody else has it.
                    drop(unsafe { OwnedFd::from_raw_fd(result) });
                }
                Told::Nobody
            }
            State::Accepting(queue) => {
                queue.completed(result, last);
                Told::Listener(queue.clone())
            }
        };
        if last {
            finished.push(inner.operations.remove(index));
        }
        told
    }

    /// Whether there is nothing to do until the eventfd is signalled. To be asked with signals on.
    ///
    /// The kernel's wish for a call (`taskrun`) is granted, but not believed for ever: another
    /// processor that completes something sets the flag a moment after it queued the work, and when
    /// the work was done in that moment, the flag stands with nothing behind it. Each call does at
    /// least [`LOCAL_WORK_MAX`] pieces of the work, of which no operation has more than one.
    pub(super) fn is_quiet(&self) -> bool {
        let inner = &mut *self.inner.borrow_mut();
        let mut calls_left = 1 + inner.operations.len() / LOCAL_WORK_MAX;
        loop {
            let Some(uring) = &mut inner.uring else { return false };
            let completed = !uring.completion().is_empty();
            let submission = uring.submission();
            if completed || submission.cq_overflow() || !submission.is_empty() {
                return false;
            }
            if !submission.taskrun() || calls_left == 0 {
                return inner.backlog.is_empty();
            }
            drop(submission);
            inner.enter_always();
            calls_left -= 1;
        }
    }

    /// Whether completions signal the eventfd. Off while the pump runs: it looks anyway, and each
    /// signal costs a trip through the runtime's own ring.
    pub(super) fn listen(&self, on: bool) {
        let inner = &mut *self.inner.borrow_mut();
        let Some(uring) = &mut inner.uring else { return };
        if on {
            uring.completion().enable_eventfd();
            // Pairs with the kernel: it queues the completion's work, then looks whether signals are
            // off; here they are on, then the caller looks at the queue (`is_quiet`).
            std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
            #[cfg(not(target_arch = "x86_64"))]
            inner.enter_always();
        } else {
            uring.completion().disable_eventfd();
        }
    }

    fn poll(&self, key: Key, waker: &Waker) -> Poll<Completion> {
        let mut borrow = self.inner.borrow_mut();
        let index = usize::try_from(key.index).expect("32 bits");
        let operation = borrow.operations.get_mut(index).expect("it stays until it is taken");
        assert_eq!(operation.generation, key.generation);
        let (result, flags) = match &mut operation.state {
            State::Waiting(known) => {
                if known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    return Poll::Pending;
                }
                let old = known.replace(waker.clone());
                drop(borrow);
                drop(old);
                return Poll::Pending;
            }
            State::Done { result, flags } => (*result, *flags),
            State::Detached | State::Accepting(_) => panic!("nobody waits for this one"),
        };
        let operation = borrow.operations.remove(index);
        drop(borrow);
        self.room.notify();
        // The last reference to a descriptor may go here and close it.
        drop(operation.descriptor);
        Poll::Ready(Completion { result, flags, payload: operation.payload })
    }

    fn detach(&self, key: Key) {
        let mut borrow = self.inner.borrow_mut();
        let index = usize::try_from(key.index).expect("32 bits");
        let Some(operation) = borrow.operations.get_mut(index) else { return };
        assert_eq!(operation.generation, key.generation);
        let state = std::mem::replace(&mut operation.state, State::Detached);
        let State::Done { result, .. } = state else {
            drop(borrow);
            drop(state);
            return;
        };
        if operation.payload.makes_descriptor() && result >= 0 {
            // SAFETY: made by the kernel for this operation, which nobody took.
            drop(unsafe { OwnedFd::from_raw_fd(result) });
        }
        let operation = borrow.operations.remove(index);
        drop(borrow);
        drop(operation);
        self.room.notify();
    }

    /// Ends all operations and closes the ring. Afterwards every start fails. Blocks the thread until
    /// the kernel has let go of all memory.
    pub(super) fn close(&self) {
        let deadline = Instant::now() + CLOSE_WAIT;
        {
            let inner = &mut *self.inner.borrow_mut();
            if inner.uring.is_none() {
                return;
            }
            let entry = opcode::AsyncCancel2::new(CancelBuilder::any()).build();
            inner.push(entry.user_data(USER_DATA_NONE));
        }
        loop {
            self.turn();
            if !self.inner.borrow().has_open_operations() {
                break;
            }
            if Instant::now() > deadline {
                tracing::warn!(count = self.under_way(), "operations outlive their shard");
                let mut inner = self.inner.borrow_mut();
                std::mem::forget(std::mem::take(&mut inner.operations));
                break;
            }
            self.inner.borrow_mut().wait(Duration::from_millis(10));
        }
        let inner = &mut *self.inner.borrow_mut();
        inner.uring = None;
    }
}

impl Inner {
    /// Puts an entry into the submission queue, or behind it when it is full.
    fn push(&mut self, entry: squeue::Entry) {
        if !self.backlog.is_empty() || !self.try_push(&entry) {
            self.enter();
            if !self.backlog.is_empty() || !self.try_push(&entry) {
                self.backlog.push_back(entry);
            }
        }
    }

    fn try_push(&mut self, entry: &squeue::Entry) -> bool {
        let Some(uring) = &mut self.uring else { return false };
        // SAFETY: what the entry refers to is owned by its operation in the slab until the last
        // completion (see `Request`), or it refers to nothing (cancellations).
        unsafe { uring.submission().push(entry) }.is_ok()
    }

    /// One system call, if there is a reason for it.
    fn enter(&mut self) {
        while let Some(entry) = self.backlog.pop_front() {
            if !self.try_push(&entry) {
                self.backlog.push_front(entry);
                break;
            }
        }
        let Some(uring) = &mut self.uring else { return };
        let submission = uring.submission();
        if !submission.is_empty() || submission.taskrun() || submission.cq_overflow() {
            drop(submission);
            self.enter_always();
        }
    }

    fn enter_always(&mut self) {
        let Some(uring) = &mut self.uring else { return };
        let count = u32::try_from(uring.submission().len()).expect("the queue is small");
        let flags = EnterFlags::GETEVENTS.bits();
        // SAFETY: no argument is passed; the entries in the queue are valid (see `try_push`).
        let result = unsafe { uring.submitter().enter::<libc::sigset_t>(count, 0, flags, None) };
        if let Err(error) = result {
            check_enter(&error);
        }
    }

    /// Blocks until something completes or `limit` is over.
    fn wait(&mut self, limit: Duration) {
        let Some(uring) = &mut self.uring else { return };
        let timeout = types::Timespec::from(limit);
        let arguments = types::SubmitArgs::new().timespec(&timeout);
        if let Err(error) = uring.submitter().submit_with_args(1, &arguments)
            && error.raw_os_error() != Some(libc::ETIME)
        {
            check_enter(&error);
        }
    }

    fn collect(&mut self) {
        let Some(uring) = &mut self.uring else { return };
        let completions = uring.completion();
        self.completions
            .extend(completions.map(|entry| (entry.user_data(), entry.result(), entry.flags())));
    }

    /// Whether the kernel still owes a completion.
    fn has_open_operations(&self) -> bool {
        self.operations.iter().any(|(_, each)| !matches!(each.state, State::Done { .. }))
    }
}

/// What may fail in passing: an interrupted call, and queues or memory that are full for a moment.
/// The entries stay in the queue and the next turn tries again.
fn check_enter(error: &io::Error) {
    let passing = [libc::EINTR, libc::EAGAIN, libc::EBUSY];
    if !error.raw_os_error().is_some_and(|code| passing.contains(&code)) {
        panic!("io_uring_enter failed: {error}");
    }
}

/// Waits for an operation; detaches it when dropped.
struct Operating {
    ring: Rc<Ring>,
    key: Key,
    taken: bool,
}

impl Future for Operating {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completion> {
        let result = self.ring.poll(self.key, context.waker());
        self.taken = result.is_ready();
        result
    }
}

impl Drop for Operating {
    fn drop(&mut self) {
        if !self.taken {
            self.ring.detach(self.key);
        }
    }
}
