//! A connection with several requests under way. Requests are written by whoever owns the pipe;
//! a thread of its own reads the answers and sends them, in order, to a channel that all pipes of
//! an operation share.

use super::connection::{Connection, Reply, correlation_id, read_frame};
use super::{Address, ClientError};
use bytes::Bytes;
use net_wire::{ApiKey, Request};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::Sender;

/// What a reading thread reports of the pipe `id`. After an error it has ended.
#[derive(Debug)]
pub struct Arrival {
    pub id: u64,
    pub frame: io::Result<Bytes>,
}

/// Owned by the operation that writes the requests. Dropping it ends the reading thread.
#[derive(Debug)]
pub struct Pipe {
    connection: Connection,
    id: u64,
}

impl Connection {
    /// Starts the reading thread; `event` wraps its reports for the channel.
    pub fn into_pipe<E: Send + 'static>(
        self,
        id: u64,
        events: Sender<E>,
        event: fn(Arrival) -> E,
    ) -> Result<Pipe, ClientError> {
        let broken = |error| ClientError::Broken { address: self.address.clone(), error };
        let mut stream = self.stream.try_clone().map_err(broken)?;
        // The owner watches the time: between answers there may be none for long.
        stream.set_read_timeout(None).map_err(broken)?;
        std::thread::Builder::new()
            .name("answers".into())
            .spawn(move || read_all(&mut stream, id, &events, event))
            .map_err(broken)?;
        Ok(Pipe { connection: self, id })
    }
}

fn read_all<E>(stream: &mut TcpStream, id: u64, events: &Sender<E>, event: fn(Arrival) -> E) {
    loop {
        let frame = read_frame(stream);
        let ended = frame.is_err();
        // Nobody listens any more once the operation is over.
        if events.send(event(Arrival { id, frame })).is_err() || ended {
            return;
        }
    }
}

impl Pipe {
    pub fn id(&self) -> u64 {
        self.id
    }

    pub fn address(&self) -> &Address {
        self.connection.address()
    }

    /// Writes a request; its answer comes by the channel.
    pub fn send<'a, R: Request<'a>>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<i32, ClientError> {
        self.connection.send(request, version)
    }

    /// An answer of this pipe to the request `id` of `api`.
    pub fn reply(
        &self,
        frame: Bytes,
        id: i32,
        api: ApiKey,
        version: i16,
    ) -> Result<Reply, ClientError> {
        if correlation_id(&frame) != Some(id) {
            let what = format!("{}: answer to another request", api.api().name);
            return Err(ClientError::Protocol { address: self.address().clone(), what });
        }
        Ok(Reply::new(frame, api, version, self.address().clone()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // The peer may have closed it already.
        let _ = self.connection.stream.shutdown(Shutdown::Both);
    }
}
