//! Hostile bytes: nothing here may panic, loop for long, or reserve beyond its cap.

use super::golden;
use crate::batches::Batches;
use crate::compress::{Codec, decompress};
use crate::header::{BatchHeader, CRC_AT, HEADER_BYTES, LENGTH_AT, batch_crc};
use crate::lookup::{first_at_or_after, offset_of_max_timestamp};
use crate::record::records_of;
use crate::validate::{ProduceRules, validate_produce, verify_batch};
use engine_base::Offset;

/// Enough for the golden batches, little enough to meet the cap.
const CAP: usize = 150_000;

const ALL: [&[u8]; 9] = [
    golden::NONE,
    golden::GZIP,
    golden::SNAPPY,
    golden::LZ4,
    golden::ZSTD,
    golden::TRANSACTIONAL,
    golden::LOG_APPEND_TIME,
    golden::COMMIT,
    golden::ABORT,
];

/// SplitMix64: a seed names a run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("small");
        usize::try_from(self.next() % bound).expect("small")
    }
}

/// Everything that takes bytes from outside.
fn exercise(bytes: &[u8]) {
    let rules = ProduceRules {
        open_compressed: true,
        keys_required: true,
        decompressed_bytes_max: CAP,
        ..ProduceRules::new(golden::TIME)
    };
    let _ = validate_produce(bytes, &rules);
    let _ = validate_produce(bytes, &ProduceRules::new(0));
    let _ = verify_batch(bytes);
    let mut batches = Batches::new(bytes);
    for item in &mut batches {
        let Ok((header, batch)) = item else { continue };
        let _ = (header.last_sequence(), header.next_offset(), header.delete_horizon_ms());
        let _ = offset_of_max_timestamp(batch, CAP);
        let _ = first_at_or_after(batch, golden::TIME, Offset(1), CAP);
        let Ok(records) = records_of(batch, CAP) else { continue };
        let mut bytes_seen = 0;
        for record in records.iter().map_while(Result::ok) {
            bytes_seen += record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            assert_eq!(record.headers.count(), record.headers.len());
        }
        assert!(bytes_seen <= CAP.max(batch.len()));
    }
    assert!(batches.tail().is_some());
}

#[test]
fn truncation_at_every_byte() {
    for batch in ALL {
        for cut in 0..batch.len() {
            exercise(&batch[..cut]);
        }
    }
}

/// As truncation, but with a length field and checksum that fit: the records are cut.
#[test]
fn truncated_sections_are_errors() {
    for batch in ALL {
        let step = batch.len() / 500 + 1;
        for cut in (HEADER_BYTES..batch.len()).step_by(step) {
            let mut bytes = batch[..cut].to_vec();
            sign(&mut bytes);
            let whole = records_of(&bytes, CAP)
                .is_ok_and(|records| records.iter().all(|record| record.is_ok()));
            assert!(!whole, "cut at {cut} of {}", batch.len());
            exercise(&bytes);
        }
    }
}

fn sign(bytes: &mut [u8]) {
    let length = i32::try_from(bytes.len() - 12).expect("small");
    bytes[LENGTH_AT..LENGTH_AT + 4].copy_from_slice(&length.to_be_bytes());
    let crc = batch_crc(bytes);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    // Changes near the front hit lengths and counts; far ones hit the middle of a value.
    let near = if random.below(2) == 0 { 160 } else { bytes.len() };
    let at = random.below(bytes.len().min(near));
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
        2 => bytes.truncate(at.max(HEADER_BYTES)),
        3 => bytes.insert(at, random.next().to_be_bytes()[0]),
        _ => {
            let end = (at + random.below(9)).min(bytes.len());
            let chunk = bytes[at..end].to_vec();
            bytes.splice(at..at, chunk);
        }
    }
}

#[test]
fn mutated_batches() {
    for seed in 0..6000u64 {
        let mut random = Random(seed);
        let mut bytes = ALL[random.below(ALL.len())].to_vec();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        // With the checksum made to fit, the mutation reaches the record decoder.
        if random.below(4) != 0 {
            sign(&mut bytes);
        }
        exercise(&bytes);
    }
}

#[test]
fn mutated_and_random_compressed_sections() {
    for seed in 0..6000u64 {
        let mut random = Random(seed ^ 0x5EED);
        let codec = Codec::ALL[1 + random.below(4)];
        let batch = golden::PLAIN[1 + random.below(4)];
        let mut section = match random.below(3) {
            0 => (0..random.below(300)).map(|_| random.next().to_be_bytes()[0]).collect(),
            _ => batch[HEADER_BYTES..].to_vec(),
        };
        for _ in 0..random.below(4) {
            if !section.is_empty() {
                mutate(&mut section, &mut random);
            }
        }
        let mut out = Vec::new();
        let result = decompress(codec, &section, CAP, &mut out);
        assert!(out.capacity() <= CAP, "seed {seed}");
        assert!(result.is_ok() || out.is_empty(), "seed {seed}");
    }
}

#[test]
fn random_headers() {
    for seed in 0..20_000u64 {
        let mut random = Random(seed);
        let mut bytes: Vec<u8> =
            (0..HEADER_BYTES + random.below(40)).map(|_| random.next().to_be_bytes()[0]).collect();
        bytes[16] = 2;
        sign(&mut bytes);
        assert!(BatchHeader::parse(&bytes).is_ok());
        exercise(&bytes);
    }
}
