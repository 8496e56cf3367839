//! One connection of the produce load: requests that are due, sent and not yet answered, and the
//! check of each answer. Answers come in the order of the requests; whoever owns it, owns the
//! only thread.

use crate::Failure;
use crate::arguments::{Answers, Writing};
use crate::client::Peer;
use crate::error;
use crate::frames::{Frames, HEAD_BYTES, PRODUCE_VERSION};
use crate::kernel::{Received, receive};
use engine_base::message::Message as _;
use net_wire::frame::{LEN_BYTES, frame_len};
use net_wire::generated::produce::{PartitionProduceResponse, ProduceResponse};
use net_wire::{ApiKey, ResponseHeader};
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// An answer takes some dozens of bytes for each partition, and a name.
const ANSWER_BYTES_MAX: usize = 40 << 10;
/// Room for the answers that one read brings.
const INPUT_BYTES: usize = 64 << 10;
/// Requests that one system call takes along.
const TOGETHER_MAX: usize = 64;

const _: () = assert!(INPUT_BYTES > ANSWER_BYTES_MAX + LEN_BYTES);

/// How a connection uses the load it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Place of its first request among those it may make, and how far it is from each to the
    /// next.
    pub group_first: usize,
    pub group_stride: usize,
    /// Requests that may be unanswered at a time.
    pub depth: usize,
    pub writing: Writing,
    pub answers: Answers,
}

pub struct Connection {
    pub stream: TcpStream,
    peer: Peer,
    manner: Manner,
    /// The groups that its broker takes, and the place of the next.
    groups: Rc<[usize]>,
    group_next: usize,
    /// Not wholly written yet; of the first, `written` bytes are.
    due: VecDeque<Due>,
    written: usize,
    /// Of those due, the first ones whose clock runs.
    noted: usize,
    unanswered: VecDeque<Sent>,
    correlation_id: i32,
    input: Box<[u8]>,
    filled: usize,
    /// Bytes that came back and answer no request yet.
    written_back: usize,
    /// For each partition the offset after the last one that an answer named here.
    ends: Vec<i64>,
}

struct Due {
    head: [u8; HEAD_BYTES],
    group: usize,
    /// When it should be sent, if that was planned.
    intended: Option<Instant>,
}

struct Sent {
    correlation_id: i32,
    group: usize,
    since: Instant,
}

/// A request that was answered without an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answered {
    pub group: usize,
    /// When it should have been sent; in a closed loop, before its first byte was.
    pub since: Instant,
    /// From then until its answer was read.
    pub time: Duration,
}

/// What reading brought; kept to be filled again.
#[derive(Debug, Default)]
pub struct Taken {
    pub answers: Vec<Answered>,
    /// Partition and base offset of each batch in them.
    pub batches: Vec<(usize, i64)>,
}

impl Taken {
    pub fn clear(&mut self) {
        self.answers.clear();
        self.batches.clear();
    }
}

impl Connection {
    pub fn new(
        stream: TcpStream,
        frames: &Frames,
        groups: Rc<[usize]>,
        manner: Manner,
    ) -> Connection {
        assert!(manner.depth > 0 && !groups.is_empty());
        Connection {
            peer: Peer::of(&stream),
            stream,
            manner,
            group_next: manner.group_first % groups.len(),
            groups,
            due: VecDeque::new(),
            written: 0,
            noted: 0,
            unanswered: VecDeque::new(),
            correlation_id: 0,
            input: vec![0; INPUT_BYTES].into(),
            filled: 0,
            written_back: 0,
            ends: vec![0; frames.partitions()],
        }
    }

    /// Makes one more request due, to the next group in turn, which is returned.
    pub fn push(&mut self, frames: &Frames, intended: Option<Instant>) -> usize {
        let group = self.groups[self.group_next];
        self.group_next = (self.group_next + self.manner.group_stride) % self.groups.len();
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let head = frames.head(group, self.correlation_id);
        self.due.push_back(Due { head, group, intended });
        group
    }

    /// No request is due or unanswered.
    pub fn is_idle(&self) -> bool {
        self.due.is_empty() && self.unanswered.is_empty()
    }

    /// Requests that nobody has answered, sent or not.
    pub fn waiting(&self) -> usize {
        self.due.len() - self.noted + self.unanswered.len()
    }

    /// Gives up the requests that were not begun; their intended times.
    pub fn abandon(&mut self) -> Vec<Instant> {
        self.due.drain(self.noted..).filter_map(|due| due.intended).collect()
    }

    /// Writes what is due, as far as the depth allows. False if the socket is full and the rest
    /// must wait. Requests that are not answered count as such once they are written.
    pub fn write(&mut self, frames: &Frames, taken: &mut Taken) -> Result<bool, Failure> {
        let most = match self.manner.writing {
            Writing::Each => 1,
            Writing::Together => TOGETHER_MAX,
        };
        loop {
            let free = self.noted + self.manner.depth.saturating_sub(self.unanswered.len());
            let count = self.due.len().min(most).min(free);
            if count == 0 {
                return Ok(true);
            }
            self.note_sent(count);
            let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(2 * count);
            for due in self.due.iter().take(count) {
                slices.push(IoSlice::new(&due.head));
                slices.push(IoSlice::new(frames.rest(due.group)));
            }
            let mut left = &mut slices[..];
            IoSlice::advance_slices(&mut left, self.written);
            match self.stream.write_vectored(left) {
                Ok(len) => self.wrote(frames, len, taken),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.peer.lost(&error)),
            }
        }
    }

    /// The clock of a request that was not planned starts before its first byte is handed to the
    /// kernel, and runs on if the socket is full then.
    fn note_sent(&mut self, count: usize) {
        let now = Instant::now();
        for due in self.due.iter().take(count).skip(self.noted) {
            let correlation_id = correlation_id(&due.head);
            let since = due.intended.unwrap_or(now);
            self.unanswered.push_back(Sent { correlation_id, group: due.group, since });
        }
        self.noted = self.noted.max(count);
    }

    fn wrote(&mut self, frames: &Frames, len: usize, taken: &mut Taken) {
        let mut left = self.written + len;
        while let Some(due) = self.due.front() {
            let size = HEAD_BYTES + frames.rest(due.group).len();
            if left < size {
                break;
            }
            left -= size;
            self.due.pop_front();
            self.noted -= 1;
            if self.manner.answers == Answers::None {
                let sent = self.unanswered.pop_front().expect("what is written was noted");
                taken.answers.push(sent.answered(Instant::now()));
            }
        }
        self.written = left;
    }

    /// Reads once and appends what this answered.
    pub fn read(&mut self, frames: &Frames, taken: &mut Taken) -> Result<(), Failure> {
        let received = receive(&self.stream, &mut self.input[self.filled..]);
        match received.map_err(|error| self.peer.lost(&error))? {
            Received::Later => return Ok(()),
            Received::Closed => return Err(self.peer.closed()),
            Received::Bytes(len) => self.filled += len,
        }
        let now = Instant::now();
        if self.manner.answers == Answers::Echo {
            return self.read_echo(frames, now, taken);
        }
        let mut start = 0;
        while let Some(prefix) = self.input[start..self.filled].first_chunk::<LEN_BYTES>() {
            let end = start + LEN_BYTES + frame_len(*prefix, ANSWER_BYTES_MAX)?;
            if end > self.filled {
                break;
            }
            let sent = self.unanswered.pop_front().ok_or("an answer without a request")?;
            let answer = &self.input[start + LEN_BYTES..end];
            check_answer(answer, &sent, frames, &mut self.ends, &mut taken.batches)?;
            taken.answers.push(sent.answered(now));
            start = end;
        }
        self.input.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }

    /// A request is answered once as many bytes as it had came back.
    fn read_echo(
        &mut self,
        frames: &Frames,
        now: Instant,
        taken: &mut Taken,
    ) -> Result<(), Failure> {
        self.written_back += self.filled;
        self.filled = 0;
        while let Some(sent) = self.unanswered.front() {
            let size = HEAD_BYTES + frames.rest(sent.group).len();
            if self.written_back < size {
                return Ok(());
            }
            self.written_back -= size;
            if let Some(sent) = self.unanswered.pop_front() {
                taken.answers.push(sent.answered(now));
            }
        }
        if self.written_back > 0 { Err("more came back than was sent".into()) } else { Ok(()) }
    }
}

impl Sent {
    fn answered(&self, now: Instant) -> Answered {
        let time = now.saturating_duration_since(self.since);
        Answered { group: self.group, since: self.since, time }
    }
}

fn correlation_id(head: &[u8; HEAD_BYTES]) -> i32 {
    let [.., a, b, c, d] = *head;
    i32::from_be_bytes([a, b, c, d])
}

/// A good answer names each partition of its request, in any order, at an offset that rises.
fn check_answer(
    frame: &[u8],
    sent: &Sent,
    frames: &Frames,
    ends: &mut [i64],
    batches: &mut Vec<(usize, i64)>,
) -> Result<(), Failure> {
    let (header, body) = ResponseHeader::decode(frame, ApiKey::Produce, PRODUCE_VERSION)?;
    if header.correlation_id != sent.correlation_id {
        return Err(format!(
            "the answer to request {} came in place of {}",
            header.correlation_id, sent.correlation_id
        )
        .into());
    }
    let response = ProduceResponse::decode(body, PRODUCE_VERSION)?;
    let wanted = frames.partitions_of(sent.group);
    let mut count = 0;
    for topic in response.responses.iter() {
        for partition in topic.partition_responses.iter() {
            let base_offset = partition.base_offset;
            let index = check_partition(&partition, &wanted)?;
            let expected = &mut ends[index];
            if base_offset < *expected {
                return Err(format!(
                    "offsets of partition {index} do not rise: {base_offset} after {expected}"
                )
                .into());
            }
            *expected = base_offset + i64::from(frames.records());
            batches.push((index, base_offset));
            count += 1;
        }
    }
    if count != wanted.len() {
        return Err(format!("{count} partitions were answered in place of {}", wanted.len()).into());
    }
    Ok(())
}

/// The partition of a good answer to one of those that were wanted.
fn check_partition(
    partition: &PartitionProduceResponse<'_>,
    wanted: &Range<usize>,
) -> Result<usize, Failure> {
    error::check(partition.error_code, || format!("partition {}", partition.index))?;
    let index = usize::try_from(partition.index).ok().filter(|index| wanted.contains(index));
    index.ok_or_else(|| format!("partition {} answered and was not asked", partition.index).into())
}

/// Partition and error code of each batch in an answer.
pub fn partition_errors(body: &[u8]) -> Result<Vec<(i32, i16)>, Failure> {
    let response = ProduceResponse::decode(body, PRODUCE_VERSION)?;
    let mut found = Vec::new();
    for topic in response.responses.iter() {
        for partition in topic.partition_responses.iter() {
            found.push((partition.index, partition.error_code));
        }
    }
    if found.is_empty() { Err("an answer without a partition".into()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::{Connection, Manner, Taken};
    use crate::arguments::{Answers, Writing};
    use crate::frames::tests::frames;
    use crate::frames::{Frames, PRODUCE_VERSION};
    use net_wire::frame::encode_response;
    use net_wire::generated::produce::{
        PartitionProduceResponse, ProduceResponse, TopicProduceResponse,
    };
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    fn pair(frames: &Frames, writing: Writing, answers: Answers) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(address).expect("listening");
        let (peer, _) = listener.accept().expect("connected");
        let manner = Manner { group_first: 1, group_stride: 1, depth: 3, writing, answers };
        let groups = (0..frames.groups()).collect();
        (Connection::new(stream, frames, groups, manner), peer)
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
        let frames = frames(2, 1, 2);
        let (mut connection, mut peer) = pair(&frames, writing, Answers::Kafka);
        let mut found = Taken::default();
        for _ in 0..4 {
            connection.push(&frames, None);
        }
        assert!(connection.write(&frames, &mut found).expect("writes"));
        assert_eq!(connection.waiting(), 4, "the fourth waits for an answer");
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
        while connection.waiting() > 1 {
            connection.read(&frames, &mut found).map_err(|error| error.to_string())?;
        }
        assert_eq!(found.answers.len(), found.batches.len());
        Ok(found.batches)
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
        refused(&[answer(1, 1, 6, -1)], "NOT_LEADER_OR_FOLLOWER (6)");
        refused(&[answer(1, 0, 0, 0)], "partition 0 answered and was not asked");
        refused(&[answer(2, 1, 0, 0)], "in place of 1");
        refused(&[first(), answer(2, 0, 0, 0), answer(3, 1, 0, 11)], "do not rise: 11 after 12");
        refused(&[first()], "closed a connection");
        refused(&[vec![0, 0, 0, 9, 1]], "closed a connection");
        refused(&[vec![0x7F, 0, 0, 0]], "above the limit");
    }

    #[test]
    fn several_partitions_may_be_answered_in_any_order() {
        let frames = frames(4, 2, 1);
        let (mut connection, mut peer) = pair(&frames, Writing::Each, Answers::Kafka);
        let mut found = Taken::default();
        connection.push(&frames, None);
        assert!(connection.write(&frames, &mut found).expect("writes"));
        let answer = |partitions: &[(i32, i64)]| {
            let partitions =
                partitions.iter().map(|(index, base_offset)| PartitionProduceResponse {
                    index: *index,
                    base_offset: *base_offset,
                    ..Default::default()
                });
            let topic = TopicProduceResponse {
                name: "t",
                partition_responses: partitions.collect::<Vec<_>>().into(),
                ..Default::default()
            };
            let response = ProduceResponse { responses: vec![topic].into(), ..Default::default() };
            encode_response(PRODUCE_VERSION, 1, &response).expect("short").to_vec()
        };
        peer.write_all(&answer(&[(3, 7), (2, 5)])).expect("connected");
        connection.read(&frames, &mut found).expect("good");
        assert_eq!((found.answers.len(), found.batches), (1, vec![(3, 7), (2, 5)]));

        let mut found = Taken::default();
        connection.push(&frames, None);
        assert!(connection.write(&frames, &mut found).expect("writes"));
        let mut one = answer(&[(0, 0)]);
        one[7] = 2;
        peer.write_all(&one).expect("connected");
        let error = connection.read(&frames, &mut found).expect_err("one of two");
        assert_eq!(error.to_string(), "1 partitions were answered in place of 2");
    }

    #[test]
    fn an_echo_and_silence_are_answers_too() {
        let frames = frames(1, 1, 1);
        let (mut connection, mut peer) = pair(&frames, Writing::Each, Answers::Echo);
        let mut found = Taken::default();
        connection.push(&frames, None);
        connection.push(&frames, None);
        connection.write(&frames, &mut found).expect("writes");
        let mut bytes = vec![0; 2 * frames.whole(0).len()];
        peer.read_exact(&mut bytes).expect("was sent");
        peer.write_all(&bytes[1..]).expect("connected");
        connection.read(&frames, &mut found).expect("reads");
        assert_eq!(found.answers.len(), 1);
        peer.write_all(&bytes[..1]).expect("connected");
        connection.read(&frames, &mut found).expect("reads");
        assert_eq!(found.answers.len(), 2);
        peer.write_all(b"x").expect("connected");
        assert!(connection.read(&frames, &mut found).is_err());

        let (mut connection, _peer) = pair(&frames, Writing::Each, Answers::None);
        let mut found = Taken::default();
        for _ in 0..5 {
            connection.push(&frames, None);
        }
        connection.write(&frames, &mut found).expect("writes");
        assert_eq!((found.answers.len(), connection.is_idle()), (5, true));
    }
}
