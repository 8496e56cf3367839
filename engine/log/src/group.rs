//! Who a sync answered is waited for a little, so that the next one serves all. Pure but for the
//! wait; called by [`crate::commit`] behind each sync. docs/adr/2026-11-24-group-of-a-sync.md says why.

use crate::shared::Shared;
use engine_io::{Env, Instant};
use futures_util::future::{Either, select};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Fewer appends than this, waiting or just answered, are not waited for.
const GROUP_MIN: u64 = 4;
/// The longest wait for a group; half of what the sync took if that is less.
const GATHER_MAX: Duration = Duration::from_micros(200);
/// After so many waits in vain, and more, 2 to the power of it are skipped.
const IN_VAIN_MAX: u32 = 6;

/// After a sync that began when so many had `asked`, at `begun`: waits a little for those that it
/// answered to come back with their next appends, so that one sync serves them and those who waited
/// for this one. Clients that wait for their answers come back within microseconds; where they don't,
/// this stops waiting for some time.
pub(crate) async fn gather_group<E: Env>(shared: &Rc<Shared<E>>, asked: u64, begun: Instant) {
    let commit = &shared.commit;
    let answered = asked - commit.groups.asked_at_last.replace(asked);
    let waiting = commit.asked.get() - asked;
    if answered + waiting < GROUP_MIN || commit.groups.skip() {
        return;
    }
    let limit = (shared.env.now().since(begun) / 2).min(GATHER_MAX);
    let mut until = std::pin::pin!(shared.env.sleep(limit));
    loop {
        let work = commit.work.wait();
        let came = commit.asked.get() - asked - waiting;
        if came >= answered || commit.fenced.get() || shared.stopped.get() {
            return commit.groups.ended(answered, came);
        }
        if let Either::Right(_) = select(std::pin::pin!(work), until.as_mut()).await {
            return commit.groups.ended(answered, commit.asked.get() - asked - waiting);
        }
    }
}

/// How often it was in vain to wait for a group of appends.
#[derive(Default)]
pub(crate) struct Groups {
    /// Of [`Commit::asked`](crate::commit::Commit), as the last sync began.
    asked_at_last: Cell<u64>,
    in_vain: Cell<u32>,
    to_skip: Cell<u32>,
}

impl Groups {
    /// Whether not to wait this time.
    fn skip(&self) -> bool {
        let left = self.to_skip.get();
        self.to_skip.set(left.saturating_sub(1));
        left > 0
    }

    /// A wait ended: so many of those `answered` came back in time. Half of them make it worth while.
    fn ended(&self, answered: u64, came: u64) {
        if came >= answered.div_ceil(2) {
            self.in_vain.set(0);
            return;
        }
        let times = (self.in_vain.get() + 1).min(IN_VAIN_MAX);
        self.in_vain.set(times);
        self.to_skip.set(1 << times);
    }
}

#[cfg(test)]
mod tests {
    use super::Groups;

    /// How many syncs go by until the next wait.
    fn skipped(groups: &Groups) -> u32 {
        std::iter::from_fn(|| groups.skip().then_some(())).count().try_into().expect("few")
    }

    #[test]
    fn waits_in_vain_get_rarer() {
        let groups = Groups::default();
        assert_eq!(skipped(&groups), 0);
        let after = [1, 3, 9, 16, 2, 5, 7].map(|answered| {
            groups.ended(answered, answered.div_ceil(2) - 1);
            skipped(&groups)
        });
        assert_eq!(after, [2, 4, 8, 16, 32, 64, 64]);
        groups.ended(3, 2);
        assert_eq!(skipped(&groups), 0);
        groups.ended(1, 0);
        assert_eq!(skipped(&groups), 2);
    }
}
