//! Random histories: clients of all kinds act at random on a few groups, appends end late, out of
//! turn, or badly, time jumps, the broker dies. The harness checks all invariants at every step;
//! here are those that need a memory: generations never fall, acknowledged offsets never move back
//! unless asked, no request stays unanswered, and a plain model agrees on the offsets.

use super::{Sim, committer, config, fetcher, joiner, static_joiner, syncer};
use crate::groups::{
    AppendFailure, CommitRequest, FetchRequest, GroupConfig, GroupError, JoinRequest, Reply,
    SyncRequest,
};
use std::collections::BTreeMap;

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(len).expect("small"))).expect("small")
    }
}

#[derive(Default)]
struct Client {
    group: usize,
    member_id: String,
    instance: Option<String>,
    generation: i32,
    leader_of: Vec<String>,
    /// The request under way, and the member id it was sent with.
    waits: Option<(u64, String)>,
}

struct World {
    sim: Sim,
    dice: Dice,
    clients: Vec<Client>,
    generations: BTreeMap<String, i32>,
    /// Commits by token: group and offset.
    commits: BTreeMap<u64, (String, i64)>,
    /// The largest acknowledged offset of each group; commits only rise here.
    acknowledged: BTreeMap<String, i64>,
    sent: i64,
    deletions: usize,
}

const GROUPS: usize = 3;

fn name(group: usize) -> String {
    format!("group-{group}")
}

impl World {
    fn new(seed: u64) -> Self {
        let config = GroupConfig { group_size_max: 4, ..config() };
        let mut sim = Sim::with(config);
        sim.hold_appends = true;
        let clients = (0..8)
            .map(|index| Client {
                group: index % GROUPS,
                instance: (index % 3 == 0).then(|| format!("instance-{}", index % 6)),
                generation: -1,
                ..Client::default()
            })
            .collect();
        World {
            sim,
            dice: Dice(seed | 1),
            clients,
            generations: BTreeMap::new(),
            commits: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            sent: 0,
            deletions: 0,
        }
    }

    fn step(&mut self) {
        let client = self.dice.index(self.clients.len());
        match self.dice.roll(24) {
            0..=5 => self.act(client),
            6..=8 => self.heartbeat(client),
            9..=11 => self.commit(client),
            12 => self.leave(client),
            13 => self.clients[client].member_id.clear(),
            14 => self.fetch(client),
            15 => self.delete(client),
            16..=18 => {
                let ms = [1, 500, 3_000, 12_000][self.dice.index(4)];
                self.sim.advance(ms);
            }
            19..=22 => self.end_append(),
            _ => {
                if self.dice.roll(20) == 0 {
                    self.die();
                }
            }
        }
        self.collect();
    }

    /// The client goes on with its protocol: joins, or syncs after a join.
    fn act(&mut self, index: usize) {
        let sticky = self.dice.roll(3) == 0;
        let known = self.dice.roll(4) > 0;
        let client = &mut self.clients[index];
        let waits = client.waits.as_ref().is_some_and(|(token, _)| self.sim.open.contains(token));
        if waits && self.dice.roll(8) > 0 {
            return;
        }
        if !client.leader_of.is_empty() || (client.generation >= 0 && self.dice.roll(2) == 0) {
            let given: Vec<(&str, &str)> =
                client.leader_of.iter().map(|id| (id.as_str(), id.as_str())).collect();
            let request = SyncRequest {
                group_id: name(client.group),
                instance_id: client.instance.clone(),
                ..syncer(&client.member_id, client.generation, &given)
            };
            client.leader_of.clear();
            client.waits = Some((self.sim.sync(request), client.member_id.clone()));
            return;
        }
        let base = match &client.instance {
            Some(instance) => static_joiner(instance),
            None => joiner(""),
        };
        let names: &[&str] = if sticky { &["sticky", "range"] } else { &["range"] };
        let request = JoinRequest {
            group_id: name(client.group),
            member_id: client.member_id.clone(),
            protocols: super::protocols(names),
            require_known_member_id: known,
            ..base
        };
        client.waits = Some((self.sim.join(request), client.member_id.clone()));
    }

    fn heartbeat(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let group = name(client.group);
        let request = crate::groups::HeartbeatRequest {
            group_id: &group,
            generation: client.generation,
            member_id: &client.member_id,
            instance_id: client.instance.as_deref(),
        };
        match self.sim.coordinator.heartbeat(self.sim.now_ms, &request) {
            Ok(()) => {}
            Err(GroupError::RebalanceInProgress) => client.generation = -1,
            Err(_) => {
                client.generation = -1;
                client.member_id.clear();
            }
        }
        self.sim.coordinator.check();
    }

    fn commit(&mut self, index: usize) {
        self.sent += 1;
        let client = &self.clients[index];
        let by_hand = self.dice.roll(4) == 0;
        let member_id = if by_hand { "" } else { client.member_id.as_str() };
        let generation = if by_hand { -1 } else { client.generation };
        let request = CommitRequest {
            group_id: name(client.group),
            instance_id: if by_hand { None } else { client.instance.clone() },
            ..committer(member_id, generation, self.sent)
        };
        let token = self.sim.commit(request);
        self.commits.insert(token, (name(self.clients[index].group), self.sent));
    }

    fn leave(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let group = name(client.group);
        let members = vec![crate::groups::LeavingMember {
            member_id: std::mem::take(&mut client.member_id),
            instance_id: client.instance.clone(),
        }];
        client.generation = -1;
        self.sim.request(|coordinator, now_ms, token, out| {
            coordinator.leave(now_ms, &group, members, token, out);
        });
    }

    fn fetch(&mut self, index: usize) {
        let group_id = name(self.clients[index].group);
        let require_stable = self.dice.roll(2) == 0;
        self.sim.fetch(FetchRequest { group_id, ..fetcher(require_stable) });
    }

    fn delete(&mut self, index: usize) {
        if self.dice.roll(4) == 0 {
            let group = name(self.clients[index].group);
            let appends = self.sim.held.len();
            self.sim.delete(&[&group]);
            if self.sim.held.len() > appends {
                self.deletions += 1;
                self.acknowledged.remove(&group);
                self.generations.remove(&group);
                self.commits.retain(|_, (of, _)| *of != group);
            }
        }
    }

    fn end_append(&mut self) {
        if self.sim.held.is_empty() {
            return;
        }
        // The log keeps the order; only the news of it may come out of turn, and only the last
        // appends may fail, as after a failed write nothing more is written.
        let count = self.sim.held.len();
        match self.dice.roll(12) {
            0 => {
                while !self.sim.held.is_empty() {
                    self.sim.end_append(0, Err(AppendFailure::Fenced));
                }
            }
            1 => {
                let index = self.dice.index(count);
                self.sim.end_append(index, Err(AppendFailure::Unavailable));
            }
            _ => self.sim.end_append(0, Ok(())),
        }
        // A deletion that failed leaves the model without a floor, which is only less strict.
    }

    fn die(&mut self) {
        self.sim.restart();
        self.commits.clear();
        self.clients.iter_mut().for_each(|client| client.waits = None);
        // What is not acknowledged may be gone, with the generations of it.
        self.generations.clear();
    }

    /// Looks at the answers that came.
    fn collect(&mut self) {
        let commits: Vec<u64> = self.commits.keys().copied().collect();
        for token in commits {
            if self.sim.open.contains(&token) {
                continue;
            }
            let (group, offset) = self.commits.remove(&token).expect("listed");
            if self.sim.commit_error(token).is_none() {
                let most = self.acknowledged.entry(group).or_insert(offset);
                *most = (*most).max(offset);
            }
        }
        for (group, offset) in &self.acknowledged {
            let stored = self.sim.coordinator.offsets.get(group, "topic", 0);
            let stored = stored.map_or(-1, |entry| entry.offset);
            assert!(stored >= *offset, "{group}: {stored} after {offset} was acknowledged");
        }
        for index in 0..self.clients.len() {
            let Some((token, sender)) = self.clients[index].waits.clone() else { continue };
            if self.sim.open.contains(&token) {
                continue;
            }
            self.clients[index].waits = None;
            let group = name(self.clients[index].group);
            self.answered(index, &group, token, &sender);
        }
    }

    fn answered(&mut self, index: usize, group: &str, token: u64, sender: &str) {
        let client = &mut self.clients[index];
        match self.sim.reply(token) {
            Reply::Join(reply) => match reply.error {
                None => {
                    let known = self.generations.entry(group.to_owned()).or_insert(0);
                    assert!(reply.generation >= *known, "{group} fell back");
                    *known = reply.generation;
                    client.generation = reply.generation;
                    client.member_id = reply.member_id.clone();
                    assert!(!reply.leader.is_empty());
                    assert!(reply.members.is_empty() || reply.leader == reply.member_id);
                    client.leader_of =
                        reply.members.iter().map(|member| member.member_id.clone()).collect();
                }
                Some(GroupError::MemberIdRequired) => client.member_id = reply.member_id.clone(),
                Some(GroupError::RebalanceInProgress) => {}
                Some(_) => client.member_id.clear(),
            },
            Reply::Sync(reply) => match reply.error {
                None => {
                    let own = sender.as_bytes();
                    let given = &reply.assignment[..];
                    // A successor of a static member has its predecessor's assignment.
                    assert!(given == own || given.is_empty() || client.instance.is_some());
                }
                Some(_) => client.generation = -1,
            },
            other => panic!("{other:?}"),
        }
    }

    /// Nothing more comes in: every request must be answered in bounded time.
    fn drain(&mut self) {
        self.sim.hold_appends = false;
        self.sim.settle();
        self.sim.advance(3_600_000);
        self.collect();
        assert!(self.sim.open.is_empty(), "unanswered: {:?}", self.sim.open);
        assert_eq!(self.sim.appends_in_flight(), 0);
    }
}

#[test]
fn random_histories_keep_every_promise() {
    let (mut deletions, mut generations, mut acknowledged) = (0, 0, 0);
    for seed in 1..=300 {
        let outcome = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..400).for_each(|_| world.step());
            world.drain();
            let highest = world.generations.values().copied().max().unwrap_or(0);
            (world.deletions, highest, world.acknowledged.len())
        });
        let Ok((deleted, highest, offsets)) = outcome else { panic!("seed {seed}") };
        deletions += deleted;
        generations += highest;
        acknowledged += offsets;
    }
    // The histories reach what they are meant to test.
    assert!(
        deletions > 20 && generations > 500 && acknowledged > 200,
        "{deletions} {generations} {acknowledged}"
    );
}
