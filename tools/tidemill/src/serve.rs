//! `tidemill serve`: reads the configuration, starts the broker, waits for a signal. Prints one line
//! that starts with `ready` once every listener accepts; everything else goes to the log on stderr.

use engine_io::uring::StopHandle;
use net_server::boot::{self, Ready};
use net_server::config::{Inputs, Level, Machine, Report, load};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

/// Exit code of a configuration that cannot be used (sysexits).
const EXIT_CONFIG: u8 = 78;
/// Exit code after a second signal, which does not wait for the clean stop.
const EXIT_FORCED: i32 = 130;

/// Run a broker with Kafka's server.properties
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kafka's properties file; without one Kafka's defaults hold
    config: Option<PathBuf>,
    /// A setting that goes before file and environment; may be given several times
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// How much to log: error, warn, info, debug, or a filter as of RUST_LOG
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "TIDEMILL_LOG")]
    log: String,
}

/// A signal counts as the second one only so long after the first.
const SECOND_SIGNAL_AFTER: Duration = Duration::from_secs(1);

pub fn run(args: &Args) -> ExitCode {
    if let Err(error) = start_log(&args.log) {
        eprintln!("tidemill: --log {}: {error}", args.log);
        return ExitCode::from(2);
    }
    let content = match &args.config {
        None => None,
        Some(path) => match std::fs::read(path) {
            Ok(content) => Some((path.display().to_string(), content)),
            Err(error) => {
                eprintln!("tidemill: cannot read {}: {error}", path.display());
                return ExitCode::from(EXIT_CONFIG);
            }
        },
    };
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let machine = Machine::detect();
    let inputs = Inputs {
        file: content.as_ref().map(|(name, content)| (name.as_str(), content.as_slice())),
        environment: &environment,
        overrides: &args.overrides,
        machine: &machine,
    };
    let loaded = match load(&inputs) {
        Ok(loaded) => loaded,
        Err(problems) => {
            for problem in problems {
                eprintln!("tidemill: {problem}");
            }
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    tell(&loaded.report);
    let stop = StopHandle::new();
    if let Err(error) = watch_signals(stop.clone()) {
        eprintln!("tidemill: signals cannot be watched: {error}");
        return ExitCode::FAILURE;
    }
    match boot::run(loaded.config, stop, print_ready) {
        Ok(()) => {
            info!("stopped clean");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidemill: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn start_log(filter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(SystemTime)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_writer(std::io::stderr)
        .try_init()
}

fn tell(report: &Report) {
    for message in &report.messages {
        match message.level {
            Level::Info => info!("{}", message.text),
            Level::Warn => warn!("{}", message.text),
        }
    }
}

/// The first SIGTERM or SIGINT asks for a clean stop, the second ends the process at once.
fn watch_signals(stop: StopHandle) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut asked: Option<Instant> = None;
        for signal in signals.forever() {
            match signal {
                SIGHUP => info!("SIGHUP: nothing to read again"),
                // A wrapper that forwards Ctrl-C makes two of one: that is not impatience.
                _ if asked.is_some_and(|at| at.elapsed() < SECOND_SIGNAL_AFTER) => {}
                _ if asked.is_some() => {
                    warn!("second signal: stopping at once, the next start recovers");
                    std::process::exit(EXIT_FORCED);
                }
                _ => {
                    info!("stopping: connections drain, then the log is closed");
                    asked = Some(Instant::now());
                    stop.request_stop();
                }
            }
        }
    })?;
    Ok(())
}

fn print_ready(ready: &Ready) {
    let line = format!(
        "ready {} node.id={} cluster.id={} log.dir={} shards={} start_ms={}\n",
        ready.listeners.join(","),
        ready.node_id,
        ready.cluster_id,
        ready.log_dir.display(),
        ready.shards,
        ready.start_ms
    );
    // Nobody may be listening to stdout: that is no reason to stop.
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}
