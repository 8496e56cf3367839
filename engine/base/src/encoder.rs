//! Where messages are written to: one growing buffer for everything small, plus references to
//! payload that is already in memory. Payload is never copied. Lives on the core that answers.
//!
//! All bytes that were put lie in one contiguous buffer; a payload is remembered as a cut, the
//! position in that buffer before which it belongs. So a length written earlier can be filled in
//! later, and an answer without payload costs one buffer. The first failure sticks, writing goes
//! on harmlessly, and whoever finishes learns of it: generated code needs no error paths.

use crate::codec::Write;
use crate::message::{EncodeError, Version};
use bytes::{Bytes, BytesMut};

/// Kafka's limit of a string in bytes, in both the plain and the compact form.
pub const TEXT_BYTES_MAX: usize = 32_767;

#[derive(Debug, Default)]
pub struct Encoder {
    buffer: BytesMut,
    cuts: Vec<Cut>,
    shared_bytes: usize,
    failure: Option<EncodeError>,
}

#[derive(Debug)]
struct Cut {
    position: usize,
    payload: Bytes,
}

impl Encoder {
    pub fn new() -> Self {
        Encoder::default()
    }

    /// Writes into `buffer`, behind whatever capacity it has; it must be empty.
    pub fn with_buffer(buffer: BytesMut) -> Self {
        assert!(buffer.is_empty());
        Encoder { buffer, ..Encoder::default() }
    }

    /// Bytes written so far, payload included.
    pub fn len(&self) -> usize {
        self.buffer.len() + self.shared_bytes
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a payload by reference.
    pub fn append(&mut self, payload: Bytes) {
        if payload.is_empty() {
            return;
        }
        self.shared_bytes += payload.len();
        self.cuts.push(Cut { position: self.buffer.len(), payload });
    }

    /// Notes a failure; only the first is kept.
    pub fn fail(&mut self, failure: EncodeError) {
        self.failure.get_or_insert(failure);
    }

    /// A field is set that the version has no place for.
    pub fn unsupported(&mut self, field: &'static str) {
        self.fail(EncodeError::Unsupported { field });
    }

    /// A field is null where the version does not allow it.
    pub fn null(&mut self, field: &'static str) {
        self.fail(EncodeError::Null { field });
    }

    /// A string in the form of the version.
    pub fn put_text(&mut self, version: Version, text: Option<&str>) {
        if text.is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            return self.fail(EncodeError::TooLong);
        }
        if version.flexible {
            self.put_compact_nullable_string(text);
        } else {
            self.put_nullable_string(text);
        }
    }

    /// Bytes in the form of the version.
    pub fn put_blob(&mut self, version: Version, blob: Option<&[u8]>) {
        self.put_blob_len(version, blob.map(<[u8]>::len));
        self.put(blob.unwrap_or_default());
    }

    /// The length in front of a byte field whose content the caller appends.
    pub fn put_blob_len(&mut self, version: Version, len: Option<usize>) {
        // Lengths of bytes and counts of elements have the same two forms.
        self.put_array_count(version, len);
    }

    /// The count in front of an array, `None` for null.
    pub fn put_array_count(&mut self, version: Version, count: Option<usize>) {
        if count.is_some_and(|count| i32::try_from(count).is_err()) {
            return self.fail(EncodeError::TooLong);
        }
        if version.flexible {
            self.put_compact_nullable_count(count);
        } else {
            self.put_nullable_count(count);
        }
    }

    /// One tagged field: tag, size and what `content` writes. Payload may not be appended inside.
    pub fn put_tagged(&mut self, tag: u32, content: impl FnOnce(&mut Self)) {
        self.put_unsigned_varint(tag);
        // One byte is reserved for the size, which nearly always suffices.
        let size_at = self.buffer.len();
        let cuts = self.cuts.len();
        self.put_i8(0);
        content(self);
        assert_eq!(self.cuts.len(), cuts, "payload inside of a tagged field");
        let start = size_at + 1;
        let size = self.buffer.len() - start;
        match u8::try_from(size) {
            Ok(byte) if byte < 0x80 => {
                self.patch(size_at, &[byte]);
            }
            _ => self.widen_size(size_at, size),
        }
    }

    /// Moves the content of a tagged field back by what its size takes above one byte.
    fn widen_size(&mut self, size_at: usize, size: usize) {
        let Ok(size) = u32::try_from(size) else {
            return self.fail(EncodeError::TooLong);
        };
        let mut encoded = Vec::with_capacity(5);
        encoded.put_unsigned_varint(size);
        let end = self.buffer.len();
        self.buffer.resize(end + encoded.len() - 1, 0);
        self.buffer.copy_within(size_at + 1..end, size_at + encoded.len());
        self.patch(size_at, &encoded);
    }

    fn patch(&mut self, position: usize, bytes: &[u8]) {
        let range = position..position + bytes.len();
        let target = self.buffer.get_mut(range).expect("the place was reserved before");
        target.copy_from_slice(bytes);
    }

    /// Reserves the four bytes of a frame's length; [`Encoder::end_frame`] fills them in. One
    /// encoder may hold several frames one after the other.
    pub fn begin_frame(&mut self) -> Frame {
        let frame = Frame { position: self.buffer.len(), len_before: self.len() };
        self.put_i32(0);
        frame
    }

    pub fn end_frame(&mut self, frame: Frame) {
        let len = self.len() - frame.len_before - size_of::<i32>();
        match i32::try_from(len) {
            Ok(len) => self.patch(frame.position, &len.to_be_bytes()),
            Err(_) => self.fail(EncodeError::TooLong),
        }
    }

    /// Takes what was written as parts in order, and leaves the encoder empty, ready for more, in
    /// what is left of its buffer. After a failure nothing is handed out.
    pub fn take(&mut self, mut part: impl FnMut(Bytes)) -> Result<(), EncodeError> {
        let written = self.buffer.split();
        self.shared_bytes = 0;
        if let Some(failure) = self.failure.take() {
            self.cuts.clear();
            return Err(failure);
        }
        let mut written = written.freeze();
        let mut position = 0;
        for cut in self.cuts.drain(..) {
            if cut.position > position {
                part(written.split_to(cut.position - position));
                position = cut.position;
            }
            part(cut.payload);
        }
        if !written.is_empty() {
            part(written);
        }
        Ok(())
    }

    /// Everything in one vector, payload copied: for small messages and tests.
    pub fn into_vec(mut self) -> Result<Vec<u8>, EncodeError> {
        let mut all = Vec::with_capacity(self.len());
        self.take(|part| all.extend_from_slice(&part))?;
        Ok(all)
    }
}

/// An open frame, see [`Encoder::begin_frame`].
#[derive(Debug)]
#[must_use]
pub struct Frame {
    position: usize,
    len_before: usize,
}

impl Write for Encoder {
    fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::Encoder;
    use crate::codec::{Reader, Write};
    use crate::message::{EncodeError, Version};
    use bytes::Bytes;

    const PLAIN: Version = Version::new(0, i16::MAX);

    #[test]
    fn payload_goes_out_by_reference_and_counts_in_the_frame() {
        let payload = Bytes::from(vec![7u8; 1000]);
        let mut out = Encoder::new();
        for _ in 0..2 {
            let frame = out.begin_frame();
            out.put_i16(1);
            out.append(payload.clone());
            out.put_i16(2);
            out.end_frame(frame);
        }
        let mut parts = Vec::new();
        out.take(|part| parts.push(part)).expect("no failure");
        assert_eq!(parts.len(), 5, "the end of one frame and the start of the next are one part");
        assert_eq!(parts[1].as_ptr(), payload.as_ptr());
        let all: Vec<u8> = parts.iter().flatten().copied().collect();
        let mut reader = Reader::new(&all);
        for _ in 0..2 {
            assert_eq!(reader.i32(), Ok(1004));
            reader.take(1004).expect("the frame");
        }
        reader.finish().expect("nothing else");
        assert!(out.is_empty());
    }

    #[test]
    fn sizes_of_tagged_fields_grow_as_needed() {
        for size in [0usize, 1, 127, 128, 129, 16_383, 16_384, 70_000] {
            let mut out = Encoder::new();
            out.put_unsigned_varint(1);
            out.put_tagged(3, |out| out.put(&vec![9; size]));
            out.put_i8(5);
            let bytes = out.into_vec().expect("no failure");
            let mut reader = Reader::new(&bytes);
            let mut seen = None;
            reader
                .tagged_fields(|tag, content| {
                    seen = Some((tag, content.left()));
                    Ok(())
                })
                .expect("well formed");
            assert_eq!(seen, Some((3, size)));
            assert_eq!(reader.i8(), Ok(5));
        }
    }

    #[test]
    fn the_first_failure_sticks_until_taken() {
        let mut out = Encoder::new();
        out.put_text(PLAIN, Some(&"x".repeat(32_768)));
        out.unsupported("later");
        assert_eq!(out.take(|_| panic!("nothing to hand out")), Err(EncodeError::TooLong));
        out.put_text(PLAIN, Some("ok"));
        assert_eq!(out.into_vec().as_deref(), Ok(&[0, 2, b'o', b'k'][..]));
    }
}
