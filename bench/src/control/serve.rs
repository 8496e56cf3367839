//! The thread of a control loop: accepts, waits, and gives each connection that is ready its turn.

use crate::Failure;
use crate::kernel::{Interest, Poll};
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};

const LISTENER: usize = 0;

/// Why a connection is over; nothing if its peer closed it.
pub type Ending = Option<Failure>;

/// What a loop does.
pub trait Work {
    /// Of one connection.
    type State;

    fn state(&mut self) -> Result<Self::State, Failure>;

    /// Reads or writes once or a few times; says what to wait for next.
    fn turn(&mut self, stream: &TcpStream, state: &mut Self::State) -> Result<Interest, Ending>;

    /// All that were ready had a turn. True gives each of them one more, by `finish`.
    fn end_round(&mut self) -> Result<bool, Failure> {
        Ok(false)
    }

    fn finish(&mut self, stream: &TcpStream, state: &mut Self::State) -> Result<Interest, Ending> {
        self.turn(stream, state)
    }
}

struct Peer<S> {
    stream: TcpStream,
    interest: Interest,
    state: S,
}

#[derive(Clone, Copy)]
enum Step {
    Turn,
    Finish,
}

struct Server<'a, W: Work> {
    work: &'a mut W,
    poll: Poll,
    peers: HashMap<usize, Peer<W::State>>,
    number_next: usize,
}

/// Serves until something fails that is not about one connection.
pub fn serve<W: Work>(listener: &TcpListener, work: &mut W) -> Result<(), Failure> {
    let poll = Poll::new()?;
    poll.add(listener, LISTENER, Interest::Read)?;
    let mut server = Server { work, poll, peers: HashMap::new(), number_next: LISTENER + 1 };
    let mut ready = Vec::new();
    loop {
        ready.clear();
        server.poll.wait(None, &mut ready)?;
        for number in &ready {
            if *number == LISTENER {
                server.accept(listener)?;
            } else {
                server.step(*number, Step::Turn)?;
            }
        }
        if server.work.end_round()? {
            for number in &ready {
                server.step(*number, Step::Finish)?;
            }
        }
    }
}

impl<W: Work> Server<'_, W> {
    fn accept(&mut self, listener: &TcpListener) -> Result<(), Failure> {
        // Readiness is level triggered: more that wait come with the next round.
        let Ok((stream, _)) = listener.accept() else { return Ok(()) };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let number = self.number_next;
        self.number_next += 1;
        self.poll.add(&stream, number, Interest::Read)?;
        let state = self.work.state()?;
        self.peers.insert(number, Peer { stream, interest: Interest::Read, state });
        Ok(())
    }

    fn step(&mut self, number: usize, step: Step) -> Result<(), Failure> {
        let Some(peer) = self.peers.get_mut(&number) else { return Ok(()) };
        let outcome = match step {
            Step::Turn => self.work.turn(&peer.stream, &mut peer.state),
            Step::Finish => self.work.finish(&peer.stream, &mut peer.state),
        };
        match outcome {
            Ok(interest) if interest == peer.interest => {}
            Ok(interest) => {
                peer.interest = interest;
                self.poll.modify(&peer.stream, number, interest)?;
            }
            Err(ending) => {
                if let Some(reason) = ending {
                    eprintln!("bench: control: a connection is closed: {reason}");
                }
                self.poll.remove(&peer.stream)?;
                self.peers.remove(&number);
            }
        }
        Ok(())
    }
}
