//! Appending and reading on a machine that behaves.

use super::*;
use engine_record::TimestampType;
use std::time::Duration;

/// Appends, reads everything by several sizes, from memory and from disk, before and after restarts
/// of both kinds.
fn check_round_trip(partitions: i32, batches: usize, sizes: &[usize], config_of: PartitionConfig) {
    let machine = machine(7);
    let mut random = Random::new(99);
    let mut sent: Vec<Vec<Vec<u8>>> = vec![Vec::new(); usize::try_from(partitions).expect("small")];
    machine.run(async |env| {
        let (log, recovered) = open(&env).await;
        assert!(recovered.is_empty());
        for number in 0..partitions {
            log.create_partition(TOPIC, id(number), config_of).await.expect("created");
        }
        for round in 0..batches {
            for number in 0..partitions {
                let size = sizes[random.index(sizes.len())];
                let time = 1_000_000 + i64::try_from(round).expect("small") * 10;
                let count = 1 + random.index(4);
                let bytes = batch(&mut random, count, size, time);
                let partition = log.partition(id(number)).expect("there");
                let acks = if random.coin() { Acks::All } else { Acks::Leader };
                let appended = partition.append(&bytes, info(&env, acks)).expect("appended");
                appended.ticket.await.expect("safe");
                assert!(partition.high_watermark() > appended.last_offset);
                sent[usize::try_from(number).expect("small")].push(bytes);
            }
        }
        verify(&log, &sent).await;
        log.checkpoint().await.expect("checkpoint");
        verify(&log, &sent).await;
        close(&env, &log).await;
    });
    for step in 0..3 {
        let sent = &sent;
        machine.run(async |env| {
            let (log, recovered) = open(&env).await;
            assert_eq!(recovered.len(), sent.len());
            let scanned: u64 = recovered.iter().map(|one| one.scanned_bytes).sum();
            assert_eq!(scanned, 0, "after a clean stop or a checkpoint nothing is read");
            assert!(log.damages().is_empty());
            verify(&log, sent).await;
            if step == 0 {
                close(&env, &log).await;
            }
        });
        match step {
            1 => machine.kill(),
            _ => machine.power_cut(),
        }
    }
}

async fn verify(log: &Log, sent: &[Vec<Vec<u8>>]) {
    for (number, sent) in (0..).zip(sent) {
        let partition = log.partition(id(number)).expect("there");
        for max_bytes in [1, 5_000, 100_000, 1 << 30] {
            let read = read_with(&partition, 0, max_bytes).await.expect("reads");
            assert_eq!(read.len(), sent.len());
            let mut next = 0;
            for ((base, read), sent) in read.iter().zip(sent) {
                assert_eq!(*base, next);
                assert!(is_same(sent, read));
                next += records_in(sent);
            }
            assert_eq!(next, partition.log_end());
        }
    }
}

#[test]
fn small_appends_come_back() {
    check_round_trip(1, 300, &[10, 100, 1000], PartitionConfig::default());
    check_round_trip(5, 60, &[10, 100, 1000, 5000], small());
}

#[test]
fn large_appends_come_back() {
    check_round_trip(1, 40, &[60_000, 20_000, 10], small());
    check_round_trip(3, 20, &[100, 300_000], PartitionConfig::default());
}

#[test]
fn readers_park_and_are_woken() {
    let machine = machine(3);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let reader = partition.clone();
        let (sender, done) = engine_io::sync::oneshot();
        env.spawn(engine_io::Queue::Net, async move {
            for offset in 0..50 {
                reader.wait_above(offset).await.expect("open");
                let request = ReadRequest { upper: Upper::HighWatermark, ..from(offset) };
                assert!(!reader.read(request).await.expect("reads").records.is_empty());
            }
            sender.send(());
        });
        let mut random = Random::new(1);
        for number in 0..50 {
            let acks = if number % 3 == 0 { Acks::All } else { Acks::Leader };
            let bytes = batch(&mut random, 1, 50, 5);
            let ticket = partition.append(&bytes, info(&env, acks)).expect("appended").ticket;
            if number % 7 == 0 {
                ticket.await.expect("safe");
            }
        }
        done.await.expect("the reader saw everything");
        close(&env, &log).await;
    });
}

#[test]
fn bounds_are_kept() {
    let machine = machine(4);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let mut random = Random::new(1);
        assert!(partition.read(from(0)).await.expect("empty").records.is_empty());
        let bytes = batch(&mut random, 3, 50, 5);
        partition.append(&bytes, info(&env, Acks::All)).expect("ok").ticket.await.expect("safe");
        for offset in [-1, 4] {
            let error = partition.read(from(offset)).await.expect_err("outside");
            assert_eq!(error, LogError::OffsetOutOfRange { log_start: 0, log_end: 3 });
        }
        let tight = ReadRequest { max_bytes: 10, at_least_one: false, ..from(0) };
        assert!(partition.read(tight).await.expect("nothing fits").records.is_empty());
        // Not safe yet, so consumers do not see it.
        let pending = partition.append(&bytes, info(&env, Acks::All)).expect("ok");
        let visible = ReadRequest { upper: Upper::HighWatermark, ..from(3) };
        assert!(partition.read(visible).await.expect("nothing yet").records.is_empty());
        assert!(!partition.read(from(3)).await.expect("the end").records.is_empty());
        pending.ticket.await.expect("safe");
        assert!(!partition.read(visible).await.expect("now").records.is_empty());
        let huge = batch(&mut random, 1, 300_000, 5);
        let error = partition.append(&huge, info(&env, Acks::All)).expect_err("too large");
        assert!(matches!(error, LogError::TooLarge { .. }));
        close(&env, &log).await;
        let error = partition.append(&bytes, info(&env, Acks::All)).expect_err("closed");
        assert_eq!(error, LogError::Closed);
    });
}

#[test]
fn times_are_found() {
    let machine = machine(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let mut random = Random::new(1);
        for number in 0..1000 {
            let time = 10_000 + number * 10;
            let bytes = batch(&mut random, 2, 400, time);
            partition
                .append(&bytes, info(&env, Acks::Leader))
                .expect("ok")
                .ticket
                .await
                .expect("ok");
        }
        assert!(partition.segment_count() > 2);
        let found = async |time| {
            let found = partition.offset_for_timestamp(time).await.expect("looks");
            found.map(|found| (found.offset, found.timestamp))
        };
        assert_eq!(found(0).await, Some((0, 10_000)));
        assert_eq!(found(10_001).await, Some((1, 10_001)));
        assert_eq!(found(10_002).await, Some((2, 10_010)));
        assert_eq!(found(15_000).await, Some((1000, 15_000)));
        assert_eq!(found(30_000).await, None);
        let newest = partition.max_timestamp_offset().await.expect("looks").expect("some");
        assert_eq!((newest.offset, newest.timestamp), (1999, 19_991));
        close(&env, &log).await;
    });
}

#[test]
fn append_time_is_stamped() {
    let machine = machine(6);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let mut random = Random::new(1);
        let bytes = batch(&mut random, 2, 400, 77);
        let stamp = Some((TimestampType::LogAppendTime, 123_456));
        let info = AppendInfo { stamp, leader_epoch: LeaderEpoch(9), ..info(&env, Acks::All) };
        partition.append(&bytes, info).expect("ok").ticket.await.expect("safe");
        let read = read_all(&partition, 0).await;
        let header = BatchHeader::parse(&read[0].1).expect("batch");
        assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!((header.max_timestamp, header.leader_epoch.0), (123_456, 9));
        assert_eq!(partition.leader_epochs(), [(9, 0)]);
        assert_eq!(partition.end_offset_for_epoch(9), Some((9, 2)));
        assert_eq!(partition.end_offset_for_epoch(3), Some((3, 0)));
        assert_eq!(partition.end_offset_for_epoch(10), None);
        close(&env, &log).await;
    });
}

#[test]
fn acks_one_is_flushed_within_a_second() {
    let machine = machine(8);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        let mut random = Random::new(1);
        for size in [100, 100_000] {
            let bytes = batch(&mut random, 1, size, 5);
            let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
            appended.ticket.await.expect("safe");
            assert!(partition.durable_end() <= appended.base_offset);
            env.sleep(Duration::from_millis(1000)).await;
            assert!(partition.durable_end() > appended.last_offset);
        }
        close(&env, &log).await;
    });
}
