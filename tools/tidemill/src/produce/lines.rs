//! Cuts input into records at a delimiter, without copying: exactly the bytes between delimiters,
//! and what follows the last one unless it is nothing.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::time::Duration;

/// Read at once, in bytes.
const READ_BYTES: usize = 1 << 20;
/// Longest record, in bytes: beyond, the delimiter is surely wrong.
pub const RECORD_BYTES_MAX: usize = 256 << 20;

/// Input that can say whether bytes are there.
pub trait Source: Read {
    /// Waits until a read would not block, or for `limit`; whether it would not.
    fn wait(&self, limit: Duration) -> io::Result<bool>;
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// A record, at this place of the buffer until the next call.
    Record(Range<usize>),
    /// Nothing came within the time given.
    Idle,
    End,
}

/// Owned by the feed, one per input.
#[derive(Debug)]
pub struct Lines<S> {
    source: S,
    delimiter: Vec<u8>,
    buffer: Vec<u8>,
    /// Read and not yet given out.
    pending: Range<usize>,
    /// Bytes of `pending` known to hold no delimiter.
    searched: usize,
    ended: bool,
    reads: u64,
}

impl<S: Source> Lines<S> {
    pub fn new(source: S, delimiter: &[u8]) -> Lines<S> {
        assert!(!delimiter.is_empty());
        Lines {
            source,
            delimiter: delimiter.to_vec(),
            buffer: Vec::new(),
            pending: 0..0,
            searched: 0,
            ended: false,
            reads: 0,
        }
    }

    /// The bytes of a record that [`Lines::next`] just found.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// How often the source was read: time passes only there.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// The next record. With `patience`, gives up waiting for input after that time.
    pub fn next(&mut self, patience: Option<Duration>) -> io::Result<Found> {
        loop {
            if let Some(end) = self.find() {
                let record = self.pending.start..end;
                self.pending.start = end + self.delimiter.len();
                self.searched = 0;
                return Ok(Found::Record(record));
            }
            if self.ended {
                let record = self.pending.clone();
                self.pending.start = record.end;
                self.searched = 0;
                return Ok(if record.is_empty() { Found::End } else { Found::Record(record) });
            }
            if let Some(limit) = patience
                && !self.source.wait(limit)?
            {
                return Ok(Found::Idle);
            }
            self.fill()?;
        }
    }

    /// Where the next delimiter starts.
    fn find(&mut self) -> Option<usize> {
        let last = *self.delimiter.last().expect("not empty");
        let start = self.pending.start;
        loop {
            let mut rest = &self.buffer[start + self.searched..self.pending.end];
            // The one search of the standard library that is vectorised.
            let skipped = rest.skip_until(last).unwrap_or(0);
            self.searched += skipped;
            let seen = &self.buffer[start..start + self.searched];
            if skipped == 0 || seen.last() != Some(&last) {
                return None;
            }
            if seen.ends_with(&self.delimiter) {
                return Some(start + self.searched - self.delimiter.len());
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let kept = self.pending.len();
        if kept > RECORD_BYTES_MAX {
            let limit = RECORD_BYTES_MAX >> 20;
            let text = format!("no delimiter within {limit} MiB, is --delimiter right?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        self.buffer.copy_within(self.pending.clone(), 0);
        self.pending = 0..kept;
        let room = READ_BYTES.max(kept);
        if self.buffer.len() < kept + room {
            self.buffer.resize(kept + room, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[kept..]) {
                Ok(count) => {
                    self.reads += 1;
                    self.ended = count == 0;
                    self.pending.end += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Lines, Source};
    use std::collections::VecDeque;
    use std::io::{self, Read};
    use std::time::Duration;

    /// Gives its pieces one read at a time; an empty piece is a pause.
    struct Pieces(VecDeque<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let piece = self.0.pop_front().unwrap_or_default();
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    impl Source for Pieces {
        fn wait(&self, _: Duration) -> io::Result<bool> {
            Ok(self.0.front().is_none_or(|piece| !piece.is_empty()))
        }
    }

    fn split(pieces: &[&str], delimiter: &str) -> Vec<String> {
        let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        let mut lines = Lines::new(Pieces(pieces), delimiter.as_bytes());
        let mut out = Vec::new();
        loop {
            match lines.next(Some(Duration::ZERO)).expect("memory") {
                Found::Record(range) => {
                    out.push(String::from_utf8(lines.bytes(range).to_vec()).expect("text"));
                }
                Found::Idle => {
                    lines.source.0.pop_front();
                    out.push("(idle)".to_owned());
                }
                Found::End => return out,
            }
        }
    }

    #[test]
    fn records_are_exact() {
        let check = |pieces: &[&str], delimiter: &str, expected: &[&str]| {
            assert_eq!(split(pieces, delimiter), expected, "{pieces:?} by {delimiter:?}");
        };
        check(&[], "\n", &[]);
        check(&["\n"], "\n", &[""]);
        check(&["a\nb\n"], "\n", &["a", "b"]);
        check(&["a\nb"], "\n", &["a", "b"]);
        check(&["a\r\n\nb"], "\n", &["a\r", "", "b"]);
        check(&["a", "b", "\nc"], "\n", &["ab", "c"]);
        check(&["a--b-c--"], "--", &["a", "b-c"]);
        check(&["a-", "-b-", "c"], "--", &["a", "b-c"]);
        check(&["a---b"], "--", &["a", "-b"]);
        check(&["a\n", "", "b"], "\n", &["a", "(idle)", "b"]);
    }

    #[test]
    fn long_records_grow_the_buffer() {
        let long = "x".repeat(700_000);
        let pieces = [long.as_str(), long.as_str(), long.as_str(), long.as_str(), "\ny"];
        let found = split(&pieces, "\n");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].len(), found[1].as_str()), (2_800_000, "y"));
    }
}
