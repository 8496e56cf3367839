//! What a load found, as JSON for the results file and as text for a person.

use crate::cpu::CpuUse;
use crate::device::Device;
use crate::latency::Summary;
use crate::tail::Delivered;
use crate::tally::Interval;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

pub trait Text {
    fn text(&self) -> String;
}

/// One measured window. Counts are of answers that came within it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    pub seconds: f64,
    pub requests: u64,
    pub records: u64,
    /// Of record batches, acknowledged or delivered.
    pub bytes: u64,
    pub latency: Summary,
    pub cpu: CpuUse,
    /// Offsets that were given out and acknowledged to nobody here: other producers' records.
    #[serde(default)]
    pub foreign_offsets: u64,
    /// The rate of an open loop.
    #[serde(default)]
    pub offered_per_s: Option<f64>,
    /// Of those, the ones that the broker was too far behind for; their times are lower bounds.
    #[serde(default)]
    pub abandoned: u64,
    #[serde(default)]
    pub batch_bytes: u64,
    /// What consumers beside the load got.
    #[serde(default)]
    pub delivered: Option<DeliveredResult>,
    /// What became of connections that came and went.
    #[serde(default)]
    pub churn: Option<ChurnResult>,
    #[serde(default)]
    pub intervals: Vec<Interval>,
    #[serde(default)]
    pub device: Option<Device>,
    /// How far the wall's clock went ahead of the steady one.
    #[serde(default)]
    pub clock_step_ms: f64,
    /// Why the window is not whole, if so.
    #[serde(default)]
    pub failure: Option<String>,
    /// The error code behind it, if a broker gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_code: Option<i16>,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ChurnResult {
    /// Opened, answered and closed within the window.
    pub connections: u64,
    /// From when each was meant to be opened until its answer was here.
    pub latency: Summary,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DeliveredResult {
    /// Answers with records.
    pub fetches: u64,
    /// Answers without.
    pub empty: u64,
    pub checked: u64,
    pub records: u64,
    pub bytes: u64,
    pub fetch_latency: Summary,
    /// From when a request was meant to be sent until its records were here; empty in a closed
    /// loop.
    pub end_to_end: Summary,
    pub intervals: Vec<Interval>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end_to_end_intervals: Vec<Interval>,
}

impl DeliveredResult {
    pub fn of(delivered: &Delivered) -> DeliveredResult {
        let Delivered { fetches, end_to_end, empty, checked } = delivered;
        DeliveredResult {
            fetches: fetches.requests,
            empty: *empty,
            checked: *checked,
            records: fetches.records,
            bytes: fetches.bytes,
            fetch_latency: fetches.latency.summary(),
            end_to_end: end_to_end.latency.summary(),
            intervals: fetches.intervals.clone(),
            end_to_end_intervals: end_to_end.intervals.clone(),
        }
    }
}

impl Measured {
    pub fn requests_per_second(&self) -> f64 {
        per(float(self.requests), self.seconds)
    }

    pub fn megabytes_per_second(&self) -> f64 {
        per(float(self.bytes) / 1e6, self.seconds)
    }

    /// The broker's CPU seconds for a GB (10^9 bytes) of batches, if its process was watched.
    pub fn cpu_s_per_gb(&self) -> Option<f64> {
        let broker = self.cpu.broker.as_ref()?;
        (self.bytes > 0).then(|| per(broker.total_s, float(self.bytes) / 1e9))
    }

    /// The broker's CPU time for a request in microseconds, which is seconds for a million.
    pub fn cpu_us_per_request(&self) -> Option<f64> {
        let broker = self.cpu.broker.as_ref()?;
        (self.requests > 0).then(|| per(broker.total_s * 1e6, float(self.requests)))
    }
}

/// Counts of one run are far below 2^53.
fn float(count: u64) -> f64 {
    count as f64
}

/// 0 where there is nothing to divide by.
fn per(sum: f64, count: f64) -> f64 {
    if count > 0.0 { sum / count } else { 0.0 }
}

impl Text for Measured {
    fn text(&self) -> String {
        let mut out = String::new();
        let megabytes = self.megabytes_per_second();
        let records = per(float(self.records), self.seconds);
        let Summary { p50_us, p90_us, p99_us, p999_us, max_us, .. } = self.latency;
        let _ = writeln!(
            out,
            "{} requests in {:.2} s: {:.0}/s, {records:.0} records/s, {megabytes:.1} MB/s\n\
             latency  p50 {p50_us:.1} us, p90 {p90_us:.1}, p99 {p99_us:.1}, p99.9 {p999_us:.1}, \
             max {max_us:.1}",
            self.requests,
            self.seconds,
            self.requests_per_second()
        );
        if let (Some(gb), Some(request)) = (self.cpu_s_per_gb(), self.cpu_us_per_request()) {
            let _ = writeln!(out, "cost     {gb:.3} CPU-s/GB, {request:.2} CPU-us/request");
        }
        if let Some(rate) = self.offered_per_s {
            let _ = writeln!(out, "offered  {rate:.0}/s, {} never sent", self.abandoned);
        }
        if let Some(delivered) = &self.delivered {
            delivered.write(&mut out, self.seconds);
        }
        if let Some(ChurnResult { connections, latency }) = &self.churn {
            let Summary { p50_us, p99_us, max_us, .. } = latency;
            let _ = writeln!(
                out,
                "churn    {connections} connections, p50 {p50_us:.1} us, p99 {p99_us:.1}, max \
                 {max_us:.1}"
            );
        }
        if let Some(Device { flushes, written_bytes, read_bytes, .. }) = self.device {
            let (written, read) = (written_bytes >> 20, read_bytes >> 20);
            let _ =
                writeln!(out, "device   {flushes} flushes, {written} MiB written, {read} MiB read");
        }
        if self.foreign_offsets > 0 {
            let _ = writeln!(out, "note     {} offsets are not ours", self.foreign_offsets);
        }
        out + &self.cpu.text()
    }
}

impl DeliveredResult {
    fn write(&self, out: &mut String, seconds: f64) {
        let megabytes = per(float(self.bytes) / 1e6, seconds);
        let _ = writeln!(
            out,
            "consumed {} fetches and {} empty ones, {megabytes:.1} MB/s, {} checked",
            self.fetches, self.empty, self.checked
        );
        let Summary { count, p50_us, p99_us, p999_us, max_us, .. } = self.end_to_end;
        if count > 0 {
            let _ = writeln!(
                out,
                "end to end  p50 {p50_us:.1} us, p99 {p99_us:.1}, p99.9 {p999_us:.1}, max \
                 {max_us:.1}, {count} requests"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Measured, Text as _};
    use crate::cpu::{BrokerUse, CpuUse};

    #[test]
    fn costs_are_per_gb_and_per_request() {
        let broker = BrokerUse { total_s: 3.0, ..Default::default() };
        let cpu = CpuUse { broker: Some(broker), ..Default::default() };
        let measured = Measured {
            seconds: 4.0,
            requests: 100_000,
            records: 200_000,
            bytes: 2_000_000_000,
            cpu,
            ..Default::default()
        };
        assert_eq!(measured.requests_per_second(), 25_000.0);
        assert_eq!(measured.cpu_s_per_gb(), Some(1.5));
        assert_eq!(measured.cpu_us_per_request(), Some(30.0));
        let text = measured.text();
        assert!(text.contains("25000/s, 50000 records/s, 500.0 MB/s"), "{text}");
        assert!(text.contains("1.500 CPU-s/GB, 30.00 CPU-us/request"), "{text}");
    }

    #[test]
    fn nothing_done_is_no_cost() {
        let nothing = Measured::default();
        assert_eq!((nothing.cpu_s_per_gb(), nothing.cpu_us_per_request()), (None, None));
        assert_eq!(nothing.requests_per_second(), 0.0);
    }
}
