//! The configs of a topic, resolved and typed, as the engine uses them. Made again whenever a
//! layer changes; shared by the partitions of the topic on a shard.

use super::key::Key;
use super::layers::{Layers, default_of};
use super::topic_key;
use super::value::Value;

/// Codec of stored batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// Kafka's `LogConfig`. Times in milliseconds, sizes in bytes; limits of `i64::MAX` mean never,
/// and -1 means no limit where it is noted.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// Old segments go by time and size. Neither this nor `cleanup_compact` keeps everything.
    pub cleanup_delete: bool,
    pub cleanup_compact: bool,
    pub compression_type: CompressionType,
    /// 1 to 9, or -1 for the library's default.
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub index_interval_bytes: u32,
    pub max_compaction_lag_ms: i64,
    pub max_message_bytes: u32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    /// -1 for no limit.
    pub retention_bytes: i64,
    /// -1 for no limit.
    pub retention_ms: i64,
    pub segment_bytes: u32,
    pub segment_index_bytes: u32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
    /// `tidemill.validate.compressed`
    pub validate_compressed: bool,
}

impl TopicConfig {
    /// Never fails: values that cannot be read count as unset, see [`Layers::value`].
    pub fn resolve(layers: &Layers<'_>) -> TopicConfig {
        let read = |name| {
            let key = topic_key(name).expect("the names below are in the table, a test reads all");
            Reading { key, value: layers.value(key) }
        };
        let policies = read("cleanup.policy").list();
        let has_policy = |wanted: &str| policies.iter().any(|policy| policy == wanted);
        TopicConfig {
            cleanup_delete: has_policy("delete"),
            cleanup_compact: has_policy("compact"),
            compression_type: read("compression.type").compression_type(),
            compression_gzip_level: read("compression.gzip.level").int(),
            compression_lz4_level: read("compression.lz4.level").int(),
            compression_zstd_level: read("compression.zstd.level").int(),
            delete_retention_ms: read("delete.retention.ms").long(),
            file_delete_delay_ms: read("file.delete.delay.ms").long(),
            flush_messages: read("flush.messages").long(),
            flush_ms: read("flush.ms").long(),
            index_interval_bytes: read("index.interval.bytes").size(),
            max_compaction_lag_ms: read("max.compaction.lag.ms").long(),
            max_message_bytes: read("max.message.bytes").size(),
            message_timestamp_after_max_ms: read("message.timestamp.after.max.ms").long(),
            message_timestamp_before_max_ms: read("message.timestamp.before.max.ms").long(),
            message_timestamp_type: read("message.timestamp.type").timestamp_type(),
            min_cleanable_dirty_ratio: read("min.cleanable.dirty.ratio").double(),
            min_compaction_lag_ms: read("min.compaction.lag.ms").long(),
            min_insync_replicas: read("min.insync.replicas").int(),
            preallocate: read("preallocate").bool(),
            retention_bytes: read("retention.bytes").long(),
            retention_ms: read("retention.ms").long(),
            segment_bytes: segment_bytes(layers, read("segment.bytes").size()),
            segment_index_bytes: read("segment.index.bytes").size(),
            segment_jitter_ms: read("segment.jitter.ms").long(),
            segment_ms: read("segment.ms").long(),
            unclean_leader_election_enable: read("unclean.leader.election.enable").bool(),
            validate_compressed: read("tidemill.validate.compressed").bool(),
        }
    }
}

/// Kafka's internal config goes before the public one, which has a floor.
fn segment_bytes(layers: &Layers<'_>, public: u32) -> u32 {
    let internal = topic_key("internal.segment.bytes").and_then(|key| layers.value(key)?.as_i64());
    internal
        .and_then(|bytes| u32::try_from(bytes).ok())
        .filter(|bytes| *bytes > 0)
        .unwrap_or(public)
}

/// A value on its way into a field. The type of a value is that of its key, so the fallbacks to
/// the default, and those beyond, are never taken.
struct Reading {
    key: &'static Key,
    value: Option<Value>,
}

impl Reading {
    fn or_default<T>(&self, read: impl Fn(&Value) -> Option<T>) -> T {
        let value = self.value.as_ref().and_then(&read);
        let value = value.or_else(|| read(&default_of(self.key)?));
        value.expect("each config here has a default of its type, a test reads all")
    }

    fn long(&self) -> i64 {
        self.or_default(Value::as_i64)
    }

    fn int(&self) -> i32 {
        self.or_default(|value| i32::try_from(value.as_i64()?).ok())
    }

    /// A size, which has a floor of zero and the ceiling of an int.
    fn size(&self) -> u32 {
        self.or_default(|value| u32::try_from(value.as_i64()?).ok())
    }

    fn double(&self) -> f64 {
        self.or_default(Value::as_f64)
    }

    fn bool(&self) -> bool {
        self.or_default(Value::as_bool)
    }

    fn list(&self) -> Vec<String> {
        self.or_default(|value| value.as_list().map(<[String]>::to_vec))
    }

    fn compression_type(&self) -> CompressionType {
        self.or_default(|value| match value.as_str()? {
            "producer" => Some(CompressionType::Producer),
            "uncompressed" => Some(CompressionType::Uncompressed),
            "gzip" => Some(CompressionType::Gzip),
            "snappy" => Some(CompressionType::Snappy),
            "lz4" => Some(CompressionType::Lz4),
            "zstd" => Some(CompressionType::Zstd),
            _ => None,
        })
    }

    fn timestamp_type(&self) -> TimestampType {
        self.or_default(|value| match value.as_str()? {
            "CreateTime" => Some(TimestampType::CreateTime),
            "LogAppendTime" => Some(TimestampType::LogAppendTime),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CompressionType, TimestampType, TopicConfig};
    use crate::config::{BrokerLayers, ConfigMap, Layers};

    fn resolve(topic: &[(&str, &str)], fixed: &[(&str, &str)]) -> TopicConfig {
        let map = |pairs: &[(&str, &str)]| -> ConfigMap {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (topic, fixed, none) = (map(topic), map(fixed), ConfigMap::new());
        let broker = BrokerLayers { broker: &none, cluster: &none, fixed: &fixed };
        TopicConfig::resolve(&Layers { topic: &topic, broker })
    }

    #[test]
    fn defaults_are_kafkas() {
        let expected = TopicConfig {
            cleanup_delete: true,
            cleanup_compact: false,
            compression_type: CompressionType::Producer,
            compression_gzip_level: -1,
            compression_lz4_level: 9,
            compression_zstd_level: 3,
            delete_retention_ms: 86_400_000,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            index_interval_bytes: 4096,
            max_compaction_lag_ms: i64::MAX,
            max_message_bytes: 1_048_588,
            message_timestamp_after_max_ms: 3_600_000,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_type: TimestampType::CreateTime,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            min_insync_replicas: 1,
            preallocate: false,
            retention_bytes: -1,
            retention_ms: 604_800_000,
            segment_bytes: 1 << 30,
            segment_index_bytes: 10 << 20,
            segment_jitter_ms: 0,
            segment_ms: 604_800_000,
            unclean_leader_election_enable: false,
            validate_compressed: true,
        };
        assert_eq!(resolve(&[], &[]), expected);
    }

    #[test]
    fn overrides_reach_their_fields() {
        let config = resolve(
            &[
                ("cleanup.policy", "compact"),
                ("compression.type", "zstd"),
                ("message.timestamp.type", "LogAppendTime"),
                ("internal.segment.bytes", "1000"),
                ("preallocate", "TRUE"),
            ],
            &[
                ("log.roll.hours", "1"),
                ("message.max.bytes", "7"),
                ("log.segment.bytes", "2000000"),
                ("tidemill.validate.compressed", "false"),
            ],
        );
        assert!(!config.validate_compressed);
        assert!(config.cleanup_compact && !config.cleanup_delete && config.preallocate);
        assert_eq!(config.compression_type, CompressionType::Zstd);
        assert_eq!(config.message_timestamp_type, TimestampType::LogAppendTime);
        assert_eq!((config.segment_bytes, config.segment_ms), (1000, 3_600_000));
        assert_eq!(config.max_message_bytes, 7);
        let trusted = ("tidemill.validate.compressed", "false");
        assert!(!resolve(&[trusted], &[]).validate_compressed);
        let config = resolve(&[("cleanup.policy", "")], &[]);
        assert!(!config.cleanup_compact && !config.cleanup_delete);
    }
}
