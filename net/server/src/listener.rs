//! Accepting connections on one shard, knowing them, and letting them go: idle ones after
//! `connections.max.idle.ms`, dripping and deaf ones when memory runs short, all of them when the broker
//! stops.

use crate::connection::{Connection, serve};
use crate::context::Context;
use crate::memory::{DRIPPING_AFTER, Drip, FREE_BYTES};
use engine_io::sync::Signal;
use engine_io::{Env, Listener, Queue, Stream};
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tracing::{error, info, warn};

/// How often idle, dripping and deaf connections are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A connection that has not taken its answers for so long is closed when their memory is short.
const DEAF_AFTER: Duration = Duration::from_secs(10);
/// How long requests in work may take to finish when the broker stops.
const DRAIN_WAIT: Duration = Duration::from_secs(3);
/// Pause after a failed accept, so that a shortage of descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connections of one shard.
pub struct Registry<S> {
    connections: RefCell<BTreeMap<u64, Rc<Connection<S>>>>,
    last_id: Cell<u64>,
    /// Nothing new is taken: neither connections nor requests.
    stopping: Cell<bool>,
}

impl<S> Default for Registry<S> {
    fn default() -> Self {
        Registry {
            connections: RefCell::new(BTreeMap::new()),
            last_id: Cell::new(0),
            stopping: Cell::new(false),
        }
    }
}

impl<S> Registry<S> {
    pub fn count(&self) -> usize {
        self.connections.borrow().len()
    }

    pub fn stopping(&self) -> bool {
        self.stopping.get()
    }
}

/// Binds every configured listener on this shard. The addresses are those of the configuration.
pub fn bind<E: Env>(
    env: &E,
    addresses: &[SocketAddr],
) -> Result<Vec<E::Listener>, (SocketAddr, std::io::Error)> {
    addresses
        .iter()
        .map(|address| env.listen(*address).map_err(|error| (*address, error)))
        .collect()
}

/// Accepts on `listeners` until the broker stops.
pub fn accept_on<E: Env>(server: &Rc<Context<E>>, listeners: Vec<E::Listener>) {
    for (index, listener) in listeners.into_iter().enumerate() {
        let context = server.clone();
        server.env.spawn(Queue::Net, async move { accept(context, listener, index).await });
    }
    let context = server.clone();
    server.env.spawn(Queue::Background, async move { sweep(context).await });
}

async fn accept<E: Env>(server: Rc<Context<E>>, listener: E::Listener, index: usize) {
    let mut stopped = pin!(server.env.stopped());
    loop {
        let accepted = match select(pin!(listener.accept()), stopped.as_mut()).await {
            Either::Left((accepted, _)) => accepted,
            Either::Right(_) => return,
        };
        match accepted {
            Ok(stream) => admit(&server, stream, index),
            Err(error) => {
                warn!(listener = %listener.local(), %error, "accept failed");
                server.env.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn admit<E: Env>(server: &Rc<Context<E>>, stream: E::Stream, listener: usize) {
    let registry = &server.registry;
    if registry.count() >= server.connections_max || registry.stopping() {
        info!(peer = %stream.peer(), limit = server.connections_max, "connection refused");
        stream.shutdown();
        return;
    }
    let id = registry.last_id.get() + 1;
    registry.last_id.set(id);
    let connection = Rc::new(Connection {
        id,
        peer: stream.peer(),
        stream,
        listener,
        received_at: Cell::new(server.env.now()),
        partial_bytes: Cell::new(0),
        drip: Drip::default(),
        in_work: Cell::new(0),
        heavy: Cell::new(0),
        heavy_ended: Signal::new(),
        sending_since: Cell::new(None),
        software: RefCell::new(None),
        is_closed: Cell::new(false),
        closed: Signal::new(),
    });
    registry.connections.borrow_mut().insert(id, connection.clone());
    let context = server.clone();
    server.env.spawn(Queue::Net, async move {
        serve(context.clone(), connection).await;
        context.registry.connections.borrow_mut().remove(&id);
    });
}

/// Ends connections that are idle, or that hold memory which others need.
async fn sweep<E: Env>(server: Rc<Context<E>>) {
    let idle_max = server.config.connections_idle_max();
    while !server.registry.stopping() {
        if server.registry.count() == 0 {
            // Nothing to look at: a longer sleep, so that an idle broker stays asleep.
            server.env.sleep(SWEEP_EVERY * 10).await;
            continue;
        }
        server.env.sleep(SWEEP_EVERY).await;
        let now = server.env.now();
        let is_short = server.memory.was_short();
        let answers_pressure = server.answers.under_pressure();
        let ending: Vec<Rc<Connection<E::Stream>>> = {
            let connections = server.registry.connections.borrow();
            let ends = |connection: &&Rc<Connection<E::Stream>>| {
                let quiet = now.since(connection.received_at.get());
                // As in Kafka, whether or not a request is in work: behind enough parked ones a
                // peer that is gone would never be noticed.
                let idle = idle_max.is_some_and(|max| quiet > max);
                let drips = is_short
                    && connection.partial_bytes.get() > FREE_BYTES
                    && connection.drip.time(now) >= DRIPPING_AFTER;
                let sending = connection.sending_since.get().map(|since| now.since(since));
                let deaf = answers_pressure && sending.is_some_and(|time| time > DEAF_AFTER);
                idle || drips || deaf
            };
            connections.values().filter(ends).cloned().collect()
        };
        for connection in ending {
            info!(peer = %connection.peer, partial_bytes = connection.partial_bytes.get(),
                "idle, dripping or deaf connection closed");
            connection.close();
        }
    }
}

/// Lets requests in work finish, then ends every connection.
pub async fn drain<E: Env>(server: &Rc<Context<E>>) {
    server.registry.stopping.set(true);
    let deadline = server.env.now().plus(DRAIN_WAIT);
    let busy = || {
        let connections = server.registry.connections.borrow();
        connections.values().filter(|connection| connection.in_work.get() > 0).count()
    };
    while busy() > 0 && server.env.now() < deadline {
        server.env.sleep(Duration::from_millis(5)).await;
    }
    let left: Vec<_> = server.registry.connections.borrow().values().cloned().collect();
    let unfinished = busy();
    if unfinished > 0 {
        info!(connections = unfinished, "connections closed with requests in work");
    }
    for connection in left {
        connection.close();
    }
    // The tasks end on their own once their streams report it.
    while server.registry.count() > 0 && server.env.now() < deadline.plus(DRAIN_WAIT) {
        server.env.sleep(Duration::from_millis(1)).await;
    }
    if server.registry.count() > 0 {
        error!(connections = server.registry.count(), "connections did not end");
    }
}
