//! Data that is no longer in a tail: read once for all who want it, kept as long as there is room,
//! checked whenever it comes from the disk, and never in the way of appends.

use super::*;
use crate::config::{COLD_BLOCK_BYTES, READ_AHEAD_ARENA_SHARE, TAIL_ARENA_SHARE};
use crate::tail::{to_u64, to_usize};
use engine_io::memory::{DiskCall, Effect, Failure, Fault, FaultId, When};
use futures_util::future::join_all;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// The only segment of partition 0.
const FILE: &str = "/data/orders-0/00000000000000000000.log";
const BATCH_BYTES: usize = 120_000;

fn roomy() -> PartitionConfig {
    PartitionConfig { segment_bytes: 64 << 20, ..PartitionConfig::default() }
}

fn blocks(count: usize) -> usize {
    count * to_usize(COLD_BLOCK_BYTES)
}

fn arena(bytes: usize) -> LogConfig {
    LogConfig { arena: Arena::new(bytes), ..config(0, 1) }
}

/// A directory in which some partitions hold `batches` batches each, as a clean stop leaves it.
fn filled(seed: u64, partitions: i32, batches: usize) -> (Machine, Vec<Vec<u8>>) {
    let machine = machine(seed);
    let mut random = Random::new(seed);
    let sent: Vec<Vec<u8>> = (0..batches).map(|_| batch(&mut random, 1, BATCH_BYTES, 5)).collect();
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        for number in 0..partitions {
            let partition =
                log.create_partition(TOPIC, id(number), roomy()).await.expect("created");
            for bytes in &sent {
                append(&env, &partition, bytes).await;
            }
        }
        close(&env, &log).await;
    });
    (machine, sent)
}

async fn append(env: &MemoryEnv, partition: &Part, bytes: &[u8]) {
    let appended = partition.append(bytes, info(env, Acks::Leader)).expect("has room");
    appended.ticket.await.expect("safe");
}

/// Reads everything in reads of `max_bytes` and compares it with what was sent.
async fn scan(partition: &Part, sent: &[Vec<u8>], max_bytes: u64) {
    let read = read_with(partition, 0, max_bytes).await.expect("reads");
    assert_eq!(read.len(), sent.len());
    assert!(read.iter().zip(sent).all(|((_, read), sent)| is_same(sent, read)));
}

fn count_reads(machine: &Machine, path: &str) -> FaultId {
    machine.inject(Fault::new(path, DiskCall::Read, When::Always, Effect::Count))
}

fn blocks_of(machine: &Machine, path: &str) -> u64 {
    to_u64(machine.file(path).len()).div_ceil(COLD_BLOCK_BYTES)
}

#[test]
fn what_fits_is_read_from_the_disk_once() {
    let (machine, sent) = filled(1, 1, 100);
    machine.run(async |env| {
        let (log, _) = open_with(&env, arena(blocks(20))).await.expect("opens");
        let partition = log.partition(id(0)).expect("there");
        let reads = count_reads(&machine, FILE);
        for max_bytes in [1 << 20, 1, 100_000, 1 << 20] {
            scan(&partition, &sent, max_bytes).await;
        }
        assert_eq!(machine.struck(reads), blocks_of(&machine, FILE));
    });
}

#[test]
fn a_cache_that_is_too_small_still_serves() {
    for bytes in [300_000, blocks(1), blocks(3)] {
        let (machine, sent) = filled(2, 2, 100);
        machine.run(async |env| {
            let (log, _) = open_with(&env, arena(bytes)).await.expect("opens");
            for max_bytes in [1 << 20, 1] {
                for number in [0, 1] {
                    scan(&log.partition(id(number)).expect("there"), &sent, max_bytes).await;
                }
            }
        });
    }
}

#[test]
fn readers_behind_one_another_share_reads() {
    let (machine, sent) = filled(3, 2, 100);
    machine.run(async |env| {
        let (log, _) = open_with(&env, arena(blocks(8))).await.expect("opens");
        let partition = log.partition(id(0)).expect("there");
        let reads = count_reads(&machine, FILE);
        // Four readers, ten batches apart, of a file larger than the arena.
        for step in 0..sent.len() + 30 {
            for reader in 0..4 {
                let Some(at) = step.checked_sub(reader * 10).filter(|at| *at < sent.len()) else {
                    continue;
                };
                let offset = i64::try_from(at).expect("small");
                let one = ReadRequest { max_bytes: 1, ..from(offset) };
                let read = partition.read(one).await.expect("reads");
                assert!(is_same(&sent[at], &concat(&read.records)));
            }
        }
        assert_eq!(machine.struck(reads), blocks_of(&machine, FILE));
    });
}

#[test]
fn all_who_want_a_block_wait_for_one_read() {
    let (machine, sent) = filled(5, 1, 30);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        let reads = count_reads(&machine, FILE);
        // One who goes away first.
        {
            let mut gone = pin!(partition.read(from(0)));
            poll_fn(|context| {
                assert!(gone.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        let scans: Vec<_> = (0..8).map(|_| scan(&partition, &sent, 1_500_000)).collect();
        join_all(scans).await;
        assert_eq!(machine.struck(reads), blocks_of(&machine, FILE));
    });
}

#[test]
fn a_failed_read_is_told_to_all_who_wait_and_tried_again() {
    let (machine, sent) = filled(6, 1, 30);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        let failing = Effect::Fail(Failure::Io);
        machine.inject(Fault::new(FILE, DiskCall::Read, When::Nth(1), failing));
        let one = ReadRequest { max_bytes: 1, ..from(0) };
        let results = join_all([partition.read(one), partition.read(one)]).await;
        for result in results {
            assert!(matches!(result, Err(LogError::Io { action: "read", .. })), "{result:?}");
        }
        scan(&partition, &sent, 1 << 20).await;
    });
}

#[test]
fn a_byte_that_changes_on_the_disk_is_caught_when_it_is_read_again() {
    // In the first batch, in one that lies in two blocks, before and behind their border.
    let border = to_usize(COLD_BLOCK_BYTES);
    for at in [100, border - 10, border + 10] {
        let (machine, sent) = filled(7, 2, 100);
        machine.run(async |env| {
            let (log, _) = open_with(&env, arena(blocks(8))).await.expect("opens");
            let partition = log.partition(id(0)).expect("there");
            let first = ReadRequest { max_bytes: 1_500_000, ..from(0) };
            partition.read(first).await.expect("good");
            machine.flip(FILE, to_u64(at), 1);
            partition.read(first).await.expect("in memory, and good");
            // Others need the memory.
            scan(&log.partition(id(1)).expect("there"), &sent, 1 << 20).await;
            for _ in 0..2 {
                match partition.read(first).await.map(|read| read.bytes) {
                    Err(LogError::Damaged { position, .. }) => {
                        assert!(position <= to_u64(at) && to_u64(at) < position + 120_100);
                    }
                    other => panic!("{other:?} of what is damaged at {at}"),
                }
            }
            for (offset, sent) in (0..).zip(&sent) {
                let one = ReadRequest { max_bytes: 1, ..from(offset) };
                let bytes = to_u64(sent.len());
                let start = bytes * offset.unsigned_abs();
                match partition.read(one).await {
                    Ok(read) => assert!(is_same(sent, &concat(&read.records))),
                    Err(error) => {
                        assert!(
                            (start..start + bytes).contains(&to_u64(at)),
                            "{error} at {offset}"
                        );
                    }
                }
            }
            machine.flip(FILE, to_u64(at), 1);
            partition.read(first).await.expect("good again");
        });
    }
}

/// A length that reaches beyond what may be read, and within the file.
#[test]
fn a_length_that_grew_on_the_disk_is_an_error() {
    let (machine, sent) = filled(14, 1, 2);
    // The second batch claims 8 KiB more.
    assert_eq!(sent[1][10] & 0x20, 0, "or it claims less");
    machine.flip(FILE, to_u64(sent[0].len()) + 10, 0x20);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        machine.inject(Fault::new("*journal*", DiskCall::Sync, When::Always, Effect::Park));
        let small = batch(&mut Random::new(1), 1, 40_000, 5);
        let _pending = partition.append(&small, info(&env, Acks::All)).expect("has room");
        assert_eq!((partition.high_watermark(), partition.log_end()), (2, 3));
        for _ in 0..2 {
            let visible = ReadRequest { upper: Upper::HighWatermark, ..from(1) };
            let error = partition.read(visible).await.expect_err("nothing to be served");
            assert!(matches!(error, LogError::Damaged { .. }), "{error}");
        }
    });
}

/// Kafka's index files have no checksum. This one points into a record that looks like a batch.
#[test]
fn an_index_that_points_into_a_batch_ends_no_read() {
    let machine = machine(15);
    let mut random = Random::new(1);
    let mut inner = batch(&mut random, 1, 100, 5);
    inner[8..12].copy_from_slice(&100_000_i32.to_be_bytes());
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(5, None, Some(&inner), &[]);
    let outer = builder.finish();
    let place = outer.windows(30).position(|part| part == &inner[..30]).expect("there");
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        append(&env, &partition, &outer).await;
        for _ in 0..40 {
            append(&env, &partition, &batch(&mut random, 1, 20_000, 5)).await;
        }
        assert!(partition.segment_count() > 1, "the index of the first is read from its file");
        close(&env, &log).await;
    });
    let path = FILE.replace(".log", ".index");
    let mut index = machine.file(&path);
    index[..4].copy_from_slice(&1_u32.to_be_bytes());
    index[4..8].copy_from_slice(&u32::try_from(place).expect("small").to_be_bytes());
    machine.put_file(&path, &index);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        let few = ReadRequest { max_bytes: 1000, ..from(0) };
        let read = partition.read(few).await.expect("reads");
        assert!(is_same(&outer, &concat(&read.records)));
    });
}

#[test]
fn who_reads_in_a_row_is_read_ahead_within_bounds() {
    for (bytes, ahead_max) in [(blocks(24), 3), (blocks(8), 1), (blocks(7), 0)] {
        let (machine, sent) = filled(8, 1, 100);
        machine.run(async |env| {
            let (log, _) = open_with(&env, arena(bytes)).await.expect("opens");
            assert_eq!(bytes / READ_AHEAD_ARENA_SHARE / blocks(1), ahead_max);
            let partition = log.partition(id(0)).expect("there");
            let counts = partition.0.shared.cache.counts.clone();
            partition.read(from(70)).await.expect("reads");
            assert_eq!(counts.ahead.get(), 0, "nobody reads in a row");
            let (mut most, mut next) = (0, 0);
            while next < partition.log_end() {
                let request = ReadRequest { max_bytes: 500_000, ..from(next) };
                let read = partition.read(request).await.expect("reads");
                next += i64::try_from(read.records.concat().len() / sent[0].len()).expect("small");
                most = most.max(counts.ahead.get());
            }
            assert!(most <= ahead_max, "{most} of {ahead_max}");
            assert_eq!(most > 0, ahead_max > 0);
            assert_eq!(counts.ahead.get(), 0, "all that was read ahead was used");
        });
    }
}

#[test]
fn readers_who_leave_do_not_keep_others_from_being_read_ahead() {
    let (machine, _) = filled(13, 2, 60);
    machine.run(async |env| {
        let (log, _) = open_with(&env, arena(blocks(16))).await.expect("opens");
        let counts = log.partition(id(0)).expect("there").0.shared.cache.counts.clone();
        let read_some = async |number, batches: std::ops::Range<i64>| {
            let partition = log.partition(id(number)).expect("there");
            for offset in batches {
                let one = ReadRequest { max_bytes: 1, ..from(offset) };
                partition.read(one).await.expect("reads");
            }
        };
        read_some(0, 0..20).await;
        assert_eq!(counts.ahead.get(), 2, "all that may be");
        let reads = count_reads(&machine, "/data/orders-1/*.log");
        let moment = std::time::Duration::from_millis(10);
        read_some(1, 0..10).await;
        env.sleep(moment).await;
        assert_eq!(machine.struck(reads), 2, "only what was asked for");
        env.sleep(std::time::Duration::from_secs(10)).await;
        read_some(1, 10..20).await;
        env.sleep(moment).await;
        assert_eq!(machine.struck(reads), 5, "and two blocks ahead");
        assert_eq!(counts.ahead.get(), 2);
    });
}

#[test]
fn appends_find_room_whatever_is_read() {
    let (machine, sent) = filled(9, 2, 150);
    machine.run(async |env| {
        let (log, _) = open_with(&env, arena(blocks(12))).await.expect("opens");
        let written = log.create_partition(TOPIC, id(2), roomy()).await.expect("created");
        let readers = async {
            for max_bytes in [1 << 20, 100_000] {
                let scans = (0..2).map(|number| {
                    let partition = log.partition(id(number)).expect("there");
                    let sent = &sent;
                    async move { scan(&partition, sent, max_bytes).await }
                });
                join_all(scans.collect::<Vec<_>>()).await;
            }
        };
        let writer = async {
            for bytes in &sent {
                append(&env, &written, bytes).await;
            }
        };
        futures_util::future::join(readers, writer).await;
        scan(&written, &sent, 1 << 20).await;
    });
}

/// Reads that the disk does not answer hold memory that nobody can take back.
#[test]
fn reads_that_hang_leave_the_tails_their_part() {
    let (machine, sent) = filled(12, 16, 12);
    machine.run(async |env| {
        let (log, _) = open_with(&env, arena(blocks(12))).await.expect("opens");
        let written = log.create_partition(TOPIC, id(16), roomy()).await.expect("created");
        machine.inject(Fault::new("*", DiskCall::Read, When::Always, Effect::Park));
        for number in 0..16 {
            let partition = log.partition(id(number)).expect("there");
            env.spawn(engine_io::Queue::Net, async move {
                let _hangs = partition.read(from(0)).await;
            });
        }
        env.sleep(std::time::Duration::from_millis(10)).await;
        let tails = blocks(12) / TAIL_ARENA_SHARE;
        let mut bytes = 0;
        for batch in sent.iter().cycle() {
            if bytes + batch.len() > tails - blocks(1) {
                break;
            }
            append(&env, &written, batch).await;
            bytes += batch.len();
        }
    });
}

#[test]
fn the_tails_keep_their_part_when_cold_data_is_read() {
    let (machine, sent) = filled(10, 1, 200);
    machine.run(async |env| {
        let bytes = blocks(12);
        let (log, _) = open_with(&env, arena(bytes)).await.expect("opens");
        let hot = log.create_partition(TOPIC, id(1), roomy()).await.expect("created");
        for bytes in &sent {
            append(&env, &hot, bytes).await;
        }
        log.checkpoint().await.expect("works");
        let cold = log.partition(id(0)).expect("there");
        let reads = count_reads(&machine, "/data/orders-1/*.log");
        for _ in 0..2 {
            scan(&cold, &sent, 1 << 20).await;
        }
        // All but a chunk of the tails' part is there still.
        let kept = bytes / TAIL_ARENA_SHARE - (1 << 20);
        let batches = i64::try_from(kept / sent[0].len()).expect("small");
        let last = read_with(&hot, hot.log_end() - batches, 1 << 20).await.expect("reads");
        assert_eq!(last.len(), to_usize(batches.unsigned_abs()));
        assert_eq!(machine.struck(reads), 0);
        // And no more than that: cold data may have the rest.
        let cached = log.partition(id(0)).expect("there").0.shared.cache.counts.kept.get();
        assert!(blocks(cached) > bytes / 4, "{cached}");
    });
}

#[test]
fn a_block_holds_nothing_that_was_written_while_it_was_read() {
    let (machine, sent) = filled(11, 1, 2);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        let reads = count_reads(&machine, FILE);
        machine.inject(Fault::new(FILE, DiskCall::Read, When::Nth(1), Effect::Park));
        let slow = partition.clone();
        let (sender, done) = engine_io::sync::oneshot();
        env.spawn(engine_io::Queue::Net, async move {
            let one = ReadRequest { max_bytes: 1, ..from(0) };
            sender.send(slow.read(one).await.is_ok());
        });
        while machine.parked().is_empty() {
            env.yield_now().await;
        }
        for bytes in &sent {
            append(&env, &partition, bytes).await;
        }
        log.checkpoint().await.expect("written");
        while partition.0.shared.cache.evict(1 << 20) {}
        machine.release_all();
        assert_eq!(done.await, Some(true));
        let all = [sent.clone(), sent.clone()].concat();
        scan(&partition, &all, 1 << 20).await;
        assert_eq!(machine.struck(reads), 2, "what was written later is read later");
    });
}

#[test]
fn what_is_deleted_leaves_memory() {
    let (machine, sent) = filled(12, 1, 100);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.partition(id(0)).expect("there");
        scan(&partition, &sent, 1 << 20).await;
        let counts = partition.0.shared.cache.counts.clone();
        assert_eq!(to_u64(counts.kept.get()), blocks_of(&machine, FILE));
        log.delete_partition(id(0)).await.expect("deleted");
        assert_eq!(counts.kept.get(), 0);
    });
}
