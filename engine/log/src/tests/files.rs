//! What other programs read: the segment and index files by the rules of Kafka's dump-log, and the
//! small text files.

use super::*;
use crate::index::{IndexedBatch, SegmentIndex};
use crate::node_files::{DirCheckpoints, decode_epochs, decode_offsets, decode_partition_metadata};
use std::path::PathBuf;

struct OneBatch {
    position: u64,
    header: BatchHeader,
}

/// Walks a `.log` as dump-log does: whole batches to the last byte, offsets without gaps.
fn batches_of(path: &Path, bytes: &[u8], base: i64) -> Vec<OneBatch> {
    let mut found = Vec::new();
    let mut next = base;
    let mut position = 0;
    for item in Batches::new(bytes) {
        let (header, batch) = item.expect("whole batches only");
        header.check_crc(batch).expect("checksum");
        assert_eq!(header.base_offset.0, next, "{}", path.display());
        next = header.next_offset().0;
        found.push(OneBatch { position, header });
        position += u64::try_from(batch.len()).expect("small");
    }
    assert_eq!(position, u64::try_from(bytes.len()).expect("small"), "no tail");
    found
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"))
}

/// The checks of `DumpLogSegments` on all segments of a directory that was stopped cleanly. Returns
/// how many entries of each index were looked at.
pub(crate) fn check_like_dump_log(machine: &Machine) -> (usize, usize) {
    let paths: Vec<PathBuf> = machine.list();
    let (mut offsets, mut times) = (0, 0);
    for log in paths.iter().filter(|path| path.extension().is_some_and(|one| one == "log")) {
        let stem = log.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let base: i64 = stem.parse().expect("digits");
        let batches = batches_of(log, &machine.file(log), base);
        let index = machine.file(log.with_extension("index"));
        assert_eq!(index.len() % 8, 0);
        let mut last = -1;
        for entry in index.chunks(8) {
            let offset = base + i64::from(u32_at(entry, 0));
            let position = u64::from(u32_at(entry, 4));
            let batch = batches.iter().find(|batch| batch.position == position);
            let batch = batch.expect("an index entry names the start of a batch");
            assert_eq!(batch.header.last_offset().0, offset);
            assert!(offset > last);
            last = offset;
            offsets += 1;
        }
        let index = machine.file(log.with_extension("timeindex"));
        assert_eq!(index.len() % 12, 0);
        let mut last = (-1, -1);
        for entry in index.chunks(12) {
            let timestamp = i64::from_be_bytes(entry[..8].try_into().expect("eight"));
            let offset = base + i64::from(u32_at(entry, 8));
            let batch = batches.iter().find(|batch| batch.header.last_offset().0 == offset);
            let batch = batch.expect("a time index entry names the last offset of a batch");
            assert_eq!(batch.header.max_timestamp, timestamp);
            assert!((timestamp, offset) > last && offset >= last.1);
            last = (timestamp, offset);
            times += 1;
        }
        let newest = batches.iter().map(|batch| batch.header.max_timestamp).max();
        if let Some(newest) = newest {
            assert_eq!(last.0, newest, "{}: the last entry has the newest time", log.display());
        }
    }
    (offsets, times)
}

#[test]
fn indexes_are_kafkas() {
    let machine = machine(21);
    let mut random = Random::new(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(0), small()).await.expect("created");
        for number in 0..900 {
            let time = 1000 + i64::try_from(random.below(2000)).expect("small") + number;
            let size = 1 + random.index(1500);
            let count = 1 + random.index(3);
            let bytes = batch(&mut random, count, size, time);
            let appended = partition.append(&bytes, info(&env, Acks::Leader)).expect("ok");
            appended.ticket.await.expect("safe");
        }
        close(&env, &log).await;
    });
    let (offsets, times) = check_like_dump_log(&machine);
    assert!(offsets > 400 && times > 30, "{offsets} and {times} entries");
    // The entries are exactly those of Kafka's rule, applied to the whole log again.
    for log in machine.list().iter().filter(|path| path.extension().is_some_and(|one| one == "log"))
    {
        let stem = log.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        let base: i64 = stem.parse().expect("digits");
        let mut index = SegmentIndex::new(base);
        for one in batches_of(log, &machine.file(log), base) {
            let batch = IndexedBatch {
                position: one.position,
                bytes: u64::try_from(one.header.bytes_len()).expect("small"),
                last_offset: one.header.last_offset().0,
                max_timestamp: one.header.max_timestamp,
            };
            index.add(batch, small().index_interval_bytes);
        }
        index.seal();
        assert_eq!(machine.file(log.with_extension("index")), index.offset_bytes(0));
        assert_eq!(machine.file(log.with_extension("timeindex")), index.time_bytes(0));
    }
}

#[test]
fn text_files_are_kafkas() {
    let machine = machine(22);
    let mut random = Random::new(5);
    machine.run(async |env| {
        let (log, _) = open(&env).await;
        let partition = log.create_partition(TOPIC, id(3), small()).await.expect("created");
        for epoch in [4, 4, 7] {
            let bytes = batch(&mut random, 2, 10, 5);
            let info = AppendInfo { leader_epoch: LeaderEpoch(epoch), ..info(&env, Acks::All) };
            partition.append(&bytes, info).expect("ok").ticket.await.expect("safe");
        }
        log.checkpoint().await.expect("checkpoint");
        let rows = log.checkpoint_table();
        DirCheckpoints::write(&env, Path::new(DIR), &rows).await.expect("written");
        close(&env, &log).await;
    });
    let text = |name: &str| String::from_utf8(machine.file(format!("{DIR}/{name}"))).expect("text");
    let metadata = text("orders-3/partition.metadata");
    assert_eq!(decode_partition_metadata(&metadata), Some(topic_id()));
    let epochs = text("orders-3/leader-epoch-checkpoint");
    assert_eq!(decode_epochs(&epochs), Some(vec![(4, 0), (7, 4)]));
    let row = vec![(TOPIC.to_owned(), 3, 6)];
    assert_eq!(decode_offsets(&text("recovery-point-offset-checkpoint")), Some(row.clone()));
    assert_eq!(decode_offsets(&text("replication-offset-checkpoint")), Some(row));
    assert_eq!(text(".kafka_cleanshutdown"), "{\"version\":0,\"brokerEpoch\":1}");
    // A Kafka broker takes each directory for a partition: ours are files.
    for path in machine.list() {
        let rest = path.strip_prefix(DIR).expect("below").to_path_buf();
        let nested = rest.components().count() > 1;
        assert_eq!(nested, rest.starts_with("orders-3"), "{}", rest.display());
    }
}
