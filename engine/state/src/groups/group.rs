//! One classic group: its state, its members, and the counts over them. What always holds: one
//! leader iff there are members; the counts agree with the members; a removed member's parked
//! requests are answered and its timer is gone. Source: Kafka's `ClassicGroup`.

use super::appends::AppendToken;
use super::coordinator::Turn;
use super::error::GroupError;
use super::member::{Member, MemberProtocol};
use super::reply::{JoinMember, JoinReply, Reply, SyncReply};
use super::timers::TimerKey;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

/// Where a group stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum GroupState {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    /// Does not exist. No group in memory is in this state.
    Dead,
}

impl GroupState {
    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
            GroupState::Dead => "Dead",
        }
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub id: Rc<str>,
    pub state: GroupState,
    pub previous: GroupState,
    /// When the state was entered; unknown for groups from records older than version 2.
    pub state_since_ms: Option<i64>,
    pub protocol_type: Option<Rc<str>>,
    pub protocol: Option<Rc<str>>,
    pub generation: i32,
    pub leader: Option<Rc<str>>,
    members: BTreeMap<Rc<str>, Member>,
    /// Instance id to member id.
    statics: BTreeMap<Rc<str>, Rc<str>>,
    /// Members that were given an id and have not come back with it.
    pub pending: BTreeMap<Rc<str>, Option<TimerKey>>,
    /// How many members have a parked join.
    joining: usize,
    /// How many members owe a sync.
    owing_sync: usize,
    /// How many members speak each protocol.
    speakers: BTreeMap<Rc<str>, usize>,
    /// A member joined since the initial wait began or was last prolonged.
    pub member_added: bool,
    pub join_timer: Option<TimerKey>,
    pub sync_timer: Option<TimerKey>,
    /// The leader's assignment is on its way to the log.
    pub assigning: Option<AppendToken>,
}

impl Group {
    pub fn new(id: Rc<str>, now_ms: i64) -> Self {
        Group {
            id,
            state: GroupState::Empty,
            previous: GroupState::Dead,
            state_since_ms: Some(now_ms),
            protocol_type: None,
            protocol: None,
            generation: 0,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending: BTreeMap::new(),
            joining: 0,
            owing_sync: 0,
            speakers: BTreeMap::new(),
            member_added: false,
            join_timer: None,
            sync_timer: None,
            assigning: None,
        }
    }

    pub fn members(&self) -> &BTreeMap<Rc<str>, Member> {
        &self.members
    }

    /// The owned key and the member.
    pub fn member(&self, id: &str) -> Option<(&Rc<str>, &Member)> {
        self.members.get_key_value(id)
    }

    pub fn member_ids(&self) -> Vec<Rc<str>> {
        self.members.keys().cloned().collect()
    }

    pub fn static_member(&self, instance_id: &str) -> Option<&Rc<str>> {
        self.statics.get(instance_id)
    }

    pub fn joining(&self) -> usize {
        self.joining
    }

    pub fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    pub fn all_joined(&self) -> bool {
        self.joining == self.members.len() && self.pending.is_empty()
    }

    pub fn all_synced(&self) -> bool {
        self.owing_sync == 0
    }

    /// The longest of the members' rebalance timeouts, milliseconds.
    pub fn rebalance_timeout_ms(&self) -> i64 {
        let longest = self.members.values().map(|member| member.rebalance_timeout_ms).max();
        i64::from(longest.unwrap_or(0).max(0))
    }

    /// A group without membership: offsets committed by hand, or a group just being created.
    pub fn is_simple(&self) -> bool {
        self.state == GroupState::Empty && self.protocol_type.is_none() && self.pending.is_empty()
    }

    pub fn enter(&mut self, state: GroupState, now_ms: i64) {
        use GroupState::{CompletingRebalance, Empty, PreparingRebalance, Stable};
        let legal = match state {
            Empty | CompletingRebalance => self.state == PreparingRebalance,
            PreparingRebalance => self.can_rebalance(),
            Stable => self.state == CompletingRebalance,
            GroupState::Dead => false,
        };
        assert!(legal, "group goes from {} to {state}", self.state);
        self.previous = std::mem::replace(&mut self.state, state);
        self.state_since_ms = Some(now_ms);
    }

    pub fn can_rebalance(&self) -> bool {
        matches!(
            self.state,
            GroupState::Stable | GroupState::CompletingRebalance | GroupState::Empty
        )
    }

    /// Adds a member whose protocols the group supports. The caller starts its session.
    pub fn add(&mut self, id: Rc<str>, member: Member, protocol_type: &Rc<str>) {
        assert!(!self.members.contains_key(&id));
        if let Some(instance_id) = &member.instance_id {
            let other = self.statics.insert(Rc::clone(instance_id), Rc::clone(&id));
            assert!(other.is_none(), "an instance has one member");
        }
        if self.members.is_empty() {
            self.protocol_type = Some(Rc::clone(protocol_type));
        }
        assert_eq!(self.protocol_type.as_ref(), Some(protocol_type));
        self.leader.get_or_insert_with(|| Rc::clone(&id));
        self.count_protocols(&member.protocols);
        self.joining += usize::from(member.join.is_some());
        self.owing_sync += usize::from(member.owes_sync);
        self.members.insert(id, member);
    }

    /// Removes a member, answers what it has parked, and chooses another leader if need be.
    pub fn remove(&mut self, id: &str, turn: &mut Turn<'_>) {
        self.remove_pending(id, turn);
        self.answer_join(id, JoinReply::failed("", GroupError::UnknownMemberId), turn);
        self.answer_sync(id, SyncReply::failed(GroupError::UnknownMemberId), turn);
        let Some(mut member) = self.members.remove(id) else { return };
        turn.timers.cancel(&mut member.session.timer);
        self.owing_sync -= usize::from(member.owes_sync);
        self.uncount_protocols(&member.protocols);
        if let Some(instance_id) = &member.instance_id {
            self.statics.remove(instance_id);
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    pub fn remove_pending(&mut self, id: &str, turn: &mut Turn<'_>) {
        if let Some(mut timer) = self.pending.remove(id) {
            turn.timers.cancel(&mut timer);
        }
    }

    /// Drops all timers: the group is taken out of the map.
    pub fn cancel_timers(&mut self, turn: &mut Turn<'_>) {
        turn.timers.cancel(&mut self.join_timer);
        turn.timers.cancel(&mut self.sync_timer);
        for timer in self.pending.values_mut() {
            turn.timers.cancel(timer);
        }
        self.pending.clear();
        for member in self.members.values_mut() {
            turn.timers.cancel(&mut member.session.timer);
        }
    }

    /// Gives the member `old_id` the id `new_id`; its parked requests are answered as fenced, its
    /// session stops. Leadership and everything else stays.
    pub fn rename(&mut self, old_id: &str, new_id: Rc<str>, turn: &mut Turn<'_>) {
        self.answer_join(old_id, JoinReply::failed(old_id, GroupError::FencedInstanceId), turn);
        self.answer_sync(old_id, SyncReply::failed(GroupError::FencedInstanceId), turn);
        let mut member = self.members.remove(old_id).expect("only members are replaced");
        turn.timers.cancel(&mut member.session.timer);
        if self.is_leader(old_id) {
            self.leader = Some(Rc::clone(&new_id));
        }
        if let Some(instance_id) = &member.instance_id {
            self.statics.insert(Rc::clone(instance_id), Rc::clone(&new_id));
        }
        self.members.insert(new_id, member);
    }

    /// Takes over what a join says about a member that exists.
    pub fn update(
        &mut self,
        id: &str,
        protocols: Vec<MemberProtocol>,
        session_timeout_ms: i32,
        rebalance_timeout_ms: i32,
    ) {
        self.count_protocols(&protocols);
        let member = self.members.get_mut(id).expect("only members are updated");
        member.session_timeout_ms = session_timeout_ms;
        member.rebalance_timeout_ms = rebalance_timeout_ms;
        let old = std::mem::replace(&mut member.protocols, protocols);
        self.uncount_protocols(&old);
    }

    /// Parks a join. A second one of the same member means that the first is given up.
    pub fn park_join(&mut self, id: &str, token: u64, turn: &mut Turn<'_>) {
        self.answer_join(id, JoinReply::failed(id, GroupError::RebalanceInProgress), turn);
        self.members.get_mut(id).expect("only members are parked").join = Some(token);
        self.joining += 1;
    }

    /// Parks a sync, as `park_join`, and notes that the member owes none any more.
    pub fn park_sync(&mut self, id: &str, token: u64, turn: &mut Turn<'_>) {
        self.answer_sync(id, SyncReply::failed(GroupError::RebalanceInProgress), turn);
        self.members.get_mut(id).expect("only members are parked").sync = Some(token);
    }

    /// Answers a parked join, if there is one.
    pub fn answer_join(&mut self, id: &str, reply: Reply, turn: &mut Turn<'_>) -> bool {
        let parked = self.members.get_mut(id).and_then(|member| member.join.take());
        if let Some(token) = parked {
            self.joining -= 1;
            turn.reply(token, reply);
        }
        parked.is_some()
    }

    /// Answers a parked sync, if there is one.
    pub fn answer_sync(&mut self, id: &str, reply: Reply, turn: &mut Turn<'_>) -> bool {
        let parked = self.members.get_mut(id).and_then(|member| member.sync.take());
        if let Some(token) = parked {
            turn.reply(token, reply);
        }
        parked.is_some()
    }

    pub fn set_owes_sync(&mut self, id: &str, owes: SyncDebt) {
        let member = self.members.get_mut(id).expect("only members owe");
        let owes = owes == SyncDebt::Owed;
        self.owing_sync += usize::from(owes);
        self.owing_sync -= usize::from(member.owes_sync);
        member.owes_sync = owes;
    }

    pub fn clear_sync_debts(&mut self) {
        self.members.values_mut().for_each(|member| member.owes_sync = false);
        self.owing_sync = 0;
    }

    /// Changes what the group's counts do not depend on.
    pub fn member_mut(&mut self, id: &str) -> Option<MemberFields<'_>> {
        let member = self.members.get_mut(id)?;
        Some(MemberFields { assignment: &mut member.assignment, is_new: &mut member.is_new })
    }

    /// The owned key and the member, to change what no count depends on.
    fn entry_mut(&mut self, id: &str) -> Option<(&Rc<str>, &mut Member)> {
        self.members.range_mut::<str, _>((Bound::Included(id), Bound::Included(id))).next()
    }

    /// Moves the end of a member's session to `timeout_ms` from now. Allocates nothing when it
    /// only moves it later.
    pub fn extend_session(&mut self, id: &str, timeout_ms: i32, turn: &mut Turn<'_>) {
        let group = Rc::clone(&self.id);
        let deadline_ms = turn.after(i64::from(timeout_ms.max(0)));
        if let Some((id, member)) = self.entry_mut(id) {
            member.session.extend(turn.timers, &group, id, deadline_ms);
        }
    }

    /// Restarts a member's session with its own timeout.
    pub fn restart_session(&mut self, id: &str, turn: &mut Turn<'_>) {
        if let Some(member) = self.members.get(id) {
            let timeout_ms = member.session_timeout_ms;
            self.extend_session(id, timeout_ms, turn);
        }
    }

    /// A session's timer fired. True if it was this member's and the session is over.
    pub fn session_ended(&mut self, id: &str, key: TimerKey, turn: &mut Turn<'_>) -> bool {
        let group = Rc::clone(&self.id);
        let Some((id, member)) = self.entry_mut(id) else { return false };
        if member.session.timer != Some(key) {
            return false;
        }
        member.session.timer = None;
        let deadline_ms = member.session.deadline_ms();
        if deadline_ms > turn.now_ms {
            member.session.extend(turn.timers, &group, id, deadline_ms);
            return false;
        }
        !member.session_satisfied()
    }

    /// Whether a member with these protocols can be in the group: one of them must be spoken by
    /// all who are.
    pub fn supports<'a>(
        &self,
        protocol_type: &str,
        mut names: impl Iterator<Item = &'a str>,
    ) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && names.next().is_some();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && names.any(|name| self.speakers.get(name).copied().unwrap_or(0) == self.members.len())
    }

    /// The protocol that most members prefer among those that all speak. Of equal ones the first
    /// by name, so that the choice is the same everywhere.
    pub fn vote(&self) -> Rc<str> {
        let mut votes: BTreeMap<&Rc<str>, usize> = BTreeMap::new();
        for member in self.members.values() {
            let choice = member.protocols.iter().find(|protocol| {
                self.speakers.get(&protocol.name).copied() == Some(self.members.len())
            });
            let choice = choice.expect("members that share no protocol are not let in");
            *votes.entry(&choice.name).or_default() += 1;
        }
        let mut best: Option<(&Rc<str>, usize)> = None;
        for (name, count) in votes {
            if best.is_none_or(|(_, most)| count > most) {
                best = Some((name, count));
            }
        }
        Rc::clone(best.expect("only groups with members vote").0)
    }

    /// The answer to a join of this generation; the leader gets the members.
    pub fn join_reply(&self, id: &str) -> JoinReply {
        let members = if self.is_leader(id) { self.join_members() } else { Vec::new() };
        JoinReply {
            error: None,
            generation: self.generation,
            protocol_type: self.protocol_type.as_deref().map(str::to_owned),
            protocol_name: self.protocol.as_deref().map(str::to_owned),
            leader: self.leader.as_deref().unwrap_or("").to_owned(),
            skip_assignment: false,
            member_id: id.to_owned(),
            members,
        }
    }

    fn join_members(&self) -> Vec<JoinMember> {
        let protocol = self.protocol.as_deref().unwrap_or("");
        self.members
            .iter()
            .map(|(id, member)| JoinMember {
                member_id: id.to_string(),
                instance_id: member.instance_id.as_deref().map(str::to_owned),
                metadata: member.metadata(protocol).cloned().unwrap_or_default(),
            })
            .collect()
    }

    /// Kafka's `validateMember`: the instance's member id, then membership.
    pub fn validate_member(&self, id: &str, instance_id: Option<&str>) -> Result<(), GroupError> {
        if let Some(instance_id) = instance_id {
            match self.statics.get(instance_id) {
                None => return Err(GroupError::UnknownMemberId),
                Some(known) if **known != *id => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) { Ok(()) } else { Err(GroupError::UnknownMemberId) }
    }

    fn count_protocols(&mut self, protocols: &[MemberProtocol]) {
        for protocol in protocols {
            *self.speakers.entry(Rc::clone(&protocol.name)).or_default() += 1;
        }
    }

    fn uncount_protocols(&mut self, protocols: &[MemberProtocol]) {
        for protocol in protocols {
            let count = self.speakers.get_mut(&protocol.name).expect("counted when added");
            *count -= 1;
            if *count == 0 {
                self.speakers.remove(&protocol.name);
            }
        }
    }
}

/// Whether a member has yet to sync in this generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SyncDebt {
    Owed,
    Paid,
}

/// The fields of a member that may change from outside its group.
pub(super) struct MemberFields<'a> {
    pub assignment: &'a mut bytes::Bytes,
    pub is_new: &'a mut bool,
}

#[cfg(test)]
impl Group {
    /// Panics if a count or a role disagrees with the members.
    pub fn check(&self, timers: &super::timers::Timers) {
        let count = |test: fn(&Member) -> bool| self.members.values().filter(|m| test(m)).count();
        assert_eq!(self.joining, count(|member| member.join.is_some()));
        assert_eq!(self.owing_sync, count(|member| member.owes_sync));
        assert_eq!(self.leader.is_some(), !self.members.is_empty());
        assert!(self.leader.as_ref().is_none_or(|leader| self.members.contains_key(leader)));
        assert_eq!(self.statics.len(), count(|member| member.instance_id.is_some()));
        for (instance_id, id) in &self.statics {
            assert_eq!(self.members[id].instance_id.as_ref(), Some(instance_id));
        }
        assert!(self.pending.keys().all(|id| !self.members.contains_key(id)));
        let waiting = self.state == GroupState::PreparingRebalance;
        for member in self.members.values() {
            assert!(member.session.timer.is_none_or(|key| timers.contains(&key)));
            assert!(member.session.timer.is_some() || member.session_satisfied());
            assert!(member.sync.is_none() || self.state == GroupState::CompletingRebalance);
            assert!(member.join.is_none() || waiting || self.state == GroupState::Stable);
        }
        let slots = [self.join_timer, self.sync_timer];
        assert!(slots.into_iter().flatten().all(|key| timers.contains(&key)));
        assert_eq!(self.join_timer.is_some(), waiting, "the join phase has an end");
        match self.state {
            GroupState::Empty => assert!(self.members.is_empty()),
            GroupState::Stable | GroupState::CompletingRebalance => {
                assert!(!self.members.is_empty() && self.protocol.is_some());
            }
            _ => {}
        }
    }
}
