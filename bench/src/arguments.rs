//! The command line. Limits are checked here, so that no later part meets an impossible number.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Parser, Debug)]
#[command(name = "bench", about = "Load for Kafka brokers, and what it costs them")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Produce pre-encoded batches as fast as they are answered.
    Produce(Produce),
    /// Fetch a topic again and again, dropping the records in the kernel.
    Fetch(Fetch),
    /// A broker that stores nothing: the least that answering can cost here.
    Null(Null),
    /// The CPU time that a process uses.
    Cpu(Cpu),
    /// The Markdown tables of a results file.
    Table(Table),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Acks {
    #[value(name = "1")]
    Leader,
    #[value(name = "all")]
    All,
}

impl Acks {
    /// As the Produce request carries it.
    pub fn code(self) -> i16 {
        match self {
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
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
    /// Process of the broker, whose CPU time is read at both ends of the measured time.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Core of the broker, to see what else ran there.
    #[arg(long, default_value_t = 0)]
    pub core: u16,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Args, Clone, Debug)]
pub struct Produce {
    #[command(flatten)]
    pub window: Window,
    /// Size of a record's value; records have no key.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=16 << 20))]
    pub record_bytes: u32,
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
}

#[derive(Args, Clone, Debug)]
pub struct Null {
    /// Address to listen on; port 0 takes a free one, which the `ready` line names.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: String,
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
}

#[derive(Args, Clone, Debug)]
pub struct Table {
    /// Written by scripts/measure.
    pub results: PathBuf,
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
        check("bench produce --topic t --acks 0", "--acks");
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
