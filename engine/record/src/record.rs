//! Records as borrowed views of a batch's record section. Called by validation, offset search, the
//! coordinators that replay internal topics, the command line. Nothing is allocated per record;
//! a record that an iterator yields is fully checked, headers included.
//! Source: Kafka's `DefaultRecord`; stricter in one point: a negative length other than -1 is an
//! error here and null there.

use crate::compress::{self, Codec, CodecError};
use crate::error::{BatchError, RecordFlaw};
use crate::header::{BatchHeader, HEADER_BYTES, TimestampType};
use engine_base::Offset;
use engine_base::codec::{DecodeError, Reader};
use std::borrow::Cow;

/// One record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub offset: Offset,
    /// Milliseconds since the epoch; -1 is none. The broker's clock if the batch says so.
    pub timestamp: i64,
    /// The offset minus the batch's base offset.
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
}

/// One header of a record. The key is UTF-8 by convention only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// The headers of one record, in order. Already checked: iteration cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    reader: Reader<'a>,
    count: usize,
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.count = self.count.checked_sub(1)?;
        read_header(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// Iterates over an uncompressed record section. Yields an error at most once, as the last item:
/// a malformed record, or bytes that are left after the last record.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    reader: Reader<'a>,
    base_offset: i64,
    base_timestamp: i64,
    append_time: Option<i64>,
    index: i32,
    count: i32,
}

impl<'a> Records<'a> {
    /// `section` is what follows the header, decompressed if `header` names a codec.
    pub fn new(header: &BatchHeader, section: &'a [u8]) -> Records<'a> {
        let append_time = match header.timestamp_type() {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(header.max_timestamp),
        };
        Records {
            reader: Reader::new(section),
            base_offset: header.base_offset.0,
            base_timestamp: header.base_timestamp,
            append_time,
            index: 0,
            count: header.record_count.max(0),
        }
    }

    /// The next record if it is as most are: short fields, no headers. `None` says nothing: the
    /// iterator does.
    #[inline(always)]
    pub(crate) fn next_plain(&mut self) -> Option<PlainRecord> {
        if self.index == self.count {
            return None;
        }
        let bytes = self.reader.rest();
        let mut at = 0;
        let declared = short(bytes, &mut at)?;
        let end = at + usize::try_from(declared).ok()?;
        let (body, rest) = bytes.split_at_checked(end)?;
        at += 1;
        let timestamp_delta = i64::from(short(body, &mut at)?);
        let offset_delta = short(body, &mut at)?;
        let key_len = short(body, &mut at)?;
        at += short_len(key_len)?;
        let value_len = short(body, &mut at)?;
        at += short_len(value_len)?;
        if body.get(at..)? != [0] {
            return None;
        }
        self.reader = Reader::new(rest);
        self.index += 1;
        let created = self.base_timestamp.wrapping_add(timestamp_delta);
        let timestamp = self.append_time.unwrap_or(created);
        Some(PlainRecord { timestamp, offset_delta, has_key: key_len >= 0 })
    }

    #[cold]
    fn fail(&mut self, flaw: RecordFlaw) -> Option<Result<Record<'a>, BatchError>> {
        let error = BatchError::Record { index: self.index, flaw };
        self.reader = Reader::new(&[]);
        self.index = self.count;
        Some(Err(error))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.index == self.count {
            return match self.reader.left() {
                0 => None,
                left => self.fail(RecordFlaw::Trailing(left)),
            };
        }
        let body = match read_body(&mut self.reader) {
            Ok(body) => body,
            Err(flaw) => return self.fail(flaw),
        };
        self.index += 1;
        let created = self.base_timestamp.wrapping_add(body.timestamp_delta);
        Some(Ok(Record {
            offset: Offset(self.base_offset.wrapping_add(i64::from(body.offset_delta))),
            timestamp: self.append_time.unwrap_or(created),
            offset_delta: body.offset_delta,
            key: body.key,
            value: body.value,
            headers: body.headers,
        }))
    }
}

/// What validation asks of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainRecord {
    pub timestamp: i64,
    pub offset_delta: i32,
    pub has_key: bool,
}

impl From<Record<'_>> for PlainRecord {
    fn from(record: Record<'_>) -> PlainRecord {
        let Record { timestamp, offset_delta, key, .. } = record;
        PlainRecord { timestamp, offset_delta, has_key: key.is_some() }
    }
}

/// A varint of at most two bytes.
#[inline(always)]
fn short(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let first = u32::from(*bytes.get(*at)?);
    *at += 1;
    let mut raw = first;
    if first >= 0x80 {
        let second = u32::from(*bytes.get(*at)?);
        *at += 1;
        if second >= 0x80 {
            return None;
        }
        raw = first & 0x7F | second << 7;
    }
    Some((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
}

#[inline(always)]
fn short_len(len: i32) -> Option<usize> {
    if len == -1 { Some(0) } else { usize::try_from(len).ok() }
}

struct Body<'a> {
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    headers: Headers<'a>,
}

#[inline]
fn read_body<'a>(reader: &mut Reader<'a>) -> Result<Body<'a>, RecordFlaw> {
    let declared = usize::try_from(reader.varint()?).map_err(|_| DecodeError::Length)?;
    let mut body = Reader::new(reader.take(declared)?);
    // The attributes of a record have no meaning yet, so any value is accepted, as in Kafka.
    body.i8()?;
    let timestamp_delta = body.varlong()?;
    let offset_delta = body.varint()?;
    let key = read_bytes(&mut body)?;
    let value = read_bytes(&mut body)?;
    let header_count = body.varint()?;
    let count = usize::try_from(header_count)
        .ok()
        .filter(|count| *count <= body.left())
        .ok_or(RecordFlaw::HeaderCount(header_count))?;
    let headers = Headers { reader: body, count };
    for _ in 0..count {
        read_header(&mut body)?;
    }
    match body.left() {
        0 => Ok(Body { timestamp_delta, offset_delta, key, value, headers }),
        left => Err(RecordFlaw::BodyLength { declared, left }),
    }
}

fn read_header<'a>(reader: &mut Reader<'a>) -> Result<Header<'a>, DecodeError> {
    let key = read_bytes(reader)?.ok_or(DecodeError::Length)?;
    Ok(Header { key, value: read_bytes(reader)? })
}

/// Bytes with a signed varint of length; -1 is null.
#[inline]
fn read_bytes<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, DecodeError> {
    match reader.varint()? {
        -1 => Ok(None),
        len => {
            let len = usize::try_from(len).map_err(|_| DecodeError::Length)?;
            reader.take(len).map(Some)
        }
    }
}

/// A batch opened for reading: borrows the batch if it is uncompressed, else owns its records.
#[derive(Clone, Debug)]
pub struct BatchRecords<'a> {
    header: BatchHeader,
    section: Cow<'a, [u8]>,
}

impl BatchRecords<'_> {
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    pub fn iter(&self) -> Records<'_> {
        Records::new(&self.header, &self.section)
    }
}

impl<'a> IntoIterator for &'a BatchRecords<'_> {
    type Item = Result<Record<'a>, BatchError>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// Opens the whole batch `batch`; its records may take `bytes_max` bytes when decompressed. The
/// checksum is not checked: whoever brought the bytes into memory did that.
pub fn records_of(batch: &[u8], bytes_max: usize) -> Result<BatchRecords<'_>, BatchError> {
    let header = whole(batch)?;
    let section = &batch[HEADER_BYTES..];
    let section = match header.codec()? {
        Codec::None => Cow::Borrowed(section),
        codec => Cow::Owned(open(codec, section, bytes_max)?),
    };
    Ok(BatchRecords { header, section })
}

/// The header of `batch`, which must be exactly one batch.
pub(crate) fn whole(batch: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = BatchHeader::parse(batch)?;
    let need = header.bytes_len();
    if batch.len() < need {
        return Err(BatchError::Incomplete { have: batch.len(), need });
    }
    if batch.len() > need {
        return Err(BatchError::Trailing(batch.len() - need));
    }
    Ok(header)
}

/// The records of a compressed section.
pub(crate) fn open(codec: Codec, section: &[u8], bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    let mut records = Vec::new();
    open_into(codec, section, bytes_max, &mut records)?;
    Ok(records)
}

/// Appends the records of a compressed section to `out`.
pub(crate) fn open_into(
    codec: Codec,
    section: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), BatchError> {
    compress::decompress(codec, section, bytes_max, out).map_err(|error| match error {
        CodecError::Damaged => BatchError::Compressed,
        CodecError::TooLarge => BatchError::Bomb { bytes_max },
    })
}

#[cfg(test)]
mod tests {
    use super::{Header, PlainRecord, Records};
    use crate::build::{BatchBuilder, BatchOptions};
    use crate::error::BatchError;
    use crate::header::{BatchHeader, HEADER_BYTES};

    type Seen = (Vec<(i64, i32, bool)>, Option<BatchError>);

    fn walk(header: &BatchHeader, section: &[u8], plain: bool) -> (Seen, usize) {
        let mut records = Records::new(header, section);
        let (mut seen, mut plain_count) = (Vec::new(), 0);
        loop {
            let record = match plain.then(|| records.next_plain()).flatten() {
                Some(record) => {
                    plain_count += 1;
                    record
                }
                None => match records.next() {
                    Some(Ok(record)) => PlainRecord::from(record),
                    Some(Err(error)) => return ((seen, Some(error)), plain_count),
                    None => return ((seen, None), plain_count),
                },
            };
            seen.push((record.timestamp, record.offset_delta, record.has_key));
        }
    }

    #[test]
    fn the_short_way_sees_what_the_long_way_sees_and_nothing_that_is_wrong() {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        let long = [7; 9000];
        let headers = [Header { key: b"trace", value: None }];
        for round in 0..3i64 {
            builder.append(1_000 - round * 5_000, None, Some(b""), &[]);
            builder.append(1_000 + round, Some(b"key"), Some(&long[..100]), &[]);
            builder.append(1_000 + round * 100_000, Some(b""), None, &[]);
            builder.append(1_000, Some(b"key"), Some(&long[..70]), &headers);
            builder.append(1_000, None, Some(&long), &[]);
        }
        let batch = builder.finish();
        let header = BatchHeader::parse(&batch).expect("built");
        let mut section = batch[HEADER_BYTES..].to_vec();
        let (seen, plain_count) = walk(&header, &section, true);
        assert_eq!((seen, 0), walk(&header, &section, false));
        assert!((6..15).contains(&plain_count), "both ways are gone: {plain_count}");
        for at in 0..section.len() {
            for bits in [0x01, 0x80, 0xFF] {
                section[at] ^= bits;
                let (seen, _) = walk(&header, &section, true);
                assert_eq!(seen, walk(&header, &section, false).0, "byte {at} with {bits:#x}");
                section[at] ^= bits;
            }
        }
        for len in 0..section.len() {
            let (seen, _) = walk(&header, &section[..len], true);
            assert_eq!(seen, walk(&header, &section[..len], false).0, "{len} bytes");
        }
    }
}
