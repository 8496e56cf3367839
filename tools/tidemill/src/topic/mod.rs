//! `tidemill topic`: create, list, describe, delete.

mod create;
mod delete;
mod describe;
mod list;

use crate::failure::Failure;
use clap::Subcommand;

pub use create::pair;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create topics
    Create(create::Args),
    /// List topics
    List(list::Args),
    /// Show partitions, offsets and configuration of topics
    Describe(describe::Args),
    /// Delete topics and their data
    Delete(delete::Args),
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create::run(args),
        Command::List(args) => list::run(args),
        Command::Describe(args) => describe::run(args),
        Command::Delete(args) => delete::run(args),
    }
}
