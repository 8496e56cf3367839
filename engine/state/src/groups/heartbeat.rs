//! Heartbeat, the hot call: no allocation, no change to the timer queue. Source: Kafka's
//! `GroupMetadataManager.classicGroupHeartbeat`.

use super::coordinator::Coordinator;
use super::error::GroupError;
use super::group::GroupState;
use super::request::HeartbeatRequest;

impl Coordinator {
    /// Keeps a member's session alive. The answer is immediate.
    pub fn heartbeat(
        &mut self,
        now_ms: i64,
        request: &HeartbeatRequest<'_>,
    ) -> Result<(), GroupError> {
        if request.group_id.is_empty() {
            return Err(GroupError::InvalidGroupId);
        }
        if !self.loaded {
            // Kafka's answer while the group's fate is not known yet.
            return Ok(());
        }
        let mut unused = Vec::new();
        let (groups, _, mut turn) = self.split(now_ms, &mut unused);
        let group = groups.get_mut(request.group_id).ok_or(GroupError::UnknownMemberId)?;
        group.validate_member(request.member_id, request.instance_id)?;
        if request.generation != group.generation {
            return Err(GroupError::IllegalGeneration);
        }
        if group.state == GroupState::Empty {
            return Err(GroupError::UnknownMemberId);
        }
        group.restart_session(request.member_id, &mut turn);
        if group.state == GroupState::PreparingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }
}
