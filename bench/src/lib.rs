//! The load generator: open and closed produce loops, consumers that drop records in the kernel,
//! what both cost a broker. One thread each, raw protocol, the same for every broker. Used by the
//! `bench` binary (control loops, ledgers, `scripts/bench`) and by `tidemill bench`.

pub mod answer;
pub mod arguments;
pub mod churn;
pub mod client;
pub mod clock;
pub mod connection;
pub mod control;
pub mod cpu;
pub mod device;
pub mod error;
#[cfg(test)]
mod fake;
pub mod fetch;
pub mod frames;
#[cfg(test)]
mod honest;
pub mod kernel;
pub mod latency;
pub mod leaders;
pub mod ledger;
pub mod look;
pub mod offsets;
pub mod pace;
pub mod passes;
pub mod payload;
pub mod produce;
pub mod report;
pub mod settle;
pub mod tail;
pub mod tally;
pub mod verify;
pub mod window;

/// What went wrong, for the person who started the run.
pub type Failure = Box<dyn std::error::Error>;
