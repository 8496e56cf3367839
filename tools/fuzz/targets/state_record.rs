//! Records of internal topics, as a damaged disk or a foreign controller might give them: two
//! bytes choose type and version.
#![no_main]

use engine_base::message::Message;
use engine_state::generated::AnyRecord;
use engine_state::generated::group_metadata::{GroupMetadataKey, GroupMetadataValue};
use engine_state::generated::leader_change::LeaderChangeMessage;
use engine_state::generated::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;

fn check<'a, M: Message<'a> + Debug>(bytes: &'a [u8], version: i16) {
    if let Ok(record) = M::decode(bytes, version) {
        let _ = format!("{record:?}");
        record.to_vec(version).expect("what can be read can be written");
    }
}

fuzz_target!(|input: &[u8]| {
    let [kind, version, bytes @ ..] = input else { return };
    let version = i16::from(*version % 8);
    match kind {
        250 => check::<OffsetCommitKey>(bytes, version),
        251 => check::<OffsetCommitValue>(bytes, version),
        252 => check::<GroupMetadataKey>(bytes, version),
        253 => check::<GroupMetadataValue>(bytes, version),
        254 => check::<LeaderChangeMessage>(bytes, version),
        kind => {
            if let Ok(record) = AnyRecord::decode(i16::from(*kind), bytes, version) {
                let _ = format!("{record:?}");
            }
        }
    }
});
