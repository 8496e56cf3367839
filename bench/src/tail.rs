//! A consumer beside the produce load: fetches one partition from its end as it grows, or from its
//! start again and again. The kernel drops the records it fetches; the first answer and every so
//! manieth after it are read whole and checked, which also says how large the batches are: they
//! are all alike, so the length of an answer says what was in it.

use crate::Failure;
use crate::answer::{self, Ask, Checked, check_answer};
use crate::arguments::Consume;
use crate::client::Peer;
use crate::error;
use crate::kernel::{Received, discard, receive};
use crate::tally::{Entry, Loop, Tally};
use engine_base::codec::Reader;
use net_wire::frame::LEN_BYTES;
use std::collections::VecDeque;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The start of an answer, and of the records in a small one.
const INPUT_BYTES: usize = 4096;
/// Of an answer before its records, besides the topic's name.
const ANSWER_FIXED_BYTES: usize = 70;
/// Of a request after its offset: log start, size, no forgotten topics, no rack.
const AFTER_OFFSET_BYTES: usize = 18;

/// What is fetched.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub topic: &'a str,
    pub client_id: &'a str,
    pub partition: i32,
    pub offset: i64,
    /// From the start again once the end is reached.
    pub again: bool,
}

pub struct Tail {
    pub stream: TcpStream,
    peer: Peer,
    frame: Vec<u8>,
    /// Size of an answer before its records, its length included.
    head_bytes: usize,
    offset_first: i64,
    again: bool,
    offset: i64,
    sent_at: Instant,
    input: Box<[u8]>,
    filled: usize,
    /// Of the answer's records, once its head was read.
    records_bytes: Option<usize>,
    left: usize,
    /// The answer without its length, if it is one to be checked.
    kept: Option<Vec<u8>>,
    answers: u32,
    check_every: u32,
    batch: Option<BatchShape>,
    /// For each request from `expected_offset` on, when it was meant to be sent.
    expected: VecDeque<Instant>,
    expected_offset: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct BatchShape {
    bytes: usize,
    records: i64,
}

/// What consumers count.
pub struct Delivered {
    /// Answers with records; the time is that of the fetch.
    pub fetches: Tally,
    /// From when a request was meant to be sent until its records were here.
    pub end_to_end: Tally,
    /// Answers without records.
    pub empty: u64,
    /// Answers that were read whole and checked.
    pub checked: u64,
}

impl Delivered {
    /// `kind` says which records give an end-to-end time.
    pub fn start(kind: Loop, start: Instant, length: Duration) -> Delivered {
        Delivered {
            fetches: Tally::start(Loop::Closed, start, length),
            end_to_end: Tally::start(kind, start, length),
            empty: 0,
            checked: 0,
        }
    }

    pub fn end(&mut self, now: Instant) {
        self.fetches.end(now);
        self.end_to_end.end(now);
    }
}

impl Tail {
    pub fn new(stream: TcpStream, source: Source<'_>, options: &Consume) -> Result<Tail, Failure> {
        Ok(Tail {
            peer: Peer::of(&stream),
            stream,
            frame: request(source, options)?,
            head_bytes: ANSWER_FIXED_BYTES + source.topic.len(),
            offset_first: source.offset,
            again: source.again,
            offset: source.offset,
            sent_at: Instant::now(),
            input: vec![0; INPUT_BYTES].into(),
            filled: 0,
            records_bytes: None,
            left: 0,
            kept: None,
            answers: 0,
            check_every: options.check_every,
            batch: None,
            expected: VecDeque::new(),
            expected_offset: source.offset,
        })
    }

    /// A request to this partition was meant to be sent at `since`.
    pub fn expect(&mut self, since: Instant) {
        self.expected.push_back(since);
    }

    /// Nothing that was announced is still to come.
    pub fn is_done(&self) -> bool {
        self.expected.is_empty()
    }

    /// Sends the next fetch; one is far smaller than an empty socket's buffer.
    pub fn send(&mut self) -> Result<(), Failure> {
        let at = self.frame.len() - AFTER_OFFSET_BYTES;
        self.frame[at - 8..at].copy_from_slice(&self.offset.to_be_bytes());
        (self.filled, self.records_bytes) = (0, None);
        let check = self.batch.is_none() || self.answers.is_multiple_of(self.check_every);
        self.kept = check.then(Vec::new);
        self.sent_at = Instant::now();
        match self.stream.write(&self.frame).map_err(|error| self.peer.lost(&error))? {
            len if len == self.frame.len() => Ok(()),
            _ => Err("the socket took part of a fetch".into()),
        }
    }

    /// Reads once; at the end of an answer counts it and sends the next fetch.
    pub fn serve(&mut self, sink: &mut [u8], delivered: &mut Delivered) -> Result<(), Failure> {
        if self.records_bytes.is_none() && !self.read_head()? {
            return Ok(());
        }
        if self.left > 0 && !self.read_records(sink)? {
            return Ok(());
        }
        self.complete(delivered)?;
        self.send()
    }

    /// False if the head is not all here yet.
    fn read_head(&mut self) -> Result<bool, Failure> {
        let received = receive(&self.stream, &mut self.input[self.filled..]);
        match received.map_err(|error| self.peer.lost(&error))? {
            Received::Later => return Ok(false),
            Received::Closed => return Err(self.peer.closed()),
            Received::Bytes(len) => self.filled += len,
        }
        if self.filled < self.head_bytes {
            return Ok(false);
        }
        let records_bytes = read_head(&self.input[..self.head_bytes])?;
        let here = self.filled - self.head_bytes;
        self.left = records_bytes
            .checked_sub(here)
            .ok_or_else(|| format!("{here} bytes of records came, {records_bytes} were told"))?;
        self.records_bytes = Some(records_bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&self.input[LEN_BYTES..self.filled]);
        }
        Ok(true)
    }

    /// Reads once more of the records; true when they are all here.
    fn read_records(&mut self, sink: &mut [u8]) -> Result<bool, Failure> {
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
        Ok(self.left == 0)
    }

    fn complete(&mut self, delivered: &mut Delivered) -> Result<(), Failure> {
        let now = Instant::now();
        let bytes = self.records_bytes.unwrap_or(0);
        if bytes == 0 {
            delivered.empty += 1;
            if self.again {
                self.offset = self.offset_first;
            }
            return Ok(());
        }
        let end = match self.kept.take() {
            Some(frame) => {
                delivered.checked += 1;
                self.check(&frame)?
            }
            None => self.offset + self.whole_records(bytes)?,
        };
        self.answers = self.answers.wrapping_add(1);
        delivered.fetches.add(Entry {
            since: self.sent_at,
            time: now.saturating_duration_since(self.sent_at),
            records: u64::try_from(end - self.offset).unwrap_or(0),
            bytes: u64::try_from(bytes)?,
        });
        self.offset = end;
        let records = self.batch.map_or(1, |batch| batch.records);
        while self.expected_offset < end
            && let Some(since) = self.expected.pop_front()
        {
            let time = now.saturating_duration_since(since);
            delivered.end_to_end.add(Entry { since, time, records: 0, bytes: 0 });
            self.expected_offset += records;
        }
        Ok(())
    }

    fn whole_records(&self, bytes: usize) -> Result<i64, Failure> {
        let batch = self.batch.ok_or("an answer of unknown batches")?;
        let count = i64::try_from(bytes / batch.bytes)?;
        if count == 0 {
            return Err("an answer without a whole batch".into());
        }
        Ok(count * batch.records)
    }

    /// Checks an answer that was read whole; gives the offset after it.
    fn check(&mut self, frame: &[u8]) -> Result<i64, Failure> {
        let content = match check_answer(frame, self.offset)? {
            Checked::Batches(content) => content,
            other => {
                return Err(format!("the answer at offset {} is {other:?}", self.offset).into());
            }
        };
        for header in answer::batches(frame)? {
            let found = BatchShape {
                bytes: header.bytes_len(),
                records: header.next_offset().0 - header.base_offset.0,
            };
            let known = *self.batch.get_or_insert(found);
            if found != known {
                return Err(format!(
                    "batches differ, somebody else writes to the topic: {found:?} after {known:?}"
                )
                .into());
            }
        }
        Ok(content.end)
    }
}

fn request(source: Source<'_>, options: &Consume) -> Result<Vec<u8>, Failure> {
    let ask = Ask {
        topic: source.topic,
        partition: source.partition,
        offset: source.offset,
        bytes_min: options.fetch_bytes_min,
        bytes_max: options.fetch_bytes_max,
        wait_ms: options.fetch_wait_ms,
        client_id: source.client_id,
    };
    ask.frame()
}

/// The size of the records that follow. The layout is that of an answer for one partition.
fn read_head(head: &[u8]) -> Result<usize, Failure> {
    let mut reader = Reader::new(head);
    let frame_bytes = usize::try_from(reader.i32()?)?;
    let _correlation_id = reader.i32()?;
    let _throttle_ms = reader.i32()?;
    error::check(reader.i16()?, || "a fetch".to_owned())?;
    let _session = reader.i32()?;
    let _topics = reader.i32()?;
    reader.string()?;
    let _partitions = reader.i32()?;
    let partition = reader.i32()?;
    error::check(reader.i16()?, || format!("a fetch of partition {partition}"))?;
    reader.take(3 * 8)?;
    if reader.i32()? > 0 {
        return Err("a fetch was told of aborted transactions".into());
    }
    let _replica = reader.i32()?;
    let records_bytes = usize::try_from(reader.i32()?.max(0))?;
    if frame_bytes != head.len() - LEN_BYTES + records_bytes {
        return Err(format!("an answer of {frame_bytes} bytes holds {records_bytes}").into());
    }
    Ok(records_bytes)
}

#[cfg(test)]
mod tests {
    use super::{AFTER_OFFSET_BYTES, ANSWER_FIXED_BYTES, Source, read_head, request};
    use crate::answer::FETCH_VERSION;
    use crate::answer::tests::{answer, batch};
    use crate::arguments::Consume;
    use engine_base::message::Message as _;
    use net_wire::RequestHeader;
    use net_wire::generated::fetch::FetchRequest;

    #[test]
    fn the_offset_lies_where_it_is_patched() {
        let source =
            Source { topic: "topic", client_id: "c", partition: 3, offset: 5, again: false };
        let options = Consume { fetch_bytes_min: 7, ..Consume::default() };
        let mut frame = request(source, &options).expect("encodes");
        let at = frame.len() - AFTER_OFFSET_BYTES;
        frame[at - 8..at].copy_from_slice(&0x0102_0304_0506i64.to_be_bytes());
        let (_, body) = RequestHeader::decode(&frame[4..]).expect("a header");
        let request = FetchRequest::decode(body, FETCH_VERSION).expect("a request");
        let topic = request.topics.iter().next().expect("one topic");
        let partition = topic.partitions.iter().next().expect("one partition");
        assert_eq!((topic.topic, partition.partition), ("topic", 3));
        assert_eq!(partition.fetch_offset, 0x0102_0304_0506);
        assert_eq!((request.min_bytes, request.max_bytes), (7, 1 << 20));
    }

    #[test]
    fn heads_say_how_much_follows() {
        let records = batch(0, 3);
        let frame = answer(0, 3, &records);
        let head = ANSWER_FIXED_BYTES + 1;
        assert_eq!(read_head(&frame[..head]).ok(), Some(records.len()));
        let short = answer(0, 3, &records[..20]);
        assert_eq!(read_head(&short[..head]).ok(), Some(20));
        let error = read_head(&answer(1, 0, &[])[..head]).expect_err("out of range").to_string();
        assert!(error.contains("OFFSET_OUT_OF_RANGE"), "{error}");
        let mut wrong = frame;
        wrong[3] ^= 1;
        assert!(read_head(&wrong[..head]).is_err());
    }
}
