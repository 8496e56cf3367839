//! A whole broker on the simulated machine, spoken to over the simulated network. Helpers in
//! `harness`; one file per subject.
#![allow(clippy::unwrap_used, reason = "tests")]

mod data;
mod disk;
mod frames;
mod harness;
mod items;
mod limits;
