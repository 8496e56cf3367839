use super::{applied, booted, id};
use crate::metadata::image::{DIRECTORY_UNASSIGNED, NO_LEADER};
use crate::metadata::record::{BrokerChange, PartitionChange};
use crate::metadata::{
    ApplyError, ConfigResource, Image, PartitionImage, Record, RecordError, ResourceKind,
};
use engine_record::{Batches, records_of};

/// `__cluster_metadata-0` of a Kafka 4.3.1 node.
const KAFKA_LOG: &[u8] = include_bytes!("../testdata/kafka-4.3.1-metadata.log");

/// Types in that log that are not known here: transactions of the metadata log, the registration
/// of a controller, resets of eligible leaders.
const NOT_KNOWN: [u32; 4] = [23, 24, 27, 28];

fn kafka_values() -> Vec<(i64, Vec<u8>)> {
    let mut values = Vec::new();
    for batch in Batches::new(KAFKA_LOG) {
        let (header, batch) = batch.expect("Kafka's log is whole");
        if header.is_control() {
            continue;
        }
        for record in &records_of(batch, 1 << 20).expect("not compressed") {
            let record = record.expect("Kafka's log is whole");
            values.push((record.offset.0, record.value.expect("a value").to_vec()));
        }
    }
    values
}

#[test]
fn a_log_of_kafka_is_read_applied_and_written_back() {
    let mut image = Image::default();
    let mut same = 0;
    let mut not_known = 0;
    for (offset, value) in kafka_values() {
        match Record::decode(&value) {
            Err(RecordError::Unknown { key, .. }) if NOT_KNOWN.contains(&key) => {
                image.skip(offset, 1);
                not_known += 1;
            }
            record => {
                let record = record.expect("known");
                image.apply(&record, offset, 1).expect("follows from what came before");
                let ours = record.encode().expect("short");
                // Kafka writes changes of brokers in the least version that holds them.
                if ours.get(..3) == value.get(..3) {
                    assert_eq!(ours, value, "{record:?}");
                    same += 1;
                }
            }
        }
    }
    assert!(same > 150 && not_known == 5, "{same} {not_known}");

    let names: Vec<&str> = image.topics().map(|topic| &*topic.name).collect();
    let long = "y".repeat(249);
    assert_eq!(names, ["a.b", "cfg", "cfgint", "man", "minisr", "plain", long.as_str()]);
    let plain = image.topic("plain").expect("there");
    assert_eq!(plain.partitions.len(), 4);
    assert_eq!(image.partition_count(), 11);
    let broker = image.broker(1).expect("registered");
    assert_eq!((broker.epoch, broker.endpoints[0].port), (11, 39092));
    assert!(broker.in_controlled_shutdown, "the node was stopped");
    let partition = plain.partition(0).expect("there");
    assert_eq!(partition.leader, NO_LEADER);
    assert_eq!(partition.directories, broker.log_dirs);
    assert_eq!(image.feature("metadata.version"), 30);
    assert_eq!(image.feature("transaction.version"), 2);
    let configs = image.configs(&ConfigResource::topic("cfg"));
    assert_eq!(configs.get("retention.ms").map(String::as_str), Some("+7"));
    let of_broker = image.configs(&ConfigResource::broker(1));
    assert_eq!(of_broker.keys().collect::<Vec<_>>(), ["log.cleanup.policy"]);
}

#[test]
fn every_kind_of_record_survives_the_bytes() {
    let partition = PartitionImage {
        id: 3,
        leader: 2,
        leader_epoch: 4,
        partition_epoch: 5,
        replicas: vec![2, 1],
        isr: vec![2],
        removing_replicas: vec![1],
        adding_replicas: vec![3],
        recovering: true,
        directories: vec![id(1), DIRECTORY_UNASSIGNED],
        eligible_leader_replicas: vec![1],
        last_known_elr: vec![3],
    };
    let change = PartitionChange {
        topic: id(1),
        partition: 3,
        leader: Some(NO_LEADER),
        isr: Some(vec![]),
        recovering: Some(false),
        directories: Some(vec![id(9)]),
        ..PartitionChange::default()
    };
    let of = |kind, name: &str| ConfigResource { kind, name: name.into() };
    let config = |resource, value: Option<&str>| Record::Config {
        resource,
        name: "key".to_owned(),
        value: value.map(str::to_owned),
    };
    let broker = BrokerChange {
        id: 1,
        epoch: 9,
        fenced: Some(false),
        enters_controlled_shutdown: true,
        log_dirs: Some(vec![id(4)]),
        cordoned_log_dirs: Some(vec![]),
    };
    for record in [
        Record::RegisterBroker(booted().broker(1).expect("registered").clone()),
        Record::Topic { name: "t".into(), id: id(1) },
        Record::Partition { topic: id(1), partition },
        Record::PartitionChange(change),
        Record::PartitionChange(PartitionChange::default()),
        Record::RemoveTopic { id: id(1) },
        config(ConfigResource::cluster(), Some("")),
        config(of(ResourceKind::Other(77), "x"), None),
        Record::FeatureLevel { name: "f".to_owned(), level: 7 },
        Record::ProducerIds { broker_id: 1, broker_epoch: 2, next: i64::MAX },
        Record::BrokerChange(broker),
        Record::BrokerChange(BrokerChange::default()),
        Record::NoOp,
    ] {
        let bytes = record.encode().expect("short");
        assert_eq!(Record::decode(&bytes).as_ref(), Ok(&record));
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Record::decode(&longer).is_err(), "bytes left over: {record:?}");
        for len in 0..bytes.len() {
            assert!(Record::decode(&bytes[..len]).is_err(), "cut at {len}: {record:?}");
        }
    }
}

#[test]
fn damaged_records_are_errors_not_panics() {
    for (_, mut value) in kafka_values() {
        for position in 0..value.len().min(80) {
            let whole = value[position];
            for damage in [0x00, 0x7F, 0xFF, whole ^ 0x80, whole.wrapping_add(1)] {
                value[position] = damage;
                if let Ok(record) = Record::decode(&value) {
                    // Whatever it says now, applying it must not panic either.
                    drop(booted().after(&[record], 1));
                }
            }
            value[position] = whole;
        }
    }
    let check = |bytes: &[u8], expected: RecordError| {
        assert_eq!(Record::decode(bytes), Err(expected));
    };
    check(&[0, 2, 0], RecordError::FrameVersion(0));
    check(&[1, 2, 1], RecordError::Unknown { key: 2, version: 1 });
    check(&[1, 0xFF, 0xFF, 0x7F, 1], RecordError::Unknown { key: 0x1F_FFFF, version: 1 });
}

#[test]
fn contradictions_are_refused() {
    let image = booted();
    let topic = Record::Topic { name: "t".into(), id: id(1) };
    let image = applied(&image, std::slice::from_ref(&topic));
    let negative = PartitionImage { id: -1, ..PartitionImage::default() };
    let change = PartitionChange { topic: id(1), partition: 5, ..PartitionChange::default() };
    for (record, expected) in [
        (topic, ApplyError::DuplicateTopic { name: "t".to_owned() }),
        (Record::RemoveTopic { id: id(2) }, ApplyError::NoTopic { id: id(2) }),
        (
            Record::Partition { topic: id(2), partition: PartitionImage::default() },
            ApplyError::NoTopic { id: id(2) },
        ),
        (
            Record::Partition { topic: id(1), partition: negative },
            ApplyError::NegativePartition { topic: id(1), partition: -1 },
        ),
        (Record::PartitionChange(change), ApplyError::NoPartition { topic: id(1), partition: 5 }),
        (
            Record::BrokerChange(BrokerChange { id: 4, ..BrokerChange::default() }),
            ApplyError::NoBroker { id: 4 },
        ),
        (
            Record::BrokerChange(BrokerChange { id: 1, epoch: 7, ..BrokerChange::default() }),
            ApplyError::BrokerEpoch { id: 1, expected: 1, found: 7 },
        ),
    ] {
        assert_eq!(image.after(&[record], 1), Err(expected));
    }
}

#[test]
fn partitions_may_come_in_any_order() {
    let image = applied(&booted(), &[Record::Topic { name: "t".into(), id: id(1) }]);
    let partition = |id_of: i32| Record::Partition {
        topic: id(1),
        partition: PartitionImage { id: id_of, leader: id_of, ..PartitionImage::default() },
    };
    let image = applied(&image, &[partition(2), partition(i32::MAX), partition(0), partition(2)]);
    let topic = image.topic("t").expect("there");
    let ids: Vec<i32> = topic.partitions.iter().map(|partition| partition.id).collect();
    assert_eq!(ids, [0, 2, i32::MAX]);
    assert_eq!(image.partition_count(), 3);
    assert_eq!(topic.partition(2).map(|partition| partition.leader), Some(2));
    assert_eq!(topic.partition(1), None);
    assert_eq!(topic.partition(-1), None);
}

#[test]
fn the_level_of_kraft_version_is_not_kept_here() {
    let level = |name: &str, level| Record::FeatureLevel { name: name.to_owned(), level };
    let image = applied(&booted(), &[level("kraft.version", 1), level("group.version", 1)]);
    let features: Vec<(&str, i16)> = image.features().collect();
    assert_eq!(features, [("group.version", 1), ("metadata.version", 30)]);
    let image = applied(&image, &[level("group.version", 0)]);
    assert_eq!(image.feature("group.version"), 0);
    assert_eq!(image.features().count(), 1);
}
