//! The fetch load. First each partition is read from its start once, whole, with every batch
//! checked; the requests of that pass are then made again and again, and the kernel drops what
//! comes, so that the client costs little. Now and then an answer is read whole and checked, so
//! that a cheap sink cannot hide damage. What was read must stay as it is: a topic may grow
//! meanwhile, and not lose its start.

use crate::Failure;
use crate::answer::{Checked, Gaps, check_answer_with};
use crate::arguments::Fetch;
use crate::client::{ANSWER_BYTES_MAX, Peer, connect};
use crate::clock::Clock;
use crate::cpu::{CpuUse, Watch};
use crate::device::Device;
use crate::error::code_of;
use crate::kernel::{Interest, Poll, Received, discard, receive};
use crate::leaders::Leaders;
use crate::look::{Flow, Looks, Phase, Watcher};
use crate::passes::{Step, first_passes};
use crate::report::Measured;
use crate::tally::{Entry, Loop, Tally};
use net_wire::frame::{LEN_BYTES, frame_len};
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Of a run whose length is not known, for the size of its intervals.
const LENGTH_UNKNOWN: Duration = Duration::from_secs(60);

/// When a part of a run ends.
#[derive(Clone, Copy, Debug)]
enum Until {
    Time(Duration),
    Records(u64),
}

/// All partitions at one address, and nobody who watches.
pub fn run(options: &Fetch) -> Result<Measured, Failure> {
    run_watched(options, &Leaders::one(&options.window.address), &mut |_| Flow::Continue)
}

/// A load that breaks in the measured time still gives what was counted until then.
pub fn run_watched(
    options: &Fetch,
    leaders: &Leaders,
    watcher: &mut Watcher<'_>,
) -> Result<Measured, Failure> {
    let window = &options.window;
    let passes = first_passes(options, leaders, watcher)?;
    let mut load = Load::start(options, leaders, &passes)?;
    load.drive(Until::Time(window.warm_up), Phase::WarmUp, watcher)?;
    let clock = Clock::start();
    let device = window.device.as_deref().map(Device::read).transpose()?;
    let watch = Watch::start(window.pid, window.core, window.client_core.unwrap_or(window.core))?;
    let start = Instant::now();
    let (until, length) = match window.records {
        None => (Until::Time(window.seconds), window.seconds),
        Some(records) => (Until::Records(records), LENGTH_UNKNOWN),
    };
    load.tally = Tally::start(Loop::Closed, start, length);
    let mut outcome = load.drive(until, Phase::Measured, watcher);
    let end = Instant::now();
    load.tally.end(end);
    let cpu = match watch.stop() {
        Ok(cpu) => cpu,
        // A broker that is gone has no figures; what the load found says more.
        Err(failure) => {
            outcome = outcome.and(Err(failure));
            CpuUse::default()
        }
    };
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
        failure_code: outcome.as_ref().err().and_then(code_of),
        failure: outcome.err().map(|failure| failure.to_string()),
        ..Measured::default()
    })
}

/// A connection fetches one partition or several, over and over, one request at a time.
struct Reader<'a> {
    stream: TcpStream,
    peer: Peer,
    gaps: Gaps,
    steps: Vec<&'a Step>,
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
    silence_limit: Duration,
    ready: Vec<usize>,
    sink: Vec<u8>,
}

impl<'a> Load<'a> {
    /// `passes` are by broker. A broker that leads nothing to read gets no request.
    fn start(
        options: &Fetch,
        leaders: &Leaders,
        passes: &'a [Vec<Vec<Step>>],
    ) -> Result<Load<'a>, Failure> {
        let poll = Poll::new()?;
        let mut readers: Vec<Reader<'a>> = Vec::new();
        let count = usize::from(options.window.connections);
        for connection in 0..count {
            let share = leaders.share(connection, count)?;
            let passes = &passes[share.broker];
            if passes.is_empty() {
                continue;
            }
            // Few connections share the partitions out, many share partitions.
            let steps = match share.count < passes.len() {
                true => passes.iter().skip(share.place).step_by(share.count).flatten().collect(),
                false => passes[share.place % passes.len()].iter().collect(),
            };
            let number = readers.len();
            let stream = connect(leaders.address(share.broker))?;
            stream.set_nonblocking(true)?;
            poll.add(&stream, number, Interest::Read)?;
            readers.push(Reader {
                peer: Peer::of(&stream),
                stream,
                gaps: options.gaps(),
                steps,
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
            silence_limit: options.window.silence_limit,
            ready: Vec::new(),
            // Its size is a limit for the kernel; the memory is never touched.
            sink: vec![0; usize::try_from(options.max_bytes)? + (64 << 10)],
        })
    }

    fn drive(
        &mut self,
        until: Until,
        phase: Phase,
        watcher: &mut Watcher<'_>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let mut looks = Looks::start(phase, start);
        let (mut answered, mut answered_at) = (self.tally.requests, start);
        loop {
            let now = Instant::now();
            let (done, end) = match until {
                Until::Time(time) => (now >= start + time, start + time),
                Until::Records(records) => (self.tally.records >= records, looks.next()),
            };
            if done {
                return Ok(());
            }
            if answered != self.tally.requests {
                (answered, answered_at) = (self.tally.requests, now);
            }
            if now.saturating_duration_since(answered_at) > self.silence_limit {
                let seconds = self.silence_limit.as_secs_f32();
                return Err(format!("no request was answered for {seconds} s").into());
            }
            if now >= looks.next() {
                let counts = (self.tally.records, self.tally.bytes);
                looks.look(now, counts, &self.tally.latency, watcher)?;
            }
            let left = end.min(looks.next()).saturating_duration_since(now);
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
        let step = reader.steps[reader.step];
        self.tally.add(Entry {
            since: reader.sent_at,
            time: reader.sent_at.elapsed(),
            records: step.records,
            bytes: u64::try_from(step.records_bytes)?,
        });
        reader.step = (reader.step + 1) % reader.steps.len();
        reader.send()
    }
}

impl Reader<'_> {
    fn answer_bytes(&self) -> usize {
        self.steps[self.step].answer_bytes
    }

    /// A fetch request is far smaller than an empty socket's buffer.
    fn send(&mut self) -> Result<(), Failure> {
        self.prefix_filled = 0;
        self.sent_at = Instant::now();
        let frame = &self.steps[self.step].frame;
        let len = self.stream.write(frame).map_err(|error| self.peer.lost(&error))?;
        if len == frame.len() { Ok(()) } else { Err("the socket took part of a request".into()) }
    }

    /// Reads the answer's length; false if it is not all there.
    fn begin(&mut self) -> Result<bool, Failure> {
        let received = receive(&self.stream, &mut self.prefix[self.prefix_filled..]);
        match received.map_err(|error| self.peer.lost(&error))? {
            Received::Later => return Ok(false),
            Received::Closed => return Err(self.peer.closed()),
            Received::Bytes(len) => self.prefix_filled += len,
        }
        if self.prefix_filled < LEN_BYTES {
            return Ok(false);
        }
        self.left = frame_len(self.prefix, ANSWER_BYTES_MAX)?;
        if self.left != self.answer_bytes() {
            let (before, now) = (self.answer_bytes(), self.left);
            let what = format!("an answer has {now} bytes, it had {before} before");
            return Err(format!("{what}: what was read first is no longer there").into());
        }
        Ok(true)
    }

    /// Reads once more of the answer; true when that was the last of it.
    fn take(&mut self, sink: &mut [u8]) -> Result<bool, Failure> {
        let room = self.left.min(sink.len());
        let received = match &self.kept {
            Some(_) => receive(&self.stream, &mut sink[..room]),
            None => discard(&self.stream, &mut sink[..room]),
        };
        let len = match received.map_err(|error| self.peer.lost(&error))? {
            Received::Later => return Ok(false),
            Received::Closed => return Err(self.peer.closed()),
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
        let step = self.steps[self.step];
        let asked = step.offset;
        match check_answer_with(frame, asked, self.gaps)? {
            Checked::Batches(content)
                if content.bytes == step.records_bytes && content.records == step.records =>
            {
                Ok(())
            }
            other => Err(format!("the answer at offset {asked} changed to {other:?}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::answer::tests::{answer, batch};
    use crate::arguments::{Fetch, Format, SILENCE_LIMIT, Window};
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
            records: None,
            client_id: "bench".to_owned(),
            pid: None,
            core: 0,
            client_core: None,
            device: None,
            silence_limit: SILENCE_LIMIT,
            format: Format::Json,
        };
        run(&Fetch { window, max_bytes: 1 << 20, check_every: 3, gaps: false })
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
