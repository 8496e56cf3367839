//! Production backend: one pinned thread per shard, with its tasks and a ring of its own, in which it
//! also sleeps. The only place, with `buffer.rs`, that speaks to the kernel.
//!
//! - `run.rs` starts and ends a runtime; `probe.rs`, `system.rs` and `directory.rs` find out before
//!   that what the machine allows, `error.rs` says it.
//! - `shard.rs` is what a shard has, `environment.rs` the handle to it that the engine uses,
//!   `file.rs`, `socket.rs` and `accept.rs` what it opens.
//! - `request.rs` builds requests with the memory they refer to, `ring.rs` keeps them until they
//!   are done, `queues.rs` is the way to the kernel.
//! - `executor.rs` keeps the tasks, `timers.rs` the time; `pump.rs` is the loop that moves all of
//!   them, `bell.rs` wakes it from other threads.

mod accept;
mod address;
mod bell;
mod directory;
mod environment;
mod error;
mod executor;
mod file;
mod probe;
mod pump;
mod queues;
mod request;
mod ring;
mod run;
mod shard;
mod socket;
mod system;
#[cfg(test)]
mod tests;
mod timers;

pub use bell::StopHandle;
pub use directory::probe_directory;
pub use environment::UringEnv;
pub use error::StartError;
pub use file::UringFile;
pub use probe::{Machine, available_cpus, probe};
pub use run::run;
pub use socket::{UringListener, UringStream};

/// Shards of one runtime.
pub const SHARDS_MAX: u16 = 1024;

/// What a runtime shall be made of.
#[derive(Clone, Debug)]
pub struct RuntimeConfig {
    /// How many shards, from 1 to [`SHARDS_MAX`].
    pub shards: u16,
    /// Processors to bind the shards to, in turn; when there are more shards they share. Empty: all
    /// that this process may use.
    pub cpus: Vec<usize>,
    /// Asks the runtime to stop.
    pub stop: StopHandle,
}

impl Default for RuntimeConfig {
    /// One shard for each processor that this process may use.
    fn default() -> Self {
        let shards =
            u16::try_from(available_cpus().len()).unwrap_or(SHARDS_MAX).clamp(1, SHARDS_MAX);
        RuntimeConfig { shards, cpus: Vec::new(), stop: StopHandle::new() }
    }
}
