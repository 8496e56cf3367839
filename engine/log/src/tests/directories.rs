//! Partitions whose directories are not there yet, or not any more.

use super::*;
use engine_io::memory::{DiskCall, Effect, Failure, Fault, When};

/// The points may say a log start that the journal's records lie below and above.
#[test]
fn a_partition_without_a_directory_survives_with_a_moved_log_start() {
    let machine = machine(6);
    let mut random = Random::new(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        for _ in 0..3 {
            let bytes = batch(&mut random, 1, 500, 5);
            let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        assert_eq!(partition.delete_records_before(2).await, Ok(2));
        crate::checkpoint::write_points(&log.0, &[]).await.expect("written");
        assert!(!partition.is_named(), "or the test tests nothing");
    });
    machine.power_cut();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("known from the journal");
        assert_eq!((partition.log_start(), partition.log_end()), (2, 3));
        assert_eq!(read_all(&partition, 2).await.len(), 1);
        assert!(log.damages().is_empty(), "{:?}", log.damages());
        close(&env, &log).await;
    });
}

/// What wanted to save something in it comes too late.
#[test]
fn a_deleted_partition_gets_no_directory() {
    let machine = machine(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        log.delete_partition(id(0)).await.expect("deleted");
        assert_eq!(partition.write_snapshot(0, b"late").await, Err(LogError::Closed));
        assert!(!machine.list().iter().any(|path| path.starts_with("/data/orders-0")));
        log.close().await.expect("closes");
    });
}

/// The journal forgets that a partition was deleted and still knows what it held, because another
/// one's bytes there are needed. Its name is a later topic's then.
#[test]
fn the_last_of_one_name_has_the_directory() {
    let named = |byte: u8| TopicPartition { topic_id: Uuid::from_bytes([byte; 16]), partition: 0 };
    for (old, new) in [(1, 9), (9, 1)] {
        let machine = machine(3);
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            let mut random = Random::new(1);
            let mut append = async |partition: &Partition<MemoryEnv>, bytes| {
                let bytes = batch(&mut random, 1, bytes, 5);
                let appended = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
                appended.ticket.await.expect("safe");
            };
            let bad = log.create_partition("bad", id(0), small()).await.expect("created");
            let other = log.create_partition("other", id(1), small()).await.expect("created");
            let first = log.create_partition(TOPIC, named(old), small()).await.expect("created");
            append(&bad, 500).await;
            append(&first, 500).await;
            let fail = Effect::Fail(Failure::Io);
            machine.inject(Fault::new("*bad-0/*.log", DiskCall::Write, When::Always, fail));
            // The note of the deletion lies in another file of the journal.
            for _ in 0..10 {
                append(&other, 30_000).await;
            }
            log.delete_partition(named(old)).await.expect("deleted");
            for _ in 0..200 {
                append(&other, 30_000).await;
            }
            assert!(bad.is_fenced());
            let second = log.create_partition(TOPIC, named(new), small()).await.expect("created");
            append(&second, 700).await;
            assert!(!second.is_named(), "or the test tests nothing");
        });
        machine.heal_all();
        machine.power_cut();
        machine.run(async |env| {
            let (log, _) = open(&env).await;
            assert!(log.partition(named(old)).is_none());
            let partition = log.partition(named(new)).expect("known from the journal");
            assert_eq!(read_all(&partition, 0).await.len(), 1);
        });
    }
}
