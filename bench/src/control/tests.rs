//! Each loop under the load that it is for.

use super::{commit, echo, file, send, serve, spawn_null, write};
use crate::arguments::{Arguments, Command};
use crate::control::serve::Work;
use crate::report::Measured;
use crate::{fetch, window};
use clap::Parser as _;
use std::net::TcpListener;
use std::path::Path;

const FILE_BYTES: u64 = 8 << 20;
const READ_BYTES: usize = 64 << 10;

fn place(folder: &Path) -> file::Place<'_> {
    file::Place { folder, bytes: FILE_BYTES }
}

/// Serves on a thread, gives the address.
fn spawn<W: Work + Send + 'static>(mut work: W) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || serve(&listener, &mut work).expect("serves"));
    address
}

/// Runs a command of the generator against an address.
fn run(address: &str, words: &str) -> Measured {
    let line = format!("bench {words} --address {address} --topic t --seconds 0.1 --warm-up 0.02");
    let parsed = Arguments::try_parse_from(line.split_whitespace()).expect(words).command;
    let measured = match parsed {
        Command::Produce(options) => window::run(&options).expect(words),
        Command::Fetch(options) => fetch::run(&options).expect(words),
        other => panic!("{other:?}"),
    };
    assert_eq!(measured.failure, None, "{words}");
    assert!(measured.requests > 0, "{words}");
    measured
}

#[test]
fn the_null_broker_takes_every_shape() {
    let address = spawn_null();
    for shape in [
        "produce --partitions 2 --record-bytes 100000 --batch-bytes 200000",
        "produce --partitions 2 --connections 3 --depth 5 --writing together",
        "produce --partitions 6 --partitions-per-request 3 --connections 2 --depth 4",
        "produce --records-per-batch 1 --record-bytes 100 --acks 0",
        "produce --records-per-batch 20 --codec zstd --content text --key-bytes 8",
    ] {
        let measured = run(&address, shape);
        assert_eq!((measured.foreign_offsets, measured.latency.count), (0, measured.requests));
    }
    let own = std::process::id();
    let measured = run(&address, &format!("produce --connections 8 --rate 2000 --pid {own}"));
    assert!(measured.cpu_s_per_gb().is_some_and(|cost| cost > 0.0));
    // All that were meant for the window have a time, whenever they were answered.
    assert!(measured.latency.count >= 190, "{}", measured.latency.count);
}

#[test]
fn bytes_alone_are_taken_and_sent_back() {
    let shape = "produce --batch-bytes 30000 --depth 4 --no-settle";
    run(&spawn(echo::Recv::new(READ_BYTES)), &format!("{shape} --acks 0"));
    run(&spawn(echo::Echo::new(READ_BYTES)), &format!("{shape} --echo"));
}

#[test]
fn what_writes_answers_like_the_null_broker() {
    let folder = tempfile::tempdir().expect("a folder");
    let shape = "produce --connections 3 --depth 3 --partitions 3 --batch-bytes 60000";
    match write::Write::new(&place(folder.path()), READ_BYTES) {
        Ok(work) => drop(run(&spawn(work), shape)),
        // Some file systems of temporary files know no direct access.
        Err(failure) => assert!(failure.to_string().contains("Invalid argument"), "{failure}"),
    }
    let work = commit::Commit::new(&place(folder.path()), READ_BYTES).expect("a file");
    run(&spawn(work), shape);
    assert_eq!(std::fs::read_dir(folder.path()).expect("is there").count(), 0, "a file stayed");
}

#[test]
fn what_sends_gives_whole_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    for way in [send::Way::Sendfile, send::Way::Splice, send::Way::Read] {
        match send::Send::new(&place(folder.path()), way) {
            Ok(work) => {
                let shape = "fetch --partitions 2 --connections 2 --check-every 3";
                let measured = run(&spawn(work), shape);
                assert!(measured.bytes / measured.requests > 900_000, "{measured:?}");
            }
            Err(failure) => assert!(failure.to_string().contains("Invalid argument"), "{failure}"),
        }
    }
}
