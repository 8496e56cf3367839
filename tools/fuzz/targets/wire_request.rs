//! A frame from a stranger: header, then the body of whatever API and version it names.
#![no_main]

use engine_base::encoder::Encoder;
use libfuzzer_sys::fuzz_target;
use net_wire::{AnyRequest, RequestHeader};

fuzz_target!(|frame: &[u8]| {
    let Ok((header, body)) = RequestHeader::decode(frame) else { return };
    let Ok(request) = AnyRequest::decode(header.api, body, header.api_version) else { return };
    let _ = format!("{request:?}");
    let mut out = Encoder::new();
    request.encode(&mut out, header.api_version);
    let bytes = out.into_vec().expect("what can be read can be written");
    let again = AnyRequest::decode(header.api, &bytes, header.api_version);
    assert_eq!(again.as_ref(), Ok(&request));
});
