//! One line on stderr that says how far a long operation is, redrawn twice a second. Silent unless
//! stderr is a terminal.

use super::{duration, number};
use std::io::Write as _;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(500);

/// The last line of the terminal, if it is ours.
#[derive(Debug, Default)]
pub struct Shown(bool);

impl Shown {
    /// Puts `text` in the line's place.
    pub fn draw(&mut self, text: &str) {
        self.0 = true;
        let mut stderr = std::io::stderr().lock();
        // A terminal that cannot be written to only misses its progress line.
        let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
    }

    /// Wipes the line, so that other text can follow.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.0) {
            eprint!("\r\x1b[K");
        }
    }
}

#[derive(Debug)]
pub struct Progress {
    on: bool,
    started: Instant,
    drawn: Instant,
    /// Bytes in all, if known.
    total: Option<u64>,
    shown: Shown,
}

impl Progress {
    /// `total` is in bytes.
    pub fn new(on: bool, total: Option<u64>) -> Progress {
        let now = Instant::now();
        Progress { on, started: now, drawn: now, total, shown: Shown::default() }
    }

    /// Draws the line if it is time to.
    pub fn update(&mut self, records: u64, bytes: u64) {
        if !self.on || self.drawn.elapsed() < EVERY {
            return;
        }
        self.drawn = Instant::now();
        self.shown.draw(&line(records, bytes, self.total, self.started.elapsed()));
    }

    /// Wipes the line, so that other text can follow.
    pub fn clear(&mut self) {
        self.shown.clear();
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn line(records: u64, bytes: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = number::per_second(bytes, elapsed.as_nanos());
    let mut text = format!(
        "{} records, {}, {}/s",
        number::count(records, true),
        number::bytes(bytes, true),
        number::bytes(rate, true)
    );
    if let Some(total) = total.filter(|total| *total > 0 && rate > 0) {
        let percent = u128::from(bytes.min(total)) * 100 / u128::from(total);
        let left = duration::clock(total.saturating_sub(bytes) / rate);
        text.push_str(&format!(", {percent} %, {left} left"));
    }
    text
}

/// The closing line of a transfer, for stderr.
pub fn summary(verb: &str, records: u64, bytes: u64, elapsed: Duration) -> String {
    let nanos = elapsed.as_nanos();
    let records_rate = number::count(number::per_second(records, nanos), true);
    let bytes_rate = number::bytes(number::per_second(bytes, nanos), true);
    let noun = if records == 1 { "record" } else { "records" };
    let size = number::bytes(bytes, true);
    let seconds = elapsed.as_secs_f64();
    format!("{verb} {records} {noun}, {size} in {seconds:.2} s ({records_rate}/s, {bytes_rate}/s)")
}

#[cfg(test)]
mod tests {
    use super::{line, summary};
    use std::time::Duration;

    #[test]
    fn lines_say_rate_and_time_left() {
        let two = Duration::from_secs(2);
        assert_eq!(line(2000, 2 << 20, None, two), "2.00 k records, 2.00 MiB, 1.00 MiB/s");
        let all = line(2000, 2 << 20, Some(10 << 20), two);
        assert_eq!(all, "2.00 k records, 2.00 MiB, 1.00 MiB/s, 20 %, 0:08 left");
        assert_eq!(
            summary("sent", 1, 1024, Duration::from_secs(1)),
            "sent 1 record, 1.00 KiB in 1.00 s (1/s, 1.00 KiB/s)"
        );
    }
}
