//! Sizes with a unit, in our own keys only: Kafka's keys keep Kafka's plain numbers, so that a
//! file stays valid for both.

/// `64MiB`, `64 MB` or `67108864` as bytes; `None` if it is none of these, or beyond 2^63.
pub fn parse_bytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: i64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(factor)
}

/// `0-3,6` as the numbers of CPUs, in that order, each once; `None` if it is no such list.
pub fn parse_cpus(text: &str) -> Option<Vec<usize>> {
    /// More than any machine has; keeps a typing mistake from becoming a large list.
    const CPU_MAX: usize = 4095;
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().ok()?;
        let last: usize = last.trim().parse().ok()?;
        if first > last || last > CPU_MAX {
            return None;
        }
        for cpu in first..=last {
            if !cpus.contains(&cpu) {
                cpus.push(cpu);
            }
        }
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::{parse_bytes, parse_cpus};

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("67108864", Some(67_108_864)),
            ("64MiB", Some(64 << 20)),
            (" 64 mib ", Some(64 << 20)),
            ("2g", Some(2 << 30)),
            ("5GB", Some(5_000_000_000)),
            ("0", Some(0)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5g", None),
            ("9223372036854775807k", None),
        ] {
            assert_eq!(parse_bytes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lists_of_cpus() {
        for (text, expected) in [
            ("0", Some(vec![0])),
            ("0-3,6", Some(vec![0, 1, 2, 3, 6])),
            (" 2 - 3 , 2", Some(vec![2, 3])),
            ("3-2", None),
            ("0-99999999", None),
            ("", None),
            ("a", None),
        ] {
            assert_eq!(parse_cpus(text), expected, "{text:?}");
        }
    }
}
