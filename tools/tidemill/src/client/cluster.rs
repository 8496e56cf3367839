//! All the brokers of a cluster: finds them through the first ones named, keeps a connection to
//! each that is needed, and asks again what may succeed later.

use super::{Address, ClientError, Connection, Metadata, Reply, Timeouts, Topic, check};
use net_wire::generated::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use net_wire::generated::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use net_wire::{ApiKey, ErrorCode, Request};
use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Wait between attempts: starts at the first, doubles up to the second.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Owned by one command.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: Vec<Address>,
    client_id: String,
    timeouts: Timeouts,
    brokers: BTreeMap<i32, Address>,
    connections: BTreeMap<Peer, Connection>,
}

/// Whom a connection is to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Peer {
    /// Any broker will do.
    Any,
    Node(i32),
}

/// What to do about a topic that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    Refuse,
    /// Let the broker create it, if it is set up to.
    Create,
}

/// Waits that grow, until a deadline.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    deadline: Instant,
    wait: Duration,
}

impl Backoff {
    pub fn within(limit: Duration) -> Backoff {
        Backoff { deadline: Instant::now() + limit, wait: BACKOFF_MIN }
    }

    /// Sleeps, unless the deadline has passed; whether to try again.
    pub fn again(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.wait.min(left));
        self.wait = (self.wait * 2).min(BACKOFF_MAX);
        true
    }
}

impl Cluster {
    /// Connects to the first bootstrap address that answers.
    pub fn connect(
        bootstrap: Vec<Address>,
        client_id: String,
        timeouts: Timeouts,
    ) -> Result<Cluster, ClientError> {
        let mut cluster = Cluster {
            bootstrap,
            client_id,
            timeouts,
            brokers: BTreeMap::new(),
            connections: BTreeMap::new(),
        };
        cluster.connection(Peer::Any)?;
        Ok(cluster)
    }

    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The connection to `peer`, opened if there is none.
    pub fn connection(&mut self, peer: Peer) -> Result<&mut Connection, ClientError> {
        if !self.connections.contains_key(&peer) {
            let connection = self.open(peer)?;
            self.connections.insert(peer, connection);
        }
        Ok(self.connections.get_mut(&peer).expect("just inserted"))
    }

    /// A new connection that the caller keeps.
    pub fn open(&self, peer: Peer) -> Result<Connection, ClientError> {
        let known;
        let addresses: &[Address] = match peer {
            Peer::Node(id) => {
                known = self.brokers.get(&id).cloned();
                known.as_slice()
            }
            Peer::Any => &self.bootstrap,
        };
        let mut last = None;
        for address in addresses {
            match Connection::open(address, &self.client_id, self.timeouts) {
                Ok(connection) => return Ok(connection),
                Err(error) => last = Some(error),
            }
        }
        let unknown = || {
            let what = format!("broker {peer:?}");
            ClientError::refused(
                what,
                ErrorCode::BrokerNotAvailable,
                Some("its address is unknown"),
            )
        };
        Err(last.unwrap_or_else(unknown))
    }

    /// One request to `peer`. A connection that broke since it was last used is replaced once.
    pub fn call<'a, R: Request<'a>>(
        &mut self,
        peer: Peer,
        request: &R,
    ) -> Result<Reply, ClientError> {
        self.call_up_to(peer, request, i16::MAX)
    }

    /// As [`Cluster::call`], in a version not above `cap`.
    pub fn call_up_to<'a, R: Request<'a>>(
        &mut self,
        peer: Peer,
        request: &R,
        cap: i16,
    ) -> Result<Reply, ClientError> {
        let kept = self.connections.contains_key(&peer);
        match self.connection(peer)?.call_up_to(request, cap) {
            Err(error) if error.is_connection() => {
                self.connections.remove(&peer);
                match error {
                    ClientError::Broken { .. } if kept => {
                        self.connection(peer)?.call_up_to(request, cap)
                    }
                    error => Err(error),
                }
            }
            result => result,
        }
    }

    /// Forgets the connection to `peer`.
    pub fn drop_connection(&mut self, peer: Peer) {
        self.connections.remove(&peer);
    }

    /// The brokers, and the topics named, or all. A topic that could not be described is there
    /// with its error.
    pub fn metadata(
        &mut self,
        topics: Option<&[&str]>,
        missing: Missing,
    ) -> Result<Metadata, ClientError> {
        let named = topics.map(|names| {
            let topic = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
            names.iter().copied().map(topic).collect()
        });
        let request = MetadataRequest {
            topics: named,
            allow_auto_topic_creation: missing == Missing::Create,
            ..Default::default()
        };
        let reply = self.call(Peer::Any, &request)?;
        let response: MetadataResponse<'_> = reply.decode()?;
        check(response.error_code, None, || "metadata".into())?;
        let metadata = Metadata::new(&response);
        self.brokers.clone_from(&metadata.brokers);
        Ok(metadata)
    }

    /// One topic, waiting up to `limit` for it to be created and to have leaders.
    pub fn topic(
        &mut self,
        name: &str,
        missing: Missing,
        limit: Duration,
    ) -> Result<Topic, ClientError> {
        let mut backoff = Backoff::within(limit);
        loop {
            let metadata = self.metadata(Some(&[name]), missing)?;
            let topic = metadata.topics.into_iter().find(|topic| topic.name == name);
            let nothing = || {
                ClientError::refused(
                    format!("topic {name}"),
                    ErrorCode::UnknownTopicOrPartition,
                    None,
                )
            };
            let result = topic.ok_or_else(nothing).and_then(Topic::checked);
            match result {
                Ok(topic) if topic.partitions.iter().any(|partition| partition.leader >= 0) => {
                    return Ok(topic);
                }
                Ok(topic) if !backoff.again() => return Ok(topic),
                Ok(_) => {}
                Err(error) => {
                    let unknown = error.code() == Some(ErrorCode::UnknownTopicOrPartition);
                    let wait = error.is_retriable() && !(unknown && missing == Missing::Refuse);
                    if !wait || !backoff.again() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The broker that takes changes of topics: the controller, or any if it is not known.
    pub fn controller(&mut self) -> Result<Peer, ClientError> {
        let metadata = self.metadata(Some(&[]), Missing::Refuse)?;
        let known = metadata.brokers.contains_key(&metadata.controller_id);
        Ok(if known { Peer::Node(metadata.controller_id) } else { Peer::Any })
    }

    /// The broker that coordinates `group`, waiting up to `limit` for there to be one.
    pub fn coordinator(&mut self, group: &str, limit: Duration) -> Result<Peer, ClientError> {
        let mut backoff = Backoff::within(limit);
        loop {
            match self.find_coordinator(group) {
                Err(error) if error.is_retriable() && backoff.again() => {}
                result => return result,
            }
        }
    }

    fn find_coordinator(&mut self, group: &str) -> Result<Peer, ClientError> {
        let version = self.connection(Peer::Any)?.version(ApiKey::FindCoordinator, i16::MAX)?;
        let mut request = FindCoordinatorRequest::default();
        if version >= 4 {
            request.coordinator_keys = vec![group].into();
        } else {
            request.key = group;
        }
        let reply = self.call_up_to(Peer::Any, &request, version)?;
        let response: FindCoordinatorResponse<'_> = reply.decode()?;
        let what = || format!("coordinator of group {group}");
        let (code, message, node, host, port) = match response.coordinators.iter().next() {
            Some(found) => {
                (found.error_code, found.error_message, found.node_id, found.host, found.port)
            }
            None => (
                response.error_code,
                response.error_message,
                response.node_id,
                response.host,
                response.port,
            ),
        };
        check(code, message, what)?;
        let port = u16::try_from(port).unwrap_or(0);
        self.brokers.insert(node, Address { host: host.to_owned(), port });
        Ok(Peer::Node(node))
    }
}
