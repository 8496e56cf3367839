//! Commit, fetch, delete, expiry.

use super::{GROUP, Sim, committer, config, fetcher, joiner, syncer};
use crate::groups::{
    AppendFailure, CommitRequest, FetchRequest, GroupConfig, GroupError, GroupState, Reply,
};
use engine_base::Uuid;

const ID: Uuid = Uuid::from_bytes(*b"0123456789abcdef");
const OTHER_ID: Uuid = Uuid::from_bytes(*b"fedcba9876543210");

#[test]
fn commits_are_fenced_by_generation_and_member() {
    use GroupError::{
        FencedInstanceId, GroupIdNotFound, IllegalGeneration, RebalanceInProgress, UnknownMemberId,
    };
    let mut sim = Sim::new();
    for (generation, reports, error) in [(0, true, GroupIdNotFound), (0, false, IllegalGeneration)]
    {
        let request =
            CommitRequest { reports_missing_group: reports, ..committer("m", generation, 1) };
        let token = sim.commit(request);
        assert_eq!(sim.commit_error(token), Some(error));
        assert_eq!(sim.state(), GroupState::Dead);
    }
    let ids = sim.stable(1);
    let id = ids[0].as_str();
    for (name, member, generation, instance, error) in [
        ("member", id, 1, None, None),
        ("old generation", id, 0, None, Some(IllegalGeneration)),
        ("no generation", id, -1, None, Some(IllegalGeneration)),
        ("stranger", "nobody", 1, None, Some(UnknownMemberId)),
        ("stranger before generation", "nobody", 7, None, Some(UnknownMemberId)),
        ("by hand into an active group", "", -1, None, Some(UnknownMemberId)),
        ("unknown instance", id, 1, Some("i"), Some(UnknownMemberId)),
    ] {
        let request = CommitRequest {
            instance_id: instance.map(str::to_owned),
            ..committer(member, generation, 5)
        };
        let token = sim.commit(request);
        assert_eq!(sim.commit_error(token), error, "{name}");
    }
    let rejoin = sim.join(joiner(id));
    assert_eq!(sim.joined(rejoin).generation, 2);
    let token = sim.commit(committer(id, 2, 6));
    assert_eq!(sim.commit_error(token), Some(RebalanceInProgress), "before the assignment");
    sim.sync_all(&ids, 2);
    let other = sim.member_id();
    sim.join(joiner(&other));
    let token = sim.commit(committer(id, 2, 7));
    assert_eq!(sim.commit_error(token), None, "while the next rebalance gathers");
    let instance = sim.join(super::static_joiner("i"));
    let request = CommitRequest { instance_id: Some("i".into()), ..committer(id, 2, 8) };
    let token = sim.commit(request);
    assert_eq!(sim.commit_error(token), Some(FencedInstanceId));
    assert!(sim.open.contains(&instance));
    assert_eq!(sim.committed(), 7);
}

#[test]
fn a_commit_keeps_the_session_alive() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    for _ in 0..5 {
        sim.advance(9_000);
        sim.commit(committer(&ids[0], 1, 1));
    }
    assert_eq!(sim.state(), GroupState::Stable);
}

#[test]
fn offsets_committed_by_hand_make_a_simple_group() {
    let mut sim = Sim::new();
    sim.hold_appends = true;
    let token = sim.commit(committer("", -1, 42));
    assert!(sim.open.contains(&token));
    assert_eq!(sim.committed(), -1, "visible once durable");
    let stable = sim.fetch(fetcher(true));
    assert!(sim.open.contains(&stable), "a stable fetch waits");
    sim.settle();
    assert_eq!(sim.commit_error(token), None);
    assert_eq!((sim.committed(), sim.fetched(stable)), (42, 42));
    assert_eq!(sim.state(), GroupState::Empty);
    let Reply::Fetch(reply) = sim.reply(stable) else { panic!("not a fetch") };
    let partition = &reply.topics[0].partitions[0];
    assert_eq!((partition.leader_epoch, partition.metadata.as_str()), (4, "note"));
    let all = sim.fetch(FetchRequest { topics: None, ..fetcher(false) });
    let Reply::Fetch(reply) = sim.reply(all) else { panic!("not a fetch") };
    assert_eq!((reply.topics.len(), reply.topics[0].name.as_str()), (1, "topic"));
    let none = sim.fetch(FetchRequest { group_id: "x".into(), topics: None, require_stable: true });
    let Reply::Fetch(reply) = sim.reply(none) else { panic!("not a fetch") };
    assert!(reply.error.is_none() && reply.topics.is_empty());
}

#[test]
fn a_failed_commit_changes_nothing() {
    let mut sim = Sim::new();
    sim.commit(committer("", -1, 1));
    sim.hold_appends = true;
    let lost = sim.commit(committer("", -1, 2));
    let stable = sim.fetch(fetcher(true));
    sim.end_append(0, Err(AppendFailure::TooLarge));
    assert_eq!(sim.commit_error(lost), Some(GroupError::UnknownServerError));
    assert_eq!((sim.committed(), sim.fetched(stable)), (1, 1));
    let mut sim = Sim::new();
    sim.hold_appends = true;
    sim.commit(committer("", -1, 2));
    sim.end_append(0, Err(AppendFailure::Unavailable));
    assert_eq!(sim.state(), GroupState::Dead, "the simple group goes with its only commit");
}

#[test]
fn appends_that_end_out_of_order_keep_the_order_of_the_log() {
    let mut sim = Sim::new();
    sim.hold_appends = true;
    sim.commit(committer("", -1, 1));
    sim.commit(committer("", -1, 2));
    let stable = sim.fetch(fetcher(true));
    sim.end_append(1, Ok(()));
    assert!(sim.open.contains(&stable), "an earlier commit is still in flight");
    sim.end_append(0, Ok(()));
    assert_eq!((sim.committed(), sim.fetched(stable)), (2, 2));
    sim.commit(committer("", -1, 1));
    sim.settle();
    assert_eq!(sim.committed(), 1, "a client may rewind");
}

#[test]
fn long_metadata_is_refused_per_partition() {
    let mut sim = Sim::with(GroupConfig { offset_metadata_max: 4, ..config() });
    for (text, error) in [
        ("abcd", None),
        ("\u{e4}\u{f6}\u{fc}\u{df}", None),
        ("abcde", Some(GroupError::OffsetMetadataTooLarge)),
        ("\u{1f600}\u{1f600}", None),
        ("\u{1f600}\u{1f600}x", Some(GroupError::OffsetMetadataTooLarge)),
    ] {
        let mut request = committer("", -1, 1);
        request.topics[0].partitions[0].metadata = Some(text.into());
        let token = sim.commit(request);
        assert_eq!(sim.commit_error(token), error, "{text}");
    }
    let mut sim = Sim::with(GroupConfig { offset_metadata_max: 1_000_000, ..config() });
    let mut request = committer("", -1, 1);
    request.topics[0].partitions[0].metadata = Some("x".repeat(0x8000));
    let token = sim.commit(request);
    assert_eq!(sim.commit_error(token), Some(GroupError::OffsetMetadataTooLarge));
    assert_eq!(sim.state(), GroupState::Dead, "no offset, no group");
}

#[test]
fn offsets_of_another_topic_with_the_name_are_not_shown() {
    let mut sim = Sim::new();
    let mut request = committer("", -1, 9);
    request.topics[0].topic_id = ID;
    sim.commit(request);
    for (asked, seen) in [(ID, 9), (Uuid::ZERO, 9), (OTHER_ID, -1)] {
        let mut fetch = fetcher(false);
        fetch.topics.as_mut().expect("named")[0].topic_id = asked;
        let token = sim.fetch(fetch);
        assert_eq!(sim.fetched(token), seen);
    }
    let deleted = |sim: &mut Sim, id| {
        sim.run(|coordinator, now_ms, _, out| {
            coordinator.topics_deleted(now_ms, &[("topic".into(), id)], out);
        });
        sim.committed()
    };
    assert_eq!(deleted(&mut sim, OTHER_ID), 9);
    assert_eq!(deleted(&mut sim, ID), -1);
}

#[test]
fn groups_are_deleted_only_when_empty() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    sim.commit(committer(&ids[0], 1, 5));
    let result = |sim: &Sim, token| match sim.reply(token) {
        Reply::Delete(groups) => groups.iter().map(|group| group.error).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let token = sim.delete(&[GROUP, "x"]);
    let missing = Some(GroupError::GroupIdNotFound);
    assert_eq!(result(&sim, token), [Some(GroupError::NonEmptyGroup), missing]);
    sim.leave(&[(&ids[0], None)]);
    sim.hold_appends = true;
    // A commit that is still in flight must be covered by the tombstones.
    let mut late = committer("", -1, 6);
    late.topics[0].name = "late".into();
    sim.commit(late);
    let token = sim.delete(&[GROUP]);
    assert!(sim.open.contains(&token));
    assert_eq!(sim.state(), GroupState::Dead, "gone for new requests");
    let records = &sim.held[1].1;
    assert_eq!((records.len(), records.iter().all(|(_, value)| value.is_none())), (3, true));
    sim.settle();
    assert_eq!(result(&sim, token), [None]);
    assert!(sim.coordinator.offsets.group(GROUP).is_none());
    sim.restart();
    assert_eq!(sim.state(), GroupState::Dead);
}

#[test]
fn a_failed_deletion_brings_the_group_back() {
    let mut sim = Sim::new();
    sim.commit(committer("", -1, 5));
    sim.hold_appends = true;
    let token = sim.delete(&[GROUP]);
    sim.end_append(0, Err(AppendFailure::Fenced));
    let Reply::Delete(groups) = sim.reply(token) else { panic!("not a delete") };
    assert_eq!(groups[0].error, Some(GroupError::NotCoordinator));
    assert_eq!(sim.committed(), 5);
}

#[test]
fn single_offsets_are_deleted_unless_subscribed() {
    let mut sim = Sim::new();
    let result = |sim: &Sim, token| match sim.reply(token) {
        Reply::DeleteOffsets(reply) => {
            (reply.error, reply.topics.first().and_then(|topic| topic.partitions[0].error))
        }
        other => panic!("{other:?}"),
    };
    let token = sim.delete_offsets("topic");
    assert_eq!(result(&sim, token), (Some(GroupError::GroupIdNotFound), None));
    let ids = sim.stable(1);
    let mut other = committer(&ids[0], 1, 5);
    other.topics[0].name = "other".into();
    sim.commit(other);
    sim.commit(committer(&ids[0], 1, 5));
    let token = sim.delete_offsets("topic");
    assert_eq!(result(&sim, token), (None, Some(GroupError::GroupSubscribedToTopic)));
    let appended = sim.log.len();
    let token = sim.delete_offsets("other");
    assert_eq!(result(&sim, token), (None, None));
    assert_eq!(sim.log.len(), appended + 1, "only what exists gets a tombstone");
    assert!(sim.coordinator.offsets.get(GROUP, "other", 0).is_none());
    assert_eq!(sim.committed(), 5);
    // A group that is not of consumers keeps its offsets while it is active.
    let mut sim = Sim::new();
    let mut request = joiner("");
    request.protocol_type = "connect".into();
    request.require_known_member_id = false;
    sim.join(request);
    let token = sim.delete_offsets("topic");
    assert_eq!(result(&sim, token), (Some(GroupError::NonEmptyGroup), None));
}

#[test]
fn offsets_expire_by_kafkas_rules() {
    let day_ms = 24 * 60 * 60_000;
    let retention = GroupConfig { offsets_retention_ms: day_ms, ..config() };
    // By hand: from the commit on.
    let mut sim = Sim::with(retention.clone());
    sim.commit(committer("", -1, 5));
    sim.advance(day_ms - 600_000);
    assert_eq!(sim.committed(), 5);
    sim.advance(1_200_000);
    assert_eq!((sim.committed(), sim.state()), (-1, GroupState::Dead));
    let (_, value) = sim.log.last().expect("tombstones");
    assert!(value.is_none(), "the group's tombstone is last");
    // With members: while they subscribe never, after that from the last one's leaving on.
    let mut sim = Sim::with(retention.clone());
    let ids = sim.stable(1);
    sim.commit(committer(&ids[0], 1, 5));
    let mut unsubscribed = committer(&ids[0], 1, 6);
    unsubscribed.topics[0].name = "other".into();
    sim.commit(unsubscribed);
    for _ in 0..(day_ms / 5_000 + 200) {
        sim.advance(5_000);
        assert_eq!(sim.heartbeat(&ids[0], 1), Ok(()));
    }
    assert_eq!(sim.committed(), 5);
    assert!(sim.coordinator.offsets.get(GROUP, "other", 0).is_none());
    sim.leave(&[(&ids[0], None)]);
    sim.advance(day_ms - 600_000);
    assert_eq!(sim.committed(), 5);
    sim.advance(1_200_000);
    assert_eq!((sim.committed(), sim.state()), (-1, GroupState::Dead));
    // A retention of the client's own.
    let mut sim = Sim::with(retention);
    sim.commit(CommitRequest { retention_ms: Some(1_000), ..committer("", -1, 5) });
    sim.advance(600_000);
    assert_eq!(sim.committed(), -1);
}

#[test]
fn an_empty_group_without_offsets_is_swept() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    sim.leave(&[(&ids[0], None)]);
    assert_eq!(sim.state(), GroupState::Empty);
    sim.advance(600_000);
    assert_eq!(sim.state(), GroupState::Dead);
    assert_eq!(sim.coordinator.group_count(), 0);
    assert_eq!(sim.appends_in_flight(), 0);
    let sync = sim.sync(syncer("m", 1, &[]));
    assert_eq!(sim.synced(sync).error, Some(GroupError::UnknownMemberId));
}

#[test]
fn a_large_sweep_is_cut_into_appends() {
    let mut sim = Sim::new();
    let mut request = CommitRequest { retention_ms: Some(1), ..committer("", -1, 5) };
    let partition = request.topics[0].partitions[0].clone();
    let numbered = |index| crate::groups::CommitPartition { index, ..partition.clone() };
    request.topics[0].partitions = (0..1_200).map(numbered).collect();
    sim.commit(request);
    sim.hold_appends = true;
    sim.advance(600_000);
    let sizes: Vec<usize> = sim.held.iter().map(|(_, records)| records.len()).collect();
    assert_eq!(sizes, [512, 512, 176, 1]);
    sim.settle();
    assert_eq!((sim.committed(), sim.state()), (-1, GroupState::Dead));
}

#[test]
fn a_sweep_that_fails_half_way_loses_sight_of_nothing() {
    for fails in [0, 1] {
        let mut sim = Sim::new();
        sim.commit(CommitRequest { retention_ms: Some(1), ..committer("", -1, 5) });
        sim.hold_appends = true;
        sim.advance(600_000);
        assert_eq!(sim.held.len(), 2);
        for index in 0..2 {
            let outcome = if index == fails { Err(AppendFailure::Unavailable) } else { Ok(()) };
            sim.end_append(0, outcome);
        }
        assert_eq!(sim.committed(), if fails == 0 { 5 } else { -1 });
        assert_eq!(sim.state(), GroupState::Empty);
        sim.hold_appends = false;
        sim.advance(600_000);
        assert_eq!((sim.committed(), sim.state()), (-1, GroupState::Dead));
    }
}
