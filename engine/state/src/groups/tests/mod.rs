//! Tests of the coordinator: a harness that plays shard and clients, and scenarios by theme. The
//! harness checks after every step that all state agrees and that no token is answered twice.

mod joins;
mod offsets;
mod random;
mod restarts;
mod statics;
mod timeouts;

use super::{
    AppendFailure, AppendToken, CommitPartition, CommitRequest, CommitTopic, Coordinator, Effect,
    FetchRequest, FetchTopic, GroupConfig, GroupError, GroupState, HeartbeatRequest, JoinReply,
    JoinRequest, LeavingMember, Protocol, Record, Reply, SyncReply, SyncRequest,
};
use bytes::Bytes;
use engine_base::Uuid;
use engine_base::codec::Write;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) const GROUP: &str = "group";

pub(super) fn config() -> GroupConfig {
    GroupConfig { initial_rebalance_delay_ms: 3_000, ..GroupConfig::default() }
}

/// A consumer's metadata, version 0.
pub(super) fn subscription(topics: &[&str]) -> Bytes {
    let mut out = Vec::new();
    out.put_i16(0);
    out.put_nullable_count(Some(topics.len()));
    topics.iter().for_each(|topic| out.put_string(topic));
    out.put_nullable_bytes(None);
    out.into()
}

/// A join of a consumer that speaks `range`, changed by the tests where they need to.
pub(super) fn joiner(member_id: &str) -> JoinRequest {
    JoinRequest {
        group_id: GROUP.into(),
        member_id: member_id.into(),
        instance_id: None,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        require_known_member_id: true,
        supports_skip_assignment: true,
        random: 0,
    }
}

pub(super) fn static_joiner(instance_id: &str) -> JoinRequest {
    JoinRequest { instance_id: Some(instance_id.into()), ..joiner("") }
}

pub(super) fn protocols(names: &[&str]) -> Vec<Protocol> {
    let protocol =
        |name: &&str| Protocol { name: (*name).into(), metadata: subscription(&["topic"]) };
    names.iter().map(protocol).collect()
}

pub(super) fn syncer(
    member_id: &str,
    generation: i32,
    assignments: &[(&str, &str)],
) -> SyncRequest {
    let owned =
        |(id, bytes): &(&str, &str)| ((*id).to_owned(), Bytes::copy_from_slice(bytes.as_bytes()));
    SyncRequest {
        group_id: GROUP.into(),
        generation,
        member_id: member_id.into(),
        instance_id: None,
        protocol_type: Some("consumer".into()),
        protocol_name: None,
        assignments: assignments.iter().map(owned).collect(),
    }
}

pub(super) fn committer(member_id: &str, generation: i32, offset: i64) -> CommitRequest {
    CommitRequest {
        group_id: GROUP.into(),
        generation,
        member_id: member_id.into(),
        instance_id: None,
        retention_ms: None,
        reports_missing_group: true,
        topics: vec![CommitTopic {
            name: "topic".into(),
            topic_id: Uuid::ZERO,
            partitions: vec![CommitPartition {
                index: 0,
                offset,
                leader_epoch: 4,
                metadata: Some("note".into()),
            }],
        }],
    }
}

pub(super) fn fetcher(require_stable: bool) -> FetchRequest {
    let topic = FetchTopic { name: "topic".into(), topic_id: Uuid::ZERO, partitions: vec![0] };
    FetchRequest { group_id: GROUP.into(), topics: Some(vec![topic]), require_stable }
}

/// Plays the shard: gives tokens, keeps answers, makes appends durable at once unless told not to.
pub(super) struct Sim {
    pub coordinator: Coordinator,
    pub now_ms: i64,
    pub log: Vec<Record>,
    pub hold_appends: bool,
    pub held: VecDeque<(AppendToken, Vec<Record>)>,
    pub open: BTreeSet<u64>,
    replies: BTreeMap<u64, Reply>,
    tokens: u64,
}

impl Sim {
    pub fn new() -> Self {
        Sim::with(config())
    }

    pub fn with(config: GroupConfig) -> Self {
        let mut sim = Sim {
            coordinator: Coordinator::new(config),
            now_ms: 1_700_000_000_000,
            log: Vec::new(),
            hold_appends: false,
            held: VecDeque::new(),
            open: BTreeSet::new(),
            replies: BTreeMap::new(),
            tokens: 0,
        };
        sim.run(|coordinator, now_ms, _, out| coordinator.loaded(now_ms, out));
        sim
    }

    /// One step without a request of its own.
    pub fn run(&mut self, step: impl FnOnce(&mut Coordinator, i64, u64, &mut Vec<Effect>)) -> u64 {
        self.tokens += 1;
        let mut out = Vec::new();
        step(&mut self.coordinator, self.now_ms, self.tokens, &mut out);
        self.absorb(out);
        self.tokens
    }

    /// One request, whose token must be answered some day.
    fn request(&mut self, step: impl FnOnce(&mut Coordinator, i64, u64, &mut Vec<Effect>)) -> u64 {
        self.open.insert(self.tokens + 1);
        self.run(step)
    }

    fn absorb(&mut self, out: Vec<Effect>) {
        for effect in out {
            match effect {
                Effect::Reply { token, reply } => {
                    assert!(self.open.remove(&token), "token {token} is answered once");
                    self.replies.insert(token, reply);
                }
                Effect::Append { records, then } => {
                    assert!(!records.is_empty());
                    self.held.push_back((then, records));
                }
            }
        }
        self.coordinator.check();
        if !self.hold_appends {
            self.settle();
        }
    }

    /// Ends all held appends well, in order, and those they lead to.
    pub fn settle(&mut self) {
        while !self.held.is_empty() {
            self.end_append(0, Ok(()));
        }
    }

    pub fn end_append(&mut self, index: usize, outcome: Result<(), AppendFailure>) {
        let (token, records) = self.held.remove(index).expect("held");
        if outcome.is_ok() {
            self.log.extend(records);
        }
        let mut out = Vec::new();
        self.coordinator.appended(token, outcome, self.now_ms, &mut out);
        self.absorb(out);
    }

    /// Lets time pass, ticking at each deadline.
    pub fn advance(&mut self, ms: i64) {
        let end_ms = self.now_ms + ms;
        let mut ticks = 0;
        while let Some(deadline_ms) = self.coordinator.next_deadline_ms()
            && deadline_ms <= end_ms
        {
            ticks = if deadline_ms > self.now_ms { 0 } else { ticks + 1 };
            assert!(ticks < 100, "time stands still");
            self.now_ms = self.now_ms.max(deadline_ms);
            self.run(|coordinator, now_ms, _, out| coordinator.tick(now_ms, out));
        }
        self.now_ms = end_ms;
    }

    /// Lets time pass until the joins under way are answered.
    pub fn gather(&mut self) {
        while self.state() == GroupState::PreparingRebalance {
            self.advance(500);
        }
    }

    pub fn join(&mut self, mut request: JoinRequest) -> u64 {
        request.random = u128::from(self.tokens + 1) << 64;
        self.request(|coordinator, now_ms, token, out| {
            coordinator.join(now_ms, request, token, out);
        })
    }

    pub fn sync(&mut self, request: SyncRequest) -> u64 {
        self.request(|coordinator, now_ms, token, out| {
            coordinator.sync(now_ms, request, token, out);
        })
    }

    pub fn commit(&mut self, request: CommitRequest) -> u64 {
        self.request(|coordinator, now_ms, token, out| {
            coordinator.commit(now_ms, request, token, out);
        })
    }

    pub fn fetch(&mut self, request: FetchRequest) -> u64 {
        self.request(|coordinator, _, token, out| coordinator.fetch(request, token, out))
    }

    pub fn leave(&mut self, members: &[(&str, Option<&str>)]) -> u64 {
        let owned = |(id, instance): &(&str, Option<&str>)| LeavingMember {
            member_id: (*id).into(),
            instance_id: instance.map(str::to_owned),
        };
        let members = members.iter().map(owned).collect();
        self.request(|coordinator, now_ms, token, out| {
            coordinator.leave(now_ms, GROUP, members, token, out);
        })
    }

    pub fn delete(&mut self, ids: &[&str]) -> u64 {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.request(|coordinator, now_ms, token, out| {
            coordinator.delete_groups(now_ms, ids, token, out);
        })
    }

    pub fn delete_offsets(&mut self, topic: &str) -> u64 {
        let topics = vec![super::DeleteOffsetsTopic { name: topic.into(), partitions: vec![0, 1] }];
        self.request(|coordinator, now_ms, token, out| {
            coordinator.delete_offsets(now_ms, GROUP, topics, token, out);
        })
    }

    pub fn heartbeat(&mut self, member_id: &str, generation: i32) -> Result<(), GroupError> {
        let request =
            HeartbeatRequest { group_id: GROUP, generation, member_id, instance_id: None };
        let result = self.coordinator.heartbeat(self.now_ms, &request);
        self.coordinator.check();
        result
    }

    pub fn state(&self) -> GroupState {
        self.coordinator.state(GROUP)
    }

    pub fn reply(&self, token: u64) -> &Reply {
        self.replies.get(&token).unwrap_or_else(|| panic!("token {token} is not answered"))
    }

    pub fn joined(&self, token: u64) -> &JoinReply {
        match self.reply(token) {
            Reply::Join(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    pub fn synced(&self, token: u64) -> &SyncReply {
        match self.reply(token) {
            Reply::Sync(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    pub fn commit_error(&self, token: u64) -> Option<GroupError> {
        match self.reply(token) {
            Reply::Commit(topics) => topics[0].partitions[0].error,
            other => panic!("{other:?}"),
        }
    }

    /// The offset of `topic`-0, -1 if none.
    pub fn committed(&mut self) -> i64 {
        let token = self.fetch(fetcher(false));
        self.fetched(token)
    }

    pub fn fetched(&self, token: u64) -> i64 {
        match self.reply(token) {
            Reply::Fetch(reply) => reply.topics[0].partitions[0].offset,
            other => panic!("{other:?}"),
        }
    }

    /// Gets a dynamic member an id. It still has to join with it.
    pub fn member_id(&mut self) -> String {
        let token = self.join(joiner(""));
        let reply = self.joined(token);
        assert_eq!(reply.error, Some(GroupError::MemberIdRequired));
        reply.member_id.clone()
    }

    /// A stable group of `count` dynamic members: their ids, the leader first.
    pub fn stable(&mut self, count: usize) -> Vec<String> {
        let ids: Vec<String> = (0..count).map(|_| self.member_id()).collect();
        let tokens: Vec<u64> = ids.iter().map(|id| self.join(joiner(id))).collect();
        self.gather();
        let leader = self.joined(tokens[0]).leader.clone();
        let generation = self.joined(tokens[0]).generation;
        let mut ids = ids;
        ids.sort_by_key(|id| *id != leader);
        self.sync_all(&ids, generation);
        ids
    }

    /// All members sync, the leader last; each gets its own id as assignment.
    pub fn sync_all(&mut self, ids: &[String], generation: i32) {
        let assignments: Vec<(&str, &str)> =
            ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
        let followers: Vec<u64> =
            ids[1..].iter().map(|id| self.sync(syncer(id, generation, &[]))).collect();
        let leader = self.sync(syncer(&ids[0], generation, &assignments));
        for (id, token) in ids.iter().zip(std::iter::once(leader).chain(followers)) {
            let reply = self.synced(token);
            assert_eq!((reply.error, &reply.assignment[..]), (None, id.as_bytes()));
        }
        assert_eq!(self.state(), GroupState::Stable);
    }

    /// The broker was killed: a new coordinator reads what is durable.
    pub fn restart(&mut self) {
        self.coordinator = Coordinator::new(self.coordinator.config.clone());
        self.held.clear();
        self.open.clear();
        for (key, value) in &self.log {
            let loaded = self.coordinator.load(self.now_ms, key, value.as_deref());
            loaded.expect("our own records");
        }
        self.run(|coordinator, now_ms, _, out| coordinator.loaded(now_ms, out));
    }

    pub fn appends_in_flight(&self) -> usize {
        self.coordinator.appends.len()
    }
}
