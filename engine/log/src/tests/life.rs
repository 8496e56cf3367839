//! Longer lives: other shard counts, retention, deletion, moved log starts, producer snapshots.

use super::*;
use crate::frame::{EntryHeader, EntryKind};
use engine_base::checksum::crc32c;
use std::collections::BTreeMap;
use std::time::Duration;

type Sent = BTreeMap<i32, Vec<Vec<u8>>>;

/// Opens all shards of a node in one process, as a node does: all recover, then all go on.
async fn open_node(env: &MemoryEnv, count: u16) -> Vec<Log> {
    let clean = take_clean_marker(env, Path::new(DIR)).await.expect("marker");
    let mut logs = Vec::new();
    for shard in 0..count {
        let mut config = config(shard, count);
        config.clean = clean;
        let owned = |id: TopicPartition| id.owner(count).0 == shard;
        let (log, _) = ShardLog::open(env.clone(), config, owned).await.expect("opens");
        assert!(log.damages().is_empty(), "{:?}", log.damages());
        logs.push(log);
    }
    for log in &logs {
        log.finish_recovery().await.expect("ready");
    }
    logs
}

fn owner(logs: &[Log], number: i32) -> &Log {
    let count = u16::try_from(logs.len()).expect("small");
    &logs[id(number).owner(count).index()]
}

async fn verify(logs: &[Log], sent: &Sent) {
    for (number, sent) in sent {
        let partition = owner(logs, *number).partition(id(*number)).expect("recovered");
        let read = read_all(&partition, 0).await;
        assert_eq!(read.len(), sent.len(), "partition {number}");
        assert!(read.iter().zip(sent).all(|((_, read), sent)| is_same(sent, read)));
    }
}

#[test]
fn shard_counts_change() {
    for seed in 0..20 {
        let machine = machine(seed);
        let mut random = Random::new(seed);
        let mut sent = Sent::new();
        for life in 0..6 {
            let count = 1 + u16::try_from(random.below(4)).expect("small");
            let (sent, random) = (&mut sent, &mut random);
            let ends_clean = random.below(3) == 0;
            machine.run(async |env| {
                let logs = open_node(&env, count).await;
                verify(&logs, sent).await;
                for number in 0..7 {
                    let log = owner(&logs, number);
                    log.create_partition(TOPIC, id(number), small()).await.expect("created");
                }
                for _ in 0..60 {
                    let number = i32::try_from(random.below(7)).expect("small");
                    let partition = owner(&logs, number).partition(id(number)).expect("there");
                    let size = if random.below(10) == 0 { 90_000 } else { 700 };
                    let bytes = batch(random, 1, size, 5);
                    let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
                    appended.ticket.await.expect("safe");
                    sent.entry(number).or_default().push(bytes);
                }
                if ends_clean {
                    for log in &logs {
                        log.close().await.expect("closes");
                    }
                    write_clean_marker(&env, Path::new(DIR), 1).await.expect("marker");
                }
            });
            if life % 2 == 0 {
                machine.kill();
            } else {
                machine.power_cut();
            }
        }
        machine.run(async |env| verify(&open_node(&env, 2).await, &sent).await);
    }
}

#[test]
fn a_crash_between_the_shards_recoveries_loses_nothing() {
    for cut in 1..40 {
        let machine = machine(cut);
        let mut random = Random::new(cut);
        let mut sent = Sent::new();
        machine.run(async |env| {
            let logs = open_node(&env, 2).await;
            for number in 0..4 {
                let log = owner(&logs, number);
                let partition =
                    log.create_partition(TOPIC, id(number), small()).await.expect("created");
                for _ in 0..10 {
                    let bytes = batch(&mut random, 1, 500, 5);
                    let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
                    appended.ticket.await.expect("safe");
                    sent.entry(number).or_default().push(bytes);
                }
            }
        });
        machine.power_cut();
        for round in 0..3 {
            let calls = engine_io::memory::Halt::DiskCalls(cut * 7 + round);
            machine.run_until(calls, async |env| {
                open_node(&env, 3).await;
            });
            machine.power_cut();
        }
        machine.run(async |env| verify(&open_node(&env, 3).await, &sent).await);
    }
}

#[test]
fn retention_removes_whole_segments() {
    let machine = machine(31);
    let mut random = Random::new(1);
    let config = PartitionConfig { retention_ms: 10_000, ..small() };
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), config).await.expect("created");
        let mut bases = Vec::new();
        for number in 0..400 {
            let bytes = batch(&mut random, 1, 4000, 1000 + number * 100);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            bases.push(appended.base_offset);
            appended.ticket.await.expect("safe");
        }
        let before = partition.segment_count();
        assert!(before >= 6);
        assert_eq!(log.apply_retention(10_000).await.expect("applied"), 0);
        let removed = log.apply_retention(1000 + 200 * 100 + 10_000).await.expect("applied");
        assert!(removed >= 2 && removed < before - 1, "{removed} of {before}");
        assert!(partition.log_start() > 0);
        let error = partition.read(from(0)).await.expect_err("gone");
        assert!(matches!(error, LogError::OffsetOutOfRange { .. }));
        let first = partition.log_start();
        assert!(!partition.read(from(first)).await.expect("reads").records.is_empty());
        // By size: what is left may be at most so large, counted in whole segments.
        partition.set_config(PartitionConfig { retention_bytes: 600_000, ..config });
        log.apply_retention(0).await.expect("applied");
        let size = partition.size_bytes();
        assert!((600_000..900_000).contains(&size), "{size}");
        // By age of everything: a fresh segment takes over.
        let end = partition.log_end();
        log.apply_retention(i64::MAX).await.expect("applied");
        assert_eq!((partition.log_start(), partition.log_end()), (end, end));
        let bytes = batch(&mut random, 1, 4000, 99);
        let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
        assert_eq!(appended.base_offset, end);
        appended.ticket.await.expect("safe");
        env.sleep(Duration::from_secs(3)).await;
        close(&env, &log).await;
        let left = machine_files(&env);
        assert_eq!(left.iter().filter(|name| name.ends_with(".log")).count(), 1, "{left:?}");
        assert!(!left.iter().any(|name| name.ends_with(".deleted")));
    });
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        assert_eq!(read_all(&partition, partition.log_start()).await.len(), 1);
    });
}

fn machine_files(env: &MemoryEnv) -> Vec<String> {
    let entries = env.read_dir(Path::new("/data/orders-0")).expect("there");
    entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn deleted_partitions_stay_deleted() {
    let machine = machine(32);
    let mut random = Random::new(1);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let bytes = batch(&mut random, 1, 4000, 99);
        partition.append(&bytes, info(&env, Acks::All)).expect("ok").ticket.await.expect("safe");
        let pending = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
        log.delete_partition(id(0)).await.expect("deleted");
        // Deleted before it was safe, or safe before it was deleted: both are true answers.
        let _either = pending.ticket.await;
        assert_eq!(partition.read(from(0)).await.expect_err("gone"), LogError::Closed);
        let error = partition.append(&bytes, info(&env, Acks::All)).expect_err("gone");
        assert_eq!(error, LogError::Closed);
        // The same name again is another partition, with another id.
        let other = TopicPartition { topic_id: Uuid::from_bytes(*b"fedcba9876543210"), ..id(0) };
        let again = log.create_partition(TOPIC, other, small()).await.expect("created");
        assert_eq!(again.log_end(), 0);
        again.append(&bytes, info(&env, Acks::All)).expect("ok").ticket.await.expect("safe");
    });
    machine.power_cut();
    machine.run(async |env| {
        let (log, recovered) = open(&env).await;
        assert_eq!(recovered.len(), 1);
        assert_eq!(recovered[0].partition.log_end(), 1);
        let names: Vec<String> =
            env.read_dir(Path::new(DIR)).expect("there").into_iter().map(|one| one.name).collect();
        assert!(!names.iter().any(|name| name.ends_with("-delete")), "{names:?}");
        log.close().await.expect("closes");
    });
}

#[test]
fn a_moved_log_start_survives() {
    for cut in 0..20 {
        let machine = machine(cut);
        let mut random = Random::new(1);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
            for _ in 0..20 {
                let bytes = batch(&mut random, 1, 100, 99);
                let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
                appended.ticket.await.expect("safe");
            }
            let error = partition.delete_records_before(21).await.expect_err("beyond the end");
            assert!(matches!(error, LogError::OffsetOutOfRange { .. }));
            assert_eq!(partition.delete_records_before(13).await, Ok(13));
            assert_eq!(partition.delete_records_before(5).await, Ok(13));
            if cut % 2 == 1 {
                log.checkpoint().await.expect("checkpoint");
            }
        });
        machine.power_cut();
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.partition(id(0)).expect("there");
            assert_eq!(partition.log_start(), 13);
            assert_eq!(partition.log_end(), 20, "the note's sync covers what was before it");
            log.close().await.expect("closes");
        });
    }
}

/// Evidence gives way where there is too much of it, what somebody waits for does not.
#[test]
fn a_moved_log_start_is_not_lost_among_other_notes() {
    let machine = machine(3);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        for _ in 0..20 {
            let bytes = batch(&mut Random::new(1), 1, 100, 99);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        let mut moving = std::pin::pin!(partition.delete_records_before(13));
        let begun = std::future::poll_fn(|context| {
            std::task::Poll::Ready(moving.as_mut().poll(context).is_pending())
        });
        assert!(begun.await, "the note is not written yet");
        for number in 1..2000 {
            log.0.commit.note(EntryHeader {
                kind: EntryKind::Durable,
                partition: id(number),
                segment: 0,
                position: 0,
                length: 0,
            });
        }
        assert_eq!(moving.await, Ok(13));
    });
    machine.power_cut();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert_eq!(log.partition(id(0)).expect("there").log_start(), 13);
        log.close().await.expect("closes");
    });
}

fn snapshot_file(content: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 1];
    file.extend_from_slice(&crc32c(content).to_be_bytes());
    file.extend_from_slice(content);
    file
}

#[test]
fn producer_state_can_be_rebuilt() {
    for end in 0..3 {
        let machine = machine(40 + end);
        let mut random = Random::new(1);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
            let mut sequence = 0;
            for number in 0..30 {
                let batch = if number % 2 == 0 {
                    sequence += 1;
                    batch_of(&mut random, 1, 100, 99, producer(7, sequence - 1))
                } else {
                    batch(&mut random, 1, 100, 99)
                };
                let appended = partition.append(&batch, info(&env, Acks::All)).expect("ok");
                appended.ticket.await.expect("safe");
                if number == 9 {
                    let due = log.snapshots_unsaved();
                    assert_eq!(due, [(id(0), 10)]);
                    let file = snapshot_file(b"state at ten");
                    partition.write_snapshot(10, &file).await.expect("written");
                    assert!(log.snapshots_unsaved().is_empty());
                }
                if number == 19 {
                    log.checkpoint().await.expect("checkpoint");
                }
            }
            if end == 0 {
                close(&env, &log).await;
            }
        });
        match end {
            1 => machine.kill(),
            2 => machine.power_cut(),
            _ => {}
        }
        machine.run(async |env| {
            let (log, recovered) = open(&env).await;
            let one = &recovered[0];
            let (offset, file) = one.snapshot.clone().expect("a snapshot");
            assert_eq!((offset, file), (10, snapshot_file(b"state at ten")));
            let offsets: Vec<i64> = one.headers.iter().map(|one| one.base_offset.0).collect();
            assert_eq!(offsets, (10..30).step_by(2).collect::<Vec<i64>>(), "end {end}");
            assert_eq!(log.snapshots_unsaved(), [(id(0), 30)]);
            log.close().await.expect("closes");
        });
    }
}

#[test]
fn recovery_reads_little() {
    let machine = machine(50);
    let mut random = Random::new(1);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let config = PartitionConfig { segment_bytes: 8 << 20, ..small() };
        let partition = log.create_partition(TOPIC, id(0), config).await.expect("created");
        for _ in 0..400 {
            let bytes = batch(&mut random, 1, 200_000, 99);
            partition
                .append(&bytes, info(&env, Acks::Leader))
                .expect("ok")
                .ticket
                .await
                .expect("ok");
        }
    });
    machine.kill();
    machine.run(async |env| {
        let (log, recovered) = open(&env).await;
        assert_eq!(recovered[0].partition.log_end(), 400);
        let scanned = recovered[0].scanned_bytes;
        assert!(scanned < 50 << 20, "{scanned} bytes of {}", recovered[0].partition.size_bytes());
        log.close().await.expect("closes");
    });
}

/// Chunks that cannot go yet, however many and however old, keep no others from going.
#[test]
fn memory_is_found_behind_many_dirty_chunks() {
    let machine = machine(61);
    let mut random = Random::new(1);
    machine.run(async |env| {
        let mut config = config(0, 1);
        config.arena = engine_io::Arena::new(40 << 20);
        config.journal_bytes = 64 << 20;
        let (log, _) = open_with(&env, config).await.expect("opens");
        let bytes = batch(&mut random, 1, 300, 5);
        for number in 0..1500 {
            let partition = log.create_partition(TOPIC, id(number), small()).await;
            let appended = partition.expect("created").append(&bytes, info(&env, Acks::Leader));
            appended.expect("has room").ticket.await.expect("safe");
        }
        let bulk = PartitionConfig::default();
        let bulk = log.create_partition(TOPIC, id(1500), bulk).await.expect("created");
        let bytes = batch(&mut random, 1, 120_000, 5);
        for round in 0..300 {
            let appended = bulk.append(&bytes, info(&env, Acks::Leader));
            let appended = appended.unwrap_or_else(|error| panic!("append {round}: {error}"));
            appended.ticket.await.expect("safe");
        }
        let dirty = |number| log.partition(id(number)).expect("there").needs_checkpoint();
        assert!((0..1500).all(dirty), "or the chunks of the first partitions could have gone");
    });
}

/// Little memory, much pending: appends are refused, none is lost, and room comes back.
#[test]
fn memory_runs_out_and_comes_back() {
    let machine = machine(60);
    let mut random = Random::new(1);
    machine.run(async |env| {
        let mut config = config(0, 1);
        config.arena = engine_io::Arena::new(2 << 20);
        let (log, _) = open_with(&env, config).await.expect("opens");
        let mut sent = Sent::new();
        let mut refused = 0;
        for number in 0..3 {
            log.create_partition(TOPIC, id(number), small()).await.expect("created");
        }
        let mut tickets = Vec::new();
        for round in 0..600 {
            let number = round % 3;
            let size = [300, 9_000, 90_000][random.index(3)];
            let bytes = batch(&mut random, 1, size, 5);
            let partition = log.partition(id(number)).expect("there");
            match partition.append(&bytes, info(&env, Acks::All)) {
                Ok(appended) => {
                    tickets.push(appended.ticket);
                    sent.entry(number).or_default().push(bytes);
                }
                Err(LogError::Busy) => {
                    refused += 1;
                    log.wait_room().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        assert!(refused > 5 && refused < 300, "{refused} refused");
        for ticket in tickets {
            ticket.await.expect("safe");
        }
        verify(std::slice::from_ref(&log), &sent).await;
        close(&env, &log).await;
    });
}

/// A directory as another broker leaves it: Kafka's files, none of ours.
#[test]
fn a_directory_of_another_broker_is_taken_over() {
    for clean in [true, false] {
        let machine = machine(61);
        let mut random = Random::new(1);
        let mut sent = Sent::new();
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
            for _ in 0..500 {
                let bytes = batch(&mut random, 2, 700, 5);
                let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
                appended.ticket.await.expect("safe");
                sent.entry(0).or_default().push(bytes);
            }
            close(&env, &log).await;
        });
        for path in machine.list() {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            if name.starts_with(".tidemill") || (!clean && name == ".kafka_cleanshutdown") {
                machine.remove(&path);
            }
        }
        machine.run(async |env| {
            let (log, recovered) = open(&env).await;
            let (scanned, size) = (recovered[0].scanned_bytes, recovered[0].partition.size_bytes());
            assert_eq!(scanned < 10_000, clean, "{scanned} of {size}");
            verify(std::slice::from_ref(&log), &sent).await;
            let partition = log.partition(id(0)).expect("there");
            let bytes = batch(&mut random, 2, 700, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            assert_eq!(appended.base_offset, 1000);
            appended.ticket.await.expect("safe");
            sent.entry(0).or_default().push(bytes);
            verify(std::slice::from_ref(&log), &sent).await;
            close(&env, &log).await;
        });
        super::files::check_like_dump_log(&machine);
    }
}

#[test]
fn an_emptied_log_keeps_its_offsets() {
    for end in 0..4 {
        let machine = machine(70 + end);
        let mut random = Random::new(1);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
            for _ in 0..5 {
                let bytes = batch(&mut random, 1, 4000, 99);
                let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
                appended.ticket.await.expect("safe");
            }
            log.apply_retention(i64::MAX).await.expect("applied");
            assert_eq!((partition.log_start(), partition.log_end()), (5, 5));
            assert_eq!(partition.size_bytes(), 0);
            log.checkpoint().await.expect("checkpoint");
            match end {
                0 => close(&env, &log).await,
                1 => env.sleep(Duration::from_secs(5)).await,
                _ => {}
            }
        });
        if end == 2 {
            machine.kill();
        } else if end == 3 {
            machine.power_cut();
        }
        machine.run(async |env| {
            let (log, recovered) = open(&env).await;
            let partition = &recovered[0].partition;
            assert_eq!((partition.log_start(), partition.log_end()), (5, 5), "end {end}");
            assert!(log.damages().is_empty());
            let bytes = batch(&mut random, 1, 4000, 99);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            assert_eq!(appended.base_offset, 5);
            appended.ticket.await.expect("safe");
            close(&env, &log).await;
        });
        super::files::check_like_dump_log(&machine);
    }
}
