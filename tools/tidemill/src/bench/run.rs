//! A measured run as it is kept: one JSON document, written by the loads, read by `compare` and
//! `report`. Field names are stable; what is added later is optional.

use super::environment::Environment;
use crate::failure::Failure;
use load::latency::Summary;
use load::look::STOPPED;
use load::report::Measured;
use load::tally::Interval;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Version of the document's form; another number is another meaning.
pub const FORM: u32 = 1;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    Produce,
    Consume,
    EndToEnd,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    pub tidemill_bench: u32,
    pub load: Load,
    /// When it began, UTC.
    pub date: String,
    /// False if it broke off; then the results are of the time until then.
    pub complete: bool,
    pub failure: Option<String>,
    /// By the names of the options.
    pub settings: BTreeMap<String, serde_json::Value>,
    pub environment: Environment,
    pub results: Results,
}

/// Counts are of what was answered within the measured time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub seconds: f64,
    pub requests: u64,
    pub records: u64,
    /// Of record batches as they were sent.
    pub bytes: u64,
    pub requests_per_s: f64,
    pub records_per_s: f64,
    /// A MB is 10^6 bytes.
    pub mb_per_s: f64,
    /// Of requests until their answers; with a rate, from when they should have been sent.
    pub latency: Summary,
    /// From when a request should have been sent until a consumer had its records.
    pub delivery: Option<Delivery>,
    /// Refusals and lost connections; a run ends at the first.
    pub errors: u64,
    /// Requests that a broker was too late for; their times are lower bounds.
    pub never_sent: u64,
    /// Offsets between the first and the last that were given to somebody else.
    pub foreign_offsets: u64,
    pub broker_cpu: Option<BrokerCpu>,
    /// Of this load itself.
    pub client_cpu_s: f64,
    /// How far the wall's clock went ahead of the steady one.
    pub clock_step_ms: f64,
    pub intervals: Vec<Interval>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// Over all consumers.
    pub records: u64,
    pub bytes: u64,
    /// Answers that were read whole and checked.
    pub checked: u64,
    pub latency: Summary,
    pub intervals: Vec<Interval>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct BrokerCpu {
    pub total_s: f64,
    pub user_s: f64,
    pub system_s: f64,
    /// Cores that were busy for it, on average.
    pub cores: f64,
    /// A GB is 10^9 bytes. None if other brokers took a part of the load.
    pub s_per_gb: Option<f64>,
    pub us_per_request: Option<f64>,
    pub resident_bytes: u64,
    pub threads: BTreeMap<String, f64>,
}

impl Results {
    /// `brokers` took the load.
    pub fn of(measured: Measured, brokers: usize) -> Results {
        let seconds = measured.seconds;
        let requests_per_s = measured.requests_per_second();
        let mb_per_s = measured.megabytes_per_second();
        let s_per_gb = measured.cpu_s_per_gb().filter(|_| brokers == 1);
        let us_per_request = measured.cpu_us_per_request().filter(|_| brokers == 1);
        let failed = measured.failure.as_ref().is_some_and(|failure| failure != STOPPED);
        let per_s = |count: u64| if seconds > 0.0 { float(count) / seconds } else { 0.0 };
        let broker_cpu = measured.cpu.broker.map(|broker| BrokerCpu {
            total_s: broker.total_s,
            user_s: broker.user_s,
            system_s: broker.system_s,
            cores: if seconds > 0.0 { broker.total_s / seconds } else { 0.0 },
            s_per_gb,
            us_per_request,
            resident_bytes: broker.resident_bytes,
            threads: broker.threads,
        });
        let delivery = measured.delivered.map(|delivered| Delivery {
            records: delivered.records,
            bytes: delivered.bytes,
            checked: delivered.checked,
            latency: delivered.end_to_end,
            intervals: delivered.end_to_end_intervals,
        });
        Results {
            seconds,
            requests: measured.requests,
            records: measured.records,
            bytes: measured.bytes,
            requests_per_s,
            records_per_s: per_s(measured.records),
            mb_per_s,
            latency: measured.latency,
            delivery,
            errors: u64::from(failed),
            never_sent: measured.abandoned,
            foreign_offsets: measured.foreign_offsets,
            broker_cpu,
            client_cpu_s: measured.cpu.client_s,
            clock_step_ms: measured.clock_step_ms,
            intervals: measured.intervals,
        }
    }

    /// Of the times that the load is about.
    pub fn main_intervals(&self) -> &[Interval] {
        self.delivery.as_ref().map_or(&self.intervals, |delivery| &delivery.intervals)
    }
}

/// Counts of one run are far below 2^53.
fn float(count: u64) -> f64 {
    count as f64
}

impl Load {
    /// As the command that makes it.
    pub fn name(self) -> &'static str {
        match self {
            Load::Produce => "produce",
            Load::Consume => "consume",
            Load::EndToEnd => "end-to-end",
        }
    }
}

impl Run {
    /// Reads what `--output` wrote.
    pub fn read(path: &Path) -> Result<Run, Failure> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
        Run::parse(&text).map_err(|why| Failure::new(format!("{name} {why}")))
    }

    pub fn parse(text: &str) -> Result<Run, String> {
        const HINT: &str = "it should be what `tidemill bench` wrote with --output";
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}; {HINT}"))?;
        match value.get("tidemill_bench").and_then(serde_json::Value::as_u64) {
            Some(form) if form == u64::from(FORM) => {}
            Some(form) => return Err(format!("is of form {form}, this program knows form {FORM}")),
            None => return Err(format!("is not a run; {HINT}")),
        }
        serde_json::from_value(value).map_err(|error| format!("is not whole: {error}"))
    }
}
