//! Membership in a consumer group by Kafka's classic protocol: join, sync, heartbeats, commits.
//! Heartbeats go out from a thread with a connection of its own, so that a slow reader of stdout
//! does not cost the membership.

use crate::client::assignment::{
    self, Member, PROTOCOL_TYPE, Partitions, RANGE, decode_assignment, decode_subscription,
    encode_assignment, encode_subscription,
};
use crate::client::cluster::{Backoff, Missing, Peer};
use crate::client::{ClientError, Cluster, Connection, check};
use net_wire::generated::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use net_wire::generated::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse,
};
use net_wire::generated::leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity};
use net_wire::generated::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    OffsetCommitResponse,
};
use net_wire::generated::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
    OffsetFetchResponse,
};
use net_wire::generated::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use net_wire::{ApiKey, ErrorCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);
const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
/// How soon the heartbeat thread notices that it is to end.
const NAP: Duration = Duration::from_millis(50);
/// Offsets by name; from version 10 on the topic has to be named by its id.
const OFFSETS_VERSION_MAX: i16 = 9;

/// Owned by the command, over all generations.
#[derive(Debug)]
pub struct Membership {
    group: String,
    topic: String,
    peer: Peer,
    member_id: String,
    generation: i32,
    heartbeat: Option<Heartbeat>,
    patience: Duration,
}

#[derive(Debug)]
struct Heartbeat {
    stop: Arc<AtomicBool>,
    /// The group is being rebalanced, or has put us out.
    disturbed: Arc<AtomicBool>,
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What joining came to.
struct Joined {
    leader: bool,
    protocol: String,
    members: Vec<Member>,
    skip_assignment: bool,
}

impl Membership {
    pub fn new(
        cluster: &mut Cluster,
        group: &str,
        topic: &str,
        patience: Duration,
    ) -> Result<Membership, ClientError> {
        let peer = cluster.coordinator(group, patience)?;
        Ok(Membership {
            group: group.to_owned(),
            topic: topic.to_owned(),
            peer,
            member_id: String::new(),
            generation: -1,
            heartbeat: None,
            patience,
        })
    }

    /// Whether the member has to join again.
    pub fn is_disturbed(&self) -> bool {
        let disturbed = |heartbeat: &Heartbeat| heartbeat.disturbed.load(Ordering::Relaxed);
        self.heartbeat.as_ref().is_none_or(disturbed)
    }

    /// Joins, or joins again, and returns the partitions of the topic that fall to this member.
    pub fn join(&mut self, cluster: &mut Cluster) -> Result<Vec<i32>, ClientError> {
        self.heartbeat = None;
        let mut backoff = Backoff::within(self.patience);
        loop {
            match self.try_join(cluster) {
                Ok(partitions) => {
                    self.heartbeat = Some(self.start_heartbeat(cluster)?);
                    return Ok(partitions);
                }
                Err(error) => {
                    match error.code() {
                        Some(ErrorCode::MemberIdRequired) => continue,
                        Some(ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) => {
                            self.member_id.clear();
                        }
                        // Others joined at the same moment.
                        Some(ErrorCode::RebalanceInProgress) => {}
                        _ if error.is_retriable() => {
                            cluster.drop_connection(self.peer);
                            self.peer = cluster.coordinator(&self.group, self.patience)?;
                        }
                        _ => return Err(error),
                    }
                    if !backoff.again() {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn try_join(&mut self, cluster: &mut Cluster) -> Result<Vec<i32>, ClientError> {
        let joined = self.ask_to_join(cluster)?;
        let assignments = if joined.leader && !joined.skip_assignment {
            assign(cluster, &joined.members)?
        } else {
            BTreeMap::new()
        };
        let encoded: Vec<(&String, Vec<u8>)> =
            assignments.iter().map(|(id, own)| (id, encode_assignment(own))).collect();
        let assignment =
            |(member_id, assignment)| SyncGroupRequestAssignment { member_id, assignment };
        let request = SyncGroupRequest {
            group_id: &self.group,
            generation_id: self.generation,
            member_id: &self.member_id,
            protocol_type: Some(PROTOCOL_TYPE),
            protocol_name: Some(&joined.protocol),
            assignments: encoded
                .iter()
                .map(|(id, bytes)| (id.as_str(), bytes.as_slice()))
                .map(assignment)
                .collect(),
            ..Default::default()
        };
        let connection = cluster.connection(self.peer)?;
        let reply = connection.call_slow(&request, i16::MAX, REBALANCE_TIMEOUT)?;
        let response: SyncGroupResponse<'_> = reply.decode()?;
        check(response.error_code, None, || format!("group {}", self.group))?;
        let partitions = decode_assignment(response.assignment)
            .map_err(|error| ClientError::malformed(connection.address(), "assignment", error))?;
        Ok(partitions.get(&self.topic).cloned().unwrap_or_default())
    }

    fn ask_to_join(&mut self, cluster: &mut Cluster) -> Result<Joined, ClientError> {
        let metadata = encode_subscription(&[&self.topic]);
        let protocol = JoinGroupRequestProtocol { name: RANGE, metadata: &metadata };
        let request = JoinGroupRequest {
            group_id: &self.group,
            session_timeout_ms: millis(SESSION_TIMEOUT),
            rebalance_timeout_ms: millis(REBALANCE_TIMEOUT),
            member_id: &self.member_id,
            protocol_type: PROTOCOL_TYPE,
            protocols: vec![protocol].into(),
            ..Default::default()
        };
        let connection = cluster.connection(self.peer)?;
        let reply = connection.call_slow(&request, i16::MAX, REBALANCE_TIMEOUT)?;
        let response: JoinGroupResponse<'_> = reply.decode()?;
        if response.error_code == ErrorCode::MemberIdRequired.code() {
            self.member_id = response.member_id.to_owned();
        }
        check(response.error_code, None, || format!("group {}", self.group))?;
        self.member_id = response.member_id.to_owned();
        self.generation = response.generation_id;
        let member =
            |member: net_wire::generated::join_group::JoinGroupResponseMember<'_>| Member {
                id: member.member_id.to_owned(),
                instance_id: member.group_instance_id.map(str::to_owned),
                // A member whose subscription cannot be read gets nothing.
                topics: decode_subscription(member.metadata).unwrap_or_default(),
            };
        Ok(Joined {
            leader: response.leader == self.member_id,
            protocol: response.protocol_name.unwrap_or(RANGE).to_owned(),
            members: response.members.iter().map(member).collect(),
            skip_assignment: response.skip_assignment,
        })
    }

    fn start_heartbeat(&self, cluster: &Cluster) -> Result<Heartbeat, ClientError> {
        let connection = cluster.open(self.peer)?;
        let heartbeat = Heartbeat { stop: Arc::default(), disturbed: Arc::default() };
        let (stop, disturbed) = (Arc::clone(&heartbeat.stop), Arc::clone(&heartbeat.disturbed));
        let (group, member, generation) =
            (self.group.clone(), self.member_id.clone(), self.generation);
        let address = connection.address().clone();
        let work = move || {
            beat(connection, &group, &member, generation, &stop);
            disturbed.store(true, Ordering::Relaxed);
        };
        std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(work)
            .map_err(|error| ClientError::Broken { address, error })?;
        Ok(heartbeat)
    }

    /// The committed offsets of `partitions`, of those that have one.
    pub fn committed(
        &self,
        cluster: &mut Cluster,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>, ClientError> {
        let version =
            cluster.connection(self.peer)?.version(ApiKey::OffsetFetch, OFFSETS_VERSION_MAX)?;
        let mut request = OffsetFetchRequest::default();
        if version >= 8 {
            let topic = OffsetFetchRequestTopics {
                name: &self.topic,
                partition_indexes: partitions.into(),
                ..Default::default()
            };
            request.groups = vec![OffsetFetchRequestGroup {
                group_id: &self.group,
                topics: Some(vec![topic].into()),
                ..Default::default()
            }]
            .into();
        } else {
            request.group_id = &self.group;
            let topic =
                OffsetFetchRequestTopic { name: &self.topic, partition_indexes: partitions.into() };
            request.topics = Some(vec![topic].into());
        }
        let mut backoff = Backoff::within(self.patience);
        loop {
            match self.fetch_offsets(cluster, &request, version) {
                Err(error) if error.is_retriable() && backoff.again() => {}
                result => return result,
            }
        }
    }

    fn fetch_offsets(
        &self,
        cluster: &mut Cluster,
        request: &OffsetFetchRequest<'_>,
        version: i16,
    ) -> Result<BTreeMap<i32, i64>, ClientError> {
        let reply = cluster.call_up_to(self.peer, request, version)?;
        let response: OffsetFetchResponse<'_> = reply.decode()?;
        let what = || format!("offsets of group {}", self.group);
        check(response.error_code, None, what)?;
        let mut found = Vec::new();
        for topic in &response.topics {
            let each = topic.partitions.iter();
            found.extend(each.map(|p| (p.partition_index, p.committed_offset, p.error_code)));
        }
        for group in &response.groups {
            check(group.error_code, None, what)?;
            for topic in &group.topics {
                let each = topic.partitions.iter();
                found.extend(each.map(|p| (p.partition_index, p.committed_offset, p.error_code)));
            }
        }
        let mut offsets = BTreeMap::new();
        for (partition, offset, code) in found {
            check(code, None, what)?;
            if offset >= 0 {
                offsets.insert(partition, offset);
            }
        }
        Ok(offsets)
    }

    /// Commits the next offset to read of each partition.
    pub fn commit(
        &self,
        cluster: &mut Cluster,
        offsets: &BTreeMap<i32, i64>,
    ) -> Result<(), ClientError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let partition = |(index, offset): (&i32, &i64)| OffsetCommitRequestPartition {
            partition_index: *index,
            committed_offset: *offset,
            committed_leader_epoch: -1,
            committed_metadata: Some(""),
        };
        let topic = OffsetCommitRequestTopic {
            name: &self.topic,
            partitions: offsets.iter().map(partition).collect(),
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: &self.group,
            generation_id_or_member_epoch: self.generation,
            member_id: &self.member_id,
            topics: vec![topic].into(),
            ..Default::default()
        };
        let reply = cluster.call_up_to(self.peer, &request, OFFSETS_VERSION_MAX)?;
        let response: OffsetCommitResponse<'_> = reply.decode()?;
        for topic in &response.topics {
            for partition in &topic.partitions {
                check(partition.error_code, None, || format!("commit of group {}", self.group))?;
            }
        }
        Ok(())
    }

    /// Leaves, so that the others get the partitions at once.
    pub fn leave(&mut self, cluster: &mut Cluster) -> Result<(), ClientError> {
        self.heartbeat = None;
        let version = cluster.connection(self.peer)?.version(ApiKey::LeaveGroup, i16::MAX)?;
        let mut request = LeaveGroupRequest { group_id: &self.group, ..Default::default() };
        if version >= 3 {
            let member = MemberIdentity { member_id: &self.member_id, ..Default::default() };
            request.members = vec![member].into();
        } else {
            request.member_id = &self.member_id;
        }
        let reply = cluster.call_up_to(self.peer, &request, version)?;
        let response: LeaveGroupResponse<'_> = reply.decode()?;
        check(response.error_code, None, || format!("group {}", self.group))
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).expect("our timeouts are minutes at most")
}

/// The leader's work: partitions for every member, of all topics that any of them wants.
fn assign(
    cluster: &mut Cluster,
    members: &[Member],
) -> Result<BTreeMap<String, Partitions>, ClientError> {
    let mut topics: Vec<&str> =
        members.iter().flat_map(|member| &member.topics).map(String::as_str).collect();
    topics.sort_unstable();
    topics.dedup();
    let metadata = cluster.metadata(Some(&topics), Missing::Refuse)?;
    let counts = metadata.topics.iter().filter(|topic| !topic.error.is_error());
    let counts = counts
        .map(|topic| {
            let count = i32::try_from(topic.partitions.len()).expect("partitions are 32 bits");
            (topic.name.clone(), count)
        })
        .collect();
    Ok(assignment::assign_range(members, &counts))
}

/// Heartbeats until told to stop or the membership is disturbed.
fn beat(mut connection: Connection, group: &str, member: &str, generation: i32, stop: &AtomicBool) {
    let mut last = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if last.elapsed() < HEARTBEAT_EVERY {
            sleep(NAP);
            continue;
        }
        last = Instant::now();
        let request = HeartbeatRequest {
            group_id: group,
            generation_id: generation,
            member_id: member,
            ..Default::default()
        };
        let outcome = connection.call(&request).and_then(|reply| {
            let response: HeartbeatResponse = reply.decode()?;
            check(response.error_code, None, || format!("group {group}"))
        });
        // Joining again tells what is wrong, if anything still is.
        if outcome.is_err() {
            return;
        }
    }
}
