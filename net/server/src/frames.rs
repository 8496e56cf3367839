//! Cuts a connection's byte stream into request frames. Everything complete in the buffer is given
//! out before more is received. The buffer follows what has arrived, never what a length field
//! promises, and shrinks again when the connection calms down. It grows in few steps, the last of them
//! to the very end of the frame: of a large one less than half is copied, and never is there room for
//! more than [`GROWTH`] times what has arrived, beyond a first step. Pure; owned by one connection.

use bytes::{Buf, Bytes, BytesMut};
use net_wire::frame::{FrameError, frame_len};

/// Room of a quiet connection's receive buffer, in bytes.
const RECV_BYTES_MIN: usize = 4 << 10;
/// Room that a busy connection's receive buffer grows to. Larger frames go beyond it step by step.
const RECV_BYTES_MAX: usize = 256 << 10;

/// Frames from this size on get buffers that end where frames of their size do.
const LARGE_FRAME_BYTES: usize = 8 << 10;

/// First step by which the buffer grows for a frame that is announced but has not arrived.
const STEP_BYTES_MIN: usize = 64 << 10;
/// A buffer that grows gets room for so many times what has arrived; for the whole frame at once if
/// that is no more than half as much again.
const GROWTH: usize = 4;

/// The bytes of one connection that are received but not yet handled.
pub struct Frames {
    buffer: BytesMut,
    /// Room to offer to the next receive into an empty buffer.
    room: usize,
    /// Size of the last complete frame, its length included.
    last_bytes: usize,
    request_bytes_max: usize,
}

impl Frames {
    pub fn new(request_bytes_max: usize) -> Self {
        Frames { buffer: BytesMut::new(), room: RECV_BYTES_MIN, last_bytes: 0, request_bytes_max }
    }

    /// The next complete frame without its length, `None` if more bytes are needed.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let len = frame_len(*prefix, self.request_bytes_max)?;
        if self.buffer.len() < 4 + len {
            return Ok(None);
        }
        self.last_bytes = 4 + len;
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    /// Bytes of an incomplete frame held here.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The buffer, with room to receive into. Give it back through [`Frames::received`].
    pub fn lend(&mut self) -> BytesMut {
        let mut buffer = std::mem::take(&mut self.buffer);
        let have = buffer.len();
        if have == 0 {
            // A buffer of its own size for each burst: frames cut from the old one keep that alive.
            let (least, wanted) = self.sizes();
            if buffer.capacity() < least || buffer.capacity() > 2 * RECV_BYTES_MAX {
                buffer = BytesMut::with_capacity(wanted);
            }
            return buffer;
        }
        let missing = match buffer.first_chunk::<4>() {
            // Only lengths that `next_frame` accepted get here.
            Some(prefix) => frame_len(*prefix, self.request_bytes_max)
                .map_or(RECV_BYTES_MIN, |len| (4 + len).saturating_sub(have)),
            None => RECV_BYTES_MIN,
        };
        // A stranger who announces much and sends little holds little.
        let step = (have * (GROWTH - 1)).max(STEP_BYTES_MIN);
        let is_last = missing <= step + have * GROWTH / 2;
        let wanted = if is_last { missing.max(RECV_BYTES_MIN) } else { step };
        let spare = buffer.capacity() - have;
        // On the way to a distant end the room that is there is used up first.
        if spare >= missing.min(wanted) || (!is_last && spare >= RECV_BYTES_MIN) {
            return buffer;
        }
        // Exactly as much: growth on its own would double what is there.
        let mut larger = BytesMut::with_capacity(have + wanted);
        larger.extend_from_slice(&buffer);
        larger
    }

    /// What an empty buffer must hold to be used again, and what a new one is made to hold. Large
    /// frames of a peer mostly have one size: where a buffer ends with a frame, none of them lies
    /// across two buffers and has to be copied together.
    fn sizes(&self) -> (usize, usize) {
        let frame = self.last_bytes;
        if (LARGE_FRAME_BYTES..=self.room).contains(&frame) {
            (frame, self.room.div_ceil(frame) * frame)
        } else {
            (self.room, self.room)
        }
    }

    /// Takes the buffer back after `received` more bytes arrived in it.
    pub fn received(&mut self, buffer: BytesMut, received: usize) {
        assert!(self.buffer.is_empty());
        let full = buffer.len() == buffer.capacity();
        self.buffer = buffer;
        if full || received >= self.room {
            self.room = (self.room * 4).min(RECV_BYTES_MAX);
        } else if received < self.room / 8 {
            self.room = (self.room / 2).max(RECV_BYTES_MIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Frames, RECV_BYTES_MAX, RECV_BYTES_MIN, STEP_BYTES_MIN};

    fn feed(frames: &mut Frames, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            let mut buffer = frames.lend();
            let take = left.len().min(buffer.capacity() - buffer.len());
            assert!(take > 0, "a lent buffer always has room");
            buffer.extend_from_slice(&left[..take]);
            left = &left[take..];
            frames.received(buffer, take);
        }
    }

    fn framed(len: usize, fill: u8) -> Vec<u8> {
        let mut out = u32::try_from(len).expect("small").to_be_bytes().to_vec();
        out.resize(4 + len, fill);
        out
    }

    #[test]
    fn everything_complete_is_given_out() {
        let mut frames = Frames::new(1 << 20);
        let mut bytes = framed(3, 1);
        bytes.extend(framed(0, 0));
        bytes.extend(framed(5, 2));
        bytes.extend_from_slice(&[0, 0]);
        feed(&mut frames, &bytes);
        assert_eq!(frames.next_frame().expect("legal").as_deref(), Some(&[1u8; 3][..]));
        assert_eq!(frames.next_frame().expect("legal").as_deref(), Some(&[][..]));
        assert_eq!(frames.next_frame().expect("legal").as_deref(), Some(&[2u8; 5][..]));
        assert_eq!(frames.next_frame().expect("legal"), None);
        assert_eq!(frames.held_bytes(), 2);
    }

    #[test]
    fn an_announced_length_reserves_nothing_beyond_a_step() {
        let mut frames = Frames::new(100 << 20);
        let mut head = u32::try_from(50 << 20).expect("small").to_be_bytes().to_vec();
        head.extend_from_slice(&[0; 100]);
        feed(&mut frames, &head);
        assert_eq!(frames.next_frame().expect("legal"), None);
        let buffer = frames.lend();
        assert!(buffer.capacity() <= 2 * STEP_BYTES_MIN, "{} bytes", buffer.capacity());
    }

    #[test]
    fn a_large_frame_is_hardly_copied_and_its_buffer_is_no_larger_than_it() {
        for (len, piece) in [(1 << 20, 256 << 10), (1 << 20, 1460), (90 << 20, 1 << 20)] {
            let mut frames = Frames::new(100 << 20);
            let bytes = framed(len, 7);
            let (mut at, mut copied, mut place) = (0, 0, std::ptr::null());
            while at < bytes.len() {
                let mut buffer = frames.lend();
                if buffer.as_ptr() != place {
                    copied += buffer.len();
                    place = buffer.as_ptr();
                }
                assert!(buffer.capacity() <= (at * 6).max(2 * STEP_BYTES_MIN));
                assert!(buffer.capacity() <= bytes.len().max(RECV_BYTES_MAX) + RECV_BYTES_MIN);
                let take = piece.min(bytes.len() - at).min(buffer.capacity() - buffer.len());
                buffer.extend_from_slice(&bytes[at..at + take]);
                at += take;
                frames.received(buffer, take);
            }
            assert!(copied < len / 2, "{copied} of {len} bytes were copied");
            assert_eq!(frames.next_frame().expect("legal").expect("complete").len(), len);
        }
    }

    #[test]
    fn large_frames_of_one_size_are_not_copied() {
        for len in [10_000, 15_000, 70_000, 131_200, RECV_BYTES_MAX - 4] {
            let mut frames = Frames::new(100 << 20);
            let bytes = framed(len, 7).repeat(200);
            let (mut at, mut copied, mut place) = (0, 0, std::ptr::null());
            while at < bytes.len() {
                let mut buffer = frames.lend();
                if buffer.as_ptr() != place && at > 8 * RECV_BYTES_MAX {
                    copied += buffer.len();
                }
                // As much as a socket often has, and as much as there is room for.
                let piece = if at % 3 == 0 { 64 << 10 } else { usize::MAX };
                let take = piece.min(bytes.len() - at).min(buffer.capacity() - buffer.len());
                buffer.extend_from_slice(&bytes[at..at + take]);
                at += take;
                place = buffer.as_ptr();
                frames.received(buffer, take);
                while let Some(frame) = frames.next_frame().expect("legal") {
                    assert_eq!(frame.len(), len);
                    place = place.wrapping_add(4 + len);
                }
                assert!(frames.room <= RECV_BYTES_MAX);
            }
            assert_eq!((copied, frames.held_bytes()), (0, 0), "frames of {len}");
        }
    }

    #[test]
    fn a_large_frame_arrives_whole() {
        let mut frames = Frames::new(100 << 20);
        let bytes = framed(5 << 20, 7);
        feed(&mut frames, &bytes);
        let frame = frames.next_frame().expect("legal").expect("complete");
        assert_eq!(frame.len(), 5 << 20);
        assert!(frame.iter().all(|byte| *byte == 7));
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_at_its_length() {
        let mut frames = Frames::new(1000);
        feed(&mut frames, &[0, 0, 4, 0]);
        assert!(frames.next_frame().is_err());
        let mut frames = Frames::new(1000);
        feed(&mut frames, &[0xFF; 4]);
        assert!(frames.next_frame().is_err());
    }
}
