//! What commands print: data on stdout, talk on stderr, for people on a terminal and for programs
//! behind a pipe. Called by every command.

pub mod duration;
pub mod number;
pub mod progress;
pub mod table;
pub mod time;

use crate::failure::Failure;
use clap::ValueEnum;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// The form of a listing on stdout.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns; sizes are for people if stdout is a terminal
    #[default]
    Text,
    /// One JSON document; field names are stable
    Json,
}

/// Colours, or none of them.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    #[cfg(test)]
    pub const NONE: Paint = Paint { on: false };

    pub fn red(self, text: &str) -> String {
        self.wrap("31;1", text)
    }

    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn paint(terminal: bool) -> Paint {
    // https://no-color.org: any value but an empty one switches colour off.
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Paint { on: terminal && !refused }
}

pub fn stdout_paint() -> Paint {
    paint(stdout_is_terminal())
}

pub fn stderr_paint() -> Paint {
    paint(stderr_is_terminal())
}

pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Prints `text`, whole, on stdout. A reader that went away early (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Judges a write to stdout.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as a JSON document.
pub fn print_json<T: Serialize>(value: &T) -> Result<(), Failure> {
    print(&json_text(value))
}

/// A value as an indented JSON document that ends with a new line.
pub fn json_text<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("our listings hold only strings, numbers and lists");
    text.push('\n');
    text
}
