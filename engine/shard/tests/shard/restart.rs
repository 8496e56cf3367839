//! What a restart finds: metadata with and without a snapshot, another number of shards, starts that
//! are interrupted or fail.

use crate::harness::{Node, S, at, machine, producer, put, put_as, read_all, texts};
use engine_base::{ShardId, Uuid};
use engine_io::memory::{DiskCall, Effect, Failure, Fault, Halt, When};
use engine_io::{Env, Queue};
use engine_log::Acks;
use engine_shard::{ConfigEdit, ControllerAnswer, ControllerCall, StartError, TopicName};
use engine_state::metadata::ConfigResource;
use engine_state::metadata::configs::Operation;
use std::time::Duration;

fn snapshots(machine: &engine_io::memory::Machine) -> Vec<String> {
    let paths = machine.list().into_iter().map(|path| path.to_string_lossy().into_owned());
    paths
        .filter(|path| path.contains("__cluster_metadata-0/") && path.ends_with(".checkpoint"))
        .collect()
}

/// Writes more records than a clean stop leaves without a snapshot.
async fn write_records(shard: &S) {
    for _ in 0..1_000 {
        let answer = shard.control(ControllerCall::ProducerIds).await;
        assert!(matches!(answer, ControllerAnswer::ProducerIds(_)), "{answer:?}");
    }
}

#[test]
fn metadata_survives_with_and_without_a_snapshot() {
    let machine = machine(70);
    let node = Node::of(2);
    let first = node.live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        let id = cluster.create("many", 11).await;
        write_records(&shard).await;
        let resource = ConfigResource::topic("many");
        let edit = ConfigEdit {
            name: "retention.ms".to_owned(),
            operation: Operation::Set,
            value: Some("777".to_owned()),
        };
        let resources = vec![(resource.clone(), vec![edit])];
        let call = ControllerCall::AlterConfigs { resources, validate_only: false };
        assert!(matches!(shard.control(call).await, ControllerAnswer::Done(r) if r[0].is_ok()));
        let image = shard.image();
        let topic = image.topic("many").unwrap();
        assert_eq!(shard.topic_config(topic).retention_ms, 777);
        id
    });
    assert_eq!(snapshots(&machine).len(), 1);
    for life in 0..4 {
        node.live(&machine, async |cluster| {
            for shard in cluster.all() {
                let image = shard.image();
                let topic = image.topic("many").unwrap();
                assert_eq!((topic.id, topic.partitions.len()), (first, 11));
                assert_eq!(shard.topic_config(topic).retention_ms, 777);
                for earlier in 0..life {
                    assert!(image.topic(&format!("later-{earlier}")).is_some());
                    assert!(image.topic("passing").is_none());
                }
            }
            cluster.create(&format!("later-{life}"), 1).await;
            cluster.create("passing", 1).await;
            let passing = vec![TopicName::Name("passing".to_owned())];
            cluster.shard(0).control(ControllerCall::DeleteTopics(passing)).await;
            // Again enough for a snapshot, now and then.
            if life % 2 == 1 {
                write_records(&cluster.shard(1)).await;
            }
        });
    }
    assert_eq!(snapshots(&machine).len(), 2, "the newest two are kept");
    // Without its newest snapshot the node starts from the one before.
    let newest = snapshots(&machine).pop().unwrap();
    machine.flip(&newest, 200, 0x10);
    node.live(&machine, async |cluster| {
        assert_eq!(cluster.topic("many"), first);
        assert_eq!(cluster.shard(1).image().topic_count(), 5);
    });
}

#[test]
fn another_number_of_shards_serves_the_same() {
    let machine = machine(71);
    let mut expected: Vec<Vec<String>> = vec![Vec::new(); 5];
    for (life, shards) in [2, 3, 1, 3, 2, 1].into_iter().enumerate() {
        let node = Node::of(shards);
        let unclean = life % 2 == 1;
        let work = async |cluster: &crate::harness::Cluster| {
            let shard = cluster.shard(1);
            if life == 0 {
                cluster.create("t", 5).await;
                shard.ensure_offsets_topic().await;
            }
            let id = cluster.topic("t");
            for (partition, expected) in (0..).zip(&expected) {
                assert_eq!(&texts(&shard, at(id, partition)).await, expected, "{partition}");
                let last = i32::try_from(life).unwrap();
                let text = format!("{life}");
                if last > 0 {
                    let again = producer(9, 0, last - 1);
                    let done = put_as(&shard, at(id, partition), again, b"x").await.unwrap();
                    assert_eq!(done.base_offset.0, i64::from(last) * 2 - 2, "a duplicate");
                }
                let next = producer(9, 0, last);
                put_as(&shard, at(id, partition), next, text.as_bytes()).await.unwrap();
                put(&shard, at(id, partition), b"plain", Acks::Leader).await.unwrap();
            }
            for group in ["a", "b", "c"] {
                let before = crate::groups::committed(&shard, group, "t").await;
                assert_eq!(before, i64::try_from(life).unwrap() - 1);
                let now = before + 1;
                assert_eq!(crate::groups::commit(&shard, group, "t", now).await, None);
            }
        };
        if unclean {
            let halt = Halt::After(Duration::from_secs(3));
            assert!(!node.live_until(&machine, halt, async |cluster| {
                work(cluster).await;
                cluster.env().sleep(Duration::from_secs(100)).await;
            }));
            machine.kill();
        } else {
            node.live(&machine, work);
        }
        for texts in &mut expected {
            texts.extend([life.to_string(), "plain".to_owned()]);
        }
    }
}

#[test]
fn a_stop_while_starting_ends_every_shard() {
    let machine = machine(72);
    let node = Node::of(3);
    node.live(&machine, async |cluster| {
        let id = cluster.create("t", 6).await;
        for partition in 0..6 {
            put(&cluster.shard(0), at(id, partition), b"x", Acks::All).await.unwrap();
        }
    });
    for micros in (0..6_000).step_by(50) {
        let results = node.start_only(&machine, async |env| {
            if env.shard() == ShardId(1) {
                let (control, sleep) = (env.control(), env.sleep(Duration::from_micros(micros)));
                env.spawn(Queue::Net, async move {
                    sleep.await;
                    control.request_stop();
                });
            }
        });
        let stopped = results.iter().filter(|r| matches!(r, Err(StartError::Stopped))).count();
        let started = results.iter().filter(|result| result.is_ok()).count();
        assert!(stopped == 3 || started == 3, "{micros} us: {results:?}");
        machine.kill();
    }
}

#[test]
fn a_shard_that_cannot_start_ends_the_others() {
    for failing in ["*journal*0*", "*journal*1*", "*journal*2*"] {
        let machine = machine(73);
        let node = Node::of(3);
        node.live(&machine, async |cluster| {
            let id = cluster.create("t", 3).await;
            for partition in 0..3 {
                put(&cluster.shard(0), at(id, partition), b"x", Acks::All).await.unwrap();
            }
        });
        let fail = Effect::Fail(Failure::Io);
        machine.inject(Fault::new(failing, DiskCall::Open, When::Always, fail));
        let results = node.start_only(&machine, async |_| {});
        assert!(results.iter().all(Result::is_err), "{failing}: {results:?}");
        machine.heal_all();
        machine.kill();
        node.live(&machine, async |cluster| {
            let id = cluster.topic("t");
            for partition in 0..3 {
                assert_eq!(read_all(&cluster.shard(0), at(id, partition)).await.len(), 1);
            }
        });
    }
}

#[test]
fn a_shard_that_cannot_take_appends_ends_the_start() {
    for (index, failing) in ["*journal-0-*", "*journal-1-*", "*journal-2-*"].iter().enumerate() {
        let machine = machine(76);
        let node = Node::of(3);
        // All has been recovered, and then its first journal cannot be made.
        let fail = Effect::Fail(Failure::Io);
        let fault = machine.inject(Fault::new(failing, DiskCall::Open, When::Always, fail));
        let results = node.start_only(&machine, async |_| {});
        assert!(machine.struck(fault) > 0);
        assert!(results.iter().all(Result::is_err), "{failing}: {results:?}");
        assert!(matches!(results[index], Err(StartError::Log(_))), "{failing}: {results:?}");
        machine.heal_all();
        machine.kill();
        node.live(&machine, async |cluster| {
            cluster.create("t", 3).await;
        });
    }
}

#[test]
fn partitions_the_metadata_does_not_know_are_set_aside_and_leave_their_name() {
    let machine = machine(74);
    let node = Node::of(2);
    node.live(&machine, async |cluster| {
        let shard = cluster.shard(0);
        let id = cluster.create("t", 2).await;
        put(&shard, at(id, 0), b"x", Acks::All).await.unwrap();
    });
    for path in machine.list() {
        if let Ok(name) = path.strip_prefix("/data/t-0") {
            let mut content = machine.file(&path);
            if name.as_os_str() == "partition.metadata" {
                let text = String::from_utf8(content).unwrap();
                let (head, _) = text.trim_end().split_at(text.trim_end().len() - 22);
                content = format!("{head}{}\n", Uuid::from_bytes([4; 16])).into_bytes();
            }
            machine.put_file(std::path::Path::new("/data/stray-0").join(name), &content);
        }
    }
    let logs = |machine: &engine_io::memory::Machine, dir: &str| -> Vec<(String, Vec<u8>)> {
        let paths = machine.list().into_iter().map(|path| path.to_string_lossy().into_owned());
        let paths = paths.filter(|path| path.ends_with(".log") && path.starts_with(dir));
        paths.map(|path| (path.clone(), machine.file(&path))).collect()
    };
    let content = logs(&machine, "/data/stray-0/")[0].1.clone();
    for life in 0..2 {
        node.live(&machine, async |cluster| {
            let shard = cluster.shard(1);
            assert_eq!(shard.image().topic_count(), 1 + life);
            assert_eq!(texts(&shard, at(cluster.topic("t"), 0)).await, ["x"]);
            if life == 0 {
                let id = cluster.create("stray", 1).await;
                put(&shard, at(id, 0), b"new", Acks::All).await.unwrap();
            }
            assert_eq!(texts(&shard, at(cluster.topic("stray"), 0)).await, ["new"]);
            shard.env.sleep(Duration::from_secs(70)).await;
        });
        let kept = logs(&machine, "/data/stray-0.");
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(kept[0].0.contains("-stray/"));
        assert_eq!(kept[0].1, content);
    }
}

#[test]
fn a_node_does_not_start_without_the_metadata_it_once_had() {
    let machine = machine(75);
    let node = Node::of(2);
    node.live(&machine, async |cluster| {
        cluster.create("t", 2).await;
    });
    for path in machine.list() {
        if path.starts_with("/data/__cluster_metadata-0") {
            machine.remove(path);
        }
    }
    let results = node.start_only(&machine, async |_| {});
    assert!(results.iter().all(Result::is_err), "{results:?}");
}
