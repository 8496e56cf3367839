//! The limit of durable acknowledgements: all that one round of readiness brought goes to a file
//! with one write and one flush, then all of it is answered.

use crate::Failure;
use crate::control::file::{Access, Chunk, Place, Places, make};
use crate::control::null::{Session, failed, write_out};
use crate::control::requests::{Blind, Offsets};
use crate::control::serve::{Ending, Work};
use crate::kernel::{Interest, Received, receive};
use rustix::fd::OwnedFd;
use std::net::TcpStream;

pub struct Commit {
    input: Vec<u8>,
    offsets: Offsets,
    file: OwnedFd,
    places: Places,
    /// Of this round.
    journal: Vec<u8>,
}

impl Commit {
    pub fn new(place: &Place<'_>, read_bytes: usize) -> Result<Commit, Failure> {
        Ok(Commit {
            input: vec![0; read_bytes],
            offsets: Offsets::new(),
            file: make(place, Access::Cached, &Chunk::new())?,
            places: Places::new(place.bytes),
            journal: Vec::new(),
        })
    }
}

impl Work for Commit {
    type State = Session;

    fn state(&mut self) -> Result<Session, Failure> {
        Ok(Session::default())
    }

    /// Reads only; what is answered waits for the end of the round.
    fn turn(&mut self, stream: &TcpStream, session: &mut Session) -> Result<Interest, Ending> {
        if session.output.is_empty() {
            match receive(stream, &mut self.input).map_err(failed)? {
                Received::Later => {}
                Received::Closed => return Err(None),
                Received::Bytes(len) => {
                    let piece = &self.input[..len];
                    self.journal.extend_from_slice(piece);
                    session
                        .requests
                        .take(piece, &mut Blind, &mut self.offsets, &mut session.output)
                        .map_err(failed)?;
                }
            }
        }
        Ok(if session.output.is_empty() { Interest::Read } else { Interest::Write })
    }

    fn end_round(&mut self) -> Result<bool, Failure> {
        if !self.journal.is_empty() {
            let place = self.places.take(u64::try_from(self.journal.len())?);
            let mut done = 0;
            while done < self.journal.len() {
                let at = place + u64::try_from(done)?;
                done += rustix::io::pwrite(&self.file, &self.journal[done..], at)?;
            }
            rustix::fs::fdatasync(&self.file)?;
            self.journal.clear();
        }
        Ok(true)
    }

    fn finish(&mut self, stream: &TcpStream, session: &mut Session) -> Result<Interest, Ending> {
        write_out(stream, &mut session.output)
    }
}
