//! What happens when an append is durable, or has failed.

use super::appends::{Action, AppendToken, InFlight};
use super::coordinator::{Coordinator, Turn};
use super::error::AppendFailure;
use super::fetch;
use super::group::{Group, GroupState};
use super::reply::{Effect, JoinReply};
use crate::offsets::OffsetStore;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Coordinator {
    /// Reports the end of an append, once for each token. Applies its change and gives the answers
    /// that waited for it. One from before an `unload` has no effect.
    pub fn appended(
        &mut self,
        token: AppendToken,
        outcome: Result<(), AppendFailure>,
        now_ms: i64,
        out: &mut Vec<Effect>,
    ) {
        assert!(token.0 <= self.appends.issued(), "only what was issued ends");
        let Some(in_flight) = self.appends.take(token) else { return };
        let InFlight { action, reply, fetches } = in_flight;
        let (groups, offsets, mut turn) = self.split(now_ms, out);
        match outcome {
            Ok(()) => apply(action, token, groups, offsets, &mut turn),
            Err(failure) => revert(action, token, failure, groups, offsets, &mut turn),
        }
        if let Some((request, reply)) = reply {
            let reply = match outcome {
                Ok(()) => reply,
                Err(failure) => reply.into_failed(failure),
            };
            turn.reply(request, reply);
        }
        for (request_token, request) in fetches {
            // An earlier commit is left only if appends end out of order.
            match turn.appends.last_commit_before(token, &request.group_id) {
                Some(earlier) => earlier.fetches.push((request_token, request)),
                None => turn.reply(request_token, fetch::reply(groups, offsets, &request)),
            }
        }
    }
}

fn apply(
    action: Action,
    token: AppendToken,
    groups: &mut BTreeMap<Rc<str>, Group>,
    offsets: &mut OffsetStore,
    turn: &mut Turn<'_>,
) {
    match action {
        Action::GroupCreated { .. } | Action::GroupEmptied => {}
        Action::Assigned { group, assignment } => {
            // A rebalance that began meanwhile makes it void.
            if let Some(group) = groups.get_mut(&group)
                && group.assigning == Some(token)
            {
                group.assigned(assignment, turn);
            }
        }
        Action::StaticReplaced(replaced) => {
            if let Some(group) = groups.get_mut(&replaced.group) {
                group.static_replaced(&replaced, turn);
            }
        }
        Action::Committed { group, offsets: committed } => {
            for (topic, partition, mut entry) in committed {
                entry.order = token.0;
                offsets.put(&group, &topic, partition, entry);
            }
        }
        Action::Deleted { offsets: deleted, groups: _ } => {
            for (group, topic, partition) in deleted {
                offsets.remove(&group, &topic, partition, token.0);
            }
        }
    }
}

fn revert(
    action: Action,
    token: AppendToken,
    failure: AppendFailure,
    groups: &mut BTreeMap<Rc<str>, Group>,
    offsets: &OffsetStore,
    turn: &mut Turn<'_>,
) {
    match action {
        // If the broker stops now the previous generation comes back and times out.
        Action::GroupEmptied => {}
        Action::GroupCreated { group } => {
            if let Some(found) = groups.get_mut(&group)
                && found.generation == 0
            {
                found.not_created(failure, turn);
                groups.remove(&group);
                // Offsets may have been committed by hand meanwhile.
                let used = offsets.group(&group).is_some()
                    || turn.appends.committing(&group).next().is_some();
                if used {
                    groups.insert(Rc::clone(&group), Group::new(group, turn.now_ms));
                }
            }
        }
        Action::Assigned { group, .. } => {
            if let Some(group) = groups.get_mut(&group)
                && group.assigning == Some(token)
            {
                group.reset_assignment(failure.error(), turn);
                group.prepare_rebalance(turn);
            }
        }
        Action::StaticReplaced(replaced) => {
            if let Some(group) = groups.get_mut(&replaced.group) {
                group.static_not_replaced(&replaced, failure, turn);
            }
        }
        Action::Committed { group, .. } => {
            let unused = groups.get(&group).is_some_and(|group| group.is_simple())
                && offsets.group(&group).is_none()
                && !turn.appends.groups().any(|busy| *busy == group);
            if unused {
                groups.remove(&group);
            }
        }
        Action::Deleted { offsets: kept, groups: deleted } => {
            for group in deleted {
                groups.entry(Rc::clone(&group.id)).or_insert(group);
            }
            // Offsets without a group would never be looked at again.
            for (id, _, _) in kept {
                if !groups.contains_key(&id) && offsets.group(&id).is_some() {
                    groups.insert(Rc::clone(&id), Group::new(id, turn.now_ms));
                }
            }
        }
    }
}

impl Group {
    /// The group's first record was not written: all who wait in it are sent away.
    fn not_created(&mut self, failure: AppendFailure, turn: &mut Turn<'_>) {
        assert!(matches!(self.state, GroupState::Empty | GroupState::PreparingRebalance));
        for id in self.member_ids() {
            self.answer_join(&id, JoinReply::failed("", failure.error()), turn);
        }
        self.cancel_timers(turn);
    }
}
