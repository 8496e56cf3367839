//! The produce load: every connection keeps as many requests unanswered as its depth says, one
//! thread serves them all. Closed loop, so the latencies are service times at this depth; they say
//! nothing about an arrival rate.

use crate::Failure;
use crate::arguments::{Produce, Writing};
use crate::client::{Client, connect};
use crate::connection::{Answered, Connection, partition_answer};
use crate::cpu::Watch;
use crate::frames::{BatchSize, Frames, PRODUCE_VERSION, Shape};
use crate::kernel::{Interest, Poll};
use crate::latency::Latency;
use crate::report::Measured;
use engine_base::message::Message as _;
use net_wire::generated::metadata::{MetadataRequest, MetadataRequestTopic};
use net_wire::generated::produce::ProduceRequest;
use net_wire::{ErrorCode, RequestHeader};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A new topic's partitions have a leader by then, and the last answers have come.
const SETTLE_LIMIT: Duration = Duration::from_secs(30);
const METADATA_VERSION: i16 = 8;
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

pub fn run(options: &Produce) -> Result<Measured, Failure> {
    let window = &options.window;
    let frames = encode(options)?;
    settle(&window.address, &frames)?;
    let mut load = Load::start(options, &frames)?;
    load.drive(window.warm_up)?;
    load.tally = Tally::default();
    let watch = Watch::start(window.pid, window.core)?;
    let start = Instant::now();
    load.drive(window.seconds)?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = watch.stop()?;
    let Tally { requests, latency } = std::mem::take(&mut load.tally);
    load.drain()?;
    let batch_bytes = u64::try_from(frames.batch_bytes())?;
    Ok(Measured {
        seconds,
        requests,
        records: requests * u64::from(frames.records()),
        bytes: requests * batch_bytes,
        latency: latency.summary(),
        cpu,
        foreign_offsets: load.foreign_offsets()?,
    })
}

fn encode(options: &Produce) -> Result<Frames, Failure> {
    let batch = match options.records_per_batch {
        Some(count) => BatchSize::Records(count),
        None => BatchSize::Bytes(usize::try_from(options.batch_bytes)?),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Frames::encode(Shape {
        topic: &options.window.topic,
        partitions: options.window.partitions,
        record_bytes: usize::try_from(options.record_bytes)?,
        batch,
        acks: options.acks.code(),
        now_ms: i64::try_from(now.as_millis())?,
    })
}

/// Sends one request to each partition until it is taken: a topic just created has no leader for a
/// moment, and that is no part of what is measured.
fn settle(address: &str, frames: &Frames) -> Result<(), Failure> {
    let mut client = Client::connect(address)?;
    let end = Instant::now() + SETTLE_LIMIT;
    for partition in 0..frames.partitions() {
        let mut frame = frames.head(partition, 0).to_vec();
        frame.extend_from_slice(frames.rest(partition));
        let (_, body) = RequestHeader::decode(&frame[net_wire::frame::LEN_BYTES..])
            .map_err(|error| error.to_string())?;
        let request = ProduceRequest::decode(body, PRODUCE_VERSION)?;
        loop {
            let answer = client.call(PRODUCE_VERSION, &request)?;
            let (_, code, _) = partition_answer(answer.body())?;
            let error = ErrorCode::from_code(code);
            let retriable = matches!(
                error,
                Some(ErrorCode::LeaderNotAvailable | ErrorCode::NotLeaderOrFollower)
            );
            match code {
                0 => break,
                _ if error == Some(ErrorCode::UnknownTopicOrPartition) && Instant::now() < end => {
                    ask_for(&mut client, &request)?;
                    std::thread::sleep(SETTLE_PAUSE);
                }
                _ if retriable && Instant::now() < end => std::thread::sleep(SETTLE_PAUSE),
                _ => {
                    return Err(
                        format!("partition {partition} answered error {code} {error:?}").into()
                    );
                }
            }
        }
    }
    Ok(())
}

/// Has the topic created by a broker that creates topics when asked about them.
fn ask_for(client: &mut Client, request: &ProduceRequest<'_>) -> Result<(), Failure> {
    let names = request
        .topic_data
        .iter()
        .map(|topic| MetadataRequestTopic { name: Some(topic.name), ..Default::default() });
    let metadata = MetadataRequest {
        topics: Some(names.collect::<Vec<_>>().into()),
        allow_auto_topic_creation: true,
        ..Default::default()
    };
    client.call(METADATA_VERSION, &metadata).map(|_| ())
}

#[derive(Default)]
struct Tally {
    requests: u64,
    latency: Latency,
}

/// Offsets of a partition over the whole run, warm-up and drain included.
#[derive(Clone, Copy)]
struct Offsets {
    start: i64,
    end: i64,
    acknowledged: i64,
}

struct Load<'a> {
    frames: &'a Frames,
    writing: Writing,
    poll: Poll,
    connections: Vec<Connection>,
    /// Whether a connection waits for its socket to take more.
    blocked: Vec<bool>,
    draining: bool,
    tally: Tally,
    offsets: Vec<Offsets>,
    ready: Vec<usize>,
    answers: Vec<Answered>,
}

impl<'a> Load<'a> {
    fn start(options: &Produce, frames: &'a Frames) -> Result<Load<'a>, Failure> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for number in 0..usize::from(options.window.connections) {
            let stream = connect(&options.window.address)?;
            stream.set_nonblocking(true)?;
            poll.add(&stream, number, Interest::Read)?;
            connections.push(Connection::new(stream, frames, number));
        }
        let mut load = Load {
            frames,
            writing: options.writing,
            poll,
            blocked: vec![false; connections.len()],
            connections,
            draining: false,
            tally: Tally::default(),
            offsets: vec![
                Offsets { start: i64::MAX, end: 0, acknowledged: 0 };
                frames.partitions()
            ],
            ready: Vec::new(),
            answers: Vec::new(),
        };
        for number in 0..load.connections.len() {
            for _ in 0..options.depth {
                load.connections[number].push(frames);
            }
            load.write(number)?;
        }
        Ok(load)
    }

    fn drive(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(left)?;
        }
    }

    /// Waits for the answers that are out, and sends no more.
    fn drain(&mut self) -> Result<(), Failure> {
        self.draining = true;
        let end = Instant::now() + SETTLE_LIMIT;
        while !self.connections.iter().all(Connection::is_idle) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("the last requests were never answered".into());
            }
            self.turn(left)?;
        }
        Ok(())
    }

    fn turn(&mut self, limit: Duration) -> Result<(), Failure> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        self.poll.wait(Some(limit), &mut ready)?;
        for number in &ready {
            self.serve(*number)?;
        }
        self.ready = ready;
        Ok(())
    }

    fn serve(&mut self, number: usize) -> Result<(), Failure> {
        self.answers.clear();
        let connection = &mut self.connections[number];
        connection.read(self.frames.records(), &mut self.answers)?;
        for answer in &self.answers {
            self.tally.requests += 1;
            self.tally.latency.record(answer.time);
            let records = i64::from(self.frames.records());
            let offsets = &mut self.offsets[answer.partition];
            offsets.start = offsets.start.min(answer.base_offset);
            offsets.end = offsets.end.max(answer.base_offset + records);
            offsets.acknowledged += records;
            if !self.draining {
                connection.push(self.frames);
            }
        }
        self.write(number)
    }

    fn write(&mut self, number: usize) -> Result<(), Failure> {
        let connection = &mut self.connections[number];
        let blocked = !connection.write(self.frames, self.writing)?;
        if blocked != self.blocked[number] {
            self.blocked[number] = blocked;
            let interest = if blocked { Interest::ReadWrite } else { Interest::Read };
            self.poll.modify(&connection.stream, number, interest)?;
        }
        Ok(())
    }

    /// Every acknowledged record has an offset of its own: if a partition's offsets span fewer
    /// than were acknowledged, two records were given the same.
    fn foreign_offsets(&self) -> Result<u64, Failure> {
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
