//! The null broker: what answering Produce requests costs on this kernel when nothing is done for
//! them. It copies the bytes in, as a broker must, finds in each frame what its answer needs, and
//! answers all that are complete in what one read brought with one write. It stores and checks
//! nothing. One thread; serves `bench produce` only.

use crate::Failure;
use crate::arguments::Null;
use crate::frames::PRODUCE_VERSION;
use crate::kernel::{Interest, Poll, Received, receive};
use engine_base::codec::{DecodeError, Reader, Write as _};
use engine_record::header::RECORD_COUNT_AT;
use net_wire::ApiKey;
use std::collections::HashMap;
use std::io::{ErrorKind, Write as _};
use std::net::{TcpListener, TcpStream};

/// One read; stays in the second-level cache.
const INPUT_BYTES: usize = 256 << 10;
/// The part of a frame before its records is below this, with names as long as Kafka allows.
const START_BYTES_MAX: usize = 1024;

const LISTENER: usize = 0;

pub fn run(options: &Null) -> Result<(), Failure> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    listener.set_nonblocking(true)?;
    println!("ready {}", listener.local_addr()?);
    serve(&listener)
}

fn serve(listener: &TcpListener) -> Result<(), Failure> {
    let mut poll = Poll::new()?;
    poll.add(listener, LISTENER, Interest::Read)?;
    let mut sessions: HashMap<usize, Session> = HashMap::new();
    let mut offsets = Offsets::new();
    let mut number_next = LISTENER + 1;
    let mut input = vec![0; INPUT_BYTES];
    let mut ready = Vec::new();
    loop {
        ready.clear();
        poll.wait(None, &mut ready)?;
        for number in &ready {
            if *number == LISTENER {
                let Ok((stream, _)) = listener.accept() else { continue };
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                poll.add(&stream, number_next, Interest::Read)?;
                sessions.insert(number_next, Session::new(stream));
                number_next += 1;
                continue;
            }
            let Some(session) = sessions.get_mut(number) else { continue };
            match session.turn(&mut input, &mut offsets) {
                Ok(interest) if interest == session.interest => {}
                Ok(interest) => {
                    session.interest = interest;
                    poll.modify(&session.stream, *number, interest)?;
                }
                Err(end) => {
                    if let Some(reason) = end {
                        eprintln!("bench: null: a connection is closed: {reason}");
                    }
                    poll.remove(&session.stream)?;
                    sessions.remove(number);
                }
            }
        }
    }
}

struct Session {
    stream: TcpStream,
    interest: Interest,
    requests: Requests,
    output: Vec<u8>,
}

impl Session {
    fn new(stream: TcpStream) -> Session {
        let requests = Requests::default();
        Session { stream, interest: Interest::Read, requests, output: Vec::new() }
    }

    /// One read, one write. An error ends the session, with a reason unless the peer closed.
    fn turn(
        &mut self,
        input: &mut [u8],
        offsets: &mut Offsets,
    ) -> Result<Interest, Option<Failure>> {
        // Nothing is read while answers wait, so that they cannot pile up.
        if self.output.is_empty() {
            match receive(&self.stream, input).map_err(|error| Some(error.into()))? {
                Received::Later => {}
                Received::Closed => return Err(None),
                Received::Bytes(len) => self
                    .requests
                    .take(&input[..len], offsets, &mut self.output)
                    .map_err(|error| Some(error.into()))?,
            }
        }
        if !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(len) => drop(self.output.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(Some(error.into())),
            }
        }
        Ok(if self.output.is_empty() { Interest::Read } else { Interest::Write })
    }
}

/// Requests of a connection as they come in pieces.
#[derive(Default)]
struct Requests {
    /// The start of a frame that is too short to be read.
    start: Vec<u8>,
    /// Bytes until the request in work is complete; 0 if there is none.
    left: usize,
    request: Request,
}

/// Next offset of each partition, whatever its topic.
type Offsets = HashMap<i32, i64>;

/// What the answer needs of a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Request {
    frame_bytes: usize,
    correlation_id: i32,
    topic: String,
    partition: i32,
    records: i32,
}

impl Requests {
    /// Takes the next bytes of the connection, appends the answers of all requests they complete.
    fn take(
        &mut self,
        mut bytes: &[u8],
        offsets: &mut Offsets,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        loop {
            let done = self.left.min(bytes.len());
            bytes = &bytes[done..];
            if self.left > 0 {
                self.left -= done;
                if self.left > 0 {
                    return Ok(());
                }
                self.answer(offsets, out);
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let before = self.start.len();
            let parsed = if before == 0 {
                self.request.parse(bytes)?
            } else {
                let more = bytes.len().min(START_BYTES_MAX - before);
                self.start.extend_from_slice(&bytes[..more]);
                self.request.parse(&self.start)?
            };
            if !parsed {
                let have = before + bytes.len();
                if have >= START_BYTES_MAX {
                    return Err(DecodeError::Length);
                }
                if before == 0 {
                    self.start.extend_from_slice(bytes);
                }
                return Ok(());
            }
            self.start.clear();
            self.left = self.request.frame_bytes - before;
        }
    }

    fn answer(&mut self, offsets: &mut Offsets, out: &mut Vec<u8>) {
        let Request { correlation_id, partition, records, .. } = self.request;
        let offset = offsets.entry(partition).or_insert(0);
        let frame_at = out.len();
        out.put_i32(0);
        out.put_i32(correlation_id);
        out.put_i32(1);
        out.put_string(&self.request.topic);
        out.put_i32(1);
        out.put_i32(partition);
        out.put_i16(0);
        out.put_i64(*offset);
        out.put_i64(-1);
        out.put_i64(0);
        out.put_i32(0);
        let len = i32::try_from(out.len() - frame_at - 4).expect("an answer is short");
        out[frame_at..frame_at + 4].copy_from_slice(&len.to_be_bytes());
        *offset += i64::from(records.max(0));
    }
}

impl Request {
    /// Reads the start of a frame, up to the record count of its batch. False if there is too
    /// little of it.
    fn parse(&mut self, bytes: &[u8]) -> Result<bool, DecodeError> {
        match self.read(&mut Reader::new(bytes)) {
            Ok(()) => Ok(true),
            // A frame that is all here and still too short would never get longer.
            Err(DecodeError::Truncated)
                if self.frame_bytes == 0 || bytes.len() < self.frame_bytes =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.frame_bytes = 0;
        let len = usize::try_from(reader.i32()?).map_err(|_| DecodeError::Length)?;
        self.frame_bytes = len + 4;
        if reader.i16()? != ApiKey::Produce.code() || reader.i16()? != PRODUCE_VERSION {
            return Err(DecodeError::Value);
        }
        self.correlation_id = reader.i32()?;
        reader.nullable_string()?;
        reader.nullable_string()?;
        let _acks = reader.i16()?;
        let _timeout_ms = reader.i32()?;
        one(reader)?;
        let topic = reader.string()?;
        if topic != self.topic {
            topic.clone_into(&mut self.topic);
        }
        one(reader)?;
        self.partition = reader.i32()?;
        let _records_bytes = reader.i32()?;
        reader.take(RECORD_COUNT_AT)?;
        self.records = reader.i32()?;
        Ok(())
    }
}

fn one(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    if reader.i32()? == 1 { Ok(()) } else { Err(DecodeError::Value) }
}

#[cfg(test)]
mod tests {
    use super::{Offsets, Requests, serve};
    use crate::arguments::{Acks, Format, Produce, Window, Writing};
    use crate::connection::partition_answer;
    use crate::frames::{BatchSize, Frames, PRODUCE_VERSION, Shape};
    use crate::produce;
    use engine_base::codec::DecodeError;
    use net_wire::{ApiKey, ResponseHeader};
    use std::net::TcpListener;
    use std::time::Duration;

    fn frames() -> Frames {
        let batch = BatchSize::Records(3);
        let shape =
            Shape { topic: "t", partitions: 2, record_bytes: 50, batch, acks: 1, now_ms: 1 };
        Frames::encode(shape).expect("encodes")
    }

    fn frame(frames: &Frames, partition: usize, correlation_id: i32) -> Vec<u8> {
        [&frames.head(partition, correlation_id)[..], frames.rest(partition)].concat()
    }

    /// Answers as (correlation id, partition, error, base offset).
    fn decode(mut out: &[u8]) -> Vec<(i32, i32, i16, i64)> {
        let mut found = Vec::new();
        while let Some(prefix) = out.first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes(*prefix)).expect("small");
            let (header, body) =
                ResponseHeader::decode(&out[4..4 + len], ApiKey::Produce, PRODUCE_VERSION)
                    .expect("a header");
            let (partition, error, offset) = partition_answer(body).expect("a response");
            found.push((header.correlation_id, partition, error, offset));
            out = &out[4 + len..];
        }
        found
    }

    #[test]
    fn requests_are_answered_however_they_are_cut() {
        let frames = frames();
        let all = [frame(&frames, 1, 5), frame(&frames, 0, 6), frame(&frames, 1, 7)].concat();
        let expected = vec![(5, 1, 0, 0), (6, 0, 0, 0), (7, 1, 0, 3)];
        for size in 1..=all.len() {
            let (mut requests, mut out) = (Requests::default(), Vec::new());
            let mut offsets = Offsets::new();
            for piece in all.chunks(size) {
                requests.take(piece, &mut offsets, &mut out).expect("well formed");
            }
            assert_eq!(decode(&out), expected, "pieces of {size}");
        }
    }

    #[test]
    fn other_frames_are_refused() {
        fn check(bytes: &[u8], expected: DecodeError) {
            let (mut requests, mut offsets) = (Requests::default(), Offsets::new());
            assert_eq!(requests.take(bytes, &mut offsets, &mut Vec::new()), Err(expected));
        }
        check(&[0, 0, 0, 20, 0, 3, 0, 7], DecodeError::Value);
        check(&[0, 0, 0, 20, 0, 0, 0, 9], DecodeError::Value);
        check(&[0xFF; 8], DecodeError::Length);
        check(&[0, 0, 0, 6, 0, 0, 0, 7, 0, 0], DecodeError::Truncated);
        let mut endless = vec![0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0x7F, 0xFF];
        endless.resize(3000, b'x');
        check(&endless, DecodeError::Length);
    }

    #[test]
    fn the_generator_runs_against_it() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("bound").to_string();
        std::thread::spawn(move || serve(&listener).expect("serves"));
        for (connections, depth, writing) in
            [(1, 1, Writing::Each), (3, 5, Writing::Together), (2, 4, Writing::Each)]
        {
            let window = Window {
                address: address.clone(),
                topic: "t".to_owned(),
                partitions: 2,
                connections,
                seconds: Duration::from_millis(100),
                warm_up: Duration::from_millis(10),
                pid: Some(std::process::id()),
                core: 0,
                format: Format::Json,
            };
            let options = Produce {
                window,
                record_bytes: 100_000,
                batch_bytes: 200_000,
                records_per_batch: None,
                depth,
                acks: Acks::All,
                writing,
            };
            let measured = produce::run(&options).expect("runs");
            assert!(measured.requests > 0 && measured.latency.count == measured.requests);
            assert_eq!(measured.records, measured.requests);
            assert_eq!(measured.foreign_offsets, 0);
            assert!(measured.cpu_s_per_gb().is_some_and(|cost| cost > 0.0));
        }
    }
}
