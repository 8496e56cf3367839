//! One connection of the produce load: requests that are due, sent and not yet answered, and the
//! check of each answer. Answers come in the order of the requests; whoever owns it, owns the
//! only thread.

use crate::Failure;
use crate::arguments::Writing;
use crate::frames::{Frames, HEAD_BYTES, PRODUCE_VERSION};
use crate::kernel::{Received, receive};
use engine_base::message::Message as _;
use net_wire::frame::{LEN_BYTES, frame_len};
use net_wire::generated::produce::ProduceResponse;
use net_wire::{ApiKey, ErrorCode, ResponseHeader};
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An answer to a Produce request with one partition takes some dozens of bytes and a name.
const ANSWER_BYTES_MAX: usize = 4096;
/// Room for the answers that one read brings.
const INPUT_BYTES: usize = 64 << 10;
/// Requests that one system call takes along.
const TOGETHER_MAX: usize = 64;

const _: () = assert!(INPUT_BYTES > ANSWER_BYTES_MAX + LEN_BYTES);

pub struct Connection {
    pub stream: TcpStream,
    /// Not wholly written yet; of the first, `written` bytes are.
    due: VecDeque<Due>,
    written: usize,
    /// Of those due, the first ones whose clock runs.
    noted: usize,
    unanswered: VecDeque<Sent>,
    correlation_id: i32,
    partition_next: usize,
    input: Box<[u8]>,
    filled: usize,
    /// For each partition the offset after the last one that an answer named here.
    ends: Vec<i64>,
}

struct Due {
    head: [u8; HEAD_BYTES],
    partition: usize,
}

struct Sent {
    correlation_id: i32,
    partition: usize,
    at: Instant,
}

/// A request that was answered without an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered {
    pub partition: usize,
    pub base_offset: i64,
    /// From before the request was written until its answer was read.
    pub time: Duration,
}

impl Connection {
    /// `partition_first` spreads the connections over the partitions.
    pub fn new(stream: TcpStream, frames: &Frames, partition_first: usize) -> Connection {
        Connection {
            stream,
            due: VecDeque::new(),
            written: 0,
            noted: 0,
            unanswered: VecDeque::new(),
            correlation_id: 0,
            partition_next: partition_first % frames.partitions(),
            input: vec![0; INPUT_BYTES].into(),
            filled: 0,
            ends: vec![0; frames.partitions()],
        }
    }

    /// Makes one more request due, to the next partition in turn.
    pub fn push(&mut self, frames: &Frames) {
        let partition = self.partition_next;
        self.partition_next = (partition + 1) % frames.partitions();
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let head = frames.head(partition, self.correlation_id);
        self.due.push_back(Due { head, partition });
    }

    /// No request is due or unanswered.
    pub fn is_idle(&self) -> bool {
        self.due.is_empty() && self.unanswered.is_empty()
    }

    /// Writes what is due. False if the socket is full and the rest must wait.
    pub fn write(&mut self, frames: &Frames, writing: Writing) -> Result<bool, Failure> {
        let most = match writing {
            Writing::Each => 1,
            Writing::Together => TOGETHER_MAX,
        };
        while !self.due.is_empty() {
            let count = self.due.len().min(most);
            self.note_sent(count);
            let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(2 * count);
            for due in self.due.iter().take(count) {
                slices.push(IoSlice::new(&due.head));
                slices.push(IoSlice::new(frames.rest(due.partition)));
            }
            let mut left = &mut slices[..];
            IoSlice::advance_slices(&mut left, self.written);
            match self.stream.write_vectored(left) {
                Ok(len) => self.wrote(frames, len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("write to the broker: {error}").into()),
            }
        }
        Ok(true)
    }

    /// The clock of a request starts before its first byte is handed to the kernel, and runs on
    /// if the socket is full then.
    fn note_sent(&mut self, count: usize) {
        let at = Instant::now();
        for due in self.due.iter().take(count).skip(self.noted) {
            let correlation_id = correlation_id(&due.head);
            self.unanswered.push_back(Sent { correlation_id, partition: due.partition, at });
        }
        self.noted = self.noted.max(count);
    }

    fn wrote(&mut self, frames: &Frames, len: usize) {
        let mut left = self.written + len;
        while let Some(due) = self.due.front() {
            let size = HEAD_BYTES + frames.rest(due.partition).len();
            if left < size {
                break;
            }
            left -= size;
            self.due.pop_front();
            self.noted -= 1;
        }
        self.written = left;
    }

    /// Reads once and appends the requests that this answered.
    pub fn read(&mut self, records: u32, answers: &mut Vec<Answered>) -> Result<(), Failure> {
        match receive(&self.stream, &mut self.input[self.filled..])? {
            Received::Later => return Ok(()),
            Received::Closed => return Err("the broker closed a connection".into()),
            Received::Bytes(len) => self.filled += len,
        }
        let now = Instant::now();
        let mut start = 0;
        while let Some(prefix) = self.input[start..self.filled].first_chunk::<LEN_BYTES>() {
            let end = start + LEN_BYTES + frame_len(*prefix, ANSWER_BYTES_MAX)?;
            if end > self.filled {
                break;
            }
            let sent = self.unanswered.pop_front().ok_or("an answer without a request")?;
            let base_offset = check_answer(&self.input[start + LEN_BYTES..end], &sent)?;
            let expected = &mut self.ends[sent.partition];
            if base_offset < *expected {
                let partition = sent.partition;
                return Err(format!(
                    "offsets of partition {partition} do not rise: {base_offset} after {expected}"
                )
                .into());
            }
            *expected = base_offset + i64::from(records);
            let time = now.saturating_duration_since(sent.at);
            answers.push(Answered { partition: sent.partition, base_offset, time });
            start = end;
        }
        self.input.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }
}

fn correlation_id(head: &[u8; HEAD_BYTES]) -> i32 {
    let [.., a, b, c, d] = *head;
    i32::from_be_bytes([a, b, c, d])
}

/// The base offset of a good answer.
fn check_answer(frame: &[u8], sent: &Sent) -> Result<i64, Failure> {
    let (header, body) = ResponseHeader::decode(frame, ApiKey::Produce, PRODUCE_VERSION)?;
    if header.correlation_id != sent.correlation_id {
        return Err(format!(
            "the answer to request {} came in place of {}",
            header.correlation_id, sent.correlation_id
        )
        .into());
    }
    let (partition, error, base_offset) = partition_answer(body)?;
    if error != 0 || usize::try_from(partition) != Ok(sent.partition) {
        let name = ErrorCode::from_code(error);
        return Err(format!("partition {partition} answered error {error} {name:?}").into());
    }
    Ok(base_offset)
}

/// Partition, error code and base offset of an answer to a request with one partition.
pub fn partition_answer(body: &[u8]) -> Result<(i32, i16, i64), Failure> {
    let response = ProduceResponse::decode(body, PRODUCE_VERSION)?;
    let topic = response.responses.iter().next().ok_or("an answer without a topic")?;
    let partition =
        topic.partition_responses.iter().next().ok_or("an answer without a partition")?;
    Ok((partition.index, partition.error_code, partition.base_offset))
}

#[cfg(test)]
mod tests {
    use super::{Answered, Connection};
    use crate::arguments::Writing;
    use crate::frames::{BatchSize, Frames, PRODUCE_VERSION, Shape};
    use net_wire::frame::encode_response;
    use net_wire::generated::produce::{
        PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
    };
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    fn frames() -> Frames {
        let batch = BatchSize::Records(2);
        let shape = Shape { topic: "t", partitions: 2, record_bytes: 9, batch, acks: 1, now_ms: 1 };
        Frames::encode(shape).expect("encodes")
    }

    fn pair(frames: &Frames) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).expect("listening");
        let (peer, _) = listener.accept().expect("connected");
        (Connection::new(stream, frames, 1), peer)
    }

    fn answer(correlation_id: i32, index: i32, error_code: i16, base_offset: i64) -> Vec<u8> {
        let partition =
            PartitionProduceResponse { index, error_code, base_offset, ..Default::default() };
        let topic = TopicProduceResponse {
            name: "t",
            partition_responses: vec![partition].into(),
            ..Default::default()
        };
        let response = ProduceResponse { responses: vec![topic].into(), ..Default::default() };
        encode_response(PRODUCE_VERSION, correlation_id, &response).expect("short").to_vec()
    }

    /// Sends three requests, plays the answers, and tells what came of it.
    fn play(writing: Writing, answers: &[Vec<u8>]) -> Result<Vec<(usize, i64)>, String> {
        let frames = frames();
        let (mut connection, mut peer) = pair(&frames);
        for _ in 0..3 {
            connection.push(&frames);
        }
        assert!(connection.write(&frames, writing).expect("writes"));
        let mut expected = Vec::new();
        for (partition, id) in [(1, 1), (0, 2), (1, 3)] {
            expected.extend_from_slice(&frames.head(partition, id));
            expected.extend_from_slice(frames.rest(partition));
        }
        let mut sent = vec![0; expected.len()];
        peer.read_exact(&mut sent).expect("was sent");
        assert_eq!(sent, expected);
        peer.write_all(&answers.concat()).expect("connected");
        drop(peer);
        let mut found = Vec::new();
        while !connection.is_idle() {
            connection.read(frames.records(), &mut found).map_err(|error| error.to_string())?;
        }
        let pairs = |answer: &Answered| (answer.partition, answer.base_offset);
        Ok(found.iter().map(pairs).collect())
    }

    #[test]
    fn good_answers_are_matched_to_their_requests() {
        let answers = [answer(1, 1, 0, 10), answer(2, 0, 0, 0), answer(3, 1, 0, 12)];
        for writing in [Writing::Each, Writing::Together] {
            assert_eq!(play(writing, &answers), Ok(vec![(1, 10), (0, 0), (1, 12)]));
        }
    }

    #[test]
    fn bad_answers_end_the_run() {
        fn refused(answers: &[Vec<u8>], expected: &str) {
            let error = play(Writing::Each, answers).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        let first = || answer(1, 1, 0, 10);
        refused(&[answer(1, 1, 6, -1)], "error 6 Some(NotLeaderOrFollower)");
        refused(&[answer(1, 0, 0, 0)], "partition 0 answered");
        refused(&[answer(2, 1, 0, 0)], "in place of 1");
        refused(&[first(), answer(2, 0, 0, 0), answer(3, 1, 0, 11)], "do not rise: 11 after 12");
        refused(&[first()], "closed a connection");
        refused(&[vec![0, 0, 0, 9, 1]], "closed a connection");
        refused(&[vec![0x7F, 0, 0, 0]], "above the limit");
    }
}
