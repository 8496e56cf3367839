//! Static members: replacement, fencing, the rebalance that is not needed.

use super::{GROUP, Sim, joiner, static_joiner, syncer};
use crate::groups::{AppendFailure, GroupError, GroupState, HeartbeatRequest, JoinRequest, Reply};

/// A stable group of static members `a` and `b`: their member ids, the leader first.
fn stable(sim: &mut Sim) -> (Vec<String>, Vec<&'static str>) {
    let mut members: Vec<(u64, &str)> = ["a", "b"].map(|i| (sim.join(static_joiner(i)), i)).into();
    sim.advance(6_000);
    let leader = sim.joined(members[0].0).leader.clone();
    members.sort_by_key(|(token, _)| sim.joined(*token).member_id != leader);
    let ids: Vec<String> =
        members.iter().map(|(token, _)| sim.joined(*token).member_id.clone()).collect();
    for (id, (_, instance)) in ids.iter().zip(&members) {
        assert!(id.starts_with(&format!("{instance}-")), "{id}");
    }
    sim.sync_all(&ids, 1);
    (ids, members.into_iter().map(|(_, instance)| instance).collect())
}

#[test]
fn a_follower_comes_back_without_a_rebalance() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    sim.hold_appends = true;
    let token = sim.join(static_joiner(instances[1]));
    assert!(sim.open.contains(&token), "the new id must be durable first");
    sim.settle();
    let reply = sim.joined(token).clone();
    assert_eq!((reply.error, reply.generation), (None, 1));
    assert_eq!((reply.leader.as_str(), reply.skip_assignment), (ids[0].as_str(), false));
    assert!(reply.members.is_empty());
    assert_ne!(reply.member_id, ids[1]);
    assert_eq!(sim.state(), GroupState::Stable);
    let sync = sim.sync(syncer(&reply.member_id, 1, &[]));
    assert_eq!(&sim.synced(sync).assignment[..], ids[1].as_bytes(), "it keeps the assignment");
    let heartbeat = |sim: &mut Sim, member_id: &str, instance_id| {
        let request = HeartbeatRequest { group_id: GROUP, generation: 1, member_id, instance_id };
        sim.coordinator.heartbeat(sim.now_ms, &request)
    };
    let instance = Some(instances[1]);
    assert_eq!(heartbeat(&mut sim, &reply.member_id, instance), Ok(()));
    assert_eq!(heartbeat(&mut sim, &ids[1], instance), Err(GroupError::FencedInstanceId));
    assert_eq!(heartbeat(&mut sim, &ids[1], None), Err(GroupError::UnknownMemberId));
    assert_eq!(heartbeat(&mut sim, &ids[1], Some("c")), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_comes_back_and_skips_the_assignment() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    let token = sim.join(static_joiner(instances[0]));
    let reply = sim.joined(token);
    assert_eq!((reply.error, reply.generation, reply.skip_assignment), (None, 1, true));
    assert_eq!((&reply.leader, reply.members.len()), (&reply.member_id, 2));
    let old_client = JoinRequest { supports_skip_assignment: false, ..static_joiner(instances[0]) };
    let seen = reply.member_id.clone();
    let token = sim.join(old_client);
    let reply = sim.joined(token);
    assert_eq!(reply.leader, seen, "an old client must not think it leads");
    assert!(!reply.skip_assignment && reply.members.is_empty());
    assert_ne!(reply.member_id, ids[0]);
}

#[test]
fn a_change_of_the_protocol_rebalances() {
    let mut sim = Sim::new();
    let both = |instance| JoinRequest {
        protocols: super::protocols(&["range", "sticky"]),
        ..static_joiner(instance)
    };
    sim.join(both("a"));
    sim.advance(3_000);
    let state = sim.state();
    assert_eq!(state, GroupState::CompletingRebalance);
    let id = sim.coordinator.describe(GROUP).expect("exists").members[0].member_id.clone();
    sim.sync_all(&[id], 1);
    let token =
        sim.join(JoinRequest { protocols: super::protocols(&["sticky"]), ..static_joiner("a") });
    let reply = sim.joined(token);
    assert_eq!((reply.generation, reply.protocol_name.as_deref()), (2, Some("sticky")));
}

#[test]
fn a_failed_replacement_restores_the_old_member() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    sim.hold_appends = true;
    let token = sim.join(static_joiner(instances[1]));
    sim.end_append(0, Err(AppendFailure::Unavailable));
    let reply = sim.joined(token);
    assert_eq!(reply.error, Some(GroupError::CoordinatorNotAvailable));
    assert_eq!(reply.member_id, "");
    assert_eq!(sim.heartbeat(&ids[1], 1), Ok(()));
}

#[test]
fn a_rebalance_that_begins_during_the_replacement_answers_it() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    sim.hold_appends = true;
    let token = sim.join(static_joiner(instances[1]));
    let mut leader = joiner(&ids[0]);
    leader.instance_id = Some(instances[0].into());
    let other = sim.join(leader);
    assert_eq!((sim.joined(token).generation, sim.joined(other).generation), (2, 2));
    sim.settle();
    assert_eq!(sim.state(), GroupState::CompletingRebalance);
}

#[test]
fn a_parked_member_is_fenced_by_its_successor() {
    let mut sim = Sim::new();
    let first = sim.join(static_joiner("a"));
    let second = sim.join(static_joiner("a"));
    assert_eq!(sim.joined(first).error, Some(GroupError::FencedInstanceId));
    let old_id = sim.joined(first).member_id.clone();
    sim.advance(6_000);
    assert_eq!(sim.joined(second).generation, 1);
    let id = sim.joined(second).member_id.clone();
    let fenced = sim.join(JoinRequest { member_id: old_id, ..static_joiner("a") });
    assert_eq!(sim.joined(fenced).error, Some(GroupError::FencedInstanceId));
    // Before the assignment the leader may know the old id: the group rebalances.
    let third = sim.join(static_joiner("a"));
    assert_eq!(sim.joined(third).generation, 2);
    let fenced =
        sim.sync(super::SyncRequest { instance_id: Some("a".into()), ..syncer(&id, 1, &[]) });
    assert_eq!(sim.synced(fenced).error, Some(GroupError::FencedInstanceId));
}

#[test]
fn a_static_member_outlives_a_rebalance_it_misses_but_not_its_session() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    let mut back = joiner(&ids[0]);
    back.instance_id = Some(instances[0].into());
    back.session_timeout_ms = 100_000;
    back.rebalance_timeout_ms = 8_000;
    let token = sim.join(back);
    sim.advance(5_000);
    assert_eq!(sim.heartbeat(&ids[1], 1), Err(GroupError::RebalanceInProgress));
    sim.advance(9_999);
    assert!(sim.open.contains(&token), "its rebalance timeout is 60 s");
    sim.advance(1);
    assert_eq!((sim.joined(token).generation, sim.joined(token).members.len()), (2, 1));
}

#[test]
fn an_administrator_removes_by_instance() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    let token =
        sim.leave(&[("", Some(instances[1])), ("", Some("c")), (&ids[1], Some("c")), ("", None)]);
    let Reply::Leave(reply) = sim.reply(token) else { panic!("not a leave") };
    let errors: Vec<_> = reply.members.iter().map(|member| member.error).collect();
    let unknown = Some(GroupError::UnknownMemberId);
    assert_eq!(errors, [None, unknown, unknown, unknown]);
    let token = sim.leave(&[(&ids[1], Some(instances[0]))]);
    let Reply::Leave(reply) = sim.reply(token) else { panic!("not a leave") };
    assert_eq!(reply.members[0].error, Some(GroupError::FencedInstanceId));
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
}

#[test]
fn nobody_left_but_absent_static_members() {
    let mut sim = Sim::new();
    let (ids, instances) = stable(&mut sim);
    // A dynamic member starts a rebalance and leaves: only the static ones remain, none joined.
    let dynamic = sim.member_id();
    let token = sim.join(joiner(&dynamic));
    sim.leave(&[(&dynamic, None)]);
    assert_eq!(sim.joined(token).error, Some(GroupError::UnknownMemberId));
    for _ in 0..15 {
        sim.advance(9_000);
        for (id, instance) in ids.iter().zip(&instances) {
            let request = HeartbeatRequest {
                group_id: GROUP,
                generation: 1,
                member_id: id,
                instance_id: Some(instance),
            };
            let result = sim.coordinator.heartbeat(sim.now_ms, &request);
            assert_eq!(result, Err(GroupError::RebalanceInProgress));
        }
    }
    sim.advance(10_000);
    assert_eq!(sim.state(), GroupState::Empty, "their sessions end");
}

/// A rebalance that nobody joins starts over after the rebalance timeout; with one of zero that
/// must not keep the shard busy.
#[test]
fn starting_over_without_a_timeout_lets_time_pass() {
    let mut sim = Sim::new();
    let token = sim.join(JoinRequest { session_timeout_ms: 61_000, ..static_joiner("a") });
    sim.gather();
    let id = sim.joined(token).member_id.clone();
    sim.sync_all(std::slice::from_ref(&id), 1);
    let request =
        JoinRequest { session_timeout_ms: 61_000, rebalance_timeout_ms: 0, ..static_joiner("a") };
    sim.join(request);
    assert_eq!(sim.state(), GroupState::Stable);
    let dynamic = sim.member_id();
    sim.join(joiner(&dynamic));
    sim.leave(&[(&dynamic, None)]);
    sim.advance(60_500);
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    sim.advance(500);
    assert_eq!(sim.state(), GroupState::Empty);
}
