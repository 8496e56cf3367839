//! Directories of the simulated disk: the names as they are now, the names on stable media, and the
//! changes in between, which a sync of the directory commits and a power cut keeps in part. Owned by
//! [`disk`](super::disk). Paths are absolute; `.` is skipped and `..` refused.

use super::inode::Dice;
use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path};

pub(super) type NodeId = u64;
pub(super) const ROOT: NodeId = 0;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub node: NodeId,
    pub is_dir: bool,
}

/// Which changes of names a sync commits, and which a power cut keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Directories {
    /// Any subset of the undurable changes survives a power cut; a sync of a directory commits the
    /// changes that touch it. POSIX promises no more.
    Loose,
    /// Changes are committed in order, as by ext4 and XFS: a power cut keeps a prefix, any sync of
    /// a directory commits all changes before it.
    Journaled,
}

#[derive(Default)]
struct Dir {
    current: BTreeMap<String, Entry>,
    durable: BTreeMap<String, Entry>,
}

/// One name in one directory gets a new meaning.
struct Change {
    dir: NodeId,
    name: String,
    entry: Option<Entry>,
}

pub(super) struct Namespace {
    dirs: BTreeMap<NodeId, Dir>,
    /// Not durable yet, oldest first. The changes of one element happen together.
    pending: Vec<(u64, Vec<Change>)>,
    order: Directories,
}

fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Namespace {
    pub fn new(order: Directories) -> Self {
        let dirs = BTreeMap::from([(ROOT, Dir::default())]);
        Namespace { dirs, pending: Vec::new(), order }
    }

    fn names(path: &Path) -> io::Result<Vec<&str>> {
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => {
                    names.push(name.to_str().ok_or_else(|| error(libc::EILSEQ))?);
                }
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err(error(libc::EINVAL)),
            }
        }
        Ok(names)
    }

    fn walk(&self, names: &[&str]) -> io::Result<NodeId> {
        let mut dir = ROOT;
        for name in names {
            let entry = self.dirs[&dir].current.get(*name).ok_or_else(|| error(libc::ENOENT))?;
            if !entry.is_dir {
                return Err(error(libc::ENOTDIR));
            }
            dir = entry.node;
        }
        Ok(dir)
    }

    /// The directory that holds the last name of `path`, and that name.
    fn parent<'a>(&self, path: &'a Path) -> io::Result<(NodeId, &'a str)> {
        let names = Self::names(path)?;
        let (name, above) = names.split_last().ok_or_else(|| error(libc::EBUSY))?;
        Ok((self.walk(above)?, name))
    }

    pub fn find(&self, path: &Path) -> io::Result<Option<Entry>> {
        if Self::names(path)?.is_empty() {
            return Ok(Some(Entry { node: ROOT, is_dir: true }));
        }
        let (dir, name) = self.parent(path)?;
        Ok(self.dirs[&dir].current.get(name).copied())
    }

    pub fn dir(&self, path: &Path) -> io::Result<NodeId> {
        self.walk(&Self::names(path)?)
    }

    pub fn entries(&self, dir: NodeId) -> impl Iterator<Item = (&String, &Entry)> {
        self.dirs[&dir].current.iter()
    }

    fn change(&mut self, id: u64, changes: Vec<Change>) {
        for change in &changes {
            Self::set(&mut self.dirs, change, false);
        }
        self.pending.push((id, changes));
    }

    fn set(dirs: &mut BTreeMap<NodeId, Dir>, change: &Change, durable: bool) {
        // A directory that is gone on both levels takes its entries along.
        let Some(dir) = dirs.get_mut(&change.dir) else { return };
        let level = if durable { &mut dir.durable } else { &mut dir.current };
        match change.entry {
            Some(entry) => level.insert(change.name.clone(), entry),
            None => level.remove(&change.name),
        };
    }

    pub fn create(&mut self, id: u64, path: &Path, entry: Entry) -> io::Result<()> {
        let (dir, name) = self.parent(path)?;
        if self.dirs[&dir].current.contains_key(name) {
            return Err(error(libc::EEXIST));
        }
        if entry.is_dir {
            self.dirs.insert(entry.node, Dir::default());
        }
        self.change(id, vec![Change { dir, name: name.to_owned(), entry: Some(entry) }]);
        Ok(())
    }

    /// Removes a file's name or an empty directory; returns what it was.
    pub fn remove(&mut self, id: u64, path: &Path, is_dir: bool) -> io::Result<Entry> {
        let (dir, name) = self.parent(path)?;
        let entry = *self.dirs[&dir].current.get(name).ok_or_else(|| error(libc::ENOENT))?;
        match (entry.is_dir, is_dir) {
            (true, false) => return Err(error(libc::EISDIR)),
            (false, true) => return Err(error(libc::ENOTDIR)),
            (true, true) if !self.dirs[&entry.node].current.is_empty() => {
                return Err(error(libc::ENOTEMPTY));
            }
            _ => {}
        }
        self.change(id, vec![Change { dir, name: name.to_owned(), entry: None }]);
        Ok(entry)
    }

    /// Moves a name; returns what was moved and what it replaced.
    pub fn rename(
        &mut self,
        id: u64,
        from: &Path,
        to: &Path,
    ) -> io::Result<(Entry, Option<Entry>)> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        let moved =
            *self.dirs[&from_dir].current.get(from_name).ok_or_else(|| error(libc::ENOENT))?;
        let replaced = self.dirs[&to_dir].current.get(to_name).copied();
        if replaced == Some(moved) {
            return Ok((moved, None));
        }
        if moved.is_dir && to.starts_with(from) {
            return Err(error(libc::EINVAL));
        }
        match replaced {
            Some(old) if old.is_dir && !moved.is_dir => return Err(error(libc::EISDIR)),
            Some(old) if !old.is_dir && moved.is_dir => return Err(error(libc::ENOTDIR)),
            Some(old) if old.is_dir && !self.dirs[&old.node].current.is_empty() => {
                return Err(error(libc::ENOTEMPTY));
            }
            _ => {}
        }
        let gone = Change { dir: from_dir, name: from_name.to_owned(), entry: None };
        let here = Change { dir: to_dir, name: to_name.to_owned(), entry: Some(moved) };
        self.change(id, vec![gone, here]);
        Ok((moved, replaced))
    }

    /// Makes changes up to `up_to` durable as far as a sync of `dir` does that.
    pub fn sync(&mut self, dir: NodeId, up_to: u64) {
        let count = self.pending.iter().take_while(|(id, _)| *id <= up_to).count();
        let mut chosen = vec![self.order == Directories::Journaled; count];
        // Backwards, so that whatever an included change builds on is included too.
        let mut dirs = std::collections::BTreeSet::from([dir]);
        for index in (0..count).rev() {
            let changes = &self.pending[index].1;
            if changes.iter().any(|change| dirs.contains(&change.dir)) {
                chosen[index] = true;
                dirs.extend(changes.iter().map(|change| change.dir));
            }
        }
        let mut index = 0;
        let Namespace { dirs, pending, .. } = self;
        pending.retain(|(_, changes)| {
            let commit = chosen.get(index).copied().unwrap_or(false);
            index += 1;
            if commit {
                changes.iter().for_each(|change| Self::set(dirs, change, true));
            }
            !commit
        });
    }

    /// Everything as it is now becomes durable.
    pub fn settle(&mut self) {
        self.pending.clear();
        self.dirs.values_mut().for_each(|dir| dir.durable = dir.current.clone());
    }

    /// The power goes. Returns all nodes that can still be reached.
    pub fn power_cut(&mut self, dice: &mut Dice<'_>) -> Vec<(Entry, std::path::PathBuf)> {
        let prefix = dice.prefix(self.pending.len());
        for (index, (_, changes)) in std::mem::take(&mut self.pending).iter().enumerate() {
            let kept = match self.order {
                Directories::Journaled => index < prefix,
                Directories::Loose => dice.keeps(),
            };
            if kept {
                changes.iter().for_each(|change| Self::set(&mut self.dirs, change, true));
            }
        }
        self.dirs.values_mut().for_each(|dir| dir.current = dir.durable.clone());
        let mut reached = Vec::new();
        self.reach(ROOT, &std::path::PathBuf::from("/"), &mut reached);
        let mut alive: std::collections::BTreeSet<NodeId> =
            reached.iter().map(|(entry, _)| entry.node).collect();
        alive.insert(ROOT);
        self.dirs.retain(|id, _| alive.contains(id));
        reached
    }

    fn reach(&self, dir: NodeId, path: &Path, reached: &mut Vec<(Entry, std::path::PathBuf)>) {
        for (name, entry) in &self.dirs[&dir].current {
            let path = path.join(name);
            // Renames kept in part could leave a directory inside itself.
            if entry.is_dir && reached.iter().any(|(known, _)| known.node == entry.node) {
                continue;
            }
            reached.push((*entry, path.clone()));
            if entry.is_dir {
                self.reach(entry.node, &path, reached);
            }
        }
    }

    /// All files below the root by path.
    pub fn files(&self) -> Vec<(NodeId, std::path::PathBuf)> {
        let mut reached = Vec::new();
        self.reach(ROOT, Path::new("/"), &mut reached);
        let files = reached.into_iter().filter(|(entry, _)| !entry.is_dir);
        files.map(|(entry, path)| (entry.node, path)).collect()
    }

    /// Whether a change that is not durable yet names `node`.
    pub fn is_pending(&self, node: NodeId) -> bool {
        let changes = self.pending.iter().flat_map(|(_, changes)| changes);
        changes.into_iter().any(|change| change.entry.is_some_and(|entry| entry.node == node))
    }

    pub fn is_durable(&self, node: NodeId) -> bool {
        self.dirs.values().any(|dir| dir.durable.values().any(|entry| entry.node == node))
    }
}
