//! Repository automation, `cargo dev <command>`. Runs on a developer's machine and in CI, never in
//! the broker. Everything it writes is committed; with `--check` it writes nothing and fails when
//! a committed file differs.

mod generate;
mod output;
mod protocol;
mod schema;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo dev <command> [--check]

  generate   write the message code of net/wire and engine/state from their schema folders
  protocol   write docs/PROTOCOL.md from the same schema

  --check    write nothing; fail if a committed file differs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (command, mode) = match arguments.as_slice() {
        [command] => (*command, output::Mode::Write),
        [command, "--check"] => (*command, output::Mode::Check),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    let root = root();
    let result = match command {
        "generate" => generate::run(&root),
        "protocol" => protocol::run(&root),
        _ => {
            eprintln!("unknown command {command}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match result.and_then(|files| output::settle(&root, &files, mode)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository: this crate lies two folders below it.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies in tools/dev").to_path_buf()
}
