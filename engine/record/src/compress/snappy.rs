//! Snappy in the two shapes that Kafka's clients send: Java's stream of blocks (xerial), which we
//! write too, and one raw block. The xerial header is read leniently: its version fields vary.
//! Source: `SnappyOutputStream` of snappy-java, `MAGIC_LEN` and friends of its `SnappyCodec`.

use super::{CodecError, grow};
use engine_base::codec::Reader;
use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
/// Version and lowest compatible version, both 1.
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Java's block size: how much input goes into one block.
const BLOCK_BYTES: usize = 32 * 1024;
/// No element of a snappy block writes more than 64 bytes for 3 of its own.
const EXPANSION_MAX: usize = 32;

pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSIONS);
    let mut encoder = Encoder::new();
    for block in input.chunks(BLOCK_BYTES) {
        let start = out.len();
        let content = start + 4;
        out.resize(content + max_compress_len(block.len()), 0);
        let len = encoder.compress(block, &mut out[content..]).expect("the bound covers any input");
        let length = u32::try_from(len).expect("a block is small");
        out[start..content].copy_from_slice(&length.to_be_bytes());
        out.truncate(content + len);
    }
}

pub(super) fn decompress(
    input: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let end = out.len().saturating_add(bytes_max);
    let mut decoder = Decoder::new();
    if !input.starts_with(&MAGIC) {
        return block(&mut decoder, input, end, out);
    }
    let mut reader = Reader::new(input);
    while reader.left() > 0 {
        if reader.rest().starts_with(&MAGIC) {
            // Also between blocks: streams may be joined.
            reader.take(MAGIC.len() + VERSIONS.len()).map_err(|_| CodecError::Damaged)?;
            continue;
        }
        let content = reader.bytes().map_err(|_| CodecError::Damaged)?;
        block(&mut decoder, content, end, out)?;
    }
    Ok(())
}

fn block(
    decoder: &mut Decoder,
    content: &[u8],
    end: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let len = decompress_len(content).map_err(|_| CodecError::Damaged)?;
    if content.is_empty() || len > content.len().saturating_mul(EXPANSION_MAX) {
        return Err(CodecError::Damaged);
    }
    if len > end - out.len() {
        return Err(CodecError::TooLarge);
    }
    let room = grow(out, len, end);
    let written = decoder.decompress(content, room).map_err(|_| CodecError::Damaged)?;
    if written == len { Ok(()) } else { Err(CodecError::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::{CodecError, compress, decompress};

    fn check(input: &[u8], expected: Result<&[u8], CodecError>) {
        let mut out = Vec::new();
        let result = decompress(input, 1000, &mut out);
        assert_eq!(result.map(|()| &out[..]), expected, "{input:02x?}");
    }

    #[test]
    fn both_shapes_are_read() {
        let raw = snap::raw::Encoder::new().compress_vec(b"hello hello").expect("fits");
        check(&raw, Ok(b"hello hello"));
        let mut framed = Vec::new();
        compress(b"hello hello", &mut framed);
        check(&framed, Ok(b"hello hello"));
        check(&framed[..16], Ok(b""));
        check(&[framed.clone(), framed.clone()].concat(), Ok(b"hello hellohello hello"));
        // Clients are known to write other version fields.
        framed[8..16].fill(0xAB);
        check(&framed, Ok(b"hello hello"));
    }

    #[test]
    fn hostile_lengths_are_refused() {
        check(b"", Err(CodecError::Damaged));
        check(&[0x80], Err(CodecError::Damaged));
        // A raw block that announces 4 GiB in five bytes.
        check(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], Err(CodecError::Damaged));
        let mut framed = Vec::new();
        compress(b"hello hello", &mut framed);
        for length in [[0xFF; 4], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0, 0, 0, 99]] {
            framed[16..20].copy_from_slice(&length);
            check(&framed, Err(CodecError::Damaged));
        }
        for cut in [1, 9, 15, 17, 19] {
            check(&framed[..cut], Err(CodecError::Damaged));
        }
    }
}
