//! Journal frames in what clients send, in journals left by stops of all kinds.

use super::*;
use crate::frame::{EntryHeader, EntryKind, FrameHeader, Generation};

const JOURNAL: &str = "/data/.tidemill-journal-0-";

/// A frame that would put bytes to the front of partition 1, `turns` ahead of all real ones.
fn forged(run: u32) -> Vec<u8> {
    let mut body = Vec::new();
    let length = 100;
    let partition = id(1);
    let kind = EntryKind::Data;
    EntryHeader { kind, partition, segment: 0, position: 0, length }.encode(&mut body);
    body.extend_from_slice(&[7; 100]);
    body.resize(body.len().next_multiple_of(8), 0);
    let header = FrameHeader {
        generation: Generation { run, turn: 1_000_000 },
        sequence: 1_000_000,
        synced_sequence: 1_000_000,
        body_bytes: 148,
        entry_count: 1,
        shard: 0,
        shard_count: 1,
        id: 0,
    };
    let mut bytes = header.encode(std::iter::once(&body[..148])).to_vec();
    bytes.extend_from_slice(&body);
    bytes
}

/// One record full of forged frames, at least one of which lies where a frame may begin.
fn poisoned(run: u32) -> Vec<u8> {
    let mut value = Vec::new();
    while value.len() < 20_000 {
        value.extend_from_slice(&forged(run));
        value.push(0);
    }
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(1000, None, Some(&value), &[]);
    builder.finish()
}

async fn append(env: &MemoryEnv, log: &Log, number: i32, bytes: &[u8]) {
    let partition = log.partition(id(number)).expect("there");
    let appended = loop {
        match partition.append(bytes, info(env, Acks::All)) {
            Ok(appended) => break appended,
            Err(LogError::Busy) => log.wait_room().await,
            Err(error) => panic!("{error}"),
        }
    };
    appended.ticket.await.expect("safe");
}

#[test]
fn records_that_look_like_frames_are_none() {
    for (cut, run) in (0..6).flat_map(|cut| [(cut, 1), (cut, 2), (cut, u32::MAX)]) {
        let machine = machine(9);
        let mut random = Random::new(9);
        let mut sent = Vec::new();
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            for number in 0..2 {
                log.create_partition(TOPIC, id(number), small()).await.expect("created");
            }
            for round in 0..60 {
                append(&env, &log, 0, &poisoned(run)).await;
                if round % 10 == 0 {
                    log.checkpoint().await.expect("checkpoint");
                }
            }
            log.checkpoint().await.expect("checkpoint");
            // Small frames over the large ones.
            for round in 0..70 + cut {
                let bytes = batch(&mut random, 1, 100, 5);
                append(&env, &log, 1, &bytes).await;
                sent.push(bytes);
                if round % 10 == 0 {
                    log.checkpoint().await.expect("checkpoint");
                }
            }
        });
        machine.kill();
        for _ in 0..2 {
            machine.run(async |env| {
                let (log, _) = open(&env).await;
                assert!(log.damages().is_empty(), "{:?}", log.damages());
                let read = read_all(&log.partition(id(1)).expect("there"), 0).await;
                assert_eq!(read.len(), sent.len(), "cut {cut}, run {run}");
                for ((_, bytes), sent) in read.iter().zip(&sent) {
                    assert!(is_same(sent, bytes));
                }
            });
            machine.kill();
        }
    }
}

#[test]
fn frames_that_nothing_vouches_for_are_told() {
    let machine = machine(9);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        log.create_partition(TOPIC, id(0), small()).await.expect("created");
        append(&env, &log, 0, &batch(&mut Random::new(1), 1, 100, 5)).await;
    });
    machine.kill();
    machine.flip(format!("{JOURNAL}0"), 20, 1);
    for path in machine.list() {
        let name = path.to_string_lossy().into_owned();
        if name.contains("points") || (name.starts_with(JOURNAL) && !name.ends_with("-0-0")) {
            machine.remove(path);
        }
    }
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let damages = log.damages();
        let told = damages.iter().find(|damage| damage.what.contains("whose frames"));
        assert!(told.is_some_and(|one| one.file == Path::new(&format!("{JOURNAL}0"))));
    });
}

/// The last process stopped and died before it could say so.
#[test]
fn a_stop_without_its_marker_finds_no_damage() {
    let machine = machine(9);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        log.create_partition(TOPIC, id(0), small()).await.expect("created");
        for round in 0..200 {
            append(&env, &log, 0, &batch(&mut Random::new(round), 1, 1000, 5)).await;
            if round % 10 == 0 {
                log.checkpoint().await.expect("checkpoint");
            }
        }
        log.close().await.expect("closes");
    });
    machine.kill();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert!(log.damages().is_empty(), "{:?}", log.damages());
        assert_eq!(log.partition(id(0)).expect("there").log_end(), 200);
        close(&env, &log).await;
    });
    assert!(machine.list().iter().all(|path| !path.to_string_lossy().ends_with(".damaged")));
}

/// All our files went, after a kill or a clean stop.
#[test]
fn a_log_without_any_of_our_files_is_told() {
    for clean in [false, true] {
        let machine = machine(9);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            log.create_partition(TOPIC, id(0), small()).await.expect("created");
            append(&env, &log, 0, &batch(&mut Random::new(1), 1, 1000, 5)).await;
            log.checkpoint().await.expect("checkpoint");
            if clean {
                close(&env, &log).await;
            }
        });
        machine.kill();
        for path in machine.list() {
            if path.to_string_lossy().starts_with("/data/.tidemill-") {
                machine.remove(path);
            }
        }
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let told = log.damages().iter().any(|one| one.what.contains("nothing vouches"));
            assert_eq!(told, !clean, "{:?}", log.damages());
            assert_eq!(log.partition(id(0)).expect("there").log_end(), 1);
        });
    }
}

/// Each shard keeps what it needs of all journals, not all of them.
#[test]
fn only_owned_entries_stay_in_memory() {
    use crate::contents::{list, read_points, relevant_journals};
    use crate::replay::{Replay, Request};
    let machine = machine(9);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..2 {
            log.create_partition(TOPIC, id(number), small()).await.expect("created");
        }
        for round in 0..30 {
            let bytes = batch(&mut Random::new(round), 1, 3000, 5);
            append(&env, &log, i32::from(round % 10 == 0), &bytes).await;
        }
    });
    machine.kill();
    machine.run(async |env| {
        let config = config(1, 2);
        let contents = list(&env, &config).expect("listed");
        let points = read_points(&env, &config, &contents).await;
        let journals = relevant_journals(&config, &contents);
        let dir = &config.dir;
        let owned = |one: TopicPartition| one.partition == 1;
        let request =
            Request { dir, journals: &journals, points: &points, only: None, owned: &owned };
        let replay = Replay::read(&env, &request).await.expect("read");
        assert!(replay.partitions.keys().eq([&id(1)]));
        let redo = &replay.partitions[&id(1)].redo;
        assert_eq!(redo.len(), 3);
        assert!(redo.iter().all(|one| Batches::new(replay.bytes(one)).flatten().count() == 1));
        assert!(replay.kept_bytes() < 3 * 3300, "{}", replay.kept_bytes());
    });
}
