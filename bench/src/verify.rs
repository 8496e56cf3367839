//! Looks whether a broker has what it acknowledged, record by record, or waits until it says so.
//! Used after a kill: a broker that answers from memory, or from nothing, is found here.

use crate::Failure;
use crate::answer::{self, Ask, Checked, check_answer};
use crate::arguments::{Await, Verify};
use crate::client::Client;
use crate::frames::{BatchSize, Frames, PRODUCE_VERSION, Shape};
use crate::ledger::{Ledger, Page};
use crate::offsets::{self, End};
use crate::payload::Content;
use crate::report::Text;
use engine_record::Codec;
use net_wire::{ApiKey, ResponseHeader};
use serde::Serialize;
use std::time::{Duration, Instant};

const FETCH_BYTES_MAX: i32 = 4 << 20;
/// Between two looks at a broker that is not there yet.
const LOOK_PAUSE: Duration = Duration::from_millis(1);

#[derive(Debug, Serialize)]
pub struct Verified {
    pub partitions: usize,
    /// Acknowledged, and found.
    pub records: i64,
    /// Found beyond those: sent, stored and not acknowledged before the end.
    pub more: i64,
    pub bytes: u64,
}

pub fn run(options: &Verify) -> Result<Verified, Failure> {
    let ledger = Ledger::read(&options.ledger)?;
    let mut client = Client::connect(&options.address)?;
    let mut verified = Verified { partitions: 0, records: 0, more: 0, bytes: 0 };
    for page in &ledger.partitions {
        let found = read_back(&mut client, &ledger, page)
            .map_err(|failure| format!("partition {}: {failure}", page.partition))?;
        verified.partitions += 1;
        verified.records += page.acknowledged;
        verified.more += found.end - page.start - page.acknowledged;
        verified.bytes += found.bytes;
    }
    if verified.partitions == 0 {
        return Err("nothing was acknowledged, so nothing can be verified".into());
    }
    Ok(verified)
}

struct Found {
    end: i64,
    bytes: u64,
}

/// Reads all that was acknowledged of a partition: each batch whole, as it was sent, no gap.
fn read_back(client: &mut Client, ledger: &Ledger, page: &Page) -> Result<Found, Failure> {
    let mut found = Found { end: page.start, bytes: 0 };
    loop {
        let frame = request(&ledger.topic, page.partition, found.end)?;
        let answer = client.send(&frame)?;
        let content = match check_answer(&answer, found.end)? {
            Checked::Batches(content) => content,
            Checked::Empty if found.end >= page.end => return Ok(found),
            Checked::Empty | Checked::OutOfRange => {
                let (end, missing) = (found.end, page.end - found.end);
                return Err(format!(
                    "the log ends at offset {end}: {missing} acknowledged records are lost"
                )
                .into());
            }
        };
        for header in answer::batches(&answer)? {
            if header.crc != ledger.batch_crc {
                let offset = header.base_offset.0;
                return Err(format!("the batch at offset {offset} is not what was sent").into());
            }
        }
        found.bytes += u64::try_from(content.bytes)?;
        found.end = content.end;
        if found.end >= page.end && found.end >= content.high_watermark {
            return Ok(found);
        }
    }
}

fn request(topic: &str, partition: i32, offset: i64) -> Result<Vec<u8>, Failure> {
    let (bytes_min, bytes_max, wait_ms) = (1, FETCH_BYTES_MAX, 100);
    Ask { topic, partition, offset, bytes_min, bytes_max, wait_ms, client_id: "bench" }.frame()
}

#[derive(Debug, Serialize)]
pub struct Awaited {
    /// Since the command began, which the caller starts before the broker.
    pub seconds: f64,
}

/// Waits for a broker that is being started: until it takes a record, or serves all that a ledger
/// says it acknowledged, at the right offsets.
pub fn wait(options: &Await) -> Result<Awaited, Failure> {
    let start = Instant::now();
    let ledger = options.ledger.as_deref().map(Ledger::read).transpose()?;
    let frames = first_record(&options.topic)?;
    let mut last = Failure::from("no attempt was made");
    while start.elapsed() < options.limit {
        let outcome = match &ledger {
            Some(ledger) => serves(&options.address, ledger),
            None => takes(&options.address, &frames),
        };
        match outcome {
            Ok(()) => return Ok(Awaited { seconds: start.elapsed().as_secs_f64() }),
            Err(failure) => last = failure,
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    Err(format!("not within {:?}: {last}", options.limit).into())
}

fn first_record(topic: &str) -> Result<Frames, Failure> {
    Frames::encode(Shape {
        topic,
        client_id: "bench",
        partitions: 1,
        partitions_per_request: 1,
        record_bytes: 100,
        key_bytes: 0,
        batch: BatchSize::Records(1),
        codec: Codec::None,
        content: Content::Half,
        acks: 1,
        now_ms: 1_790_000_000_000,
    })
}

fn takes(address: &str, frames: &Frames) -> Result<(), Failure> {
    let answer = Client::connect(address)?.send(frames.whole(0))?;
    let (_, body) = ResponseHeader::decode(&answer, ApiKey::Produce, PRODUCE_VERSION)?;
    match crate::connection::partition_errors(body)?[..] {
        [(0, 0)] => Ok(()),
        ref other => Err(format!("the first record was answered with {other:?}").into()),
    }
}

/// Every partition says that it ends where it must, and gives its last record.
fn serves(address: &str, ledger: &Ledger) -> Result<(), Failure> {
    let mut client = Client::connect(address)?;
    let partitions: Vec<i32> = ledger.partitions.iter().map(|page| page.partition).collect();
    let ends = offsets::list(&mut client, &ledger.topic, &partitions, End::Latest)?;
    for (page, end) in ledger.partitions.iter().zip(ends) {
        if end < page.end {
            return Err(format!(
                "partition {} ends at {end}, {} was acknowledged",
                page.partition, page.end
            )
            .into());
        }
        let last = page.end - i64::from(ledger.batch_records);
        let answer = client.send(&request(&ledger.topic, page.partition, last)?)?;
        if !matches!(check_answer(&answer, last)?, Checked::Batches(_)) {
            return Err(
                format!("partition {} does not give its last record", page.partition).into()
            );
        }
    }
    Ok(())
}

impl Text for Verified {
    fn text(&self) -> String {
        format!(
            "{} acknowledged records are there, whole and in order, in {} partitions; {} more\n",
            self.records, self.partitions, self.more
        )
    }
}

impl Text for Awaited {
    fn text(&self) -> String {
        format!("served after {:.4} s\n", self.seconds)
    }
}
