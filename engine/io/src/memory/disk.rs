//! The simulated disk: files by node, names, room, accounts, and what becomes of it all when the
//! power goes. Operations that take time are in [`operation`](super::operation). Driven by
//! [`world`](super::world), which adds time and chance; no tasks and no clock here.

use super::fault::Faults;
use super::inode::{Dice, Inode, PowerCut};
use super::namespace::{Entry, Namespace, NodeId};
use super::operation::{InFlight, OpId};
use super::options::Options;
use super::pages::PAGE_BYTES;
use super::random::Random;
use crate::env::{Create, DirEntry, OpenMode};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// What the disk was asked to do since the machine was made, and how hard.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DiskStats {
    pub reads: u64,
    pub read_bytes: u64,
    pub cached_writes: u64,
    pub direct_writes: u64,
    pub write_bytes: u64,
    pub syncs: u64,
    pub dir_syncs: u64,
    /// Direct writes that touched blocks beyond the file's size or reservation when they started.
    pub unallocated_writes: u64,
    pub writes_in_flight_max: u64,
    pub syncs_in_flight_max: u64,
    /// Calls that ended with an error of the device: injected, or no room.
    pub failed: u64,
}

pub(super) fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("memory is smaller than 2^64")
}

pub(super) struct Disk {
    pub names: Namespace,
    pub faults: Faults,
    pub stats: DiskStats,
    pub in_flight: BTreeMap<OpId, InFlight>,
    pub parked: BTreeSet<OpId>,
    pub capacity_bytes: u64,
    inodes: BTreeMap<NodeId, Inode>,
    /// Files without a name.
    orphans: BTreeSet<NodeId>,
    /// Blocks of files that have a name or are open.
    used_blocks: u64,
    node_last: NodeId,
    /// Numbers changes in the order they took effect.
    change_last: u64,
    pub writes_in_flight: u64,
    pub syncs_in_flight: u64,
}

impl Disk {
    pub fn new(options: &Options) -> Self {
        Disk {
            names: Namespace::new(options.directories),
            faults: Faults::default(),
            stats: DiskStats::default(),
            in_flight: BTreeMap::new(),
            parked: BTreeSet::new(),
            capacity_bytes: options.capacity_bytes,
            inodes: BTreeMap::new(),
            orphans: BTreeSet::new(),
            used_blocks: 0,
            node_last: super::namespace::ROOT,
            change_last: 0,
            writes_in_flight: 0,
            syncs_in_flight: 0,
        }
    }

    pub fn inode(&self, node: NodeId) -> &Inode {
        self.inodes.get(&node).expect("an open file has its inode")
    }

    /// Changes one file and keeps the account of used room.
    pub fn change<R>(&mut self, node: NodeId, act: impl FnOnce(&mut Inode) -> R) -> R {
        let inode = self.inodes.get_mut(&node).expect("an open file has its inode");
        let before = inode.blocks();
        let result = act(inode);
        self.used_blocks = self.used_blocks + inode.blocks() - before;
        result
    }

    pub fn next_change(&mut self) -> u64 {
        self.change_last += 1;
        self.change_last
    }

    pub fn last_change(&self) -> u64 {
        self.change_last
    }

    pub fn free_blocks(&self) -> u64 {
        (self.capacity_bytes / PAGE_BYTES).saturating_sub(self.used_blocks)
    }

    // Calls by path. Each takes effect at once; the caller has waited.

    pub fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<NodeId> {
        let node = match (self.names.find(path)?, mode.create) {
            (Some(entry), _) if entry.is_dir => {
                return Err(io::Error::from_raw_os_error(libc::EISDIR));
            }
            (Some(_), Create::New) => return Err(io::Error::from_raw_os_error(libc::EEXIST)),
            (Some(entry), _) => entry.node,
            (None, Create::Never) => return Err(io::Error::from_raw_os_error(libc::ENOENT)),
            (None, _) => self.create_file(path)?,
        };
        self.change(node, |inode| inode.open_count += 1);
        Ok(node)
    }

    pub fn create_file(&mut self, path: &Path) -> io::Result<NodeId> {
        let node = self.node_last + 1;
        let id = self.next_change();
        self.names.create(id, path, Entry { node, is_dir: false })?;
        self.node_last = node;
        self.inodes.insert(node, Inode::new(path));
        Ok(node)
    }

    pub fn close(&mut self, node: NodeId) {
        let Some(inode) = self.inodes.get_mut(&node) else { return };
        inode.open_count -= 1;
        if inode.open_count == 0 && self.orphans.contains(&node) {
            self.used_blocks -= inode.blocks();
            self.sweep();
        }
    }

    pub fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let id = self.next_change();
        let node = self.node_last + 1;
        self.names.create(id, path, Entry { node, is_dir: true })?;
        self.node_last = node;
        Ok(())
    }

    pub fn remove(&mut self, path: &Path, is_dir: bool) -> io::Result<()> {
        let id = self.next_change();
        let entry = self.names.remove(id, path, is_dir)?;
        self.orphan(entry);
        Ok(())
    }

    pub fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let id = self.next_change();
        let (moved, replaced) = self.names.rename(id, from, to)?;
        if let Some(replaced) = replaced {
            self.orphan(replaced);
        }
        if moved.is_dir {
            for (node, path) in self.names.files() {
                if path.starts_with(to) {
                    self.change(node, |inode| inode.path = path);
                }
            }
        } else {
            self.change(moved.node, |inode| inode.path = to.to_owned());
        }
        Ok(())
    }

    fn orphan(&mut self, entry: Entry) {
        if entry.is_dir {
            return;
        }
        self.orphans.insert(entry.node);
        let inode = self.inode(entry.node);
        if inode.open_count == 0 {
            self.used_blocks -= inode.blocks();
        }
    }

    /// Frees files that have no name on either level, none in between, and no user.
    pub fn sweep(&mut self) {
        let Disk { orphans, inodes, names, .. } = self;
        orphans.retain(|&node| {
            let kept =
                inodes[&node].open_count > 0 || names.is_pending(node) || names.is_durable(node);
            if !kept {
                inodes.remove(&node);
            }
            kept
        });
    }

    pub fn entries(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let dir = self.names.dir(path)?;
        let entries = self.names.entries(dir).map(|(name, entry)| DirEntry {
            name: name.clone(),
            is_dir: entry.is_dir,
            len: if entry.is_dir { 0 } else { self.inode(entry.node).len() },
        });
        Ok(entries.collect())
    }

    pub fn allocate(&mut self, node: NodeId, start: u64, len: u64) -> io::Result<()> {
        let end = start + len;
        if self.inode(node).blocks_missing(start, end) > self.free_blocks() {
            self.stats.failed += 1;
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        let id = self.next_change();
        self.change(node, |inode| {
            inode.reserve(start, end);
            if end > inode.len() {
                inode.set_len(id, end);
            }
        });
        Ok(())
    }

    /// A write through the page cache. Without room for all, what fits is written.
    pub fn write_cached(&mut self, node: NodeId, data: &[u8], position: u64) -> io::Result<()> {
        let end = position + size(data.len());
        let free = self.free_blocks();
        let missing = self.inode(node).blocks_missing(position, end);
        let id = self.next_change();
        if missing <= free {
            self.change(node, |inode| inode.write(id, position, data));
            return Ok(());
        }
        let first_page_end = (position / PAGE_BYTES + 1) * PAGE_BYTES;
        let mut fits = 0;
        let mut page_end = first_page_end.min(end);
        while self.inode(node).blocks_missing(position, page_end) <= free {
            fits = usize::try_from(page_end - position).expect("the data is in memory");
            page_end = (page_end + PAGE_BYTES).min(end);
        }
        if fits > 0 {
            self.change(node, |inode| inode.write(id, position, &data[..fits]));
        }
        self.stats.failed += 1;
        Err(io::Error::from_raw_os_error(libc::ENOSPC))
    }

    /// The process died and its operations have ended: it has no open files any more.
    pub fn close_all(&mut self) {
        self.inodes.values_mut().for_each(|inode| inode.open_count = 0);
        self.sweep();
        self.count_used();
    }

    /// The power goes, after [`kill`](Self::kill).
    pub fn power_cut(&mut self, cut: PowerCut, random: &mut Random) {
        assert!(self.in_flight.is_empty(), "the process died first");
        let mut dice = Dice::new(cut, random);
        let mut alive = BTreeMap::new();
        for (entry, path) in self.names.power_cut(&mut dice) {
            if let Some(mut inode) = self.inodes.remove(&entry.node) {
                inode.power_cut(&mut dice);
                inode.path = path;
                alive.insert(entry.node, inode);
            }
        }
        self.inodes = alive;
        self.orphans.clear();
        self.count_used();
    }

    /// Everything as it is now becomes durable.
    pub fn settle(&mut self) {
        self.names.settle();
        self.inodes.values_mut().for_each(Inode::settle);
        self.sweep();
    }

    /// All names as they are now become durable.
    pub fn settle_names(&mut self) {
        self.names.settle();
        self.sweep();
    }

    pub fn count_used(&mut self) {
        let named = self.inodes.iter().filter(|(node, _)| !self.orphans.contains(node));
        self.used_blocks = named.map(|(_, inode)| inode.blocks()).sum();
    }
}
