//! Connections that come and go beside a load: each is opened at its moment of a grid, asks for
//! the API versions as every client does first, and is closed once it has the answer. Owned by the
//! load, and served by its only thread.

use crate::Failure;
use crate::kernel::{Interest, Poll, Received, connect_begin, receive};
use crate::pace::Pace;
use crate::tally::{Entry, Loop, Tally};
use engine_base::message::Message as _;
use net_wire::frame::{LEN_BYTES, encode_request, frame_len};
use net_wire::generated::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use net_wire::{ApiKey, ResponseHeader};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

const VERSION: i16 = 0;
const CORRELATION_ID: i32 = 1;
/// A broker's list of versions takes some hundreds of bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Visits that wait for an answer at a time; a broker that lets more wait has given up.
const VISITS_MAX: usize = 4096;
const INPUT_BYTES: usize = 4096;

struct Visit {
    stream: TcpStream,
    /// When it was meant to begin.
    since: Instant,
    asked: bool,
    answer: Vec<u8>,
}

pub struct Churn {
    address: SocketAddr,
    pace: Pace,
    request: Vec<u8>,
    /// Number of the first visit in the load's poll.
    number_first: usize,
    visits: Vec<Option<Visit>>,
    free: Vec<usize>,
    pub tally: Tally,
}

impl Churn {
    /// `rate` is in connections for each second.
    pub fn start(address: &str, rate: f64, number_first: usize) -> Result<Churn, Failure> {
        let resolved = address.to_socket_addrs()?.next();
        let request = ApiVersionsRequest::default();
        let now = Instant::now();
        Ok(Churn {
            address: resolved.ok_or_else(|| format!("{address} is no address"))?,
            pace: Pace::new(rate, now),
            request: encode_request(VERSION, CORRELATION_ID, Some("bench"), &request)?.to_vec(),
            number_first,
            visits: Vec::new(),
            free: Vec::new(),
            tally: Tally::start(Loop::Open, now, Duration::ZERO),
        })
    }

    /// Opens what is due by now; how long it is until the next.
    pub fn open_due(&mut self, poll: &Poll) -> Result<Duration, Failure> {
        let now = Instant::now();
        while let Some(since) = self.pace.take(now) {
            let slot = self.free.pop().unwrap_or(self.visits.len());
            if slot == VISITS_MAX {
                return Err(format!("{VISITS_MAX} new connections wait for an answer").into());
            }
            let stream = connect_begin(self.address)
                .map_err(|error| format!("a new connection to {}: {error}", self.address))?;
            poll.add(&stream, self.number_first + slot, Interest::Write)?;
            let visit = Some(Visit { stream, since, asked: false, answer: Vec::new() });
            match self.visits.get_mut(slot) {
                Some(free) => *free = visit,
                None => self.visits.push(visit),
            }
        }
        Ok(self.pace.next().saturating_duration_since(Instant::now()))
    }

    /// One of them can go on.
    pub fn serve(&mut self, number: usize, poll: &Poll) -> Result<(), Failure> {
        let slot = number - self.number_first;
        // Readiness that was found before the visit ended.
        let Some(visit) = self.visits[slot].as_mut() else { return Ok(()) };
        if !visit.asked {
            visit
                .stream
                .write_all(&self.request)
                .map_err(|error| format!("a new connection was refused: {error}"))?;
            visit.asked = true;
            return Ok(poll.modify(&visit.stream, number, Interest::Read)?);
        }
        let mut input = [0; INPUT_BYTES];
        match receive(&visit.stream, &mut input)? {
            Received::Later => return Ok(()),
            Received::Closed => return Err("the broker closed a new connection".into()),
            Received::Bytes(len) => visit.answer.extend_from_slice(&input[..len]),
        }
        let Some((prefix, frame)) = visit.answer.split_first_chunk::<LEN_BYTES>() else {
            return Ok(());
        };
        if frame.len() < frame_len(*prefix, ANSWER_BYTES_MAX)? {
            return Ok(());
        }
        check_answer(frame)?;
        let since = visit.since;
        self.tally.add(Entry { since, time: since.elapsed(), records: 0, bytes: 0 });
        self.visits[slot] = None;
        self.free.push(slot);
        Ok(())
    }

    pub fn is_idle(&self) -> bool {
        self.free.len() == self.visits.len()
    }
}

fn check_answer(frame: &[u8]) -> Result<(), Failure> {
    let (header, body) = ResponseHeader::decode(frame, ApiKey::ApiVersions, VERSION)?;
    let response = ApiVersionsResponse::decode(body, VERSION)?;
    if header.correlation_id != CORRELATION_ID || response.error_code != 0 {
        return Err(format!(
            "a new connection was answered error {} to request {}",
            response.error_code, header.correlation_id
        )
        .into());
    }
    Ok(())
}
