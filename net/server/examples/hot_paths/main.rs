//! Instructions of the hot paths, counted by callgrind: the gate against what a clock on a shared
//! machine cannot see. One path runs so many times and so many times more; the difference divided
//! by the difference is what one operation takes. Called by `scripts/test` and by hand:
//!
//!     cargo build --release -p net-server --example hot_paths
//!     target/release/examples/hot_paths check             # all against counts.txt
//!     target/release/examples/hot_paths check produce-1
//!     target/release/examples/hot_paths renew             # writes counts.txt
//!     target/release/examples/hot_paths run produce-1 1000
//!
//! Nothing here touches the kernel's ring or a real disk: the paths that do I/O run on the
//! simulated machine of `engine/io`, whose own work is counted with them.

mod broker;
mod gate;
mod log;
mod requests;
mod table;

use std::process::ExitCode;

/// As in the shipped binary: what allocation costs belongs to a path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// A hot path: does its work so many times, and panics if that did not come out right.
struct HotPath {
    name: &'static str,
    what: &'static str,
    run: fn(u32),
}

const PATHS: &[HotPath] = &[
    HotPath {
        name: "decode-1",
        what: "decode a Produce request, validate its batch of one record",
        run: |count| requests::decode_produce(requests::ONE, count),
    },
    HotPath {
        name: "decode-16k",
        what: "the same, 15 records of 1 KiB",
        run: |count| requests::decode_produce(requests::FULL, count),
    },
    HotPath {
        name: "append-1",
        what: "append one record to the log, journal frame, ticket",
        run: |count| log::append(requests::ONE, count),
    },
    HotPath {
        name: "append-16k",
        what: "the same, 15 records of 1 KiB",
        run: |count| {
            log::append(requests::FULL, count);
        },
    },
    HotPath {
        name: "read-1",
        what: "decode a Fetch request, read one record from the tail, encode the answer",
        run: |count| log::read(requests::ONE, count),
    },
    HotPath {
        name: "read-16k",
        what: "the same, 15 records of 1 KiB",
        run: |count| {
            log::read(requests::FULL, count);
        },
    },
    HotPath {
        name: "produce-1",
        what: "a Produce of one record through a whole broker, acks=1",
        run: |count| broker::produce(requests::ONE, 1, count),
    },
    HotPath {
        name: "produce-16k",
        what: "the same, 15 records of 1 KiB",
        run: |count| broker::produce(requests::FULL, 1, count),
    },
    HotPath {
        name: "produce-all-1",
        what: "one record, acks=all",
        run: |count| broker::produce(requests::ONE, -1, count),
    },
    HotPath {
        name: "fetch-1",
        what: "a Fetch of one record at the tail through a whole broker",
        run: |count| broker::fetch(requests::ONE, count),
    },
    HotPath {
        name: "fetch-16k",
        what: "the same, 15 records of 1 KiB",
        run: |count| {
            broker::fetch(requests::FULL, count);
        },
    },
];

const USAGE: &str = "\
usage: hot_paths check [PATH]... | renew | run PATH COUNT

  check   count by callgrind, compare with counts.txt, fail where a path takes more
  renew   count all and write counts.txt
  run     do one path so many times: for callgrind, or perf";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["check", names @ ..] => chosen(names).and_then(|paths| gate::check(&paths)),
        ["renew"] => gate::renew(PATHS).map(|()| true),
        ["run", name, count] => run(name, count).map(|()| true),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("hot_paths: {failure}");
            ExitCode::from(2)
        }
    }
}

fn find(name: &str) -> Result<&'static HotPath, Failure> {
    let found = PATHS.iter().find(|path| path.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = PATHS.iter().map(|path| path.name).collect();
        format!("there is no path {name}; there are {}", names.join(", ")).into()
    })
}

fn chosen(names: &[&str]) -> Result<Vec<&'static HotPath>, Failure> {
    if names.is_empty() {
        return Ok(PATHS.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

fn run(name: &str, count: &str) -> Result<(), Failure> {
    let path = find(name)?;
    (path.run)(count.parse().map_err(|_| format!("{count:?} is no count"))?);
    Ok(())
}
