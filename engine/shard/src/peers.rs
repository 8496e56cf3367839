//! Calls from one shard to another: a message there, a message back, and the answer is the return
//! value. Calls to one shard start there in the order they were made. Lives on each shard.

use engine_base::ShardId;
use engine_io::Env;
use engine_io::mail::Mail;
use engine_io::sync::{Sender, oneshot};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How long a shard whose peer's mailbox is full waits before it tries again.
const FULL_RETRY: Duration = Duration::from_micros(50);

/// The id of a call that wants no answer.
const UNANSWERED: usize = usize::MAX;

/// What travels between shards.
pub enum Message<C, A> {
    Call { id: usize, call: C },
    Answer { id: usize, answer: A },
}

/// This shard's calls to the others.
pub struct Peers<E: Env, C: Send + 'static, A: Send + 'static> {
    env: E,
    mail: Mail<Message<C, A>>,
    waiting: RefCell<Slab<Sender<A>>>,
    /// Messages that found the ring to their shard full, by shard, in order. Bounded by what the
    /// callers bound: requests in work for calls, calls received for answers.
    overflow: RefCell<Vec<VecDeque<Message<C, A>>>>,
    draining: Cell<bool>,
}

impl<E: Env, C: Send + 'static, A: Send + 'static> Peers<E, C, A> {
    pub fn new(env: E, mail: Mail<Message<C, A>>) -> Rc<Self> {
        let overflow = (0..env.shard_count()).map(|_| VecDeque::new()).collect();
        Rc::new(Peers {
            env,
            mail,
            waiting: RefCell::new(Slab::new()),
            overflow: RefCell::new(overflow),
            draining: Cell::new(false),
        })
    }

    /// Sends `call` to `target` at once; the future is its answer. `None` if the answer never comes
    /// because the process is stopping.
    pub fn call(
        self: &Rc<Self>,
        target: ShardId,
        call: C,
    ) -> impl Future<Output = Option<A>> + use<E, C, A> {
        let (sender, receiver) = oneshot();
        let id = self.waiting.borrow_mut().insert(sender);
        self.post(target, Message::Call { id, call });
        receiver
    }

    /// Sends `call` to `target` without wanting an answer.
    pub fn tell(self: &Rc<Self>, target: ShardId, call: C) {
        self.post(target, Message::Call { id: UNANSWERED, call });
    }

    /// Answers call `id` of `source`.
    pub fn answer(self: &Rc<Self>, source: ShardId, id: usize, answer: A) {
        assert_ne!(id, UNANSWERED, "nobody waits for this answer");
        self.post(source, Message::Answer { id, answer });
    }

    /// The next call of another shard. Answers to our own calls are delivered on the way.
    pub async fn next_call(&self) -> (ShardId, usize, C) {
        loop {
            match self.mail.recv().await {
                (source, Message::Call { id, call }) => return (source, id, call),
                (_, Message::Answer { id, answer }) => {
                    let sender = self.waiting.borrow_mut().remove(id);
                    sender.send(answer);
                }
            }
        }
    }

    fn post(self: &Rc<Self>, target: ShardId, message: Message<C, A>) {
        let mut overflow = self.overflow.borrow_mut();
        let queue = &mut overflow[target.index()];
        let refused = match queue.is_empty() {
            true => self.mail.try_send(target, message).err(),
            false => Some(message),
        };
        let Some(message) = refused else { return };
        queue.push_back(message);
        drop(overflow);
        if !self.draining.replace(true) {
            let peers = self.clone();
            self.env.spawn(engine_io::Queue::Net, async move { peers.drain().await });
        }
    }

    /// Hands over what did not fit, until nothing is left.
    async fn drain(&self) {
        loop {
            let mut left = false;
            // Not `0..borrow().len()`: that borrow would last as long as the loop.
            for index in 0..usize::from(self.env.shard_count()) {
                let target = ShardId(u16::try_from(index).expect("shards are counted in 16 bits"));
                let mut overflow = self.overflow.borrow_mut();
                while let Some(message) = overflow[index].pop_front() {
                    if let Err(message) = self.mail.try_send(target, message) {
                        overflow[index].push_front(message);
                        left = true;
                        break;
                    }
                }
            }
            if !left {
                self.draining.set(false);
                return;
            }
            self.env.sleep(FULL_RETRY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Peers;
    use engine_base::ShardId;
    use engine_io::Env;
    use engine_io::memory::{Machine, Options};
    use futures_util::future::join_all;
    use std::cell::Cell;

    /// More than the rings between two shards hold.
    const CALLS: usize = 5_000;

    #[test]
    fn calls_beyond_a_full_ring_arrive_in_order_and_are_answered() {
        let machine = Machine::new(1, Options::default());
        let done = Cell::new(false);
        let received = machine.run_shards(2, async |env, mail| {
            let peers = Peers::<_, usize, usize>::new(env.clone(), mail);
            let caller = env.shard() == ShardId(0);
            let serving = async {
                let mut received = Vec::new();
                while !done.get() && (caller || received.len() < CALLS) {
                    let (source, id, call) = peers.next_call().await;
                    received.push(call);
                    peers.answer(source, id, call * 2);
                }
                received
            };
            if !caller {
                return serving.await;
            }
            let calls: Vec<_> = (0..CALLS).map(|call| peers.call(ShardId(1), call)).collect();
            let calling = std::pin::pin!(join_all(calls));
            let serving = std::pin::pin!(serving);
            let answers = match futures_util::future::select(calling, serving).await {
                futures_util::future::Either::Left((answers, _)) => answers,
                futures_util::future::Either::Right(_) => panic!("nobody calls the caller"),
            };
            let expected: Vec<_> = (0..CALLS).map(|call| Some(call * 2)).collect();
            assert_eq!(answers, expected);
            done.set(true);
            Vec::new()
        });
        assert_eq!(received[1], (0..CALLS).collect::<Vec<_>>());
    }
}
