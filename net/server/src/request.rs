//! One request as a handler sees it: the frame it came in, its header, and the way its answer is
//! framed. Bytes stay in the frame; messages borrow from it.

use crate::connection::Connection;
use crate::memory::Charge;
use crate::pipeline::{Close, Outcome, Reply};
use bytes::Bytes;
use engine_base::codec::Reader;
use engine_base::message::Message;
use net_wire::frame::encode_response;
use net_wire::{ApiKey, RequestHeader, Response};
use std::rc::Rc;

/// A request in work. `S` is the stream type of the environment.
pub struct Request<S> {
    pub api: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
    pub frame: Bytes,
    /// Where the body starts in `frame`.
    pub body_at: usize,
    client_id: Option<(usize, usize)>,
    pub connection: Rc<Connection<S>>,
    /// The memory this request holds, until it is answered.
    _charge: Charge,
}

impl<S> Request<S> {
    /// `body` is the part of `frame` behind the header.
    pub fn new(
        header: &RequestHeader<'_>,
        frame: &Bytes,
        body: &[u8],
        connection: Rc<Connection<S>>,
        charge: Charge,
    ) -> Self {
        let client_id = header.client_id.map(|text| {
            let start = text.as_ptr().addr() - frame.as_ptr().addr();
            (start, start + text.len())
        });
        Request {
            api: header.api,
            version: header.api_version,
            correlation_id: header.correlation_id,
            frame: frame.clone(),
            body_at: frame.len() - body.len(),
            client_id,
            connection,
            _charge: charge,
        }
    }

    /// The name the client gave itself, empty if none.
    pub fn client_id(&self) -> &str {
        self.client_id
            .and_then(|(start, end)| std::str::from_utf8(self.frame.get(start..end)?).ok())
            .unwrap_or_default()
    }

    /// The body as a message that borrows from the frame. Bytes behind it are ignored.
    pub fn decode<'a, M: Message<'a>>(&'a self) -> Result<M, Close> {
        let body = self.frame.get(self.body_at..).unwrap_or_default();
        M::decode_from(&mut Reader::new(body), self.version).map_err(|error| {
            Close::because(format!("{} version {} is malformed: {error}", M::NAME, self.version))
        })
    }

    /// A slice of the frame as shared bytes.
    pub fn share(&self, part: &[u8]) -> Bytes {
        self.frame.slice_ref(part)
    }

    /// The answer, framed.
    pub fn reply<'a, R: Response<'a>>(&self, response: &R) -> Outcome {
        self.reply_in(response, self.version)
    }

    /// The answer in another version than the request's: only ApiVersions does that.
    pub fn reply_in<'a, R: Response<'a>>(&self, response: &R, version: i16) -> Outcome {
        encode_response(version, self.correlation_id, response)
            .map(Reply::Frame)
            .map_err(|error| Close::because(format!("the answer cannot be written: {error}")))
    }
}
