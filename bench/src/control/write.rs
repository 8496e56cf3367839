//! The limit of a produce path: receive straight into large chunks, check each batch's sum while
//! it is hot, write the chunks directly, answer at once. Writes are waited for by threads, as many
//! as a queue would be deep.

use crate::Failure;
use crate::control::file::{Access, CHUNK_BYTES, Chunk, Place, Places, make};
use crate::control::null::{Session, failed, write_out};
use crate::control::requests::{Batches, Offsets};
use crate::control::serve::{Ending, Work};
use crate::kernel::{Interest, Received, receive};
use crc_fast::{CrcAlgorithm, Digest};
use engine_record::header::{ATTRIBUTES_AT, CRC_AT};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Writes at a time.
const WRITERS: usize = 3;

pub struct Write {
    read_bytes: usize,
    sums: Sums,
    offsets: Offsets,
    /// Being filled, up to `filled`.
    chunk: Chunk,
    filled: usize,
    places: Places,
    writers: Vec<Sender<(Chunk, u64)>>,
    writer_next: usize,
    free: Receiver<std::io::Result<Chunk>>,
}

/// The sum of the batch in work of the connection that has its turn.
#[derive(Clone)]
pub struct Sums {
    digest: Digest,
    expected: u32,
}

pub struct SummedSession {
    session: Session,
    sums: Sums,
}

impl Sums {
    fn new() -> Sums {
        Sums { digest: Digest::new(CrcAlgorithm::Crc32Iscsi), expected: 0 }
    }
}

impl Batches for Sums {
    fn header(&mut self, header: &[u8]) {
        let stored = header[CRC_AT..].first_chunk().expect("a header is whole");
        self.expected = u32::from_be_bytes(*stored);
        self.digest.reset();
        self.digest.update(&header[ATTRIBUTES_AT..]);
    }

    fn bytes(&mut self, piece: &[u8]) {
        self.digest.update(piece);
    }

    fn end(&mut self) -> bool {
        self.digest.finalize() == u64::from(self.expected)
    }
}

impl Write {
    pub fn new(place: &Place<'_>, read_bytes: usize) -> Result<Write, Failure> {
        let file = Arc::new(make(place, Access::Direct, &Chunk::new())?);
        let (free_sender, free) = channel();
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let (sender, receiver) = channel::<(Chunk, u64)>();
            let (file, done) = (Arc::clone(&file), free_sender.clone());
            std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
                for (chunk, offset) in receiver {
                    let written = rustix::io::pwrite(&file, chunk.bytes(), offset);
                    let outcome = match written {
                        Ok(CHUNK_BYTES) => Ok(chunk),
                        Ok(_) => Err(std::io::ErrorKind::WriteZero.into()),
                        Err(error) => Err(error.into()),
                    };
                    if done.send(outcome).is_err() {
                        return;
                    }
                }
            })?;
            writers.push(sender);
            free_sender.send(Ok(Chunk::new()))?;
        }
        Ok(Write {
            read_bytes,
            sums: Sums::new(),
            offsets: Offsets::new(),
            chunk: Chunk::new(),
            filled: 0,
            places: Places::new(place.bytes),
            writers,
            writer_next: 0,
            free,
        })
    }

    /// Gives the full chunk to a writer; waits if all chunks are being written.
    fn swap(&mut self) -> Result<(), Failure> {
        let fresh = self.free.recv()?.map_err(|error| format!("direct write: {error}"))?;
        let full = std::mem::replace(&mut self.chunk, fresh);
        self.filled = 0;
        let place = self.places.take(u64::try_from(CHUNK_BYTES)?);
        self.writers[self.writer_next].send((full, place)).map_err(|_| "a writer ended")?;
        self.writer_next = (self.writer_next + 1) % WRITERS;
        Ok(())
    }
}

impl Work for Write {
    type State = SummedSession;

    fn state(&mut self) -> Result<SummedSession, Failure> {
        Ok(SummedSession { session: Session::default(), sums: self.sums.clone() })
    }

    fn turn(&mut self, stream: &TcpStream, state: &mut SummedSession) -> Result<Interest, Ending> {
        let SummedSession { session, sums } = state;
        if session.output.is_empty() {
            if self.filled == CHUNK_BYTES {
                self.swap().map_err(Some)?;
            }
            let end = CHUNK_BYTES.min(self.filled + self.read_bytes);
            let room = &mut self.chunk.bytes_mut()[self.filled..end];
            match receive(stream, room).map_err(failed)? {
                Received::Later => {}
                Received::Closed => return Err(None),
                Received::Bytes(len) => {
                    let piece = &self.chunk.bytes()[self.filled..self.filled + len];
                    session
                        .requests
                        .take(piece, sums, &mut self.offsets, &mut session.output)
                        .map_err(failed)?;
                    self.filled += len;
                }
            }
        }
        write_out(stream, &mut session.output)
    }
}
