//! Primitives of Kafka's wire encoding, over bytes already in memory. Shared by the request codec
//! (`net/wire`), the record batch (`engine/record`) and the records of Kafka's internal topics
//! (`engine/state`). Every read is checked against the bytes left; nothing here allocates on the
//! strength of a count from outside. Source: Kafka's protocol guide, `ByteUtils`, KIP-482.

use crate::Uuid;
use std::fmt;

/// Why bytes could not be decoded. All are the peer's or the disk's fault, none is ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The input ended inside a field.
    Truncated,
    /// A variable-length number was longer than its type allows.
    Varint,
    /// A length or count was negative where null is not allowed, or larger than the bytes left.
    Length,
    /// A string was not UTF-8.
    Utf8,
    /// Bytes were left over after the last field.
    Trailing,
    /// A field held a value that its type does not have.
    Value,
    /// More array items, tagged fields and text than the reader was limited to.
    TooMuch,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Truncated => "input ends inside a field",
            DecodeError::Varint => "variable-length number too long",
            DecodeError::Length => "length or count out of range",
            DecodeError::Utf8 => "string is not utf-8",
            DecodeError::Trailing => "bytes left over after the last field",
            DecodeError::Value => "field holds an impossible value",
            DecodeError::TooMuch => "more items than one message may hold",
        })
    }
}

impl std::error::Error for DecodeError {}

pub type Result<T> = std::result::Result<T, DecodeError>;

/// What one item of an array, or one tagged field, takes from the allowance of a reader, in bytes.
pub const ITEM_WEIGHT: usize = 64;

/// Reads fields from the front of a byte slice. Cheap to copy: a copy is a bookmark.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// What items and texts may still weigh.
    allowance: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, allowance: usize::MAX }
    }

    /// A reader that refuses bytes which weigh more than `allowance`: [`ITEM_WEIGHT`] for each item
    /// of an array and each tagged field, and one for each byte of a text. An item may take a single
    /// byte of input and much more memory of whoever works on it; blobs are only ever borrowed.
    pub fn limited(bytes: &'a [u8], allowance: usize) -> Self {
        Reader { bytes, allowance }
    }

    /// What is left of the allowance.
    pub fn allowance(&self) -> usize {
        self.allowance
    }

    fn spend(&mut self, weight: usize) -> Result<()> {
        self.allowance = self.allowance.checked_sub(weight).ok_or(DecodeError::TooMuch)?;
        Ok(())
    }

    /// Takes the weight of an array's items, all at once.
    fn items(&mut self, count: usize) -> Result<usize> {
        self.spend(count.saturating_mul(ITEM_WEIGHT))?;
        Ok(count)
    }

    /// Bytes not yet read.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes not yet read, without reading them.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.bytes.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.bytes = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.bytes = tail;
        Ok(*head)
    }

    pub fn i8(&mut self) -> Result<i8> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    /// Kafka reads any non-zero byte as true.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.i8()? != 0)
    }

    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn f64(&mut self) -> Result<f64> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    pub fn uuid(&mut self) -> Result<Uuid> {
        Ok(Uuid::from_bytes(self.array()?))
    }

    /// Unsigned LEB128 of at most 5 bytes and 32 bits.
    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        // Most have one or two bytes.
        match *self.bytes {
            [first, ref rest @ ..] if first < 0x80 => {
                self.bytes = rest;
                Ok(u32::from(first))
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.bytes = rest;
                Ok(u32::from(first & 0x7F) | u32::from(second) << 7)
            }
            _ => self.long_unsigned_varint(),
        }
    }

    fn long_unsigned_varint(&mut self) -> Result<u32> {
        let mut value = 0u32;
        for shift in [0u32, 7, 14, 21, 28] {
            let byte = self.u8()?;
            let bits = u32::from(byte & 0x7F);
            if shift == 28 && byte > 0x0F {
                return Err(DecodeError::Varint);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Varint)
    }

    /// Zigzag-encoded signed varint of 32 bits, as in records.
    #[inline]
    pub fn varint(&mut self) -> Result<i32> {
        let raw = self.unsigned_varint()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// Zigzag-encoded signed varint of 64 bits, as in records.
    #[inline]
    pub fn varlong(&mut self) -> Result<i64> {
        match *self.bytes {
            [first, ref rest @ ..] if first < 0x80 => {
                self.bytes = rest;
                let raw = i64::from(first);
                Ok((raw >> 1) ^ -(raw & 1))
            }
            _ => self.long_varlong(),
        }
    }

    fn long_varlong(&mut self) -> Result<i64> {
        let mut raw = 0u64;
        for index in 0..10u32 {
            let byte = self.u8()?;
            if index == 9 && byte > 1 {
                return Err(DecodeError::Varint);
            }
            raw |= u64::from(byte & 0x7F) << (7 * index);
            if byte & 0x80 == 0 {
                return Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed());
            }
        }
        Err(DecodeError::Varint)
    }

    /// A length that is not null and not more than the bytes left.
    fn len(&self, len: i64) -> Result<usize> {
        let len = usize::try_from(len).map_err(|_| DecodeError::Length)?;
        if len > self.bytes.len() { Err(DecodeError::Truncated) } else { Ok(len) }
    }

    /// Nullable bytes with a 32-bit length; -1 is null.
    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Ok(None),
            len => {
                let len = self.len(i64::from(len))?;
                self.take(len).map(Some)
            }
        }
    }

    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        self.nullable_bytes()?.ok_or(DecodeError::Length)
    }

    /// Nullable bytes with an unsigned varint of length + 1; 0 is null.
    pub fn compact_nullable_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        match self.unsigned_varint()? {
            0 => Ok(None),
            n => {
                let len = self.len(i64::from(n) - 1)?;
                self.take(len).map(Some)
            }
        }
    }

    pub fn compact_bytes(&mut self) -> Result<&'a [u8]> {
        self.compact_nullable_bytes()?.ok_or(DecodeError::Length)
    }

    pub fn nullable_string(&mut self) -> Result<Option<&'a str>> {
        match self.i16()? {
            -1 => Ok(None),
            len => {
                let len = self.len(i64::from(len))?;
                self.utf8(len).map(Some)
            }
        }
    }

    pub fn string(&mut self) -> Result<&'a str> {
        self.nullable_string()?.ok_or(DecodeError::Length)
    }

    pub fn compact_nullable_string(&mut self) -> Result<Option<&'a str>> {
        match self.unsigned_varint()? {
            0 => Ok(None),
            n => {
                let len = self.len(i64::from(n) - 1)?;
                if len > 0x7FFF {
                    return Err(DecodeError::Length);
                }
                self.utf8(len).map(Some)
            }
        }
    }

    pub fn compact_string(&mut self) -> Result<&'a str> {
        self.compact_nullable_string()?.ok_or(DecodeError::Length)
    }

    fn utf8(&mut self, len: usize) -> Result<&'a str> {
        self.spend(len)?;
        std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::Utf8)
    }

    /// The count of a nullable array. Every element of every Kafka array takes at least one byte,
    /// so a count above the bytes left is refused here, before anyone reserves memory for it.
    pub fn nullable_count(&mut self) -> Result<Option<usize>> {
        match self.i32()? {
            -1 => Ok(None),
            count => {
                let count = self.len(i64::from(count))?;
                self.items(count).map(Some)
            }
        }
    }

    /// The count of a nullable array in the compact form (count + 1, 0 is null).
    pub fn compact_nullable_count(&mut self) -> Result<Option<usize>> {
        match self.unsigned_varint()? {
            0 => Ok(None),
            n => {
                let count = self.len(i64::from(n) - 1)?;
                self.items(count).map(Some)
            }
        }
    }

    /// Skips a tagged field section whose tags the caller does not know. Tags must rise.
    pub fn skip_tagged_fields(&mut self) -> Result<()> {
        self.tagged_fields(|_, _| Ok(()))
    }

    /// Walks a tagged field section: `visit(tag, content)` for each, in rising order of tag.
    pub fn tagged_fields(
        &mut self,
        mut visit: impl FnMut(u32, Reader<'a>) -> Result<()>,
    ) -> Result<()> {
        let count = self.unsigned_varint()?;
        self.items(usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut previous: Option<u32> = None;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            if previous.is_some_and(|previous| tag <= previous) {
                return Err(DecodeError::Value);
            }
            previous = Some(tag);
            let len = self.unsigned_varint()?;
            let len = self.len(i64::from(len))?;
            // No tagged field of a request holds an array, so its weight is not given back here.
            visit(tag, Reader { bytes: self.take(len)?, allowance: self.allowance })?;
        }
        Ok(())
    }

    /// An error unless every byte was read.
    pub fn finish(&self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// Appends Kafka's primitives to a growing byte vector.
pub trait Write {
    fn put(&mut self, bytes: &[u8]);

    fn put_i8(&mut self, value: i8) {
        self.put(&value.to_be_bytes());
    }
    fn put_bool(&mut self, value: bool) {
        self.put_i8(i8::from(value));
    }
    fn put_i16(&mut self, value: i16) {
        self.put(&value.to_be_bytes());
    }
    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }
    fn put_i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }
    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }
    fn put_i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }
    fn put_f64(&mut self, value: f64) {
        self.put(&value.to_be_bytes());
    }
    fn put_uuid(&mut self, value: Uuid) {
        self.put(value.as_bytes());
    }
    fn put_unsigned_varint(&mut self, mut value: u32) {
        let mut buffer = [0u8; 5];
        let mut len = 0;
        loop {
            let bits = (value & 0x7F) as u8;
            value >>= 7;
            buffer[len] = if value == 0 { bits } else { bits | 0x80 };
            len += 1;
            if value == 0 {
                break;
            }
        }
        self.put(&buffer[..len]);
    }
    fn put_varint(&mut self, value: i32) {
        self.put_unsigned_varint(((value << 1) ^ (value >> 31)).cast_unsigned());
    }
    fn put_varlong(&mut self, value: i64) {
        let mut raw = ((value << 1) ^ (value >> 63)).cast_unsigned();
        let mut buffer = [0u8; 10];
        let mut len = 0;
        loop {
            let bits = (raw & 0x7F) as u8;
            raw >>= 7;
            buffer[len] = if raw == 0 { bits } else { bits | 0x80 };
            len += 1;
            if raw == 0 {
                break;
            }
        }
        self.put(&buffer[..len]);
    }

    fn put_nullable_string(&mut self, value: Option<&str>) {
        match value {
            None => self.put_i16(-1),
            Some(text) => {
                self.put_i16(i16::try_from(text.len()).expect("our strings are below 32 KiB"));
                self.put(text.as_bytes());
            }
        }
    }
    fn put_string(&mut self, value: &str) {
        self.put_nullable_string(Some(value));
    }
    fn put_compact_nullable_string(&mut self, value: Option<&str>) {
        self.put_compact_nullable_bytes(value.map(str::as_bytes));
    }
    fn put_compact_string(&mut self, value: &str) {
        self.put_compact_nullable_string(Some(value));
    }
    fn put_nullable_bytes(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.put_i32(-1),
            Some(bytes) => {
                self.put_i32(i32::try_from(bytes.len()).expect("our fields are below 2 GiB"));
                self.put(bytes);
            }
        }
    }
    fn put_bytes(&mut self, value: &[u8]) {
        self.put_nullable_bytes(Some(value));
    }
    fn put_compact_nullable_bytes(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.put_unsigned_varint(0),
            Some(bytes) => {
                let len = u32::try_from(bytes.len()).expect("our fields are below 2 GiB");
                self.put_unsigned_varint(len + 1);
                self.put(bytes);
            }
        }
    }
    fn put_compact_bytes(&mut self, value: &[u8]) {
        self.put_compact_nullable_bytes(Some(value));
    }
    fn put_nullable_count(&mut self, count: Option<usize>) {
        self.put_i32(count.map_or(-1, |n| i32::try_from(n).expect("our arrays are below 2^31")));
    }
    fn put_compact_nullable_count(&mut self, count: Option<usize>) {
        self.put_unsigned_varint(
            count.map_or(0, |n| u32::try_from(n).expect("our arrays are below 2^31") + 1),
        );
    }
}

impl Write for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
