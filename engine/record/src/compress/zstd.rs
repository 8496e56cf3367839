//! Zstandard frames. The decoder is kept for the next section: making one costs more than a small
//! section does, most of it for memory touched the first time.

use super::{CodecError, STEP_BYTES, grow};
use ::zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};
use std::cell::Cell;

/// Largest window accepted, as in zstd and Kafka: 128 MiB, which level 22 uses. The decoder touches
/// only as much of it as it writes, so the cap on output bounds this memory too.
const WINDOW_LOG_MAX: u32 = 27;
/// A decoder that has grown beyond is not kept. Kafka's clients use windows of 2 MiB.
const KEPT_BYTES_MAX: usize = 8 << 20;

thread_local! {
    /// The decoder of this shard, if it has one that is not in use.
    static KEPT: Cell<Option<DCtx<'static>>> = const { Cell::new(None) };
}

pub(super) fn compress(level: Option<i32>, input: &[u8], out: &mut Vec<u8>) {
    let level = level.unwrap_or(::zstd::DEFAULT_COMPRESSION_LEVEL);
    let packed = ::zstd::bulk::compress(input, level).expect("the bound covers any input");
    out.extend_from_slice(&packed);
}

pub(super) fn decompress(
    input: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let mut decoder = match KEPT.take() {
        Some(decoder) => decoder,
        // Errors here are about memory, not about the input; the batch cannot be read either way.
        None => DCtx::try_create().ok_or(CodecError::Damaged)?,
    };
    decoder.reset(ResetDirective::SessionAndParameters).expect("a reset of both always works");
    decoder
        .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
        .expect("27 is within the library's range");
    let result = run(&mut decoder, input, bytes_max, out);
    if decoder.sizeof() <= KEPT_BYTES_MAX {
        KEPT.set(Some(decoder));
    }
    result
}

/// All frames of `input`, of which the last must be whole.
fn run(
    decoder: &mut DCtx<'_>,
    input: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let end = out.len().saturating_add(bytes_max);
    let mut source = InBuffer::around(input);
    loop {
        let start = out.len();
        let step = STEP_BYTES.min(end - start);
        let mut probe = [0; 1];
        let room = if step == 0 { &mut probe[..] } else { grow(out, step, end) };
        let size = room.len();
        let mut target = OutBuffer::around(room);
        let left =
            decoder.decompress_stream(&mut target, &mut source).map_err(|_| CodecError::Damaged)?;
        let written = target.pos();
        if step == 0 && written > 0 {
            return Err(CodecError::TooLarge);
        }
        out.truncate(start + written);
        if source.pos() == input.len() && (left == 0 || written < size) {
            // What is left of a frame when nothing more comes out is missing.
            return if left == 0 { Ok(()) } else { Err(CodecError::Damaged) };
        }
    }
}
