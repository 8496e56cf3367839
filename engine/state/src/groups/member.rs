//! One member of a classic group. Owned by its `Group`, which keeps the counts that depend on a
//! member's state; so those fields change only there. Source: Kafka's `ClassicGroupMember`.

use super::request::Protocol;
use super::timers::Session;
use bytes::Bytes;
use std::rc::Rc;

/// A protocol the member speaks, in order of preference. Names are unique within a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MemberProtocol {
    pub name: Rc<str>,
    pub metadata: Bytes,
}

/// The member's list without repeated names, which would count as several votes.
pub(super) fn member_protocols(protocols: &[Protocol]) -> Vec<MemberProtocol> {
    let mut unique: Vec<MemberProtocol> = Vec::new();
    for protocol in protocols {
        if unique.iter().all(|known| *known.name != *protocol.name) {
            let metadata = protocol.metadata.clone();
            unique.push(MemberProtocol { name: protocol.name.as_str().into(), metadata });
        }
    }
    unique
}

/// What a member is known by and asked for.
#[derive(Debug)]
pub(super) struct Member {
    pub instance_id: Option<Rc<str>>,
    pub client_id: String,
    pub client_host: String,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    pub protocols: Vec<MemberProtocol>,
    pub assignment: Bytes,
    /// A parked JoinGroup.
    pub join: Option<u64>,
    /// A parked SyncGroup.
    pub sync: Option<u64>,
    /// Has not completed a join yet: may time out while its join is parked.
    pub is_new: bool,
    /// Has not yet synced in this generation.
    pub owes_sync: bool,
    pub session: Session,
}

impl Member {
    /// The metadata for `protocol`, if the member speaks it.
    pub fn metadata(&self, protocol: &str) -> Option<&Bytes> {
        self.protocols.iter().find(|known| *known.name == *protocol).map(|known| &known.metadata)
    }

    /// The same protocols with the same metadata in the same order.
    pub fn matches(&self, protocols: &[Protocol]) -> bool {
        self.protocols == member_protocols(protocols)
    }

    /// Waiting for a rebalance is a sign of life, except for a member that never joined.
    pub fn session_satisfied(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }
}
