//! Kafka's four codecs behind one enum, whole sections at a time. Called by the batch builder, and
//! by whoever must look into a compressed batch. Output is bounded by the caller's cap: hostile
//! input ends in an error before memory beyond the cap and one small step is reserved.

mod lz4;
mod snappy;
mod zstd;

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Write};

/// Most bytes that a streaming decoder gets room for at once.
const STEP_BYTES: usize = 64 * 1024;

/// A batch's compression, by the low three bits of its attributes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    pub fn from_id(id: i16) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.id() == id)
    }

    /// The number in the attributes.
    pub fn id(self) -> i16 {
        match self {
            Codec::None => 0,
            Codec::Gzip => 1,
            Codec::Snappy => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
        }
    }

    /// The name in Kafka's configuration.
    pub fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

/// Why a section cannot be decompressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    #[error("compressed data is damaged")]
    Damaged,
    #[error("decompressed data is larger than allowed")]
    TooLarge,
}

/// Appends `input`, compressed, to `out`. `level` is the codec's own (gzip 0 to 9, zstd negative
/// to 22), its default if none; snappy and lz4 have none here.
pub fn compress(codec: Codec, level: Option<i32>, input: &[u8], out: &mut Vec<u8>) {
    match codec {
        Codec::None => out.extend_from_slice(input),
        Codec::Gzip => {
            let level = level.map_or(flate2::Compression::default(), |level| {
                flate2::Compression::new(level.clamp(0, 9).unsigned_abs())
            });
            let mut encoder = GzEncoder::new(out, level);
            encoder.write_all(input).expect("memory takes every write");
            encoder.finish().expect("memory takes every write");
        }
        Codec::Snappy => snappy::compress(input, out),
        Codec::Lz4 => lz4::compress(input, out),
        Codec::Zstd => zstd::compress(level, input, out),
    }
}

/// Appends what `input` decompresses to, at most `bytes_max` bytes, to `out`. After an error `out`
/// is as before.
pub fn decompress(
    codec: Codec,
    input: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let start = out.len();
    let result = match codec {
        Codec::None if input.len() > bytes_max => Err(CodecError::TooLarge),
        Codec::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Codec::Gzip => read_all(MultiGzDecoder::new(input), bytes_max, out),
        Codec::Snappy => snappy::decompress(input, bytes_max, out),
        Codec::Lz4 => lz4::decompress(input, bytes_max, out),
        Codec::Zstd => zstd::decompress(input, bytes_max, out),
    };
    if result.is_err() {
        out.truncate(start);
    }
    assert!(out.len() - start <= bytes_max);
    result
}

/// Appends all that `reader` gives to `out`, at most `bytes_max` bytes.
fn read_all(mut reader: impl Read, bytes_max: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let end = out.len().saturating_add(bytes_max);
    loop {
        let start = out.len();
        let step = STEP_BYTES.min(end - start);
        if step == 0 {
            let mut probe = [0; 1];
            return match reader.read(&mut probe).map_err(|_| CodecError::Damaged)? {
                0 => Ok(()),
                _ => Err(CodecError::TooLarge),
            };
        }
        let room = grow(out, step, end);
        let read = reader.read(room).map_err(|_| CodecError::Damaged)?;
        out.truncate(start + read);
        if read == 0 {
            return Ok(());
        }
    }
}

/// Lengthens `out` by `extra` zeroed bytes and returns them. Capacity doubles, but not past `end`,
/// which `out` may not outgrow.
fn grow(out: &mut Vec<u8>, extra: usize, end: usize) -> &mut [u8] {
    let start = out.len();
    let need = start + extra;
    assert!(need <= end);
    if need > out.capacity() {
        let target = out.capacity().saturating_mul(2).clamp(need, end);
        out.reserve_exact(target - start);
    }
    out.resize(need, 0);
    &mut out[start..]
}

#[cfg(test)]
mod tests {
    use super::{Codec, CodecError, compress, decompress};

    fn samples() -> Vec<Vec<u8>> {
        let noise = |len: u32| -> Vec<u8> {
            (0..len).map(|i| (i.wrapping_mul(2_654_435_761) >> 23).to_be_bytes()[3]).collect()
        };
        let text = b"the quick brown fox jumps over the lazy dog ".repeat(5000);
        vec![vec![], vec![7], noise(100), noise(200_000), text, vec![0; 300_000], vec![1; 65_536]]
    }

    #[test]
    fn round_trips() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_id(codec.id()), Some(codec));
            assert_eq!(Codec::from_name(codec.name()), Some(codec));
            for input in samples() {
                for level in [None, Some(1), Some(9), Some(-5)] {
                    let mut packed = b"before".to_vec();
                    compress(codec, level, &input, &mut packed);
                    let mut out = b"kept".to_vec();
                    decompress(codec, &packed[6..], input.len(), &mut out)
                        .unwrap_or_else(|error| panic!("{codec:?} {} {error}", input.len()));
                    assert!(out[..4] == *b"kept" && out[4..] == input, "{codec:?}");
                }
            }
        }
        assert_eq!(Codec::from_id(5), None);
        assert_eq!(Codec::from_name("brotli"), None);
    }

    #[test]
    fn the_cap_is_exact_and_bounds_memory() {
        for codec in Codec::ALL {
            for input in samples().into_iter().filter(|input| !input.is_empty()) {
                let mut packed = Vec::new();
                compress(codec, None, &input, &mut packed);
                for bytes_max in [0, input.len() / 2, input.len() - 1] {
                    let mut out = Vec::new();
                    let result = decompress(codec, &packed, bytes_max, &mut out);
                    assert_eq!(result, Err(CodecError::TooLarge), "{codec:?} {bytes_max}");
                    assert!(out.is_empty() && out.capacity() <= bytes_max, "{codec:?}");
                }
            }
        }
    }

    /// Cut anywhere, a section is damaged; only an uncompressed one has no end of its own.
    #[test]
    fn truncation_is_damage() {
        let input: Vec<u8> = (0..2000u32).map(|i| (i / 3).to_be_bytes()[3]).collect();
        for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
            let mut packed = Vec::new();
            compress(codec, None, &input, &mut packed);
            for cut in 1..packed.len() {
                let mut out = Vec::new();
                let result = decompress(codec, &packed[..cut], 1 << 20, &mut out);
                assert_eq!(result, Err(CodecError::Damaged), "{codec:?} cut at {cut}");
                assert!(out.is_empty());
            }
        }
    }

    /// Sections of many parts, which the formats allow and some clients write.
    #[test]
    fn gzip_members_and_zstd_frames_are_joined() {
        for codec in [Codec::Gzip, Codec::Zstd] {
            let mut packed = Vec::new();
            for part in [&b"one "[..], b"", b"two"] {
                compress(codec, None, part, &mut packed);
            }
            let mut out = Vec::new();
            assert_eq!(decompress(codec, &packed, 7, &mut out), Ok(()));
            assert_eq!(out, b"one two");
        }
    }

    /// One bad section after another, and the good one between them is read all the same.
    #[test]
    fn a_kept_decoder_forgets_what_was_damaged() {
        let input = b"text that repeats, text that repeats, text that repeats".repeat(9000);
        let mut packed = Vec::new();
        compress(Codec::Zstd, None, &input, &mut packed);
        for cut in [packed.len() - 1, packed.len() / 2, 5] {
            let mut out = Vec::new();
            assert!(decompress(Codec::Zstd, &packed[..cut], 1 << 20, &mut out).is_err());
            assert!(decompress(Codec::Zstd, &packed, 1000, &mut out).is_err());
            decompress(Codec::Zstd, &packed, 1 << 20, &mut out).expect("a good section");
            assert_eq!(out, input);
        }
    }

    /// A frame that announces a window above the limit is refused before any of it is reserved.
    #[test]
    fn a_huge_zstd_window_is_refused() {
        // Magic, a descriptor without content size, window of 2^31 bytes, an empty last block.
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 21 << 3, 0x01, 0x00, 0x00];
        let mut out = Vec::new();
        let result = decompress(Codec::Zstd, &frame, 1 << 20, &mut out);
        assert_eq!(result, Err(CodecError::Damaged));
        let mut allowed = frame;
        allowed[5] = 17 << 3;
        assert_eq!(decompress(Codec::Zstd, &allowed, 1 << 20, &mut out), Ok(()));
        assert!(out.is_empty());
    }
}
