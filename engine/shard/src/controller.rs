//! The one writer of metadata, on shard 0. A command becomes records; they are made durable in
//! `__cluster_metadata-0`; the image with them goes to every shard; then the command is answered.
//! One command at a time. Every shard can ask, by call.

use crate::call::Call;
use crate::error::PartitionError;
use crate::groups::OFFSETS_TOPIC;
use crate::shard::Shard;
use engine_base::{LeaderEpoch, ProducerId, ShardId, TopicPartition, Uuid};
use engine_io::sync::Lock;
use engine_io::{Env, Queue};
use engine_log::{Acks, AppendInfo, LogError};
use engine_record::{BatchBuilder, BatchOptions};
use engine_state::metadata::configs::{self, ConfigChange, Operation};
use engine_state::metadata::create_partitions::{self, MorePartitions};
use engine_state::metadata::create_topics::{self, CreatedTopic, NewTopic};
use engine_state::metadata::delete_topics::{self, TopicRef};
use engine_state::metadata::producer_ids::{ProducerIdBlock, allocate_producer_ids};
use engine_state::metadata::rules::Rules;
use engine_state::metadata::{ConfigResource, Image, Record, Refusal, RefusalKind};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tracing::{error, info};

/// Name and id of the metadata log.
pub const METADATA_TOPIC: &str = "__cluster_metadata";
pub const METADATA_PARTITION: TopicPartition =
    TopicPartition { topic_id: Uuid::METADATA_TOPIC, partition: 0 };

/// Records of one batch, at most, so that a batch stays far below the log's limit.
const BATCH_RECORDS_MAX: usize = 5_000;

/// Pause before a command that waits for room tries again.
const RETRY: Duration = Duration::from_millis(100);

/// A topic to create.
#[derive(Clone, Debug)]
pub struct TopicSpec {
    pub name: String,
    /// Random; the topic's id if it comes to be.
    pub id: Uuid,
    /// -1 for the default.
    pub partitions: i32,
    /// -1 for the default.
    pub replication_factor: i16,
    pub assignments: Vec<(i32, Vec<i32>)>,
    pub configs: Vec<(String, Option<String>)>,
}

impl TopicSpec {
    /// A topic with the broker's defaults, as for automatic creation.
    pub fn with_defaults(name: String, id: Uuid) -> Self {
        let (partitions, replication_factor) = (-1, -1);
        let (assignments, configs) = (Vec::new(), Vec::new());
        TopicSpec { name, id, partitions, replication_factor, assignments, configs }
    }
}

/// A topic to delete.
#[derive(Clone, Debug)]
pub enum TopicName {
    Name(String),
    Id(Uuid),
}

/// A topic that is to have more partitions.
#[derive(Clone, Debug)]
pub struct PartitionsSpec {
    pub name: String,
    /// How many there are to be.
    pub count: i32,
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// One change of a config.
#[derive(Clone, Debug)]
pub struct ConfigEdit {
    pub name: String,
    pub operation: Operation,
    pub value: Option<String>,
}

/// A command to shard 0.
pub enum ControllerCall {
    CreateTopics { topics: Vec<TopicSpec>, validate_only: bool },
    DeleteTopics(Vec<TopicName>),
    CreatePartitions { topics: Vec<PartitionsSpec>, validate_only: bool },
    AlterConfigs { resources: Vec<(ConfigResource, Vec<ConfigEdit>)>, validate_only: bool },
    ProducerIds,
}

/// What became of it, item by item in the order asked for.
#[derive(Debug)]
pub enum ControllerAnswer {
    /// Nothing was done: the metadata log took no records.
    Failed(PartitionError),
    /// The whole request is refused.
    Refused(Refusal),
    Created(Vec<Result<CreatedTopic, Refusal>>),
    /// Name and id of each topic.
    Deleted(Vec<Result<(String, Uuid), Refusal>>),
    Done(Vec<Result<(), Refusal>>),
    ProducerIds(ProducerIdBlock),
}

/// The writer's own state.
#[derive(Default)]
pub(crate) struct Controller {
    /// Held by the command in work.
    pub turn: Lock,
    /// Epoch of the records this process writes.
    pub epoch: Cell<i32>,
}

impl<E: Env> Shard<E> {
    pub(crate) async fn control_here(self: &Rc<Self>, call: ControllerCall) -> ControllerAnswer {
        let controller = self.controller.as_ref().expect("commands go to shard 0");
        let _turn = controller.turn.acquire().await;
        let image = self.image();
        let (answer, records) = self.decide(&image, call);
        if records.is_empty() {
            return answer;
        }
        match self.commit(&image, records).await {
            Ok(()) => answer,
            Err(error) => {
                error!(%error, "metadata cannot be written");
                ControllerAnswer::Failed(error)
            }
        }
    }

    /// What `call` comes to on `image`: the answer once the records are in force.
    fn decide(&self, image: &Image, call: ControllerCall) -> (ControllerAnswer, Vec<Record>) {
        let rules = self.rules();
        match call {
            ControllerCall::CreateTopics { topics, validate_only } => {
                decide_create(image, &topics, validate_only, &rules)
            }
            ControllerCall::DeleteTopics(topics) => {
                let asked: Vec<TopicRef<'_>> = topics
                    .iter()
                    .map(|topic| match topic {
                        TopicName::Name(name) => TopicRef::Name(name),
                        TopicName::Id(id) => TopicRef::Id(*id),
                    })
                    .collect();
                let mut records = Vec::new();
                let results = delete_topics::delete_topics(image, &asked, &rules)
                    .into_iter()
                    .map(|result| {
                        let deleted = result?;
                        records.push(deleted.record);
                        info!(topic = &*deleted.topic.name, "topic deleted");
                        Ok((deleted.topic.name.to_string(), deleted.topic.id))
                    })
                    .collect();
                (ControllerAnswer::Deleted(results), records)
            }
            ControllerCall::CreatePartitions { topics, validate_only } => {
                let asked: Vec<MorePartitions<'_>> = topics
                    .iter()
                    .map(|topic| MorePartitions {
                        name: &topic.name,
                        count: topic.count,
                        assignments: topic.assignments.clone(),
                    })
                    .collect();
                let results = create_partitions::create_partitions(image, &asked);
                collect_done(results, validate_only)
            }
            ControllerCall::AlterConfigs { resources, validate_only } => {
                let results = resources
                    .iter()
                    .map(|(resource, edits)| {
                        let changes: Vec<ConfigChange<'_>> = edits
                            .iter()
                            .map(|edit| ConfigChange {
                                name: &edit.name,
                                operation: edit.operation,
                                value: edit.value.as_deref(),
                            })
                            .collect();
                        configs::alter_configs(image, resource, &changes, &rules)
                    })
                    .collect();
                collect_done(results, validate_only)
            }
            ControllerCall::ProducerIds => {
                let node_id = self.settings.node_id;
                let epoch = image.broker(node_id).map_or(-1, |broker| broker.epoch);
                match allocate_producer_ids(image, node_id, epoch) {
                    Ok((record, block)) => (ControllerAnswer::ProducerIds(block), vec![record]),
                    Err(refusal) => (ControllerAnswer::Refused(refusal), Vec::new()),
                }
            }
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            node_id: self.settings.node_id,
            fixed: &self.settings.fixed,
            default_partitions: self.settings.default_partitions,
            default_replication_factor: self.settings.default_replication_factor,
            topics_can_be_deleted: self.settings.topics_can_be_deleted,
        }
    }

    /// Makes `records` durable and the image with them the one in force on all shards.
    pub(crate) async fn commit(
        self: &Rc<Self>,
        image: &Image,
        records: Vec<Record>,
    ) -> Result<(), PartitionError> {
        let controller = self.controller.as_ref().expect("metadata is written on shard 0");
        let epoch = controller.epoch.get();
        let replica = self.replica(METADATA_PARTITION).ok_or(PartitionError::UnknownPartition)?;
        let next = image.after(&records, epoch).map_err(|error| {
            error!(%error, "a command made records that do not apply");
            PartitionError::Stopping
        })?;
        let now_ms = self.env.wall_ms();
        for records in records.chunks(BATCH_RECORDS_MAX) {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            for record in records {
                let value = record.encode().expect("commands refuse what cannot be written");
                builder.append(now_ms, None, Some(&value), &[]);
            }
            let leader_epoch = LeaderEpoch(epoch);
            let info = AppendInfo { acks: Acks::All, leader_epoch, now_ms, stamp: None };
            let batch = builder.finish();
            // Once a first part has its offsets, the command can only go on.
            let begun = replica.log.log_end() > image.offset + 1;
            while let Err(error) = replica.log.append(&batch, info) {
                if !begun || !is_passing(&error) {
                    return Err(error.into());
                }
                self.env.sleep(RETRY).await;
            }
        }
        // Records that have offsets stay in the log, and a full disk only delays them: giving up
        // here would leave the image behind the log.
        while let Err(error) = replica.log.ticket(next.offset + 1, Acks::All).await {
            if !is_passing(&error) {
                return Err(error.into());
            }
            self.env.sleep(RETRY).await;
        }
        assert_eq!(replica.log.log_end(), next.offset + 1, "image and log agree");
        self.publish(Arc::new(next)).await;
        Ok(())
    }

    /// Puts `image` in force on every shard.
    pub(crate) async fn publish(self: &Rc<Self>, image: Arc<Image>) {
        let calls: Vec<_> = (1..self.env.shard_count())
            .map(|shard| self.peers.call(ShardId(shard), Call::Image(image.clone())))
            .collect();
        self.follow(image).await;
        for call in calls {
            call.await;
        }
    }

    /// Whether the offsets topic is there, after making it if it was not.
    pub async fn ensure_offsets_topic(self: &Rc<Self>) -> bool {
        if self.offsets_topic().is_some() {
            return true;
        }
        let id = self.random_id();
        let config = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let spec = TopicSpec {
            partitions: self.settings.offsets_topic_partitions,
            replication_factor: 1,
            configs: vec![
                config("cleanup.policy", "compact"),
                config("compression.type", "producer"),
                config("segment.bytes", &self.settings.offsets_topic_segment_bytes.to_string()),
            ],
            ..TopicSpec::with_defaults(OFFSETS_TOPIC.to_owned(), id)
        };
        let call = ControllerCall::CreateTopics { topics: vec![spec], validate_only: false };
        match self.control(call).await {
            ControllerAnswer::Created(results) => match results.into_iter().next() {
                Some(Ok(_)) => info!(topic = OFFSETS_TOPIC, "topic created"),
                // Somebody else was first.
                Some(Err(refusal)) if refusal.kind == RefusalKind::TopicExists => {}
                Some(Err(refusal)) => {
                    error!(topic = OFFSETS_TOPIC, reason = refusal.message, "topic not created");
                }
                None => {}
            },
            ControllerAnswer::Failed(error) => {
                error!(topic = OFFSETS_TOPIC, %error, "topic not created");
            }
            _ => {}
        }
        self.offsets_topic().is_some()
    }

    /// 128 random bits.
    pub fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.env.random().to_be_bytes());
        bytes[8..].copy_from_slice(&self.env.random().to_be_bytes());
        bytes
    }

    /// A fresh id. Some random bits make none, as ids that begin with a dash are not used.
    pub fn random_id(&self) -> Uuid {
        loop {
            if let Some(id) = Uuid::from_random(self.random_bytes()) {
                return id;
            }
        }
    }

    /// A producer id nobody had before, `None` if no block of them can be had now.
    pub async fn producer_id(self: &Rc<Self>) -> Option<ProducerId> {
        let changed = self.producer_ids_changed.wait();
        let claimed = self.producer_ids.borrow_mut().claim();
        if self.producer_ids.borrow_mut().ask() {
            let shard = self.clone();
            self.env.spawn(Queue::Net, async move { shard.fetch_producer_ids().await });
        }
        if claimed.is_some() {
            return claimed;
        }
        changed.await;
        self.producer_ids.borrow_mut().claim()
    }

    async fn fetch_producer_ids(self: Rc<Self>) {
        let answer = self.control(ControllerCall::ProducerIds).await;
        let mut ids = self.producer_ids.borrow_mut();
        match answer {
            ControllerAnswer::ProducerIds(block) => assert!(ids.granted(block), "blocks rise"),
            _ => ids.refused(),
        }
        drop(ids);
        self.producer_ids_changed.notify();
    }
}

/// Whether the log will take or finish the append once there is room again.
fn is_passing(error: &LogError) -> bool {
    matches!(error, LogError::NoSpace | LogError::Busy)
}

fn decide_create(
    image: &Image,
    topics: &[TopicSpec],
    validate_only: bool,
    rules: &Rules<'_>,
) -> (ControllerAnswer, Vec<Record>) {
    let asked: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| NewTopic {
            name: &topic.name,
            id: topic.id,
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            assignments: topic.assignments.clone(),
            configs: topic
                .configs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref()))
                .collect(),
        })
        .collect();
    match create_topics::create_topics(image, &asked, rules) {
        Err(refusal) => (ControllerAnswer::Refused(refusal), Vec::new()),
        Ok(results) => {
            let mut records = Vec::new();
            if !validate_only {
                records.extend(results.iter().flatten().flat_map(|topic| topic.records.clone()));
            }
            (ControllerAnswer::Created(results), records)
        }
    }
}

fn collect_done(
    results: Vec<Result<Vec<Record>, Refusal>>,
    validate_only: bool,
) -> (ControllerAnswer, Vec<Record>) {
    let mut records = Vec::new();
    let results = results
        .into_iter()
        .map(|result| {
            let mut made = result?;
            if !validate_only {
                records.append(&mut made);
            }
            Ok(())
        })
        .collect();
    (ControllerAnswer::Done(results), records)
}
