//! Our bytes against another implementation of the protocol, the `kafka-protocol` crate: it reads
//! ours, finds the same fields in it, and writes the same bytes. Which versions of an API it lacks
//! is listed, so that a gap is not taken for agreement.

use crate::sample::Random;
use crate::{Any, Direction, for_all};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as OracleKey, RequestKind, ResponseKind};
use net_wire::ApiKey;

/// Versions of Kafka 4.3.1 that the oracle does not know. Their bytes were compared with Kafka's own
/// classes when the schema was written; golden bytes of those are in `golden.rs`.
const UNKNOWN_TO_ORACLE: &[(ApiKey, i16)] = &[
    (ApiKey::ListOffsets, 11),
    (ApiKey::OffsetCommit, 10),
    (ApiKey::OffsetFetch, 10),
    (ApiKey::InitProducerId, 6),
    (ApiKey::DescribeLogDirs, 5),
];

#[test]
fn bytes_and_fields_agree() {
    let mut unknown = Vec::new();
    for_all(|direction, api, version| {
        let key = OracleKey::try_from(api.code()).expect("the oracle knows all APIs");
        for seed in 0..40 {
            let message = Any::sample(direction, api, version, &mut Random::new(seed));
            let bytes = message.encode(version).expect("a sample fits its version");
            let label = format!("{direction:?} {api} v{version} seed {seed}");
            let Some((theirs, text)) = oracle(direction, key, version, &bytes, &label) else {
                unknown.push((api, version));
                return;
            };
            assert_eq!(bytes, theirs, "{label}\n{message:?}\n{text}");
            let ours = format!("{message:?}");
            assert_eq!(scalars(&ours), scalars(&text), "{label}\n{message:?}\n{text}");
        }
    });
    unknown.dedup();
    assert_eq!(unknown, UNKNOWN_TO_ORACLE);
}

/// The oracle's bytes for what it read from ours, and how it prints it. `None` if it does not know
/// the version: its table of versions and its messages disagree, the messages decide.
fn oracle(
    direction: Direction,
    key: OracleKey,
    version: i16,
    bytes: &[u8],
    label: &str,
) -> Option<(Vec<u8>, String)> {
    let mut input = Bytes::copy_from_slice(bytes);
    let mut output = BytesMut::new();
    let result = match direction {
        Direction::Request => RequestKind::decode(key, &mut input, version).map(|message| {
            message.encode(&mut output, version).expect(label);
            format!("{message:?}")
        }),
        Direction::Response => ResponseKind::decode(key, &mut input, version).map(|message| {
            message.encode(&mut output, version).expect(label);
            format!("{message:?}")
        }),
    };
    let text = match result {
        Ok(text) => text,
        Err(error) if format!("{error:#}").contains("version not supported") => return None,
        Err(error) => panic!("{label}: {error:#}"),
    };
    assert!(input.is_empty(), "{label}: the oracle left {} bytes", input.len());
    Some((output.to_vec(), text))
}

/// Field names with their numbers, booleans and strings, from the text of `Debug`, in order of
/// appearance. Types and the nesting are left out: the two sides name and wrap them differently.
fn scalars(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut previous = "";
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || "-\"_".contains(c)) {
        rest = &rest[start..];
        let len = match rest.strip_prefix('"') {
            Some(inner) => string_len(inner) + 2,
            None => rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
                .unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(len);
        rest = after;
        let is_value = token.starts_with('"')
            || ["true", "false"].contains(&token)
            || token.parse::<i64>().is_ok();
        if after.starts_with(':') {
            previous = token;
        } else if is_value && !SKIPPED.contains(&previous) {
            // The oracle writes `enable_2_pc`.
            found.push((previous.replace('_', ""), token.to_owned()));
        }
    }
    found
}

/// Fields that print differently: bytes, ids. And one that the oracle does not know.
const SKIPPED: &[&str] =
    &["records", "metadata", "assignment", "member_metadata", "member_assignment", "is_cordoned"];

fn string_len(inner: &str) -> usize {
    let mut escaped = false;
    for (index, c) in inner.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return index,
            _ => escaped = false,
        }
    }
    inner.len()
}
