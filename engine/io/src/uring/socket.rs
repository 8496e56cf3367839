//! Listeners and streams on the ring. Sockets are in blocking mode: the ring then waits for them,
//! where it would report EAGAIN for non-blocking ones.

use super::accept::{ACCEPTED_MAX, AcceptQueue};
use super::address::{SocketAddress, local_of, peer_of};
use super::request::{self, DataWaits, Payload};
use super::ring::{Key, Ring};
use super::shard::Shard;
use crate::env::{Listener, Stream};
use bytes::{Buf, Bytes, BytesMut};
use io_uring::cqueue;
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

/// Connections that the kernel keeps for a listener until they are accepted.
const LISTEN_BACKLOG: i32 = 1024;
/// Rest after accepting failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A TCP connection.
pub struct UringStream {
    ring: Rc<Ring>,
    socket: Rc<OwnedFd>,
    peer: SocketAddr,
    local: SocketAddr,
    data_waits: Rc<Cell<DataWaits>>,
}

impl UringStream {
    fn new(ring: Rc<Ring>, socket: Rc<OwnedFd>) -> io::Result<UringStream> {
        set_option(&socket, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
        let (peer, local) = (peer_of(&socket)?, local_of(&socket)?);
        let data_waits = Rc::new(Cell::new(DataWaits::Likely));
        Ok(UringStream { ring, socket, peer, local, data_waits })
    }

    pub(super) async fn connect(ring: Rc<Ring>, to: SocketAddr) -> io::Result<UringStream> {
        let address = SocketAddress::new(to);
        let socket = Rc::new(new_socket(&address)?);
        let make = || request::connect(&socket, address);
        ring.clone().perform(make).await?.outcome()?;
        UringStream::new(ring, socket)
    }
}

impl Stream for UringStream {
    fn recv(
        &self,
        buffer: BytesMut,
    ) -> impl Future<Output = (io::Result<usize>, BytesMut)> + 'static {
        let (ring, socket) = (self.ring.clone(), self.socket.clone());
        let data_waits = self.data_waits.clone();
        async move {
            let waits = data_waits.get();
            let make = || request::receive(&socket, buffer, waits);
            let completion = match ring.perform(make).await {
                Ok(completion) => completion,
                Err(error) => return (Err(error), BytesMut::new()),
            };
            let more = cqueue::sock_nonempty(completion.flags);
            data_waits.set(if more { DataWaits::Likely } else { DataWaits::Unlikely });
            let outcome = completion.outcome();
            let Payload::Receive(mut buffer) = completion.payload else {
                unreachable!("a receive has a receive's payload")
            };
            let result = outcome.map(|count| usize::try_from(count).expect("32 bits"));
            if let Ok(count) = result {
                let len = buffer.len() + count;
                assert!(len <= buffer.capacity());
                // SAFETY: the kernel wrote `count` bytes at the start of the spare capacity.
                unsafe { buffer.set_len(len) };
            }
            (result, buffer)
        }
    }

    fn send(&self, mut segments: Vec<Bytes>) -> impl Future<Output = io::Result<()>> + 'static {
        let (ring, socket) = (self.ring.clone(), self.socket.clone());
        async move {
            segments.retain(|segment| !segment.is_empty());
            if segments.is_empty() {
                return Ok(());
            }
            // The kernel takes most of what is sent on the spot. The ring is for what it does not, for
            // long answers, and for sends that share their system call with others.
            if !ring.is_crowded() && segments.len() <= request::SEGMENTS_AT_ONCE_MAX {
                let sent = request::send_at_once(&socket, &segments)?;
                advance(&mut segments, sent);
            }
            while !segments.is_empty() {
                let messages = ring.clone();
                let make = || request::send(&socket, segments, || messages.take_message());
                let completion = ring.clone().perform(make).await?;
                let outcome = completion.outcome();
                segments = match completion.payload {
                    Payload::SendOne(segments) => segments,
                    Payload::Send(segments, message) => {
                        ring.return_message(message);
                        segments
                    }
                    _ => unreachable!("a send has a send's payload"),
                };
                let sent = usize::try_from(outcome?).expect("32 bits");
                if sent == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                advance(&mut segments, sent);
            }
            Ok(())
        }
    }

    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn shutdown(&self) {
        // SAFETY: plain system call without pointers. It fails only if the peer is gone already.
        unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
    }
}

impl Drop for UringStream {
    fn drop(&mut self) {
        // Operations under way hold the socket open; this ends them, the last one closes it.
        if Rc::strong_count(&self.socket) > 1 {
            self.shutdown();
        }
    }
}

/// Takes `count` bytes off the front of `segments`.
pub(super) fn advance(segments: &mut Vec<Bytes>, mut count: usize) {
    let mut whole = 0;
    while whole < segments.len() && count >= segments[whole].len() {
        count -= segments[whole].len();
        whole += 1;
    }
    segments.drain(..whole);
    if count > 0 {
        segments[0].advance(count);
    }
}

/// A listening socket. Connections are accepted as they come, by one standing request.
pub struct UringListener {
    shard: Rc<Shard>,
    socket: Rc<OwnedFd>,
    local: SocketAddr,
    queue: Rc<AcceptQueue>,
    key: Cell<Option<Key>>,
    /// A cancellation of the standing request is under way.
    stopping: Cell<bool>,
    warned: Cell<bool>,
}

impl UringListener {
    pub(super) fn new(shard: Rc<Shard>, address: SocketAddr) -> io::Result<UringListener> {
        let name = SocketAddress::new(address);
        let socket = new_socket(&name)?;
        set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR)?;
        set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEPORT)?;
        // SAFETY: `name` is a socket address of the length it says.
        let bound = unsafe { libc::bind(socket.as_raw_fd(), name.pointer(), name.len()) };
        check(bound)?;
        // SAFETY: plain system call without pointers.
        check(unsafe { libc::listen(socket.as_raw_fd(), LISTEN_BACKLOG) })?;
        let local = local_of(&socket)?;
        Ok(UringListener {
            shard,
            socket: Rc::new(socket),
            local,
            queue: Rc::default(),
            key: Cell::new(None),
            stopping: Cell::new(false),
            warned: Cell::new(false),
        })
    }

    /// Keeps the standing request going while there is room for what it brings.
    fn keep_accepting(&self) -> io::Result<()> {
        let count = self.queue.len();
        if self.queue.is_armed() {
            if count >= ACCEPTED_MAX
                && let Some(key) = self.key.get()
                && !self.stopping.replace(true)
            {
                self.shard.ring.cancel(key);
            }
        } else if count <= ACCEPTED_MAX / 2 {
            let request = request::accept(&self.socket);
            self.key.set(Some(self.shard.ring.start_accept(request, self.queue.clone())?));
            self.queue.arm();
            self.stopping.set(false);
        }
        Ok(())
    }

    /// What to do about an error that ended the standing request.
    async fn recover(&self, error: i32) -> io::Result<()> {
        match error {
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => {
                if !self.warned.replace(true) {
                    let reason = io::Error::from_raw_os_error(error);
                    tracing::warn!(%reason, address = %self.local, "cannot accept connections");
                }
                self.shard.sleep(ACCEPT_PAUSE).await;
                Ok(())
            }
            // The connection died before it was accepted (accept(2) lists these), or we cancelled.
            libc::ECONNABORTED
            | libc::ECANCELED
            | libc::EINTR
            | libc::EAGAIN
            | libc::EPERM
            | libc::EPROTO
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENONET
            | libc::ENOPROTOOPT => Ok(()),
            other => Err(io::Error::from_raw_os_error(other)),
        }
    }
}

impl Listener for UringListener {
    type Stream = UringStream;

    async fn accept(&self) -> io::Result<UringStream> {
        loop {
            let changed = self.queue.changed.wait();
            let socket = self.queue.take();
            let error = self.queue.take_error();
            if error.is_none() {
                self.keep_accepting()?;
            }
            if let Some(socket) = socket {
                if let Some(error) = error {
                    self.queue.put_error(error);
                }
                self.warned.set(false);
                // A peer that is gone already has no name; the next one may have.
                match UringStream::new(self.shard.ring.clone(), Rc::new(socket)) {
                    Ok(stream) => return Ok(stream),
                    Err(_) => continue,
                }
            }
            match error {
                Some(error) => self.recover(error).await?,
                None => changed.await,
            }
        }
    }

    fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for UringListener {
    fn drop(&mut self) {
        if self.queue.is_armed()
            && let Some(key) = self.key.get()
        {
            self.shard.ring.cancel(key);
        }
    }
}

fn new_socket(address: &SocketAddress) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: plain system call without pointers.
    let raw = unsafe { libc::socket(address.family(), kind, 0) };
    check(raw)?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Switches a socket option on.
fn set_option(socket: &OwnedFd, level: i32, option: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` is readable and of the length given.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const on).cast(), 4) })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
