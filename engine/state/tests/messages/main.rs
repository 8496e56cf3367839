//! Tests of the generated records: every record in every version with seeded random content, and
//! golden bytes that Kafka's own classes wrote (`golden.txt`).

mod sample;

use engine_base::Uuid;
use engine_base::message::Message;
use engine_state::generated::{
    AnyRecord,
    broker_registration_change::BrokerRegistrationChangeRecord,
    config::ConfigRecord,
    feature_level::FeatureLevelRecord,
    group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata},
    leader_change::{LeaderChangeMessage, Voter},
    no_op::NoOpRecord,
    offset_commit::{OffsetCommitKey, OffsetCommitValue},
    partition::PartitionRecord,
    partition_change::PartitionChangeRecord,
    producer_ids::ProducerIdsRecord,
    register_broker::{BrokerEndpoint, BrokerFeature, RegisterBrokerRecord},
    remove_topic::RemoveTopicRecord,
    snapshot_footer::SnapshotFooterRecord,
    snapshot_header::SnapshotHeaderRecord,
    topic::TopicRecord,
};
use sample::{Random, Sample, Visitor};
use std::fmt::Debug;

const ID: Uuid = Uuid::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

#[test]
fn every_record_in_every_version() {
    struct RoundTrip;
    impl Visitor for RoundTrip {
        fn visit<M>(&mut self)
        where
            M: Message<'static> + Sample + PartialEq + Debug,
        {
            for number in M::VERSION_MIN..=M::VERSION_MAX {
                let version = engine_base::message::Version::new(number, M::FLEXIBLE_SINCE);
                for seed in 0..40 {
                    let record = M::sample(&mut Random::new(seed), version);
                    let bytes = record.to_vec(number).expect("a sample fits its version").leak();
                    assert_eq!(M::decode(bytes, number).as_ref(), Ok(&record), "{}", M::NAME);
                    for end in 0..bytes.len() {
                        let cut = M::decode(&bytes[..end], number);
                        assert!(cut.is_err(), "{} v{number} seed {seed} at {end}", M::NAME);
                    }
                }
            }
        }
    }
    sample::visit_all(&mut RoundTrip);
}

fn golden(name: &str) -> &'static [u8] {
    let text = include_str!("golden.txt");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.expect(name).as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hex");
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("a byte");
    hex.chunks(2).map(byte).collect::<Vec<u8>>().leak()
}

fn check<M: Message<'static> + PartialEq + Debug>(name: &str, version: i16, record: M) {
    let bytes = golden(name);
    assert_eq!(record.to_vec(version).expect(name), bytes, "{name}");
    assert_eq!(M::decode(bytes, version).expect(name), record, "{name}");
}

#[test]
fn brokers_and_features() {
    let endpoint =
        BrokerEndpoint { name: "PLAINTEXT", host: "localhost", port: 59_092, security_protocol: 0 };
    let feature = BrokerFeature {
        name: "metadata.version",
        min_supported_version: 7,
        max_supported_version: 30,
    };
    let record = RegisterBrokerRecord {
        broker_id: 1,
        incarnation_id: ID,
        broker_epoch: 12,
        end_points: vec![endpoint].into(),
        features: vec![feature].into(),
        rack: None,
        log_dirs: vec![ID].into(),
        ..Default::default()
    };
    assert!(record.fenced, "brokers start fenced");
    check("REGISTER_BROKER_4", 4, record);
    let record = BrokerRegistrationChangeRecord {
        broker_id: 1,
        broker_epoch: 12,
        fenced: -1,
        log_dirs: vec![ID].into(),
        ..Default::default()
    };
    check("BROKER_REGISTRATION_CHANGE_2", 2, record);
    check("FEATURE_LEVEL_0", 0, FeatureLevelRecord { name: "metadata.version", feature_level: 30 });
    check(
        "PRODUCER_IDS_0",
        0,
        ProducerIdsRecord { broker_id: 1, broker_epoch: 12, next_producer_id: 2000 },
    );
    check("NO_OP_0", 0, NoOpRecord {});
}

#[test]
fn topics_and_configs() {
    check("TOPIC_0", 0, TopicRecord { name: "orders", topic_id: ID });
    check("REMOVE_TOPIC_0", 0, RemoveTopicRecord { topic_id: ID });
    let record = PartitionRecord {
        partition_id: 3,
        topic_id: ID,
        replicas: vec![1, 2].into(),
        isr: vec![1].into(),
        leader: 1,
        leader_epoch: 4,
        partition_epoch: 5,
        directories: vec![ID, Uuid::ZERO].into(),
        eligible_leader_replicas: Some(vec![2].into()),
        ..Default::default()
    };
    check("PARTITION_2", 2, record);
    let record = PartitionChangeRecord {
        partition_id: 3,
        topic_id: ID,
        isr: Some(vec![1, 2].into()),
        leader: 2,
        directories: Some(vec![ID].into()),
        last_known_elr: Some(vec![7].into()),
        ..Default::default()
    };
    check("PARTITION_CHANGE_2", 2, record);
    let record = ConfigRecord {
        resource_type: 2,
        resource_name: "orders",
        name: "retention.ms",
        value: Some("1000"),
    };
    check("CONFIG_0", 0, record);
    let record = ConfigRecord { resource_type: 4, resource_name: "", name: "x", value: None };
    check("CONFIG_0_NULL", 0, record);
}

#[test]
fn control_records() {
    let record = LeaderChangeMessage {
        version: 1,
        leader_id: 1,
        voters: vec![Voter { voter_id: 1, voter_directory_id: ID }].into(),
        ..Default::default()
    };
    check("LEADER_CHANGE_1", 1, record);
    let record =
        SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: 1_700_000_000_000 };
    check("SNAPSHOT_HEADER_0", 0, record);
    check("SNAPSHOT_FOOTER_0", 0, SnapshotFooterRecord { version: 0 });
}

#[test]
fn group_records() {
    let key = OffsetCommitKey { group: "g", topic: "orders", partition: 3 };
    check("OFFSET_COMMIT_KEY", 0, key);
    for (name, version) in [
        ("OFFSET_COMMIT_VALUE_0", 0),
        ("OFFSET_COMMIT_VALUE_1", 1),
        ("OFFSET_COMMIT_VALUE_3", 3),
        ("OFFSET_COMMIT_VALUE_4", 4),
    ] {
        let value = OffsetCommitValue {
            offset: 42,
            leader_epoch: if version >= 3 { 5 } else { -1 },
            metadata: "m",
            commit_timestamp: 1_700_000_000_000,
            expire_timestamp: if version == 1 { 9 } else { -1 },
            topic_id: if version >= 4 { ID } else { Uuid::ZERO },
        };
        check(name, version, value);
    }
    check("GROUP_METADATA_KEY", 0, GroupMetadataKey { group: "g" });
    for (name, version) in [
        ("GROUP_METADATA_VALUE_0", 0),
        ("GROUP_METADATA_VALUE_3", 3),
        ("GROUP_METADATA_VALUE_4", 4),
    ] {
        let member = MemberMetadata {
            member_id: "m",
            group_instance_id: (version >= 3).then_some("i"),
            client_id: "c",
            client_host: "/1.2.3.4",
            rebalance_timeout: if version >= 1 { 300_000 } else { -1 },
            session_timeout: 45_000,
            subscription: &[1, 2],
            assignment: &[3],
        };
        let value = GroupMetadataValue {
            protocol_type: "consumer",
            generation: 7,
            protocol: Some("range"),
            leader: Some("m"),
            current_state_timestamp: if version >= 2 { 1_700_000_000_000 } else { -1 },
            members: vec![member].into(),
        };
        check(name, version, value);
    }
}

#[test]
fn records_are_found_by_their_type() {
    let bytes = golden("TOPIC_0");
    let record = AnyRecord::decode(2, bytes, 0).expect("a topic");
    assert_eq!(record, AnyRecord::TopicRecord(TopicRecord { name: "orders", topic_id: ID }));
    assert_eq!(record.key(), 2);
    assert!(AnyRecord::decode(2, bytes, 1).is_err(), "a version from the future");
    assert!(AnyRecord::decode(99, bytes, 0).is_err(), "an unknown type");
}
