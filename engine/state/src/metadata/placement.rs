//! Which brokers hold the replicas of a new partition. With one broker there is one answer; with
//! more, replicas go around the brokers in order of id, partition by partition.

use super::error::{Refusal, RefusalKind};
use super::image::{DIRECTORY_UNASSIGNED, Image, PartitionImage};

/// Replicas of `count` partitions from the number `first` on, chosen by us.
pub fn place(
    image: &Image,
    first: i32,
    count: i32,
    replication_factor: i16,
) -> Result<Vec<PartitionImage>, Refusal> {
    assert!(first >= 0 && count >= 0);
    let factor = usize::try_from(replication_factor).unwrap_or(0);
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidReplicationFactor, why));
    if factor == 0 {
        return refuse(format!(
            "Invalid replication factor {replication_factor}: the replication factor must be \
             positive."
        ));
    }
    let registered = image.brokers().count();
    let active: Vec<i32> =
        image.brokers().filter(|broker| broker.is_active()).map(|broker| broker.id).collect();
    if active.is_empty() {
        return refuse(
            "All brokers are currently fenced, or have all their log directories cordoned."
                .to_owned(),
        );
    }
    if factor > active.len() {
        return refuse(format!(
            "The target replication factor of {replication_factor} cannot be reached because only \
             {registered} broker(s) are registered or some brokers have all their log directories \
             cordoned."
        ));
    }
    let mut partitions = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    for id in first..first.saturating_add(count) {
        let start = usize::try_from(id).unwrap_or(0) % active.len();
        let replicas = active.iter().cycle().skip(start).take(factor).copied().collect();
        partitions.push(partition(image, id, replicas));
    }
    Ok(partitions)
}

/// A partition on replicas that the user chose, checked as in `validateManualPartitionAssignment`.
/// `replication_factor` is that of the partitions before, if any.
pub fn assign(
    image: &Image,
    id: i32,
    replicas: &[i32],
    replication_factor: Option<usize>,
) -> Result<PartitionImage, Refusal> {
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidReplicaAssignment, why));
    if replicas.is_empty() {
        return refuse(
            "The manual partition assignment includes an empty replica list.".to_owned(),
        );
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    let mut previous = None;
    for broker in &sorted {
        let includes = "The manual partition assignment includes";
        if image.broker(*broker).is_none() {
            return refuse(format!(
                "{includes} broker {broker}, but no such broker is registered."
            ));
        }
        if previous == Some(broker) {
            return refuse(format!("{includes} the broker {broker} more than once."));
        }
        previous = Some(broker);
    }
    if let Some(factor) = replication_factor.filter(|factor| *factor != replicas.len()) {
        return refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is \
             not consistent with previous partitions, which have {factor} replica(s).",
            replicas.len()
        ));
    }
    let partition = partition(image, id, replicas.to_vec());
    if partition.isr.is_empty() {
        return refuse(format!(
            "All brokers specified in the manual partition assignment for partition {id} are \
             fenced or in controlled shutdown."
        ));
    }
    Ok(partition)
}

/// A new partition: the active replicas are in sync, the first of them leads.
fn partition(image: &Image, id: i32, replicas: Vec<i32>) -> PartitionImage {
    let is_active = |broker: &&i32| image.broker(**broker).is_some_and(|broker| broker.is_active());
    let isr: Vec<i32> = replicas.iter().filter(is_active).copied().collect();
    let directory = |broker: &i32| match image.broker(*broker).map(|b| b.log_dirs.as_slice()) {
        Some([only]) => *only,
        _ => DIRECTORY_UNASSIGNED,
    };
    PartitionImage {
        id,
        leader: isr.first().copied().unwrap_or(super::image::NO_LEADER),
        leader_epoch: 0,
        partition_epoch: 0,
        directories: replicas.iter().map(directory).collect(),
        replicas,
        isr,
        ..PartitionImage::default()
    }
}
