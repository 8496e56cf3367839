//! What generated message code is built from: the version in force, arrays that are either a view
//! of received bytes or items to send, and the traits of messages. Used by `net/wire` (requests
//! and responses) and `engine/state` (records of Kafka's internal topics). No I/O, any core.
//!
//! Decoding walks the bytes once, checks everything, and borrows; it allocates nothing. An
//! [`Array`] that came from bytes was checked to its end when it was made, so iterating it cannot
//! fail. The depth of nesting is fixed by the schema, never by the input.

use crate::Uuid;
use crate::codec::{DecodeError, Reader, Result, Write};
use crate::encoder::Encoder;
use std::fmt;
use std::marker::PhantomData;

/// The version a message is read or written in, and whether that version is flexible (KIP-482:
/// compact lengths and tagged fields).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version {
    pub number: i16,
    pub flexible: bool,
}

impl Version {
    /// `flexible_since` is `i16::MAX` for messages that have no flexible version.
    pub const fn new(number: i16, flexible_since: i16) -> Self {
        Version { number, flexible: number >= flexible_since }
    }
}

/// Something an array can hold, or a message: written by the generator, one for each structure.
pub trait Element<'a>: Sized {
    /// Size in bytes if it is the same for every value in every version; arrays of such elements
    /// are checked without a walk.
    const FIXED_BYTES: Option<usize> = None;

    /// Reads one element from the front of `reader`.
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self>;

    /// Appends one element. Failures stick to the encoder.
    fn write(&self, out: &mut Encoder, version: Version);
}

/// A top-level message of one kind in a range of versions.
pub trait Message<'a>: Element<'a> + Default {
    /// Kafka's name of the message, such as `FetchRequest`.
    const NAME: &'static str;
    /// Kafka's number: API key, record type or the version prefix of a coordinator key.
    const KEY: i16;
    const VERSION_MIN: i16;
    const VERSION_MAX: i16;
    /// First flexible version, `i16::MAX` if there is none.
    const FLEXIBLE_SINCE: i16;

    fn supports(version: i16) -> bool {
        (Self::VERSION_MIN..=Self::VERSION_MAX).contains(&version)
    }

    /// Reads a whole message; bytes left over are an error.
    fn decode(bytes: &'a [u8], version: i16) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let message = Self::decode_from(&mut reader, version)?;
        reader.finish()?;
        Ok(message)
    }

    /// Reads a message from the front of `reader`. Brokers read requests so, as Kafka does: there
    /// are clients that send more than the version has (librdkafka 2.16 in Metadata 13).
    fn decode_from(reader: &mut Reader<'a>, version: i16) -> Result<Self> {
        if !Self::supports(version) {
            return Err(DecodeError::Value);
        }
        Self::read(reader, Version::new(version, Self::FLEXIBLE_SINCE))
    }

    /// Appends the message without any header. Failures stick to the encoder.
    fn encode(&self, out: &mut Encoder, version: i16) {
        assert!(Self::supports(version), "{} has no version {version}", Self::NAME);
        self.write(out, Version::new(version, Self::FLEXIBLE_SINCE));
    }

    /// The message as bytes of its own, for records of internal topics and for tests.
    fn to_vec(&self, version: i16) -> std::result::Result<Vec<u8>, EncodeError> {
        let mut out = Encoder::new();
        self.encode(&mut out, version);
        out.into_vec()
    }
}

/// Why a message of ours could not be written in the version asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EncodeError {
    /// The field is set, and the version has no place for it.
    Unsupported { field: &'static str },
    /// The field is null where the version does not allow it.
    Null { field: &'static str },
    /// A string above 32767 bytes, a byte field or frame above 2^31-1, or as many array elements.
    TooLong,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::Unsupported { field } => {
                write!(f, "field {field} is set, but this version cannot carry it")
            }
            EncodeError::Null { field } => {
                write!(f, "field {field} is null, which this version does not allow")
            }
            EncodeError::TooLong => f.write_str("a field is too long for the protocol"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// An array of a message. Decoding makes a [`View`]; whoever builds a message to send gives owned
/// items or borrows a slice.
#[derive(Clone)]
pub enum Array<'a, T> {
    View(View<'a, T>),
    Borrowed(&'a [T]),
    Owned(Vec<T>),
}

/// Checked bytes of `count` elements: reading them again cannot fail.
pub struct View<'a, T> {
    bytes: &'a [u8],
    count: usize,
    version: Version,
    element: PhantomData<T>,
}

// By hand, for a derive would ask the element to be `Clone` and `Copy`.
impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<'_, T> {}

impl<'a, T: Element<'a>> View<'a, T> {
    fn read(reader: &mut Reader<'a>, version: Version, count: usize) -> Result<Self> {
        let start = *reader;
        if let Some(size) = T::FIXED_BYTES {
            reader.take(count.checked_mul(size).ok_or(DecodeError::Length)?)?;
        } else {
            // The count was checked against the bytes left, and each element takes at least one.
            for _ in 0..count {
                T::read(reader, version)?;
            }
        }
        let len = start.left() - reader.left();
        let bytes = start.rest().get(..len).ok_or(DecodeError::Truncated)?;
        Ok(View { bytes, count, version, element: PhantomData })
    }
}

impl<'a, T> Array<'a, T> {
    pub const EMPTY: Self = Array::Borrowed(&[]);

    pub fn len(&self) -> usize {
        match self {
            Array::View(view) => view.count,
            Array::Borrowed(items) => items.len(),
            Array::Owned(items) => items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Element<'a>> Array<'a, T> {
    /// Reads the elements of an array whose null is an error.
    pub fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Self::read_nullable(reader, version)?.ok_or(DecodeError::Length)
    }

    pub fn read_nullable(reader: &mut Reader<'a>, version: Version) -> Result<Option<Self>> {
        let count = if version.flexible {
            reader.compact_nullable_count()?
        } else {
            reader.nullable_count()?
        };
        match count {
            None => Ok(None),
            Some(count) => View::read(reader, version, count).map(|view| Some(Array::View(view))),
        }
    }

    /// Writes count and elements. A view is read again, so it may go out in another version than
    /// it came in.
    pub fn write(&self, out: &mut Encoder, version: Version) {
        out.put_array_count(version, Some(self.len()));
        match self {
            Array::View(view) => {
                for item in ViewIter::new(view) {
                    item.write(out, version);
                }
            }
            Array::Borrowed(items) => items.iter().for_each(|item| item.write(out, version)),
            Array::Owned(items) => items.iter().for_each(|item| item.write(out, version)),
        }
    }

    pub fn write_nullable(this: Option<&Self>, out: &mut Encoder, version: Version) {
        match this {
            None => out.put_array_count(version, None),
            Some(array) => array.write(out, version),
        }
    }
}

impl<'a, T: Element<'a> + Clone> Array<'a, T> {
    /// The elements by value: decoded one by one from a view, else cloned.
    pub fn iter(&self) -> Iter<'_, 'a, T> {
        match self {
            Array::View(view) => Iter::View(ViewIter::new(view)),
            Array::Borrowed(items) => Iter::Slice(items.iter()),
            Array::Owned(items) => Iter::Slice(items.iter()),
        }
    }
}

/// See [`Array::iter`].
pub enum Iter<'i, 'a, T> {
    View(ViewIter<'a, T>),
    Slice(std::slice::Iter<'i, T>),
}

pub struct ViewIter<'a, T> {
    reader: Reader<'a>,
    left: usize,
    version: Version,
    element: PhantomData<T>,
}

impl<'a, T> ViewIter<'a, T> {
    fn new(view: &View<'a, T>) -> Self {
        ViewIter {
            reader: Reader::new(view.bytes),
            left: view.count,
            version: view.version,
            element: PhantomData,
        }
    }
}

impl<'a, T: Element<'a>> Iterator for ViewIter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let item = T::read(&mut self.reader, self.version);
        Some(item.expect("the view was checked to its end when it was made"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: Element<'a> + Clone> Iterator for Iter<'_, 'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Iter::View(iter) => iter.next(),
            Iter::Slice(iter) => iter.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Iter::View(iter) => iter.size_hint(),
            Iter::Slice(iter) => iter.size_hint(),
        }
    }
}

impl<'a, T: Element<'a> + Clone> ExactSizeIterator for Iter<'_, 'a, T> {}

impl<'i, 'a, T: Element<'a> + Clone> IntoIterator for &'i Array<'a, T> {
    type Item = T;
    type IntoIter = Iter<'i, 'a, T>;

    fn into_iter(self) -> Iter<'i, 'a, T> {
        self.iter()
    }
}

impl<T> Default for Array<'_, T> {
    fn default() -> Self {
        Array::Owned(Vec::new())
    }
}

impl<T> From<Vec<T>> for Array<'_, T> {
    fn from(items: Vec<T>) -> Self {
        Array::Owned(items)
    }
}

impl<'a, T> From<&'a [T]> for Array<'a, T> {
    fn from(items: &'a [T]) -> Self {
        Array::Borrowed(items)
    }
}

impl<T> FromIterator<T> for Array<'_, T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Array::Owned(items.into_iter().collect())
    }
}

impl<'a, T: Element<'a> + Clone + PartialEq> PartialEq for Array<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Element<'a> + Clone + fmt::Debug> fmt::Debug for Array<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

macro_rules! fixed {
    ($($type:ty, $bytes:literal, $read:ident, $write:ident;)*) => {$(
        impl<'a> Element<'a> for $type {
            const FIXED_BYTES: Option<usize> = Some($bytes);

            fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
                reader.$read()
            }

            fn write(&self, out: &mut Encoder, _: Version) {
                out.$write(*self);
            }
        }
    )*};
}

fixed! {
    bool, 1, bool, put_bool;
    i8, 1, i8, put_i8;
    i16, 2, i16, put_i16;
    u16, 2, u16, put_u16;
    i32, 4, i32, put_i32;
    u32, 4, u32, put_u32;
    i64, 8, i64, put_i64;
    f64, 8, f64, put_f64;
    Uuid, 16, uuid, put_uuid;
}

impl<'a> Element<'a> for &'a str {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        read_text(reader, version)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_text(version, Some(self));
    }
}

impl<'a> Element<'a> for &'a [u8] {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        read_blob(reader, version)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_blob(version, Some(self));
    }
}

/// A string in the form of the version.
pub fn read_text<'a>(reader: &mut Reader<'a>, version: Version) -> Result<&'a str> {
    if version.flexible { reader.compact_string() } else { reader.string() }
}

/// A string or null in the form of the version.
pub fn read_nullable_text<'a>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<Option<&'a str>> {
    if version.flexible { reader.compact_nullable_string() } else { reader.nullable_string() }
}

/// Bytes in the form of the version.
pub fn read_blob<'a>(reader: &mut Reader<'a>, version: Version) -> Result<&'a [u8]> {
    if version.flexible { reader.compact_bytes() } else { reader.bytes() }
}

/// Bytes or null in the form of the version.
pub fn read_nullable_blob<'a>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<Option<&'a [u8]>> {
    if version.flexible { reader.compact_nullable_bytes() } else { reader.nullable_bytes() }
}

/// A structure that may be null: a signed byte goes before it, negative for null.
pub fn read_nullable_element<'a, T: Element<'a>>(
    reader: &mut Reader<'a>,
    version: Version,
) -> Result<Option<T>> {
    if reader.i8()? < 0 { Ok(None) } else { T::read(reader, version).map(Some) }
}

/// The counterpart of [`read_nullable_element`].
pub fn write_nullable_element<'a, T: Element<'a>>(
    value: Option<&T>,
    out: &mut Encoder,
    version: Version,
) {
    match value {
        None => out.put_i8(-1),
        Some(value) => {
            out.put_i8(1);
            value.write(out, version);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Array, Element, Version};
    use crate::codec::{DecodeError, Reader};
    use crate::encoder::Encoder;

    const PLAIN: Version = Version::new(0, i16::MAX);
    const COMPACT: Version = Version::new(9, 9);

    fn round_trip<'a, T>(items: &[T], version: Version, buffer: &'a mut Vec<u8>) -> Array<'a, T>
    where
        T: Element<'a> + Clone + PartialEq + std::fmt::Debug,
    {
        let mut out = Encoder::new();
        Array::Owned(items.to_vec()).write(&mut out, version);
        *buffer = out.into_vec().expect("short");
        let mut reader = Reader::new(buffer);
        let array = Array::<T>::read(&mut reader, version).expect("just written");
        reader.finish().expect("all read");
        assert_eq!(array, Array::Owned(items.to_vec()));
        array
    }

    #[test]
    fn views_give_back_what_was_written() {
        for version in [PLAIN, COMPACT] {
            round_trip(&[1i32, -1, i32::MAX], version, &mut Vec::new());
            let mut buffer = Vec::new();
            let array = round_trip(&["", "a", "Gr\u{fc}\u{df}e"], version, &mut buffer);
            assert_eq!(array.iter().collect::<Vec<_>>(), ["", "a", "Gr\u{fc}\u{df}e"]);
            assert_eq!(format!("{array:?}"), "[\"\", \"a\", \"Gr\u{fc}\u{df}e\"]");
        }
    }

    #[test]
    fn a_view_may_leave_in_another_version() {
        let mut buffer = Vec::new();
        let array = round_trip(&["x", "y"], PLAIN, &mut buffer);
        let mut out = Encoder::new();
        array.write(&mut out, COMPACT);
        assert_eq!(out.into_vec().expect("short"), [3, 2, b'x', 2, b'y']);
    }

    #[test]
    fn counts_are_refused_before_the_walk() {
        fn check(bytes: &[u8], version: Version, expected: DecodeError) {
            let refused = Array::<i64>::read(&mut Reader::new(bytes), version);
            assert_eq!(refused.err(), Some(expected), "{bytes:?}");
        }
        check(&[0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0], PLAIN, DecodeError::Truncated);
        // Eight bytes are left for two elements of eight bytes.
        check(&[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0], PLAIN, DecodeError::Truncated);
        check(&[0xFF, 0xFF, 0xFF, 0xFF], PLAIN, DecodeError::Length);
        check(&[0], COMPACT, DecodeError::Length);
        check(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], COMPACT, DecodeError::Truncated);
    }
}
