//! The options of a measured load.

use crate::client::ClusterArgs;
use crate::output::{Format, duration};
use clap::Args;
use load::arguments::{Acks, Compression};
use load::payload::Content;
use std::path::PathBuf;
use std::time::Duration;

const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long, how wide, and where the results go.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// How long to measure
    #[arg(short, long, value_name = "DURATION", default_value = "10s", value_parser = measured)]
    pub duration: Duration,

    /// How many records to measure, in whole batches, in place of a time
    #[arg(short = 'n', long, visible_alias = "num-records", value_name = "COUNT",
        conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub records: Option<u64>,

    /// The same load before that, not measured
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = bounded)]
    pub warm_up: Duration,

    /// Connections; one to each broker that leads a partition if not given
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub connections: Option<u16>,

    /// The broker's process, if it runs on this machine, to measure its CPU time
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,

    /// The summary as text, or all that was measured as JSON
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// Keep what was measured in this file, for `compare` and `report`
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Make a page of it, one file that needs no network
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,

    /// No progress
    #[arg(short, long)]
    pub quiet: bool,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What is sent.
#[derive(Debug, Args)]
pub struct ShapeArgs {
    /// Partitions of the topic if it has to be made; the broker's num.partitions if not given
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: Option<i32>,

    /// Copies of each partition if the topic has to be made; the broker's default if not given
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..))]
    pub replication_factor: Option<i16>,

    /// Size of a record's value
    #[arg(short = 's', long, visible_alias = "record-size", value_name = "BYTES",
        default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16 << 20))]
    pub record_bytes: u32,

    /// Size of a record's key; 0 is no key
    #[arg(long, value_name = "BYTES", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=1 << 16))]
    pub key_bytes: u32,

    /// Size up to which a batch is filled with records, before it is compressed
    #[arg(long, visible_alias = "batch-size", value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1..=64 << 20))]
    pub batch_bytes: Option<u32>,

    /// Records of a batch, in place of its size
    #[arg(long, value_name = "COUNT", conflicts_with = "batch_bytes",
        value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub batch_records: Option<u32>,

    #[arg(
        short = 'z',
        long,
        visible_alias = "compression",
        value_name = "CODEC",
        value_enum,
        default_value = "none"
    )]
    pub codec: Compression,

    /// What values hold: half chance and half repetition, or lines of a log
    #[arg(long, value_enum, default_value = "half")]
    pub content: Content,

    /// When a record counts as sent: 0 at once, 1 written by the leader, all safe
    #[arg(short, long, value_enum, default_value = "all", allow_hyphen_values = true)]
    pub acks: Acks,

    /// Requests of a connection that wait for their answers at a time
    #[arg(long, visible_alias = "max-in-flight", value_name = "COUNT", default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub in_flight: u16,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidemill bench produce load --bootstrap-server broker:9092 --duration 30s\n  \
    tidemill bench produce load -n 1000000 -s 100 --acks 1 --output before.json\n  \
    tidemill bench produce load --rate 50000 --batch-records 1 --html page.html\n\n\
    Batches are made once and sent again and again, so that the load costs less than what it \
    measures; they have no producer id. The topic is made if there is none, appended to if there \
    is, and never deleted. The defaults are those of Kafka's producer: batches of 16 KiB, five \
    requests in flight, acks=all. With --rate a request is timed from when it should be sent, \
    whether or not the broker kept up; without, from when it was.\n\
    TLS and SASL are not there yet.")]
pub struct ProduceArgs {
    /// The topic; made if there is none, never deleted
    pub topic: String,

    #[command(flatten)]
    pub shape: ShapeArgs,

    /// Records a second, in whole batches; as many as are answered if not given
    #[arg(long, visible_alias = "throughput", value_name = "COUNT", value_parser = rate)]
    pub rate: Option<f64>,

    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidemill bench consume orders --connections 4\n  \
    tidemill bench consume orders -n 10000000 --format json\n\n\
    Up to 512 MiB of the topic are read once from its start, unmeasured, and every batch checked. \
    The same fetches are then made again and again, so what is measured is a broker that reads \
    what it read before. Now and then an answer is checked again, the others are dropped as they \
    come. The topic may grow meanwhile, but must not lose its start. No group is joined, nothing \
    is committed.\n\
    TLS and SASL are not there yet.")]
pub struct ConsumeArgs {
    /// The topic, which must exist and hold records
    pub topic: String,

    /// Most bytes of an answer
    #[arg(long, visible_alias = "fetch-size", value_name = "BYTES", default_value_t = 1 << 20,
        value_parser = clap::value_parser!(i32).range(1..=64 << 20))]
    pub fetch_bytes: i32,

    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidemill bench end-to-end load --rate 5000 --duration 1m\n  \
    tidemill bench end-to-end load --partitions 6 --connections 6 --acks all --html page.html\n\n\
    A record is timed from when it should be sent until a consumer has it, so that a broker that \
    stalls is charged for all that it delays. Each batch holds one record unless told otherwise. \
    Nobody else may write to the topic; it is made if there is none, and never deleted.\n\
    TLS and SASL are not there yet.")]
pub struct EndToEndArgs {
    /// The topic; made if there is none, never deleted
    pub topic: String,

    #[command(flatten)]
    pub shape: ShapeArgs,

    /// Records a second
    #[arg(long, visible_alias = "throughput", value_name = "COUNT", default_value = "1000",
        value_parser = rate)]
    pub rate: f64,

    /// Consumers, each of which reads all partitions
    #[arg(long, value_name = "COUNT", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub consumers: u16,

    #[command(flatten)]
    pub run: RunArgs,
}

fn bounded(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text)?;
    if parsed > DURATION_MAX { Err("at most 24h".to_owned()) } else { Ok(parsed) }
}

fn measured(text: &str) -> Result<Duration, String> {
    let parsed = bounded(text)?;
    if parsed.is_zero() { Err("must be longer than 0".to_owned()) } else { Ok(parsed) }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("expected records a second, from 0.1 to 10 million".to_owned()),
    }
}
