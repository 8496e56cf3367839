//! Appends to partitions of all shards through any shard: guarantees, order, producers.

use crate::harness::{
    Node, at, batch, entry, limits, machine, part, producer, put, put_as, read_all, texts, values,
};
use engine_base::Offset;
use engine_io::Env;
use engine_io::memory::{DiskCall, Effect, Fault, When};
use engine_log::Acks;
use engine_record::Producer;
use engine_shard::{
    AppendEntry, ControllerAnswer, ControllerCall, OffsetKind, OffsetQuery, PartitionError,
};
use futures_util::future::join_all;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn one_request_reaches_partitions_of_all_shards() {
    for shards in 1..=3 {
        let machine = machine(20);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 6).await;
            for (round, shard) in cluster.all().into_iter().enumerate() {
                for acks in [Acks::Leader, Acks::All] {
                    // Twice the same partition in one request, and one that does not exist.
                    let order = [3, 0, 9, 5, 3, 1, 2, 4];
                    let entries = order.map(|partition| {
                        let text = format!("{round}{acks:?}");
                        entry(at(id, partition), batch(Producer::NONE, 1, &[text.as_bytes()]))
                    });
                    let results = shard.append(entries.into(), acks).await;
                    assert_eq!(results.len(), order.len());
                    assert_eq!(results[2], Err(PartitionError::UnknownPartition));
                    let first = results[0].as_ref().unwrap().base_offset.0;
                    assert_eq!(results[4].as_ref().unwrap().base_offset.0, first + 1);
                    let expected = i64::try_from(2 * round).unwrap() + i64::from(acks == Acks::All);
                    assert_eq!(results[1].as_ref().unwrap().base_offset.0, expected);
                }
            }
            let count = 2 * usize::from(shards);
            for partition in 0..6 {
                let times = if partition == 3 { 2 } else { 1 };
                let found = read_all(&cluster.shard(1), at(id, partition)).await;
                assert_eq!(found.len(), count * times);
            }
        });
    }
}

#[test]
fn requests_of_one_connection_keep_their_order() {
    let machine = machine(21);
    Node::of(3).live(&machine, async |cluster| {
        let id = cluster.create("t", 3).await;
        let expected: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        for shard in cluster.all() {
            // All are started before any is answered, as from a pipelining client.
            let started: Vec<_> = (0..40)
                .map(|number: u32| {
                    let text = number.to_string();
                    let entries: Vec<AppendEntry> = (0..3)
                        .map(|partition| {
                            let batch = batch(Producer::NONE, 1, &[text.as_bytes()]);
                            entry(at(id, partition), batch)
                        })
                        .collect();
                    shard.append(entries, Acks::Leader)
                })
                .collect();
            for results in join_all(started).await {
                assert!(results.iter().all(Result::is_ok), "{results:?}");
            }
        }
        for partition in 0..3 {
            let found = texts(&cluster.shard(0), at(id, partition)).await;
            assert_eq!(found, [&expected[..], &expected, &expected].concat());
        }
    });
}

#[test]
fn acks_all_waits_for_the_flush_and_acks_one_does_not() {
    let machine = machine(22);
    Node::of(2).live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        let control = cluster.control();
        let slow = Effect::Delay(Duration::from_millis(300));
        control.inject(Fault::new("*", DiskCall::Sync, When::Always, slow));
        let env = cluster.env();
        for shard in cluster.all() {
            for partition in 0..2 {
                let begun = env.now();
                put(&shard, at(id, partition), b"one", Acks::Leader).await.unwrap();
                assert!(env.now().since(begun) < Duration::from_millis(10));
                put(&shard, at(id, partition), b"all", Acks::All).await.unwrap();
                assert!(env.now().since(begun) >= Duration::from_millis(300));
            }
        }
    });
}

#[test]
fn what_waits_for_a_flush_is_not_seen() {
    let machine = machine(23);
    Node::of(2).live(&machine, async |cluster| {
        let id = cluster.create("t", 1).await;
        let shard = cluster.shard(0);
        put(&shard, at(id, 0), b"seen", Acks::All).await.unwrap();
        let control = cluster.control();
        let slow = Effect::Delay(Duration::from_millis(300));
        control.inject(Fault::new("*", DiskCall::Sync, When::Always, slow));
        let waiting =
            shard.append(vec![entry(at(id, 0), batch(Producer::NONE, 1, &[b"x"]))], Acks::All);
        shard.env.sleep(Duration::from_millis(100)).await;
        for shard in cluster.all() {
            assert_eq!(texts(&shard, at(id, 0)).await, ["seen"]);
            let query =
                OffsetQuery { partition: at(id, 0), kind: OffsetKind::Latest, current_epoch: -1 };
            assert_eq!(shard.offsets(vec![query]).await[0].as_ref().unwrap().offset, Offset(1));
        }
        assert!(waiting.await[0].is_ok());
        assert_eq!(texts(&cluster.shard(1), at(id, 0)).await, ["seen", "x"]);
    });
}

#[test]
fn idempotent_producers() {
    for shards in 1..=3 {
        let machine = machine(24);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            for (index, shard) in cluster.all().iter().enumerate() {
                let partition = at(id, i32::try_from(index + 1).unwrap() % 3);
                let put = async |epoch, sequence, value: &[u8]| {
                    let producer = producer(7, epoch, sequence);
                    put_as(shard, partition, producer, value).await.map(|done| done.base_offset.0)
                };
                for sequence in 0..7 {
                    assert_eq!(put(0, sequence, b"x").await, Ok(i64::from(sequence)));
                }
                // The last five are known; what is older cannot be told from a mistake.
                for sequence in 2..7 {
                    assert_eq!(put(0, sequence, b"x").await, Ok(i64::from(sequence)), "again");
                }
                assert_eq!(put(0, 1, b"x").await, Err(PartitionError::OutOfOrderSequence));
                assert_eq!(put(0, 8, b"x").await, Err(PartitionError::OutOfOrderSequence));
                assert_eq!(put(1, 3, b"x").await, Err(PartitionError::OutOfOrderSequence));
                assert_eq!(put(1, 0, b"new").await, Ok(7), "a new epoch starts at zero");
                assert_eq!(put(0, 7, b"x").await, Err(PartitionError::InvalidProducerEpoch));
                assert_eq!(put(1, 1, b"y").await, Ok(8));
                let found = read_all(shard, partition).await;
                assert_eq!(found.len(), 9, "{found:?}");
            }
        });
    }
}

#[test]
fn a_duplicate_is_answered_when_the_first_is_durable() {
    let machine = machine(25);
    Node::of(2).live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        let control = cluster.control();
        for partition in 0..2 {
            let fault = Fault::new("*", DiskCall::Sync, When::Always, Effect::Park);
            let fault = control.inject(fault);
            let shard = cluster.shard(0);
            let batch = batch(producer(3, 0, 0), 1, &[b"x"]);
            let answered = Rc::new(Cell::new(0));
            for _ in 0..2 {
                let append = shard.append(vec![entry(at(id, partition), batch.clone())], Acks::All);
                let answered = answered.clone();
                cluster.spawn(async move {
                    let result = append.await.remove(0).unwrap();
                    assert_eq!(result.base_offset, Offset(0));
                    answered.set(answered.get() + 1);
                });
                shard.env.sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(answered.get(), 0, "neither is on stable media");
            control.heal(fault);
            control.release_all();
            shard.env.sleep(Duration::from_millis(50)).await;
            assert_eq!(answered.get(), 2);
            assert_eq!(texts(&shard, at(id, partition)).await, ["x"]);
        }
    });
}

#[test]
fn producers_are_known_after_clean_and_unclean_ends() {
    for kill in [false, true] {
        let machine = machine(26);
        let node = Node::of(2);
        let work = async |cluster: &crate::harness::Cluster, from: i32| {
            let shard = cluster.shard(1);
            let id = cluster.topic("t");
            for partition in 0..2 {
                let put = async |sequence: i32| {
                    let producer = producer(5, 0, sequence);
                    let result = put_as(&shard, at(id, partition), producer, b"x").await;
                    result.map(|done| done.base_offset.0)
                };
                for sequence in (from - 5).max(0)..from {
                    assert_eq!(put(sequence).await, Ok(i64::from(sequence)), "a duplicate");
                }
                // A producer that is not known may begin anywhere.
                if from > 0 {
                    assert_eq!(put(from + 1).await, Err(PartitionError::OutOfOrderSequence));
                }
                for sequence in from..from + 8 {
                    assert_eq!(put(sequence).await, Ok(i64::from(sequence)));
                }
            }
        };
        node.live(&machine, async |cluster| {
            cluster.create("t", 2).await;
            work(cluster, 0).await;
            // Long enough for snapshots by the clock.
            cluster.env().sleep(Duration::from_secs(5)).await;
        });
        for life in 1..4 {
            if kill {
                let halt = engine_io::memory::Halt::After(Duration::from_secs(20));
                let ended = node.live_until(&machine, halt, async |cluster| {
                    work(cluster, 8 * life).await;
                    cluster.env().sleep(Duration::from_secs(100)).await;
                });
                assert!(!ended);
                machine.kill();
            } else {
                node.live(&machine, async |cluster| work(cluster, 8 * life).await);
            }
        }
        node.live(&machine, async |cluster| {
            assert_eq!(cluster.clean, !kill);
            for partition in 0..2 {
                let found = texts(&cluster.shard(0), at(cluster.topic("t"), partition)).await;
                assert_eq!(found.len(), 32);
            }
        });
    }
}

#[test]
fn append_time_is_the_brokers_and_told() {
    let machine = machine(27);
    Node::of(2).live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        for partition in 0..2 {
            let shard = cluster.shard(0);
            let now_ms = shard.env.wall_ms();
            let made = batch(producer(1, 0, 0), 77, &[b"x"]);
            for _ in 0..2 {
                let append_time = true;
                let timed = AppendEntry { append_time, ..entry(at(id, partition), made.clone()) };
                let result = shard.append(vec![timed], Acks::Leader).await.remove(0).unwrap();
                // A duplicate is told the time of the first.
                assert!((result.append_time_ms - now_ms).abs() < 5, "{result:?}");
                shard.env.sleep(Duration::from_millis(100)).await;
            }
            let kind = OffsetKind::MaxTimestamp;
            let query = OffsetQuery { partition: at(id, partition), kind, current_epoch: -1 };
            let found = shard.offsets(vec![query]).await.remove(0).unwrap();
            assert!((found.timestamp_ms - now_ms).abs() < 5, "{found:?}");
        }
    });
}

#[test]
fn offsets_and_timestamps_of_any_shards_partitions() {
    let machine = machine(28);
    Node::of(3).live(&machine, async |cluster| {
        let id = cluster.create("t", 3).await;
        for partition in 0..3 {
            for timestamp in [100, 300, 200] {
                let made = batch(Producer::NONE, timestamp, &[b"a", b"b"]);
                let entries = vec![entry(at(id, partition), made)];
                cluster.shard(0).append(entries, Acks::All).await.remove(0).unwrap();
            }
        }
        let cases = [
            (OffsetKind::Earliest, 0, -1),
            (OffsetKind::Latest, 6, -1),
            (OffsetKind::MaxTimestamp, 2, 300),
            (OffsetKind::Timestamp(0), 0, 100),
            (OffsetKind::Timestamp(101), 2, 300),
            (OffsetKind::Timestamp(301), -1, -1),
            (OffsetKind::Tiered, -1, -1),
        ];
        for shard in cluster.all() {
            for (kind, offset, timestamp_ms) in cases {
                let query = |partition| {
                    let current_epoch = if partition == 1 { 0 } else { -1 };
                    OffsetQuery { partition: at(id, partition), kind, current_epoch }
                };
                let answers = shard.offsets((0..4).map(query).collect()).await;
                for answer in &answers[..3] {
                    let found = answer.as_ref().unwrap();
                    assert_eq!((found.offset.0, found.timestamp_ms), (offset, timestamp_ms));
                }
                assert_eq!(answers[3], Err(PartitionError::UnknownPartition));
            }
            let query = |current_epoch| {
                let kind = OffsetKind::Latest;
                OffsetQuery { partition: at(id, 2), kind, current_epoch }
            };
            let future = shard.offsets(vec![query(7)]).await.remove(0);
            assert_eq!(future, Err(PartitionError::UnknownLeaderEpoch));
            assert_eq!(shard.epoch_end(at(id, 1), -1, 0).await, Ok((0, 6)));
            let wrong = shard.epoch_end(at(id, 1), 9, 0).await;
            assert_eq!(wrong, Err(PartitionError::UnknownLeaderEpoch));
            assert_eq!(
                shard.epoch_end(at(id, 8), -1, 0).await,
                Err(PartitionError::UnknownPartition)
            );
        }
    });
}

#[test]
fn deleted_records_stay_deleted() {
    let machine = machine(29);
    let node = Node::of(2);
    node.live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        let shard = cluster.shard(0);
        for _ in 0..5 {
            for partition in 0..2 {
                put(&shard, at(id, partition), b"x", Acks::All).await.unwrap();
            }
        }
        let wanted = vec![(at(id, 0), Offset(3)), (at(id, 1), Offset(-1)), (at(id, 2), Offset(0))];
        let results = shard.delete_records(wanted).await;
        let expected = [Ok(Offset(3)), Ok(Offset(5)), Err(PartitionError::UnknownPartition)];
        assert_eq!(results, expected);
        // Backwards does nothing; beyond the high watermark is refused.
        assert_eq!(shard.delete_records(vec![(at(id, 0), Offset(1))]).await, [Ok(Offset(3))]);
        assert!(shard.delete_records(vec![(at(id, 0), Offset(6))]).await[0].is_err());
        put(&shard, at(id, 1), b"y", Acks::All).await.unwrap();
    });
    for _ in 0..2 {
        node.live(&machine, async |cluster| {
            let (id, shard) = (cluster.topic("t"), cluster.shard(1));
            let parts = vec![part(at(id, 0), 3), part(at(id, 1), 5), part(at(id, 0), 2)];
            let fetched = shard.fetch(parts, limits(&shard, 0, 0)).await;
            assert_eq!((fetched[0].log_start, values(&fetched[0]).len()), (Offset(3), 2));
            assert_eq!(values(&fetched[1]), [(5, b"y".to_vec())]);
            assert!(matches!(fetched[2].error, Some(PartitionError::Log(_))));
            assert_eq!(fetched[2].log_start, Offset(3), "where to go is told");
        });
    }
}

#[test]
fn segments_of_a_topic_with_its_own_settings_roll() {
    let machine = machine(30);
    let node = Node::of(2);
    node.live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        let mut topic = crate::harness::spec(&shard, "t", 2);
        topic.configs = vec![("segment.bytes".to_owned(), Some("1048576".to_owned()))];
        let call = ControllerCall::CreateTopics { topics: vec![topic], validate_only: false };
        assert!(matches!(shard.control(call).await, ControllerAnswer::Created(r) if r[0].is_ok()));
        let id = cluster.topic("t");
        let value = vec![7; 200_000];
        for partition in 0..2 {
            for _ in 0..12 {
                put(&shard, at(id, partition), &value, Acks::Leader).await.unwrap();
            }
        }
    });
    for partition in 0..2 {
        let dir = format!("/data/t-{partition}/");
        let logs = machine.list().into_iter().filter(|path| {
            let path = path.to_string_lossy();
            path.starts_with(&dir) && path.ends_with(".log")
        });
        assert_eq!(logs.count(), 3);
    }
    node.live(&machine, async |cluster| {
        let id = cluster.topic("t");
        for partition in 0..2 {
            assert_eq!(read_all(&cluster.shard(0), at(id, partition)).await.len(), 12);
        }
    });
}
