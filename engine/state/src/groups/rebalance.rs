//! The phases of a rebalance: prepare, gather the joins, start a generation, gather the syncs.
//! Source: Kafka's `GroupMetadataManager.prepareRebalance`, `completeClassicGroupJoin`,
//! `expirePendingSync`.

use super::appends::{Action, AppendToken};
use super::coordinator::Turn;
use super::error::GroupError;
use super::group::{Group, GroupState, SyncDebt};
use super::records;
use super::reply::{Reply, SyncReply};
use super::timers::{JoinRound, Timer, TimerKey};
use bytes::Bytes;
use std::rc::Rc;

impl Group {
    /// Starts a rebalance, or ends the join phase of the one under way if all are here. Returns
    /// the append if the group became empty by it.
    pub(super) fn rebalance_or_complete(&mut self, turn: &mut Turn<'_>) -> Option<AppendToken> {
        if self.can_rebalance() { self.prepare_rebalance(turn) } else { self.maybe_complete(turn) }
    }

    /// Ends the join phase if all members are here, except in a group's first rebalance, which
    /// waits for more members until its time is over.
    pub(super) fn maybe_complete(&mut self, turn: &mut Turn<'_>) -> Option<AppendToken> {
        let complete = self.state == GroupState::PreparingRebalance
            && self.previous != GroupState::Empty
            && self.all_joined();
        if complete { self.complete_join(turn) } else { None }
    }

    pub(super) fn prepare_rebalance(&mut self, turn: &mut Turn<'_>) -> Option<AppendToken> {
        if self.state == GroupState::CompletingRebalance {
            self.reset_assignment(GroupError::RebalanceInProgress, turn);
        }
        self.assigning = None;
        self.clear_sync_debts();
        turn.timers.cancel(&mut self.sync_timer);
        assert!(self.join_timer.is_none(), "only one rebalance at a time");
        if self.state == GroupState::Empty {
            let delay_ms = i64::from(turn.config.initial_rebalance_delay_ms.max(0));
            let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
            self.member_added = false;
            self.wait_for_joins(delay_ms, JoinRound::Initial { delay_ms, remaining_ms }, turn);
            self.enter(GroupState::PreparingRebalance, turn.now_ms);
            return None;
        }
        self.enter(GroupState::PreparingRebalance, turn.now_ms);
        if self.all_joined() {
            return self.complete_join(turn);
        }
        self.wait_for_joins(self.rebalance_timeout_ms(), JoinRound::Rebalance, turn);
        None
    }

    /// The initial wait is over: it is prolonged if members came meanwhile and time is left.
    pub(super) fn initial_wait_ended(
        &mut self,
        delay_ms: i64,
        remaining_ms: i64,
        turn: &mut Turn<'_>,
    ) {
        if !self.member_added || remaining_ms == 0 {
            self.complete_join(turn);
            return;
        }
        self.member_added = false;
        let next_ms = i64::from(turn.config.initial_rebalance_delay_ms.max(0)).min(remaining_ms);
        let remaining_ms = (remaining_ms - delay_ms).max(0);
        self.wait_for_joins(next_ms, JoinRound::Initial { delay_ms: next_ms, remaining_ms }, turn);
    }

    fn wait_for_joins(&mut self, delay_ms: i64, round: JoinRound, turn: &mut Turn<'_>) {
        let timer = Timer::Join { group: Rc::clone(&self.id), round };
        self.join_timer = Some(turn.timers.schedule(turn.after(delay_ms), timer));
    }

    /// Ends the join phase: dynamic members that are not here are dropped, the next generation
    /// starts, all joins are answered. If nobody is here but static members, the phase starts over.
    pub(super) fn complete_join(&mut self, turn: &mut Turn<'_>) -> Option<AppendToken> {
        assert_eq!(self.state, GroupState::PreparingRebalance);
        turn.timers.cancel(&mut self.join_timer);
        for id in self.member_ids() {
            let late = |(_, member): (_, &super::member::Member)| {
                member.join.is_none() && member.instance_id.is_none()
            };
            if self.member(&id).is_some_and(late) {
                self.remove(&id, turn);
            }
        }
        if !self.elect_joined_leader() && !self.members().is_empty() {
            // At least a millisecond, or members with a timeout of zero would keep us busy.
            let again_ms = self.rebalance_timeout_ms().max(1);
            self.wait_for_joins(again_ms, JoinRound::Rebalance, turn);
            return None;
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        self.assigning = None;
        self.clear_sync_debts();
        if self.members().is_empty() {
            self.protocol = None;
            self.enter(GroupState::Empty, turn.now_ms);
            let record = records::group_record(self, |_| Bytes::new());
            return Some(turn.append(vec![record], Action::GroupEmptied, None));
        }
        self.protocol = Some(self.vote());
        self.enter(GroupState::CompletingRebalance, turn.now_ms);
        for id in self.member_ids() {
            let reply = self.join_reply(&id);
            self.answer_join(&id, Reply::Join(reply), turn);
            self.restart_session(&id, turn);
            if let Some(member) = self.member_mut(&id) {
                *member.is_new = false;
            }
            self.set_owes_sync(&id, SyncDebt::Owed);
        }
        let deadline_ms = turn.after(self.rebalance_timeout_ms());
        let timer = Timer::Sync { group: Rc::clone(&self.id) };
        self.sync_timer = Some(turn.timers.schedule(deadline_ms, timer));
        None
    }

    /// Makes sure that the leader is a member that is here. False if no member is.
    fn elect_joined_leader(&mut self) -> bool {
        let here = |id: &Rc<str>| self.members().get(id).is_some_and(|m| m.join.is_some());
        if self.leader.as_ref().is_some_and(here) {
            return true;
        }
        let next = self.members().keys().find(|id| here(id)).cloned();
        let found = next.is_some();
        if found {
            self.leader = next;
        }
        found
    }

    /// The sync phase is over: who has not synced is dropped.
    pub(super) fn sync_phase_ended(&mut self, turn: &mut Turn<'_>) {
        let in_phase = matches!(self.state, GroupState::CompletingRebalance | GroupState::Stable);
        if !in_phase || self.all_synced() {
            return;
        }
        for id in self.member_ids() {
            if self.member(&id).is_some_and(|(_, member)| member.owes_sync) {
                self.remove(&id, turn);
            }
        }
        self.prepare_rebalance(turn);
    }

    /// Takes back all assignments and answers the parked syncs with `error`.
    pub(super) fn reset_assignment(&mut self, error: GroupError, turn: &mut Turn<'_>) {
        assert_eq!(self.state, GroupState::CompletingRebalance);
        for id in self.member_ids() {
            if let Some(member) = self.member_mut(&id) {
                *member.assignment = Bytes::new();
            }
            // A session that ran out while its sync was parked starts anew.
            if self.answer_sync(&id, SyncReply::failed(error), turn) {
                self.restart_session(&id, turn);
            }
        }
    }

    /// A session's timer fired, of a member or of a pending one.
    pub(super) fn session_fired(&mut self, id: &str, key: TimerKey, turn: &mut Turn<'_>) {
        if let Some(timer) = self.pending.get(id) {
            if *timer == Some(key) {
                self.pending.remove(id);
                if self.state == GroupState::PreparingRebalance && self.all_joined() {
                    self.complete_join(turn);
                }
            }
            return;
        }
        if self.session_ended(id, key, turn) {
            self.remove(id, turn);
            match self.state {
                GroupState::Stable | GroupState::CompletingRebalance => {
                    self.prepare_rebalance(turn);
                }
                GroupState::PreparingRebalance if self.all_joined() => {
                    self.complete_join(turn);
                }
                _ => {}
            }
        }
    }
}
