//! One client connection, as one task on the shard that accepted it: receives, cuts frames, starts
//! each request, and sends the answers in order. The task ends when the peer leaves, when a request
//! cannot be answered, or when the server shuts the stream.

use crate::context::Context as ServerContext;
use crate::dispatch;
use crate::frames::Frames;
use crate::memory::{Charge, Drip, FREE_BYTES};
use crate::pipeline::{Close, Pipeline, Size};
use bytes::BytesMut;
use engine_io::sync::Signal;
use engine_io::{Env, Instant, Stream};
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use tracing::{debug, info};

/// Room for what a peer sends after its last request.
const DISCARD_BYTES: usize = 4 << 10;
/// Requests of one connection in work at once. Beyond: nothing more is received from it.
const IN_WORK_MAX: usize = 64;

/// What is known of a connection; shared by its requests and the sweeper.
pub struct Connection<S> {
    pub id: u64,
    pub stream: S,
    pub peer: SocketAddr,
    /// Which of the configured listeners accepted it.
    pub listener: usize,
    /// When bytes last arrived.
    pub received_at: Cell<Instant>,
    /// Bytes held of a frame that is not complete.
    pub partial_bytes: Cell<usize>,
    /// How slowly it brings what it announced.
    pub drip: Drip,
    /// Requests in work.
    pub in_work: Cell<usize>,
    /// Requests in work that have many items: behind them nothing begins.
    pub heavy: Cell<usize>,
    /// Fires when one of them has ended.
    pub heavy_ended: Signal,
    /// Since when the peer has had answers to take.
    pub sending_since: Cell<Option<Instant>>,
    /// Name and version the client gave in ApiVersions.
    pub software: RefCell<Option<(String, String)>>,
    /// Whether and when [`Connection::close`] was called.
    pub is_closed: Cell<bool>,
    pub closed: Signal,
}

impl<S: Stream> Connection<S> {
    /// Ends the connection whatever it waits for: with all places for requests taken by parked ones
    /// nobody receives, and so the end of the stream alone would not be seen.
    pub fn close(&self) {
        self.stream.shutdown();
        self.is_closed.set(true);
        self.closed.notify();
    }

    /// Completes once no request with many items is in work.
    async fn until_light(&self) {
        while self.heavy.get() > 0 {
            self.heavy_ended.wait().await;
        }
    }

    async fn until_closed(&self) {
        while !self.is_closed.get() {
            self.closed.wait().await;
        }
    }
}

/// Serves `connection` to its end.
pub async fn serve<E: Env>(server: Rc<ServerContext<E>>, connection: Rc<Connection<E::Stream>>) {
    let pipeline = Pipeline::new();
    let ended = {
        let receiving = pin!(receive(&server, &connection, &pipeline));
        let answering = pin!(answer(&server, &connection, &pipeline));
        // Receiving first: what it completes at once is answered within the same wake-up.
        let closed = pin!(connection.until_closed());
        match select(select(receiving, answering), closed).await {
            Either::Left((Either::Left((close, _)) | Either::Right((close, _)), _)) => close,
            Either::Right(_) => None,
        }
    };
    connection.stream.shutdown();
    let software = connection.software.borrow().clone().unwrap_or_default();
    match ended {
        Some(close) => info!(
            peer = %connection.peer,
            client = software.0,
            client_version = software.1,
            reason = close.reason,
            "connection closed"
        ),
        None => debug!(peer = %connection.peer, "connection ended by the peer"),
    }
}

/// Receives and starts requests until the peer leaves (`None`) or misbehaves.
async fn receive<E: Env>(
    server: &Rc<ServerContext<E>>,
    connection: &Rc<Connection<E::Stream>>,
    pipeline: &Pipeline,
) -> Option<Close> {
    let mut frames = Frames::new(server.request_bytes_max);
    let mut charge = server.memory.charge(connection.id);
    loop {
        if let Err(close) =
            start_requests(server, connection, pipeline, &mut frames, &mut charge).await
        {
            // Answers to what came before still go out: the closing waits its turn.
            std::future::poll_fn(|context| {
                let closing = Box::pin(std::future::ready(Err(close.clone())));
                pipeline.push(closing, Size::Small, context);
                Poll::Ready(())
            })
            .await;
            // A peer that has gone does not wait for them, whatever they wait for.
            return until_gone::<E>(connection).await;
        }
        let held = frames.held_bytes();
        connection.partial_bytes.set(held);
        charge.set(held);
        if held > FREE_BYTES {
            let asked_at = server.env.now();
            charge.room(&server.env).await;
            connection.drip.begin(asked_at, server.env.now());
        } else {
            connection.drip.reset();
        }
        let (result, buffer) = connection.stream.recv(frames.lend()).await;
        match result {
            Ok(0) => return None,
            Ok(received) => {
                frames.received(buffer, received);
                charge.set(frames.held_bytes());
            }
            Err(error) => {
                debug!(peer = %connection.peer, %error, "receive failed");
                return None;
            }
        }
        let now = server.env.now();
        connection.received_at.set(now);
        connection.drip.end(now, frames.held_bytes().saturating_sub(held));
    }
}

/// Takes what the peer still sends, and drops it, until the peer leaves.
async fn until_gone<E: Env>(connection: &Connection<E::Stream>) -> Option<Close> {
    let mut buffer = BytesMut::with_capacity(DISCARD_BYTES);
    loop {
        let (result, received) = connection.stream.recv(buffer).await;
        if !matches!(result, Ok(1..)) {
            return None;
        }
        buffer = received;
        buffer.clear();
        if buffer.capacity() == 0 {
            buffer.reserve(DISCARD_BYTES);
        }
    }
}

/// Starts every complete request, waiting while too many are in work.
async fn start_requests<E: Env>(
    server: &Rc<ServerContext<E>>,
    connection: &Rc<Connection<E::Stream>>,
    pipeline: &Pipeline,
    frames: &mut Frames,
    charge: &mut Charge,
) -> Result<(), Close> {
    loop {
        pipeline.below(IN_WORK_MAX).await;
        connection.until_light().await;
        if server.registry.stopping() {
            // What was taken is answered; the rest is for the next start.
            return std::future::pending().await;
        }
        let Some(frame) = frames.next_frame().map_err(|error| Close::because(error.to_string()))?
        else {
            return Ok(());
        };
        // What has left the buffer is the request's from here on, however long that waits.
        let held = frames.held_bytes();
        connection.partial_bytes.set(held);
        charge.set(held);
        let charge = charge.split(frame.len());
        let size = dispatch::size_of_answer(&frame);
        pipeline.room_for(size).await;
        let mut working = Some(dispatch::start(server, connection, frame, charge)?);
        std::future::poll_fn(|context| {
            if let Some(working) = working.take() {
                pipeline.push(working, size, context);
                connection.in_work.set(pipeline.waiting());
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Sends answers as they get ready, in order, until one of them ends the connection.
async fn answer<E: Env>(
    server: &ServerContext<E>,
    connection: &Rc<Connection<E::Stream>>,
    pipeline: &Pipeline,
) -> Option<Close> {
    loop {
        let segments = match std::future::poll_fn(|context| pipeline.poll_ready(context)).await {
            Ok(segments) => segments,
            Err(close) => return Some(close),
        };
        connection.in_work.set(pipeline.waiting());
        connection.sending_since.set(Some(server.env.now()));
        let mut sending = pin!(connection.stream.send(segments));
        let sent = std::future::poll_fn(|context| {
            // A slow peer holds up its answers, not its requests in work.
            pipeline.advance(context);
            sending.as_mut().poll(context)
        })
        .await;
        connection.sending_since.set(None);
        pipeline.sent();
        if let Err(error) = sent {
            debug!(peer = %connection.peer, %error, "send failed");
            return None;
        }
    }
}
