//! Offsets by position in time: the start, the end, the first record at or after a timestamp.

use super::cluster::{Backoff, Missing, Peer};
use super::{ClientError, Cluster, Topic, check};
use net_wire::ErrorCode;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};
use std::collections::BTreeMap;

/// Kafka's numbers for places that are no timestamp.
pub const LATEST: i64 = -1;
pub const EARLIEST: i64 = -2;

/// The offset of each of `partitions` for `timestamp`: milliseconds since the epoch, [`LATEST`] or
/// [`EARLIEST`]. -1 stands for "no such record". Waits for leaders as long as for an answer.
pub fn list(
    cluster: &mut Cluster,
    topic: &Topic,
    partitions: &[i32],
    timestamp: i64,
) -> Result<BTreeMap<i32, i64>, ClientError> {
    let mut backoff = Backoff::within(cluster.timeouts().request);
    let mut moved: Option<Topic> = None;
    loop {
        let topic = moved.as_ref().unwrap_or(topic);
        match ask(cluster, topic, partitions, timestamp) {
            // A new topic's leader may not know of it yet; an old one's may have moved.
            Err(error) if error.code().is_some() && error.is_retriable() && backoff.again() => {
                let metadata = cluster.metadata(Some(&[&topic.name]), Missing::Refuse)?;
                let found = metadata.topics.into_iter().find(|found| found.name == topic.name);
                moved = found.filter(|found| !found.error.is_error()).or(moved);
            }
            result => return result,
        }
    }
}

fn ask(
    cluster: &mut Cluster,
    topic: &Topic,
    partitions: &[i32],
    timestamp: i64,
) -> Result<BTreeMap<i32, i64>, ClientError> {
    let mut by_leader: BTreeMap<i32, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for index in partitions {
        let leader = topic.partition(*index).map_or(-1, |partition| partition.leader);
        if leader < 0 {
            let what = format!("partition {index} of topic {}", topic.name);
            return Err(ClientError::refused(what, ErrorCode::LeaderNotAvailable, None));
        }
        by_leader.entry(leader).or_default().push(ListOffsetsPartition {
            partition_index: *index,
            current_leader_epoch: -1,
            timestamp,
        });
    }
    let mut offsets = BTreeMap::new();
    for (leader, partitions) in by_leader {
        let asked = ListOffsetsTopic { name: &topic.name, partitions: partitions.into() };
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![asked].into(),
            timeout_ms: i32::try_from(cluster.timeouts().request.as_millis()).unwrap_or(i32::MAX),
            ..Default::default()
        };
        let reply = cluster.call(Peer::Node(leader), &request)?;
        let response: ListOffsetsResponse<'_> = reply.decode()?;
        for found in &response.topics {
            for partition in &found.partitions {
                let index = partition.partition_index;
                check(partition.error_code, None, || {
                    format!("offsets of partition {index} of topic {}", topic.name)
                })?;
                offsets.insert(index, partition.offset);
            }
        }
    }
    Ok(offsets)
}
