//! A blocking connection for what comes before a load: one request, one answer.

use crate::Failure;
use net_wire::frame::{LEN_BYTES, encode_request, frame_len};
use net_wire::{Request, ResponseHeader};
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// A broker that does not take a connection by then is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// No answer takes this long.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// No answer to the requests made here is larger, in bytes.
pub const ANSWER_BYTES_MAX: usize = 128 << 20;

pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
}

/// The body of an answer, to be decoded by who knows what was asked.
pub struct Answer {
    frame: Vec<u8>,
    body_at: usize,
}

impl Answer {
    pub fn body(&self) -> &[u8] {
        &self.frame[self.body_at..]
    }
}

pub fn connect(address: &str) -> Result<TcpStream, Failure> {
    let failed = |error: std::io::Error| format!("cannot connect {address}: {error}");
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for target in address.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&target, CONNECT_LIMIT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last).into())
}

/// The other end of a socket, which can't be asked for its name once the connection is lost.
pub struct Peer {
    address: String,
}

impl Peer {
    pub fn of(stream: &TcpStream) -> Peer {
        let address = stream.peer_addr().map_or("?".to_owned(), |address| address.to_string());
        Peer { address }
    }

    pub fn lost(&self, error: &std::io::Error) -> Failure {
        format!("the connection to the broker at {} broke: {error}", self.address).into()
    }

    pub fn closed(&self) -> Failure {
        format!("the broker at {} closed a connection", self.address).into()
    }
}

impl Client {
    pub fn connect(address: &str) -> Result<Client, Failure> {
        let stream = connect(address)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(Client { stream, correlation_id: 0 })
    }

    pub fn call<'a, R: Request<'a>>(
        &mut self,
        version: i16,
        request: &R,
    ) -> Result<Answer, Failure> {
        self.correlation_id += 1;
        let sent = encode_request(version, self.correlation_id, Some("bench"), request)?.to_vec();
        let frame = self.send(&sent)?;
        let (header, body) = ResponseHeader::decode(&frame, R::API, version)?;
        if header.correlation_id != self.correlation_id {
            return Err(format!("answer to request {}", header.correlation_id).into());
        }
        let body_at = frame.len() - body.len();
        Ok(Answer { frame, body_at })
    }

    /// Sends a whole request frame; gives the answer's frame without its length.
    pub fn send(&mut self, frame: &[u8]) -> Result<Vec<u8>, Failure> {
        self.stream.write_all(frame)?;
        self.read()
    }

    fn read(&mut self) -> Result<Vec<u8>, Failure> {
        let mut prefix = [0; LEN_BYTES];
        self.stream
            .read_exact(&mut prefix)
            .map_err(|error| format!("no answer, the broker closed or is silent: {error}"))?;
        let mut frame = vec![0; frame_len(prefix, ANSWER_BYTES_MAX)?];
        self.stream.read_exact(&mut frame)?;
        Ok(frame)
    }
}
