//! Commands on the metadata: topics come, grow, go and are still so after a restart.

use crate::harness::{Node, at, create_through, limits, machine, part, put, spec, texts};
use engine_log::Acks;
use engine_shard::{ControllerAnswer, ControllerCall, PartitionError, PartitionsSpec, TopicName};
use engine_state::metadata::RefusalKind;

#[test]
fn a_new_directory_starts_and_stops_clean() {
    for shards in 1..=3 {
        let machine = machine(u64::from(shards));
        let node = Node::of(shards);
        node.live(&machine, async |cluster| {
            assert!(!cluster.clean);
            assert_eq!(cluster.all().len(), usize::from(shards));
            for shard in cluster.all() {
                let image = shard.image();
                assert_eq!(image.topic_count(), 0);
                assert!(image.broker(1).is_some_and(|broker| broker.is_active()));
                assert_eq!(image.offset, cluster.shard(0).image().offset);
            }
        });
        node.live(&machine, async |cluster| assert!(cluster.clean));
    }
}

#[test]
fn a_topic_exists_on_every_shard_when_its_creation_is_answered() {
    for (shards, asked) in [(1, 0), (2, 0), (2, 1), (3, 2)] {
        let machine = machine(9);
        Node::of(shards).live(&machine, async |cluster| {
            let id = create_through(&cluster.shard(asked), "t", 7).await.ok().unwrap();
            for shard in cluster.all() {
                assert_eq!(shard.image().topic("t").map(|topic| topic.id), Some(id));
                for partition in 0..7 {
                    let result = put(&shard, at(id, partition), b"x", Acks::Leader).await;
                    assert!(result.is_ok(), "{result:?}");
                }
                let wanted = (0..8).map(|partition| at(id, partition)).collect();
                let sizes = shard.sizes(wanted).await;
                assert!(sizes[..7].iter().all(|size| size.is_some_and(|bytes| bytes > 0)));
                assert_eq!(sizes[7], None);
            }
        });
    }
}

#[test]
fn refusals_change_nothing() {
    let machine = machine(10);
    Node::of(2).live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        cluster.create("t", 1).await;
        let offset = shard.image().offset;
        let topics =
            vec![spec(&shard, "t", 1), spec(&shard, "bad name", 1), spec(&shard, "none", 0)];
        let call = ControllerCall::CreateTopics { topics, validate_only: false };
        let ControllerAnswer::Created(results) = shard.control(call).await else { panic!() };
        let kinds: Vec<_> =
            results.into_iter().map(|result| result.err().map(|refusal| refusal.kind)).collect();
        let expected =
            [RefusalKind::TopicExists, RefusalKind::InvalidTopic, RefusalKind::InvalidPartitions];
        assert_eq!(kinds, expected.map(Some));
        let topics = vec![spec(&shard, "checked", 3)];
        let call = ControllerCall::CreateTopics { topics, validate_only: true };
        let ControllerAnswer::Created(results) = shard.control(call).await else { panic!() };
        assert!(results[0].is_ok());
        let topics = vec![PartitionsSpec { name: "t".to_owned(), count: 1, assignments: None }];
        let call = ControllerCall::CreatePartitions { topics, validate_only: false };
        let ControllerAnswer::Done(results) = shard.control(call).await else { panic!() };
        let kind = results.into_iter().next().unwrap().err().map(|refusal| refusal.kind);
        assert_eq!(kind, Some(RefusalKind::InvalidPartitions));
        assert_eq!(shard.image().offset, offset);
        assert!(shard.image().topic("checked").is_none());
    });
}

#[test]
fn a_topic_grows_and_keeps_its_records() {
    let machine = machine(11);
    let node = Node::of(3);
    node.live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        let shard = cluster.shard(1);
        put(&shard, at(id, 1), b"old", Acks::All).await.unwrap();
        let early = put(&shard, at(id, 4), b"too early", Acks::All).await;
        assert_eq!(early, Err(PartitionError::UnknownPartition));
        let topics = vec![PartitionsSpec { name: "t".to_owned(), count: 5, assignments: None }];
        let call = ControllerCall::CreatePartitions { topics, validate_only: false };
        assert!(matches!(shard.control(call).await, ControllerAnswer::Done(r) if r[0].is_ok()));
        for shard in cluster.all() {
            put(&shard, at(id, 4), b"new", Acks::All).await.unwrap();
            assert_eq!(texts(&shard, at(id, 1)).await, ["old"]);
        }
    });
    node.live(&machine, async |cluster| {
        let id = cluster.topic("t");
        assert_eq!(cluster.shard(0).image().partition_count(), 5);
        assert_eq!(texts(&cluster.shard(2), at(id, 4)).await, ["new"; 3]);
    });
}

#[test]
fn a_deleted_topic_is_gone_and_its_name_is_free() {
    let machine = machine(12);
    let node = Node::of(2);
    let (old, new) = node.live(&machine, async |cluster| {
        let old = cluster.create("t", 4).await;
        let shard = cluster.shard(1);
        put(&shard, at(old, 0), b"old", Acks::All).await.unwrap();
        let call = ControllerCall::DeleteTopics(vec![
            TopicName::Name("t".to_owned()),
            TopicName::Name("unknown".to_owned()),
        ]);
        let ControllerAnswer::Deleted(results) = shard.control(call).await else { panic!() };
        assert_eq!(results[0].as_ref().ok(), Some(&("t".to_owned(), old)));
        assert_eq!(
            results[1].as_ref().err().map(|refusal| refusal.kind),
            Some(RefusalKind::UnknownTopicOrPartition)
        );
        for shard in cluster.all() {
            assert!(shard.image().topic("t").is_none());
            let gone = put(&shard, at(old, 0), b"x", Acks::Leader).await;
            assert_eq!(gone, Err(PartitionError::UnknownPartition));
            let fetched = shard.fetch(vec![part(at(old, 1), 0)], limits(&shard, 1, 500)).await;
            assert_eq!(fetched[0].error, Some(PartitionError::UnknownPartition));
        }
        let new = cluster.create("t", 1).await;
        assert_ne!(old, new);
        assert!(texts(&shard, at(new, 0)).await.is_empty());
        let by_id = ControllerCall::DeleteTopics(vec![TopicName::Id(old)]);
        let ControllerAnswer::Deleted(results) = shard.control(by_id).await else { panic!() };
        assert_eq!(
            results[0].as_ref().err().map(|refusal| refusal.kind),
            Some(RefusalKind::UnknownTopicId)
        );
        (old, new)
    });
    node.live(&machine, async |cluster| {
        assert_eq!(cluster.topic("t"), new);
        assert!(cluster.shard(1).image().topic_by_id(&old).is_none());
    });
    let left: Vec<_> = machine
        .list()
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("-delete"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn producer_ids_never_come_twice() {
    let machine = machine(13);
    let node = Node::of(3);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let ids = node.live(&machine, async |cluster| {
            let mut ids = Vec::new();
            for round in 0..60 {
                ids.push(cluster.shard(round).producer_id().await.unwrap());
            }
            ids
        });
        for id in ids {
            assert!(seen.insert(id.0), "{id:?} twice");
        }
        machine.kill();
    }
}

/// Runs a fixed bit of work and gives the machine's trace.
fn trace(shards: u16, seed: u64) -> u64 {
    let machine = machine(seed);
    let node = Node::of(shards);
    for _ in 0..2 {
        node.live(&machine, async |cluster| {
            let name = if cluster.clean { "second" } else { "first" };
            let id = cluster.create(name, 4).await;
            for round in 0..8u8 {
                let shard = cluster.shard(usize::from(round));
                put(&shard, at(id, i32::from(round % 4)), &[round], Acks::All).await.unwrap();
            }
            let parts = (0..4).map(|partition| part(at(id, partition), 2)).collect();
            let shard = cluster.shard(1);
            shard.fetch(parts, limits(&shard, 1, 50)).await;
        });
    }
    machine.trace_hash()
}

#[test]
fn a_seed_decides_everything() {
    for shards in 1..=3 {
        assert_eq!(trace(shards, 5), trace(shards, 5), "{shards} shards");
        assert_ne!(trace(shards, 5), trace(shards, 6), "{shards} shards");
    }
}

#[test]
fn commands_run_in_order_and_those_given_up_before_their_turn_do_not_run() {
    for asked in [0, 1] {
        let machine = machine(12);
        Node::of(2).live(&machine, async |cluster| {
            let shard = cluster.shard(asked);
            let names: Vec<String> = (0..1000).map(|index| format!("t{index}")).collect();
            let mut given_up: Vec<_> =
                names.iter().map(|name| Box::pin(create_through(&shard, name, 1))).collect();
            for command in &mut given_up {
                assert!(futures_util::poll!(command).is_pending());
            }
            let mut last = Box::pin(create_through(&shard, "last", 1));
            assert!(futures_util::poll!(&mut last).is_pending());
            // The first is at work once others had a chance to run; the rest only waits.
            let first = given_up.remove(0);
            drop(given_up);
            assert!(first.await.is_ok());
            assert!(shard.image().topic("last").is_none(), "one after another");
            assert!(last.await.is_ok());
            assert_eq!(shard.image().topic_count(), 2, "nobody waited for the others");
        });
    }
}
