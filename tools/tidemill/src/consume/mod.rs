//! `tidemill consume`: the records of a topic on stdout.

mod fetcher;
mod format;
mod group;
mod position;
mod sink;

use crate::client::cluster::Missing;
use crate::client::offsets::{self, LATEST};
use crate::client::{ClientError, Cluster, ClusterArgs, Topic};
use crate::escape;
use crate::failure::Failure;
use crate::output::progress::{Progress, summary};
use crate::output::{self, Format, duration};
use crate::signals::Signals;
use fetcher::{Cursor, Cursors, Fetcher, Flow};
use format::Template;
use group::Membership;
use position::Position;
use sink::{Sink, Style};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const COMMIT_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tidemill consume greetings --exit\n  \
    tidemill consume logs --offset -10 --output-format '%p/%o %T %s\\n'\n  \
    tidemill consume orders --group billing\n  \
    tidemill consume events --offset @1764000000000 --format json\n\n\
    Format strings: %t topic, %p partition, %o offset, %k key, %s value, %K and %S their sizes \
    (-1 for null), %T timestamp, %h headers, %% a percent sign, and \\n \\t \\r \\0 \\xFF.")]
pub struct Args {
    topic: String,

    /// Read only this partition; may be repeated
    #[arg(short, long, value_name = "NUMBER", value_delimiter = ',', conflicts_with = "group",
        value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,

    /// Where to begin: start, end, an offset, -N for the last N of each partition, or
    /// @MILLISECONDS for a time. With --group, where nothing is committed yet
    #[arg(short, long, value_name = "PLACE", default_value = "start", allow_hyphen_values = true)]
    offset: Position,

    /// The same as --offset start
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,

    /// Share the partitions with the other members of this group, and commit what was printed
    #[arg(short, long, value_name = "NAME")]
    group: Option<String>,

    /// Stop after so many records
    #[arg(short = 'n', long, value_name = "COUNT")]
    count: Option<u64>,

    /// Stop at what is the end when the command starts
    #[arg(short, long)]
    exit: bool,

    /// Print the key before the value
    #[arg(short = 'K', long)]
    print_key: bool,

    /// What is printed between key and value
    #[arg(long, value_name = "TEXT", default_value = r"\t", value_parser = escape::delimiter)]
    key_delimiter: std::vec::Vec<u8>,

    /// What is printed after a record
    #[arg(short, long, value_name = "TEXT", default_value = r"\n",
        value_parser = escape::unescape)]
    delimiter: std::vec::Vec<u8>,

    /// What is printed for a null
    #[arg(long, value_name = "TEXT", default_value = "")]
    null_marker: String,

    /// How a record is printed, see below
    #[arg(short = 'f', long, value_name = "FORMAT", conflicts_with_all = ["print_key", "format"])]
    output_format: Option<String>,

    /// Text, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// How long to go on when the broker is away
    #[arg(short, long, value_name = "DURATION", default_value = "2m",
        value_parser = duration::parse)]
    timeout: Duration,

    /// No progress, no summary
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    cluster: ClusterArgs,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut sink = Sink::stdout(style(args)?, args.count);
    let signals = Signals::watch()?;
    let mut cluster = args.cluster.connect()?;
    let topic = cluster.topic(&args.topic, Missing::Refuse, args.timeout)?;
    // The terminal shows the records themselves if they go there.
    let visible = !args.quiet && output::stderr_is_terminal() && !output::stdout_is_terminal();
    let mut progress = Progress::new(visible, None);
    let mut result = match &args.group {
        None => read_alone(args, &mut cluster, topic, &mut sink, &signals, &mut progress),
        Some(group) => {
            let mut reader = GroupReader { args, signals: &signals, committed_at: Instant::now() };
            reader.run(group, &mut cluster, &topic, &mut sink, &mut progress)
        }
    };
    if result.is_ok() {
        result = output::written(sink.flush());
    }
    progress.clear();
    if visible {
        eprintln!("{}", summary("read", sink.records, sink.bytes, progress.elapsed()));
    }
    result?;
    signals.seen().map_or(Ok(()), |signal| Err(Failure::signal(signal)))
}

fn style(args: &Args) -> Result<Style, Failure> {
    if let Some(text) = &args.output_format {
        let template = Template::parse(text, &args.null_marker);
        let template = template.map_err(|error| {
            Failure::usage(format!("--output-format: {error}")).hint("see: tidemill consume --help")
        })?;
        return Ok(Style::Template(template));
    }
    Ok(match args.format {
        Format::Json => Style::Json,
        Format::Text => {
            let key = args.print_key.then_some(args.key_delimiter.as_slice());
            Style::Template(Template::plain(key, &args.delimiter, &args.null_marker))
        }
    })
}

/// Cursors for `partitions` from `starts`, and to the present end with `--exit`.
fn cursors(
    args: &Args,
    cluster: &mut Cluster,
    topic: &Topic,
    partitions: &[i32],
    starts: &BTreeMap<i32, i64>,
) -> Result<Cursors, ClientError> {
    let ends = if args.exit {
        offsets::list(cluster, topic, partitions, LATEST)?
    } else {
        BTreeMap::new()
    };
    let cursor =
        |(index, start): (&i32, &i64)| (*index, Cursor::new(*start, ends.get(index).copied()));
    Ok(starts.iter().map(cursor).collect())
}

fn read_alone(
    args: &Args,
    cluster: &mut Cluster,
    topic: Topic,
    sink: &mut Sink,
    signals: &Signals,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let all: Vec<i32> = topic.partitions.iter().map(|partition| partition.index).collect();
    if let Some(index) = args.partition.iter().find(|index| !all.contains(index)) {
        let text = format!("topic {} has no partition {index}", args.topic);
        let last = all.len().saturating_sub(1);
        return Err(Failure::new(text).hint(format!("its partitions are 0 to {last}")));
    }
    let partitions = if args.partition.is_empty() { &all } else { &args.partition };
    let starts = args.offset.resolve(cluster, &topic, partitions)?;
    let cursors = cursors(args, cluster, &topic, partitions, &starts)?;
    let mut fetcher = Fetcher::new(cluster, topic, cursors, args.timeout);
    fetcher.run(sink, &mut |_, sink| {
        progress.update(sink.records, sink.bytes);
        Ok(if signals.seen().is_some() { Flow::Stop } else { Flow::Continue })
    })
}

/// Reads as a member of a group.
struct GroupReader<'a> {
    args: &'a Args,
    signals: &'a Signals,
    committed_at: Instant,
}

impl GroupReader<'_> {
    fn run(
        &mut self,
        group: &str,
        cluster: &mut Cluster,
        topic: &Topic,
        sink: &mut Sink,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        // Fetching borrows one client, the coordinator is talked to through another.
        let mut coordination = self.args.cluster.connect()?;
        coordination.metadata(Some(&[]), Missing::Refuse)?;
        let mut member = Membership::new(&mut coordination, group, &topic.name, self.args.timeout)?;
        loop {
            let partitions = member.join(&mut coordination)?;
            if !self.args.quiet && output::stderr_is_terminal() {
                progress.clear();
                eprintln!("group {group}: {} partitions", partitions.len());
            }
            let starts = self.starts(&member, &mut coordination, topic, &partitions)?;
            let cursors = cursors(self.args, cluster, topic, &partitions, &starts)?;
            // Nobody may have a partition for now: then there is only waiting to do.
            let idle = cursors.is_empty() && !self.args.exit;
            let mut fetcher = Fetcher::new(cluster, topic.clone(), cursors, self.args.timeout);
            let mut done = false;
            while !done {
                fetcher.run(sink, &mut |cursors, sink| {
                    progress.update(sink.records, sink.bytes);
                    self.check(&member, &mut coordination, cursors, sink)
                })?;
                done = !idle || self.signals.seen().is_some() || member.is_disturbed();
                if !done {
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            let stay = member.is_disturbed() && self.signals.seen().is_none() && !sink.is_full();
            output::written(sink.flush())?;
            let last = fetcher.cursors().clone();
            drop(fetcher);
            self.commit(&member, &mut coordination, &last)?;
            if !stay {
                member.leave(&mut coordination)?;
                return Ok(());
            }
        }
    }

    fn starts(
        &self,
        member: &Membership,
        cluster: &mut Cluster,
        topic: &Topic,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>, ClientError> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let committed = member.committed(cluster, partitions)?;
        let fresh: Vec<i32> =
            partitions.iter().copied().filter(|index| !committed.contains_key(index)).collect();
        let begun = self.args.offset.resolve(cluster, topic, &fresh)?;
        Ok(committed.into_iter().chain(begun).collect())
    }

    fn check(
        &mut self,
        member: &Membership,
        cluster: &mut Cluster,
        cursors: &Cursors,
        sink: &mut Sink,
    ) -> Result<Flow, Failure> {
        if self.signals.seen().is_some() || member.is_disturbed() {
            return Ok(Flow::Stop);
        }
        if self.committed_at.elapsed() >= COMMIT_EVERY {
            output::written(sink.flush())?;
            self.commit(member, cluster, cursors)?;
        }
        Ok(Flow::Continue)
    }

    /// Commits what is printed. Being put out of the group is no failure: whoever has the
    /// partitions now prints those records again.
    fn commit(
        &mut self,
        member: &Membership,
        cluster: &mut Cluster,
        cursors: &Cursors,
    ) -> Result<(), ClientError> {
        self.committed_at = Instant::now();
        let offsets = cursors.iter().map(|(index, cursor)| (*index, cursor.printed)).collect();
        match member.commit(cluster, &offsets) {
            Err(error) if error.is_retriable() || is_expelled(&error) => {
                eprintln!("not committed, records may be read again: {error}");
                Ok(())
            }
            result => result,
        }
    }
}

fn is_expelled(error: &ClientError) -> bool {
    use net_wire::ErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
    matches!(error.code(), Some(IllegalGeneration | RebalanceInProgress | UnknownMemberId))
}
