//! What a broker might send to our client side: two bytes choose API and version, the rest is the
//! body.
#![no_main]

use engine_base::encoder::Encoder;
use libfuzzer_sys::fuzz_target;
use net_wire::{APIS, AnyResponse, ResponseHeader};

fuzz_target!(|input: &[u8]| {
    let [api, version, frame @ ..] = input else { return };
    let api = &APIS[usize::from(*api) % APIS.len()];
    let span = api.version_max - api.version_min + 1;
    let version = api.version_min + i16::from(*version) % span;
    let Ok((_, body)) = ResponseHeader::decode(frame, api.key, version) else { return };
    let Ok(response) = AnyResponse::decode(api.key, body, version) else { return };
    let _ = format!("{response:?}");
    let mut out = Encoder::new();
    response.encode(&mut out, version);
    let bytes = out.into_vec().expect("what can be read can be written");
    let again = AnyResponse::decode(api.key, &bytes, version);
    assert_eq!(again.as_ref(), Ok(&response));
});
