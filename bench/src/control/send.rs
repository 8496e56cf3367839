//! The limits of a fetch path: every Fetch is answered with the same batches, from the page cache
//! by sendfile or splice, or from the device by a direct read.

use crate::Failure;
use crate::answer::FETCH_VERSION;
use crate::control::file::{Access, CHUNK_BYTES, Chunk, Place, Places, make};
use crate::control::null::failed;
use crate::control::serve::{Ending, Work};
use crate::kernel::{Interest, Received, receive};
use engine_base::Offset;
use engine_record::{BatchBuilder, BatchOptions};
use net_wire::Records;
use net_wire::frame::encode_response;
use net_wire::generated::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::pipe::{PipeFlags, SpliceFlags};
use std::io;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Large enough for a Fetch of one partition.
const REQUEST_BYTES_MAX: usize = 4096;
/// What stays in the page cache; a chunk is sent from each place in turn.
const CACHED_BYTES_MAX: u64 = 64 << 20;
/// Reads at a time, and chunks for them besides one that each connection sends.
const READERS: usize = 4;
const CHUNKS: usize = 8;
const BATCH_BYTES: usize = 128 << 10;
const RECORD_BYTES: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Sendfile,
    Splice,
    Read,
}

pub struct Send {
    way: Way,
    file: Arc<OwnedFd>,
    places: Places,
    readers: Option<Readers>,
    /// Of each answer, up to its records; only the correlation id changes.
    head: Vec<u8>,
    records_bytes: usize,
}

/// Threads that read chunks ahead, as a device queue would: what is read next is never waited for.
struct Readers {
    read: Receiver<io::Result<Chunk>>,
    /// Chunks to be read into.
    free: Sender<Chunk>,
}

pub struct Session {
    input: Vec<u8>,
    /// The answer in work: its head, what was sent of it and of the records.
    head: Vec<u8>,
    place: u64,
    left: usize,
    piped: usize,
    pipe: Option<(OwnedFd, OwnedFd)>,
    chunk: Option<Chunk>,
}

impl Send {
    pub fn new(place: &Place<'_>, way: Way) -> Result<Send, Failure> {
        let (chunk, records_bytes, records) = records();
        let (access, bytes) = match way {
            Way::Read => (Access::Direct, place.bytes),
            Way::Sendfile | Way::Splice => (Access::Cached, place.bytes.min(CACHED_BYTES_MAX)),
        };
        let file = Arc::new(make(&Place { folder: place.folder, bytes }, access, &chunk)?);
        let readers = (way == Way::Read).then(|| Readers::start(&file, bytes)).transpose()?;
        let partition = PartitionData {
            high_watermark: records,
            last_stable_offset: records,
            records: Records::Slice(&chunk.bytes()[..records_bytes]),
            ..Default::default()
        };
        let topic = FetchableTopicResponse {
            topic: "control",
            partitions: vec![partition].into(),
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic].into(), ..Default::default() };
        let mut head = encode_response(FETCH_VERSION, 0, &response)?.to_vec();
        head.truncate(head.len() - records_bytes);
        Ok(Send { way, file, places: Places::new(bytes), readers, head, records_bytes })
    }

    /// Sends on; true when the answer is done.
    fn advance(&self, stream: &TcpStream, session: &mut Session) -> Result<bool, Errno> {
        while !session.head.is_empty() {
            let sent = rustix::net::send(stream, &session.head, SendFlags::MORE)?;
            session.head.drain(..sent);
        }
        while session.left > 0 {
            let sent = match (self.way, &session.chunk) {
                (Way::Read, Some(chunk)) => {
                    let start = self.records_bytes - session.left;
                    let records = &chunk.bytes()[start..self.records_bytes];
                    rustix::net::send(stream, records, SendFlags::empty())?
                }
                (Way::Read, None) => return Err(Errno::IO),
                (Way::Splice, _) => self.splice(stream, session)?,
                (Way::Sendfile, _) => {
                    let mut at = session.place;
                    let sent =
                        rustix::fs::sendfile(stream, &self.file, Some(&mut at), session.left)?;
                    session.place = at;
                    sent
                }
            };
            session.left -= sent;
        }
        Ok(true)
    }

    fn splice(&self, stream: &TcpStream, session: &mut Session) -> Result<usize, Errno> {
        let Some((reader, writer)) = &session.pipe else { return Err(Errno::INVAL) };
        if session.piped == 0 {
            let mut at = session.place;
            session.piped = rustix::pipe::splice(
                &self.file,
                Some(&mut at),
                writer,
                None,
                session.left,
                SpliceFlags::MOVE,
            )?;
            session.place = at;
        }
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let sent = rustix::pipe::splice(reader, None, stream, None, session.piped, flags)?;
        session.piped -= sent;
        Ok(sent)
    }

    /// Begins the answer to a request that is whole.
    fn begin(&mut self, session: &mut Session) -> Result<(), Failure> {
        session.head.extend_from_slice(&self.head);
        session.head[4..8].copy_from_slice(&session.input[8..12]);
        session.place = self.places.take(u64::try_from(CHUNK_BYTES)?);
        session.left = self.records_bytes;
        if let Some(readers) = &self.readers {
            if let Some(used) = session.chunk.take() {
                readers.free.send(used).map_err(|_| "the readers ended")?;
            }
            let chunk = readers.read.recv()?.map_err(|error| format!("direct read: {error}"))?;
            session.chunk = Some(chunk);
        }
        Ok(())
    }
}

impl Readers {
    fn start(file: &Arc<OwnedFd>, bytes: u64) -> Result<Readers, Failure> {
        let (free, wanted) = channel::<Chunk>();
        let (done, read) = channel();
        let wanted = Arc::new(Mutex::new((wanted, Places::new(bytes))));
        let chunk_bytes = u64::try_from(CHUNK_BYTES)?;
        for _ in 0..READERS {
            let (file, wanted, done) = (Arc::clone(file), Arc::clone(&wanted), done.clone());
            std::thread::Builder::new().name("reader".to_owned()).spawn(move || {
                loop {
                    let next = wanted.lock().map(|mut wanted| {
                        let chunk = wanted.0.recv();
                        (chunk, wanted.1.take(chunk_bytes))
                    });
                    let Ok((Ok(mut chunk), place)) = next else { return };
                    let outcome = match rustix::io::pread(&file, chunk.bytes_mut(), place) {
                        Ok(CHUNK_BYTES) => Ok(chunk),
                        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                        Err(error) => Err(error.into()),
                    };
                    if done.send(outcome).is_err() {
                        return;
                    }
                }
            })?;
        }
        for _ in 0..CHUNKS {
            free.send(Chunk::new())?;
        }
        Ok(Readers { read, free })
    }
}

impl Work for Send {
    type State = Session;

    fn state(&mut self) -> Result<Session, Failure> {
        let pipe = (self.way == Way::Splice).then(|| {
            let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            // A limit for users may forbid it; then more calls are needed for each answer.
            let _ = rustix::pipe::fcntl_setpipe_size(&writer, CHUNK_BYTES);
            Ok::<_, Errno>((reader, writer))
        });
        // Each connection may keep a chunk for as long as its peer is slow.
        if let Some(readers) = &self.readers {
            readers.free.send(Chunk::new()).map_err(|_| "the readers ended")?;
        }
        Ok(Session {
            input: Vec::new(),
            head: Vec::new(),
            place: 0,
            left: 0,
            piped: 0,
            pipe: pipe.transpose()?,
            chunk: None,
        })
    }

    fn turn(&mut self, stream: &TcpStream, session: &mut Session) -> Result<Interest, Ending> {
        if session.left == 0 {
            let mut piece = [0; REQUEST_BYTES_MAX];
            match receive(stream, &mut piece).map_err(failed)? {
                Received::Later => return Ok(Interest::Read),
                Received::Closed => return Err(None),
                Received::Bytes(len) => session.input.extend_from_slice(&piece[..len]),
            }
            let Some(prefix) = session.input.first_chunk::<4>() else { return Ok(Interest::Read) };
            let bytes = usize::try_from(u32::from_be_bytes(*prefix)).map_err(failed)? + 4;
            if !(12..=REQUEST_BYTES_MAX).contains(&bytes) || session.input[4..6] != [0, 1] {
                return Err(failed("not a fetch of one partition"));
            }
            if session.input.len() < bytes {
                return Ok(Interest::Read);
            }
            self.begin(session).map_err(Some)?;
            session.input.drain(..bytes);
        }
        match self.advance(stream, session) {
            Ok(_) => Ok(Interest::Read),
            Err(Errno::AGAIN) => Ok(Interest::Write),
            Err(error) => Err(failed(error)),
        }
    }
}

/// A chunk of batches, how many bytes of it they take, and how many records they hold.
fn records() -> (Chunk, usize, i64) {
    let mut chunk = Chunk::new();
    let (mut filled, mut records) = (0, 0);
    loop {
        let base_offset = Offset(records);
        let mut builder = BatchBuilder::new(BatchOptions { base_offset, ..Default::default() });
        while builder.bytes_len() + 2 * RECORD_BYTES <= BATCH_BYTES {
            builder.append(1, None, Some(&[b'c'; RECORD_BYTES]), &[]);
        }
        let count = i64::from(builder.count());
        let batch = builder.finish();
        let Some(place) = chunk.bytes_mut().get_mut(filled..filled + batch.len()) else {
            return (chunk, filled, records);
        };
        place.copy_from_slice(&batch);
        filled += batch.len();
        records += count;
    }
}
