//! Where a value comes from: the topic's own configs, the dynamic configs of this broker, those of
//! all brokers, the broker's file (with environment and command line), Kafka's default; the first
//! that has it wins. A topic config has one or more broker keys that set it for all topics, some in
//! hours or minutes (`ServerTopicConfigSynonyms`).

use super::error::ConfigError;
use super::key::Key;
use super::value::Value;
use super::{broker_keys, topic_key};
use std::collections::BTreeMap;

/// Configs as text by name. Ordered, so that whatever is made from it is deterministic.
pub type ConfigMap = BTreeMap<String, String>;

/// Origin of a value; the number is Kafka's (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    Topic,
    Broker,
    Cluster,
    Static,
    Default,
}

impl Source {
    pub fn id(self) -> i8 {
        match self {
            Source::Topic => 1,
            Source::Broker => 2,
            Source::Cluster => 3,
            Source::Static => 4,
            Source::Default => 5,
        }
    }

    /// Kafka's name of the source.
    pub fn name(self) -> &'static str {
        match self {
            Source::Topic => "DYNAMIC_TOPIC_CONFIG",
            Source::Broker => "DYNAMIC_BROKER_CONFIG",
            Source::Cluster => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            Source::Static => "STATIC_BROKER_CONFIG",
            Source::Default => "DEFAULT_CONFIG",
        }
    }
}

/// The layers of a broker.
#[derive(Clone, Copy, Debug)]
pub struct BrokerLayers<'a> {
    /// Dynamic configs of this broker.
    pub broker: &'a ConfigMap,
    /// Dynamic configs of all brokers.
    pub cluster: &'a ConfigMap,
    /// File, environment and command line.
    pub fixed: &'a ConfigMap,
}

/// The layers of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    pub topic: &'a ConfigMap,
    pub broker: BrokerLayers<'a>,
}

/// Unit of a broker key against its topic config, which is in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Same,
    Minutes,
    Hours,
}

impl Unit {
    fn convert(self, value: Value) -> Value {
        let factor = match self {
            Unit::Same => return value,
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
        };
        match value {
            Value::Integer(number) => Value::Integer(number.saturating_mul(factor)),
            other => other,
        }
    }
}

/// The broker keys of a topic config, the first that is set in a layer counts. Topic configs
/// without a broker key are absent.
static SYNONYMS: &[(&str, &[(&str, Unit)])] = &[
    ("cleanup.policy", &[("log.cleanup.policy", Unit::Same)]),
    ("compression.gzip.level", &[("compression.gzip.level", Unit::Same)]),
    ("compression.lz4.level", &[("compression.lz4.level", Unit::Same)]),
    ("compression.type", &[("compression.type", Unit::Same)]),
    ("compression.zstd.level", &[("compression.zstd.level", Unit::Same)]),
    ("delete.retention.ms", &[("log.cleaner.delete.retention.ms", Unit::Same)]),
    ("file.delete.delay.ms", &[("log.segment.delete.delay.ms", Unit::Same)]),
    ("flush.messages", &[("log.flush.interval.messages", Unit::Same)]),
    (
        "flush.ms",
        &[("log.flush.interval.ms", Unit::Same), ("log.flush.scheduler.interval.ms", Unit::Same)],
    ),
    ("index.interval.bytes", &[("log.index.interval.bytes", Unit::Same)]),
    ("local.retention.bytes", &[("log.local.retention.bytes", Unit::Same)]),
    ("local.retention.ms", &[("log.local.retention.ms", Unit::Same)]),
    ("max.compaction.lag.ms", &[("log.cleaner.max.compaction.lag.ms", Unit::Same)]),
    ("max.message.bytes", &[("message.max.bytes", Unit::Same)]),
    ("message.timestamp.after.max.ms", &[("log.message.timestamp.after.max.ms", Unit::Same)]),
    ("message.timestamp.before.max.ms", &[("log.message.timestamp.before.max.ms", Unit::Same)]),
    ("message.timestamp.type", &[("log.message.timestamp.type", Unit::Same)]),
    ("min.cleanable.dirty.ratio", &[("log.cleaner.min.cleanable.ratio", Unit::Same)]),
    ("min.compaction.lag.ms", &[("log.cleaner.min.compaction.lag.ms", Unit::Same)]),
    ("min.insync.replicas", &[("min.insync.replicas", Unit::Same)]),
    ("preallocate", &[("log.preallocate", Unit::Same)]),
    ("retention.bytes", &[("log.retention.bytes", Unit::Same)]),
    (
        "retention.ms",
        &[
            ("log.retention.ms", Unit::Same),
            ("log.retention.minutes", Unit::Minutes),
            ("log.retention.hours", Unit::Hours),
        ],
    ),
    ("segment.bytes", &[("log.segment.bytes", Unit::Same)]),
    ("segment.index.bytes", &[("log.index.size.max.bytes", Unit::Same)]),
    (
        "segment.jitter.ms",
        &[("log.roll.jitter.ms", Unit::Same), ("log.roll.jitter.hours", Unit::Hours)],
    ),
    ("segment.ms", &[("log.roll.ms", Unit::Same), ("log.roll.hours", Unit::Hours)]),
    ("tidemill.validate.compressed", &[("tidemill.validate.compressed", Unit::Same)]),
    ("unclean.leader.election.enable", &[("unclean.leader.election.enable", Unit::Same)]),
];

/// The broker keys that set a topic config for all topics, in the order they count.
pub fn synonyms(topic_config: &str) -> &'static [(&'static str, Unit)] {
    let found = SYNONYMS.binary_search_by(|(name, _)| (*name).cmp(topic_config)).ok();
    found.and_then(|index| SYNONYMS.get(index)).map_or(&[], |(_, keys)| keys)
}

/// The broker keys that set the same thing as `name`, itself included, in the order they count
/// (`DynamicBrokerConfig.brokerConfigSynonyms`).
pub fn broker_synonyms(name: &str) -> Vec<&str> {
    // The scheduler interval is the default of the flush interval, but not the other way round.
    if name != "log.flush.scheduler.interval.ms" {
        for (_, keys) in SYNONYMS.iter().filter(|(_, keys)| keys.len() > 1) {
            if keys.iter().any(|(key, _)| *key == name) {
                return keys.iter().map(|(key, _)| *key).collect();
            }
        }
    }
    vec![name]
}

impl<'a> BrokerLayers<'a> {
    /// The maps from the strongest to the weakest, without the defaults.
    pub fn maps(&self) -> [(Source, &'a ConfigMap); 3] {
        [
            (Source::Broker, self.broker),
            (Source::Cluster, self.cluster),
            (Source::Static, self.fixed),
        ]
    }

    /// The value of a broker key. A dynamic config takes the place of all keys that set the same
    /// thing. A value that cannot be read counts as unset: it was checked when it was set, so it
    /// comes from another version.
    pub fn value(&self, key: &'static Key) -> Option<Value> {
        for (source, map) in self.maps() {
            let text = map.get(key.name);
            if let Some(value) = text.and_then(|text| Value::parse(key, text).ok()) {
                return Some(value);
            }
            let is_dynamic = source != Source::Static;
            if is_dynamic && broker_synonyms(key.name).iter().any(|name| map.contains_key(*name)) {
                break;
            }
        }
        default_of(key)
    }

    /// The value that topics without a config of their own have.
    fn topic_default(&self, key: &'static Key) -> Option<Value> {
        let synonyms = synonyms(key.name);
        for (_, map) in self.maps() {
            for (name, unit) in synonyms {
                let Some(text) = map.get(*name) else { continue };
                let Some(broker_key) = broker_keys::find(name) else { continue };
                if let Ok(value) = Value::parse(broker_key, text) {
                    return Some(unlimited(key, unit.convert(value)));
                }
            }
        }
        default_of(key)
    }
}

/// Any negative retention set on the broker means no limit.
fn unlimited(key: &Key, value: Value) -> Value {
    match value {
        Value::Integer(number) if number < 0 && key.name == "retention.ms" => Value::Integer(-1),
        other => other,
    }
}

/// The default of a key; `None` if it has none.
pub fn default_of(key: &'static Key) -> Option<Value> {
    let default = key.default?;
    Some(Value::parse(key, default).expect("defaults are legal, a test reads all of them"))
}

impl Layers<'_> {
    /// The value of a topic config. A value that cannot be read counts as unset, see
    /// [`BrokerLayers::value`].
    pub fn value(&self, key: &'static Key) -> Option<Value> {
        let own = self.topic.get(key.name).and_then(|text| Value::parse(key, text).ok());
        own.or_else(|| self.broker.topic_default(key))
    }

    /// Whether the topic's own configs are legal, with Kafka's words if not: names first, then
    /// each value, then what must hold between them (`LogConfig.validate`).
    pub fn check(&self) -> Result<(), ConfigError> {
        for name in self.topic.keys() {
            if topic_key(name).is_none() {
                return Err(ConfigError::UnknownTopicConfig { name: name.clone() });
            }
        }
        for (name, text) in self.topic {
            if let Some(key) = topic_key(name) {
                Value::parse(key, text)?;
            }
        }
        let number = |name| topic_key(name).and_then(|key| self.value(key)?.as_i64());
        let min_ms = number("min.compaction.lag.ms").unwrap_or(0);
        let max_ms = number("max.compaction.lag.ms").unwrap_or(i64::MAX);
        if min_ms > max_ms {
            return Err(ConfigError::CompactionLags { min_ms, max_ms });
        }
        let tiered = topic_key("remote.storage.enable").and_then(|key| self.value(key)?.as_bool());
        if tiered == Some(true) {
            return Err(ConfigError::NoTieredStorage);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{BrokerLayers, ConfigMap, Layers, SYNONYMS, broker_synonyms};
    use crate::config::{broker_keys, topic_key};

    fn map(pairs: &[(&str, &str)]) -> ConfigMap {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_table_of_synonyms_is_sorted_and_names_keys_that_exist() {
        assert!(SYNONYMS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (topic, keys) in SYNONYMS {
            assert!(topic_key(topic).is_some(), "{topic}");
            for (key, _) in *keys {
                assert!(broker_keys::find(key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn stronger_layers_win_and_units_are_converted() {
        type Pairs = &'static [(&'static str, &'static str)];
        let check = |layers: [Pairs; 4], name: &str, expected: &str| {
            let [topic, broker, cluster, fixed] = layers.map(map);
            let broker = BrokerLayers { broker: &broker, cluster: &cluster, fixed: &fixed };
            let key = topic_key(name).expect("a topic config");
            let value = Layers { topic: &topic, broker }.value(key).expect("a value");
            assert_eq!(value.to_string(), expected, "{layers:?}");
        };
        check([&[], &[], &[], &[]], "retention.ms", "604800000");
        check([&[], &[], &[], &[("log.retention.hours", "2")]], "retention.ms", "7200000");
        check(
            [&[], &[], &[], &[("log.retention.hours", "2"), ("log.retention.minutes", "3")]],
            "retention.ms",
            "180000",
        );
        check([&[], &[], &[], &[("log.retention.hours", "-7")]], "retention.ms", "-1");
        check(
            [&[], &[], &[("log.retention.ms", "5")], &[("log.retention.hours", "2")]],
            "retention.ms",
            "5",
        );
        check(
            [&[("retention.ms", "1")], &[("log.retention.ms", "5")], &[], &[]],
            "retention.ms",
            "1",
        );
        check([&[], &[("log.roll.ms", "8")], &[("log.roll.ms", "9")], &[]], "segment.ms", "8");
        check([&[], &[], &[], &[("log.flush.scheduler.interval.ms", "9")]], "flush.ms", "9");
        // A value of another version, which cannot be read, does not hide the next layer.
        check([&[("retention.ms", "x")], &[], &[], &[]], "retention.ms", "604800000");
    }

    #[test]
    fn topic_configs_are_checked_with_the_brokers_values() {
        let check = |topic: &[(&str, &str)], fixed: &[(&str, &str)], expected: &str| {
            let (topic, fixed, none) = (map(topic), map(fixed), ConfigMap::new());
            let broker = BrokerLayers { broker: &none, cluster: &none, fixed: &fixed };
            let result = Layers { topic: &topic, broker }.check();
            assert_eq!(result.err().map_or(String::new(), |e| e.to_string()), expected);
        };
        check(&[("retention.ms", "1"), ("internal.segment.bytes", "9")], &[], "");
        check(&[("retention.ms", "x"), ("zz", "1")], &[], "Unknown topic config name: zz");
        check(
            &[("min.compaction.lag.ms", "6")],
            &[("log.cleaner.max.compaction.lag.ms", "5")],
            "conflict topic config setting min.compaction.lag.ms (6) > max.compaction.lag.ms (5)",
        );
        check(
            &[("remote.storage.enable", "true")],
            &[],
            "Tiered Storage functionality is disabled in the broker. \
             Topic cannot be configured with remote log storage.",
        );
    }

    #[test]
    fn broker_keys_that_set_the_same() {
        assert_eq!(broker_synonyms("log.roll.hours"), ["log.roll.ms", "log.roll.hours"]);
        let flush = ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"];
        assert_eq!(broker_synonyms(flush[0]), flush);
        assert_eq!(broker_synonyms(flush[1]), [flush[1]]);
        assert_eq!(broker_synonyms("no.such.key"), ["no.such.key"]);
    }
}
