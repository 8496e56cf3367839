//! The simulator's own semantics.

mod crash;
mod disk;
mod net;
mod run;
mod suite;

use super::{Machine, MemoryEnv, MemoryFile, Options};
use crate::buffer::DmaBuf;
use crate::env::{Create, Env, File, OpenMode};
use bytes::Bytes;
use std::io::IoSlice;
use std::path::Path;

fn machine(seed: u64) -> Machine {
    let machine = Machine::new(seed, Options::default());
    machine.put_dir("/d");
    machine
}

async fn open(env: &MemoryEnv, path: &str, direct: bool) -> MemoryFile {
    let mode = OpenMode { write: true, create: Create::IfMissing, direct };
    env.open(Path::new(path), mode).await.expect("opens")
}

fn put(file: &MemoryFile, position: u64, data: &[u8]) {
    file.write_cached(&[IoSlice::new(data)], position).expect("written");
}

/// `blocks` blocks of 4 KiB full of `byte`.
fn block(byte: u8, blocks: usize) -> Vec<Bytes> {
    let mut buffer = DmaBuf::unpooled(blocks * 4096);
    buffer.bytes_mut().fill(byte);
    vec![buffer.freeze(0..blocks * 4096)]
}

/// Runs `act` and returns the message it panics with.
fn panic_message(act: impl FnOnce()) -> String {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    let payload = caught.expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}
