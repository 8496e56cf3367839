//! The Markdown tables of a results file: for each workload what each broker cost, and the ratios
//! between them. A ratio is the median over the rounds of the ratio within a round, since only
//! windows that lie side by side saw the same machine.

use crate::Failure;
use crate::latency::Latency;
use crate::report::Measured;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Order of the brokers in the tables; others come behind.
const ORDER: [&str; 3] = ["tidemill", "kafka", "null"];

/// What `scripts/measure` writes. Fields that only people read are left out.
#[derive(Debug, Deserialize)]
struct Results {
    windows: Vec<WindowResult>,
}

#[derive(Debug, Deserialize)]
struct WindowResult {
    workload: String,
    broker: String,
    round: u32,
    measured: Measured,
}

pub fn render_file(path: &Path) -> Result<String, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let results: Results =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(render(&results.windows))
}

/// The windows of a broker at a workload, by round.
type Rounds<'a> = BTreeMap<u32, &'a Measured>;

struct Workload<'a> {
    name: &'a str,
    brokers: Vec<(&'a str, Rounds<'a>)>,
}

fn group(windows: &[WindowResult]) -> Vec<Workload<'_>> {
    let mut workloads: Vec<Workload<'_>> = Vec::new();
    for window in windows {
        let place = workloads.iter().position(|workload| workload.name == window.workload);
        let place = place.unwrap_or_else(|| {
            workloads.push(Workload { name: &window.workload, brokers: Vec::new() });
            workloads.len() - 1
        });
        let brokers = &mut workloads[place].brokers;
        let place = brokers.iter().position(|(broker, _)| *broker == window.broker);
        let place = place.unwrap_or_else(|| {
            brokers.push((&window.broker, Rounds::new()));
            brokers.len() - 1
        });
        brokers[place].1.insert(window.round, &window.measured);
    }
    for workload in &mut workloads {
        workload.brokers.sort_by_key(|(broker, _)| rank(broker));
    }
    workloads
}

fn rank(broker: &str) -> usize {
    ORDER.iter().position(|name| *name == broker).unwrap_or(ORDER.len())
}

fn render(windows: &[WindowResult]) -> String {
    let workloads = group(windows);
    let mut out = String::from(
        "| workload | broker | CPU-s/GB | CPU-s per million requests | requests/s | MB/s | p50 us \
         | p99 us | others on its core |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for workload in &workloads {
        for (broker, rounds) in &workload.brokers {
            cost_row(&mut out, workload.name, broker, rounds);
        }
    }
    out.push_str(
        "\n| workload | Kafka/Tidemill | Tidemill/null | Kafka/null |\n|---|---|---|---|\n",
    );
    for workload in &workloads {
        let pair = |above: &str, below: &str| ratio(workload, above, below);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            workload.name,
            pair("kafka", "tidemill"),
            pair("tidemill", "null"),
            pair("kafka", "null")
        );
    }
    out
}

fn cost_row(out: &mut String, workload: &str, broker: &str, rounds: &Rounds<'_>) {
    let each = |value: fn(&Measured) -> Option<f64>| -> Vec<f64> {
        rounds.values().filter_map(|measured| value(measured)).collect()
    };
    let mut latency = Latency::new();
    for measured in rounds.values() {
        latency.merge(&measured.latency.buckets);
    }
    let others = each(others_on_core);
    let _ = writeln!(
        out,
        "| {workload} | {broker} | {} | {} | {:.0} | {:.1} | {:.0} | {:.0} | {} |",
        spread(&each(Measured::cpu_s_per_gb)),
        spread(&each(Measured::cpu_us_per_request)),
        median(&each(|measured| Some(measured.requests_per_second()))).unwrap_or(0.0),
        median(&each(|measured| Some(measured.megabytes_per_second()))).unwrap_or(0.0),
        latency.quantile_us(0.5),
        latency.quantile_us(0.99),
        median(&others).map_or("-".to_owned(), |part| format!("{:.0} %", part * 100.0)),
    );
}

/// The part of the measured time in which something else than the broker had its core.
fn others_on_core(measured: &Measured) -> Option<f64> {
    let broker = measured.cpu.broker.as_ref()?;
    let others = (measured.cpu.core_busy_s - broker.total_s).max(0.0) + measured.cpu.core_steal_s;
    (measured.seconds > 0.0).then(|| others / measured.seconds)
}

/// Cost of one broker by that of another, per request.
fn ratio(workload: &Workload<'_>, above: &str, below: &str) -> String {
    let rounds = |name: &str| {
        workload.brokers.iter().find(|(broker, _)| *broker == name).map(|(_, rounds)| rounds)
    };
    let (Some(above), Some(below)) = (rounds(above), rounds(below)) else {
        return "-".to_owned();
    };
    let mut ratios = Vec::new();
    for (round, measured) in above {
        let cost = measured.cpu_us_per_request();
        let other = below.get(round).and_then(|measured| measured.cpu_us_per_request());
        if let (Some(cost), Some(other)) = (cost, other)
            && other > 0.0
        {
            ratios.push(cost / other);
        }
    }
    spread(&ratios)
}

/// Median and range, or a dash.
fn spread(values: &[f64]) -> String {
    let Some(middle) = median(values) else { return "-".to_owned() };
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let digits = if middle < 10.0 { 2 } else { 1 };
    if values.len() == 1 {
        return format!("{middle:.digits$}");
    }
    format!("{middle:.digits$} ({low:.digits$} to {high:.digits$})")
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::{WindowResult, median, render, spread};
    use crate::cpu::{BrokerUse, CpuUse};
    use crate::latency::Summary;
    use crate::report::Measured;

    fn window(workload: &str, broker: &str, round: u32, total_s: f64) -> WindowResult {
        let cpu = CpuUse {
            broker: Some(BrokerUse { total_s, ..Default::default() }),
            core_busy_s: total_s + 0.5,
            ..Default::default()
        };
        let buckets = vec![(100_000, 99), (900_000, 1)];
        let measured = Measured {
            seconds: 2.0,
            requests: 20_000,
            records: 20_000,
            bytes: 500_000_000,
            latency: Summary { buckets, ..Default::default() },
            cpu,
            foreign_offsets: 0,
        };
        WindowResult { workload: workload.to_owned(), broker: broker.to_owned(), round, measured }
    }

    #[test]
    fn tables_pair_the_rounds() {
        let windows = [
            window("bulk", "null", 1, 0.1),
            window("bulk", "kafka", 1, 1.0),
            window("bulk", "tidemill", 1, 0.2),
            window("bulk", "null", 2, 0.1),
            window("bulk", "kafka", 2, 3.0),
            window("bulk", "tidemill", 2, 0.5),
            window("tiny", "null", 1, 0.4),
        ];
        let expected = "\
| workload | broker | CPU-s/GB | CPU-s per million requests | requests/s | MB/s | p50 us | p99 us | others on its core |
|---|---|---|---|---|---|---|---|---|
| bulk | tidemill | 0.70 (0.40 to 1.00) | 17.5 (10.0 to 25.0) | 10000 | 250.0 | 100 | 100 | 25 % |
| bulk | kafka | 4.00 (2.00 to 6.00) | 100.0 (50.0 to 150.0) | 10000 | 250.0 | 100 | 100 | 25 % |
| bulk | null | 0.20 (0.20 to 0.20) | 5.00 (5.00 to 5.00) | 10000 | 250.0 | 100 | 100 | 25 % |
| tiny | null | 0.80 | 20.0 | 10000 | 250.0 | 100 | 100 | 25 % |

| workload | Kafka/Tidemill | Tidemill/null | Kafka/null |
|---|---|---|---|
| bulk | 5.50 (5.00 to 6.00) | 3.50 (2.00 to 5.00) | 20.0 (10.0 to 30.0) |
| tiny | - | - | - |
";
        assert_eq!(render(&windows), expected);
    }

    #[test]
    fn medians_and_spreads() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(spread(&[]), "-");
        assert_eq!(spread(&[1.5]), "1.50");
        assert_eq!(spread(&[12.0, 10.0, 11.0]), "11.0 (10.0 to 12.0)");
    }
}
