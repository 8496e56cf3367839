//! Following the metadata: when shard 0 hands out an image, each shard makes its partitions agree
//! with it. New partitions exist before the image is in force here, deleted ones go after it.

use crate::controller::METADATA_PARTITION;
use crate::groups::{Host, OFFSETS_TOPIC};
use crate::shard::{Replica, Shard};
use engine_base::{LeaderEpoch, TopicPartition, Uuid};
use engine_io::sync::Lock;
use engine_io::{Env, Queue};
use engine_log::{LogError, Partition, PartitionConfig};
use engine_state::config::TopicConfig;
use engine_state::metadata::{ConfigResource, Image, TopicImage};
use engine_state::producers::ProducerTable;
use futures_util::stream::{self, StreamExt};
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tracing::{error, warn};

/// Pause before partitions that could not be made are tried again; it doubles each time.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Partitions of a topic that are made at once, for those that need the disk.
const CREATE_CONCURRENCY: usize = 32;
/// Partitions made before others of the shard's tasks have a turn.
const YIELD_EVERY: usize = 64;

/// The state of following.
#[derive(Default)]
pub(crate) struct Following {
    /// Held while partitions are made or removed.
    turn: Lock,
    /// A task makes what could not be made before.
    is_retrying: Cell<bool>,
    /// Partitions that could not be made, and why.
    missing: RefCell<HashMap<TopicPartition, LogError>>,
}

impl Following {
    /// Notes that a partition could not be made; whether this is the first time for this cause.
    fn is_news(&self, id: TopicPartition, error: &LogError) -> bool {
        let before = self.missing.borrow_mut().insert(id, error.clone());
        before.as_ref() != Some(error)
    }

    /// Whether trying again is of no use.
    fn is_hopeless(&self, id: TopicPartition) -> bool {
        self.missing.borrow().get(&id).is_some_and(lasts)
    }
}

/// Whether a cause stays until an operator has acted, and then until the next start.
fn lasts(error: &LogError) -> bool {
    matches!(error, LogError::Offline { .. } | LogError::Fenced | LogError::Closed)
}

/// The log's settings from a topic's configs.
pub fn partition_config(config: &TopicConfig) -> PartitionConfig {
    PartitionConfig {
        segment_bytes: u64::from(config.segment_bytes),
        segment_ms: config.segment_ms,
        segment_jitter_ms: config.segment_jitter_ms,
        index_interval_bytes: u64::from(config.index_interval_bytes),
        segment_index_bytes: u64::from(config.segment_index_bytes),
        retention_ms: config.retention_ms,
        retention_bytes: config.retention_bytes,
        delete: config.cleanup_delete,
        flush_messages: config.flush_messages,
        flush_ms: config.flush_ms,
        file_delete_delay_ms: config.file_delete_delay_ms,
    }
}

impl<E: Env> Shard<E> {
    /// Puts `image` in force on this shard.
    pub(crate) async fn follow(self: &Rc<Self>, image: Arc<Image>) {
        let _turn = self.following.turn.acquire().await;
        let before = self.image();
        if before.topic_count() == 0 {
            // The first image: later ones are followed from one to the next.
            self.set_strays_aside(&image).await;
        }
        let mut complete = true;
        for topic in image.topics() {
            let known = before.topic_by_id(&topic.id);
            if !known.is_some_and(|known| Arc::ptr_eq(known, topic)) {
                complete &= self.add_partitions(&image, topic).await;
            }
        }
        if !complete && !self.following.is_retrying.replace(true) {
            let shard = self.clone();
            self.env.spawn(Queue::Background, async move { shard.retry_partitions().await });
        }
        *self.image.borrow_mut() = image.clone();
        self.forget_configs();
        self.note_progress();
        self.apply_configs(&before, &image);
        let gone: Vec<Arc<TopicImage>> = before
            .topics()
            .filter(|topic| image.topic_by_id(&topic.id).is_none())
            .cloned()
            .collect();
        for topic in &gone {
            self.remove_partitions(topic).await;
        }
        if !gone.is_empty() {
            let topics: Vec<(String, Uuid)> =
                gone.iter().map(|topic| (topic.name.to_string(), topic.id)).collect();
            let hosts: Vec<Rc<Host<E>>> = self.hosts.borrow().values().cloned().collect();
            for host in hosts {
                host.topics_deleted(&topics);
            }
        }
    }

    /// Makes partitions that could not be made, until all are there: the disk was full, say.
    async fn retry_partitions(self: Rc<Self>) {
        let mut pause = RETRY_AFTER_MIN;
        loop {
            self.env.sleep(pause).await;
            pause = (pause * 2).min(RETRY_AFTER_MAX);
            let _turn = self.following.turn.acquire().await;
            let image = self.image();
            let mut complete = true;
            for topic in image.topics() {
                complete &= self.is_closed() || self.add_partitions(&image, topic).await;
            }
            if complete {
                self.following.is_retrying.set(false);
                return;
            }
        }
    }

    /// False if one of them could not be made, and may be later.
    async fn add_partitions(self: &Rc<Self>, image: &Image, topic: &TopicImage) -> bool {
        let config = TopicConfig::resolve(&self.topic_layers(image, topic));
        let mut missing = Vec::new();
        for partition in &topic.partitions {
            let id = TopicPartition { topic_id: topic.id, partition: partition.id };
            if self.owner(id) != self.id() {
                continue;
            }
            let epoch = LeaderEpoch(partition.leader_epoch);
            match self.replica(id) {
                Some(replica) => replica.leader_epoch.set(epoch),
                None if self.following.is_hopeless(id) => {}
                None => missing.push((id, epoch)),
            }
        }
        let mut complete = true;
        let mut making = stream::iter(missing)
            .map(async |(id, epoch)| {
                let config = partition_config(&config);
                (id, epoch, self.log.create_partition(&topic.name, id, config).await)
            })
            .buffered(CREATE_CONCURRENCY);
        let mut count = 0_usize;
        while let Some((id, epoch, made)) = making.next().await {
            count += 1;
            if count.is_multiple_of(YIELD_EVERY) {
                self.env.yield_now().await;
            }
            match made {
                Ok(log) => {
                    self.following.missing.borrow_mut().remove(&id);
                    self.add_replica(log, epoch, self.new_producers());
                }
                // Requests for it fail until it can be made, once the cause is gone.
                Err(error) => {
                    complete &= lasts(&error);
                    if self.following.is_news(id, &error) {
                        error!(
                            topic = &*topic.name,
                            partition = id.partition,
                            %error,
                            "partition cannot be created now"
                        );
                    }
                }
            }
        }
        complete
    }

    pub(crate) fn new_producers(&self) -> ProducerTable {
        ProducerTable::new(
            self.settings.producer_id_expiration_ms,
            engine_state::producers::table::PRODUCERS_MAX_DEFAULT,
        )
    }

    /// Takes a partition's log under this shard's wing.
    pub(crate) fn add_replica(
        self: &Rc<Self>,
        log: Partition<E>,
        epoch: LeaderEpoch,
        producers: ProducerTable,
    ) {
        let replica = Rc::new(Replica {
            id: log.id(),
            log,
            leader_epoch: Cell::new(epoch),
            producers: RefCell::new(producers),
        });
        self.replicas.borrow_mut().insert(replica.id, replica.clone());
        if replica.log.topic() == OFFSETS_TOPIC {
            let partition = replica.id.partition;
            let host = Host::start(&self.env, replica, self.settings.groups.clone());
            self.hosts.borrow_mut().insert(partition, host);
        }
    }

    async fn remove_partitions(&self, topic: &TopicImage) {
        for partition in &topic.partitions {
            let id = TopicPartition { topic_id: topic.id, partition: partition.id };
            self.following.missing.borrow_mut().remove(&id);
            if self.replicas.borrow_mut().remove(&id).is_none() {
                continue;
            }
            if &*topic.name == OFFSETS_TOPIC
                && let Some(host) = self.hosts.borrow_mut().remove(&partition.id)
            {
                host.close();
            }
            if let Err(error) = self.log.delete_partition(id).await {
                error!(topic = &*topic.name, partition = partition.id, %error,
                    "partition cannot be deleted");
            }
        }
    }

    /// Renames the directories of partitions that the metadata does not know, as Kafka does
    /// (`LogManager.addStrayLog`): a kill in the middle of a deletion leaves such. Their names are
    /// free then, and what they hold is kept for the operator.
    async fn set_strays_aside(&self, image: &Image) {
        let is_known = |id: TopicPartition| {
            id == METADATA_PARTITION || image.partition(&id.topic_id, id.partition).is_some()
        };
        let strays: Vec<Rc<Replica<E>>> = {
            let replicas = self.replicas.borrow();
            replicas.values().filter(|replica| !is_known(replica.id)).cloned().collect()
        };
        for replica in strays {
            self.replicas.borrow_mut().remove(&replica.id);
            if replica.log.topic() == OFFSETS_TOPIC
                && let Some(host) = self.hosts.borrow_mut().remove(&replica.id.partition)
            {
                host.close();
            }
            let (partition, topic_id) = (replica.name(), replica.id.topic_id);
            if replica.log.is_remade() {
                // Deleted before it had a directory: only the journal remembered it.
                if let Err(error) = self.log.delete_partition(replica.id).await {
                    error!(partition, %topic_id, %error, "partition cannot be deleted");
                }
                continue;
            }
            match self.log.set_partition_aside(replica.id).await {
                Ok(kept) => {
                    let kept = kept.display();
                    warn!(partition, %topic_id, %kept, "partition is not in the metadata: set aside");
                }
                Err(error) => {
                    error!(partition, %topic_id, %error, "partition is not in the metadata");
                }
            }
        }
    }

    /// Forgets lost partitions that the metadata does not know.
    pub(crate) fn forget_lost(&self) {
        let image = self.image();
        let is_known = |id: TopicPartition| image.partition(&id.topic_id, id.partition).is_some();
        self.log.forget_lost(|id| id != METADATA_PARTITION && !is_known(id));
    }

    /// Gives changed settings to the partitions of this shard.
    fn apply_configs(&self, before: &Image, image: &Image) {
        let changed = |resource: &ConfigResource| {
            !Arc::ptr_eq(before.configs(resource), image.configs(resource))
        };
        let broker = changed(&ConfigResource::broker(self.settings.node_id))
            || changed(&ConfigResource::cluster());
        let replicas: Vec<Rc<Replica<E>>> = self.replicas.borrow().values().cloned().collect();
        for replica in replicas {
            let Some(topic) = image.topic_by_id(&replica.id.topic_id) else { continue };
            if broker || changed(&ConfigResource::topic(&topic.name)) {
                replica.log.set_config(partition_config(&self.topic_config(topic)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Following;
    use engine_base::{TopicPartition, Uuid};
    use engine_log::LogError;

    #[test]
    fn a_cause_is_told_once() {
        let following = Following::default();
        let at = |partition| TopicPartition { topic_id: Uuid::ZERO, partition };
        let offline = LogError::Offline { path: "t-0".into(), what: "is lost".to_owned() };
        let tell = |partition, error: &LogError, is_news, is_hopeless| {
            assert_eq!(following.is_news(at(partition), error), is_news, "{partition} {error}");
            assert_eq!(following.is_hopeless(at(partition)), is_hopeless, "{partition} {error}");
        };
        tell(0, &LogError::NoSpace, true, false);
        tell(0, &LogError::NoSpace, false, false);
        tell(1, &LogError::NoSpace, true, false);
        tell(0, &offline, true, true);
        tell(0, &offline, false, true);
        tell(0, &LogError::NoSpace, true, false);
        assert!(!following.is_hopeless(at(2)));
    }
}
