//! The few system calls of the generator and the null broker: readiness of many sockets, reading,
//! and dropping received bytes without copying them.

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What one wake-up may bring; more stays ready for the next.
const EVENTS_MAX: usize = 256;

/// Raises the limit on open files as far as we may: thousands of connections need as many. Where
/// that is not far enough, a connection that fails says so.
pub fn allow_many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Timers fire on time, not up to 50 us later as they do unless asked: the grid of an open loop
/// needs that.
pub fn sharpen_timers() {
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

/// A set of sockets, each known by a number.
pub struct Poll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    Read,
    Write,
    ReadWrite,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Interest::Read => EventFlags::IN,
            Interest::Write => EventFlags::OUT,
            Interest::ReadWrite => EventFlags::IN | EventFlags::OUT,
        }
    }
}

impl Poll {
    pub fn new() -> io::Result<Poll> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Poll { epoll, events: Vec::with_capacity(EVENTS_MAX) })
    }

    pub fn add(&self, socket: impl AsFd, number: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, data(number), interest.flags())?)
    }

    pub fn modify(&self, socket: impl AsFd, number: usize, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, socket, data(number), interest.flags())?)
    }

    pub fn remove(&self, socket: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, socket)?)
    }

    /// Waits until a socket is ready, at most `limit` if there is one, and appends the numbers of
    /// those that are.
    pub fn wait(&mut self, limit: Option<Duration>, ready: &mut Vec<usize>) -> io::Result<()> {
        self.events.clear();
        let limit = limit.map(|limit| rustix::event::Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        let space = rustix::buffer::spare_capacity(&mut self.events);
        match epoll::wait(&self.epoll, space, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            ready.push(usize::try_from(event.data.u64()).expect("the numbers given are indexes"));
        }
        Ok(())
    }
}

fn data(number: usize) -> EventData {
    EventData::new_u64(u64::try_from(number).expect("an index fits"))
}

/// Begins to connect; the socket can be written to once it is connected.
pub fn connect_begin(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

/// What a socket had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    Bytes(usize),
    Closed,
    /// Nothing now.
    Later,
}

/// Reads into `buffer`, which must not be empty.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    take(socket, buffer, RecvFlags::empty())
}

/// Drops up to `buffer.len()` bytes inside the kernel; the buffer only says how many, its memory
/// is not touched.
pub fn discard(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    take(socket, buffer, RecvFlags::TRUNC)
}

fn take(socket: impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> io::Result<Received> {
    assert!(!buffer.is_empty());
    match recv(socket, buffer, flags) {
        Ok((_, 0)) => Ok(Received::Closed),
        Ok((_, len)) => Ok(Received::Bytes(len)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Received::Later),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Poll, sharpen_timers};
    use std::time::{Duration, Instant};

    #[test]
    fn a_wait_may_be_shorter_than_a_millisecond() {
        sharpen_timers();
        let mut poll = Poll::new().expect("a set");
        let shortest = (0..50).map(|_| {
            let start = Instant::now();
            poll.wait(Some(Duration::from_micros(100)), &mut Vec::new()).expect("waits");
            start.elapsed()
        });
        let shortest = shortest.min().expect("some");
        assert!(shortest >= Duration::from_micros(100), "{shortest:?}");
        assert!(shortest < Duration::from_micros(900), "{shortest:?}");
    }
}
