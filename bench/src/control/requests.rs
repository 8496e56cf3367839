//! Produce requests as they come in pieces: finds what their answers need, shows the batches'
//! bytes to whoever wants them, and appends the answers.

use crate::frames::PRODUCE_VERSION;
use engine_base::codec::{DecodeError, Reader, Write as _};
use engine_record::header::{HEADER_BYTES, RECORD_COUNT_AT};
use net_wire::ApiKey;
use std::collections::HashMap;

/// The part of a frame before its partitions is below this, with names as long as Kafka allows.
const START_BYTES_MAX: usize = 1024;
/// Bytes of each partition's part of an answer, about; only to reserve room.
const ANSWER_PARTITIONS_MAX: usize = 10_000;

const _: () = assert!(RECORD_COUNT_AT + 4 == HEADER_BYTES);

/// Next offset of each partition, whatever its topic.
pub type Offsets = HashMap<i32, i64>;

/// Sees the bytes of each batch as they come.
pub trait Batches {
    /// A batch begins; its header is here whole.
    fn header(&mut self, header: &[u8]);
    fn bytes(&mut self, piece: &[u8]);
    /// False if the batch is damaged.
    fn end(&mut self) -> bool;
}

/// Looks at nothing.
pub struct Blind;

impl Batches for Blind {
    fn header(&mut self, _: &[u8]) {}
    fn bytes(&mut self, _: &[u8]) {}
    fn end(&mut self) -> bool {
        true
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    /// Before a frame.
    #[default]
    Start,
    /// Before the part of a partition.
    Partition,
    /// Within a batch, this many bytes before its end.
    Records(usize),
}

#[derive(Default)]
pub struct Requests {
    stage: Stage,
    /// The start of a part that is too short to be read.
    start: Vec<u8>,
    /// Bytes of the frame that are still to come.
    frame_left: usize,
    correlation_id: i32,
    acks: i16,
    topic: String,
    partitions_left: usize,
    /// Partition and record count of each batch.
    batches: Vec<(i32, i32)>,
}

impl Requests {
    /// Takes the next bytes of the connection, appends the answers of all requests they complete.
    pub fn take(
        &mut self,
        mut bytes: &[u8],
        sight: &mut impl Batches,
        offsets: &mut Offsets,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        loop {
            if let Stage::Records(left) = self.stage {
                let (piece, rest) = bytes.split_at(left.min(bytes.len()));
                sight.bytes(piece);
                bytes = rest;
                self.frame_left -= piece.len();
                self.stage = Stage::Records(left - piece.len());
                if piece.len() < left {
                    return Ok(());
                }
                self.end_batch(sight, offsets, out)?;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let before = self.start.len();
            let used = if before == 0 {
                self.parse(bytes, sight)?
            } else {
                let mut start = std::mem::take(&mut self.start);
                let more = bytes.len().min(START_BYTES_MAX - before);
                start.extend_from_slice(&bytes[..more]);
                let used = self.parse(&start, sight)?;
                if used.is_none() {
                    self.start = start;
                }
                used
            };
            let Some(used) = used else {
                if before + bytes.len() >= START_BYTES_MAX {
                    return Err(DecodeError::Length);
                }
                if before == 0 {
                    self.start.extend_from_slice(bytes);
                }
                return Ok(());
            };
            bytes = &bytes[used - before..];
        }
    }

    /// Reads the part that is next and gives its length; none if there is too little of it.
    fn parse(
        &mut self,
        bytes: &[u8],
        sight: &mut impl Batches,
    ) -> Result<Option<usize>, DecodeError> {
        let mut reader = Reader::new(bytes);
        let (outcome, whole) = if self.stage == Stage::Start {
            self.frame_left = 0;
            let outcome = self.read_start(&mut reader);
            (outcome, self.frame_left > 0 && bytes.len() >= self.frame_left)
        } else {
            (self.read_partition(&mut reader, sight), bytes.len() >= self.frame_left)
        };
        match outcome {
            Ok(()) => {
                let used = bytes.len() - reader.left();
                let left = self.frame_left.checked_sub(used).ok_or(DecodeError::Length)?;
                self.frame_left = left;
                if matches!(self.stage, Stage::Records(records) if records > left) {
                    return Err(DecodeError::Length);
                }
                Ok(Some(used))
            }
            // A frame that is all here and still too short would never get longer.
            Err(DecodeError::Truncated) if !whole => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_start(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let len = usize::try_from(reader.i32()?).map_err(|_| DecodeError::Length)?;
        self.frame_left = len + 4;
        if reader.i16()? != ApiKey::Produce.code() || reader.i16()? != PRODUCE_VERSION {
            return Err(DecodeError::Value);
        }
        self.correlation_id = reader.i32()?;
        reader.nullable_string()?;
        reader.nullable_string()?;
        self.acks = reader.i16()?;
        let _timeout_ms = reader.i32()?;
        if reader.i32()? != 1 {
            return Err(DecodeError::Value);
        }
        let topic = reader.string()?;
        let partitions = usize::try_from(reader.i32()?).map_err(|_| DecodeError::Length)?;
        if partitions == 0 || partitions > ANSWER_PARTITIONS_MAX {
            return Err(DecodeError::Value);
        }
        if topic != self.topic {
            topic.clone_into(&mut self.topic);
        }
        self.partitions_left = partitions;
        self.stage = Stage::Partition;
        Ok(())
    }

    fn read_partition(
        &mut self,
        reader: &mut Reader<'_>,
        sight: &mut impl Batches,
    ) -> Result<(), DecodeError> {
        let partition = reader.i32()?;
        let bytes = usize::try_from(reader.i32()?).map_err(|_| DecodeError::Length)?;
        let left = bytes.checked_sub(HEADER_BYTES).ok_or(DecodeError::Length)?;
        let header = reader.take(HEADER_BYTES)?;
        let records = Reader::new(&header[RECORD_COUNT_AT..]).i32()?;
        sight.header(header);
        self.batches.push((partition, records));
        self.stage = Stage::Records(left);
        Ok(())
    }

    fn end_batch(
        &mut self,
        sight: &mut impl Batches,
        offsets: &mut Offsets,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        if !sight.end() {
            return Err(DecodeError::Value);
        }
        self.partitions_left -= 1;
        self.stage = Stage::Partition;
        if self.partitions_left == 0 {
            if self.frame_left != 0 {
                return Err(DecodeError::Length);
            }
            if self.acks != 0 {
                self.answer(offsets, out);
            }
            self.batches.clear();
            self.stage = Stage::Start;
        }
        Ok(())
    }

    fn answer(&self, offsets: &mut Offsets, out: &mut Vec<u8>) {
        let frame_at = out.len();
        out.put_i32(0);
        out.put_i32(self.correlation_id);
        out.put_i32(1);
        out.put_string(&self.topic);
        let count = i32::try_from(self.batches.len()).expect("limited when it was read");
        out.put_i32(count);
        for (partition, records) in &self.batches {
            let offset = offsets.entry(*partition).or_insert(0);
            out.put_i32(*partition);
            out.put_i16(0);
            out.put_i64(*offset);
            out.put_i64(-1);
            out.put_i64(0);
            *offset += i64::from((*records).max(0));
        }
        out.put_i32(0);
        let len = i32::try_from(out.len() - frame_at - 4).expect("an answer is short");
        out[frame_at..frame_at + 4].copy_from_slice(&len.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Batches, Blind, Offsets, Requests};
    use crate::frames::tests::frames;
    use crate::frames::{Frames, PRODUCE_VERSION};
    use engine_base::codec::DecodeError;
    use engine_base::message::Message as _;
    use net_wire::generated::produce::ProduceResponse;
    use net_wire::{ApiKey, ResponseHeader};

    fn frame(frames: &Frames, group: usize, correlation_id: i32) -> Vec<u8> {
        [&frames.head(group, correlation_id)[..], frames.rest(group)].concat()
    }

    /// Answers as (correlation id, partition, error, base offset).
    fn decode(mut out: &[u8]) -> Vec<(i32, i32, i16, i64)> {
        let mut found = Vec::new();
        while let Some(prefix) = out.first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes(*prefix)).expect("small");
            let (header, body) =
                ResponseHeader::decode(&out[4..4 + len], ApiKey::Produce, PRODUCE_VERSION)
                    .expect("a header");
            let response = ProduceResponse::decode(body, PRODUCE_VERSION).expect("a response");
            for topic in response.responses.iter() {
                for partition in topic.partition_responses.iter() {
                    let (index, offset) = (partition.index, partition.base_offset);
                    found.push((header.correlation_id, index, partition.error_code, offset));
                }
            }
            out = &out[4 + len..];
        }
        found
    }

    /// Collects batches.
    #[derive(Default)]
    struct Seen(Vec<Vec<u8>>);

    impl Batches for Seen {
        fn header(&mut self, header: &[u8]) {
            self.0.push(header.to_vec());
        }
        fn bytes(&mut self, piece: &[u8]) {
            self.0.last_mut().expect("a header came first").extend_from_slice(piece);
        }
        fn end(&mut self) -> bool {
            true
        }
    }

    #[test]
    fn requests_are_answered_however_they_are_cut() {
        let frames = frames(4, 2, 3);
        let all = [frame(&frames, 1, 5), frame(&frames, 0, 6), frame(&frames, 1, 7)].concat();
        let expected = vec![
            (5, 2, 0, 0),
            (5, 3, 0, 0),
            (6, 0, 0, 0),
            (6, 1, 0, 0),
            (7, 2, 0, 3),
            (7, 3, 0, 3),
        ];
        for size in 1..=all.len() {
            let (mut requests, mut out) = (Requests::default(), Vec::new());
            let (mut offsets, mut seen) = (Offsets::new(), Seen::default());
            for piece in all.chunks(size) {
                requests.take(piece, &mut seen, &mut offsets, &mut out).expect("well formed");
            }
            assert_eq!(decode(&out), expected, "pieces of {size}");
            assert!(seen.0.len() == 6 && seen.0.iter().all(|batch| batch == frames.batch()));
        }
    }

    #[test]
    fn other_frames_are_refused() {
        fn check(bytes: &[u8], expected: DecodeError) {
            let (mut requests, mut offsets) = (Requests::default(), Offsets::new());
            let found = requests.take(bytes, &mut Blind, &mut offsets, &mut Vec::new());
            assert_eq!(found, Err(expected));
        }
        check(&[0, 0, 0, 20, 0, 3, 0, 7], DecodeError::Value);
        check(&[0, 0, 0, 20, 0, 0, 0, 9], DecodeError::Value);
        check(&[0xFF; 8], DecodeError::Length);
        check(&[0, 0, 0, 6, 0, 0, 0, 7, 0, 0], DecodeError::Truncated);
        let mut endless = vec![0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0x7F, 0xFF];
        endless.resize(3000, b'x');
        check(&endless, DecodeError::Length);
        let mut long = frame(&frames(2, 2, 1), 0, 1);
        let at = long.len() - 2 * (8 + frames(2, 2, 1).batch_bytes());
        long[at + 4..at + 8].copy_from_slice(&10_000i32.to_be_bytes());
        check(&long, DecodeError::Length);
    }
}
