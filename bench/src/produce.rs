//! The produce load, alone or with consumers beside it; one thread serves all connections. In a
//! closed loop every connection keeps as many requests unanswered as its depth says: latencies are
//! service times at this depth. With a rate, requests are meant for moments on a grid and their
//! times count from there.

use crate::Failure;
use crate::arguments::{From, Produce};
use crate::churn::Churn;
use crate::client::connect;
use crate::connection::{Connection, Manner, Taken};
use crate::frames::{BatchSize, Frames, Shape};
use crate::kernel::{Interest, Poll};
use crate::leaders::Leaders;
use crate::look::{Looks, Phase, Watcher};
use crate::offsets::{self, End};
use crate::pace::Pace;
use crate::tail::{Delivered, Source, Tail};
use crate::tally::{Entry, Loop, Tally};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Connections that are opened without a pause, and the pause.
const CONNECT_TOGETHER: usize = 32;
const CONNECT_PAUSE: Duration = Duration::from_millis(15);
/// The last answers have come by then.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// Requests of an open loop are sent by then, or given up.
const BEHIND_LIMIT: Duration = Duration::from_secs(3);
/// Requests of an open loop that may wait; a broker this far behind never catches up.
const BACKLOG_MAX: usize = 1 << 20;
/// A load that is to send so many records ends if none is answered for this long.
/// So long before a request is due an open loop stays awake: a wake-up may take as long.
const AWAKE_BEFORE: Duration = Duration::from_micros(100);
/// Most that one call drops of what a consumer fetched.
const SINK_BYTES: usize = 1 << 20;

pub fn encode(options: &Produce) -> Result<Frames, Failure> {
    let batch = match options.records_per_batch {
        Some(count) => BatchSize::Records(count),
        None => BatchSize::Bytes(usize::try_from(options.batch_bytes)?),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Frames::encode(Shape {
        topic: &options.window.topic,
        client_id: &options.window.client_id,
        partitions: options.window.partitions,
        partitions_per_request: options.partitions_per_request,
        record_bytes: usize::try_from(options.record_bytes)?,
        key_bytes: usize::try_from(options.key_bytes)?,
        batch,
        codec: options.codec.codec(),
        content: options.content,
        acks: options.acks.code(),
        now_ms: i64::try_from(now.as_millis())?,
    })
}

/// Offsets of a partition over the whole run, warm-up and drain included.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    pub start: i64,
    pub end: i64,
    pub acknowledged: i64,
}

pub struct Load<'a> {
    frames: &'a Frames,
    poll: Poll,
    connections: Vec<Connection>,
    /// Whether a connection waits for its socket to take more.
    blocked: Vec<bool>,
    tails: Vec<Tail>,
    pub churn: Option<Churn>,
    /// Consumers of each partition, if what is produced is also waited for there.
    readers: Vec<Vec<usize>>,
    depth: u16,
    rate: Option<f64>,
    pace: Option<Pace>,
    /// Requests that may still be made, if they are counted.
    requests_left: Option<u64>,
    connection_next: usize,
    draining: bool,
    /// Requests that were meant to be sent and were not.
    pub abandoned: u64,
    silence_limit: Duration,
    pub tally: Tally,
    pub delivered: Delivered,
    pub offsets: Vec<Offsets>,
    ready: Vec<usize>,
    taken: Taken,
    sink: Vec<u8>,
}

/// Opens a connection. Thousands at once would fill a broker's queue of those not accepted yet, 50
/// long with Kafka, and each beyond it waits for a second or more.
fn connect_in_turn(address: &str, number: usize) -> Result<TcpStream, Failure> {
    if number > 0 && number.is_multiple_of(CONNECT_TOGETHER) {
        std::thread::sleep(CONNECT_PAUSE);
    }
    let stream = connect(address)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

impl<'a> Load<'a> {
    /// Opens the connections; no request is sent before [`Load::begin`].
    pub fn start(
        options: &Produce,
        leaders: &Leaders,
        frames: &'a Frames,
    ) -> Result<Load<'a>, Failure> {
        let poll = Poll::new()?;
        let groups = leaders.groups(frames.groups(), |group| frames.partitions_of(group))?;
        let mut connections = Vec::new();
        let count = usize::from(options.window.connections);
        for number in 0..count {
            let share = leaders.share(number, count)?;
            let stream = connect_in_turn(leaders.address(share.broker), number)?;
            poll.add(&stream, number, Interest::Read)?;
            let manner = Manner {
                group_first: share.place,
                group_stride: if options.own_partitions { share.count } else { 1 },
                depth: usize::from(options.depth),
                writing: options.writing,
                answers: options.answers(),
            };
            let groups = Rc::clone(&groups[share.broker]);
            connections.push(Connection::new(stream, frames, groups, manner));
        }
        let now = Instant::now();
        let kind = if options.rate.is_some() { Loop::Open } else { Loop::Closed };
        let mut load = Load {
            frames,
            poll,
            blocked: vec![false; connections.len()],
            connections,
            tails: Vec::new(),
            churn: None,
            readers: vec![Vec::new(); frames.partitions()],
            depth: options.depth,
            rate: options.rate,
            pace: None,
            requests_left: None,
            connection_next: 0,
            draining: false,
            silence_limit: options.window.silence_limit,
            abandoned: 0,
            tally: Tally::start(kind, now, Duration::ZERO),
            delivered: Delivered::start(kind, now, Duration::ZERO),
            offsets: vec![
                Offsets { start: i64::MAX, end: 0, acknowledged: 0 };
                frames.partitions()
            ],
            ready: Vec::new(),
            taken: Taken::default(),
            sink: Vec::new(),
        };
        load.start_consumers(options, leaders)?;
        let number_first = load.connections.len() + load.tails.len();
        load.churn = match options.churn {
            Some(rate) => Some(Churn::start(&options.window.address, rate, number_first)?),
            None => None,
        };
        Ok(load)
    }

    /// Begins to send; with `requests`, so many and no more.
    pub fn begin(&mut self, requests: Option<u64>) -> Result<(), Failure> {
        self.draining = false;
        self.abandoned = 0;
        self.requests_left = requests;
        self.pace = self.rate.map(|rate| Pace::new(rate, Instant::now()));
        if self.pace.is_some() {
            return Ok(());
        }
        for _ in 0..self.depth {
            for number in 0..self.connections.len() {
                self.push_next(number);
            }
        }
        (0..self.connections.len()).try_for_each(|number| self.write(number))
    }

    /// Makes a request of a closed loop due, if there is one more to make.
    fn push_next(&mut self, number: usize) {
        if self.take_request() {
            self.connections[number].push(self.frames, None);
        }
    }

    fn take_request(&mut self) -> bool {
        match &mut self.requests_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    fn start_consumers(&mut self, options: &Produce, leaders: &Leaders) -> Result<(), Failure> {
        let consume = &options.consume;
        if consume.consumers == 0 {
            return Ok(());
        }
        // Its size is a limit for the kernel; the memory is touched by checked answers only.
        self.sink = vec![0; SINK_BYTES];
        let own = consume.consume_topic.is_none();
        let topic = consume.consume_topic.as_ref().unwrap_or(&options.window.topic);
        let partitions = consume.consume_partitions.unwrap_or(options.window.partitions);
        if !own && leaders.brokers() > 1 {
            return Err("the leaders of another topic are not known".into());
        }
        let (end, again) = match consume.from {
            From::End => (End::Latest, false),
            From::Start => (End::Earliest, true),
        };
        let starts = offsets::of_all(leaders, topic, partitions, end)?;
        let client_id = &options.window.client_id;
        for _ in 0..consume.consumers {
            for (partition, offset) in (0i32..).zip(&starts) {
                let number = self.tails.len();
                let index = usize::try_from(partition)?;
                let stream = connect_in_turn(leaders.address(leaders.of(index)), number)?;
                self.poll.add(&stream, self.connections.len() + number, Interest::Read)?;
                let source = Source { topic, client_id, partition, offset: *offset, again };
                let mut tail = Tail::new(stream, source, consume)?;
                tail.send()?;
                self.tails.push(tail);
                if own && options.rate.is_some() && options.own_partitions && !again {
                    self.readers[index].push(number);
                }
            }
        }
        Ok(())
    }

    /// Runs the load for this long.
    pub fn drive(
        &mut self,
        time: Duration,
        phase: Phase,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let end = start + time;
        let mut looks = Looks::start(phase, start);
        loop {
            let now = Instant::now();
            if now >= end {
                // What was meant for the last moments is made, however late we are.
                return self.send_due(Duration::ZERO).map(|_| ());
            }
            if now >= looks.next() {
                self.look(now, &mut looks, watcher)?;
            }
            self.turn(end.min(looks.next()).saturating_duration_since(now))?;
        }
    }

    /// Runs the load until the requests it was begun with are answered and delivered.
    pub fn drive_to_end(&mut self, watcher: &mut Watcher<'_>) -> Result<(), Failure> {
        let start = Instant::now();
        let mut looks = Looks::start(Phase::Measured, start);
        let progress = |load: &Self| load.tally.requests + load.delivered.fetches.requests;
        let (mut seen, mut seen_at) = (progress(self), start);
        while self.requests_left != Some(0)
            || !self.connections.iter().all(Connection::is_idle)
            || !self.tails.iter().all(Tail::is_done)
        {
            let now = Instant::now();
            if now >= looks.next() {
                self.look(now, &mut looks, watcher)?;
            }
            // Between the requests of an open loop there is nothing to be answered.
            let pauses =
                self.requests_left != Some(0) && self.connections.iter().all(Connection::is_idle);
            if seen != progress(self) || pauses {
                (seen, seen_at) = (progress(self), now);
            }
            if now.saturating_duration_since(seen_at) > self.silence_limit {
                let seconds = self.silence_limit.as_secs_f32();
                return Err(format!("nothing was answered or delivered for {seconds} s").into());
            }
            self.turn(looks.next().saturating_duration_since(now))?;
        }
        Ok(())
    }

    fn look(
        &self,
        now: Instant,
        looks: &mut Looks,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), Failure> {
        let counts = (self.tally.records, self.tally.bytes);
        let delivered = self.readers.iter().any(|readers| !readers.is_empty());
        let tally = if delivered { &self.delivered.end_to_end } else { &self.tally };
        looks.look(now, counts, &tally.latency, watcher)
    }

    /// Waits for the answers that are out, and for consumers to have what was produced; makes no
    /// more requests. Of an open loop that is far behind, those not sent in time are given up: they
    /// count as late as they are by then, so that no percentile is flattered.
    pub fn drain(&mut self) -> Result<(), Failure> {
        self.draining = true;
        let start = Instant::now();
        while !self.connections.iter().all(Connection::is_idle)
            || (self.abandoned == 0 && !self.tails.iter().all(Tail::is_done))
            || self.churn.as_ref().is_some_and(|churn| !churn.is_idle())
        {
            let passed = start.elapsed();
            if passed > DRAIN_LIMIT {
                return Err("the last requests were never answered or never delivered".into());
            }
            if passed > BEHIND_LIMIT && self.pace.is_some() {
                self.abandon();
            }
            self.turn(BEHIND_LIMIT.saturating_sub(passed).max(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    fn abandon(&mut self) {
        let now = Instant::now();
        for connection in &mut self.connections {
            for since in connection.abandon() {
                self.tally.add_time(since, now.saturating_duration_since(since));
                self.abandoned += 1;
            }
        }
    }

    fn turn(&mut self, limit: Duration) -> Result<(), Failure> {
        let mut limit = self.send_due(limit)?;
        if let Some(churn) = self.churn.as_mut().filter(|_| !self.draining) {
            limit = limit.min(churn.open_due(&self.poll)?);
        }
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        self.poll.wait(Some(limit), &mut ready)?;
        for number in &ready {
            let tail = number.checked_sub(self.connections.len());
            match (tail, &mut self.churn) {
                (None, _) => self.serve(*number)?,
                (Some(tail), Some(churn)) if tail >= self.tails.len() => {
                    churn.serve(*number, &self.poll)?;
                }
                (Some(tail), _) => {
                    self.tails[tail].serve(&mut self.sink, &mut self.delivered)?;
                }
            }
        }
        self.ready = ready;
        Ok(())
    }

    /// Makes the requests whose time has come; gives how long to wait for the next at most.
    fn send_due(&mut self, limit: Duration) -> Result<Duration, Failure> {
        let Some(mut pace) = self.pace.filter(|_| !self.draining) else { return Ok(limit) };
        let now = Instant::now();
        while pace.next() <= now && self.take_request() {
            let Some(intended) = pace.take(now) else { break };
            let number = self.connection_next;
            self.connection_next = (number + 1) % self.connections.len();
            let group = self.connections[number].push(self.frames, Some(intended));
            for partition in self.frames.partitions_of(group) {
                for tail in &self.readers[partition] {
                    self.tails[*tail].expect(intended);
                }
            }
            if self.connections[number].waiting() > BACKLOG_MAX / self.connections.len() {
                return Err("the broker falls behind the rate and will not catch up".into());
            }
            self.write(number)?;
        }
        self.pace = Some(pace);
        if self.requests_left == Some(0) {
            return Ok(limit);
        }
        let left = pace.next().saturating_duration_since(Instant::now());
        Ok(limit.min(left.saturating_sub(AWAKE_BEFORE)))
    }

    fn serve(&mut self, number: usize) -> Result<(), Failure> {
        self.connections[number].read(self.frames, &mut self.taken)?;
        self.write(number)
    }

    fn write(&mut self, number: usize) -> Result<(), Failure> {
        self.count(number)?;
        let connection = &mut self.connections[number];
        let blocked = !connection.write(self.frames, &mut self.taken)?;
        // Requests that need no answer are done by now, and make room for others.
        if !self.taken.answers.is_empty() {
            self.count(number)?;
            if !blocked && !self.draining {
                self.blocked[number] = true;
                return Ok(self.poll.modify(
                    &self.connections[number].stream,
                    number,
                    Interest::ReadWrite,
                )?);
            }
        }
        if blocked != self.blocked[number] {
            self.blocked[number] = blocked;
            let interest = if blocked { Interest::ReadWrite } else { Interest::Read };
            self.poll.modify(&self.connections[number].stream, number, interest)?;
        }
        Ok(())
    }

    /// Counts what was answered; in a closed loop each answer makes a request due.
    fn count(&mut self, number: usize) -> Result<(), Failure> {
        let records = i64::from(self.frames.records());
        for (partition, base_offset) in &self.taken.batches {
            let offsets = &mut self.offsets[*partition];
            offsets.start = offsets.start.min(*base_offset);
            offsets.end = offsets.end.max(base_offset + records);
            offsets.acknowledged += records;
        }
        let batches = u64::try_from(self.frames.group_partitions())?;
        for answer in &self.taken.answers {
            self.tally.add(Entry {
                since: answer.since,
                time: answer.time,
                records: batches * u64::from(self.frames.records()),
                bytes: batches * u64::try_from(self.frames.batch_bytes())?,
            });
        }
        if !self.draining && self.pace.is_none() {
            for _ in 0..self.taken.answers.len() {
                self.push_next(number);
            }
        }
        self.taken.clear();
        Ok(())
    }

    /// Every acknowledged record has an offset of its own: if a partition's offsets span fewer
    /// than were acknowledged, two records were given the same.
    pub fn foreign_offsets(&self) -> Result<u64, Failure> {
        let mut foreign = 0;
        for (partition, offsets) in self.offsets.iter().enumerate() {
            if offsets.acknowledged == 0 {
                continue;
            }
            let spare = offsets.end - offsets.start - offsets.acknowledged;
            foreign += u64::try_from(spare).map_err(|_| {
                format!("partition {partition} gave {} records too few offsets", -spare)
            })?;
        }
        Ok(foreign)
    }
}
