//! What the command line says: help, refusals, suggestions.

use super::Cli;
use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}
