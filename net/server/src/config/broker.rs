//! The values the broker runs with, typed. One for the process, shared by all cores.

use super::listeners::Listener;
use super::machine::Machine;
use super::units;
use engine_state::config::{BrokerLayers, ConfigMap, Value, broker_keys};
use engine_state::groups::GroupConfig;
use engine_state::metadata::Endpoint;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Times in milliseconds and sizes in bytes, as their names say. Kafka's key beside each field.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `node.id`
    pub node_id: i32,
    /// `broker.rack`
    pub rack: Option<String>,
    /// `CLUSTER_ID` of the environment: the id of a new data directory.
    pub cluster_id: Option<String>,
    /// `listeners` without the controller's; at least one.
    pub listeners: Vec<Listener>,
    /// `log.dirs` or `log.dir`
    pub log_dir: PathBuf,

    /// `num.partitions`
    pub num_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`
    pub auto_create_topics: bool,
    /// `delete.topic.enable`
    pub delete_topic_enable: bool,

    /// `socket.request.max.bytes`
    pub socket_request_max_bytes: usize,
    /// `max.connections`
    pub max_connections: usize,
    /// `connections.max.idle.ms`; negative for no limit.
    pub connections_max_idle_ms: i64,

    /// `fetch.max.bytes`
    pub fetch_bytes_max: usize,
    /// `max.incremental.fetch.session.cache.slots`
    pub fetch_sessions_max: usize,
    /// `max.request.partition.size.limit`
    pub describe_partitions_max: usize,

    /// `group.*`, `offset.*` and `offsets.retention.*`, as the coordinators need them.
    pub groups: GroupConfig,
    /// `offsets.topic.num.partitions`
    pub offsets_topic_partitions: i32,
    /// `offsets.topic.segment.bytes`
    pub offsets_topic_segment_bytes: i32,

    /// `producer.id.expiration.ms`
    pub producer_id_expiration_ms: i64,

    /// `log.retention.check.interval.ms`
    pub log_retention_check_ms: u64,

    /// `tidemill.shards`; one for each CPU if unset.
    pub shards: u16,
    /// `tidemill.cpus`; empty for all that the process may use.
    pub cpus: Vec<usize>,
    /// `tidemill.journal.bytes`, of each shard; if unset a quarter of its memory, 64 to 256 MiB.
    pub journal_bytes: u64,
    /// `tidemill.memory.bytes`, of all shards together; a quarter of what the process may use, at most
    /// 4 GiB, if unset.
    pub memory_bytes: usize,
    /// `tidemill.request.memory.bytes`, of all shards together.
    pub request_memory_bytes: usize,
    /// `tidemill.acks.all.relaxed`
    pub acks_all_relaxed: bool,

    /// All that was set, as text: the static layer of every config. Has `node.id` and `broker.id`
    /// always.
    pub fixed: Arc<ConfigMap>,
}

/// Kafka's number of PLAINTEXT, the only protocol of listeners so far.
const PLAINTEXT: i16 = 0;
/// Most shards that are made without being asked for.
const SHARDS_MAX: u16 = 1024;
const MIB: u64 = 1 << 20;

impl BrokerConfig {
    /// From settings that were checked one by one: `fixed` holds only legal values.
    pub(super) fn new(
        fixed: ConfigMap,
        listeners: Vec<Listener>,
        cluster_id: Option<String>,
        machine: &Machine,
    ) -> BrokerConfig {
        assert!(!listeners.is_empty());
        let read = Reading { fixed: &fixed };
        let cpus = read.text("tidemill.cpus").and_then(|text| units::parse_cpus(&text));
        let cpus = cpus.unwrap_or_default();
        let cpu_count = if cpus.is_empty() { machine.cpus } else { cpus.len() };
        let shards = read.optional("tidemill.shards");
        let shards = shards
            .unwrap_or_else(|| u16::try_from(cpu_count).unwrap_or(SHARDS_MAX).clamp(1, SHARDS_MAX));
        let memory = Memory::of(machine.memory_bytes, shards);
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let data_bytes = read.optional("tidemill.memory.bytes").unwrap_or(memory.data);
        BrokerConfig {
            node_id: read.int("node.id"),
            rack: read.text("broker.rack"),
            cluster_id,
            listeners,
            log_dir: PathBuf::from(read.log_dir()),
            num_partitions: read.int("num.partitions"),
            default_replication_factor: read.number("default.replication.factor"),
            auto_create_topics: read.bool("auto.create.topics.enable"),
            delete_topic_enable: read.bool("delete.topic.enable"),
            socket_request_max_bytes: read.number("socket.request.max.bytes"),
            max_connections: read.number("max.connections"),
            connections_max_idle_ms: read.number("connections.max.idle.ms"),
            fetch_bytes_max: read.number("fetch.max.bytes"),
            fetch_sessions_max: read.number("max.incremental.fetch.session.cache.slots"),
            describe_partitions_max: read.number("max.request.partition.size.limit"),
            groups: read.groups(),
            offsets_topic_partitions: read.int("offsets.topic.num.partitions"),
            offsets_topic_segment_bytes: read.int("offsets.topic.segment.bytes"),
            producer_id_expiration_ms: read.number("producer.id.expiration.ms"),
            log_retention_check_ms: read.number("log.retention.check.interval.ms"),
            shards,
            cpus,
            journal_bytes: read
                .optional("tidemill.journal.bytes")
                .unwrap_or_else(|| journal_bytes(data_bytes / u64::from(shards))),
            memory_bytes: size(data_bytes),
            request_memory_bytes: size(
                read.optional("tidemill.request.memory.bytes").unwrap_or(memory.requests),
            ),
            acks_all_relaxed: read.bool("tidemill.acks.all.relaxed"),
            fixed: Arc::new(fixed),
        }
    }

    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// How long a connection may be idle; `None` for no limit.
    pub fn connections_idle_max(&self) -> Option<Duration> {
        u64::try_from(self.connections_max_idle_ms).ok().map(Duration::from_millis)
    }

    /// What to bind, in the order of the listeners.
    pub fn bind_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|listener| listener.address).collect()
    }

    /// The advertised listeners, as the broker registers them.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let endpoint = |listener: &Listener| Endpoint {
            name: listener.name.clone(),
            host: listener.advertised_host.clone(),
            port: listener.advertised_port,
            security_protocol: PLAINTEXT,
        };
        self.listeners.iter().map(endpoint).collect()
    }

    /// The advertised listeners as text, `NAME://host:port`.
    pub fn listener_texts(&self) -> Vec<String> {
        self.listeners.iter().map(Listener::advertised).collect()
    }
}

/// Shares of the machine's memory, in bytes over all shards.
struct Memory {
    data: u64,
    requests: u64,
}

impl Memory {
    /// A quarter for data, at most 4 GiB: no page cache stands behind it, it is taken as data comes,
    /// and it is not given back. Requests get little: a stranger can fill it, and one frame may always
    /// exceed it.
    fn of(machine_bytes: u64, shards: u16) -> Memory {
        let least = 32 * MIB * u64::from(shards);
        Memory {
            data: (machine_bytes / 4).min(4096 * MIB).max(least),
            requests: (machine_bytes / 16).min(96 * MIB).max(least),
        }
    }
}

/// The journal of a shard that has `data_bytes` of memory. What it holds, memory holds too until a
/// checkpoint is through: a large one makes those rare, and outlasts a disk that stands still for
/// a second or two (`docs/adr/2026-11-24-journal-size.md`).
fn journal_bytes(data_bytes: u64) -> u64 {
    (data_bytes / 4).clamp(64 * MIB, 256 * MIB)
}

/// Values of keys that have a default, or are optional. All was checked before: what cannot be
/// read here is a mistake in the names or types above, and a test reads them all.
pub(super) struct Reading<'a> {
    pub fixed: &'a ConfigMap,
}

impl Reading<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let none = ConfigMap::new();
        let layers = BrokerLayers { broker: &none, cluster: &none, fixed: self.fixed };
        layers.value(broker_keys::find(name).expect("a key of the tables"))
    }

    /// A number that fits, or `None` if it is unset or does not: -1 for "no limit" in a type
    /// without a sign.
    pub fn optional<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        T::try_from(self.value(name)?.as_i64()?).ok()
    }

    pub fn number<T: TryFrom<i64>>(&self, name: &str) -> T {
        self.optional(name).unwrap_or_else(|| panic!("{name} has a default and a limit that fit"))
    }

    pub fn int(&self, name: &str) -> i32 {
        self.number(name)
    }

    pub fn bool(&self, name: &str) -> bool {
        let value = self.value(name).and_then(|value| value.as_bool());
        value.unwrap_or_else(|| panic!("{name} is true or false by default"))
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        self.value(name).and_then(|v| v.as_list().map(<[String]>::to_vec)).unwrap_or_default()
    }

    fn groups(&self) -> GroupConfig {
        GroupConfig {
            session_timeout_ms_min: self.int("group.min.session.timeout.ms"),
            session_timeout_ms_max: self.int("group.max.session.timeout.ms"),
            initial_rebalance_delay_ms: self.int("group.initial.rebalance.delay.ms"),
            group_size_max: self.number("group.max.size"),
            offset_metadata_max: self.number("offset.metadata.max.bytes"),
            offsets_retention_ms: self.number::<i64>("offsets.retention.minutes") * 60_000,
            offsets_retention_check_ms: self.number("offsets.retention.check.interval.ms"),
            ..GroupConfig::default()
        }
    }

    /// `log.dirs`, or else `log.dir`; the first, for more than one is refused.
    fn log_dir(&self) -> String {
        let dirs = [self.list("log.dirs"), self.list("log.dir")];
        let first = dirs.into_iter().flatten().next();
        first.expect("log.dir has a default")
    }
}
