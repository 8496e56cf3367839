//! Files that a hand or a sick disk removed, emptied or damaged after a kill: what was acknowledged
//! is never lost in silence.

use super::*;
use crate::tail::to_u64;

const JOURNAL: &str = "/data/.tidemill-journal-0-0";
const ACCEPT: &str = "/data/.tidemill-accept-loss";
/// Batches that a checkpoint has covered, and those only in the journal.
const COVERED: usize = 10;
const FRESH: usize = 30;

/// A shard with two partitions, killed with acknowledged batches that are in the journal only.
fn killed(seed: u64, acks: Acks) -> (Machine, Vec<Vec<u8>>) {
    let machine = machine(seed);
    let mut random = Random::new(seed);
    let mut sent = Vec::new();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..2 {
            log.create_partition(TOPIC, id(number), small()).await.expect("created");
        }
        for round in 0..COVERED + FRESH {
            let bytes = batch(&mut random, 1, 700, 5);
            let partition = log.partition(id(0)).expect("there");
            let appended = partition.append(&bytes, info(&env, acks)).expect("ok");
            appended.ticket.await.expect("safe");
            sent.push(bytes);
            if round + 1 == COVERED {
                log.checkpoint().await.expect("checkpoint");
            }
        }
    });
    machine.kill();
    (machine, sent)
}

async fn offsets(log: &Log, number: i32) -> Vec<i64> {
    let partition = log.partition(id(number)).expect("there");
    read_all(&partition, 0).await.into_iter().map(|(base, _)| base).collect()
}

fn refusal(machine: &Machine) -> LogError {
    machine.run(async |env| match open_with(&env, config(0, 1)).await {
        Ok(_) => panic!("the start must be refused"),
        Err(error) => error,
    })
}

/// What hands do to a journal.
fn spoil(machine: &Machine, way: usize) -> &'static str {
    let content = machine.file(JOURNAL);
    match way {
        0 => machine.remove(JOURNAL),
        1 => machine.put_file(JOURNAL, &[]),
        2 => machine.put_file(JOURNAL, &vec![0; content.len()]),
        3 => machine.put_file(JOURNAL, &content[..content.len() / 2]),
        _ => {
            let other = super::machine(77);
            other.run(async |env| {
                let (log, _) = open(&env).await;
                log.create_partition(TOPIC, id(0), small()).await.expect("created");
            });
            machine.put_file(JOURNAL, &other.file(JOURNAL));
        }
    }
    ["is missing", "has 0 bytes", "was emptied", "bytes instead of", "is another journal's"][way]
}

#[test]
fn a_journal_that_must_be_there_is_missed() {
    for way in 0..5 {
        for acks in [Acks::Leader, Acks::All] {
            let (machine, _) = killed(1, acks);
            let words = spoil(&machine, way);
            for _ in 0..2 {
                let error = refusal(&machine);
                let LogError::JournalLost { file, what, accept } = &error else {
                    panic!("{error}");
                };
                assert_eq!((file.as_path(), accept.as_path()), (JOURNAL.as_ref(), ACCEPT.as_ref()));
                assert!(what.contains(words), "{what}");
                assert!(error.to_string().contains(JOURNAL) && error.to_string().contains(ACCEPT));
                machine.kill();
            }
            machine.put_file(ACCEPT, &[]);
            machine.run(async |env| {
                let (log, _) = open(&env).await;
                let found = offsets(&log, 0).await;
                assert!(found.iter().copied().eq(0..i64::try_from(found.len()).expect("small")));
                // What was left of the journal that was cut to half is used.
                assert_eq!(found.len() > COVERED, way == 3, "{found:?}");
                assert!(found.len() >= COVERED);
            });
            assert!(!machine.exists(ACCEPT), "it counts once");
            machine.kill();
            machine.run(async |env| close(&env, &open(&env).await.0).await);
        }
    }
}

#[test]
fn a_journal_may_go_after_a_clean_stop() {
    for crash in [false, true] {
        let (machine, sent) = killed(2, Acks::All);
        machine.run(async |env| close(&env, &open(&env).await.0).await);
        machine.remove(JOURNAL);
        if crash {
            let halt = engine_io::memory::Halt::DiskCalls(3);
            machine.run_until(halt, async |env| drop(open(&env).await));
            machine.kill();
        }
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            assert_eq!(offsets(&log, 0).await.len(), sent.len());
            assert!(log.damages().is_empty());
        });
    }
}

/// Positions of the frames in the journal.
fn frame_positions(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).step_by(8).filter(|at| bytes[*at..].starts_with(b"TMJ1")).collect()
}

#[test]
fn damaged_frames_are_told_and_all_others_used() {
    let positions = frame_positions(&killed(3, Acks::All).0.file(JOURNAL));
    assert!(positions.len() >= FRESH);
    // The last one has nobody after it who says that it was on stable media.
    for (at, position) in positions[..positions.len() - 1].iter().enumerate() {
        let (machine, sent) = killed(3, Acks::All);
        machine.flip(JOURNAL, u64::try_from(*position).expect("small") + 100, 1);
        let needed = at >= COVERED;
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let damages = log.damages();
            let expected: Vec<i64> = (0..i64::try_from(sent.len()).expect("small"))
                .filter(|offset| !needed || usize::try_from(*offset) != Ok(at))
                .collect();
            assert_eq!(offsets(&log, 0).await, expected, "frame {at}");
            let journal = damages.iter().find(|one| one.file == Path::new(JOURNAL));
            assert_eq!(journal.is_some(), needed, "frame {at}: {damages:?}");
            if let Some(damage) = journal {
                assert!(damage.what.contains(&format!("{} to {}", at + 1, at + 1)), "{damage:?}");
                assert!(damage.position <= u64::try_from(*position).expect("small"));
            }
            close(&env, &log).await;
        });
        let aside = machine
            .list()
            .into_iter()
            .any(|path| path.ends_with(".tidemill-journal-0-0.2.damaged"));
        assert_eq!(aside, needed);
    }
}

#[test]
fn batches_behind_one_that_was_not_flushed_and_does_not_check_are_kept_aside() {
    let segment = "/data/orders-0/00000000000000000000.log";
    for tail in [false, true] {
        let machine = machine(8);
        let mut random = Random::new(8);
        let sent = machine.run(async |env| {
            let (log, _) = open(&env).await;
            let roomy = PartitionConfig { segment_bytes: 16 << 20, ..small() };
            let partition = log.create_partition(TOPIC, id(0), roomy).await.expect("created");
            let mut sent = Vec::new();
            for _ in 0..4 {
                let bytes = batch(&mut random, 1, 100_000, 5);
                let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
                appended.ticket.await.expect("safe");
                sent.push(bytes);
            }
            sent
        });
        machine.kill();
        let spoiled = if tail { 3 } else { 1 };
        let position: usize = sent[..spoiled].iter().map(Vec::len).sum();
        machine.flip(segment, to_u64(position) + 5000, 1);
        let file = machine.file(segment);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            assert_eq!(offsets(&log, 0).await.len(), spoiled);
        });
        let kept = format!("/data/orders-0/{:020}.{position}.damaged", 0);
        match tail {
            true => assert!(!machine.list().contains(&kept.into())),
            false => assert_eq!(machine.file(&kept), file[position..]),
        }
    }
}

#[test]
fn a_damaged_first_block_is_told_and_nothing_lost() {
    let (machine, sent) = killed(4, Acks::Leader);
    machine.flip(JOURNAL, 20, 1);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert_eq!(offsets(&log, 0).await.len(), sent.len());
        let damages = log.damages();
        assert_eq!((damages.len(), damages[0].file.as_path()), (1, JOURNAL.as_ref()));
    });
}

#[test]
fn frames_that_vanished_from_the_end_are_told() {
    // A checkpoint that failed for one partition says that frames are needed.
    let (machine, _) = killed(5, Acks::All);
    let content = machine.file(JOURNAL);
    let positions = frame_positions(&content);
    let mut zeroed = content[..positions[positions.len() - 9]].to_vec();
    zeroed.resize(content.len(), 0);
    // The last frame alone stays and says what was synced.
    let last = positions[positions.len() - 1];
    zeroed[last..].copy_from_slice(&content[last..]);
    machine.put_file(JOURNAL, &zeroed);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let damage = &log.damages()[0];
        let (first, last) = (COVERED + FRESH - 8, COVERED + FRESH - 1);
        assert!(damage.what.contains(&format!("{first} to {last}")), "{damage:?}");
        let end = log.partition(id(0)).expect("there").log_end();
        assert_eq!(end, i64::try_from(COVERED + FRESH).expect("small"), "no offset twice");
    });
}

#[test]
fn missing_or_damaged_points_are_told_and_nothing_lost() {
    for way in 0..3 {
        let (machine, sent) = killed(6, Acks::All);
        let points = "/data/.tidemill-points-1-0";
        match way {
            0 => machine.remove(points),
            1 => machine.put_file(points, &[]),
            _ => machine.flip(points, 200, 1),
        }
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            assert_eq!(offsets(&log, 0).await.len(), sent.len());
            let damages = log.damages();
            assert_eq!((damages.len(), damages[0].file.as_path()), (1, points.as_ref()));
        });
    }
}
