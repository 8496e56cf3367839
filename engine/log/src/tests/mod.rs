//! Tests over the deterministic machine. Helpers here; one file per subject.

mod basic;
mod busy;
mod cold;
mod crash;
mod damage;
mod directories;
mod faults;
mod files;
mod forged;
mod groups;
mod life;
mod lost;
mod uring;

use crate::node_files::{take_clean_marker, write_clean_marker};
use crate::{Acks, AppendInfo, LogConfig, LogError, Partition, PartitionConfig, ReadRequest};
use crate::{Recovered, ShardLog, Upper};
use bytes::Bytes;
use engine_base::{LeaderEpoch, ProducerEpoch, ProducerId, TopicPartition, Uuid};
use engine_io::memory::{Machine, MemoryEnv, Options, Random};
use engine_io::{Arena, Env};
use engine_record::{BatchBuilder, BatchHeader, BatchOptions, Batches, Producer};
use std::path::Path;

pub(crate) const DIR: &str = "/data";
pub(crate) const TOPIC: &str = "orders";
pub(crate) type Log = ShardLog<MemoryEnv>;
pub(crate) type Part = Partition<MemoryEnv>;

pub(crate) fn machine(seed: u64) -> Machine {
    let machine = Machine::new(seed, Options::default());
    machine.put_dir(DIR);
    machine
}

pub(crate) fn topic_id() -> Uuid {
    Uuid::from_bytes(*b"0123456789abcdef")
}

pub(crate) fn id(partition: i32) -> TopicPartition {
    TopicPartition { topic_id: topic_id(), partition }
}

pub(crate) fn config(shard: u16, shard_count: u16) -> LogConfig {
    let mut config = LogConfig::new(DIR.into(), shard, shard_count, Arena::new(24 << 20));
    config.journal_bytes = 1 << 20;
    config
}

/// Small segments, so that there are many.
pub(crate) fn small() -> PartitionConfig {
    PartitionConfig {
        segment_bytes: 256 << 10,
        index_interval_bytes: 1024,
        file_delete_delay_ms: 1000,
        ..PartitionConfig::default()
    }
}

/// Opens the only shard.
pub(crate) async fn open(env: &MemoryEnv) -> (Log, Vec<Recovered<MemoryEnv>>) {
    open_with(env, config(0, 1)).await.expect("opens")
}

pub(crate) async fn open_with(
    env: &MemoryEnv,
    mut config: LogConfig,
) -> Result<(Log, Vec<Recovered<MemoryEnv>>), LogError> {
    config.clean = take_clean_marker(env, Path::new(DIR)).await.expect("marker");
    let (log, recovered) = ShardLog::open(env.clone(), config, |_| true).await?;
    log.finish_recovery().await?;
    Ok((log, recovered))
}

pub(crate) async fn close(env: &MemoryEnv, log: &Log) {
    log.close().await.expect("closes");
    write_clean_marker(env, Path::new(DIR), 1).await.expect("marker");
}

/// A batch of `count` records with random values of `bytes` bytes each.
pub(crate) fn batch(random: &mut Random, count: usize, bytes: usize, timestamp: i64) -> Vec<u8> {
    batch_of(random, count, bytes, timestamp, Producer::NONE)
}

pub(crate) fn batch_of(
    random: &mut Random,
    count: usize,
    bytes: usize,
    timestamp: i64,
    producer: Producer,
) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    let mut value = vec![0; bytes];
    for index in 0..count {
        for chunk in value.chunks_mut(8) {
            let word = random.draw().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        let later = i64::try_from(index).expect("small");
        builder.append(timestamp + later, None, Some(&value), &[]);
    }
    builder.finish()
}

pub(crate) fn producer(id: i64, sequence: i32) -> Producer {
    Producer {
        id: ProducerId(id),
        epoch: ProducerEpoch(0),
        base_sequence: sequence,
        transactional: false,
    }
}

pub(crate) fn info(env: &MemoryEnv, acks: Acks) -> AppendInfo {
    AppendInfo { acks, leader_epoch: LeaderEpoch(0), now_ms: env.wall_ms(), stamp: None }
}

pub(crate) fn from(offset: i64) -> ReadRequest {
    ReadRequest { offset, max_bytes: 1 << 20, at_least_one: true, upper: Upper::LogEnd }
}

/// Everything from `offset` to the end, as batches with their base offsets.
pub(crate) async fn read_all(partition: &Part, offset: i64) -> Vec<(i64, Vec<u8>)> {
    read_with(partition, offset, 1 << 20).await.expect("reads")
}

pub(crate) async fn read_with(
    partition: &Part,
    offset: i64,
    max_bytes: u64,
) -> Result<Vec<(i64, Vec<u8>)>, LogError> {
    let mut batches = Vec::new();
    let mut next = offset;
    while next < partition.log_end() {
        let request = ReadRequest { max_bytes, ..from(next) };
        let read = partition.read(request).await?;
        let bytes: Vec<u8> = concat(&read.records);
        assert_eq!(u64::try_from(bytes.len()).expect("small"), read.bytes);
        assert!(!bytes.is_empty(), "a read below the end returns something");
        for item in Batches::new(&bytes) {
            let (header, batch) = item.expect("whole batches");
            header.check_crc(batch).expect("checksum");
            assert!(header.last_offset().0 >= next);
            next = header.next_offset().0;
            batches.push((header.base_offset.0, batch.to_vec()));
        }
    }
    Ok(batches)
}

pub(crate) fn concat(records: &[Bytes]) -> Vec<u8> {
    records.concat()
}

/// Whether a batch read back is the one a client sent: all but base offset and leader epoch.
pub(crate) fn is_same(sent: &[u8], read: &[u8]) -> bool {
    sent.len() == read.len() && sent[8..12] == read[8..12] && sent[16..] == read[16..]
}

pub(crate) fn records_in(batch: &[u8]) -> i64 {
    let header = BatchHeader::parse(batch).expect("a batch");
    i64::from(header.last_offset_delta) + 1
}
