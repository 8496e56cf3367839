//! Makes a load, watches it, and gives out what it found.

use super::args::{ConsumeArgs, EndToEndArgs, ProduceArgs, RunArgs, ShapeArgs};
use super::environment::{Brokers, Client, Environment};
use super::line::{Length, Line};
use super::page;
use super::run::{FORM, Load, Results, Run};
use super::target::{Absent, Target, find};
use crate::client::{ClientError, Cluster};
use crate::failure::{Failure, Kind};
use crate::output::{self, Format, time};
use crate::signals::Signals;
use clap::ValueEnum;
use load::answer::FETCH_VERSION;
use load::arguments::{self, Consume, Fetch, Produce, Window, Writing};
use load::error::Refused;
use load::frames::PRODUCE_VERSION;
use load::leaders::Leaders;
use load::look::{Flow, Look};
use load::offsets::LIST_OFFSETS_VERSION;
use load::report::Measured;
use load::{fetch, kernel, window};
use net_wire::{ApiKey, ErrorCode};
use rustix::fs::Access;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Batches of Kafka's producer.
const BATCH_BYTES: u32 = 16_384;
/// Encoded requests of all partitions may take this much memory.
const FRAMES_BYTES_MAX: u64 = 2 << 30;
/// Every how manieth answer of a consumer is checked.
const CHECK_EVERY: u32 = 256;
/// With few records each answer may be checked.
const TAIL_CHECK_EVERY: u32 = 64;

pub fn produce(args: &ProduceArgs) -> Result<(), Failure> {
    let mut bench = Bench::start(&args.run)?;
    let spoken = [(ApiKey::Produce, PRODUCE_VERSION), (ApiKey::Metadata, 8)];
    let target = bench.find(&args.topic, absent(&args.shape), &spoken)?;
    let mut options = produce_options(&args.run, &args.topic, &args.shape, &target, Batch::Kafka)?;
    let batch_records = set_rate(&mut options, args.rate)?;
    let mut settings = shape_settings(&options, &args.shape, batch_records);
    settings.insert("rate".to_owned(), json!(args.rate));
    let measured =
        bench.measure(&mut |watcher| window::run_watched(&options, &target.leaders, watcher))?;
    bench.finish(Load::Produce, settings, (&target, &options.window), measured)
}

pub fn end_to_end(args: &EndToEndArgs) -> Result<(), Failure> {
    let mut bench = Bench::start(&args.run)?;
    let spoken = [
        (ApiKey::Produce, PRODUCE_VERSION),
        (ApiKey::Fetch, FETCH_VERSION),
        (ApiKey::ListOffsets, LIST_OFFSETS_VERSION),
        (ApiKey::Metadata, 8),
    ];
    let target = bench.find(&args.topic, absent(&args.shape), &spoken)?;
    let mut options =
        produce_options(&args.run, &args.topic, &args.shape, &target, Batch::OneRecord)?;
    check_own_partitions(&target, options.window.connections)?;
    let batch_records = set_rate(&mut options, Some(args.rate))?;
    options.own_partitions = true;
    options.consume =
        Consume { consumers: args.consumers, check_every: TAIL_CHECK_EVERY, ..Consume::default() };
    let mut settings = shape_settings(&options, &args.shape, batch_records);
    settings.insert("rate".to_owned(), json!(args.rate));
    settings.insert("consumers".to_owned(), json!(args.consumers));
    let measured =
        bench.measure(&mut |watcher| window::run_watched(&options, &target.leaders, watcher))?;
    bench.finish(Load::EndToEnd, settings, (&target, &options.window), measured)
}

pub fn consume(args: &ConsumeArgs) -> Result<(), Failure> {
    let mut bench = Bench::start(&args.run)?;
    let spoken = [(ApiKey::Fetch, FETCH_VERSION), (ApiKey::ListOffsets, LIST_OFFSETS_VERSION)];
    let target = bench.find(&args.topic, Absent::Refuse, &spoken)?;
    let options = Fetch {
        window: window_options(&args.run, &args.topic, &target)?,
        max_bytes: args.fetch_bytes,
        check_every: CHECK_EVERY,
        gaps: true,
    };
    let mut settings = BTreeMap::new();
    settings.insert("fetch_bytes".to_owned(), json!(args.fetch_bytes));
    let measured =
        bench.measure(&mut |watcher| fetch::run_watched(&options, &target.leaders, watcher))?;
    bench.finish(Load::Consume, settings, (&target, &options.window), measured)
}

/// What is common to the three.
struct Bench<'a> {
    args: &'a RunArgs,
    cluster: Cluster,
    environment: Environment,
    signals: Signals,
    date: String,
}

impl<'a> Bench<'a> {
    /// Refuses what cannot end well before anything is sent.
    fn start(args: &'a RunArgs) -> Result<Bench<'a>, Failure> {
        for path in args.output.iter().chain(&args.html) {
            check_writable(path)?;
        }
        if let Some(pid) = args.pid
            && !Path::new("/proc").join(pid.to_string()).exists()
        {
            return Err(Failure::usage(format!("there is no process {pid} on this machine"))
                .hint("--pid is for a broker that runs here"));
        }
        let signals = Signals::watch()?;
        let mut cluster = args.cluster.connect()?;
        let given: Vec<String> = args.cluster.bootstrap.iter().map(ToString::to_string).collect();
        let brokers = Brokers::ask(&mut cluster, given.join(","))?;
        kernel::allow_many_sockets();
        let environment = Environment { client: Client::here(), brokers };
        Ok(Bench { args, cluster, environment, signals, date: now() })
    }

    fn find(
        &mut self,
        topic: &str,
        absent: Absent,
        spoken: &[(ApiKey, i16)],
    ) -> Result<Target, Failure> {
        let limit = self.args.cluster.request_timeout;
        let target = find(&mut self.cluster, topic, absent, spoken, limit)?;
        if absent != Absent::Refuse && !self.args.quiet {
            let count = target.partitions;
            let partitions = if count == 1 { "partition" } else { "partitions" };
            let how = if target.made { "made" } else { "exists, records are added to it" };
            eprintln!("topic {topic}: {how}; {count} {partitions}");
        }
        Ok(target)
    }

    fn measure(
        &self,
        load: &mut dyn FnMut(&mut load::look::Watcher<'_>) -> Result<Measured, load::Failure>,
    ) -> Result<Measured, Failure> {
        let RunArgs { duration, records, warm_up, quiet, .. } = *self.args;
        let length = records.map_or(Length::Time(duration), Length::Records);
        let mut line = Line::new(!quiet && output::stderr_is_terminal(), warm_up, length);
        let outcome = load(&mut |look: &Look<'_>| {
            line.update(look);
            if self.signals.seen().is_some() { Flow::Stop } else { Flow::Continue }
        });
        line.clear();
        outcome.map_err(|failure| match self.signals.seen() {
            Some(signal) => Failure::signal(signal),
            None => told(&failure),
        })
    }

    /// Shows and keeps what was measured. A run that broke off fails after that.
    fn finish(
        self,
        load: Load,
        mut settings: BTreeMap<String, Value>,
        (target, window): (&Target, &Window),
        measured: Measured,
    ) -> Result<(), Failure> {
        settings.insert("topic".to_owned(), json!(window.topic));
        settings.insert("partitions".to_owned(), json!(window.partitions));
        settings.insert("connections".to_owned(), json!(window.connections));
        settings.insert("warm_up_s".to_owned(), json!(window.warm_up.as_secs_f64()));
        let duration_s = self.args.duration.as_secs_f64();
        let (duration_s, records) = match self.args.records {
            None => (json!(duration_s), Value::Null),
            Some(records) => (Value::Null, json!(records)),
        };
        settings.insert("duration_s".to_owned(), duration_s);
        settings.insert("records".to_owned(), records);
        let code = measured.failure_code;
        let signal = self.signals.seen();
        let failure = measured.failure.clone().map(|failure| match signal {
            Some(signal) if failure == load::look::STOPPED => {
                format!("{failure} by signal {signal}")
            }
            _ => failure,
        });
        let run = Run {
            tidemill_bench: FORM,
            load,
            date: self.date,
            complete: failure.is_none(),
            failure,
            settings,
            environment: self.environment,
            results: Results::of(measured, target.leaders.brokers()),
        };
        keep(&run, self.args.output.as_ref(), self.args.html.as_ref())?;
        match self.args.format {
            Format::Json => output::print_json(&run)?,
            Format::Text => output::print(&run.text(output::stdout_paint()))?,
        }
        let Some(failure) = &run.failure else { return Ok(()) };
        let why = format!(
            "the run broke off after {:.2} s, its results are partial: {failure}",
            run.results.seconds
        );
        let failed = match code.and_then(ErrorCode::from_code).and_then(crate::client::error::hint)
        {
            Some(hint) => Failure::new(why).hint(hint),
            None => Failure::new(why),
        };
        Err(signal.map_or(failed.clone(), |signal| failed.kind(Kind::Signal(signal))))
    }
}

/// Writes the files that were asked for.
pub fn keep(run: &Run, json: Option<&PathBuf>, html: Option<&PathBuf>) -> Result<(), Failure> {
    let write = |path: &PathBuf, text: String| {
        std::fs::write(path, text)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
    };
    json.map_or(Ok(()), |path| write(path, output::json_text(run)))?;
    html.map_or(Ok(()), |path| write(path, page::render(run)))
}

/// That a file can be written there is found out before the run, not after it.
fn check_writable(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let target = if path.exists() { path } else { folder };
    let name = path.display();
    if path.is_dir() {
        return Err(Failure::usage(format!("{name} is a directory, a file is to be written")));
    }
    rustix::fs::access(target, Access::WRITE_OK)
        .map_err(|error| Failure::usage(format!("cannot write {name}: {error}")))
}

fn absent(shape: &ShapeArgs) -> Absent {
    Absent::Make {
        partitions: shape.partitions.unwrap_or(-1),
        replication_factor: shape.replication_factor.unwrap_or(-1),
    }
}

/// What a batch holds where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Batch {
    Kafka,
    OneRecord,
}

fn window_options(args: &RunArgs, topic: &str, target: &Target) -> Result<Window, Failure> {
    let brokers = u16::try_from(target.leaders.brokers()).expect("no more than partitions");
    let connections = args.connections.unwrap_or(brokers);
    if connections < brokers {
        let what = format!("{brokers} brokers lead the partitions of {topic}");
        return Err(Failure::usage(what).hint(format!("use --connections {brokers} or more")));
    }
    Ok(Window {
        address: target.leaders.address(0).to_owned(),
        topic: topic.to_owned(),
        partitions: target.partitions,
        connections,
        seconds: args.duration,
        warm_up: args.warm_up,
        records: args.records,
        pid: args.pid,
        core: 0,
        client_core: None,
        device: None,
        client_id: args.cluster.client_id.clone(),
        silence_limit: arguments::SILENCE_LIMIT,
        format: arguments::Format::Json,
    })
}

fn produce_options(
    args: &RunArgs,
    topic: &str,
    shape: &ShapeArgs,
    target: &Target,
    batch: Batch,
) -> Result<Produce, Failure> {
    let one_record = batch == Batch::OneRecord && shape.batch_bytes.is_none();
    let batch_bytes = shape.batch_bytes.unwrap_or(BATCH_BYTES);
    let records_per_batch = shape.batch_records.or(one_record.then_some(1));
    let record_bytes = u64::from(shape.record_bytes) + u64::from(shape.key_bytes);
    let largest = match records_per_batch {
        Some(records) => u64::from(records) * record_bytes,
        None => u64::from(batch_bytes).max(record_bytes),
    };
    let frames_bytes = largest * u64::from(target.partitions);
    if frames_bytes > FRAMES_BYTES_MAX {
        let what = format!("a batch for each of {} partitions takes too much", target.partitions);
        return Err(Failure::usage(format!("{what} memory: {} MiB", frames_bytes >> 20))
            .hint("use smaller batches"));
    }
    Ok(Produce {
        window: window_options(args, topic, target)?,
        record_bytes: shape.record_bytes,
        key_bytes: shape.key_bytes,
        batch_bytes,
        records_per_batch,
        depth: shape.in_flight,
        acks: shape.acks,
        writing: Writing::Each,
        partitions_per_request: 1,
        codec: shape.codec,
        content: shape.content,
        rate: None,
        churn: None,
        own_partitions: false,
        ledger: None,
        echo: false,
        no_settle: false,
        consume: Consume::default(),
    })
}

/// The generator's rate is in requests; gives the records of a batch.
fn set_rate(options: &mut Produce, records_per_s: Option<f64>) -> Result<u32, Failure> {
    let mut one = options.clone();
    one.window.partitions = 1;
    let records = load::produce::encode(&one).map_err(|failure| told(&failure))?.records();
    options.rate = records_per_s.map(|rate| rate / f64::from(records));
    Ok(records)
}

/// Records of a partition come in the order in which one connection sends them.
fn check_own_partitions(target: &Target, connections: u16) -> Result<(), Failure> {
    let leaders: &Leaders = &target.leaders;
    let count = usize::from(connections);
    for broker in 0..leaders.brokers() {
        let led = (0..usize::from(target.partitions))
            .filter(|partition| leaders.of(*partition) == broker)
            .count();
        let share = leaders.share(broker, count).map_err(|failure| told(&failure))?;
        if share.count > led {
            let address = leaders.address(broker);
            let what = format!("the broker at {address} leads {led} partitions");
            return Err(Failure::usage(format!("{what}, too few for {} connections", share.count))
                .hint("end-to-end times need a partition for each connection"));
        }
    }
    Ok(())
}

fn shape_settings(
    options: &Produce,
    shape: &ShapeArgs,
    batch_records: u32,
) -> BTreeMap<String, Value> {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or(Value::Null, |value| json!(value.get_name()))
    };
    let batch_bytes = match options.records_per_batch {
        Some(_) => Value::Null,
        None => json!(options.batch_bytes),
    };
    [
        ("record_bytes", json!(shape.record_bytes)),
        ("key_bytes", json!(shape.key_bytes)),
        ("batch_bytes", batch_bytes),
        ("batch_records", json!(batch_records)),
        ("codec", name(shape.codec.to_possible_value())),
        ("content", name(shape.content.to_possible_value())),
        ("acks", name(shape.acks.to_possible_value())),
        ("in_flight", json!(shape.in_flight)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A failure of the generator as this program tells its own.
fn told(failure: &load::Failure) -> Failure {
    match failure.downcast_ref::<Refused>() {
        Some(refused) => {
            let code = ErrorCode::from_code(refused.code);
            let code = code.unwrap_or(ErrorCode::UnknownServerError);
            ClientError::refused(refused.what.clone(), code, None).into()
        }
        None => Failure::new(format!("nothing was measured: {failure}")),
    }
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time::utc(i64::try_from(since.as_millis()).unwrap_or(-1))
}
