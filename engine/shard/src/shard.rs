//! Everything one core owns, in one place: its log, the replicas of its partitions, its group
//! coordinators, its view of the metadata, and its line to the other shards. The only composer of
//! the engine's crates. `net/server` calls its methods; nothing here knows the protocol.

use crate::call::{Answer, Call};
use crate::controller::Controller;
use crate::error::PartitionError;
use crate::groups::{Host, OFFSETS_TOPIC};
use crate::peers::Peers;
use bytes::Bytes;
use engine_base::{LeaderEpoch, Offset, ShardId, TopicPartition, Uuid};
use engine_io::Env;
use engine_log::{LogError, Partition, Read, ReadRequest, ShardLog, Upper};
use engine_state::config::{BrokerLayers, ConfigMap, Layers, TopicConfig};
use engine_state::groups::GroupConfig;
use engine_state::metadata::{Image, TopicImage};
use engine_state::producers::{ProducerIds, ProducerTable};
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Settings of all shards of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    pub node_id: i32,
    /// Kafka's `log.dirs`, one directory.
    pub log_dir: std::path::PathBuf,
    /// Id of that directory, from its `meta.properties`.
    pub directory_id: Uuid,
    /// What the broker says of itself in the metadata.
    pub endpoints: Vec<engine_state::metadata::Endpoint>,
    pub rack: Option<String>,
    /// The broker's file, environment and command line: the static layer of every config.
    pub fixed: Arc<ConfigMap>,
    pub groups: GroupConfig,
    /// Partitions of a new `__consumer_offsets`.
    pub offsets_topic_partitions: i32,
    pub offsets_topic_segment_bytes: i32,
    pub producer_id_expiration_ms: i64,
    pub journal_bytes: u64,
    /// Memory of one shard for chunks and caches.
    pub arena_bytes: usize,
    /// `acks=all` is answered as acks=1 is.
    pub relaxed_all: bool,
    /// The last stop was clean.
    pub clean: bool,
    pub retention_check_ms: u64,
    /// `num.partitions`
    pub default_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `delete.topic.enable`
    pub topics_can_be_deleted: bool,
}

/// One partition on the shard that owns it.
pub struct Replica<E: Env> {
    pub id: TopicPartition,
    pub log: Partition<E>,
    pub leader_epoch: Cell<LeaderEpoch>,
    pub producers: RefCell<ProducerTable>,
}

impl<E: Env> Replica<E> {
    /// Topic and partition, for logs.
    pub fn name(&self) -> String {
        format!("{}-{}", self.log.topic(), self.id.partition)
    }

    /// Kafka's check of the epoch a client believes in; -1 for none.
    pub fn check_epoch(&self, current_epoch: i32) -> Result<(), PartitionError> {
        match current_epoch.cmp(&self.leader_epoch.get().0) {
            _ if current_epoch < 0 => Ok(()),
            std::cmp::Ordering::Less => Err(PartitionError::FencedLeaderEpoch),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(PartitionError::UnknownLeaderEpoch),
        }
    }

    /// Whole batches from `offset` to the high watermark.
    pub async fn read(
        &self,
        offset: Offset,
        bytes_max: usize,
        first_whole: bool,
    ) -> Result<Read, LogError> {
        let request = ReadRequest {
            offset: offset.0,
            max_bytes: u64::try_from(bytes_max).unwrap_or(u64::MAX),
            at_least_one: first_whole,
            upper: Upper::HighWatermark,
        };
        self.log.read(request).await
    }

    /// Whole batches from `offset` to the end of the log, at least one: for our own topics, whose
    /// state includes what consumers may not see yet.
    pub async fn read_to_end(&self, offset: i64, bytes_max: usize) -> Result<Vec<Bytes>, LogError> {
        let request = ReadRequest {
            offset,
            max_bytes: u64::try_from(bytes_max).unwrap_or(u64::MAX),
            at_least_one: true,
            upper: Upper::LogEnd,
        };
        Ok(self.log.read(request).await?.records)
    }
}

/// See the module's words.
pub struct Shard<E: Env> {
    pub env: E,
    pub settings: Settings,
    pub(crate) log: ShardLog<E>,
    pub(crate) peers: Rc<Peers<E, Call, Answer>>,
    pub(crate) replicas: RefCell<HashMap<TopicPartition, Rc<Replica<E>>>>,
    pub(crate) following: crate::follow::Following,
    /// Coordinators by partition of the offsets topic.
    pub(crate) hosts: RefCell<BTreeMap<i32, Rc<Host<E>>>>,
    pub(crate) image: RefCell<Arc<Image>>,
    /// Resolved configs of topics, made when first asked for, gone with the next image.
    configs: RefCell<HashMap<Uuid, Rc<TopicConfig>>>,
    pub(crate) producer_ids: RefCell<ProducerIds>,
    /// Fires when a request for a block of them has ended.
    pub(crate) producer_ids_changed: engine_io::sync::Signal,
    /// Metadata commands of this shard's clients.
    pub(crate) commands: crate::commands::Commands,
    /// On shard 0.
    pub(crate) controller: Option<Controller>,
    /// Fetches of other shards that wait here.
    pub(crate) waiting_fetches: RefCell<HashMap<(ShardId, u64), Rc<crate::fetch::Hurry>>>,
    tokens: Cell<u64>,
    pub(crate) progress: crate::life::Progress,
}

impl<E: Env> Shard<E> {
    pub(crate) fn new(
        env: E,
        settings: Settings,
        log: ShardLog<E>,
        peers: Rc<Peers<E, Call, Answer>>,
    ) -> Self {
        let controller = (env.shard() == ShardId(0)).then(Controller::default);
        Shard {
            env,
            settings,
            log,
            peers,
            replicas: RefCell::default(),
            following: crate::follow::Following::default(),
            hosts: RefCell::default(),
            image: RefCell::default(),
            configs: RefCell::default(),
            producer_ids: RefCell::default(),
            producer_ids_changed: engine_io::sync::Signal::new(),
            commands: crate::commands::Commands::default(),
            controller,
            waiting_fetches: RefCell::default(),
            tokens: Cell::new(0),
            progress: crate::life::Progress::default(),
        }
    }

    pub fn id(&self) -> ShardId {
        self.env.shard()
    }

    /// The shard that owns `partition`.
    pub fn owner(&self, partition: TopicPartition) -> ShardId {
        partition.owner(self.env.shard_count())
    }

    pub(crate) fn replica(&self, partition: TopicPartition) -> Option<Rc<Replica<E>>> {
        self.replicas.borrow().get(&partition).cloned()
    }

    /// The metadata in force here.
    pub fn image(&self) -> Arc<Image> {
        self.image.borrow().clone()
    }

    /// The layers of this broker's configs.
    pub fn broker_layers<'a>(&'a self, image: &'a Image) -> BrokerLayers<'a> {
        image.broker_layers(self.settings.node_id, &self.settings.fixed)
    }

    /// The layers of a topic's configs on this broker.
    pub fn topic_layers<'a>(&'a self, image: &'a Image, topic: &'a TopicImage) -> Layers<'a> {
        image.topic_layers(&topic.name, self.settings.node_id, &self.settings.fixed)
    }

    /// The resolved configs of a topic.
    pub fn topic_config(&self, topic: &TopicImage) -> Rc<TopicConfig> {
        if let Some(config) = self.configs.borrow().get(&topic.id) {
            return config.clone();
        }
        let image = self.image();
        let config = Rc::new(TopicConfig::resolve(&self.topic_layers(&image, topic)));
        self.configs.borrow_mut().insert(topic.id, config.clone());
        config
    }

    pub(crate) fn forget_configs(&self) {
        self.configs.borrow_mut().clear();
    }

    /// Id and partition count of the offsets topic, once it exists.
    pub(crate) fn offsets_topic(&self) -> Option<(Uuid, i32)> {
        let image = self.image.borrow();
        let topic = image.topic(OFFSETS_TOPIC)?;
        Some((topic.id, i32::try_from(topic.partitions.len()).ok()?))
    }

    /// Fetches of other shards that wait here.
    pub fn waiting_fetch_count(&self) -> usize {
        self.waiting_fetches.borrow().len()
    }

    pub(crate) fn next_token(&self) -> u64 {
        let token = self.tokens.get() + 1;
        self.tokens.set(token);
        token
    }

    /// End of `epoch` in a partition: the epoch it ends in and its end offset, -1 for unknown.
    pub async fn epoch_end(
        self: &Rc<Self>,
        partition: TopicPartition,
        current_epoch: i32,
        epoch: i32,
    ) -> Result<(i32, i64), PartitionError> {
        let owner = self.owner(partition);
        if owner == self.id() {
            return self.epoch_end_here(partition, current_epoch, epoch);
        }
        match self.peers.call(owner, Call::EpochEnd { partition, current_epoch, epoch }).await {
            Some(Answer::EpochEnd(result)) => result,
            _ => Err(PartitionError::Stopping),
        }
    }

    pub(crate) fn epoch_end_here(
        &self,
        partition: TopicPartition,
        current_epoch: i32,
        epoch: i32,
    ) -> Result<(i32, i64), PartitionError> {
        let replica = self.replica(partition).ok_or(PartitionError::UnknownPartition)?;
        replica.check_epoch(current_epoch)?;
        Ok(replica.log.end_offset_for_epoch(epoch).unwrap_or((-1, -1)))
    }
}
