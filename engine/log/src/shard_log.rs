//! Everything one shard has on disk. Opened once per process and shard; every task it spawns ends
//! when it is closed. Called by the shard only.

use crate::cache::Cache;
use crate::checkpoint::{background, checkpoint, make_journal, write_points};
use crate::commit::{Commit, sync_frames, write_frames};
use crate::config::{CHECKPOINT_CONCURRENCY, LogConfig, PartitionConfig};
use crate::contents::{Contents, JournalName, is_same_count, list, read_points, relevant_journals};
use crate::directory::{self, Directory, make_again};
use crate::error::{Damage, LogError};
use crate::install::install;
use crate::journal::Files;
use crate::lost;
use crate::names;
use crate::node_files::{CheckpointRow, DirCheckpoints};
use crate::partition::Partition;
use crate::points::{Mark, Point};
use crate::recovery::{self, Loaded, Sources};
use crate::replay::{Replay, Request, newest_run};
use crate::required::Loss;
use crate::retention::{empty_trash, remove_dir};
use crate::segment::Segment;
use crate::shared::Shared;
use crate::waiting::Gate;
use engine_base::TopicPartition;
use engine_io::sync::{Lock, Signal};
use engine_io::{DirEntry, Env, Queue};
use engine_record::BatchHeader;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;

/// Partitions recovered at once.
const RECOVERY_CONCURRENCY: usize = 64;

/// A shard's log. Cheap to clone.
pub struct ShardLog<E: Env>(pub(crate) Rc<Shared<E>>, Rc<Untie<E>>);

impl<E: Env> Clone for ShardLog<E> {
    fn clone(&self) -> Self {
        ShardLog(self.0.clone(), self.1.clone())
    }
}

/// Partitions and the shard refer to each other: when the last handle is gone without a close (a
/// process that dies in a test), they let go of each other, else all memory would stay.
struct Untie<E: Env>(Rc<Shared<E>>);

impl<E: Env> Drop for Untie<E> {
    fn drop(&mut self) {
        // Taken first: what is dropped may look at the lists.
        let partitions = self.0.partitions.take();
        let unflushed = self.0.unflushed.take();
        let dirty = (self.0.dirty_partitions.take(), self.0.unnamed.take());
        drop((partitions, unflushed, dirty));
        self.0.commit.clear();
    }
}

/// A partition found at start, and what the producer state needs to be rebuilt.
pub struct Recovered<E: Env> {
    pub partition: Partition<E>,
    /// The newest producer snapshot: its offset and the whole file (its checksum holds).
    pub snapshot: Option<(i64, Vec<u8>)>,
    /// Headers of the batches with producers that the snapshot does not cover, in order.
    pub headers: Vec<BatchHeader>,
    /// Bytes read and checked.
    pub scanned_bytes: u64,
}

impl<E: Env> ShardLog<E> {
    /// Recovers the partitions that `owned` picks from the log directory. No append is taken before
    /// [`finish_recovery`](Self::finish_recovery).
    pub async fn open(
        env: E,
        config: LogConfig,
        owned: impl Fn(TopicPartition) -> bool,
    ) -> Result<(ShardLog<E>, Vec<Recovered<E>>), LogError> {
        let failed = |error: io::Error| LogError::io("open", &config.dir, &error);
        env.create_dir_all(&config.dir).await.map_err(failed)?;
        if !config.clean {
            env.sync_dir(&config.dir).await.map_err(failed)?;
        }
        let contents = list(&env, &config)?;
        let points = read_points(&env, &config, &contents).await;
        let journals = relevant_journals(&config, &contents);
        let replay = if config.clean {
            Replay::of_clean_stop(newest_run(&env, &config.dir, &journals).await?)
        } else {
            let only = is_same_count(&config, &contents).then_some(config.shard);
            let (dir, journals, points) = (&config.dir, &journals[..], &points);
            let request = Request { dir, journals, points, only, owned: &owned };
            Replay::read(&env, &request).await?
        };
        refuse_loss(&config, &contents, &replay)?;
        let known = points.newest;
        let dir_points = DirCheckpoints::read(&env, &config.dir).await;
        let run = replay.run_max.max(points.run).checked_add(1);
        let run = run.ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
        let shared = Rc::new(new_shared(env, config, run));
        let log = ShardLog(shared.clone(), Rc::new(Untie(shared.clone())));
        shared.damages.borrow_mut().extend(replay.damages.iter().cloned());
        shared.damaged_journals.borrow_mut().extend(replay.damaged.iter().copied());
        let sources = Sources {
            replay: &replay,
            dir_points: &dir_points,
            clean: shared.config.clean,
            interval_bytes: shared.config.partition.index_interval_bytes,
            now_ms: shared.env.wall_ms(),
            accepts_loss: contents.accepts_loss,
        };
        shared.accepts_loss.set(contents.accepts_loss);
        let young = directory::unnamed(&replay, &known, &owned);
        let mut found = Vec::new();
        let mut taken = HashSet::new();
        for (dir_name, topic, number) in &contents.partitions {
            let dir = shared.config.dir.join(dir_name);
            let Some(topic_id) = recovery::topic_id(&shared.env, &dir, topic).await else {
                lost::tell_unnamed(&shared, &dir);
                continue;
            };
            let id = TopicPartition { topic_id, partition: *number };
            if !young.is_empty() {
                taken.insert(dir.clone());
            }
            if owned(id) {
                found.push((dir, topic.as_str(), id));
            }
        }
        if !found.is_empty() {
            shared.damages.borrow_mut().extend(lost::unvouched(&shared.config, &contents));
        }
        let mut there: HashSet<TopicPartition> = found.iter().map(|(_, _, id)| *id).collect();
        for (id, topic) in &young {
            let dir = shared.config.dir.join(names::partition_dir(topic, id.partition));
            // Another topic's directory stays what it is; the partition counts as lost.
            if !there.contains(id) && taken.insert(dir.clone()) {
                there.insert(*id);
                found.push((dir, topic.as_str(), *id));
            }
        }
        let young: HashSet<TopicPartition> = young.iter().map(|(id, _)| *id).collect();
        let env = &shared.env;
        let mut loading = stream::iter(found)
            .map(async |(dir, topic, id)| {
                let point = known.get(&id).copied();
                if young.contains(&id)
                    && let Err(error) = make_again(env, &dir, id).await
                {
                    return (id, Err(error));
                }
                (id, recovery::recover(env, dir, (topic, id), point, &sources).await)
            })
            .buffered(RECOVERY_CONCURRENCY);
        let mut loaded: Vec<Loaded<E>> = Vec::new();
        while let Some((id, result)) = loading.next().await {
            match result {
                Ok(mut one) => {
                    one.is_remade = young.contains(&id);
                    loaded.push(one);
                }
                Err(error @ LogError::Offline { .. }) => {
                    tracing::error!(partition = id.partition, topic_id = %id.topic_id, "{error}");
                    let point = known.get(&id).map(|(_, point)| *point);
                    shared.lost.borrow_mut().extend(point.map(|point| (id, point)));
                }
                Err(error) => return Err(error),
            }
        }
        drop(loading);
        if !young.is_empty() {
            let dir = &shared.config.dir;
            env.sync_dir(dir).await.map_err(|error| LogError::io("sync", dir, &error))?;
        }
        let is_missing = |id: TopicPartition| owned(id) && !there.contains(&id);
        lost::note_missing(&shared, &known, &replay, is_missing);
        let mut recovered = Vec::new();
        for mut loaded in loaded {
            let known = known.get(&loaded.id).copied();
            shared.discard(std::mem::take(&mut loaded.deleted));
            recovered.push(install(&shared, loaded, known));
        }
        tell_damages(&shared);
        // The new run's points: from here on frames of older runs say nothing about our partitions.
        write_points(&shared, &[]).await?;
        log.remove_deleted(contents.deleted).await;
        Ok((log, recovered))
    }

    /// Takes up work. To be called once every shard of this directory has opened its log: journals
    /// that no shard needs any more are removed or used again, and appends are taken.
    pub async fn finish_recovery(&self) -> Result<(), LogError> {
        let shared = &self.0;
        let contents = list(&shared.env, &shared.config)?;
        let (shard, count) = (shared.config.shard, shared.config.shard_count);
        let mine = |other: u16| other % count == shard;
        let files_max = u32::try_from(crate::config::JOURNAL_FILES_MAX).expect("a few");
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        let damaged = shared.damaged_journals.take();
        for name in contents.journals {
            let JournalName { shard: owner, index } = name;
            if mine(owner) && damaged.contains(&name) {
                self.set_aside(name).await?;
            } else if owner == shard && index < files_max {
                kept.push(index);
            } else if mine(owner) {
                gone.push(names::journal(owner, index));
            }
        }
        if contents.accepts_loss && shard == 0 {
            gone.push(names::ACCEPT_LOSS_FILE.to_owned());
        }
        let old = contents.points.into_iter().filter(|(counted, _)| *counted != count);
        gone.extend(old.filter(|(_, owner)| mine(*owner)).map(|(c, s)| names::points(c, s)));
        for name in &gone {
            let path = shared.config.dir.join(name);
            let removed = shared.env.remove_file(&path).await;
            removed.map_err(|error| LogError::io("remove", &path, &error))?;
        }
        if kept.is_empty() {
            kept.push(0);
        }
        for index in kept {
            let made = make_journal(shared, index).await;
            let dir = &shared.config.dir;
            let file = made.map_err(|error| LogError::io("make a journal in", dir, &error))?;
            shared.commit.files.borrow_mut().add(index, file);
        }
        // Before the first frame it is on stable media which journals there are.
        write_points(shared, &[]).await?;
        shared.spawn(Queue::Append, write_frames(shared.clone()));
        shared.spawn(Queue::Append, sync_frames(shared.clone()));
        shared.spawn(Queue::Background, background(shared.clone()));
        shared.closing.set(false);
        Ok(())
    }

    /// Keeps a journal with damaged parts for the operator, under another name.
    async fn set_aside(&self, name: JournalName) -> Result<(), LogError> {
        let shared = &self.0;
        let journal = names::journal(name.shard, name.index);
        let path = shared.config.dir.join(&journal);
        let aside = shared.config.dir.join(names::damaged_journal(&journal, shared.run));
        let moved = shared.env.rename(&path, &aside).await;
        moved.map_err(|error| LogError::io("set aside", &path, &error))?;
        tracing::error!(file = %path.display(), kept = %aside.display(), "damaged journal set aside");
        Ok(())
    }

    async fn remove_deleted(&self, names: Vec<String>) {
        // One shard does it for all; which one does not matter.
        if self.0.config.shard == 0 {
            for name in names {
                remove_dir(&self.0.env, &self.0.config.dir.join(name)).await;
            }
        }
    }

    pub fn partition(&self, id: TopicPartition) -> Option<Partition<E>> {
        self.0.partitions.borrow().get(&id).cloned()
    }

    pub fn partitions(&self) -> Vec<Partition<E>> {
        self.0.partitions.borrow().values().cloned().collect()
    }

    /// Makes a partition with an empty log that begins at offset 0. It has no directory before its
    /// first bytes (see [`crate::directory`]). One that is there already is returned as it is.
    pub async fn create_partition(
        &self,
        topic: &str,
        id: TopicPartition,
        config: PartitionConfig,
    ) -> Result<Partition<E>, LogError> {
        let shared = &self.0;
        if let Some(error) = shared.refusal().filter(|error| *error != LogError::NoSpace) {
            return Err(error);
        }
        if let Some(known) = self.partition(id) {
            known.set_config(config);
            return Ok(known);
        }
        let dir = shared.config.dir.join(names::partition_dir(topic, id.partition));
        let env = &shared.env;
        let entries = env.read_dir(&dir).ok();
        let is_lost = shared.lost.borrow().contains_key(&id);
        // A file without bytes is what the making of a directory cut short leaves.
        let holds =
            |one: &DirEntry| (one.name.ends_with(names::LOG_SUFFIX) && one.len > 0) || is_lost;
        if entries.is_some_and(|entries| entries.iter().any(holds))
            && let Some(error) = lost::claimed(env, &dir, (topic, id)).await
        {
            // What an earlier topic of this name left must be deleted first, not taken over.
            return Err(error);
        }
        let start = lost::start_of_missing(shared, &dir, id)?;
        // Facts from before the await may have changed.
        if let Some(known) = self.partition(id) {
            return Ok(known);
        }
        let loaded = Loaded {
            id,
            topic: topic.to_owned(),
            dir,
            directory: Directory::Missing,
            is_remade: false,
            segments: vec![Segment::fresh(start, env.wall_ms(), 0)],
            end: Mark { offset: start, segment: start, position: 0 },
            log_start: start,
            epochs: Vec::new(),
            snapshot: None,
            snapshots: Vec::new(),
            headers: Vec::new(),
            damages: Vec::new(),
            scanned_bytes: 0,
            deleted: Vec::new(),
        };
        let lost = shared.lost.borrow_mut().remove(&id);
        let partition = install(shared, loaded, None).partition;
        partition.set_config(config);
        // The directory of one that goes on says at which offset.
        if start > 0
            && let Err(error) = partition.make_directory().await
        {
            shared.partitions.borrow_mut().remove(&id);
            shared.lost.borrow_mut().extend(lost.map(|point| (id, point)));
            return Err(error);
        }
        Ok(partition)
    }

    /// Forgets partitions that were lost and that nobody asks for any more.
    pub fn forget_lost(&self, is_unwanted: impl Fn(TopicPartition) -> bool) {
        self.0.lost.borrow_mut().retain(|id, _| !is_unwanted(*id));
    }

    /// Deletes a partition: at once for all who use it, its files after `file.delete.delay.ms`.
    pub async fn delete_partition(&self, id: TopicPartition) -> Result<(), LogError> {
        let (partition, unique) = self.remove(id)?;
        partition.delete(unique).await
    }

    /// Ends a partition and keeps its files in a directory whose name no partition has, which is
    /// returned: `<topic>-<partition>.<id>-stray`, as in Kafka.
    pub async fn set_partition_aside(&self, id: TopicPartition) -> Result<PathBuf, LogError> {
        let (partition, unique) = self.remove(id)?;
        let away = partition.take_away(unique, names::STRAY_DIR_SUFFIX).await?;
        self.0.mark_dirty();
        Ok(away)
    }

    fn remove(&self, id: TopicPartition) -> Result<(Partition<E>, u128), LogError> {
        let partition = self.0.partitions.borrow_mut().remove(&id).ok_or(LogError::Closed)?;
        let unique = u128::from(self.0.env.random()) << 64 | u128::from(self.0.env.random());
        Ok((partition, unique))
    }

    /// Applies retention to all partitions; returns how many segments were removed.
    pub async fn apply_retention(&self, now_ms: i64) -> Result<usize, LogError> {
        let mut count = 0;
        for partition in self.partitions() {
            count += partition.apply_retention(now_ms).await?;
        }
        Ok(count)
    }

    /// Partitions whose producer state should be saved by
    /// [`Partition::write_snapshot`], with the offset (the log end now).
    pub fn snapshots_due(&self) -> Vec<(TopicPartition, i64)> {
        self.0.snapshots_due(false)
    }

    /// As [`snapshots_due`](Self::snapshots_due), all that are not saved: before a close.
    pub fn snapshots_unsaved(&self) -> Vec<(TopicPartition, i64)> {
        self.0.snapshots_due(true)
    }

    /// This shard's part of the directory's checkpoint files, see
    /// [`DirCheckpoints::write`](crate::node_files::DirCheckpoints::write).
    pub fn checkpoint_table(&self) -> Vec<CheckpointRow> {
        self.partitions().iter().map(Partition::checkpoint_row).collect()
    }

    /// Makes a checkpoint now.
    pub async fn checkpoint(&self) -> Result<(), LogError> {
        checkpoint(&self.0).await
    }

    /// Completes once memory may have become free.
    pub async fn wait_room(&self) {
        self.0.room.wait().await;
    }

    /// What was found damaged at start.
    pub fn damages(&self) -> Vec<Damage> {
        self.0.damages.borrow().clone()
    }

    /// Whether a failed journal write or sync stopped all appends of this shard.
    pub fn is_fenced(&self) -> bool {
        self.0.commit.fenced.get()
    }

    /// Stops cleanly: no more appends, everything written, synced and trimmed, indexes complete, all
    /// tasks ended. `Ok` means that the clean marker may be written once all shards say so.
    pub async fn close(&self) -> Result<(), LogError> {
        let shared = &self.0;
        let was_open = !shared.closing.replace(true);
        let result = if was_open { self.drain().await } else { Ok(()) };
        shared.stopped.set(true);
        shared.fail_all();
        shared.commit.wake();
        shared.background.notify();
        shared.room.notify();
        shared.gate.empty().await;
        shared.partitions.borrow_mut().clear();
        result
    }

    async fn drain(&self) -> Result<(), LogError> {
        let shared = &self.0;
        if shared.commit.fenced.get() {
            return Err(LogError::Fenced);
        }
        for partition in self.partitions() {
            while partition.0.kill.get().mark != partition.0.end.get() {
                let moved = partition.0.progress.wait();
                if let Some(stop) = partition.failure_at_close() {
                    return Err(stop);
                }
                if partition.0.kill.get().mark == partition.0.end.get() {
                    break;
                }
                moved.await;
            }
        }
        let moved: Vec<(Partition<E>, Point)> = stream::iter(self.partitions())
            .map(async |partition: Partition<E>| {
                let point = partition.finish().await?;
                Ok::<_, LogError>((partition, point))
            })
            .buffered(CHECKPOINT_CONCURRENCY)
            .try_collect()
            .await?;
        shared.commit.files.borrow_mut().retire();
        write_points(shared, &moved).await?;
        for (partition, point) in &moved {
            partition.0.point.set(*point);
        }
        empty_trash(shared).await;
        Ok(())
    }
}

/// Tells the operator once what was found damaged.
fn tell_damages<E: Env>(shared: &Shared<E>) {
    for damage in shared.damages.borrow().iter() {
        let partitions = shared.partitions.borrow();
        let partition = damage.partition.and_then(|id| partitions.get(&id));
        let name = partition
            .map_or_else(String::new, |one| names::partition_dir(one.topic(), one.id().partition));
        let kept = damage.quarantine.as_deref().unwrap_or(Path::new(""));
        tracing::error!(
            partition = name,
            file = %damage.file.display(),
            position = damage.position,
            kept = %kept.display(),
            "{}",
            damage.what
        );
    }
}

/// Refuses a start that would lose acknowledged records, unless the operator agreed to it.
fn refuse_loss(config: &LogConfig, contents: &Contents, replay: &Replay) -> Result<(), LogError> {
    for Loss { file, what } in &replay.losses {
        if contents.accepts_loss {
            tracing::error!(
                file = %file.display(),
                "journal {what}; going on without it, as {} says: records acknowledged since the \
                 last checkpoint are lost, of any partition of this shard",
                names::ACCEPT_LOSS_FILE
            );
        } else {
            let accept = config.dir.join(names::ACCEPT_LOSS_FILE);
            return Err(LogError::JournalLost { file: file.clone(), what: what.clone(), accept });
        }
    }
    Ok(())
}

fn new_shared<E: Env>(env: E, config: LogConfig, run: u32) -> Shared<E> {
    let files = Files::new(run, env.random(), config.journal_bytes);
    Shared {
        env,
        config,
        run,
        partitions: RefCell::default(),
        commit: Commit::new(files),
        cache: Cache::new(),
        gate: Rc::new(Gate::default()),
        closing: Cell::new(true),
        stopped: Cell::new(false),
        background: Signal::new(),
        dirty: Cell::new(false),
        checkpoint_wanted: Cell::new(false),
        checkpoint_lock: Lock::default(),
        points_lock: Lock::default(),
        unchecked_bytes: Cell::new(0),
        unsnapped_bytes: Cell::new(0),
        dirty_partitions: RefCell::default(),
        unnamed: RefCell::default(),
        unflushed: RefCell::default(),
        trash: RefCell::default(),
        room: Signal::new(),
        damages: RefCell::default(),
        lost: RefCell::default(),
        accepts_loss: Cell::new(false),
        damaged_journals: RefCell::default(),
        slots: Cell::new(0),
    }
}
