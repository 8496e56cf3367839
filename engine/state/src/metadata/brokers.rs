//! Registration of brokers as pure functions (`ClusterControlManager`).

use super::error::{Refusal, RefusalKind};
use super::features::METADATA_VERSION;
use super::image::{BrokerImage, Endpoint, FeatureRange, Image};
use super::record::{BrokerChange, PartitionChange, Record};
use engine_base::Uuid;
use std::collections::BTreeSet;

/// Directory ids with the upper half zero and the lower below this are reserved.
const RESERVED_DIRECTORIES: u64 = 100;

/// What a broker says of itself when it starts.
#[derive(Clone, Debug)]
pub struct Registration {
    pub id: i32,
    /// Random for each start of the process.
    pub incarnation_id: Uuid,
    /// The broker's listeners; those of a controller are not among them.
    pub endpoints: Vec<Endpoint>,
    pub features: Vec<FeatureRange>,
    pub rack: Option<String>,
    pub log_dirs: Vec<Uuid>,
}

/// The record that registers a broker, unfenced: a single node is its own controller and serves as
/// soon as this is written. Its epoch is the offset the record will get, that after the image's.
pub fn register_broker(image: &Image, registration: Registration) -> Result<Record, Refusal> {
    let refuse = |why: String| Err(Refusal::new(RefusalKind::InvalidRegistration, why));
    let Registration { id, incarnation_id, endpoints, features, rack, log_dirs } = registration;
    if log_dirs.is_empty() {
        return refuse("No directories specified in request".to_owned());
    }
    let mut distinct = BTreeSet::new();
    for directory in &log_dirs {
        if is_reserved(directory) {
            return refuse(format!("Reserved directory ID in request: {directory}"));
        }
        if !distinct.insert(directory) {
            return refuse("Duplicate directory ID in request".to_owned());
        }
        let others = image.brokers().filter(|broker| broker.id != id);
        if let Some(other) = others.into_iter().find(|broker| broker.log_dirs.contains(directory)) {
            return refuse(format!(
                "Broker {} is already registered with directory {directory}",
                other.id
            ));
        }
    }
    if !features.iter().any(|feature| feature.name == METADATA_VERSION) {
        return refuse(format!("Request features do not include '{METADATA_VERSION}'"));
    }
    Ok(Record::RegisterBroker(BrokerImage {
        id,
        incarnation_id,
        epoch: image.offset + 1,
        endpoints,
        features,
        rack,
        fenced: false,
        in_controlled_shutdown: false,
        log_dirs,
        cordoned_log_dirs: None,
    }))
}

fn is_reserved(directory: &Uuid) -> bool {
    let (upper, lower) = directory.as_bytes().split_at(8);
    let lower = lower.try_into().map(u64::from_be_bytes);
    upper.iter().all(|byte| *byte == 0) && lower.is_ok_and(|low: u64| low < RESERVED_DIRECTORIES)
}

/// Records that fence a broker, or let it serve again.
pub fn fence_broker(image: &Image, id: i32, fenced: bool) -> Result<Vec<Record>, Refusal> {
    let broker = image.broker(id).ok_or_else(|| Refusal::plain(RefusalKind::StaleBrokerEpoch))?;
    if broker.fenced == fenced {
        return Ok(Vec::new());
    }
    let epoch = broker.epoch;
    let change = BrokerChange { id, epoch, fenced: Some(fenced), ..BrokerChange::default() };
    Ok(vec![Record::BrokerChange(change)])
}

/// Records that make `broker` leader of every partition that it holds a replica of and leads, or
/// that has no leader, in a new leader epoch. To be written after a stop that was not clean: the
/// tail of a log may be gone, and the new epoch tells clients to check where they are (KIP-320).
pub fn elect_again(image: &Image, broker: i32) -> Vec<Record> {
    let mut records = Vec::new();
    for topic in image.topics() {
        for partition in &topic.partitions {
            let leads = partition.leader == broker || partition.leader == super::image::NO_LEADER;
            if leads && partition.replicas.contains(&broker) {
                records.push(Record::PartitionChange(PartitionChange {
                    topic: topic.id,
                    partition: partition.id,
                    leader: Some(broker),
                    isr: (!partition.isr.contains(&broker)).then(|| vec![broker]),
                    ..PartitionChange::default()
                }));
            }
        }
    }
    records
}
