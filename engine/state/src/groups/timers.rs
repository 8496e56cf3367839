//! The coordinator's timers: one ordered queue of deadlines. Each timer has one owner that holds
//! its key and takes it back when it fires; a fired key that the owner no longer holds is stale.
//! A session is extended by writing a number: its queue entry stays and is moved when it comes up.

use std::collections::BTreeMap;
use std::rc::Rc;

/// Identifies a scheduled timer; orders by deadline, then by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct TimerKey {
    pub deadline_ms: i64,
    serial: u64,
}

/// What happens at a deadline.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// A member, or a pending member, was silent too long.
    Session { group: Rc<str>, member: Rc<str> },
    /// The join phase ends.
    Join { group: Rc<str>, round: JoinRound },
    /// The sync phase ends.
    Sync { group: Rc<str> },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum JoinRound {
    /// The first members of a group are gathered; the wait is prolonged while more arrive.
    Initial {
        delay_ms: i64,
        remaining_ms: i64,
    },
    Rebalance,
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeMap<TimerKey, Timer>,
    serial: u64,
}

impl Timers {
    pub fn schedule(&mut self, deadline_ms: i64, timer: Timer) -> TimerKey {
        self.serial += 1;
        let key = TimerKey { deadline_ms, serial: self.serial };
        self.queue.insert(key, timer);
        key
    }

    /// Cancels the timer in the owner's `slot`, if any.
    pub fn cancel(&mut self, slot: &mut Option<TimerKey>) {
        if let Some(key) = slot.take() {
            self.queue.remove(&key);
        }
    }

    pub fn next_deadline_ms(&self) -> Option<i64> {
        self.queue.first_key_value().map(|(key, _)| key.deadline_ms)
    }

    /// Takes all timers due at `now_ms`. Those scheduled while they are handled wait for the next
    /// call, so that a timer of length zero cannot hold the caller for ever.
    pub fn take_due(&mut self, now_ms: i64) -> BTreeMap<TimerKey, Timer> {
        let later = TimerKey { deadline_ms: now_ms.saturating_add(1), serial: 0 };
        let rest = self.queue.split_off(&later);
        std::mem::replace(&mut self.queue, rest)
    }

    #[cfg(test)]
    pub fn contains(&self, key: &TimerKey) -> bool {
        self.queue.contains_key(key)
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.queue.len()
    }
}

/// The session of one member.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// When the member is given up; never before the queued timer fires.
    deadline_ms: i64,
    pub timer: Option<TimerKey>,
}

impl Session {
    pub fn deadline_ms(&self) -> i64 {
        self.deadline_ms
    }

    /// Moves the end of the session. Moving it later, what a heartbeat does, touches no queue.
    pub fn extend(
        &mut self,
        timers: &mut Timers,
        group: &Rc<str>,
        member: &Rc<str>,
        deadline_ms: i64,
    ) {
        self.deadline_ms = deadline_ms;
        if self.timer.is_some_and(|key| key.deadline_ms <= deadline_ms) {
            return;
        }
        timers.cancel(&mut self.timer);
        let timer = Timer::Session { group: Rc::clone(group), member: Rc::clone(member) };
        self.timer = Some(timers.schedule(deadline_ms, timer));
    }
}

#[cfg(test)]
mod tests {
    use super::{Session, Timer, Timers};
    use std::rc::Rc;

    #[test]
    fn extending_a_session_keeps_one_entry() {
        let (group, member): (Rc<str>, Rc<str>) = ("g".into(), "m".into());
        let mut timers = Timers::default();
        let mut session = Session::default();
        session.extend(&mut timers, &group, &member, 100);
        session.extend(&mut timers, &group, &member, 500);
        assert_eq!((timers.len(), timers.next_deadline_ms()), (1, Some(100)));
        session.extend(&mut timers, &group, &member, 50);
        assert_eq!((timers.len(), timers.next_deadline_ms()), (1, Some(50)));
        assert!(timers.take_due(49).is_empty());
        let due = timers.take_due(50);
        assert_eq!(due.keys().next().copied(), session.timer);
        assert_eq!(timers.next_deadline_ms(), None);
    }

    #[test]
    fn due_timers_come_in_order_and_cancelled_ones_do_not() {
        let mut timers = Timers::default();
        let timer = || Timer::Sync { group: "g".into() };
        let mut slots: Vec<_> =
            [30, 10, 20, 10].map(|at| Some(timers.schedule(at, timer()))).into();
        timers.cancel(&mut slots[2]);
        assert_eq!(slots[2], None);
        let due: Vec<i64> = timers.take_due(30).keys().map(|key| key.deadline_ms).collect();
        assert_eq!(due, [10, 10, 30]);
    }
}
