//! Group coordinators: one for each partition of `__consumer_offsets` that this shard owns. A host
//! feeds the pure coordinator with requests, time and the ends of appends, and carries out what it
//! says. Requests come from the shard of the connection; answers are return values.

use crate::call::{Answer, Call};
use crate::shard::{Replica, Shard};
use engine_base::{TopicPartition, Uuid};
use engine_io::sync::{Sender, Signal, oneshot};
use engine_io::{Env, Queue};
use engine_log::{Acks, AppendInfo, LogError, Ticket};
use engine_record::{BatchBuilder, BatchHeader, BatchOptions, records_of};
use engine_state::groups::{
    AppendFailure, AppendToken, CommitRequest, Coordinator, DeleteOffsetsTopic, DescribedGroup,
    Effect, FetchRequest, GroupConfig, GroupError, HeartbeatRequest, JoinRequest, LeavingMember,
    ListFilter, ListedGroup, Record, Reply, SyncRequest, group_partition,
};
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use tracing::{error, info};

/// Name of the topic that keeps groups and offsets.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Bytes read at a time while a partition is loaded.
const LOAD_BYTES: usize = 1 << 20;
/// A batch of the offsets topic may decompress to this much: Kafka itself writes them uncompressed.
const BATCH_BYTES_MAX: usize = 64 << 20;

/// A request to the coordinator of a group, as owned data.
pub enum GroupCall {
    Join(JoinRequest),
    Sync(SyncRequest),
    Heartbeat { group_id: String, generation: i32, member_id: String, instance_id: Option<String> },
    Leave { group_id: String, members: Vec<LeavingMember> },
    Commit(CommitRequest),
    Fetch(FetchRequest),
    Delete(String),
    DeleteOffsets { group_id: String, topics: Vec<DeleteOffsetsTopic> },
    Describe(String),
    List(ListFilter),
}

/// What the coordinator answers.
#[derive(Debug)]
pub enum GroupAnswer {
    /// No coordinator could take the request.
    Failed(GroupError),
    Reply(Reply),
    Heartbeat(Result<(), GroupError>),
    Described(Option<DescribedGroup>),
    Listed(Vec<ListedGroup>),
}

/// The coordinator of one partition and what it waits for.
pub struct Host<E: Env> {
    env: E,
    replica: Rc<Replica<E>>,
    coordinator: RefCell<Coordinator>,
    waiting: RefCell<HashMap<u64, Sender<Reply>>>,
    last_token: Cell<u64>,
    /// Appends in flight, in the order of the log.
    appends: RefCell<VecDeque<(Ticket<E>, AppendToken)>>,
    appended: Signal,
    /// When the timer task wakes next.
    armed_ms: Cell<Option<i64>>,
    rearm: Signal,
    /// The partition left this shard or the shard stops: tasks end.
    closed: Cell<bool>,
    loaded: Cell<bool>,
    /// What monotonic time is added to, so that timers do not jump with the wall clock.
    started: (engine_io::Instant, i64),
}

impl<E: Env> Host<E> {
    /// Starts the coordinator of `replica`: it loads, then serves.
    pub fn start(env: &E, replica: Rc<Replica<E>>, config: GroupConfig) -> Rc<Self> {
        let host = Rc::new(Host {
            env: env.clone(),
            replica,
            coordinator: RefCell::new(Coordinator::new(config)),
            waiting: RefCell::new(HashMap::new()),
            last_token: Cell::new(0),
            appends: RefCell::new(VecDeque::new()),
            appended: Signal::new(),
            armed_ms: Cell::new(None),
            rearm: Signal::new(),
            closed: Cell::new(false),
            loaded: Cell::new(false),
            started: (env.now(), env.wall_ms()),
        });
        // An empty partition, a new one above all, is loaded at once: no client has to try again.
        let is_empty = host.replica.log.log_start() == host.replica.log.log_end();
        if is_empty {
            host.set_loaded();
        }
        let tasks = [(!is_empty).then_some(Task::Load), Some(Task::Appends), Some(Task::Timer)];
        for task in tasks.into_iter().flatten() {
            let host = host.clone();
            env.spawn(Queue::Net, async move {
                match task {
                    Task::Load => host.load().await,
                    Task::Appends => host.follow_appends().await,
                    Task::Timer => host.keep_time().await,
                }
            });
        }
        host
    }

    /// Topics are gone: so are the offsets committed for them.
    pub(crate) fn topics_deleted(&self, topics: &[(String, Uuid)]) {
        if !self.loaded.get() {
            return;
        }
        let mut effects = Vec::new();
        let now_ms = self.now_ms();
        self.coordinator.borrow_mut().topics_deleted(now_ms, topics, &mut effects);
        self.execute(effects);
    }

    /// Ends the coordinator: parked requests are told to look for another one.
    pub fn close(&self) {
        self.closed.set(true);
        let mut effects = Vec::new();
        self.coordinator.borrow_mut().unload(&mut effects);
        self.appends.borrow_mut().clear();
        self.execute(effects);
        self.appended.notify();
        self.rearm.notify();
    }

    /// Wall time at the start plus what has passed since: rises steadily.
    fn now_ms(&self) -> i64 {
        let passed = self.env.now().since(self.started.0).as_millis();
        self.started.1.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    pub(crate) async fn call(&self, call: GroupCall) -> GroupAnswer {
        let now_ms = self.now_ms();
        let (sender, receiver) = oneshot();
        let token = self.last_token.get() + 1;
        self.last_token.set(token);
        let mut effects = Vec::new();
        {
            let mut coordinator = self.coordinator.borrow_mut();
            let out = &mut effects;
            match call {
                GroupCall::Heartbeat { group_id, generation, member_id, instance_id } => {
                    let request = HeartbeatRequest {
                        group_id: &group_id,
                        generation,
                        member_id: &member_id,
                        instance_id: instance_id.as_deref(),
                    };
                    return GroupAnswer::Heartbeat(coordinator.heartbeat(now_ms, &request));
                }
                GroupCall::Describe(group_id) => {
                    return match coordinator.describe(&group_id) {
                        Ok(group) => GroupAnswer::Described(Some(group)),
                        Err(GroupError::GroupIdNotFound) => GroupAnswer::Described(None),
                        Err(error) => GroupAnswer::Failed(error),
                    };
                }
                GroupCall::List(filter) => {
                    return match coordinator.list(&filter) {
                        Ok(groups) => GroupAnswer::Listed(groups),
                        Err(error) => GroupAnswer::Failed(error),
                    };
                }
                GroupCall::Join(request) => coordinator.join(now_ms, request, token, out),
                GroupCall::Sync(request) => coordinator.sync(now_ms, request, token, out),
                GroupCall::Leave { group_id, members } => {
                    coordinator.leave(now_ms, &group_id, members, token, out);
                }
                GroupCall::Commit(request) => coordinator.commit(now_ms, request, token, out),
                GroupCall::Fetch(request) => coordinator.fetch(request, token, out),
                GroupCall::Delete(group_id) => {
                    coordinator.delete_groups(now_ms, vec![group_id], token, out);
                }
                GroupCall::DeleteOffsets { group_id, topics } => {
                    coordinator.delete_offsets(now_ms, &group_id, topics, token, out);
                }
            }
        }
        self.waiting.borrow_mut().insert(token, sender);
        self.execute(effects);
        match receiver.await {
            Some(reply) => GroupAnswer::Reply(reply),
            None => GroupAnswer::Failed(GroupError::NotCoordinator),
        }
    }

    /// Does what the coordinator said, in its order.
    fn execute(&self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Reply { token, reply } => {
                    if let Some(sender) = self.waiting.borrow_mut().remove(&token) {
                        sender.send(reply);
                    }
                }
                Effect::Append { records, then } => match self.append(&records) {
                    Ok(ticket) => {
                        self.appends.borrow_mut().push_back((ticket, then));
                        self.appended.notify();
                    }
                    Err(error) => {
                        let mut more = Vec::new();
                        let result = Err(failure(&error));
                        let now_ms = self.now_ms();
                        self.coordinator.borrow_mut().appended(then, result, now_ms, &mut more);
                        effects.extend(more);
                    }
                },
            }
        }
        self.rearm_timer();
    }

    fn append(&self, records: &[Record]) -> Result<Ticket<E>, LogError> {
        let now_ms = self.env.wall_ms();
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for (key, value) in records {
            builder.append(now_ms, Some(key), value.as_deref(), &[]);
        }
        let batch = builder.finish();
        let leader_epoch = self.replica.leader_epoch.get();
        let info = AppendInfo { acks: Acks::All, leader_epoch, now_ms, stamp: None };
        Ok(self.replica.log.append(&batch, info)?.ticket)
    }

    /// Reports the ends of appends to the coordinator, in order.
    async fn follow_appends(&self) {
        loop {
            let next = self.appended.wait();
            let Some((ticket, then)) = self.appends.borrow_mut().pop_front() else {
                if self.closed.get() {
                    return;
                }
                next.await;
                continue;
            };
            let result = ticket.await.map_err(|error| failure(&error));
            if self.closed.get() {
                return;
            }
            let mut effects = Vec::new();
            let now_ms = self.now_ms();
            self.coordinator.borrow_mut().appended(then, result, now_ms, &mut effects);
            self.execute(effects);
        }
    }

    fn rearm_timer(&self) {
        let deadline = self.coordinator.borrow().next_deadline_ms();
        let sooner = match (deadline, self.armed_ms.get()) {
            (Some(deadline), Some(armed)) => deadline < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if sooner {
            self.rearm.notify();
        }
    }

    async fn keep_time(&self) {
        while !self.closed.get() {
            let rearm = self.rearm.wait();
            let deadline = self.coordinator.borrow().next_deadline_ms();
            self.armed_ms.set(deadline);
            match deadline {
                None => rearm.await,
                Some(deadline) if deadline > self.now_ms() => {
                    let wait_ms = u64::try_from(deadline - self.now_ms()).unwrap_or(0);
                    let sleep = std::pin::pin!(self.env.sleep(Duration::from_millis(wait_ms)));
                    futures_util::future::select(sleep, rearm).await;
                }
                Some(_) => {
                    let mut effects = Vec::new();
                    let now_ms = self.now_ms();
                    self.coordinator.borrow_mut().tick(now_ms, &mut effects);
                    self.execute(effects);
                }
            }
        }
    }

    /// Replays the partition from its start to its end.
    async fn load(&self) {
        let mut records = 0u64;
        let mut offset = self.replica.log.log_start();
        let end = self.replica.log.log_end();
        while offset < end && !self.closed.get() {
            let read = match self.replica.read_to_end(offset, LOAD_BYTES).await {
                Ok(read) => read,
                Err(error) => {
                    error!(partition = self.replica.name(), %error, "groups cannot be loaded");
                    return;
                }
            };
            // Batches may lie across two pieces of memory.
            let bytes = read.concat();
            let mut batches = engine_record::Batches::new(&bytes);
            let before = offset;
            for batch in batches.by_ref() {
                let Ok((header, batch)) = batch else { break };
                offset = header.next_offset().0;
                records += self.replay(&header, batch);
            }
            if offset == before {
                error!(partition = self.replica.name(), %offset, "groups cannot be loaded further");
                return;
            }
        }
        if self.closed.get() {
            return;
        }
        if records > 0 {
            info!(partition = self.replica.name(), records, "groups loaded");
        }
        self.set_loaded();
    }

    fn set_loaded(&self) {
        let mut effects = Vec::new();
        let now_ms = self.now_ms();
        self.coordinator.borrow_mut().loaded(now_ms, &mut effects);
        self.loaded.set(true);
        self.execute(effects);
    }

    fn replay(&self, header: &BatchHeader, batch: &[u8]) -> u64 {
        if header.is_control() {
            return 0;
        }
        let records = match records_of(batch, BATCH_BYTES_MAX) {
            Ok(records) => records,
            Err(error) => {
                let partition = self.replica.name();
                error!(partition, offset = %header.base_offset, %error, "batch cannot be read");
                return 0;
            }
        };
        let mut count = 0;
        let mut coordinator = self.coordinator.borrow_mut();
        for record in &records {
            let Ok(record) = record else { break };
            let Some(key) = record.key else { continue };
            if let Err(error) = coordinator.load(self.now_ms(), key, record.value) {
                let partition = self.replica.name();
                error!(partition, offset = %record.offset, %error, "record cannot be read");
            }
            count += 1;
        }
        count
    }
}

#[derive(Clone, Copy)]
enum Task {
    Load,
    Appends,
    Timer,
}

fn failure(error: &LogError) -> AppendFailure {
    match error {
        LogError::TooLarge { .. } => AppendFailure::TooLarge,
        LogError::Fenced | LogError::Closed => AppendFailure::Fenced,
        _ => AppendFailure::Unavailable,
    }
}

impl<E: Env> Shard<E> {
    /// Asks the coordinator of `group_id`, wherever it is.
    pub async fn group(self: &Rc<Self>, group_id: &str, call: GroupCall) -> GroupAnswer {
        let Some((topic_id, count)) = self.offsets_topic() else {
            return GroupAnswer::Failed(GroupError::NotCoordinator);
        };
        let partition = group_partition(group_id, count);
        self.group_partition(TopicPartition { topic_id, partition }, call).await
    }

    /// The groups of all coordinators, and whether one of them is still loading.
    pub async fn list_groups(self: &Rc<Self>, filter: ListFilter) -> (Vec<ListedGroup>, bool) {
        let mut all = Vec::new();
        let mut loading = false;
        let Some((topic_id, count)) = self.offsets_topic() else { return (all, false) };
        let calls = (0..count).map(|partition| {
            let call = GroupCall::List(filter.clone());
            self.group_partition(TopicPartition { topic_id, partition }, call)
        });
        for answer in join_all(calls).await {
            match answer {
                GroupAnswer::Listed(groups) => all.extend(groups),
                _ => loading = true,
            }
        }
        (all, loading)
    }

    async fn group_partition(
        self: &Rc<Self>,
        partition: TopicPartition,
        call: GroupCall,
    ) -> GroupAnswer {
        let owner = self.owner(partition);
        if owner == self.id() {
            return self.group_here(partition.partition, call).await;
        }
        let call = Call::Group { partition: partition.partition, call };
        match self.peers.call(owner, call).await {
            Some(Answer::Group(answer)) => answer,
            _ => GroupAnswer::Failed(GroupError::NotCoordinator),
        }
    }

    pub(crate) async fn group_here(&self, partition: i32, call: GroupCall) -> GroupAnswer {
        let host = self.hosts.borrow().get(&partition).cloned();
        match host {
            Some(host) => host.call(call).await,
            None => GroupAnswer::Failed(GroupError::NotCoordinator),
        }
    }
}
