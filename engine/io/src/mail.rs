//! Mail between shards: one bounded single-producer single-consumer ring for each ordered pair of
//! shards, and a bell for each shard that is rung only when the shard sleeps. A full ring gives the
//! message back. Mail from one shard to another arrives in the order it was sent.

use crate::sync::Signal;
use engine_base::ShardId;
use rtrb::{Consumer, Producer, RingBuffer};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

/// Messages under way from one shard to another, at most. Beyond: the sender gets its message back.
const RING_MESSAGES_MAX: usize = 1024;

/// Wakes a shard from another thread. Ringing a shard that is awake costs one atomic load.
pub trait Bell: Send + Sync + 'static {
    fn ring(&self);
}

/// The sending half of the mesh that one shard takes to its thread.
pub struct Mailbox<M> {
    shard: ShardId,
    outgoing: Vec<Option<Producer<M>>>,
    incoming: Vec<Option<Consumer<M>>>,
    bells: Vec<Arc<dyn Bell>>,
}

/// Mailboxes for all shards, to be moved to their threads. `bells[i]` wakes shard `i`.
pub fn mesh<M: Send + 'static>(bells: &[Arc<dyn Bell>]) -> Vec<Mailbox<M>> {
    let count = bells.len();
    let mut boxes: Vec<Mailbox<M>> = (0..count)
        .map(|index| Mailbox {
            shard: ShardId(u16::try_from(index).expect("shards are counted in 16 bits")),
            outgoing: (0..count).map(|_| None).collect(),
            incoming: (0..count).map(|_| None).collect(),
            bells: bells.to_vec(),
        })
        .collect();
    for source in 0..count {
        for target in 0..count {
            if source != target {
                let (producer, consumer) = RingBuffer::new(RING_MESSAGES_MAX);
                boxes[source].outgoing[target] = Some(producer);
                boxes[target].incoming[source] = Some(consumer);
            }
        }
    }
    boxes
}

/// A shard's mail, once on its thread. Cheap to clone. The backend calls [`Mail::arrived`] whenever
/// the shard's bell rang.
pub struct Mail<M>(Rc<Inner<M>>);

struct Inner<M> {
    shard: ShardId,
    outgoing: Vec<Option<RefCell<Producer<M>>>>,
    incoming: Vec<Option<RefCell<Consumer<M>>>>,
    bells: Vec<Arc<dyn Bell>>,
    /// The source to look at first, so that a busy peer cannot starve the others.
    turn: Cell<usize>,
    arrived: Signal,
}

impl<M> Clone for Mail<M> {
    fn clone(&self) -> Self {
        Mail(self.0.clone())
    }
}

impl<M: Send + 'static> Mailbox<M> {
    pub fn shard(&self) -> ShardId {
        self.shard
    }

    /// To be called on the shard's own thread.
    pub fn open(self) -> Mail<M> {
        Mail(Rc::new(Inner {
            shard: self.shard,
            outgoing: self.outgoing.into_iter().map(|end| end.map(RefCell::new)).collect(),
            incoming: self.incoming.into_iter().map(|end| end.map(RefCell::new)).collect(),
            bells: self.bells,
            turn: Cell::new(0),
            arrived: Signal::new(),
        }))
    }
}

impl<M: Send + 'static> Mail<M> {
    /// Hands `message` to `target`, or gives it back when the ring to it is full. Mail to oneself is
    /// our own mistake.
    pub fn try_send(&self, target: ShardId, message: M) -> Result<(), M> {
        assert_ne!(target, self.0.shard, "a shard calls itself directly, not by mail");
        let end = self.0.outgoing[target.index()].as_ref().expect("every other shard has a ring");
        let result = end.borrow_mut().push(message);
        self.0.bells[target.index()].ring();
        result.map_err(|rtrb::PushError::Full(message)| message)
    }

    /// The next message of any shard, or `None`.
    pub fn try_recv(&self) -> Option<(ShardId, M)> {
        let count = self.0.incoming.len();
        let first = self.0.turn.get();
        for step in 0..count {
            let index = (first + step) % count;
            let Some(end) = &self.0.incoming[index] else { continue };
            if let Ok(message) = end.borrow_mut().pop() {
                self.0.turn.set((index + 1) % count);
                let source = u16::try_from(index).expect("shards are counted in 16 bits");
                return Some((ShardId(source), message));
            }
        }
        None
    }

    /// The next message of any shard, when there is one.
    pub async fn recv(&self) -> (ShardId, M) {
        loop {
            let wait = self.0.arrived.wait();
            if let Some(found) = self.try_recv() {
                return found;
            }
            wait.await;
        }
    }

    /// Tells receivers to look. Called by the backend on the shard's own thread.
    pub fn arrived(&self) {
        self.0.arrived.notify();
    }
}

impl<M> std::fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mailbox({})", self.shard)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bell, RING_MESSAGES_MAX, mesh};
    use engine_base::ShardId;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Bell for Counter {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn mail_is_ordered_bounded_and_fair() {
        let counters: Vec<Arc<Counter>> = (0..3).map(|_| Arc::default()).collect();
        let bells: Vec<Arc<dyn Bell>> =
            counters.iter().map(|bell| bell.clone() as Arc<dyn Bell>).collect();
        let mails: Vec<_> =
            mesh::<usize>(&bells).into_iter().map(|mailbox| mailbox.open()).collect();
        for value in 0..RING_MESSAGES_MAX {
            assert_eq!(mails[0].try_send(ShardId(2), value), Ok(()));
        }
        assert_eq!(mails[0].try_send(ShardId(2), 99), Err(99), "a full ring gives the mail back");
        mails[1].try_send(ShardId(2), 7).expect("its own ring is empty");
        assert!(counters[2].0.load(Ordering::Relaxed) > 0);
        assert_eq!(mails[2].try_recv(), Some((ShardId(0), 0)));
        assert_eq!(
            mails[2].try_recv(),
            Some((ShardId(1), 7)),
            "a busy peer does not starve others"
        );
        assert_eq!(mails[2].try_recv(), Some((ShardId(0), 1)));
    }
}
