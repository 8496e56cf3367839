//! The fetch load. First each partition is read from its start once, whole, with every batch
//! checked; the requests of that pass are then made again and again, and the kernel drops what
//! comes, so that the client costs little. Now and then an answer is read whole and checked, so
//! that a cheap sink cannot hide damage. The topic must not be written meanwhile.

use crate::Failure;
use crate::answer::{Checked, FETCH_VERSION, check_answer};
use crate::arguments::Fetch;
use crate::client::{ANSWER_BYTES_MAX, Client, connect};
use crate::clock::Clock;
use crate::cpu::Watch;
use crate::device::Device;
use crate::kernel::{Interest, Poll, Received, discard, receive};
use crate::offsets::{self, End};
use crate::report::Measured;
use crate::tally::{Entry, Loop, Tally};
use engine_base::message::Message as _;
use net_wire::frame::{LEN_BYTES, encode_request, frame_len};
use net_wire::generated::fetch::{FetchPartition, FetchRequest, FetchTopic};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MAX_WAIT_MS: i32 = 500;
/// What is fetched again and again is not more than this in all, so that it stays in caches: the
/// broker's, or the kernel's.
const HOT_BYTES_MAX: usize = 512 << 20;

/// One request of a partition's pass, and what it brings.
struct Step {
    frame: Vec<u8>,
    answer_bytes: usize,
    records_bytes: usize,
    records: u64,
}

pub fn run(options: &Fetch) -> Result<Measured, Failure> {
    let window = &options.window;
    let mut client = Client::connect(&window.address)?;
    let mut passes = Vec::new();
    for partition in 0..window.partitions {
        let bytes_max = HOT_BYTES_MAX / usize::from(window.partitions);
        passes.push(first_pass(options, &mut client, i32::from(partition), bytes_max)?);
    }
    passes.retain(|pass| !pass.is_empty());
    if passes.is_empty() {
        return Err(format!("topic {} is empty, there is nothing to fetch", window.topic).into());
    }
    let mut load = Load::start(options, &passes)?;
    load.drive(window.warm_up)?;
    let clock = Clock::start();
    let device = window.device.as_deref().map(Device::read).transpose()?;
    let watch = Watch::start(window.pid, window.core, window.client_core.unwrap_or(window.core))?;
    let start = Instant::now();
    load.tally = Tally::start(Loop::Closed, start, window.seconds);
    load.drive(window.seconds)?;
    let end = Instant::now();
    load.tally.end(end);
    let cpu = watch.stop()?;
    let device = match (&window.device, device) {
        (Some(name), Some(before)) => Some(before.until(&Device::read(name)?)),
        _ => None,
    };
    let tally = load.tally;
    Ok(Measured {
        seconds: end.duration_since(start).as_secs_f64(),
        requests: tally.requests,
        records: tally.records,
        bytes: tally.bytes,
        latency: tally.latency.summary(),
        cpu,
        intervals: tally.intervals,
        device,
        clock_step_ms: clock.step_ms(),
        ..Measured::default()
    })
}

fn request(options: &Fetch, partition: i32, fetch_offset: i64) -> Result<Vec<u8>, Failure> {
    let partition = FetchPartition {
        partition,
        current_leader_epoch: -1,
        fetch_offset,
        log_start_offset: -1,
        partition_max_bytes: options.max_bytes,
        ..Default::default()
    };
    let topic = FetchTopic {
        topic: &options.window.topic,
        partitions: vec![partition].into(),
        ..Default::default()
    };
    let request = FetchRequest {
        replica_id: -1,
        max_wait_ms: MAX_WAIT_MS,
        min_bytes: 1,
        max_bytes: options.max_bytes,
        session_epoch: -1,
        topics: vec![topic].into(),
        ..Default::default()
    };
    Ok(encode_request(FETCH_VERSION, 0, Some("bench"), &request)?.to_vec())
}

/// Reads a partition from its start to its end, or to `bytes_max`.
fn first_pass(
    options: &Fetch,
    client: &mut Client,
    partition: i32,
    bytes_max: usize,
) -> Result<Vec<Step>, Failure> {
    let mut steps: Vec<Step> = Vec::new();
    let mut offset = 0;
    let mut bytes = 0;
    while bytes < bytes_max {
        let frame = request(options, partition, offset)?;
        let answer = client.send(&frame)?;
        let content = match check_answer(&answer, offset)? {
            Checked::Batches(content) => content,
            Checked::Empty => break,
            Checked::OutOfRange => {
                // Retention took the start of the log.
                let start = offsets::of(client, &options.window.topic, partition, End::Earliest)?;
                if start <= offset {
                    return Err(format!("offset {offset} is out of range").into());
                }
                offset = start;
                continue;
            }
        };
        bytes += content.bytes;
        offset = content.end;
        steps.push(Step {
            frame,
            answer_bytes: answer.len(),
            records_bytes: content.bytes,
            records: content.records,
        });
        if content.end >= content.high_watermark {
            break;
        }
    }
    // An answer at the end of what was written may be short; the others are all alike.
    if steps.len() > 1 && bytes < bytes_max {
        steps.pop();
    }
    Ok(steps)
}

/// A connection fetches one partition, over and over, one request at a time.
struct Reader<'a> {
    stream: TcpStream,
    pass: &'a [Step],
    step: usize,
    sent_at: Instant,
    prefix: [u8; LEN_BYTES],
    prefix_filled: usize,
    /// Bytes of the answer that are still to come, once its length is known.
    left: usize,
    /// The answer, if it is one to be checked.
    kept: Option<Vec<u8>>,
}

struct Load<'a> {
    check_every: u32,
    poll: Poll,
    readers: Vec<Reader<'a>>,
    answers: u32,
    tally: Tally,
    ready: Vec<usize>,
    sink: Vec<u8>,
}

impl<'a> Load<'a> {
    fn start(options: &Fetch, passes: &'a [Vec<Step>]) -> Result<Load<'a>, Failure> {
        let poll = Poll::new()?;
        let mut readers = Vec::new();
        for number in 0..usize::from(options.window.connections) {
            let stream = connect(&options.window.address)?;
            stream.set_nonblocking(true)?;
            poll.add(&stream, number, Interest::Read)?;
            readers.push(Reader {
                stream,
                pass: &passes[number % passes.len()],
                step: 0,
                sent_at: Instant::now(),
                prefix: [0; LEN_BYTES],
                prefix_filled: 0,
                left: 0,
                kept: None,
            });
            readers[number].send()?;
        }
        Ok(Load {
            check_every: options.check_every,
            poll,
            readers,
            answers: 0,
            tally: Tally::start(Loop::Closed, Instant::now(), Duration::ZERO),
            ready: Vec::new(),
            // Its size is a limit for the kernel; the memory is never touched.
            sink: vec![0; usize::try_from(options.max_bytes)? + (64 << 10)],
        })
    }

    fn drive(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let mut ready = std::mem::take(&mut self.ready);
            ready.clear();
            self.poll.wait(Some(left), &mut ready)?;
            for number in &ready {
                self.serve(*number)?;
            }
            self.ready = ready;
        }
    }

    fn serve(&mut self, number: usize) -> Result<(), Failure> {
        let reader = &mut self.readers[number];
        if reader.prefix_filled < LEN_BYTES && !reader.begin()? {
            return Ok(());
        }
        if reader.left == reader.answer_bytes() && reader.kept.is_none() {
            self.answers = self.answers.wrapping_add(1);
            if self.answers.is_multiple_of(self.check_every) {
                reader.kept = Some(Vec::with_capacity(reader.left));
            }
        }
        if !reader.take(&mut self.sink)? {
            return Ok(());
        }
        let step = &reader.pass[reader.step];
        self.tally.add(Entry {
            since: reader.sent_at,
            time: reader.sent_at.elapsed(),
            records: step.records,
            bytes: u64::try_from(step.records_bytes)?,
        });
        reader.step = (reader.step + 1) % reader.pass.len();
        reader.send()
    }
}

impl Reader<'_> {
    fn answer_bytes(&self) -> usize {
        self.pass[self.step].answer_bytes
    }

    /// A fetch request is far smaller than an empty socket's buffer.
    fn send(&mut self) -> Result<(), Failure> {
        self.prefix_filled = 0;
        self.sent_at = Instant::now();
        let frame = &self.pass[self.step].frame;
        let len = self.stream.write(frame)?;
        if len == frame.len() { Ok(()) } else { Err("the socket took part of a request".into()) }
    }

    /// Reads the answer's length; false if it is not all there.
    fn begin(&mut self) -> Result<bool, Failure> {
        match receive(&self.stream, &mut self.prefix[self.prefix_filled..])? {
            Received::Later => return Ok(false),
            Received::Closed => return Err("the broker closed a connection".into()),
            Received::Bytes(len) => self.prefix_filled += len,
        }
        if self.prefix_filled < LEN_BYTES {
            return Ok(false);
        }
        self.left = frame_len(self.prefix, ANSWER_BYTES_MAX)?;
        if self.left != self.answer_bytes() {
            let (before, now) = (self.answer_bytes(), self.left);
            return Err(format!("an answer has {now} bytes, it had {before} before").into());
        }
        Ok(true)
    }

    /// Reads once more of the answer; true when that was the last of it.
    fn take(&mut self, sink: &mut [u8]) -> Result<bool, Failure> {
        let room = self.left.min(sink.len());
        let received = match &self.kept {
            Some(_) => receive(&self.stream, &mut sink[..room])?,
            None => discard(&self.stream, &mut sink[..room])?,
        };
        let len = match received {
            Received::Later => return Ok(false),
            Received::Closed => return Err("the broker closed a connection".into()),
            Received::Bytes(len) => len,
        };
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&sink[..len]);
        }
        self.left -= len;
        if self.left > 0 {
            return Ok(false);
        }
        if let Some(kept) = self.kept.take() {
            self.check(&kept)?;
        }
        Ok(true)
    }

    /// An answer that was read whole says what it said the first time.
    fn check(&self, frame: &[u8]) -> Result<(), Failure> {
        let step = &self.pass[self.step];
        let asked = asked_offset(&step.frame)?;
        match check_answer(frame, asked)? {
            Checked::Batches(content)
                if content.bytes == step.records_bytes && content.records == step.records =>
            {
                Ok(())
            }
            other => Err(format!("the answer at offset {asked} changed to {other:?}").into()),
        }
    }
}

fn asked_offset(frame: &[u8]) -> Result<i64, Failure> {
    let (_, body) = net_wire::RequestHeader::decode(&frame[LEN_BYTES..])?;
    let request = FetchRequest::decode(body, FETCH_VERSION)?;
    let topic = request.topics.iter().next().ok_or("a request without a topic")?;
    let partition = topic.partitions.iter().next().ok_or("a request without a partition")?;
    Ok(partition.fetch_offset)
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::answer::tests::{answer, batch};
    use crate::arguments::{Fetch, Format, Window};
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    /// Answers every request alike, in pieces.
    fn serve(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
        loop {
            let mut prefix = [0; 4];
            stream.read_exact(&mut prefix)?;
            let len = usize::try_from(u32::from_be_bytes(prefix)).expect("small");
            stream.read_exact(&mut vec![0; len])?;
            for piece in answer.chunks(answer.len() / 3) {
                stream.write_all(piece)?;
            }
        }
    }

    fn fetch(records: Vec<u8>) -> Result<crate::report::Measured, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        std::thread::spawn(move || {
            let answer = answer(0, 1000, &records);
            for stream in listener.incoming() {
                let (stream, answer) = (stream.expect("connected"), answer.clone());
                std::thread::spawn(move || serve(stream, &answer));
            }
        });
        let window = Window {
            address,
            topic: "t".to_owned(),
            partitions: 1,
            connections: 2,
            seconds: Duration::from_millis(100),
            warm_up: Duration::ZERO,
            pid: None,
            core: 0,
            client_core: None,
            device: None,
            format: Format::Json,
        };
        run(&Fetch { window, max_bytes: 1 << 20, check_every: 3 })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_topic_is_fetched_again_and_again() {
        let records = batch(0, 1000);
        let bytes = u64::try_from(records.len()).expect("small");
        let measured = fetch(records).expect("runs");
        assert!(measured.requests > 4, "{measured:?}");
        assert_eq!(measured.bytes, measured.requests * bytes);
        assert_eq!(measured.records, measured.requests * 1000);
        assert_eq!(measured.latency.count, measured.requests);
        assert_eq!(
            fetch(Vec::new()),
            Err("topic t is empty, there is nothing to fetch".to_owned())
        );
    }
}
