use super::{applied, booted, id, registration, rules};
use crate::config::TopicConfig;
use crate::metadata::brokers::{elect_again, fence_broker, register_broker};
use crate::metadata::create_partitions::{MorePartitions, create_partitions};
use crate::metadata::create_topics::{CreatedTopic, NewTopic, create_topics};
use crate::metadata::delete_topics::{TopicRef, delete_topics};
use crate::metadata::image::Image;
use crate::metadata::producer_ids::{ProducerIdBlock, allocate_producer_ids};
use crate::metadata::{ConfigResource, Record, Refusal, RefusalKind, boot};
use std::sync::Arc;

fn new_topic(name: &str, partitions: i32, replication_factor: i16) -> NewTopic<'_> {
    NewTopic { partitions, replication_factor, ..NewTopic::with_defaults(name, id(7)) }
}

fn create(image: &Image, topic: NewTopic<'_>) -> Result<CreatedTopic, Refusal> {
    let mut outcomes = create_topics(image, &[topic], &rules())?;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

fn created(image: &Image, name: &str, number: u8, partitions: i32) -> Image {
    let topic = NewTopic { id: id(number), ..new_topic(name, partitions, 1) };
    applied(image, &create(image, topic).expect("created").records)
}

fn text(outcome: Result<impl std::fmt::Debug, Refusal>) -> String {
    match outcome {
        Ok(_) => "OK".to_owned(),
        Err(Refusal { kind, message }) => {
            format!("{kind:?}: {}", message.unwrap_or_default())
        }
    }
}

#[test]
fn topics_are_created_or_refused_as_by_kafka() {
    let image = created(&created(&booted(), "plain", 1, 2), "a.b", 2, 1);
    let check = |topic: NewTopic<'_>, expected: &str| {
        assert_eq!(text(create(&image, topic.clone())), expected, "{topic:?}");
    };
    check(new_topic("new", 2, 1), "OK");
    check(new_topic("new", -1, -1), "OK");
    check(new_topic("plain", 2, 1), "TopicExists: Topic 'plain' already exists.");
    let few = "InvalidPartitions: Number of partitions was set to an invalid non-positive value.";
    check(new_topic("new", 0, 1), few);
    check(new_topic("new", -2, 1), few);
    let factor = "InvalidReplicationFactor: Replication factor must be larger than 0, or -1 to \
                  use the default value.";
    check(new_topic("new", 1, 0), factor);
    check(new_topic("new", 1, -2), factor);
    check(new_topic("new", 0, 0), factor);
    check(
        new_topic("new", 1, 2),
        "InvalidReplicationFactor: Unable to replicate the partition 2 time(s): The target \
         replication factor of 2 cannot be reached because only 1 broker(s) are registered or \
         some brokers have all their log directories cordoned.",
    );
    check(new_topic("..", 1, 1), "InvalidTopic: Topic name is invalid: '..' is not allowed");
    check(new_topic("a_b", 1, 1), "InvalidTopic: Topic 'a_b' collides with existing topic: a.b");
    check(new_topic("a.b", 1, 1), "TopicExists: Topic 'a.b' already exists.");
    check(
        new_topic("__cluster_metadata", 1, 1),
        "InvalidRequest: Creation of internal topic __cluster_metadata is prohibited.",
    );
    check(
        new_topic("new", 10_001, 1),
        "PolicyViolation: Excessively large number of partitions per request.",
    );
    check(new_topic("new", 10_000, 1), "OK");
}

#[test]
fn many_names_are_compared_with_all_topics_at_once() {
    let there = |number: u32| {
        let mut bytes = [9; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        let id = engine_base::Uuid::from_bytes(bytes);
        Record::Topic { name: format!("there.{number}").into(), id }
    };
    let image = applied(&booted(), &(0..20_000).map(there).collect::<Vec<_>>());
    let names: Vec<String> = (10_000..30_000).map(|number| format!("there_{number}")).collect();
    let topics: Vec<_> = names.iter().map(|name| new_topic(name, 0, 1)).collect();
    let outcomes = create_topics(&image, &topics, &rules()).expect("no partition is asked for");
    for (number, outcome) in (10_000..).zip(outcomes) {
        let there = number < 20_000;
        let Err(refusal) = outcome else { panic!("{number} has no partitions") };
        assert_eq!(refusal.kind == RefusalKind::InvalidTopic, there, "{number}: {refusal:?}");
    }
}

#[test]
fn assignments_are_checked_as_by_kafka() {
    let image = booted();
    let check = |assignments: &[(i32, &[i32])], expected: &str| {
        let assignments = assignments.iter().map(|(id, b)| (*id, b.to_vec())).collect();
        let topic = NewTopic { assignments, ..new_topic("new", -1, -1) };
        assert_eq!(text(create(&image, topic)), expected);
    };
    check(&[(0, &[1]), (1, &[1])], "OK");
    check(&[(1, &[1]), (0, &[1])], "OK");
    check(
        &[(0, &[1]), (2, &[1])],
        "InvalidReplicaAssignment: partitions should be a consecutive 0-based integer sequence",
    );
    check(
        &[(0, &[1]), (0, &[1])],
        "InvalidReplicaAssignment: Found multiple manual partition assignments for partition 0",
    );
    let includes = "InvalidReplicaAssignment: The manual partition assignment includes";
    check(&[(0, &[7])], &format!("{includes} broker 7, but no such broker is registered."));
    check(&[(0, &[])], &format!("{includes} an empty replica list."));
    check(&[(0, &[1, 1])], &format!("{includes} the broker 1 more than once."));
    let given = "InvalidRequest: A manual partition assignment was specified, but";
    for (partitions, factor, flaw) in [
        (1, -1, "numPartitions was not set to -1."),
        (1, 1, "replication factor was not set to -1."),
    ] {
        let topic =
            NewTopic { assignments: vec![(0, vec![1])], ..new_topic("new", partitions, factor) };
        assert_eq!(text(create(&image, topic)), format!("{given} {flaw}"));
    }
}

#[test]
fn topic_configs_are_checked_before_partitions() {
    let image = booted();
    let check = |configs: &[(&str, Option<&str>)], factor: i16, expected: &str| {
        let topic = NewTopic { configs: configs.to_vec(), ..new_topic("new", 1, factor) };
        assert_eq!(text(create(&image, topic)), expected);
    };
    check(&[("retention.ms", Some("+7")), ("cleanup.policy", Some("compact, delete"))], 1, "OK");
    check(&[("internal.segment.bytes", Some("100000"))], 1, "OK");
    check(
        &[("retention.ms", Some("x"))],
        2,
        "InvalidConfig: Invalid value x for configuration retention.ms: Not a number of type LONG",
    );
    check(&[("nope", Some("x"))], 1, "InvalidConfig: Unknown topic config name: nope");
    check(
        &[("retention.ms", None)],
        1,
        "InvalidConfig: Null value not supported for topic configs: retention.ms",
    );
    check(
        &[("min.compaction.lag.ms", Some("5")), ("max.compaction.lag.ms", Some("4"))],
        1,
        "InvalidConfig: conflict topic config setting min.compaction.lag.ms (5) > \
         max.compaction.lag.ms (4)",
    );
}

#[test]
fn a_created_topic_is_in_the_image_with_leader_and_configs() {
    let image = booted();
    let topic = NewTopic {
        configs: vec![("segment.ms", Some("5")), ("retention.ms", Some("9"))],
        ..new_topic("new", -1, -1)
    };
    let created = create(&image, topic).expect("created");
    assert_eq!((created.partitions, created.replication_factor), (3, 1));
    let image = applied(&image, &created.records);
    let topic = image.topic("new").expect("there");
    assert_eq!(topic.id, id(7));
    assert_eq!(image.topic_by_id(&id(7)).map(Arc::as_ptr), Some(Arc::as_ptr(topic)));
    let ids: Vec<i32> = topic.partitions.iter().map(|partition| partition.id).collect();
    assert_eq!(ids, [0, 1, 2]);
    let partition = image.partition(&id(7), 2).expect("there");
    assert_eq!((partition.leader, partition.leader_epoch, partition.partition_epoch), (1, 0, 0));
    assert_eq!((&partition.replicas, &partition.isr), (&vec![1], &vec![1]));
    assert_eq!(partition.directories, [id(100)]);
    assert_eq!(image.partition_count(), 3);
    let config = TopicConfig::resolve(&image.topic_layers("new", 1, rules().fixed));
    assert_eq!((config.segment_ms, config.retention_ms), (5, 9));
    assert!(!topic.is_internal());
}

#[test]
fn a_name_twice_in_a_request_is_refused_both_times() {
    let image = booted();
    let topics = [new_topic("a", 1, 1), new_topic("b", 1, 1), new_topic("a", 1, 1)];
    let outcomes = create_topics(&image, &topics, &rules()).expect("not too many");
    let texts: Vec<String> = outcomes.into_iter().map(text).collect();
    let twice = "InvalidRequest: Duplicate topic name.";
    assert_eq!(texts, [twice, "OK", twice]);
}

#[test]
fn partitions_are_added_as_by_kafka() {
    let image = created(&booted(), "plain", 1, 3);
    let check = |name: &str, count: i32, assignments: Option<&[&[i32]]>, expected: &str| {
        let assignments = assignments.map(|all| all.iter().map(|one| one.to_vec()).collect());
        let mut outcomes =
            create_partitions(&image, &[MorePartitions { name, count, assignments }]);
        assert_eq!(text(outcomes.remove(0)), expected);
    };
    check("plain", 4, None, "OK");
    check("plain", 4, Some(&[&[1]]), "OK");
    check("plain", 3, None, "InvalidPartitions: Topic already has 3 partition(s).");
    for count in [1, 0, -1] {
        let expected = format!(
            "InvalidPartitions: The topic plain currently has 3 partition(s); {count} would not \
             be an increase."
        );
        check("plain", count, None, &expected);
    }
    check("nosuch", 3, None, "UnknownTopicOrPartition: ");
    check(
        "plain",
        5,
        Some(&[&[1]]),
        "InvalidReplicaAssignment: Attempted to add 2 additional partition(s), but only 1 \
         assignment(s) were specified.",
    );
    let includes = "InvalidReplicaAssignment: The manual partition assignment includes";
    check(
        "plain",
        4,
        Some(&[&[9]]),
        &format!("{includes} broker 9, but no such broker is registered."),
    );
    check("plain", 4, Some(&[&[]]), &format!("{includes} an empty replica list."));
    check(
        "plain",
        i32::MAX,
        None,
        "PolicyViolation: Excessively large number of partitions per request.",
    );
    let more = MorePartitions { name: "plain", count: 5, assignments: None };
    let records = create_partitions(&image, &[more]).remove(0).expect("added");
    let image = applied(&image, &records);
    let ids: Vec<i32> =
        image.topic("plain").expect("there").partitions.iter().map(|p| p.id).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
}

#[test]
fn topics_are_deleted_with_their_configs() {
    let image = booted();
    let topic = NewTopic { configs: vec![("segment.ms", Some("5"))], ..new_topic("gone", 2, 1) };
    let image = applied(&image, &create(&image, topic).expect("created").records);
    let image = created(&image, "stays", 8, 1);
    let ask = [
        TopicRef::Name("gone"),
        TopicRef::Name("nosuch"),
        TopicRef::Id(id(99)),
        TopicRef::Id(id(7)),
        TopicRef::Name("twice"),
        TopicRef::Name("twice"),
    ];
    let outcomes = delete_topics(&image, &ask, &rules());
    let deleted = outcomes[0].clone().expect("deleted");
    let texts: Vec<String> = outcomes.into_iter().map(text).collect();
    assert_eq!(
        texts,
        [
            "OK",
            "UnknownTopicOrPartition: ",
            "UnknownTopicId: ",
            "InvalidRequest: Duplicate topic id.",
            "InvalidRequest: Duplicate topic name.",
            "InvalidRequest: Duplicate topic name.",
        ]
    );
    let after = applied(&image, &[deleted.record]);
    assert!(after.topic("gone").is_none() && after.topic_by_id(&id(7)).is_none());
    assert_eq!(after.partition_count(), 1);
    assert!(after.configs(&ConfigResource::topic("gone")).is_empty());
    assert_eq!(image.partition_count(), 3, "the image before is as it was");
    let rules = crate::metadata::Rules { topics_can_be_deleted: false, ..rules() };
    let refused = delete_topics(&image, &[TopicRef::Name("gone")], &rules).remove(0);
    assert_eq!(refused.err(), Some(Refusal::plain(RefusalKind::TopicDeletionDisabled)));
}

#[test]
fn a_change_shares_all_other_topics() {
    let mut image = booted();
    for number in 0..100u8 {
        image = created(&image, &format!("topic-{number}"), number, 100);
    }
    let before = image.clone();
    let after = created(&image, "another", 222, 10_000);
    assert_eq!((before.partition_count(), after.partition_count()), (10_000, 20_000));
    let shared = before
        .topics()
        .filter(|topic| after.topic(&topic.name).is_some_and(|other| Arc::ptr_eq(topic, other)));
    assert_eq!(shared.count(), 100);
    fn is_shared_between_threads<T: Send + Sync>(_: &T) {}
    is_shared_between_threads(&after);
}

#[test]
fn registrations_are_checked_and_carry_their_offset() {
    let image = booted();
    let broker = image.broker(1).expect("registered");
    assert_eq!((broker.epoch, image.offset), (1, 1));
    let check = |dirs: &[engine_base::Uuid], expected: &str| {
        let outcome = register_broker(&image, registration(dirs));
        assert_eq!(text(outcome), expected);
    };
    check(&[id(100)], "OK");
    check(&[], "InvalidRegistration: No directories specified in request");
    check(&[id(1), id(1)], "InvalidRegistration: Duplicate directory ID in request");
    check(
        &[engine_base::Uuid::METADATA_TOPIC],
        "InvalidRegistration: Reserved directory ID in request: AAAAAAAAAAAAAAAAAAAAAQ",
    );
    let second = register_broker(&image, registration(&[id(100)])).expect("registers");
    let image = applied(&image, &[second]);
    assert_eq!(image.broker(1).map(|broker| broker.epoch), Some(2));
    assert!(boot::boot_records(&image).is_empty(), "the log has begun");
}

#[test]
fn fenced_brokers_get_no_partitions() {
    let image = booted();
    let records = fence_broker(&image, 1, true).expect("registered");
    let fenced = applied(&image, &records);
    let expected = "InvalidReplicationFactor: Unable to replicate the partition 1 time(s): All \
                    brokers are currently fenced, or have all their log directories cordoned.";
    assert_eq!(text(create(&fenced, new_topic("new", 1, 1))), expected);
    let unfenced = applied(&fenced, &fence_broker(&fenced, 1, false).expect("registered"));
    assert_eq!(text(create(&unfenced, new_topic("new", 1, 1))), "OK");
    assert_eq!(fence_broker(&unfenced, 1, false), Ok(Vec::new()));
    assert!(fence_broker(&unfenced, 2, false).is_err());
}

#[test]
fn another_election_raises_both_epochs() {
    let image = created(&booted(), "plain", 1, 3);
    let image = applied(&image, &elect_again(&image, 1));
    for partition in &image.topic("plain").expect("there").partitions {
        let epochs = (partition.leader, partition.leader_epoch, partition.partition_epoch);
        assert_eq!(epochs, (1, 1, 1));
        assert_eq!(partition.isr, [1]);
    }
    assert!(elect_again(&image, 2).is_empty());
}

#[test]
fn producer_ids_come_in_blocks_that_never_overlap() {
    let mut image = booted();
    for first in [0, 1000, 2000] {
        let (record, block) = allocate_producer_ids(&image, 1, 1).expect("ids are left");
        assert_eq!(block, ProducerIdBlock { first, len: 1000 });
        image = applied(&image, &[record]);
    }
    let stale = allocate_producer_ids(&image, 1, 0).err();
    assert_eq!(stale.map(|refusal| refusal.kind), Some(RefusalKind::StaleBrokerEpoch));
    let back = Record::ProducerIds { broker_id: 1, broker_epoch: 1, next: 10 };
    assert!(image.after(&[back], 1).is_err(), "ids do not go back");
    let last = Record::ProducerIds { broker_id: 1, broker_epoch: 1, next: i64::MAX - 5 };
    let exhausted = allocate_producer_ids(&applied(&image, &[last]), 1, 1).err();
    assert_eq!(exhausted.map(|r| r.kind), Some(RefusalKind::ProducerIdsExhausted));
}
