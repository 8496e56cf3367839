//! The records: golden bytes of Kafka 4.3.1, and what a new coordinator makes of them.

use super::{GROUP, Sim, committer, config, joiner, static_joiner};
use crate::generated::group_metadata::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};
use crate::generated::offset_commit::{OffsetCommitKey, OffsetCommitValue};
use crate::groups::records::{self, Key, decode_key, decode_value};
use crate::groups::{Coordinator, GroupConfig, GroupError, GroupState, Loaded};
use crate::offsets::CommittedOffset;
use engine_base::Uuid;
use engine_base::message::Message;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().collect();
    let text = |pair: &[u8]| String::from_utf8(pair.to_vec()).expect("ascii");
    digits.chunks(2).map(|pair| u8::from_str_radix(&text(pair), 16).expect("hex")).collect()
}

const OFFSET_KEY: &str = "000100036772700005746f70696300000007";
const GROUP_KEY: &str = "00020003677270";
const TOPIC_ID: Uuid = Uuid::from_bytes([
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
]);

fn offset_value(metadata: &str) -> OffsetCommitValue<'_> {
    OffsetCommitValue {
        offset: 4096,
        leader_epoch: 3,
        metadata,
        commit_timestamp: 1_700_000_000_123,
        expire_timestamp: -1,
        topic_id: TOPIC_ID,
    }
}

/// Printed by `GroupCoordinatorRecordHelpers.newOffsetCommitRecord`.
#[test]
fn offset_records_are_kafkas_bytes() {
    let expire_ms = 1_700_000_001_123;
    for (metadata, leader_epoch, topic_id, expire_timestamp_ms, hex) in [
        (
            "m\u{e9}ta",
            3,
            TOPIC_ID,
            None,
            "0004000000000000100000000003066dc3a974610000018bcfe5687b01\
            001000112233445566778899aabbccddeeff",
        ),
        ("", -1, Uuid::ZERO, None, "00040000000000001000ffffffff010000018bcfe5687b00"),
        (
            "m",
            3,
            TOPIC_ID,
            Some(expire_ms),
            "0001000000000000100000016d0000018bcfe5687b0000018bcfe56c63",
        ),
    ] {
        let entry = CommittedOffset {
            offset: 4096,
            leader_epoch,
            metadata: metadata.into(),
            commit_timestamp_ms: 1_700_000_000_123,
            expire_timestamp_ms,
            topic_id,
            order: 0,
        };
        let record = records::offset_record("grp", "topic", 7, &entry);
        assert_eq!(record, (bytes(OFFSET_KEY), Some(bytes(hex))));
    }
    let key = OffsetCommitKey { group: "grp", topic: "topic", partition: 7 };
    assert_eq!(decode_key(&bytes(OFFSET_KEY)), Ok(Key::Offset(key.clone())));
    let legacy = OFFSET_KEY.replacen("0001", "0000", 1);
    assert_eq!(decode_key(&bytes(&legacy)), Ok(Key::Offset(key)));
    let tombstone = records::offset_tombstone(&("grp".into(), "topic".into(), 7));
    assert_eq!(tombstone, (bytes(OFFSET_KEY), None));
}

#[test]
fn all_versions_of_offset_values_are_read() {
    for (version, hex, leader_epoch, expire_timestamp, topic_id) in [
        (0, "0000000000000000100000016d0000018bcfe5687b", -1, -1, Uuid::ZERO),
        (
            1,
            "0001000000000000100000016d0000018bcfe5687b0000018bcfe56c63",
            -1,
            1_700_000_001_123,
            Uuid::ZERO,
        ),
        (2, "0002000000000000100000016d0000018bcfe5687b", -1, -1, Uuid::ZERO),
        (3, "000300000000000010000000000300016d0000018bcfe5687b", 3, -1, Uuid::ZERO),
        (
            4,
            "0004000000000000100000000003026d0000018bcfe5687b010010001122334455667788\
             99aabbccddeeff",
            3,
            -1,
            TOPIC_ID,
        ),
    ] {
        let value =
            OffsetCommitValue { leader_epoch, expire_timestamp, topic_id, ..offset_value("m") };
        let golden = bytes(hex);
        assert_eq!(decode_value(&golden), Ok(value), "version {version}");
        let cut = decode_value::<OffsetCommitValue<'_>>(&golden[..golden.len() - 1]);
        assert!(cut.is_err(), "version {version}, cut");
    }
    assert!(decode_value::<OffsetCommitValue<'_>>(&[0, 5]).is_err());
}

/// Printed by `GroupCoordinatorRecordSerde` for a group of a static and a dynamic member.
const GROUPS: [&str; 5] = [
    "00000008636f6e73756d657200000005000572616e67650008636c69656e742d31000000020008636c69656e742d3\
     10006636c69656e74000a2f3132372e302e302e310000afc8000000030001020000000209080008636c69656e742d\
     320006636c69656e74000a2f3132372e302e302e310000afc80000000300010200000000",
    "00010008636f6e73756d657200000005000572616e67650008636c69656e742d31000000020008636c69656e742d3\
     10006636c69656e74000a2f3132372e302e302e310000ea600000afc8000000030001020000000209080008636c69\
     656e742d320006636c69656e74000a2f3132372e302e302e310000ea600000afc80000000300010200000000",
    "00020008636f6e73756d657200000005000572616e67650008636c69656e742d310000018bcfe5687b00000002000\
     8636c69656e742d310006636c69656e74000a2f3132372e302e302e310000ea600000afc800000003000102000000\
     0209080008636c69656e742d320006636c69656e74000a2f3132372e302e302e310000ea600000afc800000003000\
     10200000000",
    "00030008636f6e73756d657200000005000572616e67650008636c69656e742d310000018bcfe5687b00000002000\
     8636c69656e742d310004696e73740006636c69656e74000a2f3132372e302e302e310000ea600000afc800000003\
     0001020000000209080008636c69656e742d32ffff0006636c69656e74000a2f3132372e302e302e310000ea60000\
     0afc80000000300010200000000",
    "000409636f6e73756d6572000000050672616e676509636c69656e742d310000018bcfe5687b0309636c69656e742\
     d3105696e737407636c69656e740b2f3132372e302e302e310000ea600000afc8040001020309080009636c69656e\
     742d320007636c69656e740b2f3132372e302e302e310000ea600000afc804000102010000",
];

fn group_value(version: usize) -> GroupMetadataValue<'static> {
    let member = |member_id, group_instance_id, assignment| MemberMetadata {
        member_id,
        group_instance_id,
        client_id: "client",
        client_host: "/127.0.0.1",
        rebalance_timeout: if version >= 1 { 60_000 } else { -1 },
        session_timeout: 45_000,
        subscription: &[0, 1, 2],
        assignment,
    };
    let instance = if version >= 3 { Some("inst") } else { None };
    GroupMetadataValue {
        protocol_type: "consumer",
        generation: 5,
        protocol: Some("range"),
        leader: Some("client-1"),
        current_state_timestamp: if version >= 2 { 1_700_000_000_123 } else { -1 },
        members: vec![member("client-1", instance, &[9, 8]), member("client-2", None, &[])].into(),
    }
}

fn encode(value: &GroupMetadataValue<'_>) -> Vec<u8> {
    [&[0, 3][..], &value.to_vec(3).expect("fits")].concat()
}

#[test]
fn all_versions_of_group_values_are_read() {
    for (version, hex) in GROUPS.iter().enumerate() {
        let golden = bytes(hex);
        assert_eq!(decode_value(&golden), Ok(group_value(version)), "version {version}");
        for len in 0..golden.len() {
            let cut = decode_value::<GroupMetadataValue<'_>>(&golden[..len]);
            assert!(cut.is_err(), "version {version} cut to {len}");
        }
    }
    assert_eq!(decode_key(&bytes(GROUP_KEY)), Ok(Key::Group(GroupMetadataKey { group: "grp" })));
    assert_eq!(records::group_tombstone("grp"), (bytes(GROUP_KEY), None));
}

/// What Kafka wrote, loaded and written again, is what Kafka wrote.
#[test]
fn group_records_are_kafkas_bytes() {
    let empty = "0003000000000000ffffffff0000018bcfe5687b00000000";
    for hex in [GROUPS[3], empty] {
        let mut coordinator = Coordinator::new(config());
        let loaded = coordinator.load(0, &bytes(GROUP_KEY), Some(&bytes(hex)));
        assert_eq!(loaded, Ok(Loaded::Group));
        let group = &coordinator.groups["grp"];
        let record = records::group_record(group, |member| member.assignment.clone());
        assert_eq!(record, (bytes(GROUP_KEY), Some(bytes(hex))));
    }
    let group = crate::groups::group::Group::new("grp".into(), 1_700_000_000_123);
    assert_eq!(records::new_group_record(&group), (bytes(GROUP_KEY), Some(bytes(empty))));
}

#[test]
fn kafkas_group_goes_on_here() {
    let mut coordinator = Coordinator::new(config());
    let value = bytes(GROUPS[3]);
    assert_eq!(coordinator.load(0, &bytes(GROUP_KEY), Some(&value)), Ok(Loaded::Group));
    // A KIP-848 member record of another group.
    assert_eq!(
        coordinator.load(0, &[0, 5, 0, 1, b'g', 0, 1, b'm'], Some(&[0, 0])),
        Ok(Loaded::Skipped)
    );
    assert!(coordinator.load(0, &[0xFF, 0xFF], None).is_err());
    assert!(coordinator.load(0, &[], None).is_err());
    let mut out = Vec::new();
    coordinator.loaded(1_000, &mut out);
    coordinator.check();
    let group = coordinator.describe("grp").expect("loaded");
    assert_eq!((group.state, group.members.len()), (GroupState::Stable, 2));
    assert_eq!(
        (&group.members[0].assignment[..], &group.members[0].metadata[..]),
        (&[9, 8][..], &[0, 1, 2][..])
    );
    let request = crate::groups::HeartbeatRequest {
        group_id: "grp",
        generation: 5,
        member_id: "client-1",
        instance_id: Some("inst"),
    };
    assert_eq!(coordinator.heartbeat(40_000, &request), Ok(()));
    // Sessions began with loading; client-2 stays silent.
    coordinator.tick(46_000, &mut out);
    coordinator.check();
    assert_eq!(coordinator.state("grp"), GroupState::PreparingRebalance);
}

#[test]
fn impossible_groups_are_refused() {
    let mut coordinator = Coordinator::new(config());
    let mut load = |value: &GroupMetadataValue<'_>| {
        coordinator.load(0, &bytes(GROUP_KEY), Some(&encode(value))).is_ok()
    };
    let good = group_value(3);
    assert!(load(&good));
    let member = good.members.iter().next().expect("two");
    let with = |other: MemberMetadata<'static>| GroupMetadataValue {
        members: vec![member.clone(), other].into(),
        ..good.clone()
    };
    assert!(!load(&with(member.clone())), "a member twice");
    assert!(!load(&with(MemberMetadata { member_id: "x", ..member.clone() })), "one instance");
    assert!(!load(&GroupMetadataValue { protocol: None, ..good.clone() }), "no protocol");
    assert!(load(&GroupMetadataValue {
        leader: Some("gone"),
        generation: i32::MAX,
        ..good.clone()
    }));
    let mut out = Vec::new();
    coordinator.loaded(0, &mut out);
    coordinator.check();
    coordinator.tick(500_000, &mut out);
    coordinator.check();
    assert_eq!(coordinator.state("grp"), GroupState::Empty);
}

#[test]
fn a_group_survives_the_death_of_the_broker() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    sim.commit(committer(&ids[0], 1, 77));
    sim.hold_appends = true;
    sim.commit(committer(&ids[0], 1, 78));
    let before = sim.coordinator.describe(GROUP);
    sim.restart();
    sim.hold_appends = false;
    assert_eq!(sim.coordinator.describe(GROUP), before);
    assert_eq!(sim.committed(), 77, "what was not durable was not acknowledged");
    assert_eq!(sim.heartbeat(&ids[1], 1), Ok(()));
    let token = sim.commit(committer(&ids[1], 1, 79));
    assert_eq!(sim.commit_error(token), None);
    let leader = sim.join(joiner(&ids[0]));
    let follower = sim.join(joiner(&ids[1]));
    assert_eq!((sim.joined(leader).generation, sim.joined(follower).generation), (2, 2));
    assert_eq!(sim.joined(leader).members.len(), 2, "the leader is still the leader");
    sim.sync_all(&ids, 2);
    sim.leave(&[(&ids[0], None), (&ids[1], None)]);
    sim.restart();
    assert_eq!((sim.state(), sim.committed()), (GroupState::Empty, 79));
    let id = sim.member_id();
    let token = sim.join(joiner(&id));
    sim.advance(6_000);
    assert_eq!(sim.joined(token).generation, 4, "generations go on");
}

#[test]
fn a_static_member_survives_the_death_of_the_broker() {
    let mut sim = Sim::new();
    let token = sim.join(static_joiner("a"));
    sim.advance(3_000);
    let id = sim.joined(token).member_id.clone();
    sim.sync_all(std::slice::from_ref(&id), 1);
    let token = sim.join(static_joiner("a"));
    let new_id = sim.joined(token).member_id.clone();
    sim.restart();
    assert_eq!(sim.heartbeat(&id, 1), Err(GroupError::UnknownMemberId));
    assert_eq!(sim.heartbeat(&new_id, 1), Ok(()));
}

#[test]
fn a_loaded_group_above_a_lowered_limit_rebalances() {
    let mut sim = Sim::new();
    let ids = sim.stable(3);
    sim.coordinator.config = GroupConfig { group_size_max: 2, ..config() };
    sim.restart();
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    let tokens: Vec<u64> = ids.iter().map(|id| sim.join(joiner(id))).collect();
    assert_eq!(sim.joined(tokens[2]).error, Some(GroupError::GroupMaxSizeReached));
    sim.advance(60_000);
    assert_eq!((sim.joined(tokens[0]).error, sim.joined(tokens[1]).error), (None, None));
}
