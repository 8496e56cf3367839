//! One connection to one broker, one request at a time. [`Connection::into_pipe`] makes one that
//! carries several.

use super::versions::Versions;
use super::{Address, ClientError};
use bytes::Bytes;
use engine_base::encoder::Encoder;
use net_wire::frame::{LEN_BYTES, frame_len, put_request};
use net_wire::generated::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use net_wire::{ApiKey, ErrorCode, Request, ResponseHeader, Segments};
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Largest answer accepted, in bytes: a fetch may carry one batch beyond what was asked for.
const ANSWER_BYTES_MAX: usize = 1 << 30;
/// Reserved for an answer before its bytes arrive.
const RESERVE_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// From a request to its answer.
    pub request: Duration,
}

impl Timeouts {
    pub fn with_request(request: Duration) -> Timeouts {
        // A timeout of zero means "none" to the system.
        let request = request.max(Duration::from_millis(1));
        Timeouts { connect: request.min(CONNECT_TIMEOUT_MAX), request }
    }
}

#[derive(Debug)]
pub struct Connection {
    pub(super) stream: TcpStream,
    pub(super) address: Address,
    pub(super) client_id: String,
    pub(super) versions: Versions,
    pub(super) correlation_id: i32,
    pub(super) timeouts: Timeouts,
}

/// An answer, not decoded yet: decoding borrows from it.
#[derive(Debug)]
pub struct Reply {
    frame: Bytes,
    api: ApiKey,
    version: i16,
    address: Address,
}

impl Reply {
    pub(super) fn new(frame: Bytes, api: ApiKey, version: i16, address: Address) -> Reply {
        Reply { frame, api, version, address }
    }

    pub fn decode<'a, R: net_wire::Response<'a>>(&'a self) -> Result<R, ClientError> {
        assert_eq!(R::API, self.api, "decoding another API's answer");
        let malformed = |error| ClientError::malformed(&self.address, R::NAME, error);
        let (_, body) =
            ResponseHeader::decode(&self.frame, self.api, self.version).map_err(malformed)?;
        R::decode(body, self.version).map_err(malformed)
    }
}

impl Connection {
    /// Connects and agrees on versions.
    pub fn open(
        address: &Address,
        client_id: &str,
        timeouts: Timeouts,
    ) -> Result<Connection, ClientError> {
        let failed = |error| ClientError::Connect { address: address.clone(), error };
        let stream = connect(address, timeouts.connect).map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(timeouts.request)).map_err(failed)?;
        stream.set_write_timeout(Some(timeouts.request)).map_err(failed)?;
        let mut connection = Connection {
            stream,
            address: address.clone(),
            client_id: client_id.to_owned(),
            versions: Versions::default(),
            correlation_id: 0,
            timeouts,
        };
        connection.agree()?;
        Ok(connection)
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// ApiVersions in our newest version; a broker that does not know it answers in version 0 with
    /// the versions it has.
    fn agree(&mut self) -> Result<(), ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "tidemill",
            client_software_version: env!("CARGO_PKG_VERSION"),
        };
        let newest = ApiKey::ApiVersions.api().advertised_max;
        let reply = self.exchange(&request, newest)?;
        let unsupported = ErrorCode::UnsupportedVersion.code();
        let body = reply.frame.get(LEN_BYTES..).unwrap_or_default();
        if body.first_chunk::<2>().is_some_and(|code| i16::from_be_bytes(*code) == unsupported) {
            let old = Reply { version: 0, ..reply };
            let offered = Versions::new(&old.decode::<ApiVersionsResponse<'_>>()?);
            let version = offered.pick(ApiKey::ApiVersions, newest).unwrap_or(0);
            let reply = self.exchange(&request, version)?;
            return self.learn(&reply);
        }
        self.learn(&reply)
    }

    fn learn(&mut self, reply: &Reply) -> Result<(), ClientError> {
        let response: ApiVersionsResponse<'_> = reply.decode()?;
        super::check(response.error_code, None, || format!("ApiVersions on {}", self.address))?;
        self.versions = Versions::new(&response);
        Ok(())
    }

    /// The version of an API to use on this connection, not above `cap`.
    pub fn version(&self, api: ApiKey, cap: i16) -> Result<i16, ClientError> {
        let unsupported =
            || ClientError::Unsupported { address: self.address.clone(), api: api.api().name };
        self.versions.pick(api, cap).ok_or_else(unsupported)
    }

    /// Sends a request in the newest version common to both sides, and waits for its answer.
    pub fn call<'a, R: Request<'a>>(&mut self, request: &R) -> Result<Reply, ClientError> {
        self.call_up_to(request, i16::MAX)
    }

    /// As [`Connection::call`], in a version not above `cap`.
    pub fn call_up_to<'a, R: Request<'a>>(
        &mut self,
        request: &R,
        cap: i16,
    ) -> Result<Reply, ClientError> {
        let version = self.version(R::API, cap)?;
        self.exchange(request, version)
    }

    /// As [`Connection::call`], for requests whose answer the broker holds back for up to `extra`.
    pub fn call_slow<'a, R: Request<'a>>(
        &mut self,
        request: &R,
        cap: i16,
        extra: Duration,
    ) -> Result<Reply, ClientError> {
        let version = self.version(R::API, cap)?;
        self.set_read_timeout(self.timeouts.request + extra)?;
        let reply = self.exchange(request, version)?;
        self.set_read_timeout(self.timeouts.request)?;
        Ok(reply)
    }

    fn set_read_timeout(&self, timeout: Duration) -> Result<(), ClientError> {
        self.stream
            .set_read_timeout(Some(timeout))
            .map_err(|error| ClientError::Broken { address: self.address.clone(), error })
    }

    fn exchange<'a, R: Request<'a>>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<Reply, ClientError> {
        let id = self.send(request, version)?;
        let what = R::API.api().name;
        let frame = read_frame(&mut self.stream).map_err(|error| self.fault(error, what))?;
        let got = correlation_id(&frame);
        if got != Some(id) {
            let what = format!("{what}: answer to another request");
            return Err(ClientError::Protocol { address: self.address.clone(), what });
        }
        Ok(Reply { frame, api: R::API, version, address: self.address.clone() })
    }

    /// Writes a request; returns its correlation id.
    pub(super) fn send<'a, R: Request<'a>>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<i32, ClientError> {
        self.correlation_id = self.correlation_id.wrapping_add(1) & i32::MAX;
        let id = self.correlation_id;
        let mut out = Encoder::new();
        put_request(&mut out, version, id, Some(&self.client_id), request);
        let segments = Segments::take(&mut out)?;
        let what = R::API.api().name;
        write_all(&mut self.stream, &segments).map_err(|error| self.fault(error, what))?;
        Ok(id)
    }

    fn fault(&self, error: io::Error, what: &'static str) -> ClientError {
        let address = self.address.clone();
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ClientError::Timeout { address, what }
            }
            io::ErrorKind::InvalidData => {
                ClientError::Protocol { address, what: format!("{what}: {error}") }
            }
            _ => ClientError::Broken { address, error },
        }
    }
}

/// Tries all addresses of the name within one timeout.
fn connect(address: &Address, timeout: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + timeout;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for target in (address.host.as_str(), address.port).to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&target, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn write_all(stream: &mut TcpStream, segments: &Segments) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> =
        segments.parts().iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        match stream.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One answer without its length. Memory grows with the bytes that arrive.
pub(super) fn read_frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut prefix = [0; LEN_BYTES];
    stream.read_exact(&mut prefix)?;
    let len = frame_len(prefix, ANSWER_BYTES_MAX)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    let mut frame = Vec::with_capacity(len.min(RESERVE_BYTES));
    let limit = u64::try_from(len).expect("the limit fits");
    Read::take(&mut *stream, limit).read_to_end(&mut frame)?;
    if frame.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(frame.into())
}

/// The number of the request that a frame answers.
pub(super) fn correlation_id(frame: &[u8]) -> Option<i32> {
    frame.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::{Connection, Timeouts};
    use crate::client::ClientError;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    /// A listener that reads one frame at a time and answers each with the next of `answers`.
    fn served(answers: Vec<Vec<u8>>) -> Result<Connection, ClientError> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            for mut answer in answers {
                let mut prefix = [0; 4];
                stream.read_exact(&mut prefix).expect("a request");
                let len = u32::from_be_bytes(prefix);
                let mut frame = vec![0; usize::try_from(len).expect("small")];
                stream.read_exact(&mut frame).expect("a request");
                if answer.len() >= 8 {
                    answer[4..8].copy_from_slice(&frame[4..8]);
                }
                stream.write_all(&answer).expect("sent");
            }
        });
        let address = format!("127.0.0.1:{port}").parse().expect("an address");
        let timeouts = Timeouts::with_request(Duration::from_secs(5));
        let result = Connection::open(&address, "test", timeouts);
        drop(server.join());
        result
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 4).expect("small");
        [&len.to_be_bytes()[..], &[0; 4], body].concat()
    }

    #[test]
    fn falls_back_to_the_versions_of_an_old_broker() {
        // Error 35 in version 0 with one key: 18, versions 0 to 2; then a version 2 answer.
        let refusal = framed(&[0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 2]);
        let answer = framed(&[0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0]);
        let connection = served(vec![refusal, answer]).expect("agreed");
        assert_eq!(connection.version(net_wire::ApiKey::Metadata, i16::MAX).ok(), Some(8));
        let fetch = connection.version(net_wire::ApiKey::Fetch, i16::MAX).expect_err("not offered");
        assert!(fetch.to_string().ends_with("does not offer Fetch"), "{fetch}");
    }

    #[test]
    fn strangers_are_named() {
        let error =
            served(vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]).expect_err("no kafka");
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
        let error = served(vec![Vec::new()]).expect_err("closed");
        assert!(error.to_string().contains("closed the connection"), "{error}");
        let error = served(vec![framed(&[0, 0, 9])]).expect_err("cut");
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
    }
}
