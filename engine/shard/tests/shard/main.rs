//! The engine of a whole node on the simulated machine: shards that start, serve, stop, are killed
//! and lose power. Helpers in `harness`; one file per subject.
#![allow(clippy::unwrap_used, reason = "tests")]

mod append;
mod crash;
mod faults;
mod fetch;
mod groups;
mod harness;
mod restart;
mod topics;
