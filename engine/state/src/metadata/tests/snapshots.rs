use super::{applied, booted, id, rules};
use crate::metadata::configs::{ConfigChange, Operation, alter_configs};
use crate::metadata::create_topics::{NewTopic, create_topics};
use crate::metadata::producer_ids::allocate_producer_ids;
use crate::metadata::snapshot::{
    SnapshotError, decode, encode, file_name, parse_file_name, records,
};
use crate::metadata::{ConfigResource, Image, Record};

/// An image with some of everything, and a topic so large that it fills several batches.
fn full() -> Image {
    let image = booted();
    let topics = [
        NewTopic { partitions: 9_000, ..NewTopic::with_defaults("large", id(1)) },
        NewTopic {
            configs: vec![("retention.ms", Some("7")), ("segment.ms", Some("8"))],
            ..NewTopic::with_defaults("small", id(2))
        },
    ];
    let mut image = image.clone();
    for created in create_topics(&image.clone(), &topics, &rules()).expect("few") {
        image = applied(&image, &created.expect("created").records);
    }
    let set = |name| ConfigChange { name, operation: Operation::Set, value: Some("9") };
    for (resource, name) in [
        (ConfigResource::cluster(), "message.max.bytes"),
        (ConfigResource::broker(1), "log.retention.ms"),
    ] {
        let records = alter_configs(&image, &resource, &[set(name)], &rules()).expect("legal");
        image = applied(&image, &records);
    }
    let (record, _) = allocate_producer_ids(&image, 1, 1).expect("ids are left");
    applied(&image, &[record])
}

#[test]
fn a_snapshot_is_the_image_again() {
    for image in [full(), booted()] {
        let bytes = encode(&image, 1234).expect("short strings");
        let (end_offset, epoch) = parse_file_name(&file_name(&image)).expect("our own name");
        assert_eq!(decode(&bytes, end_offset, epoch), Ok(image.clone()));
        // The same image gives the same bytes: nothing depends on chance.
        assert_eq!(encode(&image, 1234).as_deref(), Ok(bytes.as_slice()));
    }
}

#[test]
fn records_come_in_kafkas_order() {
    let all = records(&full());
    let kind = |record: &Record| match record {
        Record::FeatureLevel { .. } => 0,
        Record::RegisterBroker(_) => 1,
        Record::Topic { .. } | Record::Partition { .. } => 2,
        Record::Config { .. } => 3,
        Record::ProducerIds { .. } => 4,
        other => panic!("not in a snapshot: {other:?}"),
    };
    assert!(all.windows(2).all(|pair| kind(&pair[0]) <= kind(&pair[1])));
    assert!(matches!(&all[0], Record::FeatureLevel { name, .. } if name == "metadata.version"));
    assert_eq!(all.len(), 1 + 1 + 2 + 9_003 + 4 + 1);
}

#[test]
fn names_of_snapshots() {
    let image = booted();
    assert_eq!(file_name(&image), "00000000000000000002-0000000001.checkpoint");
    for (name, expected) in [
        ("00000000000000000002-0000000001.checkpoint", Some((2, 1))),
        ("00000000000000000002-0000000001.checkpoint.part", None),
        ("2-1.checkpoint", None),
        ("bootstrap.checkpoint", None),
        ("99999999999999999999-0000000001.checkpoint", None),
    ] {
        assert_eq!(parse_file_name(name), expected, "{name}");
    }
}

#[test]
fn damaged_snapshots_are_refused_with_the_place() {
    let bytes = encode(&booted(), 0).expect("short strings");
    assert!(decode(&bytes, 2, 1).is_ok());
    for len in 0..bytes.len() {
        let cut = decode(&bytes[..len], 2, 1);
        assert!(matches!(cut, Err(SnapshotError::Incomplete { .. })), "cut at {len}: {cut:?}");
    }
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x01;
        // The place and the epoch in a batch's header are the only bytes without a checksum.
        let is_header = |position: usize| {
            let starts: Vec<usize> = batch_starts(&bytes);
            starts.iter().any(|start| {
                (*start..start + 8).contains(&position)
                    || (*start + 12..start + 16).contains(&position)
            })
        };
        let outcome = decode(&damaged, 2, 1);
        assert!(outcome.is_err() || is_header(position), "changed at {position}");
    }
    let twice: Vec<u8> = bytes.iter().chain(&bytes).copied().collect();
    assert!(decode(&twice, 2, 1).is_err());
}

fn batch_starts(bytes: &[u8]) -> Vec<usize> {
    let mut batches = engine_record::Batches::new(bytes);
    let mut starts = vec![0];
    while batches.next().is_some() {
        starts.push(batches.position());
    }
    starts
}
