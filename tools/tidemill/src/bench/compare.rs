//! `tidemill bench compare`: two runs side by side, with ratios, and with what was not alike.

use super::run::{Results, Run};
use super::text::{Percentile, decimal, micros};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format, Paint, number};
use load::latency::Summary;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What a load wrote with --output
    a: PathBuf,

    /// Another one
    b: PathBuf,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(PartialEq, Debug, Serialize)]
pub struct Comparison {
    pub a: String,
    pub b: String,
    pub rows: Vec<Row>,
    /// Options and circumstances that were not alike.
    pub differences: Vec<Difference>,
    /// What else stands against comparing.
    pub warnings: Vec<String>,
}

#[derive(PartialEq, Debug, Serialize)]
pub struct Row {
    pub metric: &'static str,
    pub unit: Unit,
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// B by A.
    pub ratio: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    PerSecond,
    MbPerSecond,
    Microseconds,
    SecondsPerGb,
    Bytes,
    Cores,
}

#[derive(PartialEq, Debug, Serialize)]
pub struct Difference {
    pub setting: String,
    pub a: Value,
    pub b: Value,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let names = [&args.a, &args.b].map(|path| path.display().to_string());
    let [a, b] = [Run::read(&args.a)?, Run::read(&args.b)?];
    let compared = compare(names, &a, &b);
    match args.format {
        Format::Json => output::print_json(&compared),
        Format::Text => output::print(&compared.text(output::stdout_paint())),
    }
}

pub fn compare([name_a, name_b]: [String; 2], a: &Run, b: &Run) -> Comparison {
    let (left, right) = (&a.results, &b.results);
    let mut rows = Vec::new();
    let mut row = |metric, unit, of: &dyn Fn(&Results) -> Option<f64>| {
        let (a, b) = (of(left), of(right));
        if a.is_some() || b.is_some() {
            let ratio = a.zip(b).filter(|(a, _)| *a > 0.0).map(|(a, b)| b / a);
            rows.push(Row { metric, unit, a, b, ratio });
        }
    };
    row("records", Unit::PerSecond, &|r| Some(r.records_per_s));
    row("throughput", Unit::MbPerSecond, &|r| Some(r.mb_per_s));
    row("requests", Unit::PerSecond, &|r| Some(r.requests_per_s));
    let times: [(&'static str, &'static str, Percentile); 5] = [
        ("latency p50", "delivery p50", |times| times.p50_us),
        ("latency p95", "delivery p95", |times| times.p95_us),
        ("latency p99", "delivery p99", |times| times.p99_us),
        ("latency p99.9", "delivery p99.9", |times| times.p999_us),
        ("latency max", "delivery max", |times| times.max_us),
    ];
    let some = |times: &Summary, of: Percentile| (times.count > 0).then(|| of(times));
    for (_, name, of) in times {
        row(name, Unit::Microseconds, &|r| {
            r.delivery.as_ref().and_then(|delivery| some(&delivery.latency, of))
        });
    }
    for (name, _, of) in times {
        row(name, Unit::Microseconds, &|r| some(&r.latency, of));
    }
    row("broker CPU", Unit::SecondsPerGb, &|r| r.broker_cpu.as_ref()?.s_per_gb);
    row("broker CPU a request", Unit::Microseconds, &|r| r.broker_cpu.as_ref()?.us_per_request);
    row("broker CPU", Unit::Cores, &|r| Some(r.broker_cpu.as_ref()?.cores));
    row("broker memory", Unit::Bytes, &|r| Some(r.broker_cpu.as_ref()?.resident_bytes as f64));
    let mut warnings = Vec::new();
    for (name, run) in [(&name_a, a), (&name_b, b)] {
        if let Some(failure) = &run.failure {
            warnings.push(format!("{name} is partial: {failure}"));
        }
        if run.results.never_sent > 0 {
            warnings.push(format!("{name} was too far behind its rate, its times are too short"));
        }
    }
    Comparison { a: name_a, b: name_b, rows, differences: differences(a, b), warnings }
}

fn differences(a: &Run, b: &Run) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |setting: &str, a: Value, b: Value| {
        if a != b {
            found.push(Difference { setting: setting.to_owned(), a, b });
        }
    };
    note("load", a.load.name().into(), b.load.name().into());
    let names: BTreeSet<&String> = a.settings.keys().chain(b.settings.keys()).collect();
    for name in names {
        let value = |run: &Run| run.settings.get(name).cloned().unwrap_or(Value::Null);
        note(name, value(a), value(b));
    }
    let (left, right) = (&a.environment, &b.environment);
    note("client host", left.client.host.clone().into(), right.client.host.clone().into());
    let (ours, theirs) = (&left.client.version, &right.client.version);
    note("client version", ours.clone().into(), theirs.clone().into());
    let (ours, theirs) = (&left.brokers, &right.brokers);
    note("brokers", ours.text().into(), theirs.text().into());
    found
}

impl Comparison {
    pub fn text(&self, paint: Paint) -> String {
        let mut out = format!("A  {}\nB  {}\n", self.a, self.b);
        for warning in &self.warnings {
            let _ = writeln!(out, "{}", paint.red(warning));
        }
        out.push('\n');
        let columns =
            [("", Align::Left), ("A", Align::Right), ("B", Align::Right), ("B/A", Align::Right)];
        let mut table = Table::new(&columns);
        for row in &self.rows {
            let cell = |value: Option<f64>| value.map_or("-".to_owned(), |v| row.unit.text(v));
            let ratio = row.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            table.row(vec![row.metric.to_owned(), cell(row.a), cell(row.b), ratio]);
        }
        out.push_str(&table.render(paint));
        if !self.differences.is_empty() {
            let columns = [("NOT ALIKE", Align::Left), ("A", Align::Left), ("B", Align::Left)];
            let mut table = Table::new(&columns);
            for Difference { setting, a, b } in &self.differences {
                table.row(vec![setting.clone(), plain(a), plain(b)]);
            }
            out.push('\n');
            out.push_str(&table.render(paint));
        }
        out
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Unit::PerSecond => format!("{}/s", decimal(value)),
            Unit::MbPerSecond => format!("{} MB/s", decimal(value)),
            Unit::Microseconds => micros(value),
            Unit::SecondsPerGb => format!("{} s/GB", decimal(value)),
            Unit::Bytes => number::bytes(value as u64, true),
            Unit::Cores => format!("{} cores", decimal(value)),
        }
    }
}

/// A setting as it stands on a command line.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
