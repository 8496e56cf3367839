//! The null broker: what answering Produce requests costs on this kernel when nothing is done for
//! them. It copies the bytes in, as a broker must, finds in each frame what its answer needs, and
//! answers all that are complete in what one read brought with one write. It stores and checks
//! nothing.

use crate::Failure;
use crate::control::requests::{Blind, Offsets, Requests};
use crate::control::serve::{Ending, Work};
use crate::kernel::{Interest, Received, receive};
use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;

pub struct Null {
    input: Vec<u8>,
    offsets: Offsets,
}

#[derive(Default)]
pub struct Session {
    pub requests: Requests,
    pub output: Vec<u8>,
}

impl Null {
    /// `read_bytes` is the size of one read; it should stay in the second-level cache.
    pub fn new(read_bytes: usize) -> Null {
        Null { input: vec![0; read_bytes], offsets: Offsets::new() }
    }
}

impl Work for Null {
    type State = Session;

    fn state(&mut self) -> Result<Session, Failure> {
        Ok(Session::default())
    }

    /// One read, one write.
    fn turn(&mut self, stream: &TcpStream, session: &mut Session) -> Result<Interest, Ending> {
        // Nothing is read while answers wait, so that they cannot pile up.
        if session.output.is_empty() {
            match receive(stream, &mut self.input).map_err(failed)? {
                Received::Later => {}
                Received::Closed => return Err(None),
                Received::Bytes(len) => session
                    .requests
                    .take(&self.input[..len], &mut Blind, &mut self.offsets, &mut session.output)
                    .map_err(failed)?,
            }
        }
        write_out(stream, &mut session.output)
    }
}

pub fn failed(error: impl Into<Failure>) -> Ending {
    Some(error.into())
}

/// Writes once what waits; says what to wait for.
pub fn write_out(mut stream: &TcpStream, output: &mut Vec<u8>) -> Result<Interest, Ending> {
    if !output.is_empty() {
        match stream.write(output) {
            Ok(len) => drop(output.drain(..len)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(if output.is_empty() { Interest::Read } else { Interest::Write })
}
