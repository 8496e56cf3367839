//! Control loops: each does one part of a broker's work and nothing else, for the same load, so
//! that a broker's cost can be held against the least that is possible on this kernel. One thread
//! serves all connections; only direct writes are handed to threads, as a device queue would.

mod commit;
mod echo;
mod file;
mod null;
mod requests;
mod send;
mod serve;
mod write;

use crate::Failure;
use crate::arguments::{Control, ControlName};
use std::net::TcpListener;

pub use serve::serve;

pub fn run(options: &Control) -> Result<(), Failure> {
    let listener = TcpListener::bind(&options.listen)
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    listener.set_nonblocking(true)?;
    let read_bytes = usize::from(options.read_kib) << 10;
    let file = file::Place { folder: &options.folder, bytes: options.file_mib << 20 };
    // Files are ready before the line that says so.
    let ready = || -> Result<(), Failure> {
        println!("ready {}", listener.local_addr()?);
        Ok(())
    };
    match options.name {
        ControlName::Null => {
            ready()?;
            serve(&listener, &mut null::Null::new(read_bytes))
        }
        ControlName::Recv => {
            ready()?;
            serve(&listener, &mut echo::Recv::new(read_bytes))
        }
        ControlName::Echo => {
            ready()?;
            serve(&listener, &mut echo::Echo::new(read_bytes))
        }
        ControlName::Write => {
            let mut work = write::Write::new(&file, read_bytes)?;
            ready()?;
            serve(&listener, &mut work)
        }
        ControlName::Commit => {
            let mut work = commit::Commit::new(&file, read_bytes)?;
            ready()?;
            serve(&listener, &mut work)
        }
        ControlName::Sendfile | ControlName::Splice | ControlName::Read => {
            let way = match options.name {
                ControlName::Splice => send::Way::Splice,
                ControlName::Read => send::Way::Read,
                _ => send::Way::Sendfile,
            };
            let mut work = send::Send::new(&file, way)?;
            ready()?;
            serve(&listener, &mut work)
        }
    }
}

/// A null broker in this process, for tests.
#[cfg(test)]
pub fn spawn_null() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || serve(&listener, &mut null::Null::new(64 << 10)).expect("serves"));
    address
}

#[cfg(test)]
mod tests;
