//! Partitions whose files a hand removed or damaged, after a kill and after a clean stop: they are
//! missed, and never come back empty as if nothing had happened.

use super::*;

const ACCEPT: &str = "/data/.tidemill-accept-loss";
const METADATA: &str = "/data/orders-0/partition.metadata";
const LOG: &str = "/data/orders-0/00000000000000000000.log";
const BATCHES: i64 = 40;

/// How a life ended, and whether a checkpoint covers some of what was appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Clean,
    Kill,
    KillAfterCheckpoint,
}

const ENDS: [End; 3] = [End::Clean, End::Kill, End::KillAfterCheckpoint];

/// Two partitions, of which 0 has records and 1 none.
fn lived(end: End, config: PartitionConfig, size: usize) -> Machine {
    let machine = machine(5);
    let mut random = Random::new(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..2 {
            log.create_partition(TOPIC, id(number), config).await.expect("created");
        }
        for round in 0..BATCHES {
            let partition = log.partition(id(0)).expect("there");
            let bytes = batch(&mut random, 1, size, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
            if end == End::KillAfterCheckpoint && round == BATCHES / 2 {
                log.checkpoint().await.expect("checkpoint");
            }
        }
        if end == End::Clean {
            close(&env, &log).await;
        }
    });
    machine.kill();
    machine
}

fn remove_below(machine: &Machine, dir: &str) {
    for path in machine.list().into_iter().filter(|path| path.starts_with(dir)) {
        machine.remove(path);
    }
    let dir = Path::new(dir).to_path_buf();
    machine.run(async |env| env.remove_dir(&dir).await.expect("empty"));
    machine.settle();
}

/// The error that says that partition 0 is offline; partition 1 must serve.
fn offline(machine: &Machine) -> String {
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert!(log.partition(id(0)).is_none());
        let error = log.create_partition(TOPIC, id(0), small()).await.expect_err("not made anew");
        assert!(matches!(error, LogError::Offline { .. }), "{error}");
        let other = log.create_partition(TOPIC, id(1), small()).await.expect("healthy");
        let bytes = batch(&mut Random::new(1), 1, 100, 5);
        let appended = other.append(&bytes, info(&env, Acks::All)).expect("ok");
        appended.ticket.await.expect("safe");
        close(&env, &log).await;
        error.to_string()
    })
}

/// The operator agrees: the partition goes on, empty, at the offset it had.
fn accept(machine: &Machine, end: i64) {
    machine.put_file(ACCEPT, &[]);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("agreed");
        assert_eq!((partition.log_start(), partition.log_end()), (end, end));
        close(&env, &log).await;
    });
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        assert_eq!((partition.log_start(), partition.log_end()), (end, end));
        close(&env, &log).await;
    });
}

#[test]
fn a_partition_whose_directory_is_gone_is_offline() {
    for end in ENDS {
        let machine = lived(end, small(), 500);
        remove_below(&machine, "/data/orders-0");
        for _ in 0..2 {
            let text = offline(&machine);
            assert!(text.contains("/data/orders-0"), "{text}");
            assert!(
                text.contains(&format!("0 to {BATCHES}")) && text.contains(ACCEPT_NAME),
                "{text}"
            );
        }
        let aside = machine.list().iter().any(|path| path.to_string_lossy().ends_with(".damaged"));
        assert_eq!(aside, end != End::Clean, "what the journal holds of it is kept");
        accept(&machine, BATCHES);
    }
}

const ACCEPT_NAME: &str = ".tidemill-accept-loss";

#[test]
fn a_partition_without_any_segment_left_is_offline() {
    for way in 0..2 {
        let machine = lived(End::Clean, small(), 500);
        if way == 0 {
            machine.remove(LOG);
        } else {
            machine.put_file(LOG, &[]);
        }
        for _ in 0..2 {
            let text = offline(&machine);
            assert!(text.contains(ACCEPT_NAME), "{text}");
        }
        accept(&machine, BATCHES);
    }
}

#[test]
fn a_put_back_partition_serves_again() {
    let machine = lived(End::Clean, small(), 500);
    let content = machine.file(LOG);
    machine.remove(LOG);
    offline(&machine);
    machine.put_file(LOG, &content);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        assert_eq!(read_all(&partition, 0).await.len(), 40);
    });
}

#[test]
fn a_log_that_lost_its_file_keeps_what_the_journal_has() {
    for way in 0..3 {
        let machine = lived(End::KillAfterCheckpoint, small(), 500);
        let content = machine.file(LOG);
        match way {
            0 => machine.remove(LOG),
            1 => machine.put_file(LOG, &[]),
            _ => machine.put_file(LOG, &content[..2000]),
        }
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.partition(id(0)).expect("there");
            let read = read_all(&partition, 0).await;
            let offsets: Vec<i64> = read.iter().map(|(base, _)| *base).collect();
            let mut expected: Vec<i64> = (BATCHES / 2 + 1..BATCHES).collect();
            if way == 2 {
                expected.splice(0..0, 0..3);
            }
            assert_eq!(offsets, expected, "way {way}");
            let damages = log.damages();
            assert!(damages.iter().any(|one| one.file == Path::new(LOG)), "{damages:?}");
            close(&env, &log).await;
        });
        super::files::check_like_dump_log(&machine);
    }
}

#[test]
fn missing_segments_are_told() {
    for end in ENDS {
        for which in 0..3 {
            let machine = lived(end, small(), 30_000);
            let logs: Vec<_> = machine
                .list()
                .into_iter()
                .filter(|path| path.extension().is_some_and(|one| one == "log"))
                .filter(|path| path.starts_with("/data/orders-0"))
                .collect();
            assert!(logs.len() >= 4, "{logs:?}");
            machine.remove(&logs[which]);
            machine.run(async |env| {
                let (log, _) = open(&env).await;
                let damages = log.damages();
                let told = damages.iter().find(|one| one.file == logs[which]);
                // Without a point only what the journal says of it is known.
                assert!(told.is_some() || end == End::Kill, "{end:?} {which}: {damages:?}");
                if let Some(damage) = told {
                    let known = damage.what.contains("are lost");
                    let noted = damage.what.contains("were on stable media");
                    assert!(known || (noted && end == End::Kill), "{damage:?}");
                    close(&env, &log).await;
                }
            });
        }
    }
}

#[test]
fn retention_cut_short_by_a_crash_is_no_loss() {
    for cut in 0..12 {
        let machine = lived(End::KillAfterCheckpoint, small(), 30_000);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.partition(id(0)).expect("there");
            partition.set_config(PartitionConfig { file_delete_delay_ms: 0, ..small() });
            log.apply_retention(i64::MAX).await.expect("applied");
            assert_eq!(partition.log_start(), BATCHES);
            env.sleep(std::time::Duration::from_millis(cut * 600)).await;
        });
        if cut % 2 == 0 {
            machine.kill();
        } else {
            machine.power_cut();
        }
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.partition(id(0)).expect("there");
            assert!(log.damages().is_empty(), "{cut}: {:?}", log.damages());
            assert_eq!(partition.log_end(), BATCHES);
            close(&env, &log).await;
        });
    }
}

#[test]
fn a_partition_without_a_topic_id_is_offline() {
    for end in ENDS {
        for way in 0..3 {
            let machine = lived(end, small(), 500);
            let good = machine.file(METADATA);
            match way {
                0 => machine.remove(METADATA),
                1 => machine.put_file(METADATA, b"version: 0\ntopic_id: ???"),
                _ => machine.put_file(METADATA, b"version: 0\ntopic_id: ZmVkY2JhOTg3NjU0MzIxMA"),
            }
            let text = offline(&machine);
            assert!(text.contains("orders-0"), "{text}");
            let own = format!("topic_id: {}", topic_id());
            let words = [own.as_str(), own.as_str(), "ZmVkY2JhOTg3NjU0MzIxMA"][way];
            assert!(text.contains(words), "{text}");
            if end == End::Clean {
                machine.put_file(METADATA, &good);
                machine.run(async |env| {
                    let (log, _) = open(&env).await;
                    let partition = log.partition(id(0)).expect("there");
                    assert_eq!(read_all(&partition, 0).await.len(), 40);
                });
            }
        }
    }
}

#[test]
fn a_partition_that_never_held_anything_is_made_again() {
    for end in ENDS {
        for way in 0..3 {
            let machine = lived(end, small(), 500);
            let is_there = machine.list().iter().any(|path| path.starts_with("/data/orders-1"));
            assert!(!is_there, "what is empty has no directory");
            // What is left of a making cut short.
            if way > 0 {
                machine.put_file("/data/orders-1/partition.metadata", &[]);
            }
            if way > 1 {
                machine.put_file("/data/orders-1/00000000000000000000.log", &[]);
            }
            machine.run(async |env| {
                let (log, _) = open(&env).await;
                let partition = log.create_partition(TOPIC, id(1), small()).await.expect("made");
                assert_eq!((partition.log_start(), partition.log_end()), (0, 0));
                assert_eq!(log.partition(id(0)).expect("there").log_end(), BATCHES);
                close(&env, &log).await;
            });
        }
    }
}

/// One partition with a few records that were answered just now, before it has a directory.
fn young() -> (Machine, Vec<Vec<u8>>) {
    let machine = machine(6);
    let mut random = Random::new(5);
    let mut sent = Vec::new();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        for _ in 0..3 {
            let bytes = batch(&mut random, 1, 500, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
            sent.push(bytes);
        }
        assert!(!partition.is_named(), "or the test tests nothing");
    });
    (machine, sent)
}

#[test]
fn a_partition_without_a_directory_survives_by_the_journal() {
    for power in [false, true] {
        let (machine, sent) = young();
        if power {
            machine.power_cut();
        } else {
            machine.kill();
        }
        for life in 0..3 {
            machine.run(async |env| {
                let (log, _) = open(&env).await;
                let partition = log.partition(id(0)).expect("known from the journal");
                assert_eq!(partition.is_remade(), life == 0);
                let read = read_all(&partition, 0).await;
                assert_eq!(read.len(), sent.len());
                assert!(read.iter().zip(&sent).all(|((_, read), sent)| is_same(sent, read)));
                assert!(log.damages().is_empty(), "{:?}", log.damages());
            });
            machine.power_cut();
        }
    }
}

#[test]
fn a_deleted_partition_is_not_made_again_by_the_journal() {
    let machine = machine(7);
    let mut random = Random::new(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..2 {
            let partition =
                log.create_partition(TOPIC, id(number), small()).await.expect("created");
            let bytes = batch(&mut random, 1, 500, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        log.delete_partition(id(0)).await.expect("deleted");
    });
    machine.power_cut();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert!(log.partition(id(0)).is_none());
        assert!(!machine.list().iter().any(|path| path.starts_with("/data/orders-0")));
        assert_eq!(log.partition(id(1)).expect("there").log_end(), 1);
        // Another topic may have its name now.
        let other = TopicPartition { topic_id: Uuid::from_bytes([7; 16]), partition: 0 };
        let partition = log.create_partition(TOPIC, other, small()).await.expect("created");
        let bytes = batch(&mut random, 1, 500, 5);
        let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
        appended.ticket.await.expect("safe");
        log.close().await.expect("closes");
    });
}

#[test]
fn what_nobody_wants_is_forgotten() {
    let machine = lived(End::Clean, small(), 500);
    remove_below(&machine, "/data/orders-0");
    offline(&machine);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        log.forget_lost(|lost| lost == id(0));
        close(&env, &log).await;
    });
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        log.create_partition(TOPIC, id(0), small()).await.expect("nothing is known of it");
    });
}
