//! Bytes of the journal: a file is a run of frames, each one header and a body of entries. Pure
//! encoding and decoding; [`crate::commit`] writes frames, [`crate::replay`] reads them. All numbers
//! are big-endian. docs/FORMAT.md holds the same layout in words.

use engine_base::codec::{DecodeError, Reader, Write};
use engine_base::{TopicPartition, Uuid};

pub const FRAME_MAGIC: [u8; 4] = *b"TMJ1";
/// 3 is left out: no flipped bit makes one version of another.
pub const FRAME_VERSION: u16 = 4;
/// Is read as well; it has no [`EntryKind::Name`].
const FRAME_VERSION_BEFORE: u16 = 2;
pub const FRAME_HEADER_BYTES: usize = 56;
pub const ENTRY_HEADER_BYTES: usize = 48;
/// Frames start on multiples of this.
pub const FRAME_ALIGN: u64 = 8;
/// After a sync has begun the next frame starts on a multiple of this: a block that is on stable
/// media is never written again, so a torn write cannot take acknowledged frames along.
pub const SYNC_ALIGN: u64 = 4096;

/// The checksum covers everything after its own field.
const CRC_AT: usize = 8;
const CRC_END: usize = 12;

const _: () = assert!(4 + 2 + 2 + 4 + 4 + 4 + 8 + 8 + 8 + 2 + 2 + 8 == FRAME_HEADER_BYTES);
const _: () = assert!(2 + 2 + 4 + 16 + 8 + 8 + 4 + 4 == ENTRY_HEADER_BYTES);
const _: () = assert!(CRC_END == CRC_AT + 4);

/// Which use of which journal file a frame belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Generation {
    /// Counts openings of the log directory: higher than any seen before.
    pub run: u32,
    /// Counts uses of journal files within the run.
    pub turn: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    pub generation: Generation,
    /// Counts frames of one shard within the run, from 1.
    pub sequence: u64,
    /// Frames up to this one were on stable media when this one was written.
    pub synced_sequence: u64,
    pub body_bytes: u32,
    pub entry_count: u32,
    pub shard: u16,
    pub shard_count: u16,
    /// The journal's [`FileHeader::id`](crate::file_header::FileHeader::id). Records may hold bytes
    /// that look like a frame; nobody who sends records knows this number.
    pub id: u64,
}

impl FrameHeader {
    /// Header bytes for a body given as slices in order.
    pub fn encode<'a>(&self, body: impl Iterator<Item = &'a [u8]>) -> [u8; FRAME_HEADER_BYTES] {
        let mut out = Vec::with_capacity(FRAME_HEADER_BYTES);
        out.put(&FRAME_MAGIC);
        out.put_u16(FRAME_VERSION);
        out.put_u16(56);
        out.put_u32(0);
        out.put_u32(self.body_bytes);
        out.put_u32(self.entry_count);
        out.put_u32(self.generation.run);
        out.put_u32(self.generation.turn);
        out.put_i64(self.sequence.cast_signed());
        out.put_i64(self.synced_sequence.cast_signed());
        out.put_u16(self.shard);
        out.put_u16(self.shard_count);
        out.put_i64(self.id.cast_signed());
        let mut bytes: [u8; FRAME_HEADER_BYTES] =
            out.try_into().expect("the fields add up to the header, checked at compile time");
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes[CRC_END..]);
        body.for_each(|slice| crc.update(slice));
        bytes[CRC_AT..CRC_END].copy_from_slice(&crc.finalize().to_be_bytes());
        bytes
    }

    /// The header and body of the frame at the front of `bytes`, if there is a whole one whose
    /// checksum holds.
    pub fn parse(bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
        let head = bytes.get(..FRAME_HEADER_BYTES)?;
        if head[..4] != FRAME_MAGIC {
            return None;
        }
        let (header, crc) = Self::fields(head).ok()?;
        let body_bytes = usize::try_from(header.body_bytes).ok()?;
        let end = FRAME_HEADER_BYTES.checked_add(body_bytes)?;
        let body = bytes.get(FRAME_HEADER_BYTES..end)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head[CRC_END..]);
        hasher.update(body);
        (hasher.finalize() == crc).then_some((header, body))
    }

    fn fields(head: &[u8]) -> Result<(FrameHeader, u32), DecodeError> {
        let mut reader = Reader::new(head);
        reader.take(4)?;
        let version = reader.u16()?;
        let known = [FRAME_VERSION, FRAME_VERSION_BEFORE].contains(&version);
        if !known || reader.u16()? != 56 {
            return Err(DecodeError::Value);
        }
        let crc = reader.u32()?;
        let body_bytes = reader.u32()?;
        let entry_count = reader.u32()?;
        let generation = Generation { run: reader.u32()?, turn: reader.u32()? };
        let sequence = reader.i64()?.cast_unsigned();
        let synced_sequence = reader.i64()?.cast_unsigned();
        let shard = reader.u16()?;
        let shard_count = reader.u16()?;
        let id = reader.i64()?.cast_unsigned();
        let header = FrameHeader {
            generation,
            sequence,
            synced_sequence,
            body_bytes,
            entry_count,
            shard,
            shard_count,
            id,
        };
        Ok((header, crc))
    }
}

/// What an entry says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// `length` bytes of the segment file at `position` follow.
    Data,
    /// Everything of the segment below `position` is on stable media in the segment itself.
    Durable,
    /// The partition's log start offset is `position` (a record offset here).
    LogStart,
    /// The partition's directory is not on stable media yet: the `length` bytes that follow are the
    /// name of its topic. In each frame with data of such a partition, before the data.
    Name,
}

impl EntryKind {
    const fn code(self) -> u16 {
        match self {
            EntryKind::Data => 1,
            EntryKind::Durable => 2,
            EntryKind::LogStart => 3,
            EntryKind::Name => 4,
        }
    }

    /// Whether bytes follow the entry's header.
    const fn has_bytes(self) -> bool {
        matches!(self, EntryKind::Data | EntryKind::Name)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntryHeader {
    pub kind: EntryKind,
    pub partition: TopicPartition,
    /// Base offset of the segment, which is also its file's name.
    pub segment: i64,
    pub position: u64,
    pub length: u32,
}

impl EntryHeader {
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.put_u16(self.kind.code());
        out.put_u16(0);
        out.put_i32(self.partition.partition);
        out.put_uuid(self.partition.topic_id);
        out.put_i64(self.segment);
        out.put_i64(self.position.cast_signed());
        out.put_u32(self.length);
        out.put_u32(0);
        assert_eq!(out.len() - start, ENTRY_HEADER_BYTES);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<EntryHeader, DecodeError> {
        let kind = match reader.u16()? {
            1 => EntryKind::Data,
            2 => EntryKind::Durable,
            3 => EntryKind::LogStart,
            4 => EntryKind::Name,
            _ => return Err(DecodeError::Value),
        };
        reader.u16()?;
        let partition = reader.i32()?;
        let topic_id: Uuid = reader.uuid()?;
        let segment = reader.i64()?;
        let position = reader.i64()?;
        let length = reader.u32()?;
        reader.u32()?;
        if partition < 0 || segment < 0 || position < 0 {
            return Err(DecodeError::Value);
        }
        let partition = TopicPartition { topic_id, partition };
        let position = position.cast_unsigned();
        Ok(EntryHeader { kind, partition, segment, position, length })
    }
}

/// The entries of a frame's body in order. Ends early, with an error, at one that makes no sense.
#[derive(Debug)]
pub struct Entries<'a> {
    reader: Reader<'a>,
    total: usize,
    failed: bool,
}

impl<'a> Entries<'a> {
    pub fn new(body: &'a [u8]) -> Entries<'a> {
        Entries { reader: Reader::new(body), total: body.len(), failed: false }
    }

    fn entry(&mut self) -> Result<(EntryHeader, usize, &'a [u8]), DecodeError> {
        let header = EntryHeader::decode(&mut self.reader)?;
        let at = self.total - self.reader.left();
        let length = if header.kind.has_bytes() { header.length } else { 0 };
        let bytes = self.reader.take(usize::try_from(length).map_err(|_| DecodeError::Length)?)?;
        Ok((header, at, bytes))
    }
}

impl<'a> Iterator for Entries<'a> {
    /// Header, position of the bytes within the body, the bytes.
    type Item = Result<(EntryHeader, usize, &'a [u8]), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.reader.left() == 0 {
            return None;
        }
        let entry = self.entry();
        self.failed = entry.is_err();
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (FrameHeader, Vec<u8>) {
        let partition =
            TopicPartition { topic_id: Uuid::from_bytes(*b"0123456789abcdef"), partition: 7 };
        let mut body = Vec::new();
        let data = EntryHeader {
            kind: EntryKind::Data,
            partition,
            segment: 1000,
            position: 4096,
            length: 5,
        };
        data.encode(&mut body);
        body.extend_from_slice(b"hello");
        let durable =
            EntryHeader { kind: EntryKind::Durable, partition, segment: 3, position: 9, length: 0 };
        durable.encode(&mut body);
        let name =
            EntryHeader { kind: EntryKind::Name, partition, segment: 0, position: 0, length: 2 };
        name.encode(&mut body);
        body.extend_from_slice(b"to");
        let header = FrameHeader {
            generation: Generation { run: 2, turn: 3 },
            sequence: 77,
            synced_sequence: 76,
            body_bytes: u32::try_from(body.len()).expect("small"),
            entry_count: 3,
            shard: 1,
            shard_count: 4,
            id: 0x0102_0304_0506_0708,
        };
        (header, body)
    }

    /// The bytes of format version 4. If this fails, old journals can no longer be read: add a
    /// version instead.
    #[test]
    fn golden_bytes() {
        let (header, body) = sample();
        let head = header.encode([&body[..10], &body[10..]].into_iter());
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(
            hex(&head),
            "544d4a3100040038322dc794000000970000000300000002000000030000\
             00000000004d000000000000004c000100040102030405060708"
                .replace(' ', "")
        );
        assert_eq!(
            hex(&body),
            "0001000000000007303132333435363738396162636465660000000000\
             0003e80000000000001000000000050000000068656c6c6f0002000000\
             00000730313233343536373839616263646566000000000000000300000\
             000000000090000000000000000000400000000000730313233343536373\
             8396162636465660000000000000000000000000000000000000002000000\
             00746f"
                .replace(' ', "")
        );
    }

    /// What brokers wrote before there were names.
    #[test]
    fn version_2_is_read() {
        let mut bytes = Vec::new();
        for pair in concat!(
            "544d4a31000200386e78be1300000065000000020000000200000003000000000000004d00000000",
            "0000004c000100040102030405060708",
            "0001000000000007303132333435363738396162636465660000000000",
            "0003e80000000000001000000000050000000068656c6c6f0002000000",
            "0000073031323334353637383961626364656600000000000000030000",
            "0000000000090000000000000000"
        )
        .as_bytes()
        .chunks(2)
        {
            let pair = std::str::from_utf8(pair).expect("digits");
            bytes.push(u8::from_str_radix(pair, 16).expect("digits"));
        }
        let (header, body) = FrameHeader::parse(&bytes).expect("a frame");
        assert_eq!((header.sequence, header.entry_count), (77, 2));
        assert!(Entries::new(body).all(|entry| entry.is_ok()));
    }

    #[test]
    fn round_trip_and_every_flipped_bit_is_seen() {
        let (header, body) = sample();
        let mut bytes = header.encode(std::iter::once(&body[..])).to_vec();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&[0; 9]);
        let (parsed, parsed_body) = FrameHeader::parse(&bytes).expect("what was encoded");
        assert_eq!((parsed, parsed_body), (header, &body[..]));
        let entries: Vec<_> =
            Entries::new(parsed_body).map(|entry| entry.expect("whole")).collect();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[2].2, b"to");
        assert_eq!((entries[0].1, entries[0].2), (ENTRY_HEADER_BYTES, &b"hello"[..]));
        for bit in 0..(FRAME_HEADER_BYTES + body.len()) * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(FrameHeader::parse(&bad).is_none(), "bit {bit}");
        }
        for cut in 0..FRAME_HEADER_BYTES + body.len() {
            assert!(FrameHeader::parse(&bytes[..cut]).is_none());
        }
    }

    #[test]
    fn entries_never_read_past_the_body() {
        let (_, body) = sample();
        for cut in 0..body.len() {
            let last = Entries::new(&body[..cut]).last();
            let two = 2 * ENTRY_HEADER_BYTES + 5;
            let whole = [0, ENTRY_HEADER_BYTES + 5, two].contains(&cut);
            assert_eq!(last.is_none_or(|entry| entry.is_ok()), whole, "cut {cut}");
        }
    }
}
