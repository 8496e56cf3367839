//! The topic that a load is for: found or made, with a leader for each partition, on brokers that
//! speak the versions the load is written in.

use crate::client::cluster::{Backoff, Missing, Peer};
use crate::client::{Address, ClientError, Cluster, Metadata, Topic, check};
use crate::failure::Failure;
use load::leaders::Leaders;
use net_wire::generated::create_topics::{
    CreatableTopic, CreateTopicsRequest, CreateTopicsResponse,
};
use net_wire::{ApiKey, ErrorCode};
use std::collections::BTreeMap;
use std::time::Duration;

const PARTITIONS_MAX: usize = 10_000;

/// What to do if there is no such topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absent {
    Refuse,
    /// -1 leaves the number to the broker.
    Make {
        partitions: i32,
        replication_factor: i16,
    },
}

#[derive(Debug)]
pub struct Target {
    pub leaders: Leaders,
    pub partitions: u16,
    pub made: bool,
}

/// Waits up to `limit` for leaders. `spoken` are the APIs and the one version of each that the
/// load sends.
pub fn find(
    cluster: &mut Cluster,
    name: &str,
    absent: Absent,
    spoken: &[(ApiKey, i16)],
    limit: Duration,
) -> Result<Target, Failure> {
    let mut made = false;
    let mut backoff = Backoff::within(limit);
    let (metadata, topic) = loop {
        let mut metadata = cluster.metadata(Some(&[name]), Missing::Refuse)?;
        let topic = metadata.topics.pop().filter(|topic| topic.name == name);
        let unknown = ErrorCode::UnknownTopicOrPartition;
        let found = topic
            .ok_or_else(|| ClientError::refused(format!("topic {name}"), unknown, None))
            .and_then(Topic::checked);
        match (found, absent) {
            (Ok(topic), _) if topic.partitions.iter().all(|partition| partition.leader >= 0) => {
                break (metadata, topic);
            }
            (Ok(topic), _) if !backoff.again() => return Err(leaderless(&topic)),
            (Ok(_), _) => {}
            (Err(error), Absent::Make { partitions, replication_factor })
                if error.code() == Some(unknown) && !made =>
            {
                made = make(cluster, name, partitions, replication_factor, limit)?;
            }
            (Err(error), _) => {
                let wait = error.is_retriable() && (made || error.code() != Some(unknown));
                if !wait || !backoff.again() {
                    return Err(error.into());
                }
            }
        }
    };
    let addresses = leaders_of(&metadata, &topic)?;
    check_versions(cluster, &topic, &addresses, spoken)?;
    let leaders: Vec<String> = addresses.iter().map(|(_, address)| address.to_string()).collect();
    let partitions = u16::try_from(leaders.len()).expect("was limited");
    Ok(Target { leaders: Leaders::new(&leaders), partitions, made })
}

fn leaderless(topic: &Topic) -> Failure {
    let without = topic.partitions.iter().find(|partition| partition.leader < 0);
    let index = without.map_or(0, |partition| partition.index);
    let what = format!("partition {index} of topic {} has no leader", topic.name);
    Failure::new(what).hint("is one of its brokers down? see: tidemill topic describe")
}

/// True once the topic is there; one that somebody else made meanwhile will do.
fn make(
    cluster: &mut Cluster,
    name: &str,
    partitions: i32,
    replication_factor: i16,
    limit: Duration,
) -> Result<bool, Failure> {
    let topic = CreatableTopic {
        name,
        num_partitions: partitions,
        replication_factor,
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic].into(),
        timeout_ms: i32::try_from(limit.as_millis()).unwrap_or(i32::MAX),
        ..Default::default()
    };
    let controller = cluster.controller()?;
    let reply = cluster.call(controller, &request)?;
    let response: CreateTopicsResponse<'_> = reply.decode()?;
    for result in &response.topics {
        match check(result.error_code, result.error_message, || format!("topic {name}")) {
            Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => {}
            outcome => outcome?,
        }
    }
    Ok(true)
}

/// Node and address of each partition's leader, from partition 0.
fn leaders_of(metadata: &Metadata, topic: &Topic) -> Result<Vec<(i32, Address)>, Failure> {
    let count = topic.partitions.len();
    if count == 0 || count > PARTITIONS_MAX {
        let what = format!("topic {} has {count} partitions", topic.name);
        return Err(Failure::new(format!("{what}, a load takes 1 to {PARTITIONS_MAX}")));
    }
    let mut found = Vec::with_capacity(count);
    for (index, partition) in (0..).zip(&topic.partitions) {
        let address = metadata.brokers.get(&partition.leader);
        match address {
            Some(address) if partition.index == index => {
                found.push((partition.leader, address.clone()));
            }
            _ => {
                let what = format!("partition {index} of topic {}", topic.name);
                return Err(Failure::new(format!("{what} is on no broker of the cluster")));
            }
        }
    }
    Ok(found)
}

/// Connects to each leader once, where it says it is.
fn check_versions(
    cluster: &mut Cluster,
    topic: &Topic,
    leaders: &[(i32, Address)],
    spoken: &[(ApiKey, i16)],
) -> Result<(), Failure> {
    let nodes: BTreeMap<i32, &Address> = leaders.iter().map(|(node, at)| (*node, at)).collect();
    for (node, address) in nodes {
        let connection = cluster.connection(Peer::Node(node)).map_err(|error| {
            let name = &topic.name;
            Failure::from(error).hint(format!(
                "broker {node} leads partitions of {name} and says it is at {address}: \
                 can that be reached from here? see its advertised.listeners"
            ))
        })?;
        for (api, version) in spoken {
            if connection.version(*api, *version).ok() != Some(*version) {
                let name = api.api().name;
                let what = format!("the broker at {address} does not offer {name} {version}");
                return Err(Failure::new(what).hint("it takes a broker of Kafka 2.3 or newer"));
            }
        }
    }
    Ok(())
}
