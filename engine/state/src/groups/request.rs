//! Requests to the coordinator: plain owned data, so that they can come from another core. Opaque
//! metadata and assignments are `Bytes`, slices of the request's frame.

use bytes::Bytes;
use engine_base::Uuid;

/// A protocol a member can speak, with its opaque metadata, in order of preference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protocol {
    pub name: String,
    pub metadata: Bytes,
}

/// JoinGroup.
#[derive(Clone, Debug)]
pub struct JoinRequest {
    pub group_id: String,
    /// Empty for a member that has no id yet.
    pub member_id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    /// As Kafka prints an address: `/127.0.0.1`.
    pub client_host: String,
    pub session_timeout_ms: i32,
    /// Version 0 has none: the caller puts the session timeout here.
    pub rebalance_timeout_ms: i32,
    pub protocol_type: String,
    pub protocols: Vec<Protocol>,
    /// Version 4 and above: a new dynamic member is sent away with an id first.
    pub require_known_member_id: bool,
    /// Version 9 and above: a static leader may be told to skip the assignment.
    pub supports_skip_assignment: bool,
    /// Fresh random bits for a new member id.
    pub random: u128,
}

/// SyncGroup. `assignments` is empty unless the leader sends it.
#[derive(Clone, Debug)]
pub struct SyncRequest {
    pub group_id: String,
    pub generation: i32,
    pub member_id: String,
    pub instance_id: Option<String>,
    /// Version 5 and above.
    pub protocol_type: Option<String>,
    pub protocol_name: Option<String>,
    pub assignments: Vec<(String, Bytes)>,
}

/// Heartbeat. Borrowed: it is the hot call and allocates nothing.
#[derive(Clone, Copy, Debug)]
pub struct HeartbeatRequest<'a> {
    pub group_id: &'a str,
    pub generation: i32,
    pub member_id: &'a str,
    pub instance_id: Option<&'a str>,
}

/// One member of LeaveGroup. Before version 3 there is exactly one, without instance id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavingMember {
    pub member_id: String,
    pub instance_id: Option<String>,
}

/// OffsetCommit.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    pub group_id: String,
    /// -1 without group management.
    pub generation: i32,
    /// Empty without group management.
    pub member_id: String,
    pub instance_id: Option<String>,
    /// Versions 2 to 4, `None` for -1.
    pub retention_ms: Option<i64>,
    /// Version 9 and above: a missing group is GROUP_ID_NOT_FOUND, before it ILLEGAL_GENERATION.
    pub reports_missing_group: bool,
    pub topics: Vec<CommitTopic>,
}

/// The caller has resolved id to name (or refused it) and checked that the partitions exist.
#[derive(Clone, Debug)]
pub struct CommitTopic {
    pub name: String,
    /// Zero when committed by name (before version 10).
    pub topic_id: Uuid,
    pub partitions: Vec<CommitPartition>,
}

#[derive(Clone, Debug)]
pub struct CommitPartition {
    pub index: i32,
    pub offset: i64,
    /// -1 for none.
    pub leader_epoch: i32,
    pub metadata: Option<String>,
}

/// OffsetFetch, one group.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub group_id: String,
    /// `None`: all topics.
    pub topics: Option<Vec<FetchTopic>>,
    /// Wait for commits in flight instead of answering with what they replace.
    pub require_stable: bool,
}

#[derive(Clone, Debug)]
pub struct FetchTopic {
    pub name: String,
    /// Zero when asked by name (before version 10).
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

/// OffsetDelete, one topic.
#[derive(Clone, Debug)]
pub struct DeleteOffsetsTopic {
    pub name: String,
    pub partitions: Vec<i32>,
}

/// ListGroups. Empty lists filter nothing.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    pub states: Vec<String>,
    pub types: Vec<String>,
}
