//! `tidemill bench`: what a broker does under load, and two such runs side by side. The load is that
//! of `bench/src`, the one generator of this repository; here are options, progress, and results.

mod args;
mod chart;
mod compare;
mod environment;
mod line;
mod measure;
mod page;
mod report;
mod run;
mod target;
mod text;

#[cfg(test)]
mod tests;

use crate::failure::Failure;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[command(after_help = "The target is any broker that speaks Kafka's protocol on a plaintext \
    listener; TLS and SASL are not there yet.\n\
    A run ends at the first error; what was measured until then is shown and kept, marked as \
    partial, and the exit code is not 0.")]
pub enum Command {
    /// Send records, and time their acknowledgements
    Produce(Box<args::ProduceArgs>),
    /// Fetch the records of a topic, round and round
    Consume(Box<args::ConsumeArgs>),
    /// Time records from when they should be sent until a consumer has them
    EndToEnd(Box<args::EndToEndArgs>),
    /// Show two runs side by side
    Compare(compare::Args),
    /// Show a run again, or make a page of it
    Report(report::Args),
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Produce(args) => measure::produce(args),
        Command::Consume(args) => measure::consume(args),
        Command::EndToEnd(args) => measure::end_to_end(args),
        Command::Compare(args) => compare::run(args),
        Command::Report(args) => report::run(args),
    }
}
