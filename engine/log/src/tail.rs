//! The end of one segment in memory: chunks that lie one after another in the segment's file. A chunk
//! is at once write buffer, tail cache and send buffer. Pure; owned by [`Segment`](crate::segment).
//! Invariant: chunks start on multiples of [`DMA_ALIGN`] in the file, all but the last are full, and
//! what was appended never changes, so that device, sockets and readers may share it.

use bytes::Bytes;
use engine_io::{Chunk, DMA_ALIGN};
use std::collections::VecDeque;
use std::ops::Range;

/// [`DMA_ALIGN`] as a file position.
const ALIGN: u64 = 4096;

const _: () = assert!(DMA_ALIGN == 4096);

pub(crate) fn align_down(position: u64) -> u64 {
    position / ALIGN * ALIGN
}

pub(crate) fn align_up(position: u64) -> u64 {
    position.next_multiple_of(ALIGN)
}

pub(crate) fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("addresses have 64 bits")
}

pub(crate) fn to_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("addresses have 64 bits")
}

#[derive(Debug)]
pub(crate) struct Tail {
    /// Position in the file of each chunk, and the chunk.
    chunks: VecDeque<(u64, Chunk)>,
    /// Logical size of the segment.
    end: u64,
    /// When there is no chunk: the bytes of the last block that is not full, which the next chunk
    /// must begin with.
    stub: Vec<u8>,
}

impl Tail {
    /// The tail of a segment of `end` bytes; `stub` is what its last, partial block holds, or nothing
    /// if the segment is sealed.
    pub fn new(end: u64, stub: Vec<u8>) -> Tail {
        assert!(stub.is_empty() || to_u64(stub.len()) == end - align_down(end));
        Tail { chunks: VecDeque::new(), end, stub }
    }

    pub fn end(&self) -> u64 {
        self.end
    }

    /// From here to the end everything is in memory.
    pub fn start(&self) -> u64 {
        self.chunks.front().map_or(self.end, |(start, _)| *start)
    }

    /// Bytes that fit without another chunk.
    pub fn spare(&self) -> usize {
        self.chunks.back().map_or(0, |(_, chunk)| chunk.spare())
    }

    /// Bytes a new chunk loses to the last block's beginning.
    pub fn stub_bytes(&self) -> usize {
        if self.chunks.is_empty() { self.stub.len() } else { 0 }
    }

    /// Appends `bytes`, which must fit the spare bytes of the last chunk and all of `fresh`. Chunks
    /// not needed stay in `fresh`.
    pub fn append(&mut self, bytes: &[u8], fresh: &mut VecDeque<Chunk>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.spare() == 0 {
                self.open_chunk(fresh.pop_front().expect("the caller brought enough chunks"));
            }
            let (_, chunk) = self.chunks.back_mut().expect("just opened");
            let count = rest.len().min(chunk.spare());
            chunk.append(&rest[..count]);
            rest = &rest[count..];
            self.end += to_u64(count);
        }
    }

    fn open_chunk(&mut self, mut chunk: Chunk) {
        assert!(chunk.is_empty());
        if self.chunks.is_empty() {
            chunk.append(&self.stub);
            self.stub.clear();
            self.stub.shrink_to_fit();
            let start = self.end - to_u64(chunk.len());
            assert_eq!(start, align_down(start));
            self.chunks.push_back((start, chunk));
        } else {
            assert_eq!(self.end % ALIGN, 0, "only a full chunk is followed by another");
            self.chunks.push_back((self.end, chunk));
        }
    }

    /// The chunk that holds `position`, which must be in memory.
    fn find(&self, position: u64) -> usize {
        assert!(position >= self.start());
        self.chunks.partition_point(|(start, _)| *start <= position) - 1
    }

    /// Calls `each` with the slices of `range` in order. The range must be in memory.
    pub fn slices<'a>(&'a self, range: Range<u64>, mut each: impl FnMut(&'a [u8])) {
        assert!(range.end <= self.end);
        let mut position = range.start;
        if position == range.end {
            return;
        }
        let mut index = self.find(position);
        while position < range.end {
            let (start, chunk) = &self.chunks[index];
            let from = to_usize(position - start);
            let to = chunk.len().min(to_usize(range.end - start));
            each(&chunk.bytes()[from..to]);
            position = start + to_u64(to);
            index += 1;
        }
    }

    /// Shared views of `range`, which must be in memory.
    pub fn share(&self, range: Range<u64>, out: &mut Vec<Bytes>) {
        assert!(range.end <= self.end);
        let mut position = range.start;
        if position == range.end {
            return;
        }
        let mut index = self.find(position);
        while position < range.end {
            let (start, chunk) = &self.chunks[index];
            let from = to_usize(position - start);
            let to = chunk.len().min(to_usize(range.end - start));
            out.push(chunk.share(from..to));
            position = start + to_u64(to);
            index += 1;
        }
    }

    /// Copies the bytes from `position` on as far as there are any; returns how many. `position`
    /// must be in memory or the end.
    pub fn copy(&self, position: u64, out: &mut [u8]) -> usize {
        let count = out.len().min(to_usize(self.end - position));
        let mut done = 0;
        self.slices(position..position + to_u64(count), |slice| {
            out[done..done + slice.len()].copy_from_slice(slice);
            done += slice.len();
        });
        count
    }

    /// Lets go of the first chunk if all of it lies below `clean`, the end of what the file holds.
    /// Returns whether it did.
    pub fn evict_first(&mut self, clean: u64) -> bool {
        let Some((start, chunk)) = self.chunks.front() else { return false };
        let chunk_end = start + to_u64(chunk.len());
        if chunk_end > clean {
            return false;
        }
        if self.chunks.len() == 1 {
            let from = to_usize(align_down(self.end) - start);
            self.stub = chunk.bytes()[from..].to_vec();
        }
        self.chunks.pop_front();
        true
    }

    /// The start of the first chunk, if there is one.
    pub fn first_chunk(&self) -> Option<u64> {
        self.chunks.front().map(|(start, _)| *start)
    }

    /// Where the chunks from `position` on start.
    pub fn chunk_starts(&self, position: u64) -> impl Iterator<Item = u64> {
        let first = self.chunks.partition_point(|(start, _)| *start < position);
        self.chunks.range(first..).map(|(start, _)| *start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_io::{Arena, ChunkClass};

    #[test]
    fn appends_span_chunks_and_survive_eviction() {
        let arena = Arena::new(1 << 20);
        let mut tail = Tail::new(5000, vec![7; 904]);
        assert_eq!(tail.start(), 5000);
        let mut fresh: VecDeque<Chunk> =
            (0..4).map(|_| arena.chunk(ChunkClass::K16).expect("room")).collect();
        let data: Vec<u8> = (0..40_000u32).map(|i| i.to_le_bytes()[0]).collect();
        tail.append(&data, &mut fresh);
        assert_eq!((tail.start(), tail.end(), fresh.len()), (4096, 45_000, 1));
        let mut copy = vec![0; 50_000];
        assert_eq!(tail.copy(5000, &mut copy), 40_000);
        assert_eq!(copy[..40_000], data);
        let mut shared = Vec::new();
        tail.share(4996..45_000, &mut shared);
        assert_eq!(shared.len(), 3);
        assert_eq!(shared.concat()[..4], [7; 4]);
        assert_eq!(shared.concat()[4..], data);
        assert!(!tail.evict_first(20_479));
        assert!(tail.evict_first(20_480));
        assert_eq!(tail.start(), 20_480);
        assert!(tail.evict_first(45_000) && tail.evict_first(45_000) && !tail.evict_first(45_000));
        assert_eq!(tail.start(), 45_000);
        assert_eq!(tail.stub, data[40_000 - tail.stub.len()..]);
        tail.append(b"more", &mut fresh);
        assert_eq!(tail.start(), align_down(45_000));
        let mut again = [0; 4];
        tail.copy(45_000, &mut again);
        assert_eq!(&again, b"more");
    }
}
