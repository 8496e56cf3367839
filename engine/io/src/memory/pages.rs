//! Bytes of a simulated file in pages of 4 KiB that are shared until changed, and the set of blocks
//! a file occupies. Plain data; used by [`inode`](super::inode) only.

use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) const PAGE_BYTES: u64 = 4096;
pub(super) const SECTOR_BYTES: usize = 512;
/// One bit per sector of a page, the lowest for the first.
pub(super) const ALL_SECTORS: u8 = 0xff;

pub(super) type Page = [u8; 4096];

/// Index into a page.
fn within(position: u64) -> usize {
    usize::try_from(position % PAGE_BYTES).expect("below a page")
}

/// The bits of the sectors that `start..end` (bytes within a page) touches.
pub(super) fn sector_mask(start: usize, end: usize) -> u8 {
    let mut mask = 0;
    for sector in start / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
        mask |= 1 << sector;
    }
    mask
}

/// Splits a byte range into pieces that lie in one page: (page, start in page, range in the data).
pub(super) fn pieces(
    position: u64,
    len: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = position + u64::try_from(done).expect("memory is smaller than 2^64");
        let start = within(at);
        let count = (len - done).min(4096 - start);
        let piece = (at / PAGE_BYTES, start, done..done + count);
        done += count;
        Some(piece)
    })
}

/// Sparse content: what is not there reads as zeros.
#[derive(Clone, Default, Debug)]
pub(super) struct Pages(BTreeMap<u64, Rc<Page>>);

impl Pages {
    pub fn get(&self, index: u64) -> Option<&Rc<Page>> {
        self.0.get(&index)
    }

    pub fn read(&self, position: u64, buffer: &mut [u8]) {
        for (index, start, range) in pieces(position, buffer.len()) {
            let target = &mut buffer[range];
            match self.0.get(&index) {
                Some(page) => target.copy_from_slice(&page[start..start + target.len()]),
                None => target.fill(0),
            }
        }
    }

    /// Overwrites a part of one page and returns the page as it is now.
    pub fn write_piece(&mut self, index: u64, start: usize, data: &[u8]) -> Rc<Page> {
        if let Ok(whole) = Page::try_from(data) {
            let page = Rc::new(whole);
            self.0.insert(index, page.clone());
            return page;
        }
        let page = self.0.entry(index).or_insert_with(|| Rc::new([0; 4096]));
        Rc::make_mut(page)[start..start + data.len()].copy_from_slice(data);
        page.clone()
    }

    /// Takes over the sectors of `mask` from `source`.
    pub fn set_sectors(&mut self, index: u64, source: &Rc<Page>, mask: u8) {
        if mask == ALL_SECTORS {
            self.0.insert(index, source.clone());
            return;
        }
        let page = self.0.entry(index).or_insert_with(|| Rc::new([0; 4096]));
        let page = Rc::make_mut(page);
        for sector in 0..8 {
            if mask & (1 << sector) != 0 {
                let range = sector * SECTOR_BYTES..(sector + 1) * SECTOR_BYTES;
                page[range.clone()].copy_from_slice(&source[range]);
            }
        }
    }

    /// Makes page `index` equal to the one of `other`, hole or not.
    pub fn copy_page(&mut self, index: u64, other: &Pages) {
        match other.0.get(&index) {
            Some(page) => self.0.insert(index, page.clone()),
            None => self.0.remove(&index),
        };
    }

    /// Everything from byte `len` on reads as zeros.
    pub fn truncate(&mut self, len: u64) {
        self.0.split_off(&len.div_ceil(PAGE_BYTES));
        let rest = within(len);
        if rest > 0
            && let Some(page) = self.0.get_mut(&(len / PAGE_BYTES))
        {
            Rc::make_mut(page)[rest..].fill(0);
        }
    }

    /// Flips the bits of `mask` in one byte.
    pub fn flip(&mut self, position: u64, mask: u8) {
        let page = self.0.entry(position / PAGE_BYTES).or_insert_with(|| Rc::new([0; 4096]));
        Rc::make_mut(page)[within(position)] ^= mask;
    }
}

/// A set of block numbers as merged ranges.
#[derive(Clone, Default, Debug)]
pub(super) struct Blocks {
    /// Start to end (exclusive); ranges neither overlap nor touch.
    ranges: BTreeMap<u64, u64>,
    count: u64,
}

impl Blocks {
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many of `start..end` are in the set.
    pub fn covered(&self, start: u64, end: u64) -> u64 {
        let mut covered = 0;
        let before = self.ranges.range(..=start).next_back();
        let first = before.map_or(start, |(&first, _)| first);
        for (&from, &to) in self.ranges.range(first..end.max(first)) {
            covered += to.min(end).saturating_sub(from.max(start));
        }
        covered
    }

    pub fn insert(&mut self, start: u64, end: u64) {
        if start >= end || self.covered(start, end) == end - start {
            return;
        }
        self.count += end - start - self.covered(start, end);
        let (mut start, mut end) = (start, end);
        while let Some((&from, &to)) = self.ranges.range(..=end).next_back() {
            if to < start {
                break;
            }
            start = start.min(from);
            end = end.max(to);
            self.ranges.remove(&from);
        }
        self.ranges.insert(start, end);
    }

    /// Keeps only blocks below `end`.
    pub fn truncate(&mut self, end: u64) {
        let cut = self.ranges.split_off(&end);
        self.count -= cut.iter().map(|(from, to)| to - from).sum::<u64>();
        if let Some(mut last) = self.ranges.last_entry()
            && *last.get() > end
        {
            self.count -= *last.get() - end;
            *last.get_mut() = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Pages, sector_mask};

    #[test]
    fn blocks_merge_and_count() {
        let mut blocks = Blocks::default();
        blocks.insert(10, 20);
        blocks.insert(30, 40);
        assert_eq!((blocks.count(), blocks.covered(0, 100)), (20, 20));
        assert_eq!(blocks.covered(15, 35), 10);
        blocks.insert(20, 25);
        blocks.insert(24, 31);
        assert_eq!((blocks.count(), blocks.ranges.len()), (30, 1));
        blocks.insert(12, 14);
        blocks.insert(5, 50);
        assert_eq!((blocks.count(), blocks.ranges.len()), (45, 1));
        blocks.truncate(7);
        assert_eq!((blocks.count(), blocks.covered(0, 100)), (2, 2));
        blocks.truncate(0);
        assert_eq!(blocks.count(), 0);
    }

    #[test]
    fn blocks_agree_with_a_naive_set() {
        let mut random = super::super::random::Random::new(7);
        let mut blocks = Blocks::default();
        let mut naive = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            let start = random.below(60);
            let end = start + random.below(9);
            if random.chance(100_000) {
                blocks.truncate(start);
                naive.retain(|&block| block < start);
            } else {
                blocks.insert(start, end);
                naive.extend(start..end);
            }
            assert_eq!(blocks.count(), u64::try_from(naive.len()).expect("small"));
            let probe = random.below(60);
            let covered = u64::try_from(naive.range(probe..probe + 7).count()).expect("small");
            assert_eq!(blocks.covered(probe, probe + 7), covered);
        }
    }

    #[test]
    fn pages_are_sparse_and_truncate_zeroes() {
        let mut pages = Pages::default();
        pages.write_piece(1, 4090, b"abcdef");
        pages.write_piece(2, 0, b"gh");
        let mut buffer = [9; 10];
        pages.read(8185, &mut buffer);
        assert_eq!(&buffer, b"\0abcdefgh\0");
        pages.truncate(8188);
        pages.read(8185, &mut buffer);
        assert_eq!(&buffer, b"\0ab\0\0\0\0\0\0\0");
        assert_eq!([sector_mask(0, 1), sector_mask(511, 513), sector_mask(0, 4096)], [1, 3, 255]);
    }
}
