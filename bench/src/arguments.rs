//! The command line. Limits are checked here, so that no later part meets an impossible number.

use crate::answer::Gaps;
use crate::payload::Content;
use clap::{Args, Parser, Subcommand, ValueEnum};
use engine_record::Codec;
use std::path::PathBuf;
use std::time::Duration;

/// A load ends if nothing is answered, or delivered, for this long.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(30);

#[derive(Parser, Debug)]
#[command(name = "bench", about = "Load for Kafka brokers, and what it costs them")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Produce pre-encoded batches, as fast as they are answered or at a rate, with consumers
    /// beside if wanted.
    Produce(Box<Produce>),
    /// Fetch a topic again and again, dropping the records in the kernel.
    Fetch(Fetch),
    /// A loop that does one part of a broker's work and no more: what that part costs at least.
    Control(Control),
    /// Look whether a broker has what it acknowledged to a `produce --ledger`.
    Verify(Verify),
    /// Wait for a broker that is being started.
    Await(Await),
    /// The CPU time that a process uses.
    Cpu(Cpu),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Acks {
    /// The broker does not answer.
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    Leader,
    #[value(name = "all", alias = "-1")]
    All,
}

impl Acks {
    /// As the Produce request carries it.
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// What a request gets for an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    Kafka,
    /// Its own bytes.
    Echo,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    pub fn codec(self) -> Codec {
        match self {
            Compression::None => Codec::None,
            Compression::Gzip => Codec::Gzip,
            Compression::Snappy => Codec::Snappy,
            Compression::Lz4 => Codec::Lz4,
            Compression::Zstd => Codec::Zstd,
        }
    }
}

/// Where consumers begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum From {
    /// With what is written from now on.
    End,
    /// With the oldest, and there again once they have all.
    Start,
}

/// How a connection that may send several requests writes them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Writing {
    /// One system call for each request, as clients do that make one request at a time.
    Each,
    /// All that are due with one system call.
    Together,
}

/// The part that all loads share.
#[derive(Args, Clone, Debug)]
pub struct Window {
    /// Broker to connect to, host:port.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub address: String,
    #[arg(long)]
    pub topic: String,
    /// Partitions to use, from 0.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub partitions: u16,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub connections: u16,
    /// Seconds that are measured.
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: Duration,
    /// Seconds of the same load before that.
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub warm_up: Duration,
    /// Records that are measured, in place of a time; whole batches.
    #[arg(long, conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub records: Option<u64>,
    /// Process of the broker, whose CPU time is read at both ends of the measured time.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Core of the broker, to see what else ran there.
    #[arg(long, default_value_t = 0)]
    pub core: u16,
    /// Core of this load, to see what else ran there.
    #[arg(long)]
    pub client_core: Option<u16>,
    /// Block device of the broker's data, as in /sys/class/block, to count what it is asked.
    #[arg(long)]
    pub device: Option<String>,
    /// Name in the broker's logs and quotas.
    #[arg(long, default_value = "bench")]
    pub client_id: String,
    /// See [`SILENCE_LIMIT`].
    #[arg(skip = SILENCE_LIMIT)]
    pub silence_limit: Duration,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Consumers beside a produce load.
#[derive(Args, Clone, Debug)]
pub struct Consume {
    /// Consumers, each with a connection for each partition; 0 is none.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub consumers: u16,
    /// What they read, if it is not what is produced.
    #[arg(long)]
    pub consume_topic: Option<String>,
    /// Partitions of it, from 0; as many as are produced to unless told.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub consume_partitions: Option<u16>,
    #[arg(long, value_enum, default_value = "end")]
    pub from: From,
    /// Answers shorter than this wait for more.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=64 << 20))]
    pub fetch_bytes_min: i32,
    #[arg(long, default_value_t = 1 << 20, value_parser = clap::value_parser!(i32).range(1..=64 << 20))]
    pub fetch_bytes_max: i32,
    /// Milliseconds that an answer waits for its bytes at most.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(i32).range(0..=60_000))]
    pub fetch_wait_ms: i32,
    /// Every how manieth answer of a consumer is read whole and its batches checked.
    #[arg(long = "consume-check-every", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub check_every: u32,
}

#[derive(Args, Clone, Debug)]
pub struct Produce {
    #[command(flatten)]
    pub window: Window,
    /// Size of a record's value.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16 << 20))]
    pub record_bytes: u32,
    /// Size of a record's key; 0 is no key.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1 << 16))]
    pub key_bytes: u32,
    /// Size of a batch, filled with as many whole records as fit, at least one.
    #[arg(long, default_value_t = 131_072, value_parser = clap::value_parser!(u32).range(1..=64 << 20))]
    pub batch_bytes: u32,
    /// Records of a batch, in place of its size.
    #[arg(long, conflicts_with = "batch_bytes", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub records_per_batch: Option<u32>,
    /// Requests of a connection that wait for their answers at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub depth: u16,
    #[arg(long, value_enum, default_value = "all")]
    pub acks: Acks,
    #[arg(long, value_enum, default_value = "each")]
    pub writing: Writing,
    /// Partitions that share a request, each with a batch in it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub partitions_per_request: u16,
    #[arg(long, value_enum, default_value = "none")]
    pub codec: Compression,
    #[arg(long, value_enum, default_value = "half")]
    pub content: Content,
    /// Requests a second over all connections, meant for moments on a grid, from which latency
    /// counts. Without it each answer makes the next request.
    #[arg(long, value_parser = rate)]
    pub rate: Option<f64>,
    /// New connections a second beside the load; each asks for the API versions and is closed.
    #[arg(long, value_parser = rate)]
    pub churn: Option<f64>,
    /// Each connection sends to partitions that no other sends to; end-to-end times need that.
    #[arg(long)]
    pub own_partitions: bool,
    /// File for what was acknowledged, written also when the broker dies.
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// The peer sends each request back (`bench control echo`).
    #[arg(long)]
    pub echo: bool,
    /// Don't wait for the partitions' leaders first.
    #[arg(long)]
    pub no_settle: bool,
    #[command(flatten)]
    pub consume: Consume,
}

impl Produce {
    pub fn answers(&self) -> Answers {
        match (self.echo, self.acks) {
            (true, _) => Answers::Echo,
            (false, Acks::None) => Answers::None,
            (false, _) => Answers::Kafka,
        }
    }
}

impl Fetch {
    pub fn gaps(&self) -> Gaps {
        if self.gaps { Gaps::Allow } else { Gaps::Refuse }
    }
}

impl Default for Consume {
    fn default() -> Consume {
        Consume {
            consumers: 0,
            consume_topic: None,
            consume_partitions: None,
            from: From::End,
            fetch_bytes_min: 1,
            fetch_bytes_max: 1 << 20,
            fetch_wait_ms: 500,
            check_every: 64,
        }
    }
}

#[derive(Args, Clone, Debug)]
pub struct Fetch {
    #[command(flatten)]
    pub window: Window,
    /// Most bytes of one answer, and of one partition in it.
    #[arg(long, default_value_t = 1 << 20, value_parser = clap::value_parser!(i32).range(1..=64 << 20))]
    pub max_bytes: i32,
    /// Every how manieth answer is read whole and its batches checked; the others are dropped in
    /// the kernel.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub check_every: u32,
    /// Offsets may have gaps, as compaction and transactions leave them.
    #[arg(long)]
    pub gaps: bool,
}

#[derive(Args, Clone, Debug)]
pub struct Control {
    #[arg(value_enum)]
    pub name: ControlName,
    /// Address to listen on; port 0 takes a free one, which the `ready` line names.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: String,
    /// Folder for the files of the loops that write or read; they are gone at the end.
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
    /// Size of the file that is written round and round, or read, in MiB.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(8..=1 << 20))]
    pub file_mib: u64,
    /// Size of the reads from a socket, in KiB.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u16).range(4..=4096))]
    pub read_kib: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ControlName {
    /// Answers Produce, stores nothing.
    Null,
    /// Reads and drops; for `produce --acks 0`.
    Recv,
    /// Sends back what it reads; for `produce --echo --no-settle`.
    Echo,
    /// Null, and the checksum of each batch, and all bytes to a file by direct writes.
    Write,
    /// Null, and all bytes of a round to a file, flushed, before its answers.
    Commit,
    /// Answers Fetch with a file's records by sendfile.
    Sendfile,
    /// The same by splice through a pipe.
    Splice,
    /// The same by a direct read and a send.
    Read,
}

#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// Broker to connect to, host:port.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub address: String,
    /// Written by `produce --ledger`.
    #[arg(long)]
    pub ledger: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args, Clone, Debug)]
pub struct Await {
    /// Broker to connect to, host:port.
    #[arg(long, default_value = "127.0.0.1:9092")]
    pub address: String,
    /// Until a record to partition 0 of this topic is taken.
    #[arg(long, default_value = "await")]
    pub topic: String,
    /// Until all that this says was acknowledged is served.
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// Seconds.
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub limit: Duration,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args, Clone, Debug)]
pub struct Cpu {
    #[arg(long)]
    pub pid: u32,
    #[arg(long, default_value_t = 0)]
    pub core: u16,
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub seconds: Duration,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Watch for as long as this command runs, whose output goes to standard error.
    #[arg(last = true)]
    pub command: Vec<String>,
}

/// Up to an hour, in seconds with a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    if (0.0..=3600.0).contains(&value) {
        Ok(Duration::from_secs_f64(value))
    } else {
        Err("seconds go from 0 to 3600".to_owned())
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is not a rate"))?;
    if (0.1..=10_000_000.0).contains(&value) {
        Ok(value)
    } else {
        Err("rates go from 0.1 to 10 million a second".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Acks, Arguments, Command, Writing};
    use clap::{CommandFactory as _, Parser as _};
    use std::time::Duration;

    fn parse(line: &str) -> Result<Command, String> {
        Arguments::try_parse_from(line.split(' '))
            .map(|parsed| parsed.command)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn produce_takes_all_its_options() {
        let line = "bench produce --address h:1 --topic t --partitions 4 --connections 32 \
                    --seconds 0.5 --warm-up 0 --record-bytes 100 --records-per-batch 1 \
                    --depth 5 --acks 1 --writing together --pid 7";
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let Ok(Command::Produce(options)) = parse(&line) else { panic!("not a produce") };
        assert_eq!(options.window.address, "h:1");
        assert_eq!((options.window.partitions, options.window.connections), (4, 32));
        assert_eq!(options.window.seconds, Duration::from_millis(500));
        assert_eq!(options.window.warm_up, Duration::ZERO);
        assert_eq!((options.record_bytes, options.records_per_batch), (100, Some(1)));
        assert_eq!((options.depth, options.acks.code()), (5, 1));
        assert_eq!((options.writing, options.window.pid), (Writing::Together, Some(7)));
    }

    #[test]
    fn defaults_are_the_bulk_shape() {
        let Ok(Command::Produce(options)) = parse("bench produce --topic t") else {
            panic!("not a produce")
        };
        assert_eq!((options.record_bytes, options.batch_bytes), (1024, 131_072));
        assert_eq!((options.acks, options.acks.code()), (Acks::All, -1));
        assert_eq!(options.writing, Writing::Each);
    }

    #[test]
    fn impossible_numbers_are_refused() {
        fn check(line: &str, expected: &str) {
            let error = parse(line).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
        check("bench produce", "--topic");
        check("bench produce --topic t --partitions 0", "--partitions");
        check("bench produce --topic t --depth 0", "--depth");
        check("bench produce --topic t --acks 2", "--acks");
        check("bench produce --topic t --rate 0", "rates go from");
        check("bench control nothing", "possible values");
        check("bench produce --topic t --seconds 4000", "seconds go from 0 to 3600");
        check("bench produce --topic t --seconds x", "not a number of seconds");
        check("bench produce --topic t --seconds nan", "seconds go from 0 to 3600");
        check(
            "bench produce --topic t --records-per-batch 1 --batch-bytes 9",
            "cannot be used with",
        );
        check("bench fetch --topic t --max-bytes 0", "--max-bytes");
    }
}
