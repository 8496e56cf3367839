//! Records on their way to stable media, and what becomes of them: each append carries the change
//! to apply, and the answer to give, once it is durable.

use super::group::Group;
use super::reply::Reply;
use super::request::FetchRequest;
use crate::offsets::CommittedOffset;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::member::MemberProtocol;

/// Names an append; rises with each, in the order of the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct AppendToken(pub u64);

/// A change that waits for its records.
#[derive(Debug)]
pub(super) enum Action {
    /// A group came into being; the record only keeps its name.
    GroupCreated { group: Rc<str> },
    /// The last member left; nothing is left to do.
    GroupEmptied,
    /// The leader's assignment.
    Assigned { group: Rc<str>, assignment: BTreeMap<Rc<str>, Bytes> },
    /// A static member came back under a new id, without a rebalance.
    StaticReplaced(Box<StaticReplaced>),
    /// Offsets of one group.
    Committed { group: Rc<str>, offsets: Vec<(Rc<str>, i32, CommittedOffset)> },
    /// Tombstones: of offsets, and of groups that are already out of the map.
    Deleted { offsets: Vec<OffsetKey>, groups: Vec<Group> },
}

/// Group, topic, partition.
pub(super) type OffsetKey = (Rc<str>, Rc<str>, i32);

#[derive(Debug)]
pub(super) struct StaticReplaced {
    pub group: Rc<str>,
    pub generation: i32,
    pub instance_id: Rc<str>,
    pub old_id: Rc<str>,
    pub new_id: Rc<str>,
    pub old_leader: Option<Rc<str>>,
    pub old_protocols: Vec<MemberProtocol>,
    pub old_session_timeout_ms: i32,
    pub old_rebalance_timeout_ms: i32,
    pub supports_skip_assignment: bool,
}

#[derive(Debug)]
pub(super) struct InFlight {
    pub action: Action,
    /// The answer if all goes well.
    pub reply: Option<(u64, Reply)>,
    /// Fetches that wait for this commit.
    pub fetches: Vec<(u64, FetchRequest)>,
}

#[derive(Debug, Default)]
pub(super) struct Appends {
    issued: u64,
    in_flight: BTreeMap<AppendToken, InFlight>,
}

impl Appends {
    pub fn issue(&mut self, action: Action, reply: Option<(u64, Reply)>) -> AppendToken {
        self.issued += 1;
        let token = AppendToken(self.issued);
        self.in_flight.insert(token, InFlight { action, reply, fetches: Vec::new() });
        token
    }

    /// How many appends were ever issued.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// Makes room in the order for records that are replayed rather than appended.
    pub fn next_order(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    pub fn take(&mut self, token: AppendToken) -> Option<InFlight> {
        self.in_flight.remove(&token)
    }

    pub fn take_all(&mut self) -> BTreeMap<AppendToken, InFlight> {
        std::mem::take(&mut self.in_flight)
    }

    /// The answer to give when `token` is durable, if none is set yet.
    pub fn answer_with(&mut self, token: AppendToken, request: u64, reply: Reply) {
        let in_flight = self.in_flight.get_mut(&token).expect("the append was just issued");
        assert!(in_flight.reply.is_none(), "one append answers one request");
        in_flight.reply = Some((request, reply));
    }

    /// The newest append in flight that changes offsets of `group`.
    pub fn last_commit(&mut self, group: &str) -> Option<&mut InFlight> {
        self.last_commit_before(AppendToken(u64::MAX), group)
    }

    /// The newest of those issued before `token`.
    pub fn last_commit_before(&mut self, token: AppendToken, group: &str) -> Option<&mut InFlight> {
        let mut earlier = self.in_flight.range_mut(..token).rev();
        earlier.find(|(_, in_flight)| in_flight.changes_offsets(group)).map(|(_, found)| found)
    }

    /// Offsets of `group` that are being committed.
    pub fn committing(&self, group: &str) -> impl Iterator<Item = (&Rc<str>, i32)> {
        self.in_flight
            .values()
            .filter_map(move |in_flight| match &in_flight.action {
                Action::Committed { group: of, offsets } if **of == *group => Some(offsets),
                _ => None,
            })
            .flatten()
            .map(|(topic, partition, _)| (topic, *partition))
    }

    /// The groups that have anything in flight.
    pub fn groups(&self) -> impl Iterator<Item = &Rc<str>> {
        self.in_flight.values().flat_map(|in_flight| in_flight.action.groups())
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }
}

impl Action {
    fn groups(&self) -> Vec<&Rc<str>> {
        match self {
            Action::GroupEmptied => Vec::new(),
            Action::GroupCreated { group }
            | Action::Assigned { group, .. }
            | Action::Committed { group, .. } => vec![group],
            Action::StaticReplaced(replaced) => vec![&replaced.group],
            Action::Deleted { offsets, groups } => offsets
                .iter()
                .map(|(group, _, _)| group)
                .chain(groups.iter().map(|group| &group.id))
                .collect(),
        }
    }
}

impl InFlight {
    fn changes_offsets(&self, of: &str) -> bool {
        match &self.action {
            Action::Committed { group, .. } => **group == *of,
            Action::Deleted { offsets, .. } => offsets.iter().any(|(group, _, _)| **group == *of),
            _ => false,
        }
    }
}
