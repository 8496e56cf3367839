//! Offsets that nobody uses any more expire, and with the last of them an empty group. Source:
//! Kafka's `OffsetMetadataManager.cleanupExpiredOffsets`, `ClassicGroup.offsetExpirationCondition`,
//! KIP-211.

use super::appends::{Action, OffsetKey};
use super::config::CLEANUP_RECORDS_MAX;
use super::coordinator::Coordinator;
use super::group::{Group, GroupState};
use super::records;
use super::reply::{Effect, Record};
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
            let expiry = group.expiry();
            let mut all_gone = true;
            for (topic, partitions) in offsets.group(&id).into_iter().flatten() {
                let in_use = expiry == Expiry::Never || group.subscribes_to(topic);
                for (index, entry) in partitions {
                    if in_use || !expired(entry, expiry, now_ms, retention_ms) {
                        all_gone = false;
                    } else {
                        let key = (Rc::clone(&id), Rc::clone(topic), *index);
                        sweep.records.push(records::offset_tombstone(&key));
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
                sweep.records.push(records::group_tombstone(&id));
                sweep.groups.push(group);
            }
            if sweep.records.len() >= CLEANUP_RECORDS_MAX {
                self.sweep(std::mem::take(&mut sweep), now_ms, out);
            }
        }
        self.sweep(sweep, now_ms, out);
    }

    fn sweep(&mut self, sweep: Sweep, now_ms: i64, out: &mut Vec<Effect>) {
        if sweep.records.is_empty() {
            return;
        }
        let (_, _, mut turn) = self.split(now_ms, out);
        let action = Action::Deleted { offsets: sweep.offsets, groups: sweep.groups };
        turn.append(sweep.records, action, None);
    }
}

#[derive(Default)]
struct Sweep {
    records: Vec<Record>,
    offsets: Vec<OffsetKey>,
    groups: Vec<Group>,
}

impl Group {
    fn expiry(&self) -> Expiry {
        if self.protocol_type.is_none() {
            return Expiry::SinceCommit;
        }
        match (self.state, self.state_since_ms) {
            (GroupState::Empty, Some(since_ms)) => Expiry::EmptySince(since_ms),
            (GroupState::Empty, None) => Expiry::SinceCommit,
            (GroupState::Stable, _) if self.subscriptions().is_some() => Expiry::SinceCommit,
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
