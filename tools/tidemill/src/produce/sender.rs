//! The output side: batches to the leaders of their partitions, several requests under way on each
//! connection, again after a failure that may pass. Runs on the command's main thread, which is
//! woken by one channel: batches from the feed, answers from the connections.

use super::budget::Budget;
use super::queue::{BatchId, Queue, Sealed, Verdict};
use crate::client::cluster::{Missing, Peer};
use crate::client::pipe::{Arrival, Pipe};
use crate::client::{ClientError, Cluster, Topic};
use crate::failure::Failure;
use crate::output::progress::Progress;
use bytes::Bytes;
use net_wire::generated::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};
use net_wire::{ApiKey, ErrorCode, Records};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender as ChannelSender};
use std::time::{Duration, Instant};

/// Batches go together in one request up to this size.
const REQUEST_BYTES: usize = 1 << 20;
/// Pause before a batch is sent again, and between looks at the cluster.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long the loop sleeps when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// What wakes the sender.
pub enum Event {
    Batch(Sealed),
    /// The feed is through, or failed.
    InputEnd(Result<(), Failure>),
    Answer(Arrival),
}

#[derive(Clone, Copy, Debug)]
pub struct SenderOptions {
    /// 0, 1 or -1 for all.
    pub acks: i16,
    /// Most requests under way on one connection, and batches of one partition.
    pub in_flight_max: usize,
    /// From the end of a batch to its acknowledgement.
    pub delivery_timeout: Duration,
    pub request_timeout: Duration,
}

/// What was acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sent {
    pub records: u64,
    pub payload_bytes: u64,
}

pub struct Sender {
    cluster: Cluster,
    topic: Topic,
    options: SenderOptions,
    queues: Vec<Queue>,
    links: BTreeMap<i32, Link>,
    events: (ChannelSender<Event>, Receiver<Event>),
    budget: Arc<Budget>,
    next_pipe: u64,
    /// When the cluster is looked at again, if something there has changed.
    refresh_at: Option<Instant>,
    /// The last thing that went wrong and was tried again.
    trouble: Option<ClientError>,
    /// Where the search for batches begins, so that every partition gets its turn.
    first: usize,
    sent: Sent,
}

/// A connection to one broker.
struct Link {
    pipe: Pipe,
    version: i16,
    flights: VecDeque<Flight>,
}

struct Flight {
    correlation_id: i32,
    sent_at: Instant,
    batches: Vec<(usize, BatchId)>,
}

impl Sender {
    pub fn new(
        cluster: Cluster,
        topic: Topic,
        options: SenderOptions,
        budget: Arc<Budget>,
        events: (ChannelSender<Event>, Receiver<Event>),
    ) -> Sender {
        let queues = topic.partitions.iter().map(|_| Queue::new(options.in_flight_max)).collect();
        Sender {
            cluster,
            topic,
            options,
            queues,
            links: BTreeMap::new(),
            events,
            budget,
            next_pipe: 0,
            refresh_at: None,
            trouble: None,
            first: 0,
            sent: Sent::default(),
        }
    }

    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Sends until the input has ended and everything is acknowledged.
    pub fn run(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let result = self.send_all(progress);
        // Whatever happened, the feed must not wait for room any longer.
        self.budget.close();
        result
    }

    fn send_all(&mut self, progress: &mut Progress) -> Result<(), Failure> {
        let mut ended: Option<Result<(), Failure>> = None;
        loop {
            self.pump()?;
            if self.queues.iter().all(Queue::is_empty)
                && let Some(result) = ended.take()
            {
                return result;
            }
            let mut event = match self.events.1.recv_timeout(TICK) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => unreachable!("the sender holds one end"),
            };
            while let Some(now) = event {
                match now {
                    Event::Batch(batch) => self.queues[batch.partition].push(batch),
                    Event::InputEnd(result) => ended = Some(result),
                    Event::Answer(arrival) => self.arrived(arrival)?,
                }
                event = self.events.1.try_recv().ok();
            }
            self.watch_time()?;
            progress.update(self.sent.records, self.sent.payload_bytes);
        }
    }

    /// Sends all that may be sent now.
    fn pump(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh(now)?;
        }
        while let Some((node, batches)) = self.gather(now) {
            if let Err(error) = self.send(node, &batches, now) {
                self.lost(node, error, now)?;
            }
        }
        Ok(())
    }

    /// Batches for one broker that has room for a request: one of each partition it leads.
    fn gather(&mut self, now: Instant) -> Option<(i32, Vec<(usize, BatchId)>)> {
        let count = self.queues.len();
        let mut target = None;
        let mut batches = Vec::new();
        let mut bytes = 0;
        let start = self.first;
        for index in (start..count).chain(0..start) {
            let Some((id, batch)) = self.queues[index].sendable(now) else { continue };
            let leader = self.topic.partitions[index].leader;
            if leader < 0 {
                self.refresh_at.get_or_insert(now + RETRY_PAUSE);
                continue;
            }
            let full = |link: &Link| link.flights.len() >= self.options.in_flight_max;
            let fits = match target {
                None => !self.links.get(&leader).is_some_and(full),
                Some(node) => node == leader && bytes + batch.bytes.len() <= REQUEST_BYTES,
            };
            if fits {
                target = Some(leader);
                bytes += batch.bytes.len();
                batches.push((index, id));
                self.first = (index + 1) % count;
            }
        }
        target.map(|node| (node, batches))
    }

    fn send(
        &mut self,
        node: i32,
        batches: &[(usize, BatchId)],
        now: Instant,
    ) -> Result<(), ClientError> {
        let mut partitions = Vec::with_capacity(batches.len());
        for (index, id) in batches {
            let (_, batch) = self.queues[*index].sendable(now).expect("gathered just now");
            partitions.push(PartitionProduceData {
                index: self.topic.partitions[*index].index,
                records: Records::from(batch.bytes.clone()),
            });
            self.queues[*index].sent(*id);
        }
        // From here on a failure is told by `lost`, which looks at the flights of the link.
        let flight =
            |correlation_id| Flight { correlation_id, sent_at: now, batches: batches.to_vec() };
        if let Err(error) = self.ensure_link(node) {
            self.release(batches, now);
            return Err(error);
        }
        let link = self.links.get_mut(&node).expect("just made");
        let data = TopicProduceData {
            name: &self.topic.name,
            topic_id: self.topic.id,
            partition_data: partitions.into(),
        };
        let timeout_ms = self.options.request_timeout.as_millis();
        let request = ProduceRequest {
            transactional_id: None,
            acks: self.options.acks,
            timeout_ms: i32::try_from(timeout_ms).unwrap_or(i32::MAX),
            topic_data: vec![data].into(),
        };
        match link.pipe.send(&request, link.version) {
            Ok(_) if self.options.acks == 0 => {
                for (index, id) in batches {
                    self.through(*index, *id);
                }
            }
            Ok(id) => link.flights.push_back(flight(id)),
            Err(error) => {
                self.release(batches, now);
                return Err(error);
            }
        }
        Ok(())
    }

    fn ensure_link(&mut self, node: i32) -> Result<(), ClientError> {
        if self.links.contains_key(&node) {
            return Ok(());
        }
        let connection = self.cluster.open(Peer::Node(node))?;
        // Version 13 names the topic by its id.
        let cap = if self.topic.id.is_zero() { 12 } else { i16::MAX };
        let version = connection.version(ApiKey::Produce, cap)?;
        self.next_pipe += 1;
        let pipe = connection.into_pipe(self.next_pipe, self.events.0.clone(), Event::Answer)?;
        self.links.insert(node, Link { pipe, version, flights: VecDeque::new() });
        Ok(())
    }

    /// Batches that were not sent after all.
    fn release(&mut self, batches: &[(usize, BatchId)], now: Instant) {
        for (index, id) in batches {
            self.queues[*index].retry(*id, now + RETRY_PAUSE);
        }
    }

    /// The connection to `node` is gone: all that was under way on it is sent again.
    fn lost(&mut self, node: i32, error: ClientError, now: Instant) -> Result<(), Failure> {
        if !error.is_retriable() {
            return Err(error.into());
        }
        if let Some(link) = self.links.remove(&node) {
            for flight in link.flights {
                self.release(&flight.batches, now);
            }
        }
        self.trouble = Some(error);
        self.refresh_at.get_or_insert(now + RETRY_PAUSE);
        Ok(())
    }

    fn arrived(&mut self, arrival: Arrival) -> Result<(), Failure> {
        let of = |(_, link): &(&i32, &Link)| link.pipe.id() == arrival.id;
        // An answer on a connection that was given up means nothing any more.
        let Some((node, _)) = self.links.iter().find(of) else { return Ok(()) };
        let node = *node;
        let now = Instant::now();
        match arrival.frame {
            Ok(frame) => self.answered(node, frame, now),
            Err(error) => {
                let address = self.links[&node].pipe.address().clone();
                self.lost(node, ClientError::Broken { address, error }, now)
            }
        }
    }

    fn answered(&mut self, node: i32, frame: Bytes, now: Instant) -> Result<(), Failure> {
        let link = self.links.get_mut(&node).expect("looked up by the caller");
        let address = link.pipe.address().clone();
        let unasked = || ClientError::Protocol { address, what: "an answer to nothing".into() };
        let flight = link.flights.pop_front().ok_or_else(unasked)?;
        let (id, version) = (flight.correlation_id, link.version);
        let reply = link.pipe.reply(frame, id, ApiKey::Produce, version)?;
        let response: ProduceResponse<'_> = reply.decode()?;
        let mut left = flight.batches;
        let topics = response.responses.iter();
        let answers: Vec<_> =
            topics.flat_map(|topic| topic.partition_responses.iter().collect::<Vec<_>>()).collect();
        for answer in answers {
            let of =
                |(index, _): &(usize, BatchId)| self.topic.partitions[*index].index == answer.index;
            let Some(at) = left.iter().position(of) else { continue };
            let (index, batch) = left.swap_remove(at);
            let code =
                ErrorCode::from_code(answer.error_code).unwrap_or(ErrorCode::UnknownServerError);
            let details = answer.record_errors.iter().next();
            let detail = details.and_then(|error| error.batch_index_error_message);
            let message = answer.error_message.or(detail);
            self.judge(index, batch, code, message, now)?;
        }
        if let Some((index, _)) = left.first() {
            let what = format!("no result for partition {index}");
            let address = self.links[&node].pipe.address().clone();
            return Err(ClientError::Protocol { address, what }.into());
        }
        Ok(())
    }

    fn judge(
        &mut self,
        index: usize,
        id: BatchId,
        code: ErrorCode,
        message: Option<&str>,
        now: Instant,
    ) -> Result<(), Failure> {
        let refused = || {
            let partition = self.topic.partitions[index].index;
            let what = format!("partition {partition} of topic {}", self.topic.name);
            ClientError::refused(what, code, message)
        };
        match self.queues[index].verdict(id, code) {
            Verdict::Done => self.through(index, id),
            Verdict::Retry => {
                if code != ErrorCode::OutOfOrderSequenceNumber {
                    self.trouble = Some(refused());
                    self.refresh_at.get_or_insert(now + RETRY_PAUSE);
                }
                self.queues[index].retry(id, now + RETRY_PAUSE);
            }
            Verdict::Fatal => return Err(refused().into()),
        }
        Ok(())
    }

    fn through(&mut self, index: usize, id: BatchId) {
        let batch = self.queues[index].done(id);
        self.budget.give_back(batch.bytes.len());
        self.sent.records += batch.records;
        self.sent.payload_bytes += batch.payload_bytes;
    }

    /// Looks for leaders again.
    fn refresh(&mut self, now: Instant) -> Result<(), Failure> {
        self.refresh_at = None;
        let name = self.topic.name.clone();
        let found = self.cluster.metadata(Some(&[&name]), Missing::Refuse);
        let topic = found.and_then(|metadata| {
            let topic = metadata.topics.into_iter().find(|topic| topic.name == name);
            let code = ErrorCode::UnknownTopicOrPartition;
            let gone = || ClientError::refused(format!("topic {name}"), code, None);
            topic.ok_or_else(gone)?.checked()
        });
        match topic {
            Ok(topic) if topic.id != self.topic.id => {
                Err(Failure::new(format!("topic {name} was deleted and created again"))
                    .hint("what was not acknowledged is lost; send it again"))
            }
            Ok(topic) => {
                // Partitions may have been added; the records were spread over the old ones.
                for partition in &mut self.topic.partitions {
                    if let Some(found) = topic.partition(partition.index) {
                        partition.clone_from(found);
                    }
                }
                Ok(())
            }
            Err(error) if error.is_retriable() => {
                self.cluster.drop_connection(Peer::Any);
                self.trouble = Some(error);
                self.refresh_at = Some(now + RETRY_PAUSE);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives up on answers and batches that are overdue.
    fn watch_time(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let limit = self.options.request_timeout;
        let late = |link: &Link| link.flights.front().is_some_and(|f| f.sent_at + limit <= now);
        let silent = self.links.iter().find(|(_, link)| late(link));
        if let Some((node, link)) = silent {
            let address = link.pipe.address().clone();
            self.lost(*node, ClientError::Timeout { address, what: "Produce" }, now)?;
        }
        let limit = self.options.delivery_timeout;
        let overdue = self.queues.iter().filter_map(Queue::oldest);
        let overdue = overdue
            .filter(|batch| batch.sealed_at + limit <= now)
            .min_by_key(|batch| batch.sealed_at);
        let Some(batch) = overdue else { return Ok(()) };
        let partition = self.topic.partitions[batch.partition].index;
        let name = &self.topic.name;
        let message =
            format!("no acknowledgement from partition {partition} of topic {name} in {limit:?}");
        match self.trouble.take() {
            Some(trouble) => {
                let last = Failure::from(trouble);
                let kind = last.kind;
                Err(Failure::new(message).hint(format!("last: {last}")).kind(kind))
            }
            None => Err(Failure::new(message).hint("wait longer with --timeout")),
        }
    }
}
