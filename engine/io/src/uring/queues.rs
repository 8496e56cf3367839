//! The two queues between a shard and the kernel, and the call that serves both.

use io_uring::{EnterFlags, IoUring, squeue, types};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Whether a call may sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sleep {
    No,
    /// Until there is a completion that was not collected.
    Yes,
}

/// See the head of the file. Who pushes an entry sees to it that what it refers to lives until its
/// last completion: in `ring.rs` the operations do.
pub(super) struct Queues {
    /// `None` once it is closed.
    uring: Option<IoUring>,
    /// Requests that found the submission queue full.
    backlog: VecDeque<squeue::Entry>,
}

impl Queues {
    pub(super) fn new(uring: IoUring) -> Queues {
        Queues { uring: Some(uring), backlog: VecDeque::new() }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.uring.is_none()
    }

    pub(super) fn close(&mut self) {
        self.uring = None;
    }

    /// Puts an entry into the submission queue, or behind it when it is full.
    pub(super) fn push(&mut self, entry: squeue::Entry) {
        if !self.backlog.is_empty() || !self.try_push(&entry) {
            self.enter(Sleep::No);
            if !self.backlog.is_empty() || !self.try_push(&entry) {
                self.backlog.push_back(entry);
            }
        }
    }

    fn try_push(&mut self, entry: &squeue::Entry) -> bool {
        let Some(uring) = &mut self.uring else { return false };
        // SAFETY: what the entry refers to is owned by its operation until the last completion (see
        // `Request`), or by the ring itself (the timeout), or it refers to nothing (cancellations).
        unsafe { uring.submission().push(entry) }.is_ok()
    }

    /// One system call, if there is a reason for it: it submits, has completions posted and, if asked
    /// to, sleeps until there is one.
    pub(super) fn enter(&mut self, sleep: Sleep) {
        while let Some(entry) = self.backlog.pop_front() {
            if !self.try_push(&entry) {
                self.backlog.push_front(entry);
                break;
            }
        }
        // What does not fit yet goes with the next call, which must come.
        let wanted = u32::from(sleep == Sleep::Yes && self.backlog.is_empty());
        let Some(uring) = &mut self.uring else { return };
        let submission = uring.submission();
        let count = submission.len();
        let idle = count == 0 && !submission.taskrun() && !submission.cq_overflow();
        drop(submission);
        if idle && wanted == 0 {
            return;
        }
        let count = u32::try_from(count).expect("the queue is small");
        let flags = EnterFlags::GETEVENTS.bits();
        // SAFETY: no argument is passed; the entries in the queue are valid (see `try_push`).
        let result =
            unsafe { uring.submitter().enter::<libc::sigset_t>(count, wanted, flags, None) };
        if let Err(error) = result {
            check_enter(&error);
        }
    }

    /// Blocks until something completes or `limit` is over.
    pub(super) fn wait(&mut self, limit: Duration) {
        let Some(uring) = &mut self.uring else { return };
        let timeout = types::Timespec::from(limit);
        let arguments = types::SubmitArgs::new().timespec(&timeout);
        if let Err(error) = uring.submitter().submit_with_args(1, &arguments)
            && error.raw_os_error() != Some(libc::ETIME)
        {
            check_enter(&error);
        }
    }

    /// Takes all completions: user data, result, flags.
    pub(super) fn collect(&mut self, completions: &mut Vec<(u64, i32, u32)>) {
        let Some(uring) = &mut self.uring else { return };
        let completed = uring.completion();
        completions.extend(completed.map(|each| (each.user_data(), each.result(), each.flags())));
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
