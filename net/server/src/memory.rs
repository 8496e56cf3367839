//! How much received but unanswered request data one shard holds. Lives on its shard.
//!
//! What always holds:
//! - Each connection may hold [`FREE_BYTES`] of a frame without asking. Beyond, it draws on a budget
//!   that all connections of the shard share; while that is not spent, everybody receives.
//! - When it is spent, those who want more stand in a queue. One connection at a time, the favoured,
//!   receives beyond the budget, so that some frame always gets complete. When there is room again
//!   they go on one after the other, the next when the one before has received or had nothing.
//! - What is held exceeds the budget by about one frame of the largest size, by what is free to
//!   everybody, and by what those bring in one receive that were let to while there was room.
//! - Progress decides. A favoured connection that brings less than [`STINT_BYTES`] in a [`STINT`]
//!   while others wait loses its place to the first of them, and queues again when it has brought
//!   something. While the budget is spent, connections that hold a claim and [drip](Drip) are closed.
//! - A connection is judged by what it brings when it is let to receive. Its own waiting counts only
//!   if it had next to nothing to bring after it.

use engine_io::sync::Signal;
use engine_io::{Env, Instant};
use futures_util::future::select;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// What a connection may hold without drawing on the shared budget, in bytes.
pub const FREE_BYTES: usize = 256 << 10;

/// How long the favoured connection may take for [`STINT_BYTES`] while others wait. Whoever has waited
/// itself has these bytes in its socket when its turn comes, however far away it is.
const STINT: Duration = Duration::from_millis(10);
const STINT_BYTES: usize = 16 << 10;

/// Who has waited and is let to receive has received within this time, or had nothing to bring.
const ENTRY: Duration = Duration::from_millis(1);

/// A connection drips if it brings less than [`DRIP_BYTES`] while it is let to receive for so long.
pub const DRIPPING_AFTER: Duration = Duration::from_secs(2);
const DRIP_BYTES: usize = 64 << 10;

/// The budget of one shard.
pub struct RequestMemory {
    limit_bytes: usize,
    /// How far the budget may be exceeded before the favoured keeps its place come what may.
    overdraw_bytes: usize,
    used_bytes: Cell<usize>,
    /// The connection that may overdraw.
    favoured: Cell<Option<u64>>,
    /// What favoured connections have brought so far.
    favoured_bytes: Cell<usize>,
    /// The connection that was let to receive last and has not received since.
    entering: Cell<Option<u64>>,
    /// Connections that wait, by id.
    queue: RefCell<VecDeque<u64>>,
    /// Somebody wanted more than there is.
    is_short: Cell<bool>,
    freed: Signal,
}

impl RequestMemory {
    /// A budget of `limit_bytes` for frames of at most `frame_bytes_max`.
    pub fn new(limit_bytes: usize, frame_bytes_max: usize) -> Rc<Self> {
        Rc::new(RequestMemory {
            limit_bytes,
            overdraw_bytes: frame_bytes_max,
            used_bytes: Cell::new(0),
            favoured: Cell::new(None),
            favoured_bytes: Cell::new(0),
            entering: Cell::new(None),
            queue: RefCell::new(VecDeque::new()),
            is_short: Cell::new(false),
            freed: Signal::new(),
        })
    }

    /// Whether somebody wanted more than there is since this was last asked: connections that drip
    /// are closed.
    pub fn was_short(&self) -> bool {
        let is_short = !self.queue.borrow().is_empty();
        self.is_short.replace(is_short) || is_short
    }

    pub fn used_bytes(&self) -> usize {
        self.used_bytes.get()
    }

    /// A charge of nothing for connection `id`.
    pub fn charge(self: &Rc<Self>, id: u64) -> Charge {
        Charge { memory: self.clone(), id, bytes: 0 }
    }

    fn has_room(&self) -> bool {
        self.used_bytes.get() < self.limit_bytes
    }

    /// The first of the queue waits for its turn.
    async fn first<E: Env>(&self, env: &E, id: u64) {
        if let Some(entering) = self.entering.get() {
            let entered = async {
                loop {
                    let freed = self.freed.wait();
                    if self.entering.get() != Some(entering) {
                        return;
                    }
                    freed.await;
                }
            };
            select(pin!(entered), pin!(env.sleep(ENTRY))).await;
        }
        while !self.has_room() {
            let freed = self.freed.wait();
            let Some(favoured) = self.favoured.get() else { break };
            let brought = self.favoured_bytes.get();
            select(pin!(freed), pin!(env.sleep(STINT))).await;
            let is_slow = self.favoured_bytes.get() < brought.saturating_add(STINT_BYTES);
            let is_bearable = self.used_bytes.get() <= self.limit_bytes + self.overdraw_bytes;
            if self.favoured.get() == Some(favoured) && is_slow && is_bearable {
                break;
            }
        }
        if self.has_room() {
            self.entering.set(Some(id));
        } else {
            self.favoured.set(Some(id));
        }
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    memory: &'a RequestMemory,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.memory.queue.borrow_mut().retain(|id| *id != self.id);
        self.memory.freed.notify();
    }
}

/// What one connection, or one request of it, holds. Released when dropped.
pub struct Charge {
    memory: Rc<RequestMemory>,
    id: u64,
    bytes: usize,
}

impl Charge {
    /// Sets what is held to `bytes`, at once.
    pub fn set(&mut self, bytes: usize) {
        let memory = &self.memory;
        let before = std::mem::replace(&mut self.bytes, bytes);
        memory.used_bytes.set(memory.used_bytes.get() - before + bytes);
        let mut is_free = bytes < before;
        if memory.entering.get() == Some(self.id) {
            memory.entering.set(None);
            is_free = true;
        }
        if memory.favoured.get() == Some(self.id) {
            let brought = bytes.saturating_sub(before);
            memory.favoured_bytes.set(memory.favoured_bytes.get().wrapping_add(brought));
            if bytes <= FREE_BYTES {
                memory.favoured.set(None);
                is_free = true;
            }
        }
        if is_free && !memory.queue.borrow().is_empty() {
            memory.freed.notify();
        }
    }

    /// Waits until this connection may receive more on top of what it holds.
    pub async fn room<E: Env>(&self, env: &E) {
        let memory = &*self.memory;
        let is_free = memory.has_room() && memory.queue.borrow().is_empty();
        if self.bytes <= FREE_BYTES || is_free || memory.favoured.get() == Some(self.id) {
            return;
        }
        memory.is_short.set(true);
        memory.queue.borrow_mut().push_back(self.id);
        let _place = Place { memory, id: self.id };
        loop {
            let freed = memory.freed.wait();
            if memory.queue.borrow().front() == Some(&self.id) {
                return memory.first(env, self.id).await;
            }
            freed.await;
        }
    }

    /// A separate charge for `bytes` of this connection, for a request that goes into work.
    pub fn split(&self, bytes: usize) -> Charge {
        let mut charge = self.memory.charge(u64::MAX);
        charge.set(bytes);
        charge
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// For how long a connection that holds a claim has brought little, though it was let to receive.
#[derive(Default)]
pub struct Drip {
    since: Cell<Option<Instant>>,
    /// What it waited before, for room.
    waited: Cell<Duration>,
    /// Before `since`.
    time: Cell<Duration>,
    bytes: Cell<usize>,
}

impl Drip {
    /// A receive begins that had to wait for room since `asked_at`.
    pub fn begin(&self, asked_at: Instant, now: Instant) {
        self.waited.set(now.since(asked_at));
        self.since.set(Some(now));
    }

    /// It has brought `bytes`.
    pub fn end(&self, now: Instant, bytes: usize) {
        let waited = self.waited.take();
        let waited = if bytes < STINT_BYTES { waited } else { Duration::ZERO };
        self.time.set(self.time(now) + waited);
        self.since.set(None);
        self.bytes.set(self.bytes.get() + bytes);
        if self.bytes.get() >= DRIP_BYTES {
            self.reset();
        }
    }

    /// It has no claim, or has proved itself.
    pub fn reset(&self) {
        self.since.set(None);
        self.time.set(Duration::ZERO);
        self.bytes.set(0);
    }

    /// Time spent receiving since it last brought enough.
    pub fn time(&self, now: Instant) -> Duration {
        let current = self.since.get().map_or(Duration::ZERO, |since| now.since(since));
        self.time.get() + current
    }
}

#[cfg(test)]
mod tests {
    use super::{DRIP_BYTES, Drip, FREE_BYTES, RequestMemory, STINT, STINT_BYTES};
    use engine_io::memory::{Machine, Options};
    use engine_io::{Env, Instant, Queue};
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Duration;

    /// Connections that hold what is given want more, in this order; who gets it, and after how many
    /// milliseconds, while the favoured brings `pace` bytes a millisecond.
    fn check(held: &[usize], pace: usize, expected: &[(u64, u128)]) {
        let machine = Machine::new(1, Options::calm());
        let expected = expected.to_vec();
        machine.run(async |env| {
            let memory = RequestMemory::new(1 << 20, 2 << 20);
            let mut charges: Vec<_> = (0..)
                .zip(held)
                .map(|(id, bytes)| {
                    let mut charge = memory.charge(id);
                    charge.set(*bytes);
                    charge
                })
                .collect();
            let begun = env.now();
            let got = Rc::new(RefCell::new(Vec::new()));
            for charge in charges.drain(..) {
                let (got, own) = (got.clone(), env.clone());
                env.spawn(Queue::Net, async move {
                    let mut charge = charge;
                    charge.room(&own).await;
                    let after = own.now().since(begun).as_millis();
                    got.borrow_mut().push((charge.id, after));
                    // It has its turn for a tenth of a second, and then its frame is complete.
                    for _ in 0..100 {
                        own.sleep(Duration::from_millis(1)).await;
                        charge.set(charge.bytes + pace);
                    }
                });
                env.yield_now().await;
            }
            env.sleep(Duration::from_secs(5)).await;
            assert_eq!(*got.borrow(), expected, "{held:?} at {pace}");
            assert_eq!((memory.used_bytes(), memory.queue.borrow().len()), (0, 0));
        });
    }

    #[test]
    fn who_goes_on_and_who_waits() {
        let large = 600 << 10;
        let stint = STINT.as_millis();
        check(&[large, FREE_BYTES], 0, &[(0, 0), (1, 0)]);
        // The budget is spent: small holders go on, and one of the others.
        let pace = 2 * STINT_BYTES / 10;
        check(&[large, FREE_BYTES, large, large], pace, &[(0, 0), (1, 0), (2, 100), (3, 200)]);
        // Who brings little passes its turn on.
        check(&[large, large, large], 1, &[(0, 0), (1, stint), (2, 2 * stint)]);
        // But for a frame that is already too much on top of the budget, which must go first.
        check(&[4 << 20, large], 1, &[(0, 0), (1, 100)]);
    }

    #[test]
    fn those_who_waited_go_on_one_after_the_other() {
        const FRAME: usize = 1 << 20;
        let machine = Machine::new(2, Options::calm());
        machine.run(async |env| {
            let memory = RequestMemory::new(2 << 20, FRAME);
            let mut first = memory.charge(u64::MAX - 1);
            first.set(2 << 20);
            let peak = Rc::new(RefCell::new(0));
            let done = Rc::new(RefCell::new(0));
            for id in 0..6 {
                let mut charge = memory.charge(id);
                charge.set(300 << 10);
                let (own, peak, done) = (env.clone(), peak.clone(), done.clone());
                env.spawn(Queue::Net, async move {
                    charge.room(&own).await;
                    // The rest is in its socket. Its request is then in work for a while.
                    own.yield_now().await;
                    charge.set(FRAME);
                    let used = charge.memory.used_bytes();
                    peak.replace_with(|peak| used.max(*peak));
                    own.sleep(Duration::from_millis(5)).await;
                    drop(charge);
                    done.replace_with(|done| *done + 1);
                });
            }
            // The first of them is favoured and brings it all; then there is room again.
            env.sleep(Duration::from_millis(1)).await;
            peak.replace(0);
            drop(first);
            env.sleep(Duration::from_secs(1)).await;
            assert_eq!((*done.borrow(), memory.used_bytes()), (6, 0));
            assert!(*peak.borrow() <= (2 << 20) + 2 * FRAME, "{} bytes", peak.borrow());
        });
    }

    #[test]
    fn waiting_is_no_dripping() {
        let at = |ms: u64| Instant(ms * 1_000_000);
        let drip = Drip::default();
        drip.begin(at(0), at(0));
        assert_eq!(drip.time(at(700)).as_millis(), 700);
        drip.end(at(1_000), 10);
        assert_eq!(drip.time(at(60_000)).as_millis(), 1_000, "it waits");
        drip.begin(at(1_000), at(60_000));
        assert_eq!(drip.time(at(60_000)).as_millis(), 1_000, "nobody knows yet what it brings");
        drip.end(at(60_500), STINT_BYTES);
        assert_eq!(drip.time(at(60_500)).as_millis(), 1_500, "it could not do more");
        drip.begin(at(60_500), at(61_000));
        drip.end(at(61_010), 10);
        assert_eq!(drip.time(at(61_010)).as_millis(), 2_010, "it could, and had nothing");
        drip.begin(at(61_010), at(61_010));
        drip.end(at(61_100), DRIP_BYTES - STINT_BYTES);
        assert_eq!(drip.time(at(61_100)), Duration::ZERO);
    }
}
