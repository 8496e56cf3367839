//! The coordinator of one `__consumer_offsets` partition: all its groups, their offsets and timers.
//! Lives on the shard that owns the partition; requests, ends of appends and the clock's ticks come
//! in through its methods, answers and records go out as effects. What always holds: a token is
//! answered once; nothing is answered as done before its records are durable.

use super::appends::{Action, AppendToken, Appends};
use super::config::GroupConfig;
use super::error::{AppendFailure, GroupError};
use super::group::{Group, GroupState};
use super::reply::{Effect, JoinReply, Record, Reply, SyncReply};
use super::timers::{JoinRound, Timer, TimerKey, Timers};
use crate::offsets::OffsetStore;
use std::collections::BTreeMap;
use std::rc::Rc;

/// All groups of one partition of `__consumer_offsets`.
///
/// Life: `new`, `load` for each record of the partition, `loaded`; then requests, with `appended`
/// for each `Effect::Append` and `tick` whenever `next_deadline_ms` has come; `unload` when the
/// partition leaves this shard or its log is fenced for good.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) config: GroupConfig,
    pub(super) groups: BTreeMap<Rc<str>, Group>,
    pub(super) offsets: OffsetStore,
    pub(super) timers: Timers,
    pub(super) appends: Appends,
    pub(super) loaded: bool,
    pub(super) next_cleanup_ms: Option<i64>,
}

/// What a step may touch besides the groups themselves.
pub(super) struct Turn<'a> {
    pub config: &'a GroupConfig,
    pub timers: &'a mut Timers,
    pub appends: &'a mut Appends,
    pub now_ms: i64,
    pub out: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    pub fn reply(&mut self, token: u64, reply: Reply) {
        self.out.push(Effect::Reply { token, reply });
    }

    /// Sends records on their way. `reply` is given when they are durable.
    pub fn append(
        &mut self,
        records: Vec<Record>,
        action: Action,
        reply: Option<(u64, Reply)>,
    ) -> AppendToken {
        assert!(!records.is_empty());
        let then = self.appends.issue(action, reply);
        self.out.push(Effect::Append { records, then });
        then
    }

    pub fn after(&self, delay_ms: i64) -> i64 {
        self.now_ms.saturating_add(delay_ms)
    }
}

impl Coordinator {
    /// A coordinator that has yet to load its partition.
    pub fn new(config: GroupConfig) -> Self {
        Coordinator {
            config,
            groups: BTreeMap::new(),
            offsets: OffsetStore::default(),
            timers: Timers::default(),
            appends: Appends::default(),
            loaded: false,
            next_cleanup_ms: None,
        }
    }

    /// The groups and offsets, and apart from them what a step works with.
    pub(super) fn split<'a>(
        &'a mut self,
        now_ms: i64,
        out: &'a mut Vec<Effect>,
    ) -> (&'a mut BTreeMap<Rc<str>, Group>, &'a mut OffsetStore, Turn<'a>) {
        let turn = Turn {
            config: &self.config,
            timers: &mut self.timers,
            appends: &mut self.appends,
            now_ms,
            out,
        };
        (&mut self.groups, &mut self.offsets, turn)
    }

    /// Refuses what cannot be served yet, after the checks that Kafka makes before it looks.
    pub(super) fn ready(&self) -> Result<(), GroupError> {
        if self.loaded { Ok(()) } else { Err(GroupError::CoordinatorLoadInProgress) }
    }

    /// When `tick` wants to be called next. It may be early: a heartbeat moves a session's end but
    /// not its place in the queue.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        match (self.timers.next_deadline_ms(), self.next_cleanup_ms) {
            (Some(timer), Some(cleanup)) => Some(timer.min(cleanup)),
            (timer, cleanup) => timer.or(cleanup),
        }
    }

    /// Handles everything that is due at `now_ms`.
    pub fn tick(&mut self, now_ms: i64, out: &mut Vec<Effect>) {
        for (key, timer) in self.timers.take_due(now_ms) {
            let (groups, _, mut turn) = self.split(now_ms, out);
            let id = match &timer {
                Timer::Session { group, .. }
                | Timer::Join { group, .. }
                | Timer::Sync { group } => group,
            };
            if let Some(group) = groups.get_mut(id) {
                group.timer_fired(key, &timer, &mut turn);
            }
        }
        if self.next_cleanup_ms.is_some_and(|at| at <= now_ms) {
            self.next_cleanup_ms =
                Some(now_ms.saturating_add(self.config.offsets_retention_check_ms.max(1)));
            self.expire_offsets(now_ms, out);
        }
    }

    /// Gives everything up: parked requests are answered with NOT_COORDINATOR, and the coordinator
    /// is as new, ready to load. The ends of appends under way mean nothing to it any more.
    pub fn unload(&mut self, out: &mut Vec<Effect>) {
        let in_flight = self.appends.take_all();
        let mut groups = std::mem::take(&mut self.groups);
        let (_, _, mut turn) = self.split(0, out);
        for group in groups.values_mut() {
            for id in group.member_ids() {
                group.answer_join(
                    &id,
                    JoinReply::failed(&id, GroupError::NotCoordinator),
                    &mut turn,
                );
                group.answer_sync(&id, SyncReply::failed(GroupError::NotCoordinator), &mut turn);
            }
        }
        for in_flight in in_flight.into_values() {
            if let Some((token, reply)) = in_flight.reply {
                turn.reply(token, reply.into_failed(AppendFailure::Fenced));
            }
            for (token, request) in in_flight.fetches {
                turn.reply(token, super::fetch::failed(&request, GroupError::NotCoordinator));
            }
        }
        // The count of appends goes on, so that no token is given twice.
        let appends = std::mem::take(&mut self.appends);
        *self = Coordinator { appends, ..Coordinator::new(self.config.clone()) };
    }

    /// The state of a group: what metrics count.
    pub fn state(&self, group_id: &str) -> GroupState {
        self.groups.get(group_id).map_or(GroupState::Dead, |group| group.state)
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }
}

impl Group {
    fn timer_fired(&mut self, key: TimerKey, timer: &Timer, turn: &mut Turn<'_>) {
        match timer {
            Timer::Session { member, .. } => self.session_fired(member, key, turn),
            Timer::Join { round, .. } => {
                if self.join_timer == Some(key) {
                    self.join_timer = None;
                    match round {
                        JoinRound::Rebalance => {
                            self.complete_join(turn);
                        }
                        JoinRound::Initial { delay_ms, remaining_ms } => {
                            self.initial_wait_ended(*delay_ms, *remaining_ms, turn);
                        }
                    }
                }
            }
            Timer::Sync { .. } => {
                if self.sync_timer == Some(key) {
                    self.sync_timer = None;
                    self.sync_phase_ended(turn);
                }
            }
        }
    }
}

#[cfg(test)]
impl Coordinator {
    /// Panics if anything disagrees with anything else.
    pub(super) fn check(&self) {
        for (id, group) in &self.groups {
            assert_eq!(id, &group.id);
            group.check(&self.timers);
        }
        let owned: usize = self.groups.values().map(Group::timer_count).sum();
        assert_eq!(self.timers.len(), owned, "each timer has an owner");
    }
}

#[cfg(test)]
impl Group {
    fn timer_count(&self) -> usize {
        let sessions = self.members().values().filter(|member| member.session.timer.is_some());
        let pending = self.pending.values().filter(|timer| timer.is_some());
        let phases = [self.join_timer, self.sync_timer].into_iter().flatten();
        sessions.count() + pending.count() + phases.count()
    }
}
