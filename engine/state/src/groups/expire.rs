//! Offsets that nobody uses any more expire, and with the last of them an empty group. Source:
//! Kafka's `OffsetMetadataManager.cleanupExpiredOffsets`, `ClassicGroup.offsetExpirationCondition`,
//! KIP-211.

use super::appends::{Action, OffsetKey};
use super::config::CLEANUP_RECORDS_MAX;
use super::coordinator::Coordinator;
use super::group::{Group, GroupState};
use super::records;
use super::reply::{Effect, Record};
use super::subscription::Subscriptions;
use crate::offsets::CommittedOffset;
use std::collections::BTreeSet;
use std::rc::Rc;

/// From when the retention of an offset counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expiry {
    /// Since the group became empty.
    EmptySince(i64),
    SinceCommit,
    Never,
}

impl Coordinator {
    /// Writes tombstones for what has expired. Groups with anything in flight wait for the next
    /// round.
    pub(super) fn expire_offsets(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        let retention_ms = self.config.offsets_retention_ms;
        let busy: BTreeSet<Rc<str>> = self.appends.groups().cloned().collect();
        let ids: Vec<Rc<str>> =
            self.groups.keys().filter(|id| !busy.contains(*id)).cloned().collect();
        let mut sweep = Sweep::default();
        for id in ids {
            let (groups, offsets, mut turn) = self.split(now_ms, out);
            let Some(group) = groups.get(&id) else { continue };
            let subscriptions = group.subscriptions();
            let expiry = group.expiry(&subscriptions);
            let mut all_gone = true;
            for (topic, partitions) in offsets.group(&id).into_iter().flatten() {
                let in_use = expiry == Expiry::Never || subscriptions.contains(topic);
                for (index, entry) in partitions {
                    if in_use || !expired(entry, expiry, now_ms, retention_ms) {
                        all_gone = false;
                    } else {
                        let key = (Rc::clone(&id), Rc::clone(topic), *index);
                        sweep.offsets.push(key);
                    }
                }
            }
            let unused = group.state == GroupState::Empty && group.pending.is_empty();
            if all_gone
                && unused
                && let Some(mut group) = groups.remove(&id)
            {
                group.cancel_timers(&mut turn);
                sweep.groups.push(group);
            }
            if sweep.offsets.len() + sweep.groups.len() >= CLEANUP_RECORDS_MAX {
                self.sweep(std::mem::take(&mut sweep), now_ms, out);
            }
        }
        self.sweep(sweep, now_ms, out);
    }

    /// Offsets go before the groups they are of, in appends of limited size.
    fn sweep(&mut self, sweep: Sweep, now_ms: i64, out: &mut Vec<Effect>) {
        let (_, _, mut turn) = self.split(now_ms, out);
        for offsets in sweep.offsets.chunks(CLEANUP_RECORDS_MAX) {
            let records: Vec<Record> = offsets.iter().map(records::offset_tombstone).collect();
            let action = Action::Deleted { offsets: offsets.to_vec(), groups: Vec::new() };
            turn.append(records, action, None);
        }
        if !sweep.groups.is_empty() {
            let groups = sweep.groups.iter();
            let records = groups.map(|group| records::group_tombstone(&group.id)).collect();
            let action = Action::Deleted { offsets: Vec::new(), groups: sweep.groups };
            turn.append(records, action, None);
        }
    }
}

#[derive(Default)]
struct Sweep {
    offsets: Vec<OffsetKey>,
    groups: Vec<Group>,
}

impl Group {
    fn expiry(&self, subscriptions: &Subscriptions<'_>) -> Expiry {
        if self.protocol_type.is_none() {
            return Expiry::SinceCommit;
        }
        match (self.state, self.state_since_ms) {
            (GroupState::Empty, Some(since_ms)) => Expiry::EmptySince(since_ms),
            (GroupState::Empty, None) => Expiry::SinceCommit,
            (GroupState::Stable, _) if matches!(subscriptions, Subscriptions::Topics(_)) => {
                Expiry::SinceCommit
            }
            _ => Expiry::Never,
        }
    }
}

fn expired(entry: &CommittedOffset, expiry: Expiry, now_ms: i64, retention_ms: i64) -> bool {
    if let Some(expire_timestamp_ms) = entry.expire_timestamp_ms {
        return now_ms >= expire_timestamp_ms;
    }
    let since_ms = match expiry {
        Expiry::EmptySince(since_ms) => since_ms,
        Expiry::SinceCommit => entry.commit_timestamp_ms,
        Expiry::Never => return false,
    };
    now_ms.saturating_sub(since_ms) >= retention_ms
}
