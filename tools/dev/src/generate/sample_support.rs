/// A small generator of numbers (SplitMix64): a test is repeated by its seed.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a usize is below 2^64");
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Null in one of four cases.
    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(4) == 0 { None } else { Some(value(self)) }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }
}

/// A random value with something in every field that the version has.
pub trait Sample {
    fn sample(random: &mut Random, version: Version) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random, _: Version) -> Self {
                let edges = [0, 1, <$type>::MAX, <$type>::MIN, <$type>::MAX / 2];
                match random.below(3) {
                    0 => random.pick(&edges),
                    _ => <$type>::from_le_bytes(random.bytes()),
                }
            }
        }
    )*};
}

number!(i8 i16 u16 i32 i64);

impl Sample for bool {
    fn sample(random: &mut Random, _: Version) -> Self {
        random.below(2) == 0
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _: Version) -> Self {
        if random.below(4) == 0 { Uuid::ZERO } else { Uuid::from_bytes(random.bytes()) }
    }
}

/// Around the lengths where a compact length takes another byte.
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

impl Sample for &'static str {
    fn sample(random: &mut Random, _: Version) -> Self {
        match random.below(6) {
            0 => &LONG[..random.below(LONG.len() - 120) + 120],
            1 => "Gr\u{fc}\u{df}e \u{1f600}",
            2 => "",
            _ => &LONG[..random.below(20)],
        }
    }
}

impl Sample for &'static [u8] {
    fn sample(random: &mut Random, version: Version) -> Self {
        <&'static str>::sample(random, version).as_bytes()
    }
}

impl<T: Sample> Sample for Array<'static, T> {
    fn sample(random: &mut Random, version: Version) -> Self {
        let count = random.pick(&[0, 1, 1, 2, 3]);
        (0..count).map(|_| T::sample(random, version)).collect()
    }
}
