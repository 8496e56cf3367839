//! The command line of the load generator, the control loops and the looks at a broker after a
//! kill. Called by `scripts/bench` and by hand; see README.md.

use clap::Parser as _;
use load::arguments::{Arguments, Command, Format};
use load::{Failure, control, cpu, fetch, kernel, report, verify, window};
use std::process::ExitCode;

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
        Command::Fetch(options) => {
            let measured = fetch::run(&options)?;
            show(options.window.format, &measured)?;
            measured.failure.map_or(Ok(()), |failure| Err(failure.into()))
        }
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
