//! The page of a run: one file that needs nothing else, with the summary, the curves, the settings
//! and all that was measured in it. Pure.

use super::chart::{Axis, Series, draw, escape, rate};
use super::compare::plain;
use super::run::Run;
use super::text::{Percentile, decimal, micros, whole};
use crate::output::number;
use load::latency::Summary;
use load::tally::Interval;
use std::fmt::Write as _;

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; }
table { border-collapse: collapse; font-size: 14px; }
th, td { border-bottom: 1px solid #8885; padding: .25em .8em; text-align: left; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.warning { border-left: .3em solid #c2410c; padding: .2em 1em; }
.charts { display: flex; flex-wrap: wrap; gap: 1em; margin-top: 1.5em; }
svg { width: 560px; max-width: 100%; } svg text { font-size: 11px; fill: currentColor; }
svg .title { font-weight: 600; font-size: 13px; } svg .grid { stroke: #8884; stroke-width: 1; }
.columns { display: flex; flex-wrap: wrap; gap: 0 4em; }
";

pub fn render(run: &Run) -> String {
    let results = &run.results;
    let title = escape(&run.title());
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>tidemill bench {title}</title><style>{STYLE}</style>\
         <h1>tidemill bench {title}</h1><p>{} &middot; {}</p>",
        escape(&run.date),
        escape(&run.environment.brokers.text())
    );
    if let Some(failure) = &run.failure {
        let _ = write!(
            out,
            "<p class=\"warning\">Partial: the run broke off after {:.2} s: {}. All below is of \
             the time until then.</p>",
            results.seconds,
            escape(failure)
        );
    }
    if results.never_sent > 0 {
        let _ = write!(
            out,
            "<p class=\"warning\">{} requests were never sent, because the broker was too far \
             behind the rate: latencies are lower bounds.</p>",
            whole(results.never_sent)
        );
    }
    let _ = write!(out, "<div class=\"columns\"><div>{}</div>", facts(&summary(run)));
    let _ = write!(out, "<div>{}</div></div>", percentiles(run));
    let _ = write!(out, "<div class=\"charts\">{}</div>", charts(run));
    let settings: Vec<(String, String)> =
        run.settings.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    let _ = write!(
        out,
        "<div class=\"columns\"><div><h2>Settings</h2>{}</div><div><h2>Environment</h2>{}</div>\
         </div>",
        facts(&settings),
        facts(&environment(run))
    );
    let raw = serde_json::to_string(run).expect("a run holds only strings, numbers and lists");
    // What begins with "<" may end a script element, or keep it open: JSON has an escape for it.
    let raw = raw.replace('<', "\\u003c");
    let _ = writeln!(
        out,
        "<p>All that was measured is in this page, in the element with id <code>data</code>.</p>\
         <script type=\"application/json\" id=\"data\">{raw}</script></html>"
    );
    out
}

fn facts(rows: &[(String, String)]) -> String {
    let row = |(name, value): &(String, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value))
    };
    format!("<table>{}</table>", rows.iter().map(row).collect::<String>())
}

fn summary(run: &Run) -> Vec<(String, String)> {
    let results = &run.results;
    let mut rows = vec![
        ("records", format!("{} in {:.2} s", whole(results.records), results.seconds)),
        ("records/s", decimal(results.records_per_s)),
        ("MB/s", decimal(results.mb_per_s)),
        ("requests/s", decimal(results.requests_per_s)),
    ];
    if let Some(delivery) = &results.delivery {
        rows.push(("delivered", format!("{} records", whole(delivery.records))));
    }
    rows.push(("errors", whole(results.errors)));
    if let Some(cpu) = &results.broker_cpu {
        rows.push(("broker CPU", format!("{:.2} s, {:.2} cores", cpu.total_s, cpu.cores)));
        if let (Some(gb), Some(request)) = (cpu.s_per_gb, cpu.us_per_request) {
            rows.push(("", format!("{} s/GB, {} us/request", decimal(gb), decimal(request))));
        }
        rows.push(("broker memory", number::bytes(cpu.resident_bytes, true)));
    }
    rows.push(("client CPU", format!("{:.2} s", results.client_cpu_s)));
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn named(run: &Run) -> Vec<(String, &Summary)> {
    let mut found = Vec::new();
    if let Some(delivery) = &run.results.delivery {
        found.push(("end to end".to_owned(), &delivery.latency));
    }
    found.push((run.latency_name().to_owned(), &run.results.latency));
    found.retain(|(_, latency)| latency.count > 0);
    found
}

fn percentiles(run: &Run) -> String {
    let columns = named(run);
    let head: String =
        columns.iter().map(|(name, _)| format!("<th>{}</th>", escape(name))).collect();
    let rows: [(&str, Percentile); 6] = [
        ("p50", |times| times.p50_us),
        ("p90", |times| times.p90_us),
        ("p95", |times| times.p95_us),
        ("p99", |times| times.p99_us),
        ("p99.9", |times| times.p999_us),
        ("max", |times| times.max_us),
    ];
    let mut out = format!("<table><tr><th>latency</th>{head}</tr>");
    for (name, of) in rows {
        let cell = |(_, latency): &(String, &Summary)| {
            format!("<td class=\"number\">{}</td>", micros(of(latency)))
        };
        let cells: String = columns.iter().map(cell).collect();
        let _ = write!(out, "<tr><th>{name}</th>{cells}</tr>");
    }
    out + "</table>"
}

fn charts(run: &Run) -> String {
    let results = &run.results;
    let latencies = named(run);
    let curves: Vec<Series<'_>> = latencies
        .iter()
        .map(|(name, latency)| Series { name, points: percentile_curve(latency) })
        .collect();
    let samples = latencies.iter().map(|(_, latency)| latency.count).max().unwrap_or(0);
    let all = curves.iter().flat_map(|series| series.points.iter().map(|(_, us)| *us));
    let (least, most) = all.fold((f64::MAX, 0f64), |(low, high), us| (low.min(us), high.max(us)));
    let mut out = draw(
        "latency by percentile",
        &Axis::nines(samples),
        &Axis::log_time(least.min(most), most),
        &curves,
    );
    let seconds = |value: f64| format!("{value} s");
    let time = Axis::linear(results.intervals.last().map_or(1.0, |part| part.end_s), seconds);
    let rates =
        over_time(&results.intervals, |part, length| Some(part.bytes as f64 / 1e6 / length));
    let most = rates.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let series = [Series { name: "MB/s", points: rates }];
    out += &draw("throughput over time", &time, &Axis::linear(most, rate), &series);
    let series = [
        Series { name: "p99", points: times(results.main_intervals(), |part| part.p99_us) },
        Series { name: "p50", points: times(results.main_intervals(), |part| part.p50_us) },
    ];
    let all = series.iter().flat_map(|series| series.points.iter().map(|(_, us)| *us));
    let (least, most) = all.fold((f64::MAX, 0f64), |(low, high), us| (low.min(us), high.max(us)));
    let title = match latencies.first() {
        Some((name, _)) => format!("latency over time: {name}"),
        None => "latency over time".to_owned(),
    };
    out + &draw(&title, &time, &Axis::log_time(least.min(most), most), &series)
}

/// The share of samples up to each bucket, and its time.
fn percentile_curve(latency: &Summary) -> Vec<(f64, f64)> {
    let total: u64 = latency.buckets.iter().map(|(_, count)| count).sum();
    let mut below = 0u64;
    let mut points = Vec::new();
    for (ns, count) in &latency.buckets {
        let us = *ns as f64 / 1e3;
        points.push((below as f64 / total as f64, us));
        below += count;
        if below < total {
            points.push((below as f64 / total as f64, us));
        }
    }
    points
}

fn times(intervals: &[Interval], of: fn(&Interval) -> f64) -> Vec<(f64, f64)> {
    over_time(intervals, |part, _| Some(of(part)).filter(|us| *us > 0.0))
}

/// At the end of each interval; `of` is given its length in seconds.
fn over_time(
    intervals: &[Interval],
    of: impl Fn(&Interval, f64) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let mut before = 0.0;
    let mut points = Vec::new();
    for part in intervals {
        let length = (part.end_s - before).max(1e-9);
        before = part.end_s;
        points.extend(of(part, length).map(|value| (part.end_s, value)));
    }
    points
}

fn environment(run: &Run) -> Vec<(String, String)> {
    let (client, brokers) = (&run.environment.client, &run.environment.brokers);
    let mut rows = vec![
        ("client".to_owned(), format!("{} on {}", client.version, client.host)),
        ("system".to_owned(), client.system.clone()),
        ("processor".to_owned(), format!("{}, {} cores", client.processor, client.cores)),
        ("memory".to_owned(), number::bytes(client.memory_bytes, true)),
        ("bootstrap".to_owned(), brokers.bootstrap.clone()),
    ];
    rows.extend(brokers.cluster_id.iter().map(|id| ("cluster".to_owned(), id.clone())));
    for (id, address) in &brokers.addresses {
        let role = if *id == brokers.controller_id { ", controller" } else { "" };
        rows.push((format!("broker {id}"), format!("{address}{role}")));
    }
    for (name, level) in &brokers.features {
        rows.push((name.clone(), level.to_string()));
    }
    let version = |version: Option<i16>| version.map_or("-".to_owned(), |v| v.to_string());
    rows.push(("Produce up to".to_owned(), version(brokers.produce_version)));
    rows.push(("Fetch up to".to_owned(), version(brokers.fetch_version)));
    rows
}
