//! Walks batches that lie one after another: a segment, a piece of one, a fetched record set.
//! Called by the log's recovery and fetch, consumers of internal topics, the command line. Checks
//! structure only; checksums are the caller's choice ([`BatchHeader::check_crc`]).

use crate::error::BatchError;
use crate::header::BatchHeader;

/// Iterates over whole batches. Ends silently at a tail that is not a batch yet, see
/// [`Batches::tail`]; damage is yielded once, as the last item.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    position: usize,
    tail: Option<Tail>,
}

/// What lies after the last whole batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// Nothing: the bytes end with a batch.
    Clean,
    /// The beginning of a batch of `need` bytes (of the header, if not even that is whole), of
    /// which `have` are there. Normal at the end of a fetch, and of a write that was cut short.
    Incomplete { have: usize, need: usize },
    /// Only zero bytes: space that was reserved and not written yet.
    Zeros { bytes: usize },
    /// Something that is no batch. The iterator yielded the error.
    Damage,
}

impl<'a> Batches<'a> {
    pub fn new(bytes: &'a [u8]) -> Batches<'a> {
        Batches { bytes, position: 0, tail: None }
    }

    /// Bytes consumed: the end of the last batch that was yielded.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What follows the last batch, once the iterator has ended.
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    fn classify(&mut self, rest: &[u8], error: BatchError) -> Option<BatchError> {
        let tail = match &error {
            BatchError::Incomplete { .. } | BatchError::Length(0) if is_zero(rest) => {
                Tail::Zeros { bytes: rest.len() }
            }
            BatchError::Incomplete { have, need } => Tail::Incomplete { have: *have, need: *need },
            _ => Tail::Damage,
        };
        self.tail = Some(tail);
        (tail == Tail::Damage).then_some(error)
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(BatchHeader, &'a [u8]), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.tail.is_some() {
            return None;
        }
        let rest = &self.bytes[self.position..];
        if rest.is_empty() {
            self.tail = Some(Tail::Clean);
            return None;
        }
        let header = match BatchHeader::parse(rest) {
            Ok(header) => header,
            Err(error) => return self.classify(rest, error).map(Err),
        };
        let need = header.bytes_len();
        let Some(batch) = rest.get(..need) else {
            let error = BatchError::Incomplete { have: rest.len(), need };
            return self.classify(rest, error).map(Err);
        };
        self.position += need;
        assert!(self.position <= self.bytes.len());
        Some(Ok((header, batch)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Batches, Tail};
    use crate::error::BatchError;
    use crate::header::HEADER_BYTES;
    use crate::tests::golden;

    fn check(bytes: &[u8], count: usize, tail: Tail, error: Option<BatchError>) {
        let mut batches = Batches::new(bytes);
        let mut seen = 0;
        let mut found = None;
        for item in &mut batches {
            match item {
                Ok((header, batch)) => {
                    assert_eq!(header.bytes_len(), batch.len());
                    seen += batch.len();
                }
                Err(error) => found = Some(error),
            }
        }
        assert_eq!(seen, batches.position());
        assert_eq!(seen, count * golden::NONE.len());
        assert_eq!(batches.tail(), Some(tail));
        assert_eq!(found, error);
        assert!(batches.next().is_none(), "stays ended");
    }

    #[test]
    fn tails_are_told_apart() {
        let one = golden::NONE;
        let two = [one, one].concat();
        check(b"", 0, Tail::Clean, None);
        check(&two, 2, Tail::Clean, None);
        for cut in 1..one.len() {
            let need = if cut < HEADER_BYTES { HEADER_BYTES } else { one.len() };
            let bytes = &two[..one.len() + cut];
            // The golden batch starts with the zeros of its base offset and length.
            if bytes[one.len()..].iter().all(|byte| *byte == 0) {
                check(bytes, 1, Tail::Zeros { bytes: cut }, None);
            } else {
                check(bytes, 1, Tail::Incomplete { have: cut, need }, None);
            }
        }
        for zeros in [1, 12, 17, 4096] {
            let bytes = [one, &vec![0; zeros]].concat();
            check(&bytes, 1, Tail::Zeros { bytes: zeros }, None);
        }
    }

    #[test]
    fn damage_is_yielded_once() {
        let one = golden::NONE;
        let hole = [one, &[0; 4096], one].concat();
        check(&hole, 1, Tail::Damage, Some(BatchError::Length(0)));
        let mut magic = [one, one].concat();
        magic[one.len() + 16] = 9;
        check(&magic, 1, Tail::Damage, Some(BatchError::Magic(9)));
        let mut length = one.to_vec();
        length[8] = 0x80;
        check(&length, 0, Tail::Damage, Some(BatchError::Length(i32::MIN + 0x5B)));
    }
}
