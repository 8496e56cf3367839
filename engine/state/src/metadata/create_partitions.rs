//! CreatePartitions as a pure function (`ReplicationControlManager.createPartitions`).

use super::error::{Refusal, RefusalKind};
use super::image::{Image, TopicImage};
use super::placement;
use super::record::Record;
use super::rules::{PARTITIONS_PER_REQUEST_MAX, TOO_MANY_PARTITIONS};
use std::collections::BTreeSet;

/// One topic of a request.
#[derive(Clone, Debug)]
pub struct MorePartitions<'a> {
    pub name: &'a str,
    /// Partitions the topic shall have in all.
    pub count: i32,
    /// Brokers for each new partition, or `None` to let us choose.
    pub assignments: Option<Vec<Vec<i32>>>,
}

/// The records for each topic in the order asked for.
pub fn create_partitions(
    image: &Image,
    topics: &[MorePartitions<'_>],
) -> Vec<Result<Vec<Record>, Refusal>> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for topic in topics {
        if !seen.insert(topic.name) {
            repeated.insert(topic.name);
        }
    }
    let mut left = PARTITIONS_PER_REQUEST_MAX;
    let mut create = |asked: &MorePartitions<'_>| {
        if repeated.contains(asked.name) {
            return Err(Refusal::new(RefusalKind::InvalidRequest, "Duplicate topic name."));
        }
        let unknown = || Refusal::plain(RefusalKind::UnknownTopicOrPartition);
        let topic = image.topic(asked.name).ok_or_else(unknown)?;
        let additional = additional(topic, asked)?;
        left -= i64::from(additional);
        if left < 0 {
            return Err(Refusal::new(RefusalKind::PolicyViolation, TOO_MANY_PARTITIONS));
        }
        new_partitions(image, topic, asked, additional)
    };
    topics.iter().map(&mut create).collect()
}

fn additional(topic: &TopicImage, asked: &MorePartitions<'_>) -> Result<i32, Refusal> {
    let present = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    if asked.count == present {
        let why = format!("Topic already has {present} partition(s).");
        return Err(Refusal::new(RefusalKind::InvalidPartitions, why));
    }
    if asked.count < present {
        let why = format!(
            "The topic {} currently has {present} partition(s); {} would not be an increase.",
            asked.name, asked.count
        );
        return Err(Refusal::new(RefusalKind::InvalidPartitions, why));
    }
    let additional = asked.count - present;
    let given = asked.assignments.as_ref().map(Vec::len);
    if let Some(given) = given.filter(|given| i32::try_from(*given) != Ok(additional)) {
        let why = format!(
            "Attempted to add {additional} additional partition(s), but only {given} assignment(s) \
             were specified."
        );
        return Err(Refusal::new(RefusalKind::InvalidReplicaAssignment, why));
    }
    Ok(additional)
}

fn new_partitions(
    image: &Image,
    topic: &TopicImage,
    asked: &MorePartitions<'_>,
    additional: i32,
) -> Result<Vec<Record>, Refusal> {
    let first = asked.count - additional;
    let factor = topic.partitions.first().map_or(1, |partition| partition.replicas.len());
    let partitions = match &asked.assignments {
        None => {
            let factor = i16::try_from(factor).unwrap_or(i16::MAX);
            placement::place(image, first, additional, factor)?
        }
        Some(assignments) => {
            let ids = first..;
            let assign = |(id, replicas): (i32, &Vec<i32>)| {
                placement::assign(image, id, replicas, Some(factor))
            };
            ids.zip(assignments).map(assign).collect::<Result<_, _>>()?
        }
    };
    let with_topic = |partition| Record::Partition { topic: topic.id, partition };
    Ok(partitions.into_iter().map(with_topic).collect())
}
