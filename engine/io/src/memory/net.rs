//! The simulated network of one machine: listeners, connections, and bytes on their way. Each
//! direction of a connection is a pipe: what the sender handed over but the window did not take yet,
//! what is in transit, what arrived and was not read. Bytes arrive in order, in pieces cut by chance.
//! Everything here belongs to [`world`](super::world); the handles are in [`stream`](super::stream).

use super::disk::size;
use super::options::Chunking;
use super::world::{Event, World};
use crate::sync::{Sender, Signal};
use bytes::{Buf, Bytes, BytesMut};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

/// Ports given out when an address asks for port 0, and to the connecting side.
const EPHEMERAL_FIRST: u16 = 32_768;

/// Identifies a connection to a test. Counted from zero in the order of connecting.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ConnectionId(pub usize);

/// A connection as a test sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionInfo {
    pub id: ConnectionId,
    pub client: SocketAddr,
    pub server: SocketAddr,
}

/// One end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Client,
    Server,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

enum Item {
    Data(Bytes),
    End,
}

pub(super) struct PendingSend {
    pub segments: VecDeque<Bytes>,
    pub done: Option<Sender<io::Result<()>>>,
}

pub(super) struct PendingRecv {
    pub buffer: BytesMut,
    pub done: Sender<(io::Result<usize>, BytesMut)>,
}

/// One direction.
#[derive(Default)]
pub(super) struct Pipe {
    pub send: Option<PendingSend>,
    pub recv: Option<PendingRecv>,
    transit: VecDeque<Item>,
    arrived: VecDeque<Bytes>,
    arrived_bytes: usize,
    /// Bytes in transit or unread.
    window_used: usize,
    /// When the last piece under way arrives: none overtakes it.
    last_at: u64,
    /// The sender will send nothing more.
    pub is_ended: bool,
    /// The end went into transit.
    is_end_sent: bool,
    is_end_arrived: bool,
    /// Nobody will ever read this.
    pub is_unread: bool,
    is_stalled: bool,
    /// Pieces whose time came while stalled.
    held: usize,
}

impl Pipe {
    pub fn has_unread_bytes(&self) -> bool {
        !self.arrived.is_empty() || self.transit.iter().any(|item| matches!(item, Item::Data(_)))
    }
}

pub(super) struct Connection {
    pub info: ConnectionInfo,
    pub is_cut: Cell<bool>,
    /// From client to server, from server to client.
    pipes: [RefCell<Pipe>; 2],
}

pub(super) fn reset() -> io::Error {
    io::Error::from_raw_os_error(libc::ECONNRESET)
}

pub(super) fn broken() -> io::Error {
    io::Error::from_raw_os_error(libc::EPIPE)
}

impl Connection {
    /// The direction in which `side` sends.
    pub fn pipe_from(&self, side: Side) -> &RefCell<Pipe> {
        &self.pipes[match side {
            Side::Client => 0,
            Side::Server => 1,
        }]
    }

    /// Moves what the window has room for from the sender into transit.
    pub fn pump(self: &Rc<Self>, world: &Rc<World>, from: Side) {
        let options = &world.options.net;
        let mut pipe = self.pipe_from(from).borrow_mut();
        if self.is_cut.get() {
            return;
        }
        if pipe.is_unread
            && let Some(mut send) = pipe.send.take()
            && let Some(done) = send.done.take()
        {
            done.send(Err(broken()));
        }
        while let Some(send) = &mut pipe.send {
            let Some(segment) = send.segments.front_mut() else {
                if let Some(done) = send.done.take() {
                    done.send(Ok(()));
                }
                pipe.send = None;
                break;
            };
            if segment.is_empty() {
                send.segments.pop_front();
                continue;
            }
            let len = segment.len();
            let room = len.min(options.window_bytes.saturating_sub(pipe.window_used));
            if room == 0 {
                return;
            }
            let count = chunk(world, room);
            let send = pipe.send.as_mut().expect("looked at above");
            let segment = send.segments.front_mut().expect("looked at above");
            let piece = segment.split_to(count);
            world.trace("send", size(self.info.id.0), u64::from(crc32fast::hash(&piece)));
            pipe.window_used += count;
            self.transmit(world, from, &mut pipe, Item::Data(piece));
        }
        if pipe.is_ended && !pipe.is_end_sent {
            pipe.is_end_sent = true;
            self.transmit(world, from, &mut pipe, Item::End);
        }
    }

    fn transmit(self: &Rc<Self>, world: &Rc<World>, from: Side, pipe: &mut Pipe, item: Item) {
        let latency = world.draw(world.options.net.latency);
        pipe.last_at = pipe.last_at.max(world.now.get().saturating_add(latency));
        pipe.transit.push_back(item);
        let connection = self.clone();
        let arrive = Box::new(move |world: &Rc<World>| connection.arrive(world, from));
        world.at(pipe.last_at, Event::Call("arrive", arrive));
        let cut = world.random.borrow_mut().chance(world.options.net.cut_per_million);
        if cut {
            let connection = self.clone();
            let act = Box::new(move |_: &Rc<World>| connection.cut());
            world.at(pipe.last_at, Event::Call("cut", act));
        }
    }

    fn arrive(self: &Rc<Self>, world: &Rc<World>, from: Side) {
        {
            let mut pipe = self.pipe_from(from).borrow_mut();
            if self.is_cut.get() {
                return;
            }
            if pipe.is_stalled {
                pipe.held += 1;
                return;
            }
            match pipe.transit.pop_front().expect("one arrival for each item") {
                Item::Data(piece) if pipe.is_unread => pipe.window_used -= piece.len(),
                Item::Data(piece) => {
                    pipe.arrived_bytes += piece.len();
                    pipe.arrived.push_back(piece);
                }
                Item::End => pipe.is_end_arrived = true,
            }
        }
        self.deliver(world, from);
    }

    /// Serves the receiver of what `from` sent, if it waits and there is something to say.
    pub fn deliver(self: &Rc<Self>, world: &Rc<World>, from: Side) {
        {
            let mut pipe = self.pipe_from(from).borrow_mut();
            if pipe.recv.is_some() {
                let available = pipe.arrived_bytes;
                if available > 0 {
                    let PendingRecv { mut buffer, done } = pipe.recv.take().expect("just seen");
                    let count = chunk(world, available.min(buffer.capacity() - buffer.len()));
                    let mut missing = count;
                    while missing > 0 {
                        let piece = pipe.arrived.front_mut().expect("counted above");
                        let taken = piece.len().min(missing);
                        buffer.extend_from_slice(&piece[..taken]);
                        piece.advance(taken);
                        if piece.is_empty() {
                            pipe.arrived.pop_front();
                        }
                        missing -= taken;
                    }
                    pipe.arrived_bytes -= count;
                    pipe.window_used -= count;
                    world.trace("receive", size(self.info.id.0), size(count));
                    done.send((Ok(count), buffer));
                } else if pipe.is_end_arrived || pipe.is_unread {
                    let PendingRecv { buffer, done } = pipe.recv.take().expect("just seen");
                    done.send((Ok(0), buffer));
                }
            }
        }
        self.pump(world, from);
    }

    /// Both ends see a reset; what was under way is gone.
    pub fn cut(&self) {
        self.is_cut.set(true);
        for pipe in &self.pipes {
            let mut pipe = pipe.borrow_mut();
            pipe.transit.clear();
            pipe.arrived.clear();
            pipe.arrived_bytes = 0;
            if let Some(PendingRecv { buffer, done }) = pipe.recv.take() {
                done.send((Err(reset()), buffer));
            }
            if let Some(mut send) = pipe.send.take()
                && let Some(done) = send.done.take()
            {
                done.send(Err(reset()));
            }
        }
    }

    pub fn stall(self: &Rc<Self>, world: &Rc<World>, from: Side, is_stalled: bool) {
        let held = {
            let mut pipe = self.pipe_from(from).borrow_mut();
            pipe.is_stalled = is_stalled;
            if is_stalled { 0 } else { std::mem::take(&mut pipe.held) }
        };
        for _ in 0..held {
            self.arrive(world, from);
        }
    }

    /// What is left in the direction away from `side` goes out, then the end.
    pub fn end(self: &Rc<Self>, world: &Rc<World>, side: Side) {
        self.pipe_from(side).borrow_mut().is_ended = true;
        self.pump(world, side);
    }

    /// A send of `side` that waits fails; what is in transit goes on.
    pub fn break_send(&self, side: Side) {
        let send = self.pipe_from(side).borrow_mut().send.take();
        if let Some(done) = send.and_then(|send| send.done) {
            done.send(Err(broken()));
        }
    }

    /// `side` reads no more: what comes is dropped, and the peer's later sends fail.
    pub fn stop_reading(self: &Rc<Self>, world: &Rc<World>, side: Side) {
        {
            let mut pipe = self.pipe_from(side.other()).borrow_mut();
            pipe.is_unread = true;
            pipe.arrived.clear();
            pipe.window_used -= std::mem::take(&mut pipe.arrived_bytes);
        }
        self.deliver(world, side.other());
    }
}

/// How much of `count` bytes goes at once.
fn chunk(world: &World, count: usize) -> usize {
    assert!(count > 0);
    match world.options.net.chunking {
        Chunking::Whole => count,
        Chunking::Bytes => 1,
        Chunking::Random => {
            let mut random = world.random.borrow_mut();
            // Mostly whole, often large, sometimes tiny.
            match random.below(4) {
                0 => 1 + random.index(count),
                1 => 1 + random.index(count.min(16)),
                _ => count,
            }
        }
    }
}

/// A listener as the network knows it.
pub(super) struct Port {
    pub address: SocketAddr,
    pub backlog: RefCell<VecDeque<Rc<Connection>>>,
    pub arrived: Signal,
}

#[derive(Default)]
pub(super) struct Net {
    pub ports: BTreeMap<u64, Rc<Port>>,
    pub connections: Vec<Rc<Connection>>,
    /// Ports given out so far.
    ephemeral_count: u16,
}

impl Net {
    pub fn ephemeral(&mut self) -> u16 {
        let span = u16::MAX - EPHEMERAL_FIRST;
        self.ephemeral_count = (self.ephemeral_count + 1) % span;
        EPHEMERAL_FIRST + self.ephemeral_count
    }

    pub fn listen(&mut self, id: u64, mut address: SocketAddr) -> Rc<Port> {
        if address.port() == 0 {
            address.set_port(self.ephemeral());
        }
        let port = Rc::new(Port { address, backlog: RefCell::default(), arrived: Signal::new() });
        self.ports.insert(id, port.clone());
        port
    }

    /// All who listen where `address` leads.
    pub fn listeners(&self, address: SocketAddr) -> Vec<Rc<Port>> {
        let hears = |port: &&Rc<Port>| {
            port.address.port() == address.port()
                && (port.address.ip() == address.ip() || port.address.ip().is_unspecified())
        };
        self.ports.values().filter(hears).cloned().collect()
    }

    pub fn connect(&mut self, server: SocketAddr) -> Rc<Connection> {
        let client = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.ephemeral());
        let id = ConnectionId(self.connections.len());
        let connection = Rc::new(Connection {
            info: ConnectionInfo { id, client, server },
            is_cut: Cell::new(false),
            pipes: Default::default(),
        });
        self.connections.push(connection.clone());
        connection
    }

    /// The process died.
    pub fn kill(&mut self) {
        self.ports.clear();
        self.connections.iter().for_each(|connection| connection.cut());
    }
}
