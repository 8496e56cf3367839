//! Handles on the simulated network: a stream and a listener of one shard.

use super::net::{Connection, PendingRecv, PendingSend, Port, Side, broken, reset};
use super::world::{World, outcome};
use crate::env::{Listener, Stream};
use crate::sync::oneshot;
use bytes::{Bytes, BytesMut};
use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// One end of a connection. Dropping it closes it and ends what waits on it: the peer reads what was
/// sent, then the end; if something was left unread here, the peer sees a reset, as with TCP. As
/// with the production backend an operation starts when its future is first polled.
pub struct MemoryStream {
    world: Rc<World>,
    connection: Rc<Connection>,
    side: Side,
    is_shut: Cell<bool>,
}

impl MemoryStream {
    pub(super) fn new(world: Rc<World>, connection: Rc<Connection>, side: Side) -> Self {
        MemoryStream { world, connection, side, is_shut: Cell::new(false) }
    }

    /// Half close: the peer reads what was sent, then the end; this side can still receive. For
    /// tests; the contract of [`Stream`] has no such call.
    pub fn end_sending(&self) {
        self.connection.end(&self.world, self.side);
    }
}

impl Stream for MemoryStream {
    fn recv(
        &self,
        buffer: BytesMut,
    ) -> impl Future<Output = (io::Result<usize>, BytesMut)> + 'static {
        assert!(buffer.capacity() > buffer.len(), "a receive needs room");
        let (world, connection) = (self.world.clone(), self.connection.clone());
        let from = self.side.other();
        async move {
            if connection.is_cut.get() {
                return (Err(reset()), buffer);
            }
            let (done, result) = oneshot();
            {
                let mut pipe = connection.pipe_from(from).borrow_mut();
                assert!(pipe.recv.is_none(), "two receives in flight on one stream");
                pipe.recv = Some(PendingRecv { buffer, done });
            }
            connection.deliver(&world, from);
            outcome(result).await
        }
    }

    fn send(&self, segments: Vec<Bytes>) -> impl Future<Output = io::Result<()>> + 'static {
        let (world, connection) = (self.world.clone(), self.connection.clone());
        let side = self.side;
        async move {
            if segments.iter().all(Bytes::is_empty) {
                return Ok(());
            }
            if connection.is_cut.get() {
                return Err(reset());
            }
            let (done, result) = oneshot();
            {
                let mut pipe = connection.pipe_from(side).borrow_mut();
                assert!(pipe.send.is_none(), "two sends in flight on one stream");
                if pipe.is_ended || pipe.is_unread {
                    return Err(broken());
                }
                pipe.send = Some(PendingSend { segments: segments.into(), done: Some(done) });
            }
            connection.pump(&world, side);
            outcome(result).await
        }
    }

    fn peer(&self) -> SocketAddr {
        match self.side {
            Side::Client => self.connection.info.server,
            Side::Server => self.connection.info.client,
        }
    }

    fn local(&self) -> SocketAddr {
        match self.side {
            Side::Client => self.connection.info.client,
            Side::Server => self.connection.info.server,
        }
    }

    fn shutdown(&self) {
        if self.is_shut.replace(true) || self.connection.is_cut.get() {
            return;
        }
        self.connection.break_send(self.side);
        self.connection.end(&self.world, self.side);
        self.connection.stop_reading(&self.world, self.side);
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        if self.world.is_dying.get() || std::thread::panicking() || self.connection.is_cut.get() {
            return;
        }
        let has_unread = {
            let pipe = self.connection.pipe_from(self.side.other()).borrow();
            pipe.has_unread_bytes() && !pipe.is_unread
        };
        if has_unread {
            self.connection.cut();
            return;
        }
        self.connection.break_send(self.side);
        self.connection.end(&self.world, self.side);
        self.connection.stop_reading(&self.world, self.side);
    }
}

impl std::fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStream({} -> {})", self.local(), self.peer())
    }
}

/// Accepts connections to one address on one shard. Dropping it refuses later ones and resets those
/// that wait.
pub struct MemoryListener {
    world: Rc<World>,
    port: Rc<Port>,
    id: u64,
}

impl MemoryListener {
    pub(super) fn new(world: Rc<World>, port: Rc<Port>, id: u64) -> Self {
        MemoryListener { world, port, id }
    }
}

impl Listener for MemoryListener {
    type Stream = MemoryStream;

    async fn accept(&self) -> io::Result<MemoryStream> {
        loop {
            let wait = self.port.arrived.wait();
            let next = self.port.backlog.borrow_mut().pop_front();
            if let Some(connection) = next {
                let world = self.world.clone();
                return Ok(MemoryStream::new(world, connection, Side::Server));
            }
            wait.await;
        }
    }

    fn local(&self) -> SocketAddr {
        self.port.address
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        if let Ok(mut net) = self.world.net.try_borrow_mut() {
            net.ports.remove(&self.id);
        }
        self.port.backlog.take().iter().for_each(|connection| connection.cut());
    }
}

impl std::fmt::Debug for MemoryListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryListener({})", self.port.address)
    }
}
