//! A static member that comes back without its member id takes over the old one's place; a stable
//! group whose protocol stays the same does not rebalance for it. Source: Kafka's
//! `GroupMetadataManager.updateStaticMemberThenRebalanceOrCompleteJoin`, KIP-345, KIP-814.

use super::appends::{Action, StaticReplaced};
use super::coordinator::Turn;
use super::error::AppendFailure;
use super::group::{Group, GroupState};
use super::member::member_protocols;
use super::records;
use super::reply::Reply;
use super::request::JoinRequest;
use std::rc::Rc;

impl Group {
    pub(super) fn replace_static(
        &mut self,
        request: &JoinRequest,
        old_id: &Rc<str>,
        new_id: Rc<str>,
        token: u64,
        turn: &mut Turn<'_>,
    ) {
        let old_leader = self.leader.clone();
        self.rename(old_id, Rc::clone(&new_id), turn);
        self.restart_session(&new_id, turn);
        let (_, member) = self.member(&new_id).expect("just renamed");
        let replaced = StaticReplaced {
            group: Rc::clone(&self.id),
            generation: self.generation,
            instance_id: member.instance_id.clone().expect("found by its instance id"),
            old_id: Rc::clone(old_id),
            new_id: Rc::clone(&new_id),
            old_leader,
            old_protocols: member.protocols.clone(),
            old_session_timeout_ms: member.session_timeout_ms,
            old_rebalance_timeout_ms: member.rebalance_timeout_ms,
            supports_skip_assignment: request.supports_skip_assignment,
        };
        let protocols = member_protocols(&request.protocols);
        let timeouts = (request.session_timeout_ms, request.rebalance_timeout_ms);
        self.update(&new_id, protocols, timeouts.0, timeouts.1);
        self.park_join(&new_id, token, turn);
        match self.state {
            GroupState::Stable if self.protocol == Some(self.vote()) => {
                let record = records::group_record(self, |member| member.assignment.clone());
                turn.append(vec![record], Action::StaticReplaced(Box::new(replaced)), None);
            }
            // The leader may have been given the old id, for which it will send an assignment.
            GroupState::Stable | GroupState::CompletingRebalance => {
                self.prepare_rebalance(turn);
            }
            _ => {
                self.maybe_complete(turn);
            }
        }
    }

    /// The record of a replacement is durable. If a rebalance has begun meanwhile, the member's
    /// join takes part in it and is answered there.
    pub(super) fn static_replaced(&mut self, replaced: &StaticReplaced, turn: &mut Turn<'_>) {
        if !self.still_replaced(replaced) {
            return;
        }
        let mut reply = self.join_reply(&replaced.new_id);
        if replaced.supports_skip_assignment {
            reply.skip_assignment = self.is_leader(&replaced.new_id);
        } else {
            // An old client that saw itself as the leader would compute an assignment that a
            // stable group does not hand out; so it is shown the old id.
            reply.members = Vec::new();
            reply.leader = replaced.old_leader.as_deref().unwrap_or("").to_owned();
        }
        if self.answer_join(&replaced.new_id, Reply::Join(reply), turn) {
            self.restart_session(&replaced.new_id, turn);
        }
    }

    /// The record of a replacement was not written: the old member takes its place again.
    pub(super) fn static_not_replaced(
        &mut self,
        replaced: &StaticReplaced,
        failure: AppendFailure,
        turn: &mut Turn<'_>,
    ) {
        if !self.still_replaced(replaced) {
            return;
        }
        let mut reply = self.join_reply(&replaced.new_id);
        reply.error = Some(failure.error());
        reply.members = Vec::new();
        reply.leader = replaced.old_leader.as_deref().unwrap_or("").to_owned();
        reply.member_id = String::new();
        self.answer_join(&replaced.new_id, Reply::Join(reply), turn);
        self.update(
            &replaced.new_id,
            replaced.old_protocols.clone(),
            replaced.old_session_timeout_ms,
            replaced.old_rebalance_timeout_ms,
        );
        self.rename(&replaced.new_id, Rc::clone(&replaced.old_id), turn);
        self.restart_session(&replaced.old_id, turn);
    }

    /// Whether nothing has happened to the member since its replacement.
    fn still_replaced(&self, replaced: &StaticReplaced) -> bool {
        self.state == GroupState::Stable
            && self.generation == replaced.generation
            && self.static_member(&replaced.instance_id) == Some(&replaced.new_id)
    }
}
