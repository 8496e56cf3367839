//! Partitions whose directories are not there yet, or not any more.

use super::*;

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
