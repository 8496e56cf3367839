//! Join, sync, heartbeat, leave: the ways of dynamic members, and the order of errors.

use super::{GROUP, Sim, config, joiner, protocols, syncer};
use crate::groups::{
    AppendFailure, GroupConfig, GroupError, GroupState, JoinRequest, ListFilter, Reply,
};

#[test]
fn two_members_form_a_group() {
    let mut sim = Sim::new();
    let a = sim.member_id();
    assert!(a.starts_with("client-") && a.len() == "client-".len() + 36, "{a}");
    let b = sim.member_id();
    let (join_a, join_b) = (sim.join(joiner(&a)), sim.join(joiner(&b)));
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    sim.advance(2_999);
    assert_eq!(sim.open.len(), 2, "the initial wait is not over");
    sim.advance(3_001);
    assert_eq!(sim.state(), GroupState::CompletingRebalance);
    let leader = sim.joined(join_a).leader.clone();
    assert!(leader == a || leader == b);
    for (id, token) in [(&a, join_a), (&b, join_b)] {
        let reply = sim.joined(token);
        assert_eq!((reply.error, reply.generation), (None, 1));
        assert_eq!(reply.protocol_name.as_deref(), Some("range"));
        assert_eq!(reply.members.len(), if *id == leader { 2 } else { 0 });
    }
    let follower = if leader == a { &b } else { &a };
    assert_eq!(sim.heartbeat(follower, 1), Ok(()));
    let early = sim.sync(syncer(follower, 1, &[]));
    sim.hold_appends = true;
    let last = sim.sync(syncer(&leader, 1, &[(follower, "yours")]));
    assert_eq!(sim.open.len(), 2, "answers wait for the record");
    assert_eq!(sim.state(), GroupState::CompletingRebalance);
    sim.settle();
    assert_eq!(&sim.synced(early).assignment[..], b"yours");
    assert_eq!(&sim.synced(last).assignment[..], b"");
    assert_eq!(sim.state(), GroupState::Stable);
    assert_eq!(sim.heartbeat(follower, 1), Ok(()));
    assert_eq!(sim.heartbeat(follower, 2), Err(GroupError::IllegalGeneration));
    assert_eq!(sim.heartbeat("nobody", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn joins_are_refused_in_kafkas_order() {
    let limits = GroupConfig { group_size_max: 1, ..config() };
    let with = |change: fn(&mut JoinRequest)| {
        let mut request = joiner("");
        change(&mut request);
        request
    };
    let elsewhere =
        |change: fn(&mut JoinRequest)| JoinRequest { group_id: "x".into(), ..with(change) };
    #[rustfmt::skip]
    let cases: Vec<(&str, JoinRequest, GroupError)> = vec![
        ("group id before timeout", with(|r| { r.group_id.clear(); r.session_timeout_ms = 1; }),
            GroupError::InvalidGroupId),
        ("session too short", with(|r| r.session_timeout_ms = 5_999),
            GroupError::InvalidSessionTimeout),
        ("session too long", with(|r| r.session_timeout_ms = 1_800_001),
            GroupError::InvalidSessionTimeout),
        ("unknown group with an id", elsewhere(|r| r.member_id = "m".into()),
            GroupError::UnknownMemberId),
        ("size before protocol", with(|r| r.protocol_type = "connect".into()),
            GroupError::GroupMaxSizeReached),
        ("no protocols in a new group", elsewhere(|r| r.protocols.clear()),
            GroupError::InconsistentGroupProtocol),
        ("no protocol type in a new group", elsewhere(|r| r.protocol_type.clear()),
            GroupError::InconsistentGroupProtocol),
    ];
    for (name, request, error) in cases {
        let mut sim = Sim::with(limits.clone());
        sim.stable(1);
        let token = sim.join(request);
        assert_eq!(sim.joined(token).error, Some(error), "{name}");
    }
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    for (name, id, change) in [
        ("other type", "", "connect"),
        ("other type of a member", ids[0].as_str(), "connect"),
        ("protocol before member id", "nobody", "connect"),
    ] {
        let token = sim.join(JoinRequest { protocol_type: change.into(), ..joiner(id) });
        assert_eq!(sim.joined(token).error, Some(GroupError::InconsistentGroupProtocol), "{name}");
    }
    let token = sim.join(JoinRequest { protocols: protocols(&["sticky"]), ..joiner("") });
    assert_eq!(sim.joined(token).error, Some(GroupError::InconsistentGroupProtocol));
    let token = sim.join(joiner("nobody"));
    assert_eq!(sim.joined(token).error, Some(GroupError::UnknownMemberId));
}

#[test]
fn old_clients_are_members_at_once() {
    let mut sim = Sim::new();
    let token = sim.join(JoinRequest { require_known_member_id: false, ..joiner("") });
    sim.advance(60_000);
    let reply = sim.joined(token);
    assert_eq!((reply.error, reply.members.len()), (None, 1));
    assert_eq!(reply.leader, reply.member_id);
}

#[test]
fn the_protocol_is_the_one_most_prefer_of_those_all_speak() {
    for (speak, chosen) in [
        (vec![vec!["a", "b"], vec!["b", "a"], vec!["b", "a"]], "b"),
        (vec![vec!["a", "b"], vec!["b"], vec!["a", "b"]], "b"),
        (vec![vec!["b", "a"], vec!["a", "b"]], "a"),
        (vec![vec!["a", "a", "b"], vec!["b"], vec!["b"]], "b"),
    ] {
        let mut sim = Sim::new();
        let mut tokens = Vec::new();
        for names in &speak {
            let request = JoinRequest { protocols: protocols(names), ..joiner("") };
            tokens.push(sim.join(JoinRequest { require_known_member_id: false, ..request }));
        }
        sim.gather();
        assert_eq!(sim.joined(tokens[0]).protocol_name.as_deref(), Some(chosen), "{speak:?}");
    }
}

#[test]
fn a_group_of_connect_workers_is_like_any_other() {
    let mut sim = Sim::new();
    let request = |id: &str| JoinRequest { protocol_type: "connect".into(), ..joiner(id) };
    let token = sim.join(request(""));
    let id = sim.joined(token).member_id.clone();
    let token = sim.join(request(&id));
    sim.advance(3_000);
    assert_eq!(sim.joined(token).protocol_type.as_deref(), Some("connect"));
    let wrong = sim.sync(syncer(&id, 1, &[]));
    assert_eq!(sim.synced(wrong).error, Some(GroupError::InconsistentGroupProtocol));
    let mut sync = syncer(&id, 1, &[(&id, "x")]);
    sync.protocol_type = Some("connect".into());
    sync.protocol_name = Some("range".into());
    let right = sim.sync(sync);
    assert_eq!(sim.synced(right).error, None);
}

#[test]
fn a_third_member_rebalances_and_members_come_back() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    let third = sim.member_id();
    let new = sim.join(joiner(&third));
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    assert_eq!(sim.heartbeat(&ids[0], 1), Err(GroupError::RebalanceInProgress));
    let token = sim.sync(syncer(&ids[1], 1, &[]));
    assert_eq!(sim.synced(token).error, Some(GroupError::RebalanceInProgress));
    let tokens: Vec<u64> = ids.iter().map(|id| sim.join(joiner(id))).collect();
    assert_eq!(sim.joined(new).generation, 2);
    assert_eq!(sim.joined(tokens[0]).members.len(), 3, "the leader stays");
    let old = sim.sync(syncer(&ids[1], 1, &[]));
    assert_eq!(sim.synced(old).error, Some(GroupError::IllegalGeneration));
    sim.sync_all(&[ids[0].clone(), ids[1].clone(), third], 2);
}

/// Cooperative rebalancing: members give up what they must in one generation, and join again with
/// the rest for a second one. The coordinator only carries bytes.
#[test]
fn a_cooperative_rebalance_takes_two_generations() {
    let mut sim = Sim::new();
    let mut ids = sim.stable(1);
    let second = sim.member_id();
    for generation in [2, 3] {
        let tokens: Vec<u64> = [ids[0].as_str(), &second]
            .into_iter()
            .map(|id| {
                let mut request = joiner(id);
                // What a member owns changes from one generation to the next.
                request.protocols[0].metadata = format!("owned-{generation}-{id}").into();
                sim.join(request)
            })
            .collect();
        let reply = sim.joined(tokens[0]);
        assert_eq!(reply.generation, generation);
        let metadata = |id: &str| reply.members.iter().find(|m| m.member_id == id);
        let expected = format!("owned-{generation}-{second}");
        assert_eq!(metadata(&second).map(|m| &m.metadata[..]), Some(expected.as_bytes()));
        ids = vec![ids[0].clone(), second.clone()];
        sim.sync_all(&ids, generation);
    }
}

#[test]
fn rejoining_in_a_stable_group() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    let token = sim.join(joiner(&ids[1]));
    assert_eq!(sim.joined(token).generation, 1, "a follower with nothing new stays");
    assert_eq!(sim.state(), GroupState::Stable);
    let mut changed = joiner(&ids[1]);
    changed.protocols[0].metadata = "new".into();
    let first = sim.join(changed);
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    let second = sim.join(joiner(&ids[1]));
    assert_eq!(sim.joined(first).error, Some(GroupError::RebalanceInProgress), "given up");
    let leader = sim.join(joiner(&ids[0]));
    assert_eq!((sim.joined(leader).generation, sim.joined(second).generation), (2, 2));
    let again = sim.join(joiner(&ids[0]));
    assert_eq!(sim.joined(again).members.len(), 2, "the answer may have been lost");
    sim.sync_all(&ids, 2);
    let leader = sim.join(joiner(&ids[0]));
    assert_eq!(sim.state(), GroupState::PreparingRebalance, "a leader wants a new assignment");
    assert!(sim.open.contains(&leader));
}

#[test]
fn a_rebalance_begun_during_the_leaders_write_makes_it_void() {
    let mut sim = Sim::new();
    let (a, b) = (sim.member_id(), sim.member_id());
    let tokens = [sim.join(joiner(&a)), sim.join(joiner(&b))];
    sim.gather();
    let leader = sim.joined(tokens[0]).leader.clone();
    sim.hold_appends = true;
    let first = sim.sync(syncer(&leader, 1, &[(&a, "a"), (&b, "b")]));
    let again = sim.sync(syncer(&leader, 1, &[(&a, "other")]));
    assert_eq!(sim.synced(first).error, Some(GroupError::RebalanceInProgress), "given up");
    assert_eq!(sim.held.len(), 1, "one write at a time");
    let mut changed = joiner(&leader);
    changed.protocols[0].metadata = "new".into();
    sim.join(changed);
    assert_eq!(sim.synced(again).error, Some(GroupError::RebalanceInProgress));
    sim.settle();
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_failed_write_of_the_assignment_rebalances() {
    let mut sim = Sim::new();
    let id = sim.member_id();
    sim.join(joiner(&id));
    sim.advance(3_000);
    sim.hold_appends = true;
    let token = sim.sync(syncer(&id, 1, &[(&id, "a")]));
    sim.end_append(0, Err(AppendFailure::Unavailable));
    assert_eq!(sim.synced(token).error, Some(GroupError::CoordinatorNotAvailable));
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    let token = sim.join(joiner(&id));
    assert_eq!(sim.joined(token).generation, 2);
}

#[test]
fn a_group_whose_first_record_fails_is_gone() {
    let mut sim = Sim::new();
    sim.hold_appends = true;
    let id = sim.member_id();
    let token = sim.join(joiner(&id));
    sim.end_append(0, Err(AppendFailure::Fenced));
    assert_eq!(sim.joined(token).error, Some(GroupError::NotCoordinator));
    assert_eq!(sim.state(), GroupState::Dead);
}

#[test]
fn members_leave_together_and_the_group_empties() {
    let mut sim = Sim::new();
    let ids = sim.stable(3);
    let pending = sim.member_id();
    let token = sim.leave(&[(&ids[1], None), ("nobody", None), (&pending, None)]);
    let errors = |sim: &Sim, token| match sim.reply(token) {
        Reply::Leave(reply) => reply.members.iter().map(|m| m.error).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(errors(&sim, token), [None, Some(GroupError::UnknownMemberId), None]);
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    let tokens = [sim.join(joiner(&ids[0])), sim.join(joiner(&ids[2]))];
    assert_eq!(sim.joined(tokens[0]).members.len(), 2);
    let parked = sim.sync(syncer(&ids[2], 2, &[]));
    sim.hold_appends = true;
    let token = sim.leave(&[(&ids[0], None), (&ids[2], None)]);
    assert_eq!(sim.synced(parked).error, Some(GroupError::UnknownMemberId));
    assert!(sim.open.contains(&token), "the answer waits for the record");
    sim.settle();
    assert_eq!(errors(&sim, token), [None, None]);
    assert_eq!(sim.state(), GroupState::Empty);
    let token = sim.leave(&[(&ids[0], None)]);
    assert_eq!(errors(&sim, token), [Some(GroupError::UnknownMemberId)]);
    assert_eq!(sim.heartbeat(&ids[0], 3), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leaving_leader_is_succeeded() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    sim.leave(&[(&ids[0], None)]);
    let token = sim.join(joiner(&ids[1]));
    let reply = sim.joined(token);
    assert_eq!((reply.leader.as_str(), reply.generation), (ids[1].as_str(), 2));
    assert_eq!(reply.members.len(), 1);
}

#[test]
fn a_full_group_takes_no_more() {
    let mut sim = Sim::with(GroupConfig { group_size_max: 2, ..config() });
    let ids: Vec<String> = (0..3).map(|_| sim.member_id()).collect();
    let tokens: Vec<u64> = ids.iter().map(|id| sim.join(joiner(id))).collect();
    assert_eq!(sim.joined(tokens[2]).error, Some(GroupError::GroupMaxSizeReached));
    sim.gather();
    assert_eq!(sim.joined(tokens[0]).error, None);
    let token = sim.join(joiner(""));
    assert_eq!(sim.joined(token).error, Some(GroupError::GroupMaxSizeReached));
    let mut sim = Sim::with(GroupConfig { pending_members_max: 1, ..config() });
    sim.member_id();
    let token = sim.join(joiner(""));
    assert_eq!(sim.joined(token).error, Some(GroupError::GroupMaxSizeReached));
}

#[test]
fn groups_are_described_and_listed() {
    let mut sim = Sim::new();
    assert_eq!(sim.coordinator.describe(GROUP), Err(GroupError::GroupIdNotFound));
    let ids = sim.stable(1);
    let group = sim.coordinator.describe(GROUP).expect("exists");
    assert_eq!((group.state, group.protocol.as_str()), (GroupState::Stable, "range"));
    let member = &group.members[0];
    assert_eq!((member.member_id.as_str(), member.client_host.as_str()), (&*ids[0], "/127.0.0.1"));
    assert_eq!(&member.assignment[..], ids[0].as_bytes());
    assert_eq!(member.metadata, super::subscription(&["topic"]));
    let listed = |states: &[&str], types: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let filter = ListFilter { states: owned(states), types: owned(types) };
        sim.coordinator.list(&filter).expect("loaded").len()
    };
    assert_eq!(listed(&[], &[]), 1);
    assert_eq!(listed(&[" stable "], &["Classic"]), 1);
    assert_eq!(listed(&["Empty"], &[]), 0);
    assert_eq!(listed(&["nonsense"], &[]), 0);
    assert_eq!(listed(&[], &["consumer"]), 0);
    let other = sim.member_id();
    sim.join(joiner(&other));
    let group = sim.coordinator.describe(GROUP).expect("exists");
    assert_eq!((group.state, group.protocol.as_str()), (GroupState::PreparingRebalance, ""));
    assert!(group.members.iter().all(|member| member.metadata.is_empty()));
}

#[test]
fn unloading_answers_all_who_wait() {
    let mut sim = Sim::new();
    let id = sim.member_id();
    let join = sim.join(joiner(&id));
    sim.hold_appends = true;
    let commit =
        sim.commit(super::CommitRequest { group_id: "g2".into(), ..super::committer("", -1, 1) });
    sim.run(|coordinator, _, _, out| coordinator.unload(out));
    assert_eq!(sim.joined(join).error, Some(GroupError::NotCoordinator));
    assert_eq!(sim.commit_error(commit), Some(GroupError::NotCoordinator));
    assert!(sim.open.is_empty());
    sim.settle();
    assert_eq!(sim.coordinator.group_count(), 0, "late ends of appends change nothing");
    let token = sim.join(joiner(""));
    assert_eq!(sim.joined(token).error, Some(GroupError::CoordinatorLoadInProgress));
    assert_eq!(sim.heartbeat("any", 1), Ok(()), "unknown until loaded");
}
