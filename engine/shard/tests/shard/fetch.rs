//! Fetches over partitions of all shards: limits, waiting, waking.

use crate::harness::{
    Cluster, Node, S, at, batch, entry, limits, machine, machine_with, part, put, values,
};
use engine_base::{Offset, Uuid};
use engine_io::Env;
use engine_io::memory::Options;
use engine_log::Acks;
use engine_record::Producer;
use engine_shard::{ControllerCall, FetchLimits, FetchedPart, PartitionError, TopicName};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

/// Filled with a fetch's answer and the time it took.
type Answer = Rc<RefCell<Option<(Vec<FetchedPart>, Duration)>>>;

/// Fetches partitions of a topic from these offsets on, by partition, in a task of its own.
fn start(cluster: &Cluster, shard: &S, id: Uuid, offsets: &[i64], limits: FetchLimits) -> Answer {
    let answer = Answer::default();
    let (into, shard) = (answer.clone(), shard.clone());
    let parts = (0..).zip(offsets).map(|(partition, offset)| part(at(id, partition), *offset));
    let parts = parts.collect();
    cluster.spawn(async move {
        let begun = shard.env.now();
        let fetched = shard.fetch(parts, limits).await;
        into.replace(Some((fetched, shard.env.now().since(begun))));
    });
    answer
}

/// Appends `bytes` or a little more to a partition.
async fn put_bytes(shard: &S, id: Uuid, partition: i32, bytes: usize) {
    put(shard, at(id, partition), &vec![b'x'; bytes], Acks::Leader).await.unwrap();
}

fn bytes_of(fetched: &[FetchedPart]) -> Vec<usize> {
    fetched.iter().map(FetchedPart::bytes).collect()
}

#[test]
fn one_request_reads_partitions_of_all_shards_in_its_order() {
    for shards in 1..=3 {
        let machine = machine(40);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 6).await;
            for partition in 0..5 {
                let text = partition.to_string();
                let shard = cluster.shard(0);
                put(&shard, at(id, partition), text.as_bytes(), Acks::All).await.unwrap();
            }
            for shard in cluster.all() {
                let order = [4, 1, 9, 0, 3, 2, 5];
                let parts = order.iter().map(|partition| part(at(id, *partition), 0)).collect();
                let fetched = shard.fetch(parts, limits(&shard, 1, 1000)).await;
                for (partition, fetched) in order.into_iter().zip(&fetched) {
                    if partition == 9 {
                        assert_eq!(fetched.error, Some(PartitionError::UnknownPartition));
                        continue;
                    }
                    let expected = (partition < 5).then(|| (0, partition.to_string().into_bytes()));
                    assert_eq!(values(fetched), Vec::from_iter(expected));
                    assert_eq!(fetched.high_watermark, Offset(i64::from(partition < 5)));
                    assert_eq!(fetched.log_start, Offset(0));
                }
            }
        });
    }
}

#[test]
fn an_empty_fetch_waits_to_its_deadline_and_no_longer() {
    for shards in 1..=3 {
        let machine = machine(41);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 6).await;
            for shard in cluster.all() {
                let answer = start(cluster, &shard, id, &[0; 6], limits(&shard, 1, 700));
                shard.env.sleep(705 * MS).await;
                let (fetched, took) = answer.take().expect("answered in time");
                assert!(took + MS >= 700 * MS, "{took:?}");
                assert!(fetched.iter().all(|part| part.bytes() == 0 && part.error.is_none()));
                assert!(shard.fetch(Vec::new(), limits(&shard, 1, 0)).await.is_empty());
            }
        });
    }
}

#[test]
fn an_append_on_any_shard_wakes_a_fetch_on_any_other() {
    for shards in 1..=3 {
        let machine = machine(42);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            let env = cluster.env();
            let mut ends = [0; 3];
            for shard in cluster.all() {
                for partition in 0..3 {
                    let answer = start(cluster, &shard, id, &ends, limits(&shard, 1, 60_000));
                    env.sleep(500 * MS).await;
                    assert!(answer.borrow().is_none());
                    put_bytes(&cluster.shard(1), id, partition, 1).await;
                    env.sleep(MS).await;
                    let (fetched, _) = answer.take().expect("woken at once");
                    let index = usize::try_from(partition).unwrap();
                    assert_eq!(values(&fetched[index]), [(ends[index], b"x".to_vec())]);
                    ends[index] += 1;
                }
            }
        });
    }
}

#[test]
fn a_waiting_fetch_polls_nothing() {
    // An idle node needs a few thousand turns in this time; looking every 100 ms would need 60,000.
    let options = Options { polls_max: 20_000, ..Options::default() };
    let machine = machine_with(43, options);
    Node::of(3).live(&machine, async |cluster| {
        let id = cluster.create("t", 6).await;
        let (shard, env) = (cluster.shard(1), cluster.env());
        let waiting: Vec<_> = (0..10)
            .map(|_| start(cluster, &shard, id, &[0; 6], limits(&shard, 1, 700_000)))
            .collect();
        env.sleep(600_000 * MS).await;
        assert!(waiting.iter().all(|answer| answer.borrow().is_none()));
        env.sleep(101_000 * MS).await;
        assert!(waiting.iter().all(|answer| answer.borrow().is_some()));
    });
}

#[test]
fn least_bytes_count_over_all_shards() {
    for shards in 1..=3 {
        let machine = machine(44);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 6).await;
            let (shard, env) = (cluster.shard(0), cluster.env());
            let wanted = limits(&shard, 6_000, 10_000);
            // All of it in one partition, then a little in each.
            for amounts in [vec![(2, 3_000), (2, 3_000)], (0..6).map(|p| (p, 1_000)).collect()] {
                let ends = futures_util::future::join_all((0..6).map(async |partition| {
                    let query = engine_shard::OffsetQuery {
                        partition: at(id, partition),
                        kind: engine_shard::OffsetKind::Latest,
                        current_epoch: -1,
                    };
                    shard.offsets(vec![query]).await[0].as_ref().unwrap().offset.0
                }))
                .await;
                let limits = FetchLimits {
                    deadline: engine_shard::fetch_deadline(env.now(), 10_000),
                    ..wanted
                };
                let answer = start(cluster, &shard, id, &ends, limits);
                let (last, first) = amounts.split_last().unwrap();
                for (partition, bytes) in first {
                    put_bytes(&cluster.shard(2), id, *partition, *bytes).await;
                    env.sleep(5 * MS).await;
                    assert!(answer.borrow().is_none(), "{bytes} in {partition} are not enough");
                }
                put_bytes(&cluster.shard(2), id, last.0, last.1).await;
                env.sleep(5 * MS).await;
                let (fetched, _) = answer.take().expect("enough");
                assert!(bytes_of(&fetched).iter().sum::<usize>() >= 6_000);
            }
        });
    }
}

#[test]
fn what_is_less_than_wanted_comes_at_the_deadline() {
    for shards in 1..=3 {
        let machine = machine(45);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            let (shard, env) = (cluster.shard(1), cluster.env());
            let answer = start(cluster, &shard, id, &[0; 3], limits(&shard, 1 << 20, 900));
            for _ in 0..8 {
                for partition in 0..3 {
                    put_bytes(&shard, id, partition, 100).await;
                }
                env.sleep(100 * MS).await;
            }
            assert!(answer.borrow().is_none());
            env.sleep(200 * MS).await;
            let (fetched, took) = answer.take().expect("the deadline is over");
            assert!(took + MS >= 900 * MS && took < 905 * MS, "{took:?}");
            assert!(fetched.iter().all(|part| values(part).len() == 8));
        });
    }
}

#[test]
fn limits_hold_but_the_first_batch_comes_whatever_its_size() {
    for shards in 1..=3 {
        let machine = machine(46);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 4).await;
            let shard = cluster.shard(1);
            for partition in 0..4 {
                for _ in 0..5 {
                    put_bytes(&shard, id, partition, 10_000).await;
                }
            }
            let fetch = async |bytes_max: usize, part_max: usize| {
                let parts = (0..4).map(|partition| engine_shard::FetchPart {
                    bytes_max: part_max,
                    ..part(at(id, partition), 0)
                });
                let limits = FetchLimits { bytes_max, ..limits(&shard, 1, 1_000) };
                bytes_of(&shard.fetch(parts.collect(), limits).await)
            };
            let batch = fetch(1, 1 << 20).await[0];
            assert!(batch > 10_000 && batch < 10_100);
            let count = |bytes: Vec<usize>| -> Vec<usize> {
                bytes.into_iter().map(|bytes| bytes / batch).collect()
            };
            assert_eq!(count(fetch(1, 1 << 20).await), [1, 0, 0, 0]);
            assert_eq!(count(fetch(1, 1).await), [1, 0, 0, 0]);
            assert_eq!(count(fetch(1 << 20, 2 * batch + 1).await), [2; 4]);
            assert_eq!(count(fetch(1 << 20, 1 << 20).await), [5; 4]);
            let bounded = fetch(7 * batch, 1 << 20).await;
            assert_eq!(bounded[0] / batch, 5);
            assert!(bounded.iter().sum::<usize>() <= 7 * batch, "{bounded:?}");
        });
    }
}

#[test]
fn an_error_in_one_partition_ends_the_wait() {
    for shards in 1..=3 {
        let machine = machine(47);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            for shard in cluster.all() {
                for partition in 0..3 {
                    let mut parts: Vec<_> =
                        (0..3).map(|partition| part(at(id, partition), 0)).collect();
                    let wrong = usize::try_from(partition).unwrap();
                    parts[wrong].offset = Offset(17);
                    let begun = shard.env.now();
                    let fetched = shard.fetch(parts, limits(&shard, 1, 5_000)).await;
                    assert!(shard.env.now().since(begun) < 5 * MS);
                    assert!(matches!(fetched[wrong].error, Some(PartitionError::Log(_))));
                    assert_eq!(fetched.iter().filter(|part| part.error.is_none()).count(), 2);
                }
            }
        });
    }
}

#[test]
fn a_deleted_topic_ends_the_wait() {
    for shards in 1..=3 {
        let machine = machine(48);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            let answers: Vec<_> = cluster
                .all()
                .iter()
                .map(|shard| start(cluster, shard, id, &[0; 3], limits(shard, 1, 60_000)))
                .collect();
            cluster.env().sleep(50 * MS).await;
            let call = ControllerCall::DeleteTopics(vec![TopicName::Id(id)]);
            cluster.shard(0).control(call).await;
            cluster.env().sleep(50 * MS).await;
            for answer in answers {
                let (fetched, _) = answer.take().expect("nothing can come any more");
                assert!(fetched.iter().any(|part| part.error.is_some()));
            }
        });
    }
}

#[test]
fn a_fetch_given_up_leaves_nothing_behind() {
    let machine = machine(49);
    Node::of(3).live(&machine, async |cluster| {
        let id = cluster.create("t", 3).await;
        let shard = cluster.shard(0);
        for _ in 0..20 {
            let parts = (0..3).map(|partition| part(at(id, partition), 0)).collect();
            let fetch = shard.fetch(parts, limits(&shard, 1, i32::MAX));
            let sleep = std::pin::pin!(shard.env.sleep(10 * MS));
            futures_util::future::select(std::pin::pin!(fetch), sleep).await;
        }
        shard.env.sleep(10 * MS).await;
        for shard in cluster.all() {
            assert_eq!(shard.waiting_fetch_count(), 0, "{}", shard.id());
        }
        // And those who come later are served.
        let limits = limits(&shard, 1, 60_000);
        let answer = start(cluster, &shard, id, &[0; 3], limits);
        let made = batch(Producer::NONE, 1, &[b"x"]);
        shard.append(vec![entry(at(id, 1), made)], Acks::Leader).await.remove(0).unwrap();
        shard.env.sleep(MS).await;
        assert!(answer.borrow().is_some());
    });
}

#[test]
fn a_read_that_reaches_its_limits_waits_for_nothing() {
    for shards in 1..=3 {
        let machine = machine(50);
        Node::of(shards).live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            let (shard, env) = (cluster.shard(0), cluster.env());
            for _ in 0..2 {
                for partition in 0..3 {
                    put_bytes(&shard, id, partition, 70_000).await;
                }
            }
            // Kafka's consumers ask for 1 MiB of a partition, and some wait for as much.
            let fetch = async |bytes_min: usize, bytes_max: usize, part_max: usize| {
                let parts = (0..3).map(|partition| engine_shard::FetchPart {
                    bytes_max: part_max,
                    ..part(at(id, partition), 0)
                });
                let limits = FetchLimits { bytes_max, ..limits(&shard, bytes_min, 5_000) };
                let begun = env.now();
                let fetched = shard.fetch(parts.collect(), limits).await;
                let waited = env.now().since(begun) > 4_000 * MS;
                (bytes_of(&fetched).iter().map(|bytes| bytes / 70_000).sum::<usize>(), waited)
            };
            assert_eq!(fetch(300_000, 1 << 20, 100_000).await, (3, false), "three limits reached");
            assert_eq!(fetch(301_000, 1 << 20, 100_000).await, (3, true), "they are not enough");
            assert_eq!(fetch(1 << 20, 100_000, 1 << 20).await, (1, false), "the answer is full");
            assert_eq!(fetch(420_000, 1 << 20, 1 << 20).await, (6, false));
            assert_eq!(fetch(500_000, 1 << 20, 1 << 20).await, (6, true));
        });
    }
}
