//! SyncGroup. Source: Kafka's `GroupMetadataManager.classicGroupSync`.

use super::appends::Action;
use super::coordinator::{Coordinator, Turn};
use super::error::GroupError;
use super::group::{Group, GroupState, SyncDebt};
use super::records;
use super::reply::{Effect, Reply, SyncReply};
use super::request::SyncRequest;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Sync`, once the leader's assignment is durable.
    pub fn sync(&mut self, now_ms: i64, request: SyncRequest, token: u64, out: &mut Vec<Effect>) {
        let allowed = match request.group_id.is_empty() {
            true => Err(GroupError::InvalidGroupId),
            false => self.ready(),
        };
        let (groups, _, mut turn) = self.split(now_ms, out);
        let result = allowed.and_then(|()| {
            let group = groups.get_mut(request.group_id.as_str());
            let group = group.filter(|group| group.state != GroupState::Empty);
            group.ok_or(GroupError::UnknownMemberId)?.sync(&request, token, &mut turn)
        });
        if let Err(error) = result {
            turn.reply(token, SyncReply::failed(error));
        }
    }
}

impl Group {
    /// Parks or answers the request, or returns the error to answer with.
    fn sync(
        &mut self,
        request: &SyncRequest,
        token: u64,
        turn: &mut Turn<'_>,
    ) -> Result<(), GroupError> {
        let member_id = request.member_id.as_str();
        self.validate_member(member_id, request.instance_id.as_deref())?;
        if request.generation != self.generation {
            return Err(GroupError::IllegalGeneration);
        }
        let differs = |theirs: &Option<String>, ours: &Option<Rc<str>>| match (theirs, ours) {
            (Some(theirs), Some(ours)) => **theirs != **ours,
            _ => false,
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        match self.state {
            GroupState::CompletingRebalance => {
                self.park_sync(member_id, token, turn);
                self.pay_sync(member_id, turn);
                // A leader that asks again while its assignment is being written waits for that.
                if self.is_leader(member_id) && self.assigning.is_none() {
                    self.write_assignment(request, turn);
                }
            }
            GroupState::Stable => {
                self.pay_sync(member_id, turn);
                let reply = self.sync_reply(member_id);
                turn.reply(token, reply);
            }
            _ => return Err(GroupError::RebalanceInProgress),
        }
        Ok(())
    }

    fn pay_sync(&mut self, member_id: &str, turn: &mut Turn<'_>) {
        self.set_owes_sync(member_id, SyncDebt::Paid);
        if self.all_synced() {
            turn.timers.cancel(&mut self.sync_timer);
        }
    }

    fn write_assignment(&mut self, request: &SyncRequest, turn: &mut Turn<'_>) {
        let mut assignment: BTreeMap<Rc<str>, Bytes> = BTreeMap::new();
        for (id, bytes) in &request.assignments {
            if let Some((id, _)) = self.member(id) {
                assignment.insert(Rc::clone(id), bytes.clone());
            }
        }
        let record = records::group_record_with(self, &assignment);
        let action = Action::Assigned { group: Rc::clone(&self.id), assignment };
        self.assigning = Some(turn.append(vec![record], action, None));
    }

    /// The leader's assignment is durable: the group is stable, the parked syncs are answered.
    pub(super) fn assigned(
        &mut self,
        mut assignment: BTreeMap<Rc<str>, Bytes>,
        turn: &mut Turn<'_>,
    ) {
        assert_eq!(self.state, GroupState::CompletingRebalance);
        self.assigning = None;
        self.enter(GroupState::Stable, turn.now_ms);
        for id in self.member_ids() {
            if let Some(member) = self.member_mut(&id) {
                *member.assignment = assignment.remove(&id).unwrap_or_default();
            }
            let reply = self.sync_reply(&id);
            // A session that ran out while its sync was parked starts anew.
            if self.answer_sync(&id, reply, turn) {
                self.restart_session(&id, turn);
            }
        }
    }

    fn sync_reply(&self, member_id: &str) -> Reply {
        let assignment = self.member(member_id).map(|(_, member)| member.assignment.clone());
        Reply::Sync(SyncReply {
            error: None,
            protocol_type: self.protocol_type.as_deref().map(str::to_owned),
            protocol_name: self.protocol.as_deref().map(str::to_owned),
            assignment: assignment.unwrap_or_default(),
        })
    }
}
