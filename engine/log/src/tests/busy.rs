//! Much work of one kind beside other work: neither keeps the other out.

use super::*;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;

/// Appends that go straight to the segment, so fast that there are always more of them.
async fn bulk(env: MemoryEnv, partition: Part) {
    let bytes = batch(&mut Random::new(3), 1, 200_000, 5);
    loop {
        let has_room = partition.pending_bytes() < 4 << 20;
        if !has_room || partition.append(&bytes, info(&env, Acks::Leader)).is_err() {
            env.sleep(Duration::from_micros(10)).await;
        }
        env.yield_now().await;
    }
}

#[test]
fn bulk_keeps_no_checkpoint_from_ending() {
    let machine = machine(1);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let config = PartitionConfig { segment_bytes: 64 << 20, ..small() };
        for number in 0..2 {
            log.create_partition(TOPIC, id(number), config).await.expect("created");
        }
        let large = log.partition(id(0)).expect("there");
        env.spawn(engine_io::Queue::Net, bulk(env.clone(), large.clone()));
        let small = log.partition(id(1)).expect("there");
        let bytes = batch(&mut Random::new(4), 1, 100, 5);
        for round in 0..10 {
            let appended = loop {
                match small.append(&bytes, info(&env, Acks::All)) {
                    Ok(appended) => break appended,
                    Err(LogError::Busy) => env.sleep(Duration::from_millis(1)).await,
                    Err(error) => panic!("{error}"),
                }
            };
            appended.ticket.await.expect("safe");
            let end = large.log_end();
            let deadline = env.sleep(Duration::from_secs(5));
            match select(pin!(log.checkpoint()), pin!(deadline)).await {
                Either::Left((result, _)) => result.expect("works"),
                Either::Right(_) => panic!("round {round}: kept out by bulk"),
            }
            let point = large.0.point.get().recovery.offset;
            assert!(point >= end.saturating_sub(130), "{point} {end}: what was there is covered");
        }
    });
}

/// More notes than there is room for: one that waits must not take the place of one that says more.
#[test]
fn a_moved_log_start_is_not_moved_back_by_one_that_waited() {
    const LAST: i32 = 599;
    let machine = machine(3);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let bytes = batch(&mut Random::new(1), 20, 100, 99);
        for number in 0..=LAST {
            let partition =
                log.create_partition(TOPIC, id(number), small()).await.expect("created");
            let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        env.sleep(std::time::Duration::from_secs(10)).await;
        let partitions = log.partitions();
        let moving = partitions.iter().map(|one| one.delete_records_before(5));
        let moving = futures_util::future::join_all(moving.collect::<Vec<_>>());
        let later = async {
            let before = log.0.commit.written.get();
            while log.0.commit.written.get() == before {
                env.yield_now().await;
            }
            let last = log.partition(id(LAST)).expect("there");
            assert_eq!(last.delete_records_before(10).await, Ok(10));
        };
        futures_util::future::join(moving, later).await;
    });
    machine.power_cut();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        assert_eq!(log.partition(id(LAST)).expect("there").log_start(), 10);
        log.close().await.expect("closes");
    });
}
