//! The values the broker runs with, typed. One for the process, shared by all cores.

use super::listeners::Listener;
use super::units;
use engine_state::config::{BrokerLayers, ConfigMap, Value, broker_keys};
use engine_state::groups::GroupConfig;
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
    pub default_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `auto.create.topics.enable`
    pub auto_create_topics: bool,
    /// `delete.topic.enable`
    pub topics_can_be_deleted: bool,

    /// `socket.request.max.bytes`
    pub request_bytes_max: usize,
    /// `socket.send.buffer.bytes`; `None` leaves it to the system.
    pub send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the system.
    pub receive_buffer_bytes: Option<usize>,
    /// `socket.listen.backlog.size`
    pub listen_backlog: i32,
    /// `max.connections`
    pub connections_max: usize,
    /// `connections.max.idle.ms`; negative for no limit.
    pub connections_idle_ms_max: i64,

    /// `fetch.max.bytes`
    pub fetch_bytes_max: usize,
    /// `max.incremental.fetch.session.cache.slots`
    pub fetch_sessions_max: usize,
    /// `max.request.partition.size.limit`
    pub describe_partitions_max: usize,

    /// `group.min.session.timeout.ms`
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`
    pub group_size_max: usize,
    /// `offset.metadata.max.bytes`
    pub offset_metadata_max: usize,
    /// `offsets.retention.minutes`
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`
    pub offsets_retention_check_ms: i64,
    /// `offsets.commit.timeout.ms`
    pub offsets_commit_timeout_ms: i64,
    /// `offsets.topic.num.partitions`
    pub offsets_topic_partitions: i32,
    /// `offsets.topic.segment.bytes`
    pub offsets_topic_segment_bytes: i32,
    /// `offsets.topic.compression.codec`, Kafka's number of the codec.
    pub offsets_topic_codec: i16,

    /// `producer.id.expiration.ms`
    pub producer_id_expiration_ms: i64,
    /// `producer.id.expiration.check.interval.ms`
    pub producer_id_expiration_check_ms: i64,

    /// `log.retention.check.interval.ms`
    pub retention_check_ms: u64,
    /// `log.flush.offset.checkpoint.interval.ms`
    pub recovery_point_checkpoint_ms: u64,
    /// `log.flush.start.offset.checkpoint.interval.ms`
    pub log_start_checkpoint_ms: u64,
    /// `replica.high.watermark.checkpoint.interval.ms`
    pub high_watermark_checkpoint_ms: u64,

    /// `tidemill.shards`; `None` is one for each CPU.
    pub shards: Option<u16>,
    /// `tidemill.cpus`; `None` is all that the process may use.
    pub cpus: Option<Vec<usize>>,
    /// `tidemill.journal.bytes`, of each shard.
    pub journal_bytes: u64,
    /// `tidemill.memory.bytes`, of all shards together.
    pub memory_bytes: Option<u64>,
    /// `tidemill.request.memory.bytes`, of all shards together.
    pub request_memory_bytes: Option<u64>,
    /// `tidemill.acks.all.relaxed`
    pub acks_all_relaxed: bool,
    /// `tidemill.validate.compressed`
    pub validate_compressed: bool,

    /// All that was set, as text: the static layer of every config. Has `node.id` and `broker.id`
    /// always.
    pub fixed: Arc<ConfigMap>,
}

impl BrokerConfig {
    /// From settings that were checked one by one: `fixed` holds only legal values.
    pub(super) fn new(
        fixed: ConfigMap,
        listeners: Vec<Listener>,
        cluster_id: Option<String>,
    ) -> BrokerConfig {
        assert!(!listeners.is_empty());
        let read = Reading { fixed: &fixed };
        BrokerConfig {
            node_id: read.int("node.id"),
            rack: read.text("broker.rack"),
            cluster_id,
            listeners,
            log_dir: PathBuf::from(read.log_dir()),
            default_partitions: read.int("num.partitions"),
            default_replication_factor: read.number("default.replication.factor"),
            auto_create_topics: read.bool("auto.create.topics.enable"),
            topics_can_be_deleted: read.bool("delete.topic.enable"),
            request_bytes_max: read.number("socket.request.max.bytes"),
            send_buffer_bytes: read.optional("socket.send.buffer.bytes"),
            receive_buffer_bytes: read.optional("socket.receive.buffer.bytes"),
            listen_backlog: read.int("socket.listen.backlog.size"),
            connections_max: read.number("max.connections"),
            connections_idle_ms_max: read.number("connections.max.idle.ms"),
            fetch_bytes_max: read.number("fetch.max.bytes"),
            fetch_sessions_max: read.number("max.incremental.fetch.session.cache.slots"),
            describe_partitions_max: read.number("max.request.partition.size.limit"),
            session_timeout_ms_min: read.int("group.min.session.timeout.ms"),
            session_timeout_ms_max: read.int("group.max.session.timeout.ms"),
            initial_rebalance_delay_ms: read.int("group.initial.rebalance.delay.ms"),
            group_size_max: read.number("group.max.size"),
            offset_metadata_max: read.number("offset.metadata.max.bytes"),
            offsets_retention_ms: read.number::<i64>("offsets.retention.minutes") * 60_000,
            offsets_retention_check_ms: read.number("offsets.retention.check.interval.ms"),
            offsets_commit_timeout_ms: read.number("offsets.commit.timeout.ms"),
            offsets_topic_partitions: read.int("offsets.topic.num.partitions"),
            offsets_topic_segment_bytes: read.int("offsets.topic.segment.bytes"),
            offsets_topic_codec: read.number("offsets.topic.compression.codec"),
            producer_id_expiration_ms: read.number("producer.id.expiration.ms"),
            producer_id_expiration_check_ms: read
                .number("producer.id.expiration.check.interval.ms"),
            retention_check_ms: read.number("log.retention.check.interval.ms"),
            recovery_point_checkpoint_ms: read.number("log.flush.offset.checkpoint.interval.ms"),
            log_start_checkpoint_ms: read.number("log.flush.start.offset.checkpoint.interval.ms"),
            high_watermark_checkpoint_ms: read
                .number("replica.high.watermark.checkpoint.interval.ms"),
            shards: read.optional("tidemill.shards"),
            cpus: read.text("tidemill.cpus").and_then(|text| units::parse_cpus(&text)),
            journal_bytes: read.number("tidemill.journal.bytes"),
            memory_bytes: read.optional("tidemill.memory.bytes"),
            request_memory_bytes: read.optional("tidemill.request.memory.bytes"),
            acks_all_relaxed: read.bool("tidemill.acks.all.relaxed"),
            validate_compressed: read.bool("tidemill.validate.compressed"),
            fixed: Arc::new(fixed),
        }
    }

    /// How long a connection may be idle; `None` for no limit.
    pub fn connections_idle_max(&self) -> Option<Duration> {
        u64::try_from(self.connections_idle_ms_max).ok().map(Duration::from_millis)
    }

    /// What coordinators need to know.
    pub fn groups(&self) -> GroupConfig {
        GroupConfig {
            session_timeout_ms_min: self.session_timeout_ms_min,
            session_timeout_ms_max: self.session_timeout_ms_max,
            initial_rebalance_delay_ms: self.initial_rebalance_delay_ms,
            group_size_max: self.group_size_max,
            offset_metadata_max: self.offset_metadata_max,
            offsets_retention_ms: self.offsets_retention_ms,
            offsets_retention_check_ms: self.offsets_retention_check_ms,
            ..GroupConfig::default()
        }
    }
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

    /// `log.dirs`, or else `log.dir`; the first, for more than one is refused.
    fn log_dir(&self) -> String {
        let dirs = [self.list("log.dirs"), self.list("log.dir")];
        let first = dirs.into_iter().flatten().next();
        first.expect("log.dir has a default")
    }
}
