//! The LZ4 frame as Kafka's clients write it: one frame of independent blocks. The frame is walked
//! here and only blocks are given to the library, straight from input to output: its frame reader
//! reserves the announced block size twice, cannot tell a cut frame from a whole one, and accepts
//! linked blocks, which Kafka refuses. As in Kafka the content checksum is skipped: the batch has
//! its own. Source: LZ4 frame format 1.6, Kafka's `Lz4BlockInputStream`.

use super::{CodecError, grow};
use engine_base::codec::Reader;
use lz4_flex::block::{DecompressError, decompress_into};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use std::io::Write;

const MAGIC: [u8; 4] = 0x184D_2204u32.to_le_bytes();
const VERSION_MASK: u8 = 0b1100_0000;
const VERSION: u8 = 0b0100_0000;
const INDEPENDENT: u8 = 0b0010_0000;
const BLOCK_CHECKSUM: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
/// A reserved bit and the dictionary id, neither of which Kafka accepts.
const FLAGS_REFUSED: u8 = 0b0000_0011;
/// In a block's length: the block is stored as it is.
const STORED: u32 = 1 << 31;
/// No sequence of an LZ4 block writes more than 255 bytes for each of its own.
const EXPANSION_MAX: usize = 255;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(input).expect("memory takes every write");
    encoder.finish().expect("memory takes every write");
}

struct Frame {
    block_bytes_max: usize,
    block_checksum: bool,
    content_checksum: bool,
}

pub(super) fn decompress(
    input: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let end = out.len().saturating_add(bytes_max);
    let mut reader = Reader::new(input);
    let frame = read_frame(&mut reader).ok_or(CodecError::Damaged)?;
    loop {
        let length = read_u32(&mut reader).ok_or(CodecError::Damaged)?;
        if length == 0 {
            break;
        }
        let len = usize::try_from(length & !STORED).map_err(|_| CodecError::Damaged)?;
        if len > frame.block_bytes_max {
            return Err(CodecError::Damaged);
        }
        let content = reader.take(len).map_err(|_| CodecError::Damaged)?;
        if frame.block_checksum && read_u32(&mut reader) != Some(xxh32(content)) {
            return Err(CodecError::Damaged);
        }
        if length & STORED != 0 {
            if len > end - out.len() {
                return Err(CodecError::TooLarge);
            }
            grow(out, len, end).copy_from_slice(content);
        } else {
            block(content, frame.block_bytes_max, end, out)?;
        }
    }
    if frame.content_checksum {
        read_u32(&mut reader).ok_or(CodecError::Damaged)?;
    }
    reader.finish().map_err(|_| CodecError::Damaged)
}

fn block(
    content: &[u8],
    block_bytes_max: usize,
    end: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let start = out.len();
    let possible = block_bytes_max.min(content.len().saturating_mul(EXPANSION_MAX));
    let len = possible.min(end - start);
    let room = grow(out, len, end);
    match decompress_into(content, room) {
        Ok(written) => {
            out.truncate(start + written);
            Ok(())
        }
        Err(DecompressError::OutputTooSmall { .. }) if len < possible => Err(CodecError::TooLarge),
        Err(_) => Err(CodecError::Damaged),
    }
}

fn read_frame(reader: &mut Reader<'_>) -> Option<Frame> {
    if reader.take(MAGIC.len()).ok()? != MAGIC {
        return None;
    }
    let descriptor = reader.rest();
    let flags = reader.u8().ok()?;
    let sizes = reader.u8().ok()?;
    if flags & VERSION_MASK != VERSION
        || flags & INDEPENDENT == 0
        || flags & FLAGS_REFUSED != 0
        || sizes & 0b1000_1111 != 0
    {
        return None;
    }
    if flags & CONTENT_SIZE != 0 {
        reader.take(8).ok()?;
    }
    let descriptor = &descriptor[..descriptor.len() - reader.left()];
    let [_, _, check, _] = xxh32(descriptor).to_be_bytes();
    if reader.u8().ok()? != check {
        return None;
    }
    let block_bytes_max = match sizes >> 4 {
        4 => 64 << 10,
        5 => 256 << 10,
        6 => 1 << 20,
        7 => 4 << 20,
        _ => return None,
    };
    Some(Frame {
        block_bytes_max,
        block_checksum: flags & BLOCK_CHECKSUM != 0,
        content_checksum: flags & CONTENT_CHECKSUM != 0,
    })
}

fn read_u32(reader: &mut Reader<'_>) -> Option<u32> {
    reader.u32().ok().map(u32::swap_bytes)
}

const PRIME_1: u32 = 0x9E37_79B1;
const PRIME_2: u32 = 0x85EB_CA77;
const PRIME_3: u32 = 0xC2B2_AE3D;
const PRIME_4: u32 = 0x27D4_EB2F;
const PRIME_5: u32 = 0x1656_67B1;

/// XXH32 with seed 0, the checksum of the LZ4 frame.
fn xxh32(bytes: &[u8]) -> u32 {
    let (words, tail) = bytes.as_chunks::<4>();
    let (stripes, words) = words.as_chunks::<4>();
    let mut hash = if stripes.is_empty() {
        PRIME_5
    } else {
        let mut lanes = [PRIME_1.wrapping_add(PRIME_2), PRIME_2, 0, 0u32.wrapping_sub(PRIME_1)];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe) {
                let input = u32::from_le_bytes(*word).wrapping_mul(PRIME_2);
                *lane = lane.wrapping_add(input).rotate_left(13).wrapping_mul(PRIME_1);
            }
        }
        let [a, b, c, d] = lanes;
        let left = a.rotate_left(1).wrapping_add(b.rotate_left(7));
        left.wrapping_add(c.rotate_left(12)).wrapping_add(d.rotate_left(18))
    };
    // The format adds the length modulo 2^32.
    let [length @ .., _, _, _, _] = bytes.len().to_le_bytes();
    hash = hash.wrapping_add(u32::from_le_bytes(length));
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIME_3));
        hash = hash.rotate_left(17).wrapping_mul(PRIME_4);
    }
    for byte in tail {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIME_5));
        hash = hash.rotate_left(11).wrapping_mul(PRIME_1);
    }
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(PRIME_2);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(PRIME_3);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_CHECKSUM, CodecError, decompress, xxh32};
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;

    fn frame(info: FrameInfo, input: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(input).expect("memory");
        encoder.finish().expect("memory")
    }

    fn check(packed: &[u8], expected: Result<&[u8], CodecError>) {
        let mut out = Vec::new();
        let result = decompress(packed, 9 << 20, &mut out);
        assert!(result.map(|()| &out[..]) == expected, "{result:?}");
    }

    #[test]
    fn hash_is_the_reference() {
        assert_eq!(xxh32(b""), 0x02CC_5D05);
        assert_eq!(xxh32(b"a"), 0x550D_7456);
        assert_eq!(xxh32(b"abc"), 0x32D1_53FF);
        assert_eq!(xxh32(b"Nobody inspects the spammish repetition"), 0xE229_3B2F);
    }

    #[test]
    fn every_frame_option_is_read() {
        let mut input = b"some text some text some text ".repeat(20_000);
        input.extend((0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB]
        {
            for (blocks, content) in [(false, false), (true, false), (false, true), (true, true)] {
                let info = FrameInfo::new().block_size(size).block_checksums(blocks);
                let sized = info.clone().content_size(Some(900_000));
                check(&frame(info.content_checksum(content), &input), Ok(&input));
                check(&frame(sized, &input), Ok(&input));
            }
        }
    }

    #[test]
    fn what_kafka_refuses_is_refused() {
        let damaged = Err(CodecError::Damaged);
        let good = frame(FrameInfo::new(), b"hello hello hello hello");
        check(&good, Ok(b"hello hello hello hello"));
        let linked = FrameInfo::new().block_mode(BlockMode::Linked);
        check(&frame(linked, b"hello hello hello hello"), damaged);
        check(&[&good[..], b"x"].concat(), damaged);
        for at in 0..7 {
            let mut bad = good.clone();
            bad[at] ^= 0x01;
            check(&bad, damaged);
        }
        // A block longer than the frame allows.
        let mut bad = good.clone();
        bad[7..11].copy_from_slice(&0x7FFF_FFFFu32.to_le_bytes());
        check(&bad, damaged);
        // A wrong block checksum.
        let summed = FrameInfo::new().block_checksums(true);
        let mut bad = frame(summed, b"hello hello hello hello");
        assert_eq!(bad[4] & BLOCK_CHECKSUM, BLOCK_CHECKSUM);
        let at = bad.len() - 5;
        bad[at] ^= 0x80;
        check(&bad, damaged);
    }
}
