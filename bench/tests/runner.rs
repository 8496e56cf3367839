//! The parts of scripts/bench that need no broker, tested where they are written: in Python.

use std::path::Path;
use std::process::Command;

#[test]
fn the_runner_passes_its_own_tests() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("measure").join("unit.py");
    let done = match Command::new("python3").arg(&script).output() {
        Ok(done) => done,
        // Python is no part of a build; scripts/setup installs it for tests.
        Err(error) => panic!("python3: {error}: run scripts/setup"),
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
