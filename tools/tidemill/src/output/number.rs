//! Sizes and counts for people. Programs get plain numbers.

/// A size: `1.5 MiB` for people, `1572864` for programs.
pub fn bytes(bytes: u64, people: bool) -> String {
    if people {
        scaled(bytes, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
    } else {
        bytes.to_string()
    }
}

/// As [`bytes`], with the unit in both cases.
pub fn size(size: u64, people: bool) -> String {
    if people { bytes(size, true) } else { format!("{size} bytes") }
}

/// A count: `1.5 M` for people, `1500000` for programs.
pub fn count(count: u64, people: bool) -> String {
    if people { scaled(count, 1000, &["", "k", "M", "G", "T", "P"]) } else { count.to_string() }
}

/// Three significant digits and the unit that fits.
fn scaled(value: u64, step: u64, units: &[&str]) -> String {
    let mut unit = 0;
    let mut scale: u64 = 1;
    while unit + 1 < units.len() && value / scale >= step {
        scale = scale.saturating_mul(step);
        unit += 1;
    }
    let rounded =
        |parts: u128| (u128::from(value) * parts + u128::from(scale) / 2) / u128::from(scale);
    let text = match (rounded(100), rounded(10)) {
        _ if unit == 0 => value.to_string(),
        (hundredths, _) if hundredths < 1000 => {
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        }
        (_, tenths) if tenths < 1000 => format!("{}.{}", tenths / 10, tenths % 10),
        _ => rounded(1).to_string(),
    };
    if units[unit].is_empty() { text } else { format!("{text} {}", units[unit]) }
}

/// What `amount` in `nanos` is per second.
pub fn per_second(amount: u64, nanos: u128) -> u64 {
    let rate = u128::from(amount) * 1_000_000_000 / nanos.max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, per_second, size};

    #[test]
    fn sizes_have_three_digits() {
        let check = |value: u64, expected: &str| assert_eq!(bytes(value, true), expected);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.00 KiB");
        check(1536, "1.50 KiB");
        check(10 * 1024 + 512, "10.5 KiB");
        check(500 << 20, "500 MiB");
        check((1 << 20) - 1, "1024 KiB");
        check((10 << 20) - 1, "10.0 MiB");
        check(3 << 30, "3.00 GiB");
        check(u64::MAX, "16384 PiB");
        assert_eq!(bytes(1536, false), "1536");
        assert_eq!(size(1536, false), "1536 bytes");
    }

    #[test]
    fn counts_are_decimal() {
        assert_eq!(count(999, true), "999");
        assert_eq!(count(1000, true), "1.00 k");
        assert_eq!(count(1_234_567, true), "1.23 M");
        assert_eq!(count(1_234_567, false), "1234567");
    }

    #[test]
    fn rates() {
        assert_eq!(per_second(100, 500_000_000), 200);
        assert_eq!(per_second(u64::MAX, 0), u64::MAX);
    }
}
