//! LeaveGroup, of several members at once, and of static members by instance id alone. Source:
//! Kafka's `GroupMetadataManager.classicGroupLeave`.

use super::coordinator::{Coordinator, Turn};
use super::error::GroupError;
use super::group::{Group, GroupState};
use super::reply::{Effect, LeaveReply, LeftMember, Reply};
use super::request::LeavingMember;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Leave`; if the group becomes empty, once that is durable.
    pub fn leave(
        &mut self,
        now_ms: i64,
        group_id: &str,
        members: Vec<LeavingMember>,
        token: u64,
        out: &mut Vec<Effect>,
    ) {
        let allowed = match group_id.is_empty() {
            true => Err(GroupError::InvalidGroupId),
            false => self.ready(),
        };
        let (groups, _, mut turn) = self.split(now_ms, out);
        if let Err(error) = allowed {
            let reply = LeaveReply { error: Some(error), members: Vec::new() };
            turn.reply(token, Reply::Leave(reply));
            return;
        }
        let mut group = groups.get_mut(group_id);
        let mut any_left = false;
        let mut left = Vec::with_capacity(members.len());
        for member in members {
            let result = match &mut group {
                Some(group) => group.leave(&member, &mut turn),
                None => Err(GroupError::UnknownMemberId),
            };
            any_left |= result.is_ok();
            let LeavingMember { member_id, instance_id } = member;
            left.push(LeftMember { member_id, instance_id, error: result.err() });
        }
        let reply = Reply::Leave(LeaveReply { error: None, members: left });
        let emptied = match group {
            Some(group) if any_left => match group.state {
                GroupState::Stable | GroupState::CompletingRebalance => {
                    group.prepare_rebalance(&mut turn)
                }
                _ => group.maybe_complete(&mut turn),
            },
            _ => None,
        };
        match emptied {
            Some(append) => turn.appends.answer_with(append, token, reply),
            None => turn.reply(token, reply),
        }
    }
}

impl Group {
    fn leave(&mut self, member: &LeavingMember, turn: &mut Turn<'_>) -> Result<(), GroupError> {
        let id: Rc<str> = if member.member_id.is_empty() {
            // An administrator removes a static member whose id nobody knows.
            let instance_id = member.instance_id.as_deref().unwrap_or("");
            self.static_member(instance_id).cloned().ok_or(GroupError::UnknownMemberId)?
        } else {
            if !self.pending.contains_key(member.member_id.as_str()) {
                self.validate_member(&member.member_id, member.instance_id.as_deref())?;
            }
            member.member_id.as_str().into()
        };
        self.remove(&id, turn);
        Ok(())
    }
}
