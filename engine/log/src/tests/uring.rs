//! The same log on the real machine: two shards, an unclean end, a clean one, another shard count.

use super::{batch, from, id, is_same, small};
use crate::node_files::{take_clean_marker, write_clean_marker};
use crate::{Acks, AppendInfo, LogConfig, ShardLog};
use engine_base::{LeaderEpoch, TopicPartition};
use engine_io::memory::Random;
use engine_io::uring::{RuntimeConfig, UringEnv, run};
use engine_io::{Arena, Env};
use engine_record::Batches;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

const PARTITIONS: i32 = 4;
const ROUNDS: usize = 30;

/// The batches of one partition, the same in each run.
fn batches(number: i32) -> Vec<Vec<u8>> {
    let mut random = Random::new(u64::from(number.unsigned_abs()));
    let sizes = [10, 500, 3000, 70_000, 150_000];
    (0..ROUNDS)
        .map(|round| {
            let size = sizes[random.index(sizes.len())];
            batch(&mut random, 1 + round % 3, size / (1 + round % 3), 1000)
        })
        .collect()
}

/// Waits until all shards came here.
async fn meet(env: &UringEnv, met: &AtomicU16, count: u16) {
    let others = met.fetch_add(1, Ordering::SeqCst) / count;
    // One may be on its way to the next meeting before another has seen this one complete.
    while met.load(Ordering::SeqCst) < (others + 1) * count {
        env.sleep(Duration::from_millis(1)).await;
    }
}

async fn open(
    env: &UringEnv,
    dir: &Path,
    count: u16,
    clean: bool,
    met: &AtomicU16,
) -> ShardLog<UringEnv> {
    let shard = env.shard().0;
    let mut config = LogConfig::new(dir.into(), shard, count, Arena::new(16 << 20));
    config.journal_bytes = 4 << 20;
    config.clean = clean;
    let owned = |id: TopicPartition| id.owner(count).0 == shard;
    let (log, _) = ShardLog::open(env.clone(), config, owned).await.expect("opens");
    assert!(log.damages().is_empty(), "{:?}", log.damages());
    meet(env, met, count).await;
    log.finish_recovery().await.expect("ready");
    log
}

async fn check(log: &ShardLog<UringEnv>) {
    for partition in log.partitions() {
        let sent = batches(partition.id().partition);
        let mut read = Vec::new();
        let mut next = 0;
        while next < partition.log_end() {
            let bytes = partition.read(from(next)).await.expect("reads").records.concat();
            for item in Batches::new(&bytes) {
                let (header, batch) = item.expect("whole");
                next = header.next_offset().0;
                read.push(batch.to_vec());
            }
        }
        assert_eq!(read.len(), sent.len());
        assert!(read.iter().zip(&sent).all(|(read, sent)| is_same(sent, read)));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Fill,
    CheckAndClose,
    Check,
}

fn life(dir: &Path, count: u16, work: Work) {
    let met = Arc::new(AtomicU16::new(0));
    let dir: PathBuf = dir.into();
    let config = RuntimeConfig { shards: count, ..RuntimeConfig::default() };
    let closed = run::<(), _, _, _>(&config, move |env, _| {
        let (met, dir) = (met.clone(), dir.clone());
        async move {
            // Both shards must see the marker before one removes it.
            let clean = env.read_whole(&dir.join(".kafka_cleanshutdown"), 100).await.is_ok();
            meet(&env, &met, count).await;
            if env.shard().0 == 0 {
                assert_eq!(take_clean_marker(&env, &dir).await.expect("marker"), clean);
            }
            let log = open(&env, &dir, count, clean, &met).await;
            match work {
                Work::Fill => fill(&env, &log, count).await,
                _ => assert!(!log.partitions().is_empty()),
            }
            check(&log).await;
            if work == Work::CheckAndClose {
                log.close().await.expect("closes");
                meet(&env, &met, count).await;
                if env.shard().0 == 0 {
                    write_clean_marker(&env, &dir, 1).await.expect("marker");
                }
            }
        }
    });
    assert_eq!(closed.expect("runs").len(), usize::from(count));
}

async fn fill(env: &UringEnv, log: &ShardLog<UringEnv>, count: u16) {
    for number in (0..PARTITIONS).filter(|number| id(*number).owner(count) == env.shard()) {
        let partition = log.create_partition("t", id(number), small()).await.expect("created");
        for (round, bytes) in batches(number).iter().enumerate() {
            let acks = if round % 2 == 0 { Acks::All } else { Acks::Leader };
            let info = AppendInfo {
                acks,
                leader_epoch: LeaderEpoch(0),
                now_ms: env.wall_ms(),
                stamp: None,
            };
            partition.append(bytes, info).expect("appended").ticket.await.expect("safe");
        }
    }
}

#[test]
fn a_log_lives_on_a_real_disk() {
    // Not the system's temporary directory, which may lie in memory and know no direct access.
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a directory");
    life(dir.path(), 2, Work::Fill);
    life(dir.path(), 2, Work::CheckAndClose);
    life(dir.path(), 1, Work::CheckAndClose);
    life(dir.path(), 3, Work::Check);
}
