//! What the coordinator answers, and the effects through which it does. All of it is plain data
//! that can travel to the core of the connection.

use super::appends::AppendToken;
use super::error::{AppendFailure, GroupError};
use bytes::Bytes;
use engine_base::Uuid;

/// A record for the partition's log: key, and value or tombstone.
pub type Record = (Vec<u8>, Option<Vec<u8>>);

/// What the shard has to do, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Answer the request that came with `token`. Each token is answered exactly once.
    Reply { token: u64, reply: Reply },
    /// Append the records as one batch in the order of these effects, and call
    /// `Coordinator::appended` with `then` once they are durable or have failed.
    Append { records: Vec<Record>, then: AppendToken },
}

/// An answer to a request that carried a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    Join(JoinReply),
    Sync(SyncReply),
    Leave(LeaveReply),
    Commit(Vec<TopicResult>),
    Fetch(FetchReply),
    Delete(Vec<DeletedGroup>),
    DeleteOffsets(OffsetDeleteReply),
}

/// JoinGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinReply {
    pub error: Option<GroupError>,
    /// -1 with an error.
    pub generation: i32,
    pub protocol_type: Option<String>,
    pub protocol_name: Option<String>,
    /// Empty with an error.
    pub leader: String,
    pub skip_assignment: bool,
    pub member_id: String,
    /// Only for the leader.
    pub members: Vec<JoinMember>,
}

impl JoinReply {
    pub(super) fn failed(member_id: &str, error: GroupError) -> Reply {
        Reply::Join(JoinReply {
            error: Some(error),
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: String::new(),
            skip_assignment: false,
            member_id: member_id.to_owned(),
            members: Vec::new(),
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinMember {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub metadata: Bytes,
}

/// SyncGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncReply {
    pub error: Option<GroupError>,
    pub protocol_type: Option<String>,
    pub protocol_name: Option<String>,
    /// Exactly the bytes the leader sent for this member; empty if it sent none.
    pub assignment: Bytes,
}

impl SyncReply {
    pub(super) fn failed(error: GroupError) -> Reply {
        Reply::Sync(SyncReply {
            error: Some(error),
            protocol_type: None,
            protocol_name: None,
            assignment: Bytes::new(),
        })
    }
}

/// LeaveGroup. With `error` the whole request failed and `members` is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveReply {
    pub error: Option<GroupError>,
    pub members: Vec<LeftMember>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftMember {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub error: Option<GroupError>,
}

/// OffsetCommit and OffsetDelete, one topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicResult {
    pub name: String,
    pub topic_id: Uuid,
    pub partitions: Vec<PartitionResult>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionResult {
    pub index: i32,
    pub error: Option<GroupError>,
}

/// OffsetFetch, one group. With `error` the topics are empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchReply {
    pub error: Option<GroupError>,
    pub topics: Vec<FetchedTopic>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedTopic {
    pub name: String,
    pub topic_id: Uuid,
    pub partitions: Vec<FetchedPartition>,
}

/// Offset -1, epoch -1 and no metadata where nothing is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedPartition {
    pub index: i32,
    pub offset: i64,
    pub leader_epoch: i32,
    pub metadata: String,
}

/// DeleteGroups, one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedGroup {
    pub group_id: String,
    pub error: Option<GroupError>,
}

/// OffsetDelete. With `error` the whole request failed and `topics` is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetDeleteReply {
    pub error: Option<GroupError>,
    pub topics: Vec<TopicResult>,
}

/// ListGroups, one group. All our groups are of type `classic`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedGroup {
    pub group_id: String,
    pub protocol_type: String,
    pub state: super::group::GroupState,
}

/// DescribeGroups, one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedGroup {
    pub state: super::group::GroupState,
    pub protocol_type: String,
    /// Empty unless the group is stable.
    pub protocol: String,
    pub members: Vec<DescribedMember>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedMember {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    /// Empty unless the group is stable.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

impl Reply {
    /// The same answer after its records failed to become durable.
    pub(super) fn into_failed(self, failure: AppendFailure) -> Reply {
        let error = failure.error();
        match self {
            Reply::Join(reply) => JoinReply::failed(&reply.member_id, error),
            Reply::Sync(_) => SyncReply::failed(error),
            Reply::Leave(_) => Reply::Leave(LeaveReply { error: Some(error), members: Vec::new() }),
            Reply::Commit(mut topics) => {
                topics
                    .iter_mut()
                    .flat_map(|topic| topic.partitions.iter_mut())
                    .for_each(|partition| partition.error = Some(error));
                Reply::Commit(topics)
            }
            Reply::Fetch(_) => Reply::Fetch(FetchReply { error: Some(error), topics: Vec::new() }),
            Reply::Delete(mut groups) => {
                groups.iter_mut().for_each(|group| group.error = Some(error));
                Reply::Delete(groups)
            }
            Reply::DeleteOffsets(_) => {
                Reply::DeleteOffsets(OffsetDeleteReply { error: Some(error), topics: Vec::new() })
            }
        }
    }
}
