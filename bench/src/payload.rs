//! What the records hold: the same in every run, so that no broker meets other bytes than another.

use clap::ValueEnum;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Content {
    /// Half chance, half repetition, for records that nobody compresses.
    Half,
    /// Lines of a log, which lz4 and zstd make three to four times smaller.
    Text,
}

const WORDS: [&str; 32] = [
    "accepted",
    "account",
    "address",
    "balance",
    "cancelled",
    "carrier",
    "checkout",
    "connection",
    "customer",
    "delivered",
    "discount",
    "duration",
    "endpoint",
    "failed",
    "gateway",
    "handler",
    "inventory",
    "invoice",
    "latency",
    "message",
    "payment",
    "pending",
    "priority",
    "product",
    "refund",
    "request",
    "response",
    "session",
    "shipment",
    "status",
    "upstream",
    "warehouse",
];

pub struct Payload {
    content: Content,
    state: u64,
    line: Vec<u8>,
}

impl Payload {
    pub fn new(content: Content) -> Payload {
        Payload { content, state: 0x7469_6465_6D69_6C6C, line: Vec::new() }
    }

    pub fn fill(&mut self, value: &mut [u8]) {
        match self.content {
            Content::Half => {
                let (chance, repeated) = value.split_at_mut(value.len().div_ceil(2));
                for chunk in chance.chunks_mut(8) {
                    chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
                }
                repeated.fill(b'r');
            }
            Content::Text => {
                let mut left = value;
                while !left.is_empty() {
                    self.write_line();
                    let len = left.len().min(self.line.len());
                    left[..len].copy_from_slice(&self.line[..len]);
                    left = &mut left[len..];
                }
            }
        }
    }

    /// One line, as a service might log it.
    fn write_line(&mut self) {
        let (chance, number) = (self.next(), self.next());
        let word = |shift: u32| WORDS[usize::try_from((chance >> shift) & 31).unwrap_or(0)];
        let line = format!(
            "{{\"time\":\"2026-11-24T10:{:02}:{:02}.{:03}Z\",\"level\":\"info\",\"service\":\"{}\",\
             \"event\":\"{} {}\",\"user\":{},\"trace\":\"{:08x}\"}}\n",
            (number >> 8) % 60,
            (number >> 16) % 60,
            (number >> 24) % 1000,
            word(0),
            word(5),
            word(10),
            (number >> 34) % 100_000,
            chance >> 32,
        );
        self.line = line.into_bytes();
    }

    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Payload};

    #[test]
    fn half_is_chance_and_the_same_each_time() {
        let (mut first, mut again) = ([0; 64], [0; 64]);
        Payload::new(Content::Half).fill(&mut first);
        Payload::new(Content::Half).fill(&mut again);
        assert_eq!(first, again);
        let repeated = first.iter().filter(|byte| **byte == b'r').count();
        assert!((32..=35).contains(&repeated), "{repeated}");
    }

    #[test]
    fn text_fills_the_value() {
        let mut value = vec![0; 1000];
        Payload::new(Content::Text).fill(&mut value);
        assert!(value.starts_with(b"{\"time\":\"2026-11-24T10:"));
        assert!(!value.contains(&0));
    }
}
