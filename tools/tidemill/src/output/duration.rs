//! Durations on the command line: `500ms`, `30s`, `2m`, `1h`, or plain seconds.

use std::time::Duration;

/// For clap: the error is the end of its message.
pub fn parse(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim();
    let unit_seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("unknown unit '{unit}', use ms, s, m or h")),
    };
    let number: f64 =
        number.parse().map_err(|_| "expected a number such as 500ms, 30s or 2m".to_owned())?;
    Duration::try_from_secs_f64(number * unit_seconds)
        .map_err(|_| "the duration is too long".to_owned())
}

/// Minutes and seconds, for time left.
pub fn clock(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{clock, parse};
    use std::time::Duration;

    #[test]
    fn units() {
        let check = |text: &str, ms: u64| assert_eq!(parse(text), Ok(Duration::from_millis(ms)));
        check("0", 0);
        check("5ms", 5);
        check("1.5s", 1500);
        check("30", 30_000);
        check("2m", 120_000);
        check("1h", 3_600_000);
        for bad in ["", "s", "5 parsecs", "-1s", "1e3s"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn clocks() {
        assert_eq!(clock(5), "0:05");
        assert_eq!(clock(3599), "59:59");
        assert_eq!(clock(3661), "1:01:01");
    }
}
