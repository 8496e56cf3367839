//! `inspect` over files as they should be, and damaged in every way that has words of its own.

use super::report::Report;
use super::{Options, directory, inspect_file};
use crate::failure::Failure;
use crate::output::Format;
use engine_base::encoder::Encoder;
use engine_base::message::Message as _;
use engine_base::{Offset, ProducerEpoch, ProducerId, TopicPartition, Uuid};
use engine_log::frame::{EntryHeader, EntryKind, FrameHeader, Generation};
use engine_record::{BatchBuilder, BatchOptions, Codec, Header, Producer};
use engine_state::generated::AnyRecord;
use engine_state::generated::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use engine_state::generated::topic::TopicRecord;
use engine_state::producers::{ProducerBatch, ProducerTable, snapshot};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TIME: i64 = 1_700_000_000_000;
const LOG: &str = "00000000000000000005.log";

fn batch(base: i64, count: u32, codec: Codec) -> Vec<u8> {
    let producer = Producer {
        id: ProducerId(7),
        epoch: ProducerEpoch(1),
        base_sequence: 3,
        transactional: false,
    };
    let options =
        BatchOptions { base_offset: Offset(base), codec, producer, ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let header = Header { key: b"h", value: Some(b"1") };
    for number in 0..count {
        builder.append(TIME, Some(b"k"), Some(format!("value {number}").as_bytes()), &[header]);
    }
    builder.finish()
}

fn write(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().expect("inside of the directory")).expect("a directory");
    fs::write(&path, bytes).expect("written");
    path
}

/// What is said of a file or directory: stdout, and the failure. The directory's name is left out.
fn explain(dir: &TempDir, path: &Path, records: bool, format: Format) -> (String, String) {
    let mut out = Vec::new();
    let mut report = Report::new(Box::new(&mut out), format, false);
    let options = Options { records, deep: true, list: true };
    let result = if path.is_dir() {
        directory::log_dir(&mut report, path, options).map(|()| true)
    } else {
        inspect_file(&mut report, path, options)
    };
    let failed = result.and_then(|_| report.finish());
    let failure = failed.err().map_or(String::new(), |failure: Failure| failure.to_string());
    let root = format!("{}/", dir.path().display());
    let clean = |text: String| text.replace(&root, "");
    (clean(String::from_utf8(out).expect("text")), clean(failure))
}

fn check(name: &str, bytes: &[u8], expected: &str, expected_failure: &str) {
    let dir = TempDir::new().expect("a directory");
    let path = write(&dir, name, bytes);
    let (text, failure) = explain(&dir, &path, false, Format::Text);
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines.join("\n"), expected, "{name}");
    assert_eq!(failure, expected_failure, "{name}");
}

#[test]
fn segments_are_listed() {
    let bytes = [batch(5, 2, Codec::None), batch(9, 1, Codec::None)].concat();
    check(
        LOG,
        &bytes,
        "offsets 5..=6  at 0  99 bytes  2 records  none  crc ok  2023-11-14T22:13:20.000Z  \
         producer 7 epoch 1 sequence 3\n\
         offsets 9..=9  at 99  80 bytes  1 records  none  crc ok  2023-11-14T22:13:20.000Z  \
         producer 7 epoch 1 sequence 3\n\
         2 batches, 3 records, 179 bytes, offsets 5 to 9, newest 2023-11-14T22:13:20.000Z",
        "",
    );
}

#[test]
fn records_are_shown_in_both_forms() {
    let dir = TempDir::new().expect("a directory");
    let path = write(&dir, LOG, &batch(5, 1, Codec::Zstd));
    let (text, failure) = explain(&dir, &path, true, Format::Text);
    assert_eq!(failure, "");
    let record = "    5  2023-11-14T22:13:20.000Z  key \"k\"  \"value 0\"  header \"h\"=\"1\"\n";
    assert!(text.contains(record), "{text}");
    let (text, _) = explain(&dir, &path, true, Format::Json);
    let items: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    let kinds: Vec<&str> = items.iter().filter_map(|item| item["item"].as_str()).collect();
    assert_eq!(kinds, ["file", "batch", "record", "summary"]);
    assert_eq!(items[1]["codec"], "zstd");
    assert_eq!(items[2]["value"], "value 0");
    assert_eq!(items[3]["end_offset"], 6);
}

#[test]
fn damage_in_a_segment_is_located() {
    let failure_of = |bytes: &[u8]| {
        let dir = TempDir::new().expect("a directory");
        let path = write(&dir, LOG, bytes);
        explain(&dir, &path, false, Format::Text).1
    };
    let two = [batch(5, 2, Codec::None), batch(9, 1, Codec::None)].concat();
    let mut flipped = two.clone();
    flipped[99 + 70] ^= 1;
    let failure = failure_of(&flipped);
    let start = format!("damaged: {LOG}, byte 99, offset 9: checksum does not match: stored 0x");
    assert!(failure.starts_with(&start), "{failure}");
    assert_eq!(
        failure_of(&two[..150]),
        format!(
            "damaged: {LOG}, byte 99, offset 7: cut short: batch is incomplete: 51 bytes of 61; \
             51 bytes are no whole batch"
        )
    );
    let mut magic = two.clone();
    magic[99 + 16] = 9;
    assert_eq!(
        failure_of(&magic),
        format!(
            "damaged: {LOG}, byte 99, offset 7: magic byte 9 is unknown; \
             the last 80 bytes cannot be read"
        )
    );
    assert_eq!(
        failure_of(&[two.clone(), two.clone()].concat()),
        format!(
            "damaged: {LOG}, byte 179, offset 5: offsets go back, expected 10 or more\n\
             and 1 more, see above"
        )
    );
    assert_eq!(failure_of(&[two.clone(), vec![0; 5000]].concat()), "", "reserved space");
    assert!(failure_of(&[two, vec![0; 5000], vec![1]].concat()).contains("byte 179"));
}

#[test]
fn indexes_are_checked_against_their_segment() {
    let dir = TempDir::new().expect("a directory");
    write(&dir, LOG, &[batch(5, 2, Codec::None), batch(9, 1, Codec::None)].concat());
    let told = |name: &str, bytes: &[u8]| {
        let path = write(&dir, &format!("00000000000000000005{name}"), bytes);
        let (text, failure) = explain(&dir, &path, false, Format::Text);
        (text.lines().last().unwrap_or_default().to_owned(), failure)
    };
    let good = [0, 0, 0, 4, 0, 0, 0, 99];
    assert_eq!(told(".index", &good), ("  1 entries".into(), String::new()));
    let reserved = [&good[..], &[0; 80]].concat();
    let expected = "  1 entries, 80 bytes reserved at the end";
    assert_eq!(told(".index", &reserved), (expected.into(), String::new()));
    let file = "00000000000000000005.index";
    let (_, failure) = told(".index", &[0, 0, 0, 4, 0, 0, 0, 98]);
    let start = format!("damaged: {file}, byte 0, offset 9: no batch begins at position 98");
    assert!(failure.starts_with(&start), "{failure}");
    let (_, failure) = told(".index", &[0, 0, 0, 4, 0, 0, 1, 0]);
    assert!(failure.ends_with("the segment ends before position 256"), "{failure}");
    let (_, failure) = told(".index", &[good, good].concat());
    assert!(failure.contains("byte 8: entry goes back"), "{failure}");
    let (_, failure) = told(".index", &good[..7]);
    assert!(failure.ends_with("entry: input ends inside a field"), "{failure}");
    let times = [TIME.to_be_bytes().as_slice(), &[0, 0, 0, 4]].concat();
    assert_eq!(told(".timeindex", &times), ("  1 entries".into(), String::new()));
}

#[test]
fn text_files_are_checked_line_by_line() {
    let offsets = "recovery-point-offset-checkpoint";
    check(offsets, b"0\n2\na 0 5\nb-c 1 0\n", "a-0  5\nb-c-1  0", "");
    let damaged =
        "DAMAGED recovery-point-offset-checkpoint, line 3: expected \"TOPIC PARTITION OFFSET\"";
    let failure = damaged.replace("DAMAGED", "damaged:");
    check(offsets, b"0\n1\na x 5\n", damaged, &failure);
    let what = "recovery-point-offset-checkpoint, line 2: line 2 announces 2 lines, there are 1";
    let (text, failure) = (format!("a-0  5\nDAMAGED {what}"), format!("damaged: {what}"));
    check(offsets, b"0\n2\na 0 5\n", &text, &failure);
    let epochs = "leader-epoch-checkpoint";
    check(epochs, b"0\n1\n3 17\n", "epoch 3 from offset 17", "");
    check(
        epochs,
        b"0\n2\n3 17\n3 18\n",
        "epoch 3 from offset 17\nepoch 3 from offset 18\n\
         DAMAGED leader-epoch-checkpoint, line 4: epochs go back",
        "damaged: leader-epoch-checkpoint, line 4: epochs go back",
    );
    check(
        "partition.metadata",
        b"version: 0\ntopic_id: short\n",
        "version  0\ntopic_id  short\nDAMAGED partition.metadata, line 2: 'short' is no id",
        "damaged: partition.metadata, line 2: 'short' is no id",
    );
    check(
        "meta.properties",
        b"#\nversion=1\nnode.id=3\n",
        "version  1\nnode.id  3\nDAMAGED meta.properties: cluster.id is missing",
        "damaged: meta.properties: cluster.id is missing",
    );
    check(".kafka_cleanshutdown", b"{\"version\":0}", "{\"version\":0}", "");
    let what = ".kafka_cleanshutdown, line 1: EOF while parsing an object at line 1 column 1";
    check(".kafka_cleanshutdown", b"{", &format!("DAMAGED {what}"), &format!("damaged: {what}"));
}

#[test]
fn producer_snapshots() {
    let name = "00000000000000000042.snapshot";
    let mut table = ProducerTable::default();
    let one = ProducerBatch {
        producer_id: ProducerId(7),
        epoch: ProducerEpoch(2),
        base_sequence: 10,
        last_offset_delta: 1,
    };
    table.append(&one, Offset(40), TIME);
    let mut bytes = snapshot::encode(&table);
    let line = "producer 7 epoch 2  last sequence 11 at offset 41  2023-11-14T22:13:20.000Z";
    check(name, &bytes, &format!("{line}\n1 producers"), "");
    bytes[20] ^= 1;
    let dir = TempDir::new().expect("a directory");
    let path = write(&dir, name, &bytes);
    let (_, failure) = explain(&dir, &path, false, Format::Text);
    let start = format!("damaged: {name}: producer snapshot has checksum 0x");
    assert!(failure.starts_with(&start), "{failure}");
}

/// A frame with one entry of five bytes, padded to the next frame's place.
fn frame(sequence: u64) -> Vec<u8> {
    let partition = TopicPartition { topic_id: Uuid::METADATA_TOPIC, partition: 2 };
    let entry =
        EntryHeader { kind: EntryKind::Data, partition, segment: 9, position: 64, length: 5 };
    let mut body = Vec::new();
    entry.encode(&mut body);
    body.extend_from_slice(b"hello");
    let header = FrameHeader {
        generation: Generation { run: 1, turn: 1 },
        sequence,
        synced_sequence: sequence - 1,
        body_bytes: u32::try_from(body.len()).expect("small"),
        entry_count: 1,
        shard: 0,
        shard_count: 1,
        id: 7,
    };
    let mut bytes = header.encode(std::iter::once(body.as_slice())).to_vec();
    bytes.extend_from_slice(&body);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

#[test]
fn journals() {
    let name = ".tidemill-journal-0-1";
    let mut bytes = [frame(4), frame(5), frame(6), vec![0; 64]].concat();
    let dir = TempDir::new().expect("a directory");
    let path = write(&dir, name, &bytes);
    let (text, failure) = explain(&dir, &path, true, Format::Text);
    assert_eq!(failure, "");
    assert!(text.contains("frame 5 (run 1 turn 1)  at 112  1 entries in 53 bytes"), "{text}");
    let entry = "AAAAAAAAAAAAAAAAAAAAAQ partition 2: 5 bytes of segment 9 at 64";
    assert!(text.contains(entry), "{text}");
    bytes[112 + 60] ^= 1;
    let path = write(&dir, name, &bytes);
    let (_, failure) = explain(&dir, &path, false, Format::Text);
    assert_eq!(
        failure,
        format!("damaged: {name}, byte 109: frame 5 is damaged, the next whole one is 6")
    );
    let what = ".tidemill-points-1-0: the checksum does not match, or the file is cut; \
                recovery goes without it";
    let (text, failure) = (format!("DAMAGED {what}"), format!("damaged: {what}"));
    check(".tidemill-points-1-0", b"TMP1", &text, &failure);
}

fn one_record(key: Option<&[u8]>, value: Option<&[u8]>) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(TIME, key, value, &[]);
    builder.finish()
}

#[test]
fn internal_topics_are_decoded() {
    let shown = |topic: &str, key: Option<&[u8]>, value: Option<&[u8]>| {
        let dir = TempDir::new().expect("a directory");
        let name = format!("{topic}-0/00000000000000000000.log");
        let path = write(&dir, &name, &one_record(key, value));
        let (text, failure) = explain(&dir, &path, true, Format::Text);
        assert_eq!(failure, "");
        let line = text.lines().find(|line| line.starts_with("    0  ")).expect("a record");
        line.trim().split_once("Z  ").expect("after the time").1.to_owned()
    };
    let mut out = Encoder::new();
    let record = TopicRecord { name: "orders", topic_id: Uuid::METADATA_TOPIC };
    AnyRecord::TopicRecord(record).encode(&mut out, 0);
    let framed = [vec![1, 2, 0], out.into_vec().expect("short")].concat();
    assert_eq!(
        shown("__cluster_metadata", None, Some(&framed)),
        "TopicRecord { name: \"orders\", topic_id: AAAAAAAAAAAAAAAAAAAAAQ }"
    );
    let unknown = shown("__cluster_metadata", None, Some(&[1, 99, 0, 7]));
    assert_eq!(unknown, "record of type 99 version 0, 1 bytes");
    let cut = shown("__cluster_metadata", None, Some(&[1]));
    assert_eq!(cut, "cannot be decoded: input ends inside a field");

    let key = OffsetCommitKey { group: "g", topic: "t", partition: 3 };
    let key = [vec![0, 1], key.to_vec(0).expect("short")].concat();
    let value = OffsetCommitValue { offset: 17, commit_timestamp: TIME, ..Default::default() };
    let value = [vec![0, 3], value.to_vec(3).expect("short")].concat();
    assert_eq!(
        shown("__consumer_offsets", Some(&key), Some(&value)),
        "group \"g\" t-3: offset 17 committed 2023-11-14T22:13:20.000Z"
    );
    assert_eq!(shown("__consumer_offsets", Some(&key), None), "group \"g\" t-3: offset removed");
}

#[test]
fn log_directories_become_a_table() {
    let dir = TempDir::new().expect("a directory");
    write(&dir, "data/meta.properties", b"version=1\nnode.id=1\ncluster.id=c\n");
    write(&dir, &format!("data/a-0/{LOG}"), &batch(5, 2, Codec::None));
    write(&dir, "data/a-1/00000000000000000000.log", b"");
    let mut bad = batch(0, 1, Codec::None);
    bad[70] ^= 1;
    write(&dir, "data/b-0/00000000000000000000.log", &bad);
    let (text, failure) = explain(&dir, &dir.path().join("data"), false, Format::Text);
    let table = "TOPIC  PARTITION  SEGMENTS  SIZE  START  END  STATUS\n\
                 a              0         1    99      5    7  ok\n\
                 a              1         1     0      0    0  ok\n\
                 b              0         1    80      0    1  DAMAGED\n";
    assert!(text.ends_with(table), "{text}");
    let start = "damaged: data/b-0/00000000000000000000.log, byte 0, offset 0: checksum";
    assert!(failure.starts_with(start), "{failure}");
}

#[test]
fn strangers_are_refused() {
    let dir = TempDir::new().expect("a directory");
    for name in ["notes.txt", "5.log", "x.index", ".tidemill-journal-x"] {
        let path = write(&dir, name, b"?");
        assert_eq!(super::kind_of(&path), None, "{name}");
    }
}
