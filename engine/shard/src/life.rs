//! Starting and stopping a shard together with the others, and what it does by the clock in
//! between. Shard 0 leads: nothing old is thrown away before every shard has recovered, the first
//! image comes when all can follow it, and the clean-stop marker is written when all have closed.

use crate::call::{Answer, Call};
use crate::controller::METADATA_PARTITION;
use crate::error::StartError;
use crate::peers::{Message, Peers};
use crate::shard::{Replica, Settings, Shard};
use engine_base::{LeaderEpoch, ShardId};
use engine_io::mail::Mail;
use engine_io::sync::Signal;
use engine_io::{Arena, Env, Queue};
use engine_log::node_files::{CheckpointRow, DirCheckpoints, write_clean_marker};
use engine_log::{LogConfig, LogError, PartitionConfig, Recovered, ShardLog};
use engine_state::producers::{ProducerBatch, snapshot};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tracing::{error, info, warn};

/// How often snapshots of producers are looked for.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(1);
/// How often Kafka's checkpoint files of the log directory are written while something changes.
const CHECKPOINT_FILES_EVERY: Duration = Duration::from_secs(60);
/// How often producers that wrote long ago are forgotten.
const EXPIRE_EVERY: Duration = Duration::from_secs(600);

/// Steps of starting and stopping, from shard to shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// To shard 0: the sender has recovered its partitions.
    Recovered,
    /// From shard 0: all have; old journals may go.
    FinishRecovery,
    /// From shard 0: what do the checkpoint files have to say of your partitions?
    Table,
    /// The sender cannot start, so nobody can: to shard 0, and from it to the others.
    Failed,
    /// To shard 0: the sender has no client left.
    Drained,
    /// From shard 0: write everything and close.
    Close,
}

/// How far the shards are, on shard 0.
#[derive(Default)]
pub(crate) struct Progress {
    recovered: Cell<u16>,
    drained: Cell<u16>,
    failed: Cell<bool>,
    /// Why this shard is the one that cannot start.
    cause: RefCell<Option<LogError>>,
    moved: Signal,
    /// The log closes or is closed: nothing new is begun.
    closed: Cell<bool>,
    /// Some log did not close cleanly.
    unclean: Cell<bool>,
    /// Shard 0 has its answer: this shard may end.
    finished: Cell<bool>,
}

impl<E: Env> Shard<E> {
    /// Recovers what this shard owns, meets the others, and follows the first image. Returns when
    /// the shard can serve.
    pub async fn start(
        env: E,
        mail: Mail<Message<Call, Answer>>,
        settings: Settings,
    ) -> Result<Rc<Self>, StartError> {
        let peers = Peers::new(env.clone(), mail);
        let started = Self::start_with(env.clone(), peers.clone(), settings).await;
        if started.is_err() {
            let others: Vec<ShardId> = match env.shard() {
                ShardId(0) => (1..env.shard_count()).map(ShardId).collect(),
                _ => vec![ShardId(0)],
            };
            for shard in others {
                peers.tell(shard, Call::Life(Step::Failed));
            }
        }
        started
    }

    async fn start_with(
        env: E,
        peers: Rc<Peers<E, Call, Answer>>,
        settings: Settings,
    ) -> Result<Rc<Self>, StartError> {
        let begun = env.now();
        let bytes = settings.arena_bytes;
        let arena = Arena::reserve(bytes).map_err(|source| StartError::Memory { bytes, source })?;
        let mut config =
            LogConfig::new(settings.log_dir.clone(), env.shard().0, env.shard_count(), arena);
        config.journal_bytes = settings.journal_bytes;
        config.clean = settings.clean;
        config.relaxed_all = settings.relaxed_all;
        config.partition = default_partition_config(&settings);
        let (shard_id, count) = (env.shard(), env.shard_count());
        let owned =
            move |partition: engine_base::TopicPartition| partition.owner(count) == shard_id;
        let (log, recovered) = ShardLog::open(env.clone(), config, owned).await?;
        let shard = Rc::new(Shard::new(env, settings, log, peers));
        let server = shard.clone();
        shard.env.spawn(Queue::Net, async move { server.serve_peers().await });
        let partitions = recovered.len();
        for recovered in recovered {
            shard.adopt(recovered);
        }
        let took_ms = shard.env.now().since(begun).as_millis();
        info!(shard = %shard.id(), partitions, took_ms, "recovered");
        shard.meet().await?;
        shard.forget_lost();
        shard.begin_background();
        Ok(shard)
    }

    /// Takes a recovered partition with what is known of its producers.
    fn adopt(self: &Rc<Self>, recovered: Recovered<E>) {
        let mut producers = self.new_producers();
        let now_ms = self.env.wall_ms();
        let name =
            format!("{}-{}", recovered.partition.topic(), recovered.partition.id().partition);
        if let Some((offset, bytes)) = &recovered.snapshot {
            match snapshot::decode(bytes) {
                Ok(entries) => {
                    for entry in entries {
                        producers.restore(entry, now_ms);
                    }
                }
                Err(error) => warn!(partition = name, offset, %error, "snapshot is unreadable"),
            }
        }
        for header in &recovered.headers {
            let batch = ProducerBatch {
                producer_id: header.producer_id,
                epoch: header.producer_epoch,
                base_sequence: header.base_sequence,
                last_offset_delta: header.last_offset_delta,
            };
            producers.append(&batch, header.base_offset, header.max_timestamp);
        }
        let epoch = recovered.partition.leader_epochs().last().map_or(0, |(epoch, _)| *epoch);
        self.add_replica(recovered.partition, LeaderEpoch(epoch), producers);
    }

    /// Waits for all shards to have recovered, then for the first image.
    async fn meet(self: &Rc<Self>) -> Result<(), StartError> {
        if self.id() != ShardId(0) {
            self.peers.tell(ShardId(0), Call::Life(Step::Recovered));
            return self.until(|shard| shard.image.borrow().offset >= 0).await;
        }
        let others = self.env.shard_count() - 1;
        self.until(|shard| shard.progress.recovered.get() == others).await?;
        let calls: Vec<_> = (1..self.env.shard_count())
            .map(|shard| self.peers.call(ShardId(shard), Call::Life(Step::FinishRecovery)))
            .collect();
        self.log.finish_recovery().await?;
        for call in calls {
            // A shard that takes no appends must not be said to serve. Its own start says why.
            let Some(Answer::Done) = call.await else { return Err(StartError::Stopped) };
        }
        self.begin_metadata().await
    }

    /// Waits until `reached`, which changes of progress and image may bring about, or until some
    /// shard cannot start. A stop that is asked for comes after the start: a shard that left
    /// earlier would leave the others waiting for it.
    async fn until(&self, reached: impl Fn(&Self) -> bool) -> Result<(), StartError> {
        loop {
            let moved = self.progress.moved.wait();
            if reached(self) {
                return Ok(());
            }
            if self.progress.failed.get() {
                let cause = self.progress.cause.take();
                return Err(cause.map_or(StartError::Stopped, StartError::Log));
            }
            moved.await;
        }
    }

    /// Tells whoever waits in [`Self::until`] to look.
    pub(crate) fn note_progress(&self) {
        self.progress.moved.notify();
    }

    /// The log closes or is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.progress.closed.get()
    }

    /// Counts shards that have got somewhere.
    pub(crate) fn note_step(&self, step: Step) {
        match step {
            Step::Drained => self.progress.drained.set(self.progress.drained.get() + 1),
            Step::Recovered => self.progress.recovered.set(self.progress.recovered.get() + 1),
            _ => self.progress.failed.set(true),
        }
        self.note_progress();
    }

    /// The answer to [`Step::Close`] is on its way: this shard may end.
    pub(crate) fn finish(&self) {
        self.progress.finished.set(true);
        self.note_progress();
    }

    /// Does a step another shard asked for.
    pub(crate) async fn live_here(&self, step: Step) -> Answer {
        match step {
            Step::Recovered | Step::Drained | Step::Failed => {
                self.note_step(step);
                Answer::Done
            }
            Step::FinishRecovery => match self.log.finish_recovery().await {
                Ok(()) => Answer::Done,
                Err(error) => {
                    // Told by the start, which shard 0 ends everywhere.
                    self.progress.cause.replace(Some(error));
                    Answer::Failed
                }
            },
            Step::Table => Answer::Table(self.log.checkpoint_table()),
            Step::Close => match self.close_log().await {
                Some(rows) => Answer::Table(rows),
                None => Answer::Done,
            },
        }
    }

    fn begin_background(self: &Rc<Self>) {
        let shard = self.clone();
        self.env.spawn(Queue::Background, async move { shard.keep_snapshots().await });
        let shard = self.clone();
        self.env.spawn(Queue::Background, async move { shard.keep_retention().await });
        let shard = self.clone();
        self.env.spawn(Queue::Background, async move { shard.expire_producers().await });
        if self.id() == ShardId(0) {
            let shard = self.clone();
            self.env.spawn(Queue::Background, async move { shard.keep_checkpoint_files().await });
        }
    }

    /// Writes snapshots of producers where the log asks for them.
    async fn keep_snapshots(self: Rc<Self>) {
        while !self.progress.closed.get() {
            self.env.sleep(SNAPSHOT_EVERY).await;
            if !self.progress.closed.get() {
                self.write_snapshots().await;
            }
        }
    }

    async fn write_snapshots(&self) {
        for (partition, _) in self.log.snapshots_due() {
            let Some(replica) = self.replica(partition) else { continue };
            self.write_snapshot(&replica).await;
        }
    }

    async fn write_snapshot(&self, replica: &Replica<E>) {
        // State and end belong together: no await between the two lines.
        let bytes = snapshot::encode(&replica.producers.borrow());
        let offset = replica.log.log_end();
        if let Err(error) = replica.log.write_snapshot(offset, &bytes).await {
            warn!(partition = replica.name(), %error, "producer snapshot not written");
        }
    }

    async fn keep_retention(self: Rc<Self>) {
        let every = Duration::from_millis(self.settings.retention_check_ms.max(1));
        while !self.progress.closed.get() {
            self.env.sleep(every).await;
            if self.progress.closed.get() {
                return;
            }
            let mut replicas: Vec<_> = self.replicas.borrow().values().cloned().collect();
            // The map's order is chance; the disk shall see the same order in every run of a seed.
            replicas.sort_by_key(|replica| (replica.id.topic_id, replica.id.partition));
            let now_ms = self.env.wall_ms();
            for replica in replicas {
                if replica.id == METADATA_PARTITION {
                    continue;
                }
                if let Err(error) = replica.log.apply_retention(now_ms).await {
                    warn!(partition = replica.name(), %error, "retention failed");
                }
            }
        }
    }

    async fn expire_producers(self: Rc<Self>) {
        while !self.progress.closed.get() {
            self.env.sleep(EXPIRE_EVERY).await;
            let now_ms = self.env.wall_ms();
            for replica in self.replicas.borrow().values() {
                replica.producers.borrow_mut().expire(now_ms);
            }
        }
    }

    /// Kafka's checkpoint files of the log directory, from the tables of all shards.
    async fn keep_checkpoint_files(self: Rc<Self>) {
        let mut last: Vec<CheckpointRow> = Vec::new();
        while !self.progress.closed.get() {
            self.env.sleep(CHECKPOINT_FILES_EVERY).await;
            let rows = self.gather(Step::Table).await;
            if rows != last && !self.progress.closed.get() {
                self.write_checkpoint_files(&rows).await;
                last = rows;
            }
        }
    }

    async fn write_checkpoint_files(&self, rows: &[CheckpointRow]) {
        if let Err(error) = DirCheckpoints::write(&self.env, &self.settings.log_dir, rows).await {
            warn!(%error, "checkpoint files not written");
        }
    }

    /// The tables that all shards give for `step`, sorted.
    async fn gather(self: &Rc<Self>, step: Step) -> Vec<CheckpointRow> {
        let calls: Vec<_> = (1..self.env.shard_count())
            .map(|shard| self.peers.call(ShardId(shard), Call::Life(step)))
            .collect();
        let mut rows = match step {
            Step::Close => self.close_log().await.unwrap_or_default(),
            _ => self.log.checkpoint_table(),
        };
        for call in calls {
            match call.await {
                Some(Answer::Table(table)) => rows.extend(table),
                _ => self.progress.unclean.set(true),
            }
        }
        rows.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        rows
    }

    /// Writes everything out. Calls of clients are refused from here on.
    async fn close_log(&self) -> Option<Vec<CheckpointRow>> {
        self.progress.closed.set(true);
        let hosts: Vec<_> = std::mem::take(&mut *self.hosts.borrow_mut()).into_values().collect();
        for host in hosts {
            host.close();
        }
        for (partition, _) in self.log.snapshots_unsaved() {
            if let Some(replica) =
                self.replica(partition).filter(|replica| !replica.log.is_fenced())
            {
                self.write_snapshot(&replica).await;
            }
        }
        let rows = self.log.checkpoint_table();
        match self.log.close().await {
            Ok(()) => Some(rows),
            Err(error) => {
                error!(shard = %self.id(), %error, "the log did not close cleanly");
                self.progress.unclean.set(true);
                None
            }
        }
    }

    /// Stops this shard, whose clients are gone. Shard 0 waits for the others, has all logs closed
    /// and marks the directory clean. True if everything is on disk.
    pub async fn stop(self: &Rc<Self>) -> bool {
        if self.id() != ShardId(0) {
            self.peers.tell(ShardId(0), Call::Life(Step::Drained));
            while !self.progress.finished.get() {
                self.progress.moved.wait().await;
            }
            return !self.progress.unclean.get();
        }
        let others = self.env.shard_count() - 1;
        while self.progress.drained.get() < others {
            self.progress.moved.wait().await;
        }
        self.write_metadata_snapshot().await;
        let rows = self.gather(Step::Close).await;
        if self.progress.unclean.get() {
            return false;
        }
        self.write_checkpoint_files(&rows).await;
        let epoch = self.image.borrow().broker(self.settings.node_id).map_or(-1, |node| node.epoch);
        match write_clean_marker(&self.env, &self.settings.log_dir, epoch).await {
            Ok(()) => true,
            Err(error) => {
                error!(%error, "the clean-stop marker is not written");
                false
            }
        }
    }
}

/// Settings of partitions whose topic is not known yet.
fn default_partition_config(settings: &Settings) -> PartitionConfig {
    use engine_state::config::{BrokerLayers, ConfigMap, Layers, TopicConfig};
    let none = ConfigMap::new();
    let broker = BrokerLayers { broker: &none, cluster: &none, fixed: &settings.fixed };
    crate::follow::partition_config(&TopicConfig::resolve(&Layers { topic: &none, broker }))
}
