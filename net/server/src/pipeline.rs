//! The requests of one connection that are in work, in the order they came. Several run at once;
//! answers leave in order, all that are ready together in one send. Lives inside the connection's
//! task, on its shard; polled there and nowhere else.

use crate::answers::Held;
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
    /// One that holds memory of the log until it is sent.
    Holding(Segments, Held),
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

/// Whether an answer may be large.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    Small,
    /// A fetch's: one at a time, until it is sent. Kafka has one request of a connection in work, so
    /// no client asks for two at once but one that would hold memory.
    Large,
}

/// See the module's words.
#[derive(Default)]
pub struct Pipeline {
    slots: RefCell<VecDeque<(Slot, Size)>>,
    in_work: Cell<usize>,
    /// Large answers that are not sent yet, in work or done.
    large: Cell<usize>,
    /// What the answers that were taken hold, and how many of them are large, until they are sent.
    sending: RefCell<Vec<Held>>,
    sending_large: Cell<usize>,
    /// Fires when answers were taken or sent.
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

    /// Completes once a request of this size may begin.
    pub async fn room_for(&self, size: Size) {
        while size == Size::Large && self.large.get() > 0 {
            self.taken.wait().await;
        }
    }

    /// Bytes of finished answers that a peer has yet to take.
    fn answer_bytes(&self) -> usize {
        let slots = self.slots.borrow();
        let bytes = slots.iter().map(|(slot, _)| match slot {
            Slot::Done(Ok(Reply::Frame(frame) | Reply::Holding(frame, _))) => frame.len(),
            _ => 0,
        });
        bytes.sum()
    }

    /// Takes a request in work behind the others, and starts it: it is polled once here, so that
    /// requests start in the order they came, whatever they wait for later.
    pub fn push(&self, mut working: Working, size: Size, context: &mut Context<'_>) {
        self.large.set(self.large.get() + usize::from(size == Size::Large));
        let slot = match working.as_mut().poll(context) {
            Poll::Ready(outcome) => Slot::Done(outcome),
            Poll::Pending => {
                self.in_work.set(self.in_work.get() + 1);
                Slot::Working(working)
            }
        };
        self.slots.borrow_mut().push_back((slot, size));
    }

    /// Lets every request in work go on.
    pub fn advance(&self, context: &mut Context<'_>) {
        if self.in_work.get() == 0 {
            return;
        }
        for (slot, _) in self.slots.borrow_mut().iter_mut() {
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
        while let Some((Slot::Done(_), _)) = slots.front() {
            let Some((Slot::Done(outcome), size)) = slots.pop_front() else { break };
            self.sending_large.set(self.sending_large.get() + usize::from(size == Size::Large));
            match outcome {
                Ok(Reply::Frame(frame)) => segments.extend(frame),
                Ok(Reply::Holding(frame, held)) => {
                    segments.extend(frame);
                    self.sending.borrow_mut().push(held);
                }
                Ok(Reply::Silent) => {}
                // What was answered before this request still goes out.
                Err(close) if segments.is_empty() => return Poll::Ready(Err(close)),
                Err(close) => {
                    slots.push_front((Slot::Done(Err(close)), Size::Small));
                    break;
                }
            }
        }
        if slots.len() < count {
            self.taken.notify();
        }
        if segments.is_empty() { Poll::Pending } else { Poll::Ready(Ok(segments)) }
    }
    /// The segments that were taken are with the peer.
    pub fn sent(&self) {
        self.sending.borrow_mut().clear();
        let large = self.sending_large.replace(0);
        if large > 0 {
            self.large.set(self.large.get() - large);
            self.taken.notify();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Close, Pipeline, Reply, Size};
    use crate::answers::AnswerMemory;
    use bytes::Bytes;
    use engine_io::sync::oneshot;
    use std::future::Future;
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
            Size::Small,
            &mut context,
        );
        pipeline.push(Box::pin(async { Ok(frame("b")) }), Size::Small, &mut context);
        pipeline.push(Box::pin(async { Ok(Reply::Silent) }), Size::Small, &mut context);
        pipeline.push(Box::pin(async { Err(Close::because("done")) }), Size::Small, &mut context);
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
    #[test]
    fn a_large_answer_holds_memory_and_the_next_until_it_is_sent() {
        let mut context = Context::from_waker(Waker::noop());
        let pipeline = Pipeline::new();
        let memory = AnswerMemory::new(100);
        let mut held = memory.begin();
        held.has_read(90);
        let large = |reply| Box::pin(std::future::ready(Ok(reply)));
        let super::Reply::Frame(segments) = frame("a") else { unreachable!() };
        let ready = |pipeline: &Pipeline, size, context: &mut Context<'_>| {
            std::pin::pin!(pipeline.room_for(size)).poll(context).is_ready()
        };
        assert!(ready(&pipeline, Size::Large, &mut context));
        pipeline.push(large(Reply::Holding(segments, held)), Size::Large, &mut context);
        assert!(!ready(&pipeline, Size::Large, &mut context), "not taken");
        assert!(ready(&pipeline, Size::Small, &mut context));
        assert!(pipeline.poll_ready(&mut context).is_ready());
        assert!(!ready(&pipeline, Size::Large, &mut context), "not sent");
        assert!(memory.under_pressure());
        pipeline.sent();
        assert!(ready(&pipeline, Size::Large, &mut context));
        assert!(!memory.under_pressure());
    }
}
