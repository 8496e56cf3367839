//! Records applied to an image (Kafka's `*Delta.replay`). What comes in was written by us or by a
//! Kafka controller, and may be damaged all the same: a contradiction is an error, never a panic,
//! and after an error the copy of the image is thrown away.

use super::error::ApplyError;
use super::features::KRAFT_VERSION;
use super::image::{BrokerImage, ConfigResource, Image, PartitionImage, ProducerIds, TopicImage};
use super::record::{BrokerChange, PartitionChange, Record};
use engine_base::Uuid;
use std::sync::Arc;

impl Image {
    /// Applies one record that lies at `offset` in a batch of `epoch`.
    pub fn apply(&mut self, record: &Record, offset: i64, epoch: i32) -> Result<(), ApplyError> {
        self.replay(record)?;
        self.offset = offset;
        self.epoch = epoch;
        Ok(())
    }

    /// A copy with `records` applied, which lie one after another behind the last that was.
    pub fn after(&self, records: &[Record], epoch: i32) -> Result<Image, ApplyError> {
        let mut image = self.clone();
        for record in records {
            image.apply(record, image.offset + 1, epoch)?;
        }
        Ok(image)
    }

    /// Notes that a record which says nothing about metadata lies at `offset`.
    pub fn skip(&mut self, offset: i64, epoch: i32) {
        self.offset = offset;
        self.epoch = epoch;
    }

    fn replay(&mut self, record: &Record) -> Result<(), ApplyError> {
        match record {
            Record::RegisterBroker(broker) => self.register(broker),
            Record::Topic { name, id } => self.add_topic(name, *id)?,
            Record::Partition { topic, partition } => self.set_partition(*topic, partition)?,
            Record::Config { resource, name, value } => {
                self.set_config(resource, name, value.as_deref());
            }
            Record::PartitionChange(change) => self.change_partition(change)?,
            Record::RemoveTopic { id } => self.remove_topic(*id)?,
            Record::FeatureLevel { name, level } => self.set_feature(name, *level),
            Record::ProducerIds { broker_id, broker_epoch, next } => {
                self.set_producer_ids(ProducerIds {
                    broker_id: *broker_id,
                    broker_epoch: *broker_epoch,
                    next: *next,
                })?;
            }
            Record::BrokerChange(change) => self.change_broker(change)?,
            Record::NoOp => {}
        }
        Ok(())
    }

    fn register(&mut self, broker: &BrokerImage) {
        Arc::make_mut(&mut self.brokers).insert(broker.id, broker.clone());
    }

    fn change_broker(&mut self, change: &BrokerChange) -> Result<(), ApplyError> {
        let id = change.id;
        let brokers = Arc::make_mut(&mut self.brokers);
        let broker = brokers.get_mut(&id).ok_or(ApplyError::NoBroker { id })?;
        if broker.epoch != change.epoch {
            let (expected, found) = (broker.epoch, change.epoch);
            return Err(ApplyError::BrokerEpoch { id, expected, found });
        }
        if let Some(fenced) = change.fenced {
            broker.fenced = fenced;
        }
        broker.in_controlled_shutdown |= change.enters_controlled_shutdown;
        if let Some(log_dirs) = &change.log_dirs {
            broker.log_dirs.clone_from(log_dirs);
        }
        if let Some(cordoned) = &change.cordoned_log_dirs {
            broker.cordoned_log_dirs = Some(cordoned.clone());
        }
        Ok(())
    }

    fn add_topic(&mut self, name: &Arc<str>, id: Uuid) -> Result<(), ApplyError> {
        if self.names.contains_key(&**name) || self.topics.contains_key(&id) {
            return Err(ApplyError::DuplicateTopic { name: name.to_string() });
        }
        self.names.insert(Arc::clone(name), id);
        let topic = TopicImage { name: Arc::clone(name), id, partitions: Vec::new() };
        self.topics.insert(id, Arc::new(topic));
        Ok(())
    }

    fn remove_topic(&mut self, id: Uuid) -> Result<(), ApplyError> {
        let topic = self.topics.remove(&id).ok_or(ApplyError::NoTopic { id })?;
        self.names.remove(&*topic.name);
        self.configs.remove(&ConfigResource::topic(&topic.name));
        self.partition_count -= topic.partitions.len();
        Ok(())
    }

    fn topic_mut(&mut self, id: Uuid) -> Result<&mut TopicImage, ApplyError> {
        self.topics.get_mut(&id).map(Arc::make_mut).ok_or(ApplyError::NoTopic { id })
    }

    fn set_partition(&mut self, topic: Uuid, new: &PartitionImage) -> Result<(), ApplyError> {
        if new.id < 0 {
            return Err(ApplyError::NegativePartition { topic, partition: new.id });
        }
        let partitions = self.topic_mut(topic)?;
        match partitions.partition_index(new.id) {
            Ok(index) => partitions.partitions[index] = new.clone(),
            Err(index) => {
                partitions.partitions.insert(index, new.clone());
                self.partition_count += 1;
            }
        }
        Ok(())
    }

    fn change_partition(&mut self, change: &PartitionChange) -> Result<(), ApplyError> {
        let topic = self.topic_mut(change.topic)?;
        let index = topic.partition_index(change.partition).map_err(|_| {
            ApplyError::NoPartition { topic: change.topic, partition: change.partition }
        })?;
        let partition = &mut topic.partitions[index];
        if let Some(leader) = change.leader {
            partition.leader = leader;
            partition.leader_epoch = partition.leader_epoch.wrapping_add(1);
        }
        partition.partition_epoch = partition.partition_epoch.wrapping_add(1);
        if let Some(recovering) = change.recovering {
            partition.recovering = recovering;
        }
        fn set<T: Clone>(target: &mut Vec<T>, source: &Option<Vec<T>>) {
            if let Some(source) = source {
                target.clone_from(source);
            }
        }
        set(&mut partition.isr, &change.isr);
        set(&mut partition.replicas, &change.replicas);
        set(&mut partition.removing_replicas, &change.removing_replicas);
        set(&mut partition.adding_replicas, &change.adding_replicas);
        set(&mut partition.directories, &change.directories);
        set(&mut partition.eligible_leader_replicas, &change.eligible_leader_replicas);
        set(&mut partition.last_known_elr, &change.last_known_elr);
        Ok(())
    }

    fn set_config(&mut self, resource: &ConfigResource, name: &str, value: Option<&str>) {
        let Some(value) = value else {
            if let Some(configs) = self.configs.get_mut(resource) {
                let configs = Arc::make_mut(configs);
                configs.remove(name);
                if configs.is_empty() {
                    self.configs.remove(resource);
                }
            }
            return;
        };
        if self.configs.get(resource).is_none() {
            self.configs.insert(resource.clone(), Arc::default());
        }
        if let Some(configs) = self.configs.get_mut(resource) {
            Arc::make_mut(configs).insert(name.to_owned(), value.to_owned());
        }
    }

    /// The level of `kraft.version` is kept in control records (KAFKA-18979).
    fn set_feature(&mut self, name: &str, level: i16) {
        if name == KRAFT_VERSION {
            return;
        }
        let features = Arc::make_mut(&mut self.features);
        if level == 0 {
            features.remove(name);
        } else {
            features.insert(name.to_owned(), level);
        }
    }

    fn set_producer_ids(&mut self, block: ProducerIds) -> Result<(), ApplyError> {
        let next = self.producer_ids.next;
        if block.next < next {
            return Err(ApplyError::ProducerIds { next, found: block.next });
        }
        self.producer_ids = block;
        Ok(())
    }
}
