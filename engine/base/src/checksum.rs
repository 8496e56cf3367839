//! CRC-32C (Castagnoli), the checksum of Kafka's record batches, snapshots and nothing else here.
//! Our own frames use CRC-32 (IEEE) by `crc32fast`; the two must never be swapped.

use crc_fast::{CrcAlgorithm, Digest, checksum};

/// CRC-32C of `bytes`, as in Kafka's `Crc32C`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    low_half(checksum(CrcAlgorithm::Crc32Iscsi, bytes))
}

/// CRC-32C of bytes that lie in several pieces.
pub fn crc32c_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    for piece in pieces {
        digest.update(piece);
    }
    low_half(digest.finalize())
}

/// A 32-bit algorithm fills the low half of the returned word.
fn low_half(sum: u64) -> u32 {
    u32::try_from(sum).expect("a CRC-32 fits 32 bits")
}

#[cfg(test)]
mod tests {
    use super::{crc32c, crc32c_of};

    #[test]
    fn known_vectors() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(b""), 0);
        assert_eq!(crc32c(&[0u8; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFFu8; 32]), 0x62A8_AB43);
    }

    /// The vectorised paths of the library against the definition, over lengths that cross
    /// every block size it dispatches on.
    #[test]
    fn agrees_with_the_definition() {
        fn slow(bytes: &[u8]) -> u32 {
            let mut crc = u32::MAX;
            for byte in bytes {
                crc ^= u32::from(*byte);
                for _ in 0..8 {
                    crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 };
                }
            }
            !crc
        }
        let data: Vec<u8> =
            (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for len in (0..300).chain([511, 512, 513, 1023, 1025, 4095, 4096, 4097, 5000]) {
            assert_eq!(crc32c(&data[..len]), slow(&data[..len]), "length {len}");
            for piece_bytes in [1, 7, 64, 1000] {
                let pieces = data[..len].chunks(piece_bytes);
                assert_eq!(crc32c_of(pieces), crc32c(&data[..len]), "length {len}");
            }
        }
    }
}
