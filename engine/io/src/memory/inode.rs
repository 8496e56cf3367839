//! One simulated file on two levels: what reads see now, and what stable media hold. In between lie
//! versions: for each page written since it was last made durable, its content after each write and
//! the sectors that write touched. A power cut picks among them. Resizes are kept in order like a
//! journal. Owned by [`disk`](super::disk); no clock, no chance but what the caller passes in.

use super::pages::{Blocks, PAGE_BYTES, Page, Pages, pieces, sector_mask};
use super::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Undurable versions remembered per page. Beyond: one is folded into its successor, which only
/// makes fewer outcomes of a power cut possible, never an illegal one.
const VERSIONS_PER_PAGE_MAX: usize = 8;
/// Undurable resizes remembered per file; beyond, as above.
const RESIZES_MAX: usize = 64;

/// A page as it was after one write.
struct Version {
    /// The write, numbered in the order of completion over the whole disk.
    id: u64,
    page: Rc<Page>,
    /// The sectors that differ from stable media because of this write.
    mask: u8,
}

#[derive(Clone, Copy)]
enum Resize {
    Extend(u64),
    Truncate(u64),
}

/// What one sync will make durable: the state of the file when it started.
pub(super) struct Capture {
    up_to: u64,
    pages: Vec<(u64, Rc<Page>)>,
}

/// What became of one write at a power cut.
#[derive(Clone, Copy)]
enum Fate {
    Lost,
    Kept,
    /// Each sector for itself.
    Torn,
}

/// How a power cut treats what is not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerCut {
    /// Each write is lost, kept or torn; the mix of the three differs from cut to cut.
    Random,
    /// Nothing that was not durable survives.
    AllLost,
    /// Everything survives.
    AllKept,
}

/// The mix of one power cut.
pub(super) struct Dice<'a> {
    pub random: &'a mut Random,
    lost_per_million: u32,
    torn_per_million: u32,
}

impl<'a> Dice<'a> {
    pub fn new(cut: PowerCut, random: &'a mut Random) -> Self {
        let (lost_per_million, torn_per_million) = match cut {
            PowerCut::AllLost => (1_000_000, 0),
            PowerCut::AllKept => (0, 0),
            PowerCut::Random => {
                let choices = [0, 100_000, 500_000, 900_000];
                (choices[random.index(4)], choices[random.index(4)])
            }
        };
        Dice { random, lost_per_million, torn_per_million }
    }

    fn fate(&mut self) -> Fate {
        if self.random.chance(self.lost_per_million) {
            Fate::Lost
        } else if self.random.chance(self.torn_per_million) {
            Fate::Torn
        } else {
            Fate::Kept
        }
    }

    /// Whether one undurable entry outside a file's data is kept.
    pub fn keeps(&mut self) -> bool {
        !self.random.chance(self.lost_per_million)
    }

    /// How many of `count` entries in order are kept.
    pub fn prefix(&mut self, count: usize) -> usize {
        match self.lost_per_million {
            0 => count,
            1_000_000 => 0,
            _ => self.random.index(count + 1),
        }
    }
}

#[derive(Default)]
pub(super) struct Inode {
    /// Where it was last, for messages and fault patterns.
    pub path: PathBuf,
    pub open_count: u32,
    pub syncs_in_flight: u32,
    /// Blocks under a direct write right now.
    pub blocks_in_flight: BTreeSet<u64>,
    current: Pages,
    len: u64,
    durable: Pages,
    durable_len: u64,
    versions: BTreeMap<u64, Vec<Version>>,
    resizes: Vec<(u64, Resize)>,
    reserved: Blocks,
    /// Pages a failed sync marked clean: memory has them, the disk may not.
    forsaken: BTreeSet<u64>,
}

impl Inode {
    pub fn new(path: &Path) -> Self {
        Inode { path: path.to_owned(), ..Inode::default() }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn blocks(&self) -> u64 {
        self.reserved.count()
    }

    /// Blocks that writing `start..end` (bytes) would newly take.
    pub fn blocks_missing(&self, start: u64, end: u64) -> u64 {
        let (first, last) = (start / PAGE_BYTES, end.div_ceil(PAGE_BYTES));
        last - first - self.reserved.covered(first, last)
    }

    pub fn reserve(&mut self, start: u64, end: u64) {
        self.reserved.insert(start / PAGE_BYTES, end.div_ceil(PAGE_BYTES));
    }

    /// Bytes read; less than asked only at the end.
    pub fn read(&self, position: u64, buffer: &mut [u8]) -> usize {
        let rest = usize::try_from(self.len.saturating_sub(position)).unwrap_or(usize::MAX);
        let count = buffer.len().min(rest);
        self.current.read(position, &mut buffer[..count]);
        count
    }

    /// Takes `data` into the volatile level.
    pub fn write(&mut self, id: u64, position: u64, data: &[u8]) {
        for (index, start, range) in pieces(position, data.len()) {
            let mask = sector_mask(start, start + range.len());
            let page = self.current.write_piece(index, start, &data[range]);
            self.remember(index, Version { id, page, mask });
        }
        let end = position + u64::try_from(data.len()).expect("memory is smaller than 2^64");
        self.reserve(position, end);
        if end > self.len {
            self.len = end;
            self.push_resize(id, Resize::Extend(end));
        }
    }

    fn remember(&mut self, index: u64, version: Version) {
        let versions = self.versions.entry(index).or_default();
        match versions.last_mut() {
            Some(last) if last.id == version.id => {
                last.page = version.page;
                last.mask |= version.mask;
            }
            _ => versions.push(version),
        }
        if versions.len() > VERSIONS_PER_PAGE_MAX && self.syncs_in_flight == 0 {
            let mask = versions.remove(VERSIONS_PER_PAGE_MAX / 2).mask;
            versions[VERSIONS_PER_PAGE_MAX / 2].mask |= mask;
        }
    }

    fn push_resize(&mut self, id: u64, resize: Resize) {
        self.resizes.push((id, resize));
        let middle = RESIZES_MAX / 2;
        if self.resizes.len() > RESIZES_MAX
            && self.syncs_in_flight == 0
            && let [(_, Resize::Extend(_)), (_, Resize::Extend(_))] =
                self.resizes[middle..middle + 2]
        {
            self.resizes.remove(middle);
        }
    }

    pub fn set_len(&mut self, id: u64, len: u64) {
        if len < self.len {
            self.current.truncate(len);
            self.reserved.truncate(len.div_ceil(PAGE_BYTES));
            self.push_resize(id, Resize::Truncate(len));
        } else if len > self.len {
            self.push_resize(id, Resize::Extend(len));
        }
        self.len = len;
    }

    /// Makes one write durable that was just taken in, and what metadata it needs.
    pub fn flush_range(&mut self, position: u64, len: usize) {
        let end = position + u64::try_from(len).expect("memory is smaller than 2^64");
        let cut = self.resizes.iter().any(|(_, resize)| matches!(resize, Resize::Truncate(_)));
        if cut || end > self.durable_len {
            self.commit_resizes(u64::MAX);
        }
        for (index, start, range) in pieces(position, len) {
            let mask = sector_mask(start, start + range.len());
            let page = self.current.get(index).expect("just written");
            self.durable.set_sectors(index, page, mask);
            if let Some(versions) = self.versions.get_mut(&index) {
                versions.iter_mut().for_each(|version| version.mask &= !mask);
                versions.retain(|version| version.mask != 0);
                if versions.is_empty() {
                    self.versions.remove(&index);
                }
            }
        }
    }

    fn commit_resizes(&mut self, up_to: u64) {
        let count = self.resizes.iter().take_while(|(id, _)| *id <= up_to).count();
        for (id, resize) in self.resizes.drain(..count).collect::<Vec<_>>() {
            match resize {
                Resize::Extend(len) => self.durable_len = len,
                Resize::Truncate(len) => {
                    self.durable_len = len;
                    self.durable.truncate(len);
                    self.forget_beyond(id, len);
                }
            }
        }
    }

    /// Drops what was written before truncation `id` beyond its `len`.
    fn forget_beyond(&mut self, id: u64, len: u64) {
        let first = len / PAGE_BYTES;
        let kept = usize::try_from(len % PAGE_BYTES).expect("below a page");
        for (&index, versions) in self.versions.range_mut(first..) {
            if index == first && kept > 0 {
                let older = versions.iter_mut().filter(|version| version.id < id);
                older.for_each(|version| Rc::make_mut(&mut version.page)[kept..].fill(0));
            } else {
                versions.retain(|version| version.id >= id);
            }
        }
        self.versions.retain(|_, versions| !versions.is_empty());
    }

    /// The start of a sync: what it covers, given the last write completed so far.
    pub fn capture(&mut self, up_to: u64) -> Capture {
        self.syncs_in_flight += 1;
        let dirty = self.versions.keys();
        let pages = dirty.filter_map(|&index| Some((index, self.current.get(index)?.clone())));
        Capture { up_to, pages: pages.collect() }
    }

    /// The end of a sync that worked.
    pub fn finish_sync(&mut self, capture: &Capture) {
        self.syncs_in_flight -= 1;
        self.commit_resizes(capture.up_to);
        for (index, page) in &capture.pages {
            let mask = self.dirty_mask(*index, capture.up_to);
            if mask != 0 {
                self.durable.set_sectors(*index, page, mask);
            }
        }
        self.forget_versions(capture.up_to);
    }

    /// The end of a sync that failed: as on Linux its pages count as clean from now on, whether or
    /// not they reached the disk.
    pub fn fail_sync(&mut self, capture: &Capture, random: &mut Random) {
        self.syncs_in_flight -= 1;
        for (index, page) in &capture.pages {
            let mask = self.dirty_mask(*index, capture.up_to);
            if mask != 0 && random.coin() {
                self.durable.set_sectors(*index, page, mask);
            }
            self.forsaken.insert(*index);
        }
        self.forget_versions(capture.up_to);
    }

    /// The end of a sync that did nothing at all.
    pub fn skip_sync(&mut self) {
        self.syncs_in_flight -= 1;
    }

    fn dirty_mask(&self, index: u64, up_to: u64) -> u8 {
        let versions = self.versions.get(&index).map_or(&[][..], Vec::as_slice);
        versions.iter().filter(|version| version.id <= up_to).fold(0, |all, one| all | one.mask)
    }

    fn forget_versions(&mut self, up_to: u64) {
        self.versions.retain(|_, versions| {
            versions.retain(|version| version.id > up_to);
            !versions.is_empty()
        });
    }

    /// Clean pages are read from the disk again.
    pub fn drop_cache(&mut self) {
        for index in std::mem::take(&mut self.forsaken) {
            if self.versions.contains_key(&index) {
                self.forsaken.insert(index);
            } else {
                self.current.copy_page(index, &self.durable);
            }
        }
    }

    pub fn flip(&mut self, position: u64, mask: u8) {
        assert!(position < self.len, "bit rot beyond the end of {}", self.path.display());
        self.current.flip(position, mask);
        self.durable.flip(position, mask);
    }

    /// Everything as it is now becomes durable.
    pub fn settle(&mut self) {
        self.durable = self.current.clone();
        self.durable_len = self.len;
        self.versions.clear();
        self.resizes.clear();
        self.forsaken.clear();
    }

    /// The power goes: afterwards both levels hold one legal outcome.
    pub fn power_cut(&mut self, dice: &mut Dice<'_>) {
        self.lose(dice);
        self.durable.truncate(self.durable_len);
        self.current = self.durable.clone();
        self.len = self.durable_len;
        self.forsaken.clear();
        self.blocks_in_flight.clear();
        self.syncs_in_flight = 0;
        self.reserved.truncate(self.len.div_ceil(PAGE_BYTES));
    }

    fn lose(&mut self, dice: &mut Dice<'_>) {
        enum Item {
            Resize(Resize),
            Version(u64, Version),
        }
        let kept_resizes = dice.prefix(self.resizes.len());
        let mut items: Vec<(u64, Item)> = Vec::new();
        for (index, versions) in std::mem::take(&mut self.versions) {
            items.extend(versions.into_iter().map(|one| (one.id, Item::Version(index, one))));
        }
        let resizes = std::mem::take(&mut self.resizes);
        items.extend(resizes.into_iter().map(|(id, resize)| (id, Item::Resize(resize))));
        items.sort_by_key(|(id, _)| *id);
        let mut fates: BTreeMap<u64, Fate> = BTreeMap::new();
        let mut resizes_seen = 0;
        // Blocks from here on were freed by a truncation that the cut undid: what was written to
        // them afterwards went to other blocks, which nothing points to.
        let mut detached_from = u64::MAX;
        for (id, item) in items {
            match item {
                Item::Resize(resize) => {
                    resizes_seen += 1;
                    let kept = resizes_seen <= kept_resizes;
                    match (resize, kept) {
                        (Resize::Extend(len), true) => self.durable_len = len,
                        (Resize::Truncate(len), true) => {
                            self.durable_len = len;
                            self.durable.truncate(len);
                        }
                        (Resize::Truncate(len), false) => {
                            detached_from = detached_from.min(len.div_ceil(PAGE_BYTES));
                        }
                        (Resize::Extend(_), false) => {}
                    }
                }
                Item::Version(index, _) if index >= detached_from => {}
                Item::Version(index, version) => {
                    let fate = *fates.entry(id).or_insert_with(|| dice.fate());
                    let mask = match fate {
                        Fate::Lost => continue,
                        Fate::Kept => version.mask,
                        Fate::Torn => {
                            version.mask & u8::try_from(dice.random.below(256)).expect("a byte")
                        }
                    };
                    if mask != 0 {
                        self.durable.set_sectors(index, &version.page, mask);
                    }
                }
            }
        }
    }

    /// Content now, for tests.
    pub fn content(&self) -> Vec<u8> {
        let mut content = vec![0; usize::try_from(self.len).expect("files of tests fit memory")];
        self.read(0, &mut content);
        content
    }

    /// Content on stable media, for tests.
    pub fn durable_content(&self) -> Vec<u8> {
        let len = usize::try_from(self.durable_len).expect("files of tests fit memory");
        let mut content = vec![0; len];
        self.durable.read(0, &mut content);
        content
    }
}
