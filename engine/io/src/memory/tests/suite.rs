//! The suite that all backends pass, on machines of several tempers.

use super::super::{Chunking, Directories, Latency, Machine, MemoryEnv, NetOptions, Options};
use crate::mail::Mail;
use crate::suite::{Message, environment_suite};
use std::path::PathBuf;
use std::time::Duration;

fn tempers() -> Vec<(u64, Options)> {
    let slow = Latency {
        slow_per_million: 10_000,
        slow: Duration::from_millis(40),
        ..Latency::between(Duration::ZERO, Duration::from_micros(300))
    };
    let net = NetOptions { window_bytes: 3000, latency: slow, ..Options::default().net };
    let rough = Options {
        read: slow,
        write: slow,
        sync: slow,
        directories: Directories::Journaled,
        net,
        ..Options::default()
    };
    let mut tempers = vec![(0, Options::calm()), (1, rough)];
    tempers.extend((2..5).map(|seed| (seed, Options::default())));
    tempers
}

fn run_suite<F, Fut>(name: &str, shards: u16, main: F)
where
    F: Fn(MemoryEnv, Mail<Message>, PathBuf) -> Fut,
    Fut: Future<Output = ()>,
{
    for (seed, mut options) in tempers() {
        options.net.chunking = match name {
            // Asks for its six bytes of thanks in one receive.
            "shards_talk_over_sockets" => Chunking::Whole,
            "bytes_come_back" if seed == 4 => Chunking::Bytes,
            _ => options.net.chunking,
        };
        let machine = Machine::new(seed, options);
        machine.put_dir("/suite");
        let results =
            machine.run_shards(shards, async |env, mail| main(env, mail, "/suite".into()).await);
        assert_eq!(results.len(), usize::from(shards));
    }
}

environment_suite!(run_suite);
