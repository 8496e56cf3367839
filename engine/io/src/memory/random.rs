//! Chance and its record: the one generator every choice of a simulated machine is drawn from, and
//! the running hash of all choices and completions by which two runs of one seed are compared.

use std::time::Duration;

/// xoshiro256**, seeded by splitmix64. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

/// One step of splitmix64, also used to mix values into the trace.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut state = [0; 4];
        let mut value = seed;
        for word in &mut state {
            *word = mix(value);
            value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        Random { state }
    }

    pub fn draw(&mut self) -> u64 {
        let result = self.state[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = self.state[1] << 17;
        self.state[2] ^= self.state[0];
        self.state[3] ^= self.state[1];
        self.state[1] ^= self.state[2];
        self.state[0] ^= self.state[3];
        self.state[2] ^= shifted;
        self.state[3] = self.state[3].rotate_left(45);
        result
    }

    /// A number in `0..count`. The bias of the remainder is far below what a simulation can notice.
    pub fn below(&mut self, count: u64) -> u64 {
        assert!(count > 0);
        self.draw() % count
    }

    /// An index into something with `count` elements.
    pub fn index(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).expect("memory is smaller than 2^64");
        usize::try_from(self.below(count)).expect("below a usize")
    }

    /// True `per_million` times in a million.
    pub fn chance(&mut self, per_million: u32) -> bool {
        per_million > 0 && self.below(1_000_000) < u64::from(per_million)
    }

    pub fn coin(&mut self) -> bool {
        self.draw() & 1 == 1
    }
}

/// How long something takes: evenly between `min` and `max`, and now and then `slow`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Latency {
    pub min: Duration,
    pub max: Duration,
    /// How many of a million take `slow` instead.
    pub slow_per_million: u32,
    pub slow: Duration,
}

impl Latency {
    pub const NONE: Latency = Latency {
        min: Duration::ZERO,
        max: Duration::ZERO,
        slow_per_million: 0,
        slow: Duration::ZERO,
    };

    pub const fn between(min: Duration, max: Duration) -> Latency {
        Latency { min, max, slow_per_million: 0, slow: Duration::ZERO }
    }

    /// Nanoseconds.
    pub(super) fn draw(&self, random: &mut Random) -> u64 {
        if random.chance(self.slow_per_million) {
            return nanos(self.slow);
        }
        let (min, max) = (nanos(self.min), nanos(self.max));
        assert!(min <= max, "a latency needs min <= max");
        if min == max { min } else { min + random.below(max - min + 1) }
    }
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What happened, in order. Equal for two runs of one seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceEntry {
    /// Virtual nanoseconds.
    pub at: u64,
    pub what: &'static str,
    pub first: u64,
    pub second: u64,
}

#[derive(Debug)]
pub(super) struct Trace {
    hash: u64,
    count: u64,
    /// Only when the options ask for it.
    kept: Option<Vec<TraceEntry>>,
}

impl Trace {
    pub fn new(seed: u64, keep: bool) -> Self {
        Trace { hash: mix(seed), count: 0, kept: keep.then(Vec::new) }
    }

    pub fn add(&mut self, entry: TraceEntry) {
        let tag = entry.what.bytes().fold(0_u64, |hash, byte| mix(hash ^ u64::from(byte)));
        for value in [entry.at, tag, entry.first, entry.second] {
            self.hash = mix(self.hash ^ value);
        }
        self.count += 1;
        if let Some(kept) = &mut self.kept {
            kept.push(entry);
        }
    }

    pub fn hash(&self) -> u64 {
        mix(self.hash ^ self.count)
    }

    pub fn kept(&self) -> Vec<TraceEntry> {
        self.kept.clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Latency, Random};
    use std::time::Duration;

    #[test]
    fn seeds_repeat_and_differ() {
        let draw = |seed| -> Vec<u64> {
            let mut random = Random::new(seed);
            (0..8).map(|_| random.draw()).collect()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(0)[0], 0);
    }

    #[test]
    fn draws_stay_in_range() {
        let mut random = Random::new(3);
        let latency = Latency {
            slow_per_million: 100_000,
            slow: Duration::from_secs(1),
            ..Latency::between(Duration::from_nanos(5), Duration::from_nanos(9))
        };
        let draws: Vec<u64> = (0..1000).map(|_| latency.draw(&mut random)).collect();
        assert!(draws.iter().all(|&nanos| (5..=9).contains(&nanos) || nanos == 1_000_000_000));
        assert!(draws.contains(&5) && draws.contains(&9) && draws.contains(&1_000_000_000));
        assert!((0..1000).filter(|_| random.chance(500_000)).count().abs_diff(500) < 100);
    }
}
