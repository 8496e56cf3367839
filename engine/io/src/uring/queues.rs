//! The two queues between a shard and the kernel, and the call that serves both.

use io_uring::{EnterFlags, IoUring, squeue, types};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// What the kernel does at least in one call of the work that completions wait for
/// (`IO_LOCAL_TW_DEFAULT_MAX` since Linux 6.13; all of it before).
const LOCAL_WORK_MAX: usize = 20;

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
            self.enter();
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

    /// One system call, if there is a reason for it: it submits and has completions posted.
    pub(super) fn enter(&mut self) {
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

    /// Whether there is nothing to do until the eventfd is signalled. To be asked with signals on.
    ///
    /// The kernel's wish for a call (`taskrun`) is granted, but not believed for ever: another
    /// processor that completes something sets the flag a moment after it queued the work, and when
    /// the work was done in that moment, the flag stands with nothing behind it. Each call does at
    /// least [`LOCAL_WORK_MAX`] pieces of the work, of which no operation has more than one.
    pub(super) fn is_quiet(&mut self, operations: usize) -> bool {
        let mut calls_left = 1 + operations / LOCAL_WORK_MAX;
        loop {
            let Some(uring) = &mut self.uring else { return false };
            let completed = !uring.completion().is_empty();
            let submission = uring.submission();
            if completed || submission.cq_overflow() || !submission.is_empty() {
                return false;
            }
            if !submission.taskrun() || calls_left == 0 {
                return self.backlog.is_empty();
            }
            drop(submission);
            self.enter_always();
            calls_left -= 1;
        }
    }

    pub(super) fn listen(&mut self, on: bool) {
        let Some(uring) = &mut self.uring else { return };
        if on {
            uring.completion().enable_eventfd();
            // Pairs with the kernel: it queues the completion's work, then looks whether signals are
            // off; here they are on, then the caller looks at the queue (`is_quiet`).
            fence(Ordering::SeqCst);
            #[cfg(not(target_arch = "x86_64"))]
            self.enter_always();
        } else {
            uring.completion().disable_eventfd();
        }
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
