//! What goes to a socket: parts in order, small ones made by the encoder, large ones shared with
//! the log. Owned by the connection until they are sent.

use bytes::Bytes;
use engine_base::encoder::Encoder;
use engine_base::message::EncodeError;
use smallvec::SmallVec;

/// Parts to be sent one behind the other, for a vectored send. Answers without records are one.
#[derive(Clone, Debug, Default)]
pub struct Segments {
    parts: SmallVec<[Bytes; 3]>,
    bytes: usize,
}

impl Segments {
    /// Takes all that was written, leaving the encoder empty for more in the rest of its buffer.
    pub fn take(out: &mut Encoder) -> Result<Self, EncodeError> {
        let mut segments = Segments::default();
        out.take(|part| segments.push(part))?;
        Ok(segments)
    }

    pub fn push(&mut self, part: Bytes) {
        self.bytes += part.len();
        self.parts.push(part);
    }

    /// Appends what is to be sent after this.
    pub fn extend(&mut self, later: Segments) {
        self.bytes += later.bytes;
        self.parts.extend(later.parts);
    }

    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// Size in bytes over all parts.
    pub fn len(&self) -> usize {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// A copy in one piece, for tests and tools.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.bytes);
        for part in &self.parts {
            all.extend_from_slice(part);
        }
        all
    }
}

impl IntoIterator for Segments {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 3]>;

    fn into_iter(self) -> Self::IntoIter {
        self.parts.into_iter()
    }
}
