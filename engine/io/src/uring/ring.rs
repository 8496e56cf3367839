//! A shard's ring: the slab of operations under way, submission, completion. Lives on one thread.
//! Every operation owns its memory in the slab until its last completion; dropping the future that
//! waits for it only detaches it. The pump calls [`Ring::turn`]; everybody else starts requests.

use super::accept::AcceptQueue;
use super::queues::{Queues, Sleep};
use super::request::{Message, Payload, Request};
use super::shard::now;
use crate::env::Instant as Moment;
use crate::sync::Signal;
use io_uring::types::CancelBuilder;
use io_uring::{IoUring, cqueue, opcode, types};
use slab::Slab;
use std::cell::{Cell, RefCell};
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
/// More completions in one turn than this make it a crowded one.
const CROWD: usize = 4;
/// Completions that belong to no operation.
const USER_DATA_NONE: u64 = u64::MAX;
/// The completion of the timeout that [`Ring::arm`] set.
const USER_DATA_TIMEOUT: u64 = u64::MAX - 1;
/// The completion of the read that [`Ring::watch`] started.
const USER_DATA_BELL: u64 = u64::MAX - 2;

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
    queues: Queues,
    operations: Slab<Operation>,
    generation: u32,
    #[expect(clippy::vec_box, reason = "the kernel knows where each of them lies")]
    messages: Vec<Box<Message>>,
    /// When the timeout under way ends. `None`: there is none.
    armed: Option<Moment>,
    /// What the kernel reads as it takes a timeout from the submission queue.
    timeout: Box<types::Timespec>,
    /// A read of the bell's eventfd stands.
    watching: bool,
    /// Where that read puts the count.
    rings: Box<[u8; 8]>,
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
    /// The last turn was crowded.
    is_crowded: Cell<bool>,
    /// An operation ended.
    room: Signal,
}

impl Ring {
    pub(super) fn new(uring: IoUring, has_truncate: bool, operations_max: usize) -> Ring {
        let inner = Inner {
            queues: Queues::new(uring),
            operations: Slab::new(),
            generation: 0,
            messages: Vec::new(),
            armed: None,
            timeout: Box::new(types::Timespec::new()),
            watching: false,
            rings: Box::new([0; 8]),
            completions: Vec::new(),
            finished: Vec::new(),
        };
        Ring {
            inner: RefCell::new(inner),
            operations_max,
            has_truncate,
            is_crowded: Cell::new(false),
            room: Signal::new(),
        }
    }

    pub(super) fn has_truncate(&self) -> bool {
        self.has_truncate
    }

    /// Whether much completed in the last turn, so that much will be pushed before the next: then
    /// requests share its one system call.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded.get()
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
        if inner.queues.is_closed() {
            return Err(io::Error::other("the shard has ended"));
        }
        inner.generation = inner.generation.wrapping_add(1) & (u32::MAX >> 1);
        let generation = inner.generation;
        let Request { entry, payload, descriptor } = request;
        let index = inner.operations.insert(Operation { generation, state, payload, descriptor });
        let index = u32::try_from(index).expect("fewer than 2^32 operations at a time");
        let key = Key { index, generation };
        inner.queues.push(entry.user_data(key.user_data()));
        Ok(key)
    }

    /// Asks the kernel to end an operation early. Its completion comes as always.
    pub(super) fn cancel(&self, key: Key) {
        let inner = &mut *self.inner.borrow_mut();
        if !inner.queues.is_closed() {
            let entry = opcode::AsyncCancel::new(key.user_data()).build();
            inner.queues.push(entry.user_data(USER_DATA_NONE));
        }
    }

    /// Sees to it that a completion comes at `at` at the latest (it may come earlier, for an older
    /// wish).
    pub(super) fn arm(&self, at: Moment) {
        let inner = &mut *self.inner.borrow_mut();
        if inner.queues.is_closed() || inner.armed.is_some_and(|armed| armed <= at) {
            return;
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
        inner.queues.push(entry);
    }

    /// Sees to it that a completion comes when the eventfd is written to.
    pub(super) fn watch(&self, eventfd: RawFd) {
        let inner = &mut *self.inner.borrow_mut();
        if inner.queues.is_closed() || inner.watching {
            return;
        }
        inner.watching = true;
        let entry = opcode::Read::new(types::Fd(eventfd), inner.rings.as_mut_ptr(), 8);
        inner.queues.push(entry.build().user_data(USER_DATA_BELL));
    }

    /// Gives the kernel what was pushed, takes what has completed and wakes those who wait for it.
    /// One system call at most (unless a queue is full).
    pub(super) fn turn(&self) {
        self.move_on(Sleep::No);
    }

    /// The same, and sleeps first if nothing has completed, until something does.
    pub(super) fn turn_or_sleep(&self) {
        self.move_on(Sleep::Yes);
    }

    fn move_on(&self, sleep: Sleep) {
        let (mut completions, mut finished) = {
            let inner = &mut *self.inner.borrow_mut();
            if inner.queues.is_closed() {
                return;
            }
            inner.queues.enter(sleep);
            inner.queues.collect(&mut inner.completions);
            (std::mem::take(&mut inner.completions), std::mem::take(&mut inner.finished))
        };
        self.is_crowded.set(completions.len() > CROWD);
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
        if user_data == USER_DATA_BELL {
            inner.watching = false;
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
            if inner.queues.is_closed() {
                return;
            }
            let entry = opcode::AsyncCancel2::new(CancelBuilder::any()).build();
            inner.queues.push(entry.user_data(USER_DATA_NONE));
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
                std::mem::forget(std::mem::take(&mut inner.rings));
                break;
            }
            self.inner.borrow_mut().queues.wait(Duration::from_millis(10));
        }
        self.inner.borrow_mut().queues.close();
    }
}

impl Inner {
    /// Whether the kernel still owes a completion.
    fn has_open_operations(&self) -> bool {
        let waits = |operation: &Operation| !matches!(operation.state, State::Done { .. });
        self.watching || self.operations.iter().any(|(_, each)| waits(each))
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
