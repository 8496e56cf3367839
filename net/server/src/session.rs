//! Incremental fetch sessions (KIP-227): the server remembers which partitions a consumer follows,
//! so that later requests and answers carry only what changed. Sessions belong to the shard whose
//! connection made them; a client that comes back on another shard is told that its session is
//! unknown and starts a new one, as after an eviction in Kafka. Pure apart from the time given in.
//! Source: Kafka's `FetchSession`, `FetchManager`.

use engine_base::Uuid;
use engine_io::Instant;
use hashbrown::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

/// A session unused for this long may be replaced by a new one when the cache is full.
const EVICT_AFTER: Duration = Duration::from_secs(120);
/// Partitions of one session. A full request with more is answered without a session.
const SESSION_PARTITIONS_MAX: usize = 100_000;
/// Partitions of all sessions of a shard together. Beyond: answered without a session. What is kept
/// for one is some 200 bytes, and a stranger decides how many there are.
const PARTITIONS_MAX: usize = 500_000;

/// A topic as the client names it: by id from Fetch 13 on, by name before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TopicKey {
    Name(Rc<str>),
    Id(Uuid),
}

/// What a client asks of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub topic: TopicKey,
    pub partition: i32,
    pub offset: i64,
    pub max_bytes: i32,
    pub leader_epoch: i32,
    pub last_fetched_epoch: i32,
}

/// What the client was last told of a partition; an incremental answer repeats none of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    high_watermark: i64,
    log_start: i64,
}

/// What an answer holds for a partition, as far as a session cares.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub has_records: bool,
    pub failed: bool,
    pub high_watermark: i64,
    pub log_start: i64,
}

struct Entry {
    wanted: Wanted,
    told: Option<Told>,
}

struct Session {
    /// The epoch that the next request must carry.
    next_epoch: i32,
    by_id: bool,
    entries: Vec<Entry>,
    /// Position in `entries` by topic and partition.
    positions: HashMap<(TopicKey, i32), usize>,
    /// Where the next answer starts, so that no partition starves behind the size limit.
    first: usize,
    used_at: Instant,
}

/// Why a request cannot be served within its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionError {
    IdNotFound,
    InvalidEpoch,
    /// The session was made with names and the request uses ids, or the other way round.
    TopicIdMismatch,
}

/// A request as it arrived.
pub struct SessionRequest {
    pub id: i32,
    pub epoch: i32,
    pub by_id: bool,
    pub wanted: Vec<Wanted>,
    pub forgotten: Vec<(TopicKey, i32)>,
}

/// What to read for a request, and how to answer.
pub struct Plan {
    /// 0 when the answer carries no session.
    pub session_id: i32,
    pub wanted: Vec<Wanted>,
    /// Only what changed is answered.
    pub incremental: bool,
}

/// The sessions of one shard, at most `limit`. Beyond: the longest unused one goes if it was idle
/// for two minutes, else the new request is answered without a session.
pub struct Sessions {
    limit: usize,
    sessions: HashMap<i32, Session>,
}

const EPOCH_INITIAL: i32 = 0;
const EPOCH_FINAL: i32 = -1;

impl Session {
    fn new(by_id: bool, now: Instant) -> Self {
        Session {
            next_epoch: 1,
            by_id,
            entries: Vec::new(),
            positions: HashMap::new(),
            first: 0,
            used_at: now,
        }
    }

    fn put(&mut self, wanted: Wanted) {
        let key = (wanted.topic.clone(), wanted.partition);
        match self.positions.get(&key) {
            Some(position) => self.entries[*position].wanted = wanted,
            None => {
                self.positions.insert(key, self.entries.len());
                self.entries.push(Entry { wanted, told: None });
            }
        }
    }

    /// In one pass, however many they are: a client may forget all of a large session at once.
    fn forget(&mut self, keys: &[(TopicKey, i32)]) {
        let gone: HashSet<usize> =
            keys.iter().filter_map(|key| self.positions.remove(key)).collect();
        if gone.is_empty() {
            return;
        }
        let below_first = gone.iter().filter(|position| **position < self.first).count();
        let mut position = 0;
        self.entries.retain(|_| {
            position += 1;
            !gone.contains(&(position - 1))
        });
        self.first -= below_first;
        for (index, entry) in self.entries.iter().enumerate() {
            let key = (entry.wanted.topic.clone(), entry.wanted.partition);
            self.positions.insert(key, index);
        }
    }

    /// The partitions in the order they are to be read.
    fn rotation(&mut self) -> Vec<Wanted> {
        if self.first >= self.entries.len() {
            self.first = 0;
        }
        let (front, back) = self.entries.split_at(self.first);
        back.iter().chain(front).map(|entry| entry.wanted.clone()).collect()
    }
}

impl Sessions {
    pub fn new(limit: usize) -> Self {
        Sessions { limit, sessions: HashMap::new() }
    }

    pub fn count(&self) -> usize {
        self.sessions.len()
    }

    /// How many partitions the session of a request has: none unless it goes on with one.
    pub fn partitions(&self, id: i32, epoch: i32) -> usize {
        if epoch == EPOCH_INITIAL || epoch == EPOCH_FINAL {
            return 0;
        }
        self.sessions.get(&id).map_or(0, |session| session.entries.len())
    }

    /// Finds or makes the session of `request`. `random` is a fresh random number for a new id.
    pub fn plan(
        &mut self,
        request: SessionRequest,
        now: Instant,
        random: u64,
    ) -> Result<Plan, SessionError> {
        if request.epoch == EPOCH_INITIAL || request.epoch == EPOCH_FINAL {
            if request.id != 0 {
                self.sessions.remove(&request.id);
            }
            let session_id =
                if request.epoch == EPOCH_INITIAL { self.create(&request, now, random) } else { 0 };
            return Ok(Plan { session_id, wanted: request.wanted, incremental: false });
        }
        let session = self.sessions.get_mut(&request.id).ok_or(SessionError::IdNotFound)?;
        if session.next_epoch != request.epoch {
            return Err(SessionError::InvalidEpoch);
        }
        let empty = request.wanted.is_empty() && request.forgotten.is_empty();
        if session.by_id != request.by_id && !empty {
            return Err(SessionError::TopicIdMismatch);
        }
        session.next_epoch =
            if session.next_epoch == i32::MAX { 1 } else { session.next_epoch + 1 };
        session.used_at = now;
        for wanted in request.wanted {
            session.put(wanted);
        }
        session.forget(&request.forgotten);
        Ok(Plan { session_id: request.id, wanted: session.rotation(), incremental: true })
    }

    /// A new session for a full request, 0 if there is no room.
    fn create(&mut self, request: &SessionRequest, now: Instant, random: u64) -> i32 {
        let kept: usize = self.sessions.values().map(|session| session.entries.len()).sum();
        let count = request.wanted.len();
        if count == 0 || count > SESSION_PARTITIONS_MAX || kept + count > PARTITIONS_MAX {
            return 0;
        }
        if self.sessions.len() >= self.limit {
            let oldest = self.sessions.iter().min_by_key(|(id, session)| (session.used_at, **id));
            match oldest {
                Some((id, session)) if now.since(session.used_at) >= EVICT_AFTER => {
                    let id = *id;
                    self.sessions.remove(&id);
                }
                _ => return 0,
            }
        }
        let mut id = i32::try_from(random >> 33).expect("31 bits").max(1);
        while self.sessions.contains_key(&id) {
            id = if id == i32::MAX { 1 } else { id + 1 };
        }
        let mut session = Session::new(request.by_id, now);
        for wanted in &request.wanted {
            session.put(wanted.clone());
        }
        self.sessions.insert(id, session);
        id
    }

    /// Notes what `session_id` is being told of a partition and says whether the answer must hold
    /// it: always in a full answer, else only with records, an error, or a moved limit.
    pub fn answer(
        &mut self,
        plan: &Plan,
        topic: &TopicKey,
        partition: i32,
        answered: Answered,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&plan.session_id) else { return true };
        let Some(position) = session.positions.get(&(topic.clone(), partition)).copied() else {
            return true;
        };
        let told = Told { high_watermark: answered.high_watermark, log_start: answered.log_start };
        let entry = &mut session.entries[position];
        let changed = entry.told != Some(told);
        // An error is told again as long as it lasts, and what was known before is void.
        entry.told = (!answered.failed).then_some(told);
        if answered.has_records && plan.incremental {
            session.first = position + 1;
        }
        !plan.incremental || answered.has_records || answered.failed || changed
    }
}

#[cfg(test)]
mod tests {
    use super::{Answered, Plan, SessionError, SessionRequest, Sessions, TopicKey, Wanted};
    use engine_io::Instant;

    fn wanted(topic: &str, partition: i32, offset: i64) -> Wanted {
        Wanted {
            topic: TopicKey::Name(topic.into()),
            partition,
            offset,
            max_bytes: 1 << 20,
            leader_epoch: -1,
            last_fetched_epoch: -1,
        }
    }

    fn request(id: i32, epoch: i32, wanted: Vec<Wanted>) -> SessionRequest {
        SessionRequest { id, epoch, by_id: false, wanted, forgotten: Vec::new() }
    }

    fn quiet(high_watermark: i64) -> Answered {
        Answered { has_records: false, failed: false, high_watermark, log_start: 0 }
    }

    fn at(seconds: u64) -> Instant {
        Instant(seconds * 1_000_000_000)
    }

    #[test]
    fn an_incremental_answer_holds_only_what_changed() {
        let mut sessions = Sessions::new(10);
        let full = sessions
            .plan(request(0, 0, vec![wanted("a", 0, 5), wanted("a", 1, 6)]), at(0), u64::MAX)
            .expect("full");
        assert!(full.session_id > 0 && !full.incremental);
        let topic = TopicKey::Name("a".into());
        assert!(sessions.answer(&full, &topic, 0, quiet(5)));
        assert!(sessions.answer(&full, &topic, 1, quiet(6)));
        let next =
            sessions.plan(request(full.session_id, 1, vec![]), at(1), 0).expect("incremental");
        assert!(next.incremental);
        assert_eq!(next.wanted.len(), 2);
        assert!(!sessions.answer(&next, &topic, 0, quiet(5)), "nothing new");
        assert!(sessions.answer(&next, &topic, 1, quiet(7)), "the high watermark moved");
        let records = Answered { has_records: true, ..quiet(5) };
        assert!(sessions.answer(&next, &topic, 0, records));
        let failed = Answered { failed: true, ..quiet(-1) };
        assert!(sessions.answer(&next, &topic, 1, failed));
        assert!(sessions.answer(&next, &topic, 1, failed), "an error is repeated");
    }

    #[test]
    fn partitions_with_data_go_last_next_time() {
        let mut sessions = Sessions::new(10);
        let all = vec![wanted("a", 0, 0), wanted("a", 1, 0), wanted("a", 2, 0)];
        let full = sessions.plan(request(0, 0, all), at(0), 77 << 33).expect("full");
        let topic = TopicKey::Name("a".into());
        let next = sessions.plan(request(full.session_id, 1, vec![]), at(0), 0).expect("ok");
        sessions.answer(&next, &topic, 0, Answered { has_records: true, ..quiet(5) });
        let next = sessions.plan(request(full.session_id, 2, vec![]), at(0), 0).expect("ok");
        let order: Vec<i32> = next.wanted.iter().map(|wanted| wanted.partition).collect();
        assert_eq!(order, [1, 2, 0]);
        let forget = SessionRequest {
            forgotten: vec![(topic, 1)],
            ..request(full.session_id, 3, vec![wanted("b", 0, 9)])
        };
        let next = sessions.plan(forget, at(0), 0).expect("ok");
        let order: Vec<(TopicKey, i32)> =
            next.wanted.iter().map(|wanted| (wanted.topic.clone(), wanted.partition)).collect();
        assert_eq!(order.len(), 3);
        assert!(!order.contains(&(TopicKey::Name("a".into()), 1)));
    }

    #[test]
    fn unknown_ids_and_epochs_are_refused() {
        let mut sessions = Sessions::new(1);
        let refuse = |result: Result<Plan, SessionError>| result.err();
        assert_eq!(
            refuse(sessions.plan(request(9, 1, vec![]), at(0), 0)),
            Some(SessionError::IdNotFound)
        );
        let full = sessions.plan(request(0, 0, vec![wanted("a", 0, 0)]), at(0), 5 << 33).expect("");
        assert_eq!(
            refuse(sessions.plan(request(full.session_id, 2, vec![]), at(0), 0)),
            Some(SessionError::InvalidEpoch)
        );
        let by_id = SessionRequest {
            by_id: true,
            wanted: vec![Wanted {
                topic: TopicKey::Id(engine_base::Uuid::METADATA_TOPIC),
                ..wanted("", 0, 0)
            }],
            ..request(full.session_id, 1, vec![])
        };
        assert_eq!(refuse(sessions.plan(by_id, at(0), 0)), Some(SessionError::TopicIdMismatch));
        // The cache is full, and its session is fresh: no session. Later it is replaced.
        let second = sessions.plan(request(0, 0, vec![wanted("b", 0, 0)]), at(1), 6 << 33);
        assert_eq!(second.expect("served").session_id, 0);
        let third = sessions.plan(request(0, 0, vec![wanted("b", 0, 0)]), at(300), 6 << 33);
        assert_ne!(third.expect("served").session_id, 0);
        assert_eq!(sessions.count(), 1);
        // A final request ends its session.
        let id = *sessions.sessions.keys().next().expect("one");
        sessions.plan(request(id, -1, vec![]), at(301), 0).expect("served");
        assert_eq!(sessions.count(), 0);
    }
    #[test]
    fn a_large_session_is_forgotten_in_one_pass() {
        let mut sessions = Sessions::new(10);
        let count = 50_000;
        let all = (0..count).map(|partition| wanted("a", partition, 0)).collect();
        let full = sessions.plan(request(0, 0, all), at(0), 7 << 33).expect("full");
        let topic = TopicKey::Name("a".into());
        let next = sessions.plan(request(full.session_id, 1, vec![]), at(0), 0).expect("ok");
        sessions.answer(&next, &topic, 9, Answered { has_records: true, ..quiet(5) });
        // All but every tenth, and some that are not there. The next answer starts behind 9.
        let forgotten = (0..count + 10).filter(|partition| partition % 10 != 0);
        let forget = SessionRequest {
            forgotten: forgotten.map(|partition| (topic.clone(), partition)).collect(),
            ..request(full.session_id, 2, vec![])
        };
        let next = sessions.plan(forget, at(0), 0).expect("ok");
        let order: Vec<i32> = next.wanted.iter().map(|wanted| wanted.partition).collect();
        let expected: Vec<i32> = (10..count).step_by(10).chain([0]).collect();
        assert_eq!(order, expected);
        for partition in expected {
            assert!(sessions.answer(&next, &topic, partition, quiet(1)), "each has its place");
            assert!(!sessions.answer(&next, &topic, partition, quiet(1)));
        }
    }
}
