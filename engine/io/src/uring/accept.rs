//! Connections as the kernel accepts them, waiting to be asked for.

use crate::sync::Signal;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::os::fd::{FromRawFd, OwnedFd};

/// Accepted connections that nobody asked for yet, of one listener. Beyond: accepting stops until
/// half of them are taken, and the kernel's backlog fills.
pub(super) const ACCEPTED_MAX: usize = 256;

/// Filled by the ring, emptied by the listener.
#[derive(Default)]
pub(super) struct AcceptQueue {
    accepted: RefCell<VecDeque<OwnedFd>>,
    /// The error number that ended the last accept.
    error: Cell<Option<i32>>,
    armed: Cell<bool>,
    /// Something came, or accepting ended.
    pub(super) changed: Signal,
}

impl AcceptQueue {
    pub(super) fn completed(&self, result: i32, last: bool) {
        if result >= 0 {
            // SAFETY: the kernel made this descriptor for us; nobody else has it.
            let socket = unsafe { OwnedFd::from_raw_fd(result) };
            self.accepted.borrow_mut().push_back(socket);
        } else {
            self.error.set(Some(-result));
        }
        if last {
            self.armed.set(false);
        }
        self.changed.notify();
    }

    pub(super) fn take(&self) -> Option<OwnedFd> {
        self.accepted.borrow_mut().pop_front()
    }

    pub(super) fn take_error(&self) -> Option<i32> {
        self.error.take()
    }

    pub(super) fn put_error(&self, error: i32) {
        self.error.set(Some(error));
    }

    pub(super) fn len(&self) -> usize {
        self.accepted.borrow().len()
    }

    pub(super) fn is_armed(&self) -> bool {
        self.armed.get()
    }

    pub(super) fn arm(&self) {
        self.armed.set(true);
    }
}
