//! Disks that fail: nothing is acknowledged that is not safe, what failed stays fenced, a full disk
//! is told and left again, damage is reported and never served.

use super::*;
use engine_io::memory::{DiskCall, Effect, Failure, Fault, When};
use std::time::Duration;

const JOURNAL: &str = "/data/.tidemill-journal-*";

/// Appends `count` batches to each of two partitions and returns those that were confirmed.
async fn work(
    env: &MemoryEnv,
    log: &Log,
    random: &mut Random,
    count: usize,
    size: usize,
) -> Outcome {
    let mut outcome = Outcome::default();
    for round in 0..count {
        for number in 0..2 {
            let partition = log.partition(id(number)).expect("there");
            let bytes = batch(random, 1, size, 5);
            let acks = if round % 3 == 0 { Acks::Leader } else { Acks::All };
            let at = usize::try_from(number).expect("small");
            match partition.append(&bytes, info(env, acks)) {
                Ok(appended) => {
                    outcome.sent[at].push(bytes);
                    match appended.ticket.await {
                        Ok(()) if acks == Acks::All => {
                            outcome.confirmed[at] = outcome.sent[at].len()
                        }
                        Ok(()) => {}
                        Err(error) => outcome.errors.push((number, error)),
                    }
                }
                Err(error) => outcome.errors.push((number, error)),
            }
        }
    }
    outcome
}

#[derive(Default)]
struct Outcome {
    sent: [Vec<Vec<u8>>; 2],
    /// How many of `sent` must be there after a power cut.
    confirmed: [usize; 2],
    errors: Vec<(i32, LogError)>,
}

async fn create(log: &Log) {
    for number in 0..2 {
        log.create_partition(TOPIC, id(number), small()).await.expect("created");
    }
}

/// After a power cut and a healed disk everything confirmed is there.
fn check_after(machine: &Machine, outcome: &Outcome) {
    machine.heal_all();
    machine.power_cut();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..2 {
            let at = usize::try_from(number).expect("small");
            let Some(partition) = log.partition(id(number)) else {
                assert_eq!(outcome.confirmed[at], 0);
                continue;
            };
            let read = read_all(&partition, 0).await;
            assert!(read.len() >= outcome.confirmed[at], "{} lost", outcome.confirmed[at]);
            assert!(read.len() <= outcome.sent[at].len());
            assert!(
                read.iter().zip(&outcome.sent[at]).all(|((_, read), sent)| is_same(sent, read))
            );
        }
        log.close().await.expect("closes");
    });
}

fn check_fault(fault: Fault, size: usize, fences_shard: bool) {
    let machine = machine(9);
    let mut random = Random::new(2);
    let outcome = machine.run(async |env| {
        let (log, _) = open(&env).await;
        create(&log).await;
        let id = machine.inject(fault.clone());
        let outcome = work(&env, &log, &mut random, 40, size).await;
        assert!(machine.struck(id) > 0, "the fault struck");
        machine.heal_all();
        // Healing the disk does not heal the log.
        let late = work(&env, &log, &mut random, 2, size).await;
        let fenced = late.errors.iter().filter(|(_, error)| *error == LogError::Fenced).count();
        assert_eq!(fenced, if fences_shard { 4 } else { 2 }, "{:?}", late.errors);
        assert_eq!(log.is_fenced(), fences_shard);
        assert!(log.close().await.is_err(), "no clean stop");
        outcome
    });
    assert!(!outcome.errors.is_empty());
    check_after_with(&machine, &outcome, !fences_shard);
}

fn check_after_with(machine: &Machine, outcome: &Outcome, one_goes_on: bool) {
    if one_goes_on {
        // The partition that went on has more than `outcome` knows of.
        machine.heal_all();
        machine.power_cut();
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            for number in 0..2 {
                let at = usize::try_from(number).expect("small");
                let read = read_all(&log.partition(id(number)).expect("there"), 0).await;
                assert!(read.len() >= outcome.confirmed[at]);
            }
            log.close().await.expect("closes");
        });
        return;
    }
    check_after(machine, outcome);
}

#[test]
fn a_failed_journal_fences_the_shard() {
    for call in [DiskCall::Write, DiskCall::Sync] {
        for nth in [1, 7] {
            let fault = Fault::new(JOURNAL, call, When::Nth(nth), Effect::Fail(Failure::Io));
            check_fault(fault, 500, true);
        }
    }
}

#[test]
fn a_failed_segment_fences_its_partition_only() {
    for call in [DiskCall::Write, DiskCall::Sync, DiskCall::Allocate] {
        let when = if call == DiskCall::Allocate { 1 } else { 2 };
        let path = "/data/orders-0/*.log";
        let fault = Fault::new(path, call, When::Nth(when), Effect::Fail(Failure::Io));
        check_fault(fault, 70_000, false);
    }
}

/// The points come before a large first append, the directory with it.
#[test]
fn a_large_first_append_on_a_full_disk_is_told() {
    for path in ["/data/.tidemill-points*", "/data/orders-0*"] {
        let machine = machine(9);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
            let (call, effect) = (None, Effect::Fail(Failure::NoSpace));
            machine.inject(Fault { path: path.to_owned(), call, when: When::Always, effect });
            let bytes = batch(&mut Random::new(1), 1, 70_000, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            // A task of its own: who is polled for another reason sees the state too.
            let told = std::rc::Rc::new(std::cell::Cell::new(None));
            let seen = told.clone();
            env.spawn(engine_io::Queue::Net, async move { seen.set(Some(appended.ticket.await)) });
            env.sleep(Duration::from_secs(1)).await;
            assert_eq!(told.take(), Some(Err(LogError::NoSpace)), "{path}");
        });
    }
}

/// Every call fails once, one after the other, until the work is done before its turn comes.
#[test]
fn each_call_may_fail() {
    for (call, size) in [
        (DiskCall::Write, 500),
        (DiskCall::Write, 70_000),
        (DiskCall::Sync, 500),
        (DiskCall::Sync, 70_000),
        (DiskCall::SyncDir, 70_000),
        (DiskCall::Allocate, 70_000),
        (DiskCall::SetLen, 70_000),
        (DiskCall::Open, 70_000),
        (DiskCall::Rename, 70_000),
    ] {
        for nth in 1..200 {
            let machine = machine(nth);
            let mut random = Random::new(nth);
            let (outcome, struck) = machine.run(async |env| {
                let (log, _) = open(&env).await;
                create(&log).await;
                let fault = machine.inject(Fault::new(
                    "/data/*",
                    call,
                    When::Nth(nth),
                    Effect::Fail(Failure::Io),
                ));
                let outcome = work(&env, &log, &mut random, 8, size).await;
                let _told = log.checkpoint().await;
                env.sleep(Duration::from_secs(1)).await;
                // May fail, but must end.
                let _told = log.close().await;
                (outcome, machine.struck(fault))
            });
            check_after(&machine, &outcome);
            if struck == 0 {
                assert!(nth > 1, "{call:?} was never called");
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_is_told_and_left_again() {
    for size in [500, 70_000] {
        let machine = machine(11);
        let mut random = Random::new(2);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            create(&log).await;
            let before = work(&env, &log, &mut random, 5, size).await;
            assert!(before.errors.is_empty());
            machine.set_capacity(0);
            let full = work(&env, &log, &mut random, 3000, size).await;
            assert!(full.errors.iter().all(|(_, error)| *error == LogError::NoSpace));
            assert!(!full.errors.is_empty(), "the disk filled up");
            let partition = log.partition(id(0)).expect("there");
            let read = read_all(&partition, 0).await;
            assert!(read.iter().zip(&before.sent[0]).all(|((_, read), sent)| is_same(sent, read)));
            machine.set_capacity(1 << 40);
            env.sleep(Duration::from_secs(3)).await;
            let after = work(&env, &log, &mut random, 5, size).await;
            assert!(after.errors.is_empty(), "{:?}", after.errors);
            close(&env, &log).await;
        });
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            read_all(&log.partition(id(0)).expect("there"), 0).await;
            log.close().await.expect("closes");
        });
    }
}

/// Who still has room in its file waits for the journal, which waits for who has none.
#[test]
fn a_full_disk_is_told_to_partitions_that_have_room() {
    let machine = machine(13);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let mut random = Random::new(3);
        for index in 0..2 {
            let config = crate::config::PartitionConfig::default();
            let created = log.create_partition(TOPIC, id(index), config).await;
            let partition = created.expect("created");
            let bytes = batch(&mut random, 1, 900_000, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        log.checkpoint().await.expect("checkpoint");
        machine.set_capacity(0);
        let full = log.partition(id(0)).expect("there");
        let roomy = log.partition(id(1)).expect("there");
        let mut error = None;
        for round in 0..20_000 {
            let partition = if round % 50 == 0 { &roomy } else { &full };
            let bytes = batch(&mut random, 1, 2_000, 5);
            let told = match partition.append(&bytes, info(&env, Acks::Leader)) {
                Err(error) => Err(error),
                Ok(appended) => {
                    let mut late = std::pin::pin!(env.sleep(Duration::from_secs(20)));
                    match futures_util::future::select(appended.ticket, late.as_mut()).await {
                        futures_util::future::Either::Left((told, _)) => told,
                        _ => panic!("append {round} is never answered"),
                    }
                }
            };
            if told.is_err() && partition.id() == id(1) {
                error = told.err();
                break;
            }
        }
        assert_eq!(error, Some(LogError::NoSpace));
        let late = std::pin::pin!(env.sleep(Duration::from_secs(60)));
        let closing = std::pin::pin!(log.close());
        let closed = futures_util::future::select(closing, late).await;
        assert!(matches!(closed, futures_util::future::Either::Left((Err(_), _))), "it stops");
    });
}

/// Batches with acks=all go straight to the segment; then one byte of an early one goes bad.
fn rot(checkpoint: bool) -> (Machine, Vec<Vec<u8>>) {
    let machine = machine(12);
    let mut random = Random::new(2);
    let mut sent = Vec::new();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        create(&log).await;
        let partition = log.partition(id(0)).expect("there");
        for size in [70_000, 71_000, 72_000, 300, 400] {
            let bytes = batch(&mut random, 1, size, 5);
            partition
                .append(&bytes, info(&env, Acks::All))
                .expect("ok")
                .ticket
                .await
                .expect("safe");
            sent.push(bytes);
        }
        if checkpoint {
            log.checkpoint().await.expect("checkpoint");
        }
    });
    machine.kill();
    machine.flip("/data/orders-0/00000000000000000000.log", 100_000, 4);
    (machine, sent)
}

#[test]
fn bit_rot_found_at_start_is_reported_and_the_rest_is_saved() {
    let (machine, sent) = rot(false);
    for _ in 0..2 {
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let partition = log.partition(id(0)).expect("there");
            let read = read_all(&partition, 0).await;
            let offsets: Vec<i64> = read.iter().map(|(base, _)| *base).collect();
            assert_eq!(offsets, [0, 2, 3, 4], "only the damaged batch is missing");
            for (base, bytes) in read {
                assert!(is_same(&sent[usize::try_from(base).expect("small")], &bytes));
            }
            assert_eq!(partition.log_end(), 5);
        });
        machine.kill();
    }
    let kept = machine.list().into_iter().find(|path| path.to_string_lossy().contains("damaged"));
    let kept = machine.file(kept.expect("the bad bytes are kept"));
    assert!(kept.len() >= sent[1].len());
}

#[test]
fn bit_rot_below_the_recovery_point_is_never_served() {
    let (machine, sent) = rot(true);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert!(log.damages().is_empty(), "not read at start");
        let partition = log.partition(id(0)).expect("there");
        let first = partition.read(ReadRequest { max_bytes: 1, ..from(0) }).await.expect("good");
        assert!(is_same(&sent[0], &concat(&first.records)));
        let error = partition.read(from(1)).await.expect_err("damaged");
        assert!(matches!(error, LogError::Damaged { position, .. } if position > 70_000));
        let last = partition.read(from(2)).await.expect("good");
        assert!(concat(&last.records).len() > 72_000);
        log.close().await.expect("closes");
    });
}

#[test]
fn rot_in_the_journal_is_reported() {
    let machine = machine(13);
    let mut random = Random::new(2);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        create(&log).await;
        let outcome = work(&env, &log, &mut random, 10, 300).await;
        assert!(outcome.errors.is_empty());
    });
    machine.power_cut();
    machine.flip("/data/.tidemill-journal-0-0", 4096 + 200, 1);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let damages = log.damages();
        assert!(damages[0].file.ends_with(".tidemill-journal-0-0"), "{damages:?}");
        log.close().await.expect("closes");
    });
}
