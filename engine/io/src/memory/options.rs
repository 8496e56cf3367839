//! How a simulated machine behaves when nobody injects a fault.

use super::namespace::Directories;
use super::random::{Latency, Random};
use std::time::Duration;

/// In which order things happen that could happen in any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Drawn from the seed.
    Random,
    /// First come, first served.
    Fifo,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    pub order: Order,
    /// Virtual time that one poll of a task takes, at most, in nanoseconds. Zero freezes time while
    /// anything can run, so that loops over `yield_now` that wait for a deadline never end.
    pub poll_nanos_max: u64,
    /// Polls of one run. Beyond: a panic, as the tasks most likely chase each other for ever.
    pub polls_max: u64,
    /// Milliseconds since 1970 when the machine starts.
    pub wall_ms: i64,
    /// Whether to keep each trace entry, to find where two runs part.
    pub keep_trace: bool,

    /// Size of the disk.
    pub capacity_bytes: u64,
    pub directories: Directories,
    pub read: Latency,
    pub write: Latency,
    pub sync: Latency,
    /// Opening, renaming, removing, resizing.
    pub metadata: Latency,

    pub net: NetOptions,
}

/// How a send is cut to pieces on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chunking {
    Whole,
    Random,
    /// One byte at a time.
    Bytes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetOptions {
    pub latency: Latency,
    pub chunking: Chunking,
    /// Bytes under way or unread in one direction. Beyond: the sender waits.
    pub window_bytes: usize,
    /// Connections that wait to be accepted by one listener. Beyond: refused.
    pub backlog: usize,
    /// Pieces of a million that are followed by a reset of their connection.
    pub cut_per_million: u32,
}

const fn micros(min: u64, max: u64) -> Latency {
    Latency::between(Duration::from_micros(min), Duration::from_micros(max))
}

impl Default for Options {
    /// Random order, latencies of a good NVMe device and of loopback, 1 TiB of room.
    fn default() -> Self {
        Options {
            order: Order::Random,
            poll_nanos_max: 400,
            polls_max: 200_000_000,
            wall_ms: 1_750_000_000_000,
            keep_trace: false,
            capacity_bytes: 1 << 40,
            directories: Directories::Loose,
            read: micros(20, 120),
            write: micros(15, 90),
            sync: micros(60, 400),
            metadata: micros(2, 30),
            net: NetOptions {
                latency: micros(5, 50),
                chunking: Chunking::Random,
                window_bytes: 128 << 10,
                backlog: 1024,
                cut_per_million: 0,
            },
        }
    }
}

impl Options {
    /// A mix of its own for each seed, so that rare combinations come up: now and then a slow or
    /// stalling disk, a narrow or cutting network, one byte at a time, names in a journal or loose.
    pub fn swarm(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x5741_524d);
        let mut options = Options::default();
        let mut latency = |usual: Latency| match random.below(4) {
            0 => usual,
            1 => Latency::NONE,
            2 => Latency { max: usual.max * 50, ..usual },
            _ => Latency { slow_per_million: 5_000, slow: Duration::from_secs(2), ..usual },
        };
        options.read = latency(options.read);
        options.write = latency(options.write);
        options.sync = latency(options.sync);
        options.metadata = latency(options.metadata);
        options.net.latency = latency(options.net.latency);
        if random.chance(300_000) {
            options.directories = Directories::Journaled;
        }
        options.net.chunking = match random.below(8) {
            0 => Chunking::Bytes,
            1 => Chunking::Whole,
            _ => Chunking::Random,
        };
        options.net.window_bytes = 1 << (8 + random.index(12));
        options.net.cut_per_million = [0, 0, 10, 1_000][random.index(4)];
        options
    }

    /// First come, first served; nothing takes time; sends arrive whole.
    pub fn calm() -> Self {
        let net = NetOptions {
            latency: Latency::NONE,
            chunking: Chunking::Whole,
            ..Options::default().net
        };
        Options {
            order: Order::Fifo,
            read: Latency::NONE,
            write: Latency::NONE,
            sync: Latency::NONE,
            metadata: Latency::NONE,
            net,
            ..Options::default()
        }
    }
}
