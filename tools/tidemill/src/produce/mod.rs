//! `tidemill produce`: records from files, pipes or the keyboard into a topic.

mod budget;
mod feed;
mod input;
pub mod json;
mod lines;
mod partitioner;
mod queue;
mod sender;

use crate::client::cluster::{Backoff, Missing, Peer};
use crate::client::{ClientError, Cluster, ClusterArgs, Topic, check};
use crate::escape;
use crate::failure::Failure;
use crate::output::progress::{Progress, summary};
use crate::output::{self, duration};
use clap::ValueEnum;
use engine_base::{ProducerEpoch, ProducerId};
use engine_record::Codec;
use feed::{Feed, FeedOptions};
use input::Input;
use net_wire::generated::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use partitioner::Partitioner;
use sender::{Event, Sender, SenderOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of finished batches that may wait for their acknowledgement.
const BUDGET_BYTES: usize = 64 << 20;
/// Smallest batch: less is all header.
const BATCH_BYTES_MIN: i64 = 128;
const BATCH_BYTES_MAX: i64 = 1 << 30;

/// What the input looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum InputFormat {
    /// One record a line
    Lines,
    /// One JSON object a line, as `consume --format json` prints them
    Json,
}

/// Whose copy of the data a record must have reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Acks {
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    Leader,
    #[value(name = "all", alias = "-1")]
    All,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    echo hello | tidemill produce greetings\n  \
    tidemill produce logs --file app.log --codec zstd\n  \
    tidemill produce users --key-delimiter : < users.txt\n  \
    tidemill consume a --exit --format json | tidemill produce b --format json")]
pub struct Args {
    /// The topic; created if it does not exist and the broker allows that
    topic: String,

    /// Read from this file instead of stdin; may be repeated
    #[arg(short, long, value_name = "PATH")]
    file: Vec<PathBuf>,

    #[arg(long, value_enum, default_value = "lines")]
    format: InputFormat,

    /// What ends a record; \n \t \r \0 \xFF are understood
    #[arg(short, long, value_name = "TEXT", default_value = r"\n",
        value_parser = escape::delimiter)]
    delimiter: std::vec::Vec<u8>,

    /// What separates key and value; without it records have no key
    #[arg(short, long, value_name = "TEXT", value_parser = escape::delimiter)]
    key_delimiter: Option<std::vec::Vec<u8>>,

    /// A key or value of exactly this text is sent as null
    #[arg(long, value_name = "TEXT")]
    null_marker: Option<String>,

    /// A header for every record; may be repeated
    #[arg(short = 'H', long, value_name = "KEY=VALUE", value_parser = crate::topic::pair)]
    header: Vec<(String, String)>,

    /// Send all records to this partition
    #[arg(short, long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    #[arg(short = 'z', long, value_name = "CODEC", default_value = "none", value_parser = codec)]
    codec: Codec,

    /// Level of gzip (0 to 9) or zstd (up to 22)
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-100..=22))]
    level: Option<i32>,

    /// When a record counts as sent: 0 at once, 1 written by the leader, all safe
    #[arg(short, long, value_enum, default_value = "all", allow_hyphen_values = true)]
    acks: Acks,

    /// Size up to which records are gathered in a batch
    #[arg(long, value_name = "BYTES", default_value_t = 262_144,
        value_parser = clap::value_parser!(u32).range(BATCH_BYTES_MIN..=BATCH_BYTES_MAX))]
    batch_bytes: u32,

    /// Time for which they are gathered
    #[arg(long, value_name = "DURATION", default_value = "5ms", value_parser = duration::parse)]
    linger: Duration,

    /// Requests under way on a connection; 5, or 1 with --acks 1, where more may change the order
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=5))]
    in_flight: Option<u8>,

    /// How long to try until a record is acknowledged
    #[arg(short, long, value_name = "DURATION", default_value = "2m",
        value_parser = duration::parse)]
    timeout: Duration,

    /// No progress, no summary
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

fn codec(text: &str) -> Result<Codec, String> {
    Codec::from_name(text).ok_or_else(|| "use none, gzip, snappy, lz4 or zstd".to_owned())
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let input = Input::open(args)?;
    let mut cluster = args.cluster.connect()?;
    let topic = cluster.topic(&args.topic, Missing::Create, args.timeout)?;
    let producer = match args.acks {
        Acks::All => producer_id(&mut cluster, args.timeout)?,
        _ => None,
    };
    let visible = !args.quiet && output::stderr_is_terminal();
    let mut progress = Progress::new(visible, input.total_bytes());
    let (events, arrivals) = mpsc::channel();
    let budget = Arc::new(budget::Budget::new(BUDGET_BYTES));
    let feed = new_feed(args, &topic, producer, Arc::clone(&budget), events.clone());
    let to_sender = events.clone();
    let work = move || {
        let result = input.run(feed);
        // The sender is gone only if it failed, and then says why itself.
        let _ = to_sender.send(Event::InputEnd(result));
    };
    std::thread::Builder::new()
        .name("input".into())
        .spawn(work)
        .map_err(|error| Failure::new(format!("cannot start a thread: {error}")))?;
    let options = SenderOptions {
        acks: match args.acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        },
        in_flight_max: usize::from(args.in_flight.unwrap_or(default_in_flight(args.acks))),
        delivery_timeout: args.timeout,
        request_timeout: args.cluster.request_timeout,
    };
    let mut sender = Sender::new(cluster, topic, options, budget, (events, arrivals));
    let result = sender.run(&mut progress);
    progress.clear();
    let sent = sender.sent();
    if !args.quiet {
        let verb = if args.acks == Acks::None { "sent, unacknowledged:" } else { "sent" };
        eprintln!("{}", summary(verb, sent.records, sent.payload_bytes, progress.elapsed()));
    }
    result
}

fn default_in_flight(acks: Acks) -> u8 {
    if acks == Acks::Leader { 1 } else { 5 }
}

fn new_feed(
    args: &Args,
    topic: &Topic,
    producer: Option<(ProducerId, ProducerEpoch)>,
    budget: Arc<budget::Budget>,
    events: mpsc::Sender<Event>,
) -> Feed {
    let options = FeedOptions {
        batch_bytes: usize::try_from(args.batch_bytes).expect("32 bits fit"),
        linger: args.linger,
        codec: args.codec,
        level: args.level,
        partition: args.partition,
        producer,
    };
    let count = u32::try_from(topic.partitions.len()).expect("partitions fit 32 bits");
    let led = (0u32..).zip(&topic.partitions).filter(|(_, partition)| partition.leader >= 0);
    let led = led.map(|(index, _)| index).collect();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let start = usize::try_from(since.subsec_micros()).unwrap_or(0);
    let partitioner = Partitioner::new(count, led, start);
    // A sender that is gone closed the budget too, which ends the feed.
    Feed::new(
        options,
        partitioner,
        budget,
        Box::new(move |sealed| drop(events.send(Event::Batch(sealed)))),
    )
}

/// An id for idempotent sending; none if the broker has no such thing.
fn producer_id(
    cluster: &mut Cluster,
    limit: Duration,
) -> Result<Option<(ProducerId, ProducerEpoch)>, ClientError> {
    let mut backoff = Backoff::within(limit);
    loop {
        match ask_producer_id(cluster) {
            Err(ClientError::Unsupported { address, .. }) => {
                eprintln!("{address} has no idempotent producers: a retry may send a record twice");
                return Ok(None);
            }
            Err(error) if error.is_retriable() && backoff.again() => {}
            result => return result.map(Some),
        }
    }
}

fn ask_producer_id(cluster: &mut Cluster) -> Result<(ProducerId, ProducerEpoch), ClientError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let reply = cluster.call(Peer::Any, &request)?;
    let response: InitProducerIdResponse = reply.decode()?;
    check(response.error_code, None, || "producer id".into())?;
    Ok((ProducerId(response.producer_id), ProducerEpoch(response.producer_epoch)))
}
