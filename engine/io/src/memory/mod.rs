//! The deterministic backend: a whole machine in one thread, drawn from one seed. Virtual time, a
//! disk with a volatile and a durable level, a network of byte streams, and faults in all of them.
//! Always compiled; tests and the simulator build on it. A run is a pure function of seed, options
//! and the code under test: no thread, no real clock, no real file, no unsafe.
//!
//! | module | holds |
//! |---|---|
//! | `machine` | [`Machine`] and [`Control`]: run, kill, cut, inject, inspect |
//! | `env`, `file`, `stream` | the traits of [`env`](crate::env) |
//! | `world` | tasks, time, events, the loop |
//! | `disk`, `operation`, `inode`, `namespace`, `pages` | the disk, its files, names and bytes |
//! | `fault`, `options`, `random` | what goes wrong, how fast things are, chance and trace |
//! | `net` | connections and listeners |
#![forbid(unsafe_code)]

mod disk;
mod env;
mod fault;
mod file;
mod inode;
mod machine;
mod namespace;
mod net;
mod operation;
mod options;
mod pages;
mod random;
mod stream;
mod world;

#[cfg(test)]
mod tests;

pub use disk::DiskStats;
pub use env::MemoryEnv;
pub use fault::{DiskCall, Effect, Failure, Fault, FaultId, When};
pub use file::MemoryFile;
pub use inode::PowerCut;
pub use machine::{Control, Machine};
pub use namespace::Directories;
pub use net::{ConnectionId, ConnectionInfo, Side};
pub use operation::OpId;
pub use options::{Chunking, NetOptions, Options, Order};
pub use random::{Latency, Random, TraceEntry};
pub use stream::{MemoryListener, MemoryStream};
pub use world::Halt;
