//! Directories of partitions. A partition has none until its first bytes are on their way to a
//! segment: thousands of partitions that nobody writes to cost no disk and no time at start. Until
//! its directory is on stable media the journal says with each entry whose it is, and recovery makes
//! the directory from that. Lives on the partition's shard; made by the background task soon after
//! the first append, or by whoever writes a segment before.

use crate::config::CHECKPOINT_CONCURRENCY;
use crate::error::LogError;
use crate::frame::{ENTRY_HEADER_BYTES, EntryHeader, EntryKind};
use crate::names::{self, EPOCH_FILE, METADATA_FILE};
use crate::node_files::{encode_epochs, encode_partition_metadata};
use crate::partition::{Partition, Stop};
use crate::plant::{self, Bug};
use crate::replay::{NewestPoints, Replay};
use crate::shared::Shared;
use crate::tail::to_u64;
use engine_base::{TopicPartition, Uuid};
use engine_io::{Create, Env, File, OpenMode};
use futures_util::stream::{self, StreamExt};
use std::cmp::Reverse;
use std::io;
use std::path::Path;
use std::rc::Rc;

/// How far the directory of a partition is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Directory {
    /// Not there, or not with all it must hold.
    Missing,
    /// What it holds is on stable media; its own name may not be.
    Made,
    /// On stable media.
    Named,
}

impl<E: Env> Partition<E> {
    pub(crate) fn is_named(&self) -> bool {
        self.0.directory.get() == Directory::Named
    }

    /// Whether recovery knew the partition from the journal only. If the metadata does not know it
    /// either, it was deleted before it had a directory.
    pub fn is_remade(&self) -> bool {
        self.0.is_remade
    }

    /// Bytes of the entry that names the partition in a frame.
    pub(crate) fn name_entry_bytes(&self) -> usize {
        if self.is_named() { 0 } else { ENTRY_HEADER_BYTES + self.topic().len() }
    }

    /// Puts the entry that names the partition, if it must be in each frame with its data. Returns
    /// how many entries that are.
    pub(crate) fn put_name_entry(&self, out: &mut Vec<u8>) -> usize {
        if self.is_named() || plant::is_on(Bug::ForgetNames) {
            return 0;
        }
        self.0.named_by_journal.set(true);
        let topic = self.topic().as_bytes();
        let length = u32::try_from(topic.len()).expect("names of topics are short");
        let (kind, partition) = (EntryKind::Name, self.id());
        EntryHeader { kind, partition, segment: 0, position: 0, length }.encode(out);
        out.extend_from_slice(topic);
        1
    }

    /// Whether the journal has entries that name the partition.
    pub(crate) fn is_named_by_journal(&self) -> bool {
        self.0.named_by_journal.get()
    }

    /// Whether anything of a directory is there.
    pub(crate) fn has_directory(&self) -> bool {
        self.0.shared.env.read_dir(&self.0.dir.borrow()).is_ok()
    }

    /// Makes the directory, durable with what it must hold. The caller holds the `io` lock.
    pub(crate) async fn name_locked(&self) -> Result<(), LogError> {
        self.make_locked().await?;
        if !self.is_named() {
            let shared = &self.0.shared;
            sync_log_dir(shared).await?;
            self.0.directory.set(Directory::Named);
        }
        Ok(())
    }

    /// As [`name_locked`](Self::name_locked), for callers without the lock.
    pub async fn make_directory(&self) -> Result<(), LogError> {
        if self.is_named() {
            return Ok(());
        }
        let _guard = self.0.io.acquire().await;
        if self.0.stop.get() == Some(Stop::Deleted) {
            return Err(LogError::Closed);
        }
        self.name_locked().await
    }

    /// Makes the directory and syncs it, but not the one it lies in.
    async fn make_locked(&self) -> Result<(), LogError> {
        if self.0.directory.get() != Directory::Missing {
            return Ok(());
        }
        let env = &self.0.shared.env;
        let dir = self.0.dir.borrow().clone();
        let failed = |error: io::Error| LogError::io("make", &dir, &error);
        env.create_dir_all(&dir).await.map_err(failed)?;
        write_metadata(env, &dir, self.id().topic_id).await.map_err(failed)?;
        self.0.epochs_dirty.set(false);
        let epochs = encode_epochs(&self.0.epochs.borrow());
        let written = write_new(env, &dir.join(EPOCH_FILE), epochs.as_bytes()).await;
        if let Err(error) = written {
            self.0.epochs_dirty.set(true);
            return Err(failed(error));
        }
        // The first segment's file shares the sync of the directory.
        let first = self.0.segments.borrow().first().expect("a partition has a segment").clone();
        first.file(env, &dir).await.map_err(failed)?;
        self.0.directory.set(Directory::Made);
        Ok(())
    }
}

async fn sync_log_dir<E: Env>(shared: &Shared<E>) -> Result<(), LogError> {
    if plant::is_on(Bug::SkipDirSync) {
        return Ok(());
    }
    let dir = &shared.config.dir;
    shared.env.sync_dir(dir).await.map_err(|error| LogError::io("sync", dir, &error))
}

/// Makes the directories of all partitions that were appended to and have none: one sync of the log
/// directory for all.
pub(crate) async fn make_directories<E: Env>(shared: &Rc<Shared<E>>) {
    let partitions = shared.unnamed.take();
    if partitions.is_empty() {
        return;
    }
    let made: Vec<Partition<E>> = stream::iter(partitions)
        .map(async |partition: Partition<E>| {
            let _guard = partition.0.io.acquire().await;
            if partition.0.stop.get().is_some() {
                return None;
            }
            let result = partition.make_locked().await;
            partition.judge_write(&result);
            if result.is_err() && partition.0.stop.get().is_none() {
                shared.unnamed.borrow_mut().push(partition.clone());
            }
            result.is_ok().then(|| partition.clone())
        })
        .buffer_unordered(CHECKPOINT_CONCURRENCY)
        .filter_map(async |made| made)
        .collect()
        .await;
    match sync_log_dir(shared).await {
        Ok(()) => {
            for partition in made {
                if partition.0.directory.get() == Directory::Made {
                    partition.0.directory.set(Directory::Named);
                }
            }
        }
        // As for each segment write that fails.
        Err(error) => made.iter().for_each(|one| one.judge_write(&Err(error.clone()))),
    }
}

/// Partitions whose directories were not on stable media when the last process ended, as far as the
/// journal tells, with the names of their topics. The one appended to last comes first: of several
/// with one name all others are deleted, whether or not the journal still says so.
pub(crate) fn unnamed(
    replay: &Replay,
    known: &NewestPoints,
    owned: impl Fn(TopicPartition) -> bool,
) -> Vec<(TopicPartition, String)> {
    let owned = replay.partitions.iter().filter(|(id, _)| owned(**id));
    let mut named: Vec<(usize, TopicPartition, String)> = owned
        .filter_map(|(id, one)| {
            let (run, name) = one.name.as_ref()?;
            // A point with records is of a directory that was there. One below the log start has none.
            let is_young = known.get(id).is_none_or(|(known_run, point)| {
                run >= known_run && point.recovery.offset <= point.log_start
            });
            is_young.then(|| (one.name_frame, *id, name.clone()))
        })
        .collect();
    named.sort_by_key(|(frame, _, _)| Reverse(*frame));
    named.into_iter().map(|(_, id, name)| (id, name)).collect()
}

/// Makes the directory of such a partition; the caller syncs the one it lies in. What is there of it
/// may be in the page cache only.
pub(crate) async fn make_again<E: Env>(
    env: &E,
    dir: &Path,
    id: TopicPartition,
) -> Result<(), LogError> {
    let failed = |error: io::Error| LogError::io("make again", dir, &error);
    env.create_dir_all(dir).await.map_err(failed)?;
    write_metadata(env, dir, id.topic_id).await.map_err(failed)?;
    match env.remove_file(&dir.join(EPOCH_FILE)).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    env.sync_dir(dir).await.map_err(failed)
}

async fn write_metadata<E: Env>(env: &E, dir: &Path, topic_id: Uuid) -> io::Result<()> {
    let text = encode_partition_metadata(topic_id);
    write_new(env, &dir.join(METADATA_FILE), text.as_bytes()).await
}

/// Writes a file that nobody reads before its directory is durable: not as one step.
async fn write_new<E: Env>(env: &E, path: &Path, content: &[u8]) -> io::Result<()> {
    let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
    let file = env.open(path, mode).await?;
    if file.len()? > to_u64(content.len()) {
        file.set_len(0).await?;
    }
    file.write_cached(&[io::IoSlice::new(content)], 0)?;
    file.sync_data().await
}

/// The name of a topic as the journal has it, if it can be one: it becomes part of a path.
pub(crate) fn topic_name(bytes: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(bytes).ok()?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let sane = !name.is_empty() && name.len() <= names::TOPIC_BYTES_MAX && name.chars().all(legal);
    sane.then(|| name.to_owned())
}
