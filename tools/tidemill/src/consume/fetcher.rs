//! Reads partitions from their leaders: one request under way for each broker, the next one sent
//! before the records of the last are printed.

use super::sink::Sink;
use crate::client::cluster::{Missing, Peer};
use crate::client::offsets::{self, EARLIEST, LATEST};
use crate::client::pipe::{Arrival, Pipe};
use crate::client::{ClientError, Cluster, Reply, Topic};
use crate::failure::Failure;
use engine_record::{Batches, records_of, verify_batch};
use net_wire::generated::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use net_wire::{ApiKey, ErrorCode};
use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const FETCH_BYTES_MAX: i32 = 32 << 20;
const PARTITION_BYTES_MAX: i32 = 8 << 20;
/// What one batch may take when it is decompressed.
const BATCH_BYTES_MAX: usize = 1 << 30;
const FETCH_WAIT: Duration = Duration::from_millis(500);
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// What the shell would say of a program that ended so.
const SIGPIPE: u8 = 13;
const TICK: Duration = Duration::from_millis(100);

/// Whether to go on, asked after every answer and several times a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    Continue,
    Stop,
}

/// How far one partition is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Asked for next.
    pub fetch: i64,
    /// The next record to print: everything before it is in the sink.
    pub printed: i64,
    /// Reading ends here.
    pub stop: Option<i64>,
}

impl Cursor {
    pub fn new(offset: i64, stop: Option<i64>) -> Cursor {
        Cursor { fetch: offset, printed: offset, stop }
    }

    fn is_done(&self) -> bool {
        self.stop.is_some_and(|stop| self.fetch >= stop)
    }
}

pub type Cursors = BTreeMap<i32, Cursor>;

/// Asked whether to go on, with what is printed so far.
pub type Check<'a, W> = dyn FnMut(&Cursors, &mut Sink<W>) -> Result<Flow, Failure> + 'a;

/// Lives while the set of partitions stays the same.
pub struct Fetcher<'c> {
    cluster: &'c mut Cluster,
    topic: Topic,
    cursors: Cursors,
    links: BTreeMap<i32, Link>,
    events: (Sender<Arrival>, Receiver<Arrival>),
    next_pipe: u64,
    /// Where the next request begins, so that every partition gets its turn.
    first: usize,
    refresh_at: Option<Instant>,
    /// How long trouble may last.
    patience: Duration,
    trouble_since: Option<Instant>,
}

struct Link {
    pipe: Pipe,
    version: i16,
    flight: Option<(i32, Instant)>,
}

/// Records of one partition in an answer.
struct Fetched<'a> {
    partition: i32,
    from: i64,
    bytes: &'a [u8],
}

impl<'c> Fetcher<'c> {
    pub fn new(
        cluster: &'c mut Cluster,
        topic: Topic,
        cursors: Cursors,
        patience: Duration,
    ) -> Fetcher<'c> {
        Fetcher {
            cluster,
            topic,
            cursors,
            links: BTreeMap::new(),
            events: channel(),
            next_pipe: 0,
            first: 0,
            refresh_at: None,
            patience,
            trouble_since: None,
        }
    }

    pub fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// Reads and prints until every partition is done, the sink is full or `check` says stop.
    pub fn run<W: Write>(
        &mut self,
        sink: &mut Sink<W>,
        check: &mut Check<'_, W>,
    ) -> Result<(), Failure> {
        loop {
            if sink.is_full() || self.cursors.values().all(Cursor::is_done) {
                return Ok(());
            }
            self.refresh_if_due()?;
            self.send_all()?;
            let arrival = match self.events.1.try_recv() {
                Ok(arrival) => Some(arrival),
                Err(_) => {
                    // Nothing more is at hand: show what there is.
                    print_result(sink.flush())?;
                    self.events.1.recv_timeout(TICK).ok()
                }
            };
            match arrival {
                Some(arrival) => self.arrived(arrival, sink)?,
                None => self.watch_time()?,
            }
            if check(&self.cursors, sink)? == Flow::Stop {
                return Ok(());
            }
        }
    }

    /// One request to each leader that has none under way.
    fn send_all(&mut self) -> Result<(), Failure> {
        let mut wanted: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        let now = Instant::now();
        for (index, cursor) in &self.cursors {
            if cursor.is_done() {
                continue;
            }
            match self.topic.partition(*index).map_or(-1, |partition| partition.leader) {
                leader if leader < 0 => {
                    self.refresh_at.get_or_insert(now + RETRY_PAUSE);
                }
                leader => wanted.entry(leader).or_default().push(*index),
            }
        }
        for (node, mut partitions) in wanted {
            if self.links.get(&node).is_some_and(|link| link.flight.is_some())
                || self.refresh_at.is_some()
            {
                continue;
            }
            let turn = self.first % partitions.len();
            partitions.rotate_left(turn);
            if let Err(error) = self.send(node, &partitions) {
                self.lost(node, error)?;
            }
        }
        self.first = self.first.wrapping_add(1);
        Ok(())
    }

    fn send(&mut self, node: i32, partitions: &[i32]) -> Result<(), ClientError> {
        self.ensure_link(node)?;
        let link = self.links.get_mut(&node).expect("just made");
        let partitions = partitions.iter().map(|index| FetchPartition {
            partition: *index,
            fetch_offset: self.cursors[index].fetch,
            partition_max_bytes: PARTITION_BYTES_MAX,
            ..Default::default()
        });
        let topic = FetchTopic {
            topic: &self.topic.name,
            topic_id: self.topic.id,
            partitions: partitions.collect(),
        };
        let request = FetchRequest {
            max_wait_ms: i32::try_from(FETCH_WAIT.as_millis()).expect("half a second"),
            min_bytes: 1,
            max_bytes: FETCH_BYTES_MAX,
            session_id: 0,
            session_epoch: -1,
            topics: vec![topic].into(),
            ..Default::default()
        };
        let id = link.pipe.send(&request, link.version)?;
        link.flight = Some((id, Instant::now()));
        Ok(())
    }

    fn ensure_link(&mut self, node: i32) -> Result<(), ClientError> {
        if self.links.contains_key(&node) {
            return Ok(());
        }
        let connection = self.cluster.open(Peer::Node(node))?;
        // From version 13 on the topic is named by its id.
        let cap = if self.topic.id.is_zero() { 12 } else { i16::MAX };
        let version = connection.version(ApiKey::Fetch, cap)?;
        self.next_pipe += 1;
        let events = self.events.0.clone();
        let pipe = connection.into_pipe(self.next_pipe, events, |arrival| arrival)?;
        self.links.insert(node, Link { pipe, version, flight: None });
        Ok(())
    }

    fn arrived<W: Write>(&mut self, arrival: Arrival, sink: &mut Sink<W>) -> Result<(), Failure> {
        let of = |(_, link): &(&i32, &mut Link)| link.pipe.id() == arrival.id;
        let Some((node, link)) = self.links.iter_mut().find(of) else { return Ok(()) };
        let node = *node;
        let address = link.pipe.address().clone();
        let frame = match arrival.frame {
            Ok(frame) => frame,
            Err(error) => return self.lost(node, ClientError::Broken { address, error }),
        };
        let unasked = || ClientError::Protocol { address, what: "an answer to nothing".into() };
        let (id, _) = link.flight.take().ok_or_else(unasked)?;
        let version = link.version;
        let reply = link.pipe.reply(frame, id, ApiKey::Fetch, version)?;
        self.answered(&reply, sink)
    }

    fn answered<W: Write>(&mut self, reply: &Reply, sink: &mut Sink<W>) -> Result<(), Failure> {
        let response: FetchResponse<'_> = reply.decode()?;
        let name = self.topic.name.clone();
        crate::client::check(response.error_code, None, || format!("fetch from topic {name}"))?;
        let mut fetched = Vec::new();
        let mut healthy = true;
        let topics = response.responses.iter();
        let partitions: Vec<_> =
            topics.flat_map(|topic| topic.partitions.iter().collect::<Vec<_>>()).collect();
        for data in partitions {
            let index = data.partition_index;
            let Some(cursor) = self.cursors.get_mut(&index) else { continue };
            let code =
                ErrorCode::from_code(data.error_code).unwrap_or(ErrorCode::UnknownServerError);
            if code.is_error() {
                healthy = false;
                self.refused(index, code)?;
                continue;
            }
            let bytes = data.records.slice().unwrap_or_default();
            let from = cursor.fetch;
            cursor.fetch = advance(&name, index, from, bytes)?;
            if cursor.fetch > from {
                fetched.push(Fetched { partition: index, from, bytes });
            }
        }
        if healthy {
            self.trouble_since = None;
        }
        // The broker works on the next answer while this one is printed.
        if !self.cursors.values().all(Cursor::is_done) {
            self.send_all()?;
        }
        for part in fetched {
            let cursor = self.cursors.get_mut(&part.partition).expect("looked up above");
            print_part(&name, &part, cursor, sink)?;
        }
        Ok(())
    }

    /// The broker has no data for a partition.
    fn refused(&mut self, index: i32, code: ErrorCode) -> Result<(), Failure> {
        let name = &self.topic.name;
        let what = format!("partition {index} of topic {name}");
        if code == ErrorCode::OffsetOutOfRange {
            let start = offsets::list(self.cluster, &self.topic, &[index], EARLIEST)?;
            let end = offsets::list(self.cluster, &self.topic, &[index], LATEST)?;
            let (start, end) = (start[&index], end[&index]);
            let cursor = self.cursors.get_mut(&index).expect("the caller's partition");
            let at = cursor.fetch;
            if at < start {
                eprintln!("{what} begins at offset {start}, nothing older is left: skipping {at}");
                *cursor = Cursor::new(start, cursor.stop);
                return Ok(());
            }
            return Err(Failure::new(format!("{what} has no offset {at}, its end is {end}"))
                .hint("see what there is with: tidemill topic describe"));
        }
        let error = ClientError::refused(what, code, None);
        if error.is_retriable() { self.troubled(error) } else { Err(error.into()) }
    }

    fn lost(&mut self, node: i32, error: ClientError) -> Result<(), Failure> {
        self.links.remove(&node);
        if error.is_retriable() { self.troubled(error) } else { Err(error.into()) }
    }

    /// Something that may pass: looks at the cluster again soon, but not forever.
    fn troubled(&mut self, error: ClientError) -> Result<(), Failure> {
        let now = Instant::now();
        let since = *self.trouble_since.get_or_insert(now);
        if since + self.patience <= now {
            return Err(error.into());
        }
        self.refresh_at.get_or_insert(now + RETRY_PAUSE);
        Ok(())
    }

    fn refresh_if_due(&mut self) -> Result<(), Failure> {
        if self.refresh_at.is_none_or(|at| at > Instant::now()) {
            return Ok(());
        }
        self.refresh_at = None;
        let name = self.topic.name.clone();
        let found = self.cluster.metadata(Some(&[&name]), Missing::Refuse).and_then(|metadata| {
            let code = ErrorCode::UnknownTopicOrPartition;
            let gone = || ClientError::refused(format!("topic {name}"), code, None);
            let topic = metadata.topics.into_iter().find(|topic| topic.name == name);
            topic.ok_or_else(gone)?.checked()
        });
        match found {
            Ok(topic) if topic.id != self.topic.id => {
                Err(Failure::new(format!("topic {name} was deleted and created again")))
            }
            Ok(topic) => {
                self.topic = topic;
                Ok(())
            }
            Err(error) if error.is_retriable() => {
                self.cluster.drop_connection(Peer::Any);
                self.troubled(error)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn watch_time(&mut self) -> Result<(), Failure> {
        let limit = self.cluster.timeouts().request + FETCH_WAIT;
        let late = |link: &Link| link.flight.is_some_and(|(_, sent_at)| sent_at.elapsed() > limit);
        let Some((node, link)) = self.links.iter().find(|(_, link)| late(link)) else {
            return Ok(());
        };
        let address = link.pipe.address().clone();
        self.lost(*node, ClientError::Timeout { address, what: "Fetch" })
    }
}

/// The offset after the whole batches in `bytes`.
fn advance(topic: &str, partition: i32, from: i64, bytes: &[u8]) -> Result<i64, Failure> {
    let mut next = from;
    let mut batches = Batches::new(bytes);
    for item in &mut batches {
        let (header, _) = item.map_err(|error| damaged(topic, partition, next, &error))?;
        next = next.max(header.next_offset().0);
    }
    if next == from && batches.position() == 0 && !bytes.is_empty() {
        let text = format!("partition {partition} of topic {topic}, offset {next}: a cut batch");
        return Err(Failure::new(text));
    }
    Ok(next)
}

fn damaged(topic: &str, partition: i32, offset: i64, error: &engine_record::BatchError) -> Failure {
    Failure::new(format!("partition {partition} of topic {topic}, offset {offset}: {error}"))
        .hint("the broker sent damaged data; inspect its files with: tidemill inspect")
}

fn print_part<W: Write>(
    topic: &str,
    part: &Fetched<'_>,
    cursor: &mut Cursor,
    sink: &mut Sink<W>,
) -> Result<(), Failure> {
    for item in Batches::new(part.bytes) {
        let at = cursor.printed;
        let failed = |error| damaged(topic, part.partition, at, &error);
        let (_, batch) = item.map_err(failed)?;
        let header = verify_batch(batch).map_err(failed)?;
        if header.is_control() || header.next_offset().0 <= part.from {
            continue;
        }
        let records = records_of(batch, BATCH_BYTES_MAX).map_err(failed)?;
        for record in &records {
            let record = record.map_err(failed)?;
            if record.offset.0 < part.from || cursor.stop.is_some_and(|s| record.offset.0 >= s) {
                continue;
            }
            if sink.is_full() {
                return Ok(());
            }
            print_result(sink.print(topic, part.partition, &record))?;
            cursor.printed = record.offset.0 + 1;
        }
        cursor.printed = cursor.stop.map_or(header.next_offset().0, |stop| {
            header.next_offset().0.min(stop).max(cursor.printed)
        });
    }
    // Control batches at the end have nothing to print, and are behind us too.
    if !sink.is_full() {
        cursor.printed = cursor.stop.map_or(cursor.fetch, |stop| cursor.fetch.min(stop));
    }
    Ok(())
}

/// A reader of ours that went away (`| head`) ends the command, silently.
fn print_result(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::signal(SIGPIPE),
        _ => Failure::new(format!("cannot write to stdout: {error}")),
    })
}
