//! A run as text for people: the summary, and numbers as they stand in it, in the page and in
//! comparisons.

use super::run::{Load, Run};
use crate::output::{Paint, number};
use load::latency::Summary;
use std::fmt::Write as _;

/// One of the times that a summary has.
pub type Percentile = fn(&Summary) -> f64;

/// A count with its thousands apart.
pub fn whole(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate or size to the unit below 100, with a digit more where it is small.
pub fn decimal(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => whole(value.round() as u64),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A time in the unit that fits.
pub fn micros(us: f64) -> String {
    match us {
        us if us >= 999_500.0 => format!("{} s", decimal(us / 1e6)),
        us if us >= 999.5 => format!("{} ms", decimal(us / 1e3)),
        us => format!("{us:.0} us"),
    }
}

fn percentiles(latency: &Summary) -> String {
    if latency.count == 0 {
        return "none".to_owned();
    }
    let Summary { p50_us, p95_us, p99_us, p999_us, max_us, .. } = *latency;
    let [p50, p95, p99, p999, max] = [p50_us, p95_us, p99_us, p999_us, max_us].map(micros);
    format!("p50 {p50}, p95 {p95}, p99 {p99}, p99.9 {p999}, max {max}")
}

impl Run {
    /// What the times of requests are.
    pub fn latency_name(&self) -> &'static str {
        let acks = self.settings.get("acks").and_then(serde_json::Value::as_str);
        match (self.load, acks) {
            (Load::Consume, _) => "fetch",
            (_, Some("0")) => "handing to the kernel",
            _ => "acknowledgement",
        }
    }

    /// One line about what was measured where.
    pub fn title(&self) -> String {
        let topic = self.settings.get("topic").and_then(serde_json::Value::as_str).unwrap_or("?");
        format!("{} {topic}", self.load.name())
    }

    /// Several lines, the last one ended.
    pub fn text(&self, paint: Paint) -> String {
        let results = &self.results;
        let mut out = String::new();
        let mut line = |name: &str, text: &str| {
            let _ = writeln!(out, "{name:<12}  {text}");
        };
        line("load", &paint.bold(&format!("{}, {}", self.title(), self.date)));
        if let Some(failure) = &self.failure {
            let text = format!("PARTIAL, it broke off after {:.2} s: {failure}", results.seconds);
            line("", &paint.red(&text));
        }
        line("target", &self.environment.brokers.text());
        let seconds = format!(
            "{} records, {} requests in {:.2} s",
            whole(results.records),
            whole(results.requests),
            results.seconds
        );
        line("measured", &seconds);
        let rates = format!(
            "{} records/s, {} MB/s, {} requests/s",
            decimal(results.records_per_s),
            decimal(results.mb_per_s),
            decimal(results.requests_per_s)
        );
        line("throughput", &rates);
        if let Some(delivery) = &results.delivery {
            line("end to end", &percentiles(&delivery.latency));
            line("", &format!("{} records delivered", whole(delivery.records)));
        }
        line("latency", &format!("{} ({})", percentiles(&results.latency), self.latency_name()));
        line("errors", &self.errors());
        if let Some(cpu) = &results.broker_cpu {
            let mut text = format!("{:.2} s, {:.2} cores", cpu.total_s, cpu.cores);
            if let (Some(gb), Some(request)) = (cpu.s_per_gb, cpu.us_per_request) {
                let _ = write!(text, ", {} s/GB, {} us/request", decimal(gb), decimal(request));
            }
            let _ = write!(text, ", {} resident", number::bytes(cpu.resident_bytes, true));
            line("broker CPU", &text);
        }
        line("client CPU", &format!("{:.2} s", results.client_cpu_s));
        out
    }

    fn errors(&self) -> String {
        let results = &self.results;
        let mut found = Vec::new();
        if results.errors > 0 {
            found.push(format!("{}, see above", results.errors));
        }
        if results.never_sent > 0 {
            let what = "requests were never sent, the broker was too far behind the rate";
            found.push(format!("{} {what}", whole(results.never_sent)));
        }
        if results.foreign_offsets > 0 {
            let what = "offsets went to other producers meanwhile";
            found.push(format!("{} {what}", whole(results.foreign_offsets)));
        }
        if found.is_empty() { "none".to_owned() } else { found.join("; ") }
    }
}
