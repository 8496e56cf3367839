//! The line that says how a run goes on, drawn on stderr once a second if that is a terminal.

use super::text::{micros, whole};
use crate::output::progress::Shown;
use crate::output::{duration, number};
use load::look::{Look, Phase};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);

/// When the measured part ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    Time(Duration),
    Records(u64),
}

/// What was there when the line was last drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Drawn {
    phase: Phase,
    at: Duration,
    records: u64,
    bytes: u64,
}

#[derive(Debug)]
pub struct Line {
    on: bool,
    warm_up: Duration,
    length: Length,
    drawn: Drawn,
    shown: Shown,
}

impl Line {
    pub fn new(on: bool, warm_up: Duration, length: Length) -> Line {
        let drawn = Drawn { phase: Phase::WarmUp, at: Duration::ZERO, records: 0, bytes: 0 };
        Line { on, warm_up, length, drawn, shown: Shown::default() }
    }

    /// Draws if it is time to.
    pub fn update(&mut self, look: &Look<'_>) {
        if !self.on {
            return;
        }
        if look.phase != self.drawn.phase {
            self.drawn = Drawn { phase: look.phase, at: Duration::ZERO, records: 0, bytes: 0 };
        }
        if look.passed.saturating_sub(self.drawn.at) < EVERY {
            return;
        }
        let text = self.text(look);
        let Look { phase, passed, records, bytes, .. } = *look;
        self.drawn = Drawn { phase, at: passed, records, bytes };
        self.shown.draw(&text);
    }

    /// Wipes the line, so that other text can follow.
    pub fn clear(&mut self) {
        self.shown.clear();
    }

    /// Rates are of the time since the last line, the percentile is of all.
    fn text(&self, look: &Look<'_>) -> String {
        let nanos = look.passed.saturating_sub(self.drawn.at).as_nanos();
        let records = number::per_second(look.records.saturating_sub(self.drawn.records), nanos);
        let bytes = number::per_second(look.bytes.saturating_sub(self.drawn.bytes), nanos);
        let rates = format!("{} records/s, {} MB/s", whole(records), bytes / 1_000_000);
        match look.phase {
            Phase::FirstRead => {
                format!("reading the topic once: {} MB, {rates}", look.bytes / 1_000_000)
            }
            Phase::WarmUp => {
                let left = self.warm_up.saturating_sub(look.passed);
                format!("warming up: {rates}, {} left", clock(left))
            }
            Phase::Measured => {
                let p99 = micros(look.latency.quantile_us(0.99));
                let left = self
                    .left(look)
                    .map_or("? left".to_owned(), |left| format!("{} left", clock(left)));
                format!("{rates}, p99 {p99} so far, {left}")
            }
        }
    }

    fn left(&self, look: &Look<'_>) -> Option<Duration> {
        match self.length {
            Length::Time(time) => Some(time.saturating_sub(look.passed)),
            Length::Records(_) if look.records == 0 => None,
            Length::Records(records) => {
                let rate = number::per_second(look.records, look.passed.as_nanos()).max(1);
                Some(Duration::from_secs(records.saturating_sub(look.records) / rate))
            }
        }
    }
}

/// Whole seconds, of which the one that runs counts.
fn clock(left: Duration) -> String {
    duration::clock(left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Drawn, Length, Line};
    use load::latency::Latency;
    use load::look::{Look, Phase};
    use std::time::Duration;

    #[test]
    fn lines_say_rates_and_time_left() {
        let mut latency = Latency::new();
        latency.record(Duration::from_micros(1500));
        let second = Duration::from_secs(1);
        let mut line = Line::new(false, second * 2, Length::Time(second * 65));
        let look = |phase, passed, records, bytes| Look {
            phase,
            passed,
            records,
            bytes,
            latency: &latency,
        };
        let warm = look(Phase::WarmUp, second, 1234, 5_000_000);
        assert_eq!(line.text(&warm), "warming up: 1,234 records/s, 5 MB/s, 0:01 left");
        let first = look(Phase::FirstRead, second * 2, 10, 8_000_000);
        assert_eq!(line.text(&first), "reading the topic once: 8 MB, 5 records/s, 4 MB/s");
        line.drawn = Drawn {
            phase: Phase::Measured,
            at: second * 3,
            records: 1_000_000,
            bytes: 1_000_000_000,
        };
        let measured = look(Phase::Measured, second * 5, 1_500_000, 1_600_000_000);
        let expected = "250,000 records/s, 300 MB/s, p99 1.50 ms so far, 1:00 left";
        assert_eq!(line.text(&measured), expected);
        line.length = Length::Records(1_800_000);
        assert!(line.text(&measured).ends_with(", 0:01 left"), "{}", line.text(&measured));
        let nothing = look(Phase::Measured, second * 5, 0, 0);
        assert!(line.text(&nothing).ends_with(", ? left"), "{}", line.text(&nothing));
    }
}
