//! What a window counts: answers and their times, whole and in intervals.

use crate::latency::Latency;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const INTERVALS_MAX: u32 = 60;
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// A part of the window, for curves over time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds from the start of the window to the end of this part.
    pub end_s: f64,
    pub requests: u64,
    pub bytes: u64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
}

/// Which answers give a latency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loop {
    /// Those that came within the window.
    Closed,
    /// Those to requests meant to be sent within it, whenever they came.
    Open,
}

pub struct Tally {
    kind: Loop,
    start: Instant,
    /// Set when the window has ended.
    end: Option<Instant>,
    pub requests: u64,
    pub records: u64,
    pub bytes: u64,
    pub latency: Latency,
    pub intervals: Vec<Interval>,
    interval: Duration,
    interval_end: Instant,
    part: Interval,
    part_latency: Latency,
}

/// One answer, for the tally.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub since: Instant,
    pub time: Duration,
    pub records: u64,
    pub bytes: u64,
}

impl Tally {
    pub fn start(kind: Loop, start: Instant, length: Duration) -> Tally {
        let interval = (length / INTERVALS_MAX).max(INTERVAL_MIN);
        Tally {
            kind,
            start,
            end: None,
            requests: 0,
            records: 0,
            bytes: 0,
            latency: Latency::new(),
            intervals: Vec::new(),
            interval,
            interval_end: start + interval,
            part: Interval::default(),
            part_latency: Latency::new(),
        }
    }

    pub fn add(&mut self, entry: Entry) {
        let Entry { since, time, records, bytes } = entry;
        if let Some(end) = self.end {
            if self.kind == Loop::Open && since >= self.start && since < end {
                self.latency.record(time);
            }
            return;
        }
        let now = since + time;
        while now >= self.interval_end {
            self.close_interval();
        }
        self.requests += 1;
        self.records += records;
        self.bytes += bytes;
        self.part.requests += 1;
        self.part.bytes += bytes;
        if self.kind == Loop::Closed || since >= self.start {
            self.latency.record(time);
            self.part_latency.record(time);
        }
    }

    /// The time of a request that is counted elsewhere, or not at all.
    pub fn add_time(&mut self, since: Instant, time: Duration) {
        let now = since + time;
        while self.end.is_none() && now >= self.interval_end {
            self.close_interval();
        }
        if since >= self.start && self.end.is_none_or(|end| since < end) {
            self.latency.record(time);
            self.part_latency.record(time);
        }
    }

    pub fn end(&mut self, now: Instant) {
        while now >= self.interval_end {
            self.close_interval();
        }
        self.end = Some(now);
    }

    fn close_interval(&mut self) {
        let latency = std::mem::take(&mut self.part_latency);
        let mut part = std::mem::take(&mut self.part);
        part.end_s = self.interval_end.saturating_duration_since(self.start).as_secs_f64();
        part.p50_us = latency.quantile_us(0.5);
        part.p99_us = latency.quantile_us(0.99);
        part.max_us = latency.quantile_us(1.0);
        self.intervals.push(part);
        self.interval_end += self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Loop, Tally};
    use std::time::{Duration, Instant};

    const MS: Duration = Duration::from_millis(1);

    fn entry(since: Instant, time: Duration) -> Entry {
        Entry { since, time, records: 2, bytes: 10 }
    }

    #[test]
    fn intervals_hold_what_came_in_them() {
        let start = Instant::now();
        let mut tally = Tally::start(Loop::Closed, start, Duration::from_secs(1));
        for ms in [10, 20, 150, 350] {
            tally.add(entry(start + MS * ms, MS));
        }
        tally.end(start + MS * 400);
        let requests: Vec<u64> = tally.intervals.iter().map(|part| part.requests).collect();
        assert_eq!(requests, [2, 1, 0, 1]);
        assert!((tally.intervals[3].end_s - 0.4).abs() < 1e-9);
        assert_eq!((tally.requests, tally.records, tally.bytes), (4, 8, 40));
        assert_eq!(tally.latency.summary().count, 4);
    }

    #[test]
    fn times_alone_have_intervals_too() {
        let start = Instant::now();
        let mut tally = Tally::start(Loop::Open, start, Duration::from_secs(1));
        for ms in [10, 20, 150] {
            tally.add_time(start + MS * ms, MS * 2);
        }
        tally.end(start + MS * 200);
        tally.add_time(start + MS * 199, MS * 700);
        let found: Vec<bool> = tally.intervals.iter().map(|part| part.p99_us > 1990.0).collect();
        assert_eq!((found, tally.latency.summary().count), (vec![true, true], 4));
        assert_eq!(tally.requests, 0);
    }

    #[test]
    fn a_late_answer_counts_from_when_its_request_was_meant() {
        let start = Instant::now();
        let mut tally = Tally::start(Loop::Open, start, Duration::from_secs(1));
        // Meant for the warm-up: no latency of this window.
        tally.add(entry(start - MS, MS * 3));
        tally.add(entry(start + MS, MS * 50));
        tally.end(start + MS * 100);
        // Meant for the window, answered after it.
        tally.add(entry(start + MS * 99, MS * 500));
        tally.add(entry(start + MS * 101, MS * 900));
        let summary = tally.latency.summary();
        assert_eq!((tally.requests, summary.count), (2, 2));
        assert!(summary.max_us > 499_000.0 && summary.max_us < 502_000.0, "{}", summary.max_us);
    }
}
