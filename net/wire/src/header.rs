//! Headers of requests and responses. Their version follows from API and version, so a header can
//! only be read by someone who knows the API; Kafka closes the connection otherwise.

use crate::generated::ApiKey;
use engine_base::codec::{DecodeError, Reader, Result, Write};
use engine_base::encoder::Encoder;
use engine_base::message::Version;
use std::fmt;

/// What a request header may hold: the longest client id and some hundred tagged fields, of which
/// Kafka has none so far.
const HEADER_WEIGHT_MAX: usize = 64 << 10;

/// Header versions 1 and 2. The client id is in the plain form in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHeader<'a> {
    pub api: ApiKey,
    /// Any number: only the header was read, and whether the version is served is another
    /// question. ApiVersions is answered even then, see [`crate::Api::serves`].
    pub api_version: i16,
    pub correlation_id: i32,
    pub client_id: Option<&'a str>,
}

/// Why the start of a frame is not a header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
    /// No messages of this API exist here.
    UnknownApi {
        key: i16,
        version: i16,
    },
    Malformed(DecodeError),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderError::UnknownApi { key, version } => {
                write!(f, "unknown api key {key} (version {version})")
            }
            HeaderError::Malformed(error) => write!(f, "request header: {error}"),
        }
    }
}

impl std::error::Error for HeaderError {}

impl From<DecodeError> for HeaderError {
    fn from(error: DecodeError) -> Self {
        HeaderError::Malformed(error)
    }
}

impl<'a> RequestHeader<'a> {
    /// Reads the header of a frame without its length, and gives the body behind it.
    pub fn decode(frame: &'a [u8]) -> std::result::Result<(Self, &'a [u8]), HeaderError> {
        let mut reader = Reader::limited(frame, HEADER_WEIGHT_MAX);
        let key = reader.i16()?;
        let api_version = reader.i16()?;
        let correlation_id = reader.i32()?;
        let api =
            ApiKey::from_code(key).ok_or(HeaderError::UnknownApi { key, version: api_version })?;
        let client_id = reader.nullable_string()?;
        if api.api().request_header_version(api_version) >= 2 {
            reader.skip_tagged_fields()?;
        }
        Ok((RequestHeader { api, api_version, correlation_id, client_id }, reader.rest()))
    }

    /// Appends the header in the version that belongs to API and version.
    pub fn encode(&self, out: &mut Encoder) {
        out.put_i16(self.api.code());
        out.put_i16(self.api_version);
        out.put_i32(self.correlation_id);
        out.put_text(Version::new(1, i16::MAX), self.client_id);
        if self.api.api().request_header_version(self.api_version) >= 2 {
            out.put_unsigned_varint(0);
        }
    }
}

/// Header versions 0 and 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseHeader {
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Reads the header of a response to a request of this API and version, and gives the body.
    pub fn decode(frame: &[u8], api: ApiKey, api_version: i16) -> Result<(Self, &[u8])> {
        let mut reader = Reader::new(frame);
        let correlation_id = reader.i32()?;
        if api.api().response_header_version(api_version) >= 1 {
            reader.skip_tagged_fields()?;
        }
        Ok((ResponseHeader { correlation_id }, reader.rest()))
    }

    pub fn encode(self, out: &mut Encoder, api: ApiKey, api_version: i16) {
        out.put_i32(self.correlation_id);
        if api.api().response_header_version(api_version) >= 1 {
            out.put_unsigned_varint(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderError, RequestHeader, ResponseHeader};
    use crate::generated::ApiKey;
    use engine_base::codec::DecodeError;
    use engine_base::encoder::Encoder;

    fn check(bytes: &[u8], api: ApiKey, api_version: i16, client_id: Option<&str>) {
        let expected = RequestHeader { api, api_version, correlation_id: 7, client_id };
        let mut frame = bytes.to_vec();
        frame.push(0xEE);
        let (header, body) = RequestHeader::decode(&frame).expect("well formed");
        assert_eq!((header, body), (expected, &[0xEE][..]));
        let mut out = Encoder::new();
        header.encode(&mut out);
        assert_eq!(out.into_vec().expect("short"), bytes);
        for end in 0..bytes.len() {
            let cut = RequestHeader::decode(&bytes[..end]);
            assert_eq!(cut.err(), Some(HeaderError::Malformed(DecodeError::Truncated)), "{end}");
        }
    }

    #[test]
    fn both_versions_of_the_request_header() {
        check(&[0, 3, 0, 8, 0, 0, 0, 7, 0, 1, b'c'], ApiKey::Metadata, 8, Some("c"));
        check(&[0, 3, 0, 9, 0, 0, 0, 7, 0, 1, b'c', 0], ApiKey::Metadata, 9, Some("c"));
        check(&[0, 3, 0, 9, 0, 0, 0, 7, 0xFF, 0xFF, 0], ApiKey::Metadata, 9, None);
        // Versions from the future of a flexible API have a flexible header.
        check(&[0, 18, 0, 99, 0, 0, 0, 7, 0, 0, 0], ApiKey::ApiVersions, 99, Some(""));
        // OffsetDelete never became flexible.
        check(&[0, 47, 0, 0, 0, 0, 0, 7, 0, 0], ApiKey::OffsetDelete, 0, Some(""));
    }

    #[test]
    fn tagged_fields_of_a_request_header_are_skipped() {
        let frame = [0, 3, 0, 9, 0, 0, 0, 7, 0, 0, 1, 5, 2, 0xAA, 0xBB, 1];
        let (header, body) = RequestHeader::decode(&frame).expect("well formed");
        assert_eq!((header.client_id, body), (Some(""), &[1][..]));
    }

    #[test]
    fn a_header_has_an_end() {
        let mut frame = vec![0, 3, 0, 9, 0, 0, 0, 7, 0x7F, 0xFF];
        frame.extend([b'c'; 0x7FFF]);
        frame.push(0);
        assert!(RequestHeader::decode(&frame).is_ok(), "the longest client id");
        let mut frame = vec![0, 3, 0, 9, 0, 0, 0, 7, 0, 0, 0xD0, 0x0F];
        for tag in 0..2000u16 {
            frame.extend([tag.to_le_bytes()[0] | 0x80, u8::try_from(tag >> 7).expect("short"), 0]);
        }
        let refused = RequestHeader::decode(&frame).expect_err("too many tagged fields");
        assert_eq!(refused, HeaderError::Malformed(DecodeError::TooMuch));
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = RequestHeader::decode(&[0x12, 0x34, 0, 2, 0, 0, 0, 7]).expect_err("unknown");
        assert_eq!(error, HeaderError::UnknownApi { key: 0x1234, version: 2 });
        assert_eq!(error.to_string(), "unknown api key 4660 (version 2)");
    }

    #[test]
    fn the_response_header_of_api_versions_stays_plain() {
        fn check(api: ApiKey, version: i16, expected: &[u8]) {
            let mut out = Encoder::new();
            ResponseHeader { correlation_id: 1 }.encode(&mut out, api, version);
            let bytes = out.into_vec().expect("short");
            assert_eq!(bytes, expected);
            let (header, body) = ResponseHeader::decode(&bytes, api, version).expect("just made");
            assert_eq!((header.correlation_id, body), (1, &[][..]));
        }
        check(ApiKey::ApiVersions, 4, &[0, 0, 0, 1]);
        check(ApiKey::Fetch, 11, &[0, 0, 0, 1]);
        check(ApiKey::Fetch, 12, &[0, 0, 0, 1, 0]);
    }
}
