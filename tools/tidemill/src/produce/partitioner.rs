//! Which partition a record goes to: by its key as Kafka's clients do, so that a key lands where
//! it always has; without a key, one partition until its batch is full, then the next.
//! Source: Kafka's `Utils.murmur2`, `BuiltInPartitioner`.

/// Kafka's hash of keys: MurmurHash2 with 32 bits and Kafka's seed.
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_B28C;
    const M: u32 = 0x5BD1_E995;
    // Kafka's lengths are Java integers, so a longer key wraps there too.
    let len = u32::try_from(data.len() & 0xFFFF_FFFF).expect("masked to 32 bits");
    let mut hash = SEED ^ len;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M);
    }
    let rest = chunks.remainder();
    for (index, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * index);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// Chooses among the partitions of one topic. Owned by the feed.
#[derive(Debug)]
pub struct Partitioner {
    /// All partitions; a key's partition does not depend on who leads.
    count: u32,
    /// Partitions with a leader.
    led: Vec<u32>,
    current: usize,
}

impl Partitioner {
    /// `led` are the partitions that have a leader; if none has, all count. `start` makes
    /// producers begin at different ones.
    pub fn new(count: u32, led: Vec<u32>, start: usize) -> Partitioner {
        assert!(count > 0);
        let led = if led.is_empty() { (0..count).collect() } else { led };
        let current = start % led.len();
        Partitioner { count, led, current }
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn keyed(&self, key: &[u8]) -> u32 {
        (murmur2(key) & 0x7FFF_FFFF) % self.count
    }

    /// For records without a key.
    pub fn sticky(&self) -> u32 {
        self.led[self.current]
    }

    /// The batch of the sticky partition is full.
    pub fn advance(&mut self) {
        self.current = (self.current + 1) % self.led.len();
    }
}

#[cfg(test)]
mod tests {
    use super::{Partitioner, murmur2};

    #[test]
    fn hashes_are_kafkas() {
        let check = |key: &str, expected: i32| {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expected, "{key}");
        };
        // From Kafka's UtilsTest.
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("a-little-bit-longer-string", -1_486_304_829);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
    }

    #[test]
    fn keys_ignore_leaders_and_the_rest_avoids_the_leaderless() {
        let mut partitioner = Partitioner::new(4, vec![1, 3], 1);
        let expected = (murmur2(b"foobar") & 0x7FFF_FFFF) % 4;
        assert_eq!(partitioner.keyed(b"foobar"), expected);
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(partitioner.sticky());
            partitioner.advance();
        }
        assert_eq!(seen, [3, 1, 3]);
        assert_eq!(Partitioner::new(3, vec![], 7).sticky(), 1);
    }
}
