//! Times from the sending of a request to its answer. Percentiles come from whole histograms;
//! those of several windows are merged from their buckets, never averaged.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Values outside are counted at the end of the range, in nanoseconds.
const LOWEST_NS: u64 = 1_000;
const HIGHEST_NS: u64 = 100_000_000_000;
const DIGITS: u8 = 3;
/// Buckets of an octave in what is written to results: 3 % wide.
const BUCKET_BITS: u32 = 5;

pub struct Latency {
    histogram: Histogram<u64>,
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Latency {
    pub fn new() -> Latency {
        let histogram = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, DIGITS)
            .expect("the bounds are constant and in order");
        Latency { histogram }
    }

    pub fn record(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(ns);
    }

    /// Microseconds below which this part of the times lies; 0 if there are none.
    pub fn quantile_us(&self, quantile: f64) -> f64 {
        microseconds(self.histogram.value_at_quantile(quantile))
    }

    pub fn summary(&self) -> Summary {
        let mut buckets: Vec<(u64, u64)> = Vec::new();
        for step in self.histogram.iter_recorded() {
            let ns = bucket(step.value_iterated_to());
            match buckets.last_mut() {
                Some((last, count)) if *last == ns => *count += step.count_at_value(),
                _ => buckets.push((ns, step.count_at_value())),
            }
        }
        Summary {
            count: self.histogram.len(),
            p50_us: self.quantile_us(0.5),
            p90_us: self.quantile_us(0.9),
            p95_us: self.quantile_us(0.95),
            p99_us: self.quantile_us(0.99),
            p999_us: self.quantile_us(0.999),
            max_us: microseconds(self.histogram.max()),
            buckets,
        }
    }
}

/// A window's latencies as they are kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    pub count: u64,
    pub p50_us: f64,
    pub p90_us: f64,
    #[serde(default)]
    pub p95_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    pub max_us: f64,
    /// Middle of each bucket in nanoseconds, and its count.
    pub buckets: Vec<(u64, u64)>,
}

fn microseconds(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64() * 1e6
}

/// The middle of the bucket that a value falls into.
fn bucket(ns: u64) -> u64 {
    let shift = (u64::BITS - ns.leading_zeros()).saturating_sub(BUCKET_BITS + 1);
    let low = (ns >> shift) << shift;
    low + (1u64 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::{Latency, bucket};
    use std::time::Duration;

    fn near(found: f64, expected: f64, part: f64) {
        assert!((found - expected).abs() <= expected * part, "{found} is not {expected}");
    }

    #[test]
    fn percentiles_of_a_known_set() {
        let mut latency = Latency::new();
        for us in 1..=1000 {
            latency.record(Duration::from_micros(us));
        }
        let summary = latency.summary();
        assert_eq!(summary.count, 1000);
        near(summary.p50_us, 500.0, 0.002);
        near(summary.p90_us, 900.0, 0.002);
        near(summary.p95_us, 950.0, 0.002);
        near(summary.p99_us, 990.0, 0.002);
        near(summary.p999_us, 999.0, 0.002);
        near(summary.max_us, 1000.0, 0.002);
        assert_eq!(summary.buckets.iter().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(summary.buckets.len() < 250, "{}", summary.buckets.len());
    }

    #[test]
    fn times_out_of_range_are_kept_at_its_end() {
        let mut latency = Latency::new();
        latency.record(Duration::ZERO);
        latency.record(Duration::from_secs(10_000));
        assert_eq!(latency.summary().count, 2);
        assert_eq!(Latency::new().summary().p99_us, 0.0);
    }

    #[test]
    fn buckets_are_narrow() {
        for ns in [0u64, 1, 63, 64, 1_000, 123_456, 99_999_999_999] {
            let middle = bucket(ns);
            assert!(middle.abs_diff(ns) <= ns / 64 + 1, "{ns} {middle}");
            assert_eq!(bucket(middle), middle);
        }
    }
}
