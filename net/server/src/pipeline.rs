//! The requests of one connection that are in work, in the order they came. Several run at once;
//! answers leave in order, all that are ready together in one send. Lives inside the connection's
//! task, on its shard; polled there and nowhere else.

use bytes::Bytes;
use engine_io::sync::Signal;
use net_wire::Segments;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Why a connection ends without an answer to its last request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    pub reason: String,
}

impl Close {
    pub fn because(reason: impl Into<String>) -> Self {
        Close { reason: reason.into() }
    }
}

/// What a request leads to.
pub enum Reply {
    /// A whole response frame, length included.
    Frame(Segments),
    /// No response at all: Produce with acks=0.
    Silent,
}

pub type Outcome = Result<Reply, Close>;
pub type Working = Pin<Box<dyn Future<Output = Outcome>>>;

/// Finished answers of one connection that wait to be sent, in bytes. Beyond: no further request of
/// it begins. They pin memory of the log, and a peer that asks without reading must not pin it all.
const ANSWER_BYTES_MAX: usize = 4 << 20;

enum Slot {
    Done(Outcome),
    Working(Working),
}

/// See the module's words.
#[derive(Default)]
pub struct Pipeline {
    slots: RefCell<VecDeque<Slot>>,
    in_work: Cell<usize>,
    /// Fires when answers were taken.
    taken: Signal,
}

impl Pipeline {
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests whose answers have not been taken.
    pub fn waiting(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Completes once fewer than `count` requests wait for their answers to be taken, and the finished
    /// answers among them are below [`ANSWER_BYTES_MAX`].
    pub async fn below(&self, count: usize) {
        while self.waiting() >= count || self.answer_bytes() >= ANSWER_BYTES_MAX {
            self.taken.wait().await;
        }
    }

    /// Bytes of finished answers that a peer has yet to take.
    fn answer_bytes(&self) -> usize {
        let slots = self.slots.borrow();
        let bytes = slots.iter().map(|slot| match slot {
            Slot::Done(Ok(Reply::Frame(frame))) => frame.len(),
            _ => 0,
        });
        bytes.sum()
    }

    /// Takes a request in work behind the others, and starts it: it is polled once here, so that
    /// requests start in the order they came, whatever they wait for later.
    pub fn push(&self, mut working: Working, context: &mut Context<'_>) {
        let slot = match working.as_mut().poll(context) {
            Poll::Ready(outcome) => Slot::Done(outcome),
            Poll::Pending => {
                self.in_work.set(self.in_work.get() + 1);
                Slot::Working(working)
            }
        };
        self.slots.borrow_mut().push_back(slot);
    }

    /// Lets every request in work go on.
    pub fn advance(&self, context: &mut Context<'_>) {
        if self.in_work.get() == 0 {
            return;
        }
        for slot in self.slots.borrow_mut().iter_mut() {
            if let Slot::Working(working) = slot
                && let Poll::Ready(outcome) = working.as_mut().poll(context)
            {
                self.in_work.set(self.in_work.get() - 1);
                *slot = Slot::Done(outcome);
            }
        }
    }

    /// The answers at the front that are ready, as segments to send. Pending while there is none.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<Vec<Bytes>, Close>> {
        self.advance(context);
        let mut slots = self.slots.borrow_mut();
        let count = slots.len();
        let mut segments = Vec::new();
        while let Some(Slot::Done(_)) = slots.front() {
            let Some(Slot::Done(outcome)) = slots.pop_front() else { break };
            match outcome {
                Ok(Reply::Frame(frame)) => segments.extend(frame),
                Ok(Reply::Silent) => {}
                // What was answered before this request still goes out.
                Err(close) if segments.is_empty() => return Poll::Ready(Err(close)),
                Err(close) => {
                    slots.push_front(Slot::Done(Err(close)));
                    break;
                }
            }
        }
        if slots.len() < count {
            self.taken.notify();
        }
        if segments.is_empty() { Poll::Pending } else { Poll::Ready(Ok(segments)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Close, Pipeline, Reply};
    use bytes::Bytes;
    use engine_io::sync::oneshot;
    use std::task::{Context, Poll, Waker};

    fn frame(text: &'static str) -> Reply {
        let mut frame = net_wire::Segments::default();
        frame.push(Bytes::from_static(text.as_bytes()));
        Reply::Frame(frame)
    }

    #[test]
    fn answers_leave_in_order_however_they_finish() {
        let mut context = Context::from_waker(Waker::noop());
        let pipeline = Pipeline::new();
        let (first, first_done) = oneshot::<()>();
        pipeline.push(
            Box::pin(async move {
                first_done.await;
                Ok(frame("a"))
            }),
            &mut context,
        );
        pipeline.push(Box::pin(async { Ok(frame("b")) }), &mut context);
        pipeline.push(Box::pin(async { Ok(Reply::Silent) }), &mut context);
        pipeline.push(Box::pin(async { Err(Close::because("done")) }), &mut context);
        assert!(pipeline.poll_ready(&mut context).is_pending(), "b waits for a");
        first.send(());
        let Poll::Ready(Ok(segments)) = pipeline.poll_ready(&mut context) else {
            panic!("both are ready");
        };
        assert_eq!(segments.concat(), b"ab");
        let Poll::Ready(Err(close)) = pipeline.poll_ready(&mut context) else {
            panic!("then the connection ends");
        };
        assert_eq!(close.reason, "done");
        assert_eq!(pipeline.waiting(), 0);
    }
}
