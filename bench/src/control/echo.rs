//! The two loops that know no protocol: reading alone, and reading and sending back.

use crate::Failure;
use crate::control::null::{failed, write_out};
use crate::control::serve::{Ending, Work};
use crate::kernel::{Interest, Received, receive};
use std::net::TcpStream;

/// Copies bytes in and forgets them.
pub struct Recv {
    input: Vec<u8>,
}

impl Recv {
    pub fn new(read_bytes: usize) -> Recv {
        Recv { input: vec![0; read_bytes] }
    }
}

impl Work for Recv {
    type State = ();

    fn state(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn turn(&mut self, stream: &TcpStream, _: &mut ()) -> Result<Interest, Ending> {
        match receive(stream, &mut self.input).map_err(failed)? {
            Received::Closed => Err(None),
            Received::Later | Received::Bytes(_) => Ok(Interest::Read),
        }
    }
}

/// Sends back what it reads.
pub struct Echo {
    input: Vec<u8>,
}

impl Echo {
    pub fn new(read_bytes: usize) -> Echo {
        Echo { input: vec![0; read_bytes] }
    }
}

impl Work for Echo {
    /// Read and not sent back yet.
    type State = Vec<u8>;

    fn state(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    fn turn(&mut self, stream: &TcpStream, output: &mut Vec<u8>) -> Result<Interest, Ending> {
        if output.is_empty() {
            match receive(stream, &mut self.input).map_err(failed)? {
                Received::Later => {}
                Received::Closed => return Err(None),
                Received::Bytes(len) => output.extend_from_slice(&self.input[..len]),
            }
        }
        write_out(stream, output)
    }
}
