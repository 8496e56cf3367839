//! What goes wrong with disk and callers: no room, failed writes, callers that give up.

use crate::harness::{
    Cluster, DIR, Node, S, at, create_through, limits, machine, part, producer, put, put_as,
    read_all, spec, texts, values,
};
use engine_base::TopicPartition;
use engine_io::Env;
use engine_io::memory::{DiskCall, Effect, Failure, Fault, Random, When};
use engine_log::{Acks, LogError};
use engine_shard::{ControllerAnswer, ControllerCall, PartitionError};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const ROOM: u64 = 1 << 40;

/// Leaves so many bytes free on the disk.
fn leave_room(cluster: &Cluster, bytes: u64) {
    let free = cluster.env().free_bytes(std::path::Path::new(DIR)).expect("the directory is there");
    cluster.control().set_capacity(ROOM - free + bytes);
}

/// Whether a client should try again later, and expects that to help.
fn is_passing(error: &PartitionError) -> bool {
    matches!(error, PartitionError::Log(LogError::NoSpace | LogError::Busy))
}

/// Appends as an idempotent producer until it is refused for want of room; the sequence that was.
async fn fill(shard: &S, partition: TopicPartition, mut sequence: i32) -> i32 {
    let value = vec![b'x'; 30_000];
    loop {
        match put_as(shard, partition, producer(1, 0, sequence), &value).await {
            Ok(done) => assert_eq!(done.base_offset.0, i64::from(sequence)),
            Err(error) => {
                assert!(is_passing(&error), "{error}");
                return sequence;
            }
        }
        sequence += 1;
        assert!(sequence < 10_000, "the disk never gets full");
    }
}

/// Sends `sequence` again until it is taken.
async fn insist(shard: &S, partition: TopicPartition, sequence: i32) {
    let value = vec![b'x'; 30_000];
    for _ in 0..100 {
        match put_as(shard, partition, producer(1, 0, sequence), &value).await {
            Ok(done) => return assert_eq!(done.base_offset.0, i64::from(sequence)),
            Err(error) => assert!(is_passing(&error), "{error}"),
        }
        shard.env.sleep(100 * MS).await;
    }
    panic!("no append in ten seconds after there was room again");
}

#[test]
fn a_full_disk_refuses_for_a_while_and_reads_go_on() {
    for shards in 1..=2 {
        let machine = machine(80);
        let node = Node::of(shards);
        let sequence = node.live(&machine, async |cluster| {
            let id = cluster.create("t", 2).await;
            let shard = cluster.shard(1);
            let control = cluster.control();
            let mut sequence = 0;
            for round in 0..3 {
                leave_room(cluster, 4 << 20);
                sequence = fill(&shard, at(id, 0), sequence).await;
                let fetched = shard.fetch(vec![part(at(id, 0), 0)], limits(&shard, 1, 100)).await;
                assert!(!values(&fetched[0]).is_empty(), "reads go on");
                shard.env.sleep(500 * MS).await;
                control.set_capacity(ROOM);
                insist(&shard, at(id, 0), sequence).await;
                sequence += 1;
                put(&shard, at(id, 1), format!("{round}").as_bytes(), Acks::All).await.unwrap();
            }
            sequence
        });
        node.live(&machine, async |cluster| {
            let id = cluster.topic("t");
            let found = read_all(&cluster.shard(0), at(id, 0)).await;
            assert_eq!(found.len(), usize::try_from(sequence).unwrap(), "nothing twice");
            assert_eq!(texts(&cluster.shard(0), at(id, 1)).await, ["0", "1", "2"]);
        });
    }
}

#[test]
fn commands_on_a_full_disk_take_effect_whole_or_not_at_all() {
    for shards in 1..=2 {
        for extra in [0u64, 8 << 10, 64 << 10, 1 << 20, 3 << 20] {
            let machine = machine(81);
            let node = Node::of(shards);
            node.live(&machine, async |cluster| {
                let id = cluster.create("t", 1).await;
                let shard = cluster.shard(1);
                let control = cluster.control();
                leave_room(cluster, extra);
                if extra > 0 {
                    fill(&shard, at(id, 0), 0).await;
                }
                let names: Vec<String> = (0..6).map(|number| format!("new-{number}")).collect();
                let made = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
                for name in &names {
                    let (shard, name, made) = (shard.clone(), name.clone(), made.clone());
                    cluster.spawn(async move {
                        if create_through(&shard, &name, 3).await.is_ok() {
                            made.borrow_mut().push(name);
                        }
                    });
                }
                shard.env.sleep(5_000 * MS).await;
                control.set_capacity(ROOM);
                shard.env.sleep(10_000 * MS).await;
                for shard in cluster.all() {
                    let image = shard.image();
                    for name in &names {
                        let found = image.topic(name).is_some();
                        assert!(found || !made.borrow().contains(name), "{name} was answered");
                    }
                }
                serve_all(cluster).await;
                cluster.create("after", 2).await;
            });
            node.live(&machine, serve_all);
        }
    }
}

/// Every partition of every topic there is takes records.
async fn serve_all(cluster: &Cluster) {
    let image = cluster.shard(0).image();
    for topic in image.topics() {
        for partition in &topic.partitions {
            let shard = cluster.shard(1);
            let done = put(&shard, at(topic.id, partition.id), b"x", Acks::All).await;
            assert!(done.is_ok(), "{}-{}: {done:?}", topic.name, partition.id);
        }
    }
}

#[test]
fn a_caller_that_gives_up_leaves_no_half_command() {
    for seed in 0..12 {
        let machine = machine(8200 + seed);
        let node = Node::of(1 + u16::try_from(seed % 3).unwrap());
        let offset = node.live(&machine, async |cluster| {
            let mut random = Random::new(seed);
            let env = cluster.env();
            for number in 0..20 {
                let shard = cluster.shard(random.index(3));
                let topics = vec![spec(&shard, &format!("t-{number}"), 4)];
                let call = ControllerCall::CreateTopics { topics, validate_only: false };
                let command = Box::pin(shard.control(call));
                let patience = env.sleep(Duration::from_micros(random.below(900)));
                futures_util::future::select(command, Box::pin(patience)).await;
            }
            // The next command meets a log that its image agrees with, and so does a restart.
            cluster.create("last", 1).await;
            serve_all(cluster).await;
            cluster.shard(0).image().offset
        });
        node.live(&machine, async |cluster| {
            assert!(cluster.shard(0).image().offset > offset);
            serve_all(cluster).await;
        });
    }
}

#[test]
fn a_failed_journal_fences_its_shard_and_the_next_start_recovers() {
    for call in [DiskCall::Write, DiskCall::Sync] {
        let machine = machine(83);
        let node = Node::of(2);
        let (clean, acked) = node.live_and_stop(&machine, async |cluster| {
            let id = cluster.create("t", 2).await;
            let shard = cluster.shard(0);
            let mut acked = vec![0; 2];
            let fail = Effect::Fail(Failure::Io);
            let fault = Fault::new("*journal-1-*", call, When::From(10), fail);
            let fault = cluster.control().inject(fault);
            for round in 0..40 {
                for (partition, acked) in (0..).zip(&mut acked) {
                    let text = round.to_string();
                    match put(&shard, at(id, partition), text.as_bytes(), Acks::All).await {
                        Ok(_) => *acked += 1,
                        Err(error) => assert_eq!(error, PartitionError::Log(LogError::Fenced)),
                    }
                }
            }
            assert!(cluster.control().struck(fault) > 0);
            cluster.control().heal_all();
            // A failed write is never retried into success.
            let fenced = put(&shard, at(id, 0), b"x", Acks::Leader).await.is_err();
            assert_ne!(fenced, put(&shard, at(id, 1), b"x", Acks::Leader).await.is_err());
            for partition in 0..2 {
                let found = read_all(&shard, at(id, partition)).await;
                assert!(found.len() >= acked[usize::try_from(partition).unwrap()]);
            }
            acked
        });
        assert!(
            !clean && acked.contains(&40) && acked.iter().any(|count| *count < 40),
            "{acked:?}"
        );
        node.live(&machine, async |cluster| {
            assert!(!cluster.clean);
            for (partition, acked) in (0..).zip(acked.iter()) {
                let found = read_all(&cluster.shard(1), at(cluster.topic("t"), partition)).await;
                assert!(found.len() >= *acked);
            }
            serve_all(cluster).await;
        });
    }
}

#[test]
fn partitions_that_cannot_be_made_are_tried_less_and_less() {
    let machine = machine(85);
    let node = Node::of(1);
    node.live(&machine, async |cluster| {
        let id = cluster.create("t", 2).await;
        put(&cluster.shard(0), at(id, 0), b"lost", Acks::All).await.unwrap();
    });
    for path in machine.list().into_iter().filter(|path| path.starts_with("/data/t-0")) {
        machine.remove(path);
    }
    machine.run(async |env| env.remove_dir(std::path::Path::new("/data/t-0")).await.unwrap());
    machine.settle();
    // A partition that goes on without what it lost gets its directory at once.
    machine.put_file("/data/.tidemill-accept-loss", &[]);
    let fail = Effect::Fail(Failure::Io);
    let fault = Fault::new("*/t-0", DiskCall::CreateDir, When::Always, fail);
    let fault = machine.inject(fault);
    node.live(&machine, async |cluster| {
        let id = cluster.topic("t");
        let shard = cluster.shard(0);
        put(&shard, at(id, 1), b"x", Acks::All).await.unwrap();
        shard.env.sleep(300_000 * MS).await;
        let tries = cluster.control().struck(fault);
        assert!((5..20).contains(&tries), "{tries} times in five minutes");
        cluster.control().heal(fault);
        shard.env.sleep(30_000 * MS).await;
        put(&shard, at(id, 0), b"x", Acks::All).await.unwrap();
    });
}

#[test]
fn a_partition_whose_directory_cannot_be_made_is_fenced_alone() {
    let machine = machine(86);
    let (clean, ()) = Node::of(1).live_and_stop(&machine, async |cluster| {
        let fail = Effect::Fail(Failure::Io);
        let fault = Fault::new("*/t-0", DiskCall::CreateDir, When::Always, fail);
        let fault = cluster.control().inject(fault);
        let id = cluster.create("t", 2).await;
        let shard = cluster.shard(0);
        for partition in 0..2 {
            put(&shard, at(id, partition), b"x", Acks::All).await.unwrap();
        }
        shard.env.sleep(2_000 * MS).await;
        assert_eq!(cluster.control().struck(fault), 1);
        let error = put(&shard, at(id, 0), b"y", Acks::All).await.unwrap_err();
        assert_eq!(error, PartitionError::Log(LogError::Fenced));
        put(&shard, at(id, 1), b"y", Acks::All).await.unwrap();
    });
    assert!(!clean);
    machine.heal_all();
    // What it had is in the journal.
    Node::of(1).live(&machine, async |cluster| {
        assert_eq!(texts(&cluster.shard(0), at(cluster.topic("t"), 0)).await, ["x"]);
        assert_eq!(texts(&cluster.shard(0), at(cluster.topic("t"), 1)).await, ["x", "y"]);
    });
}

#[test]
fn commands_on_a_failed_metadata_log_are_refused() {
    let machine = machine(84);
    let node = Node::of(2);
    let (clean, ()) = node.live_and_stop(&machine, async |cluster| {
        let fail = Effect::Fail(Failure::Io);
        cluster.control().inject(Fault::new("*journal-0-*", DiskCall::Sync, When::Always, fail));
        for _ in 0..3 {
            let answer = create_through(&cluster.shard(1), "t", 1).await.err().unwrap();
            assert!(matches!(answer, ControllerAnswer::Failed(_)), "{answer:?}");
            assert!(cluster.shard(0).image().topic("t").is_none());
        }
    });
    assert!(!clean);
    machine.heal_all();
    node.live(&machine, async |cluster| {
        if cluster.shard(0).image().topic("t").is_none() {
            cluster.create("t", 1).await;
        }
        serve_all(cluster).await;
    });
}
