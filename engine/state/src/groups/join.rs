//! JoinGroup. Source: Kafka's `GroupCoordinatorService.joinGroup` and
//! `GroupMetadataManager.classicGroupJoin*`.

use super::appends::Action;
use super::config::{NEW_MEMBER_JOIN_TIMEOUT_MS, STRING_BYTES_MAX};
use super::coordinator::{Coordinator, Turn};
use super::error::GroupError;
use super::group::{Group, GroupState};
use super::member::{Member, member_protocols};
use super::records;
use super::reply::{Effect, JoinReply, Reply};
use super::request::JoinRequest;
use super::timers::{Session, Timer};
use bytes::Bytes;
use std::rc::Rc;

impl Coordinator {
    /// Answers `token` with `Reply::Join`, now or when the rebalance it takes part in gets there.
    pub fn join(&mut self, now_ms: i64, request: JoinRequest, token: u64, out: &mut Vec<Effect>) {
        if let Err((member_id, error)) = self.may_join(&request) {
            out.push(Effect::Reply { token, reply: JoinReply::failed(member_id, error) });
            return;
        }
        let (groups, _, mut turn) = self.split(now_ms, out);
        let created = !groups.contains_key(request.group_id.as_str());
        let id: Rc<str> = request.group_id.as_str().into();
        let group = groups.entry(Rc::clone(&id)).or_insert_with(|| Group::new(id, now_ms));
        let issued = turn.appends.issued();
        group.join(&request, token, &mut turn);
        if created && turn.appends.issued() == issued {
            let record = records::new_group_record(group);
            let action = Action::GroupCreated { group: Rc::clone(&group.id) };
            turn.append(vec![record], action, None);
        }
    }

    /// The checks before a group is looked at or created; with an error comes the member id of the
    /// answer.
    fn may_join<'a>(&self, request: &'a JoinRequest) -> Result<(), (&'a str, GroupError)> {
        let config = &self.config;
        let range = config.session_timeout_ms_min..=config.session_timeout_ms_max;
        if request.group_id.is_empty() {
            return Err((&request.member_id, GroupError::InvalidGroupId));
        }
        if !range.contains(&request.session_timeout_ms) {
            return Err((&request.member_id, GroupError::InvalidSessionTimeout));
        }
        self.ready().map_err(|error| ("", error))?;
        let known = self.groups.contains_key(request.group_id.as_str());
        if !known && !request.member_id.is_empty() {
            return Err((&request.member_id, GroupError::UnknownMemberId));
        }
        Ok(())
    }
}

impl Group {
    fn join(&mut self, request: &JoinRequest, token: u64, turn: &mut Turn<'_>) {
        let member_id = request.member_id.as_str();
        if !self.has_room(member_id, turn.config.group_size_max) {
            self.remove(member_id, turn);
            turn.reply(token, JoinReply::failed("", GroupError::GroupMaxSizeReached));
            return;
        }
        let names = request.protocols.iter().map(|protocol| protocol.name.as_str());
        if !self.supports(&request.protocol_type, names) {
            turn.reply(token, JoinReply::failed(member_id, GroupError::InconsistentGroupProtocol));
        } else if member_id.is_empty() {
            self.join_new(request, token, turn);
        } else {
            self.join_known(request, token, turn);
        }
    }

    /// While joins are gathered those already here count, so that a group above a lowered limit
    /// loses the members that come last; after that the members count.
    fn has_room(&self, member_id: &str, group_size_max: usize) -> bool {
        let member = self.member(member_id).map(|(_, member)| member);
        match self.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                member.is_some_and(|member| member.join.is_some())
                    || self.joining() < group_size_max
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || self.members().len() < group_size_max
            }
        }
    }

    fn join_new(&mut self, request: &JoinRequest, token: u64, turn: &mut Turn<'_>) {
        let new_id = new_member_id(request);
        if let Some(instance_id) = &request.instance_id {
            match self.static_member(instance_id).cloned() {
                Some(old_id) => self.replace_static(request, &old_id, new_id, token, turn),
                None => self.add_and_rebalance(request, new_id, token, turn),
            }
        } else if !request.require_known_member_id {
            self.add_and_rebalance(request, new_id, token, turn);
        } else if self.pending.len() >= turn.config.pending_members_max {
            turn.reply(token, JoinReply::failed("", GroupError::GroupMaxSizeReached));
        } else {
            let timer = Timer::Session { group: Rc::clone(&self.id), member: Rc::clone(&new_id) };
            let deadline_ms = turn.after(i64::from(request.session_timeout_ms.max(0)));
            let key = turn.timers.schedule(deadline_ms, timer);
            let reply = JoinReply::failed(&new_id, GroupError::MemberIdRequired);
            let other = self.pending.insert(new_id, Some(key));
            assert!(other.is_none(), "the random bits of a member id are fresh");
            turn.reply(token, reply);
        }
    }

    fn join_known(&mut self, request: &JoinRequest, token: u64, turn: &mut Turn<'_>) {
        let member_id = request.member_id.as_str();
        let instance_id = request.instance_id.as_deref();
        if let Some((id, _)) = self.pending.get_key_value(member_id) {
            if instance_id.is_some() {
                // Only members without an instance are ever pending.
                turn.reply(token, JoinReply::failed("", GroupError::UnknownServerError));
                return;
            }
            let id = Rc::clone(id);
            self.remove_pending(&id, turn);
            self.add_and_rebalance(request, id, token, turn);
            return;
        }
        if let Err(error) = self.validate_member(member_id, instance_id) {
            turn.reply(token, JoinReply::failed(member_id, error));
            return;
        }
        let unchanged =
            self.member(member_id).is_some_and(|(_, member)| member.matches(&request.protocols));
        let keeps_generation = match self.state {
            // The first answer may have been lost.
            GroupState::CompletingRebalance => unchanged,
            // A leader that joins wants a new assignment, for topics have changed.
            GroupState::Stable => unchanged && !self.is_leader(member_id),
            _ => false,
        };
        if keeps_generation {
            let reply = self.join_reply(member_id);
            turn.reply(token, Reply::Join(reply));
            return;
        }
        let protocols = member_protocols(&request.protocols);
        let timeouts = (request.session_timeout_ms, request.rebalance_timeout_ms);
        self.update(member_id, protocols, timeouts.0, timeouts.1);
        self.park_join(member_id, token, turn);
        self.rebalance_or_complete(turn);
    }

    fn add_and_rebalance(
        &mut self,
        request: &JoinRequest,
        id: Rc<str>,
        token: u64,
        turn: &mut Turn<'_>,
    ) {
        let member = Member {
            instance_id: request.instance_id.as_deref().map(Rc::from),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            protocols: member_protocols(&request.protocols),
            assignment: Bytes::new(),
            join: Some(token),
            sync: None,
            is_new: true,
            owes_sync: false,
            session: Session::default(),
        };
        if self.state == GroupState::PreparingRebalance && self.previous == GroupState::Empty {
            self.member_added = true;
        }
        self.add(Rc::clone(&id), member, &request.protocol_type.as_str().into());
        // It cannot heartbeat before it is answered, nor do we see its connection close; so the
        // parked join itself times out.
        self.extend_session(&id, NEW_MEMBER_JOIN_TIMEOUT_MS, turn);
        self.rebalance_or_complete(turn);
    }
}

/// Instance or client id, a dash, a version 4 UUID: as Kafka makes them.
fn new_member_id(request: &JoinRequest) -> Rc<str> {
    let prefix = request.instance_id.as_deref().unwrap_or(&request.client_id);
    let mut bytes = request.random.to_be_bytes();
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let suffix = format!(
        "-{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    );
    // Member ids must fit the 16-bit lengths of the records they go to.
    let mut end = prefix.len().min(STRING_BYTES_MAX - suffix.len());
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &prefix[..end]).into()
}
