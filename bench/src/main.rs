//! The load generator, the null broker and the tables of our measurements. One thread each, raw
//! protocol, the same for every broker. Called by `scripts/measure` and by hand; see README.md.

mod answer;
mod arguments;
mod client;
mod connection;
mod cpu;
mod fetch;
mod frames;
mod kernel;
mod latency;
mod null;
mod produce;
mod report;
mod table;

use arguments::{Arguments, Command, Format};
use clap::Parser as _;
use std::process::ExitCode;

/// What went wrong, for the person who started the run.
pub type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Produce(options) => show(options.window.format, &produce::run(&options)?),
        Command::Fetch(options) => show(options.window.format, &fetch::run(&options)?),
        Command::Null(options) => null::run(&options),
        Command::Cpu(options) => {
            show(options.format, &cpu::watch(options.pid, options.core, options.seconds)?)
        }
        Command::Table(options) => {
            print!("{}", table::render_file(&options.results)?);
            Ok(())
        }
    }
}

fn show<R: serde::Serialize + report::Text>(format: Format, result: &R) -> Result<(), Failure> {
    match format {
        Format::Json => println!("{}", serde_json::to_string(result)?),
        Format::Text => print!("{}", result.text()),
    }
    Ok(())
}
