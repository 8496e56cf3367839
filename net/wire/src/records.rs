//! The field that carries record batches: the one part of a message whose size matters. Read as a
//! slice of the frame; written by reference, never copied, from memory that is shared with the
//! log's chunks.

use bytes::Bytes;
use engine_base::codec::{Reader, Result};
use engine_base::encoder::Encoder;
use engine_base::message::{Version, read_nullable_blob};
use std::fmt;

#[derive(Clone, Default)]
pub enum Records<'a> {
    #[default]
    Null,
    /// Part of a frame that was received. Writing it copies; to pass it on without a copy, take
    /// `frame.slice_ref(slice)` of the `Bytes` it lies in.
    Slice(&'a [u8]),
    /// One piece of shared memory.
    Shared(Bytes),
    /// Pieces of shared memory, sent one behind the other.
    Segments(Vec<Bytes>),
}

impl<'a> Records<'a> {
    pub fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        Ok(read_nullable_blob(reader, version)?.map_or(Records::Null, Records::Slice))
    }

    pub fn write(&self, out: &mut Encoder, version: Version) {
        match self {
            Records::Null => out.put_blob_len(version, None),
            Records::Slice(slice) => out.put_blob(version, Some(slice)),
            Records::Shared(bytes) => {
                out.put_blob_len(version, Some(bytes.len()));
                out.append(bytes.clone());
            }
            Records::Segments(segments) => {
                out.put_blob_len(version, Some(self.len()));
                for segment in segments {
                    out.append(segment.clone());
                }
            }
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Records::Null)
    }

    /// Size in bytes; null has none.
    pub fn len(&self) -> usize {
        match self {
            Records::Null => 0,
            Records::Slice(slice) => slice.len(),
            Records::Shared(bytes) => bytes.len(),
            Records::Segments(segments) => segments.iter().map(Bytes::len).sum(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was received, `None` for null. Only decoded records are one slice of a frame.
    pub fn slice(&self) -> Option<&'a [u8]> {
        match self {
            Records::Slice(slice) => Some(slice),
            _ => None,
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &u8> {
        let (slice, segments): (&[u8], &[Bytes]) = match self {
            Records::Null => (&[], &[]),
            Records::Slice(slice) => (slice, &[]),
            Records::Shared(bytes) => (bytes, &[]),
            Records::Segments(segments) => (&[], segments),
        };
        slice.iter().chain(segments.iter().flatten())
    }
}

/// Equal bytes are equal, however they are held; null differs from empty.
impl PartialEq for Records<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is_null() == other.is_null()
            && self.len() == other.len()
            && self.pieces().eq(other.pieces())
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Records::Null => f.write_str("null"),
            records => write!(f, "{} bytes", records.len()),
        }
    }
}

impl From<Bytes> for Records<'_> {
    fn from(bytes: Bytes) -> Self {
        Records::Shared(bytes)
    }
}

impl From<Vec<Bytes>> for Records<'_> {
    fn from(segments: Vec<Bytes>) -> Self {
        Records::Segments(segments)
    }
}

#[cfg(test)]
mod tests {
    use super::Records;
    use bytes::Bytes;

    #[test]
    fn equality_is_of_bytes() {
        let parts = vec![Bytes::from_static(b"ab"), Bytes::new(), Bytes::from_static(b"c")];
        assert_eq!(Records::Slice(b"abc"), Records::from(parts.clone()));
        assert_eq!(Records::Slice(b"abc"), Records::from(Bytes::from_static(b"abc")));
        assert_ne!(Records::Slice(b"abd"), Records::from(parts));
        assert_ne!(Records::Slice(b""), Records::Null);
        assert_eq!(Records::Slice(b""), Records::from(Vec::new()));
    }
}
