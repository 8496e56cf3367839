//! `tidemill`, the one shipped binary: the broker and its tools. Parses the command line, runs one
//! command, prints how it failed. Data goes to stdout, everything else to stderr.

mod bench;
mod client;
mod consume;
mod escape;
mod failure;
mod group;
mod inspect;
mod output;
mod produce;
mod serve;
mod signals;
mod topic;

use clap::{Parser, Subcommand};
use failure::Failure;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Kafka-compatible broker and its tools
#[derive(Debug, Parser)]
#[command(name = "tidemill", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 4 cannot reach a broker, \
    130 and 143 broken off by a signal.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a broker
    Serve(serve::Args),
    /// Create, list, describe and delete topics
    #[command(subcommand)]
    Topic(topic::Command),
    /// List and describe consumer groups
    #[command(subcommand)]
    Group(group::Command),
    /// Send records from files, pipes or the keyboard
    Produce(produce::Args),
    /// Print the records of a topic
    Consume(consume::Args),
    /// Explain files and directories that a broker wrote
    Inspect(inspect::Args),
    /// Measure a broker under load, and compare what was measured
    #[command(subcommand)]
    Bench(bench::Command),
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Serve(_) => Ok(()),
        Command::Topic(command) => topic::run(command),
        Command::Group(command) => group::run(command),
        Command::Produce(args) => produce::run(args),
        Command::Consume(args) => consume::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Bench(command) => bench::run(command),
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Serve(args) = &cli.command {
        return serve::run(args);
    }
    match run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests;
