//! One request as a handler sees it: the frame it came in, its header, and the way its answer is
//! framed. Bytes stay in the frame; messages borrow from it.

use crate::connection::Connection;
use crate::memory::Charge;
use crate::pipeline::{Close, Outcome, Reply};
use crate::work::{Share, TURN_ITEMS, WEIGHT_FREE, WEIGHT_MAX, Work};
use bytes::Bytes;
use engine_base::codec::Reader;
use engine_base::message::Message;
use engine_io::Env;
use net_wire::frame::encode_response;
use net_wire::{ApiKey, RequestHeader, Response};
use std::cell::{Cell, RefCell};
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
    work: Rc<Work>,
    /// Has many items, and holds a share of `work` or waits for it.
    heavy: Cell<bool>,
    /// What its body weighs, once that is decoded.
    weight: Cell<usize>,
    share: RefCell<Option<Share>>,
    /// Items worked on since others had a turn.
    items: Cell<usize>,
}

impl<S> Drop for Request<S> {
    fn drop(&mut self) {
        if self.heavy.get() {
            self.connection.heavy.set(self.connection.heavy.get() - 1);
            self.connection.heavy_ended.notify();
        }
    }
}

impl<S> Request<S> {
    /// `body` is the part of `frame` behind the header.
    pub fn new(
        header: &RequestHeader<'_>,
        frame: &Bytes,
        body: &[u8],
        connection: Rc<Connection<S>>,
        charge: Charge,
        work: Rc<Work>,
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
            work,
            heavy: Cell::new(false),
            weight: Cell::new(0),
            share: RefCell::new(None),
            items: Cell::new(0),
        }
    }

    /// The name the client gave itself, empty if none.
    pub fn client_id(&self) -> &str {
        self.client_id
            .and_then(|(start, end)| std::str::from_utf8(self.frame.get(start..end)?).ok())
            .unwrap_or_default()
    }

    /// The body as a message that borrows from the frame. Bytes behind it are ignored. One with many
    /// items waits here until others with many are done.
    pub async fn decode<'a, M: Message<'a>>(&'a self) -> Result<M, Close> {
        let (message, weight) = self.decode_within(WEIGHT_MAX)?;
        self.weight.set(weight);
        self.weigh_also(0).await;
        Ok(message)
    }

    /// A body that never has many items. For requests that others must not wait for, as they may take
    /// as long as their client likes.
    pub fn decode_light<'a, M: Message<'a>>(&'a self) -> Result<M, Close> {
        self.decode_within(WEIGHT_FREE).map(|(message, _)| message)
    }

    fn decode_within<'a, M: Message<'a>>(&'a self, allowance: usize) -> Result<(M, usize), Close> {
        let body = self.frame.get(self.body_at..).unwrap_or_default();
        let mut reader = Reader::limited(body, allowance);
        let message = M::decode_from(&mut reader, self.version).map_err(|error| {
            Close::because(format!("{} version {} is malformed: {error}", M::NAME, self.version))
        })?;
        Ok((message, allowance - reader.allowance()))
    }

    /// Has the request count as one that holds `more` besides its body, waiting for its turn if that
    /// is much. What it held so far is free while it waits, so that no two wait for each other.
    pub async fn weigh_also(&self, more: usize) {
        let weight = self.weight.get().saturating_add(more);
        let held = self.share.borrow().as_ref().map_or(WEIGHT_FREE, Share::weight);
        if weight <= held {
            return;
        }
        drop(self.share.take());
        if !self.heavy.replace(true) {
            self.connection.heavy.set(self.connection.heavy.get() + 1);
        }
        let share = self.work.begin(weight).await;
        self.share.replace(Some(share));
    }

    /// Lets go of what was held for many items: they are in the hands of another, whose answer may be
    /// long in coming.
    pub fn hand_over(&self) {
        drop(self.share.take());
    }

    /// Has many items.
    pub fn is_heavy(&self) -> bool {
        self.heavy.get()
    }

    /// Called for each item by whoever works on them: lets others run now and then.
    pub async fn turn<E: Env>(&self, env: &E) {
        if !self.is_heavy() {
            return;
        }
        self.items.set(self.items.get() + 1);
        if self.items.get() >= TURN_ITEMS {
            self.items.set(0);
            env.yield_now().await;
        }
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
