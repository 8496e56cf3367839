//! The first pass of the fetch load over each partition: read whole, every batch checked, and kept
//! as the requests that the load makes again.

use crate::Failure;
use crate::answer::{Ask, Checked, Content, check_answer_with};
use crate::arguments::Fetch;
use crate::client::Client;
use crate::latency::Latency;
use crate::leaders::Leaders;
use crate::look::{Looks, Phase, Watcher};
use crate::offsets::{self, End};
use std::time::Instant;

const MAX_WAIT_MS: i32 = 500;
/// What is fetched again and again is not more than this in all, so that it stays in caches: the
/// broker's, or the kernel's.
const HOT_BYTES_MAX: usize = 512 << 20;

/// One request of a partition's pass, and what it brings.
pub struct Step {
    pub offset: i64,
    pub frame: Vec<u8>,
    pub answer_bytes: usize,
    pub records_bytes: usize,
    pub records: u64,
}

/// What is fetched, by broker: of each a list of passes.
pub fn first_passes(
    options: &Fetch,
    leaders: &Leaders,
    watcher: &mut Watcher<'_>,
) -> Result<Vec<Vec<Vec<Step>>>, Failure> {
    let window = &options.window;
    let mut looks = Looks::start(Phase::FirstRead, Instant::now());
    let (mut found, mut counts) = (Vec::new(), (0, 0));
    for broker in 0..leaders.brokers() {
        let mut client = Client::connect(leaders.address(broker))?;
        let mut passes = Vec::new();
        let led = |partition: &u16| leaders.of(usize::from(*partition)) == broker;
        for partition in (0..window.partitions).filter(led) {
            let bytes_max = HOT_BYTES_MAX / usize::from(window.partitions);
            let mut pass = |content: &Content| {
                counts.0 += content.records;
                counts.1 += u64::try_from(content.bytes).unwrap_or(0);
                let now = Instant::now();
                if now < looks.next() {
                    return Ok(());
                }
                looks.look(now, counts, &Latency::new(), watcher)
            };
            passes.push(first_pass(
                options,
                &mut client,
                i32::from(partition),
                bytes_max,
                &mut pass,
            )?);
        }
        passes.retain(|pass| !pass.is_empty());
        found.push(passes);
    }
    if found.iter().all(Vec::is_empty) {
        return Err(format!("topic {} is empty, there is nothing to fetch", window.topic).into());
    }
    Ok(found)
}

fn request(options: &Fetch, partition: i32, offset: i64) -> Result<Vec<u8>, Failure> {
    let ask = Ask {
        topic: &options.window.topic,
        partition,
        offset,
        bytes_min: 1,
        bytes_max: options.max_bytes,
        wait_ms: MAX_WAIT_MS,
        client_id: &options.window.client_id,
    };
    ask.frame()
}

/// Reads a partition from its start to its end, or to `bytes_max`.
fn first_pass(
    options: &Fetch,
    client: &mut Client,
    partition: i32,
    bytes_max: usize,
    each: &mut dyn FnMut(&Content) -> Result<(), Failure>,
) -> Result<Vec<Step>, Failure> {
    let mut steps: Vec<Step> = Vec::new();
    let mut offset = 0;
    let mut bytes = 0;
    while bytes < bytes_max {
        let frame = request(options, partition, offset)?;
        let answer = client.send(&frame)?;
        let content = match check_answer_with(&answer, offset, options.gaps())? {
            Checked::Batches(content) => content,
            Checked::Empty => break,
            Checked::OutOfRange => {
                // Retention took the start of the log.
                let start = offsets::of(client, &options.window.topic, partition, End::Earliest)?;
                if start <= offset {
                    return Err(format!("offset {offset} is out of range").into());
                }
                offset = start;
                continue;
            }
        };
        each(&content)?;
        bytes += content.bytes;
        steps.push(Step {
            offset,
            frame,
            answer_bytes: answer.len(),
            records_bytes: content.bytes,
            records: content.records,
        });
        offset = content.end;
        if content.end >= content.high_watermark {
            break;
        }
    }
    // An answer at the end of what was written may be short; the others are all alike.
    if steps.len() > 1 && bytes < bytes_max {
        steps.pop();
    }
    Ok(steps)
}
