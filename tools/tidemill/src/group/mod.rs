//! `tidemill group`: which consumer groups there are, who is in them, and how far behind they are.

mod describe;
mod list;

use crate::failure::Failure;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the groups of all brokers
    List(list::Args),
    /// Show members, committed offsets and lag of groups
    Describe(describe::Args),
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::List(args) => list::run(args),
        Command::Describe(args) => describe::run(args),
    }
}
