//! The only door from the engine to the machine: disk, sockets, time, chance, tasks, mail between
//! shards. Everything above takes `E: Env` and names neither the runtime nor the kernel. Backends:
//! [`uring`] (production) and [`memory`] (deterministic, seeded, faulty); both pass one test suite.

pub mod buffer;
pub mod env;
pub mod mail;
pub mod memory;
mod slabs;
#[cfg(test)]
mod suite;
pub mod sync;
pub mod uring;

pub use buffer::{Arena, Chunk, ChunkClass, DMA_ALIGN, DmaBuf};
pub use env::{
    Create, DirEntry, Durability, Env, File, Instant, Listener, OpenMode, Queue, Stream,
};
pub use mail::{Bell, Mailbox, mesh};
