//! CreateTopics as a pure function (`ControllerApis.createTopics`, `ReplicationControlManager`).
//! The order of the checks decides which of several mistakes a client hears of, so it is Kafka's.

use super::configs::config_records;
use super::error::{Refusal, RefusalKind};
use super::image::{ConfigResource, Image, PartitionImage};
use super::names::{self, Unified};
use super::placement;
use super::record::Record;
use super::rules::{PARTITIONS_PER_REQUEST_MAX, Rules, TOO_MANY_PARTITIONS};
use crate::config::ConfigMap;
use engine_base::Uuid;
use std::collections::{BTreeMap, BTreeSet};

const METADATA_TOPIC: &str = "__cluster_metadata";

/// One topic of a request.
#[derive(Clone, Debug)]
pub struct NewTopic<'a> {
    pub name: &'a str,
    /// Random, see [`Uuid::from_random`]; used if the topic comes to be.
    pub id: Uuid,
    /// -1 for the default.
    pub partitions: i32,
    /// -1 for the default.
    pub replication_factor: i16,
    /// Brokers for each partition number, instead of the two counts.
    pub assignments: Vec<(i32, Vec<i32>)>,
    pub configs: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> NewTopic<'a> {
    /// A topic with defaults, as for automatic creation.
    pub fn with_defaults(name: &'a str, id: Uuid) -> Self {
        let (partitions, replication_factor) = (-1, -1);
        let (assignments, configs) = (Vec::new(), Vec::new());
        NewTopic { name, id, partitions, replication_factor, assignments, configs }
    }
}

/// A topic that will exist once the records are applied.
#[derive(Clone, PartialEq, Debug)]
pub struct CreatedTopic {
    pub name: String,
    pub id: Uuid,
    pub partitions: i32,
    pub replication_factor: i16,
    /// Configs set with it.
    pub configs: ConfigMap,
    /// In the order they must be written: topic, configs, partitions.
    pub records: Vec<Record>,
}

/// The outcome for each topic in the order asked for, or a refusal of the whole request. Nothing
/// is changed: whoever only validates drops the records.
pub fn create_topics(
    image: &Image,
    topics: &[NewTopic<'_>],
    rules: &Rules<'_>,
) -> Result<Vec<Result<CreatedTopic, Refusal>>, Refusal> {
    let total: i64 = topics.iter().map(|topic| partitions_asked(topic, rules)).sum();
    if total > PARTITIONS_PER_REQUEST_MAX {
        return Err(Refusal::new(RefusalKind::PolicyViolation, TOO_MANY_PARTITIONS));
    }
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for topic in topics {
        if !seen.insert(topic.name) {
            repeated.insert(topic.name);
        }
    }
    let collisions = collisions(image, topics);
    let create = |topic: &NewTopic<'_>| {
        if repeated.contains(topic.name) {
            return Err(Refusal::new(RefusalKind::InvalidRequest, "Duplicate topic name."));
        }
        check_name(image, topic.name, &collisions)?;
        create_topic(image, topic, rules)
    };
    Ok(topics.iter().map(create).collect())
}

fn partitions_asked(topic: &NewTopic<'_>, rules: &Rules<'_>) -> i64 {
    if !topic.assignments.is_empty() {
        return i64::try_from(topic.assignments.len()).unwrap_or(i64::MAX);
    }
    let asked = if topic.partitions == -1 { rules.default_partitions } else { topic.partitions };
    i64::from(asked.max(0))
}

fn create_topic(
    image: &Image,
    topic: &NewTopic<'_>,
    rules: &Rules<'_>,
) -> Result<CreatedTopic, Refusal> {
    let configs = new_configs(topic)?;
    let resource = ConfigResource::topic(topic.name);
    let changes: Vec<(&str, Option<&str>)> =
        configs.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))).collect();
    let config_records = config_records(image, &resource, &changes, rules)?;
    let partitions = new_partitions(image, topic, rules)?;

    let count = i32::try_from(partitions.len()).expect("limited for each request");
    let replicas = partitions.first().map_or(0, |partition| partition.replicas.len());
    let mut records = vec![Record::Topic { name: topic.name.into(), id: topic.id }];
    records.extend(config_records);
    let with_topic = |partition| Record::Partition { topic: topic.id, partition };
    records.extend(partitions.into_iter().map(with_topic));
    Ok(CreatedTopic {
        name: topic.name.to_owned(),
        id: topic.id,
        partitions: count,
        replication_factor: i16::try_from(replicas).unwrap_or(i16::MAX),
        configs,
        records,
    })
}

/// The existing topics that names asked for collide with. Looks at each topic once, however many
/// names there are: they may be as many as fit into a request.
fn collisions<'a>(
    image: &'a Image,
    topics: &[NewTopic<'a>],
) -> BTreeMap<Unified<'a>, Option<&'a str>> {
    let asked = topics.iter().filter_map(|topic| Unified::of(topic.name));
    let mut collisions: BTreeMap<Unified<'_>, Option<&str>> =
        asked.map(|name| (name, None)).collect();
    if collisions.is_empty() {
        return collisions;
    }
    for topic in image.topics() {
        let found = Unified::of(&topic.name).and_then(|name| collisions.get_mut(&name));
        if let Some(existing) = found {
            existing.get_or_insert(&topic.name);
        }
    }
    collisions
}

fn check_name(
    image: &Image,
    name: &str,
    collisions: &BTreeMap<Unified<'_>, Option<&str>>,
) -> Result<(), Refusal> {
    if name == METADATA_TOPIC {
        let why = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
        return Err(Refusal::new(RefusalKind::InvalidRequest, why));
    }
    if image.topic(name).is_some() {
        let why = format!("Topic '{name}' already exists.");
        return Err(Refusal::new(RefusalKind::TopicExists, why));
    }
    let existing = Unified::of(name).and_then(|name| collisions.get(&name).copied().flatten());
    if let Some(existing) = existing {
        let why = format!("Topic '{name}' collides with existing topic: {existing}");
        return Err(Refusal::new(RefusalKind::InvalidTopic, why));
    }
    names::check(name)
}

/// The configs of the request by name; of a repeated name the last counts.
fn new_configs(topic: &NewTopic<'_>) -> Result<ConfigMap, Refusal> {
    let mut configs = ConfigMap::new();
    let mut without_value = Vec::new();
    for (name, value) in &topic.configs {
        match value {
            None => without_value.push(*name),
            Some(value) => {
                configs.insert((*name).to_owned(), (*value).to_owned());
            }
        }
    }
    if without_value.is_empty() {
        return Ok(configs);
    }
    let why = format!("Null value not supported for topic configs: {}", without_value.join(","));
    Err(Refusal::new(RefusalKind::InvalidConfig, why))
}

fn new_partitions(
    image: &Image,
    topic: &NewTopic<'_>,
    rules: &Rules<'_>,
) -> Result<Vec<PartitionImage>, Refusal> {
    if !topic.assignments.is_empty() {
        return assigned_partitions(image, topic);
    }
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        return Err(Refusal::new(
            RefusalKind::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ));
    }
    if topic.partitions < -1 || topic.partitions == 0 {
        return Err(Refusal::new(
            RefusalKind::InvalidPartitions,
            "Number of partitions was set to an invalid non-positive value.",
        ));
    }
    let or_default = |asked: i32, default: i32| if asked == -1 { default } else { asked };
    let partitions = or_default(topic.partitions, rules.default_partitions);
    let factor = match topic.replication_factor {
        -1 => rules.default_replication_factor,
        factor => factor,
    };
    placement::place(image, 0, partitions, factor).map_err(|refusal| {
        let why = refusal.message.unwrap_or_default();
        let why = format!("Unable to replicate the partition {factor} time(s): {why}");
        Refusal::new(refusal.kind, why)
    })
}

fn assigned_partitions(
    image: &Image,
    topic: &NewTopic<'_>,
) -> Result<Vec<PartitionImage>, Refusal> {
    let given = "A manual partition assignment was specified, but";
    if topic.replication_factor != -1 {
        let why = format!("{given} replication factor was not set to -1.");
        return Err(Refusal::new(RefusalKind::InvalidRequest, why));
    }
    if topic.partitions != -1 {
        let why = format!("{given} numPartitions was not set to -1.");
        return Err(Refusal::new(RefusalKind::InvalidRequest, why));
    }
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidReplicaAssignment, why));
    let mut partitions: BTreeMap<i32, PartitionImage> = BTreeMap::new();
    let mut factor = None;
    for (id, replicas) in &topic.assignments {
        if partitions.contains_key(id) {
            return refuse(format!(
                "Found multiple manual partition assignments for partition {id}"
            ));
        }
        partitions.insert(*id, placement::assign(image, *id, replicas, factor)?);
        factor = Some(replicas.len());
    }
    if !partitions.keys().copied().eq((0..).take(partitions.len())) {
        return refuse("partitions should be a consecutive 0-based integer sequence".to_owned());
    }
    Ok(partitions.into_values().collect())
}
