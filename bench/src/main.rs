//! The load generator, the control loops and the looks at a broker after a kill. One thread each,
//! raw protocol, the same for every broker. Called by `scripts/bench` and by hand; see README.md.

mod answer;
mod arguments;
mod churn;
mod client;
mod clock;
mod connection;
mod control;
mod cpu;
mod device;
#[cfg(test)]
mod fake;
mod fetch;
mod frames;
#[cfg(test)]
mod honest;
mod kernel;
mod latency;
mod ledger;
mod offsets;
mod pace;
mod payload;
mod produce;
mod report;
mod settle;
mod tail;
mod tally;
mod verify;
mod window;

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
        Command::Produce(options) => {
            kernel::allow_many_sockets();
            let measured = window::run(&options)?;
            show(options.window.format, &measured)?;
            // What was counted until then is shown, and the exit code says that it is not whole.
            measured.failure.map_or(Ok(()), |failure| Err(failure.into()))
        }
        Command::Fetch(options) => show(options.window.format, &fetch::run(&options)?),
        Command::Control(options) => {
            kernel::allow_many_sockets();
            control::run(&options)
        }
        Command::Verify(options) => show(options.format, &verify::run(&options)?),
        Command::Await(options) => show(options.format, &verify::wait(&options)?),
        Command::Cpu(options) => show(options.format, &cpu::watch(&options)?),
    }
}

fn show<R: serde::Serialize + report::Text>(format: Format, result: &R) -> Result<(), Failure> {
    match format {
        Format::Json => println!("{}", serde_json::to_string(result)?),
        Format::Text => print!("{}", result.text()),
    }
    Ok(())
}
