//! What time does: sessions, the initial wait, the join and sync phases, pending members.

use super::{Sim, joiner, syncer};
use crate::groups::{GroupError, GroupState, JoinRequest};

#[test]
fn a_silent_member_is_dropped() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    for _ in 0..5 {
        sim.advance(6_000);
        assert_eq!(
            sim.heartbeat(&ids[0], 1),
            if sim.state() == GroupState::Stable {
                Ok(())
            } else {
                Err(GroupError::RebalanceInProgress)
            }
        );
    }
    assert_eq!(sim.state(), GroupState::PreparingRebalance);
    assert_eq!(sim.heartbeat(&ids[1], 1), Err(GroupError::UnknownMemberId));
    let token = sim.join(joiner(&ids[0]));
    assert_eq!((sim.joined(token).generation, sim.joined(token).members.len()), (2, 1));
}

#[test]
fn a_session_ends_to_the_millisecond() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    sim.advance(4_000);
    assert_eq!(sim.heartbeat(&ids[0], 1), Ok(()));
    sim.advance(9_999);
    assert_eq!(sim.state(), GroupState::Stable);
    sim.advance(1);
    assert_eq!(sim.state(), GroupState::Empty);
}

/// With `group.initial.rebalance.delay.ms` 3000: each wait in which a member came is followed by
/// another, until the rebalance timeout is used up.
#[test]
fn the_initial_wait_is_prolonged_while_members_come() {
    let mut sim = Sim::new();
    let start_ms = sim.now_ms;
    let ids: Vec<String> = (0..20).map(|_| sim.member_id()).collect();
    let mut tokens = Vec::new();
    for id in &ids {
        let request = JoinRequest { rebalance_timeout_ms: 10_000, ..joiner(id) };
        tokens.push(sim.join(request));
        sim.advance(500);
        if sim.state() != GroupState::PreparingRebalance {
            break;
        }
    }
    while sim.state() == GroupState::PreparingRebalance {
        sim.advance(1);
    }
    assert_eq!(sim.now_ms - start_ms, 10_000);
    let mut sim = Sim::new();
    let id = sim.member_id();
    let alone = sim.join(joiner(&id));
    sim.advance(3_000);
    assert_eq!(sim.joined(alone).error, None, "alone it waits once");
}

#[test]
fn a_zero_initial_wait_is_over_with_the_next_tick() {
    let mut sim =
        Sim::with(crate::groups::GroupConfig { initial_rebalance_delay_ms: 0, ..super::config() });
    let id = sim.member_id();
    let token = sim.join(joiner(&id));
    assert_eq!(sim.coordinator.next_deadline_ms(), Some(sim.now_ms));
    sim.advance(0);
    assert_eq!(sim.joined(token).error, None);
}

#[test]
fn members_that_miss_the_rebalance_are_dropped() {
    let mut sim = Sim::new();
    let ids = sim.stable(3);
    let token = sim.join(joiner(&ids[0]));
    // The others show life but do not join.
    for _ in 0..9 {
        sim.advance(6_000);
        assert_eq!(sim.heartbeat(&ids[1], 1), Err(GroupError::RebalanceInProgress));
        assert_eq!(sim.heartbeat(&ids[2], 1), Err(GroupError::RebalanceInProgress));
        assert!(sim.open.contains(&token));
    }
    sim.advance(6_000);
    assert_eq!(sim.joined(token).members.len(), 1);
    assert_eq!(sim.heartbeat(&ids[1], 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_misses_the_rebalance_is_succeeded() {
    let mut sim = Sim::new();
    let ids = sim.stable(2);
    let mut changed = joiner(&ids[1]);
    changed.protocols[0].metadata = "new".into();
    let token = sim.join(changed);
    sim.advance(60_000);
    assert_eq!(sim.joined(token).leader, ids[1]);
}

#[test]
fn a_pending_member_holds_the_group_up_only_for_a_session() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    sim.member_id();
    assert_eq!(sim.state(), GroupState::Stable, "an id alone changes nothing");
    let token = sim.join(joiner(&ids[0]));
    assert!(sim.open.contains(&token), "the pending member may still come");
    sim.advance(9_999);
    assert!(sim.open.contains(&token));
    sim.advance(1);
    assert_eq!((sim.joined(token).error, sim.joined(token).generation), (None, 2));
}

#[test]
fn a_parked_join_of_a_new_member_is_given_up_after_five_minutes() {
    let mut sim = Sim::new();
    let ids = sim.stable(1);
    let new = sim.member_id();
    let slow = JoinRequest { rebalance_timeout_ms: 1_000_000, ..joiner(&new) };
    let token = sim.join(slow);
    for _ in 0..59 {
        sim.advance(5_000);
        assert_eq!(sim.heartbeat(&ids[0], 1), Err(GroupError::RebalanceInProgress));
    }
    assert!(sim.open.contains(&token));
    sim.advance(5_000);
    assert_eq!(sim.joined(token).error, Some(GroupError::UnknownMemberId));
}

#[test]
fn a_member_that_does_not_sync_is_dropped() {
    let mut sim = Sim::new();
    let (a, b) = (sim.member_id(), sim.member_id());
    let tokens = [sim.join(joiner(&a)), sim.join(joiner(&b))];
    sim.advance(6_000);
    let leader = sim.joined(tokens[0]).leader.clone();
    let follower = if leader == a { b } else { a };
    let parked = sim.sync(syncer(&follower, 1, &[]));
    for _ in 0..11 {
        sim.advance(5_000);
        assert_eq!(sim.heartbeat(&leader, 1), Ok(()), "alive, but without an assignment");
        assert!(sim.open.contains(&parked));
    }
    sim.advance(5_000);
    assert_eq!(sim.synced(parked).error, Some(GroupError::RebalanceInProgress));
    assert_eq!(sim.heartbeat(&leader, 1), Err(GroupError::UnknownMemberId));
    let token = sim.join(joiner(&follower));
    assert_eq!((sim.joined(token).leader.as_str(), sim.joined(token).generation), (&*follower, 2));
}

#[test]
fn a_parked_sync_keeps_the_session_alive() {
    let mut sim = Sim::new();
    let (a, b) = (sim.member_id(), sim.member_id());
    let tokens = [sim.join(joiner(&a)), sim.join(joiner(&b))];
    sim.advance(6_000);
    let leader = sim.joined(tokens[0]).leader.clone();
    let follower = if leader == a { b } else { a };
    let parked = sim.sync(syncer(&follower, 1, &[]));
    for _ in 0..4 {
        sim.advance(9_000);
        assert_eq!(sim.heartbeat(&leader, 1), Ok(()));
    }
    sim.sync(syncer(&leader, 1, &[]));
    assert_eq!(sim.synced(parked).error, None);
    sim.advance(9_999);
    assert_eq!(sim.heartbeat(&follower, 1), Ok(()), "a session begins with the answer");
}

#[test]
fn a_rebalance_timeout_of_zero_does_not_spin() {
    let mut sim = Sim::new();
    let mut request = super::static_joiner("i");
    request.rebalance_timeout_ms = 0;
    let token = sim.join(request);
    sim.advance(3_000);
    // The sync phase of length zero is over at once: the member is dropped, as in Kafka.
    assert_eq!(sim.joined(token).error, None);
    sim.advance(10_000);
    assert_eq!(sim.state(), GroupState::Empty);
}
