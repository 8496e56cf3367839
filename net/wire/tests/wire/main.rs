//! Tests of the generated messages: every message in every version, with seeded random content.

mod golden;
mod hostile;
mod oracle;
mod round_trip;
mod sample;

use engine_base::encoder::Encoder;
use net_wire::{APIS, AnyRequest, AnyResponse, ApiKey};

/// A message of either direction.
#[derive(Clone, PartialEq, Debug)]
enum Any<'a> {
    Request(AnyRequest<'a>),
    Response(AnyResponse<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Direction {
    Request,
    Response,
}

impl<'a> Any<'a> {
    fn sample(
        direction: Direction,
        api: ApiKey,
        version: i16,
        random: &mut sample::Random,
    ) -> Any<'static> {
        match direction {
            Direction::Request => Any::Request(sample::any_request(api, version, random)),
            Direction::Response => Any::Response(sample::any_response(api, version, random)),
        }
    }

    fn decode(
        direction: Direction,
        api: ApiKey,
        version: i16,
        bytes: &'a [u8],
    ) -> engine_base::codec::Result<Any<'a>> {
        match direction {
            Direction::Request => AnyRequest::decode(api, bytes, version).map(Any::Request),
            Direction::Response => AnyResponse::decode(api, bytes, version).map(Any::Response),
        }
    }

    fn encode(&self, version: i16) -> Result<Vec<u8>, engine_base::message::EncodeError> {
        let mut out = Encoder::new();
        match self {
            Any::Request(request) => request.encode(&mut out, version),
            Any::Response(response) => response.encode(&mut out, version),
        }
        out.into_vec()
    }
}

/// Calls `check` for every message and version.
fn for_all(mut check: impl FnMut(Direction, ApiKey, i16)) {
    for api in APIS {
        for version in api.version_min..=api.version_max {
            for direction in [Direction::Request, Direction::Response] {
                check(direction, api.key, version);
            }
        }
    }
}
