//! Bytes from strangers: whatever they are, decoding ends with a value or an error, without a
//! panic and without memory reserved on their word.

use crate::sample::Random;
use crate::{Any, Direction, for_all};
use engine_base::codec::DecodeError;
use net_wire::{ApiKey, RequestHeader};
use std::process::Command;

/// Every byte of a message belongs to it, so no prefix is a message.
#[test]
fn truncation_at_each_byte_is_refused() {
    for_all(|direction, api, version| {
        for seed in 0..6 {
            let message = Any::sample(direction, api, version, &mut Random::new(seed));
            let bytes = message.encode(version).expect("a sample fits its version");
            for end in 0..bytes.len() {
                let result = Any::decode(direction, api, version, &bytes[..end]);
                assert!(result.is_err(), "{direction:?} {api} v{version} seed {seed} at {end}");
            }
        }
    });
}

#[test]
fn mutations_end_in_a_value_or_an_error() {
    let mut accepted = 0u32;
    for_all(|direction, api, version| {
        let mut random = Random::new(u64::from(api.code().unsigned_abs()));
        for _ in 0..150 {
            let message = Any::sample(direction, api, version, &mut random);
            let mut bytes = message.encode(version).expect("a sample fits its version");
            for _ in 0..=random.below(3) {
                if bytes.is_empty() {
                    break;
                }
                let index = random.below(bytes.len());
                bytes[index] = random.next().to_le_bytes()[0];
            }
            if let Ok(decoded) = Any::decode(direction, api, version, &bytes) {
                accepted += 1;
                use_up(&decoded, version);
            }
        }
    });
    assert!(accepted > 1000, "mutations should not always be noticed: {accepted}");
}

/// Noise instead of a message: short and long, with many high bits and with few.
#[test]
fn noise_ends_in_a_value_or_an_error() {
    let mut random = Random::new(7);
    for_all(|direction, api, version| {
        for mask in [0xFF, 0x83, 0x01] {
            let len = random.below(200);
            let bytes: Vec<u8> = (0..len).map(|_| random.next().to_le_bytes()[0] & mask).collect();
            if let Ok(decoded) = Any::decode(direction, api, version, &bytes) {
                use_up(&decoded, version);
            }
            let _ = RequestHeader::decode(&bytes);
        }
    });
}

/// Walks all of a decoded message, as a handler would.
fn use_up(message: &Any<'_>, version: i16) {
    let text = format!("{message:?}");
    assert!(!text.is_empty());
    // What a version allows to be read it also allows to be written.
    message.encode(version).expect("just decoded");
}

/// At each position of a message, a count or length that promises gigabytes. Measured in a process
/// of its own, for other tests reserve memory too.
#[test]
fn huge_counts_reserve_nothing() {
    const ALONE: &str = "WIRE_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "hostile::huge_counts_reserve_nothing", "--test-threads=1"])
            .env(ALONE, "1")
            .output()
            .expect("the test starts again");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let before = virtual_peak_kib();
    for_all(|direction, api, version| {
        let message = Any::sample(direction, api, version, &mut Random::new(3));
        let bytes = message.encode(version).expect("a sample fits its version");
        for index in 0..bytes.len() {
            for huge in [&[0x7F, 0xFF, 0xFF, 0xFF][..], &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F][..]] {
                let mut bytes = bytes[..index].to_vec();
                bytes.extend_from_slice(huge);
                let _ = Any::decode(direction, api, version, &bytes);
            }
        }
    });
    let grown = virtual_peak_kib() - before;
    assert!(grown < 64 * 1024, "the address space grew by {grown} KiB");
}

/// Counts above what is left are refused at once, not at the end of a walk.
#[test]
fn counts_are_compared_with_the_bytes_left() {
    // A Metadata request starts with its array in all versions.
    for (version, count) in [(8, &[0x7F, 0xFF, 0xFF, 0xFF][..]), (9, &[0xFF, 0xFF, 0x7F][..])] {
        let mut bytes = count.to_vec();
        bytes.resize(4096, 1);
        let result = Any::decode(Direction::Request, ApiKey::Metadata, version, &bytes);
        assert_eq!(result.err(), Some(DecodeError::Truncated));
    }
}

/// Largest address space of this process so far, reserved but untouched memory included.
fn virtual_peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux host");
    let line = status.lines().find(|line| line.starts_with("VmPeak:")).expect("VmPeak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
