//! Frames: a length of four bytes, a header, a body. The server reads lengths with [`frame_len`]
//! and writes answers with [`put_response`]; clients do the reverse.

use crate::header::{RequestHeader, ResponseHeader};
use crate::message::{Request, Response};
use crate::segments::Segments;
use bytes::BytesMut;
use engine_base::encoder::Encoder;
use engine_base::message::EncodeError;
use std::fmt;

/// Size in bytes of the length in front of a frame.
pub const LEN_BYTES: usize = 4;

/// Room in bytes for a frame of its own: most answers without records fit, larger ones grow it.
const FRAME_BYTES_TYPICAL: usize = 512;

/// Why four bytes are not the length of a frame that is accepted here. The connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    Negative {
        len: i32,
    },
    /// Above the limit, which is `socket.request.max.bytes` on a broker.
    TooLarge {
        len: usize,
        limit: usize,
    },
    /// A TLS handshake on a plain listener.
    Tls,
    /// An HTTP request.
    Http,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Negative { len } => write!(f, "frame length {len} is negative"),
            FrameError::TooLarge { len, limit } => {
                write!(f, "frame of {len} bytes is above the limit of {limit}")
            }
            FrameError::Tls => f.write_str("a TLS handshake came to a plaintext listener"),
            FrameError::Http => f.write_str("an HTTP request came to a Kafka listener"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The length of the frame behind these four bytes, in bytes. Nothing may be reserved for it
/// before the bytes arrive. Other protocols are only recognised in lengths above the limit, where
/// no accepted frame can look like them.
pub fn frame_len(prefix: [u8; LEN_BYTES], limit: usize) -> Result<usize, FrameError> {
    let len = i32::from_be_bytes(prefix);
    let Ok(size) = usize::try_from(len) else {
        return Err(FrameError::Negative { len });
    };
    if size <= limit {
        return Ok(size);
    }
    const VERBS: [&[u8; LEN_BYTES]; 9] =
        [b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"CONN", b"OPTI", b"TRAC", b"PATC"];
    match prefix {
        [0x16, 0x03, 0..=4, _] => Err(FrameError::Tls),
        _ if VERBS.contains(&&prefix) => Err(FrameError::Http),
        _ => Err(FrameError::TooLarge { len: size, limit }),
    }
}

/// Appends a response frame. Several may be written to one encoder and sent together.
pub fn put_response<'a, R: Response<'a>>(
    out: &mut Encoder,
    version: i16,
    correlation_id: i32,
    response: &R,
) {
    let frame = out.begin_frame();
    ResponseHeader { correlation_id }.encode(out, R::API, version);
    response.encode(out, version);
    out.end_frame(frame);
}

/// A response frame of its own.
pub fn encode_response<'a, R: Response<'a>>(
    version: i16,
    correlation_id: i32,
    response: &R,
) -> Result<Segments, EncodeError> {
    let mut out = Encoder::with_buffer(BytesMut::with_capacity(FRAME_BYTES_TYPICAL));
    put_response(&mut out, version, correlation_id, response);
    Segments::take(&mut out)
}

/// Appends a request frame.
pub fn put_request<'a, R: Request<'a>>(
    out: &mut Encoder,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    request: &R,
) {
    let frame = out.begin_frame();
    RequestHeader { api: R::API, api_version: version, correlation_id, client_id }.encode(out);
    request.encode(out, version);
    out.end_frame(frame);
}

/// A request frame of its own.
pub fn encode_request<'a, R: Request<'a>>(
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    request: &R,
) -> Result<Segments, EncodeError> {
    let mut out = Encoder::with_buffer(BytesMut::with_capacity(FRAME_BYTES_TYPICAL));
    put_request(&mut out, version, correlation_id, client_id, request);
    Segments::take(&mut out)
}

#[cfg(test)]
mod tests {
    use super::{FrameError, encode_response, frame_len};
    use crate::generated::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
    use crate::records::Records;
    use bytes::Bytes;

    const LIMIT: usize = 104_857_600;

    #[test]
    fn lengths_are_checked_and_strangers_named() {
        fn check(prefix: &[u8; 4], expected: Result<usize, FrameError>) {
            assert_eq!(frame_len(*prefix, LIMIT), expected);
        }
        check(&[0, 0, 0, 0], Ok(0));
        check(&[0x06, 0x40, 0, 0], Ok(LIMIT));
        check(&[0x06, 0x40, 0, 1], Err(FrameError::TooLarge { len: LIMIT + 1, limit: LIMIT }));
        check(&[0xFF, 0xFF, 0xFF, 0xFE], Err(FrameError::Negative { len: -2 }));
        check(&[0x16, 0x03, 0x01, 0x02], Err(FrameError::Tls));
        check(b"GET ", Err(FrameError::Http));
        check(b"POST", Err(FrameError::Http));
    }

    #[test]
    fn records_leave_by_reference() {
        let batch = Bytes::from(vec![5u8; 4096]);
        let partition = PartitionData {
            partition_index: 3,
            high_watermark: 10,
            records: Records::from(batch.clone()),
            ..Default::default()
        };
        let topic = FetchableTopicResponse {
            topic: "t",
            partitions: vec![partition].into(),
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic].into(), ..Default::default() };
        let segments = encode_response(12, 9, &response).expect("short");
        assert_eq!(segments.parts().len(), 3);
        assert_eq!(segments.parts()[1].as_ptr(), batch.as_ptr());
        let all = segments.to_vec();
        assert_eq!(all.len(), segments.len());
        assert_eq!(all[..4], u32::try_from(all.len() - 4).expect("short").to_be_bytes());
    }
}
