//! What the connections of one shard share. Lives on that shard; handlers hold it by `Rc`.

use crate::answers::AnswerMemory;
use crate::config::BrokerConfig;
use crate::error::refusal_code;
use crate::listener::Registry;
use crate::memory::RequestMemory;
use crate::session::Sessions;
use crate::work::Work;
use engine_base::Uuid;
use engine_io::Env;
use engine_shard::{ControllerAnswer, ControllerCall, Shard, TopicSpec};
use engine_state::metadata::TopicImage;
use net_wire::ErrorCode;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tracing::info;

/// The part of the log's memory that answers may hold: one in so many.
const ANSWERS_MEMORY_SHARE: usize = 4;

/// See the module's words.
pub struct Context<E: Env> {
    pub env: E,
    pub shard: Rc<Shard<E>>,
    pub config: Arc<BrokerConfig>,
    pub cluster_id: Arc<str>,
    pub memory: Rc<RequestMemory>,
    pub answers: Rc<AnswerMemory>,
    pub work: Rc<Work>,
    pub request_bytes_max: usize,
    pub connections_max: usize,
    pub sessions: RefCell<Sessions>,
    pub registry: Registry<E::Stream>,
}

/// Where clients reach this broker, as one listener tells it.
#[derive(Clone, Copy, Debug)]
pub struct Advertised<'a> {
    pub host: &'a str,
    pub port: i32,
}

impl<E: Env> Context<E> {
    pub fn new(
        env: E,
        shard: Rc<Shard<E>>,
        config: Arc<BrokerConfig>,
        cluster_id: Arc<str>,
    ) -> Self {
        let shards = usize::from(env.shard_count());
        Context {
            memory: RequestMemory::new(
                config.request_memory_bytes / shards,
                config.socket_request_max_bytes,
            ),
            answers: AnswerMemory::new(config.memory_bytes / shards / ANSWERS_MEMORY_SHARE),
            work: Work::new(),
            request_bytes_max: config.socket_request_max_bytes,
            connections_max: config.max_connections.div_ceil(shards),
            sessions: RefCell::new(Sessions::new(config.fetch_sessions_max.div_ceil(shards))),
            registry: Registry::default(),
            env,
            shard,
            config,
            cluster_id,
        }
    }

    /// The advertised address of a listener, by its index in the configuration.
    pub fn endpoint(&self, listener: usize) -> Advertised<'_> {
        let listener = &self.config.listeners[listener];
        Advertised { host: &listener.advertised_host, port: i32::from(listener.advertised_port) }
    }

    pub fn topic(&self, name: &str) -> Option<Arc<TopicImage>> {
        self.shard.image().topic(name).cloned()
    }

    /// 128 random bits, for member ids.
    pub fn random_bytes(&self) -> [u8; 16] {
        self.shard.random_bytes()
    }

    /// A fresh topic id.
    pub fn random_id(&self) -> Uuid {
        self.shard.random_id()
    }

    /// Creates topics that a client asked about; what came of each.
    pub async fn auto_create(&self, names: Vec<String>) -> Vec<(String, Result<(), ErrorCode>)> {
        let topics = names
            .iter()
            .map(|name| TopicSpec::with_defaults(name.clone(), self.random_id()))
            .collect();
        let call = ControllerCall::CreateTopics { topics, validate_only: false };
        let answer = self.shard.control(call).await;
        let all = |code| names.iter().map(|name| (name.clone(), Err(code))).collect();
        let results = match answer {
            ControllerAnswer::Created(results) => results,
            // More partitions than one request may make: as in Kafka, nobody tells the client why.
            ControllerAnswer::Refused(_) => return all(ErrorCode::UnknownTopicOrPartition),
            // The client asks again: Kafka's word for a topic in the making.
            _ => return all(ErrorCode::LeaderNotAvailable),
        };
        names
            .into_iter()
            .zip(results)
            .map(|(name, result)| match result {
                Ok(topic) => {
                    info!(topic = name, partitions = topic.partitions, "topic created on demand");
                    (name, Ok(()))
                }
                Err(refusal) => (name, Err(refusal_code(refusal.kind))),
            })
            .collect()
    }
}
