//! Configuration as Kafka knows it: the constant tables of topic and broker keys, what a value
//! must look like, and the layers (topic, broker, cluster, file, default) a value is taken from.
//!
//! Pure: used by shard 0 for changes, by every shard to resolve the configs of its partitions, and
//! by `net/server` to read its file and to answer DescribeConfigs. All tables are sorted by name.

pub mod broker_keys;
pub mod describe;
pub mod error;
pub mod key;
pub mod layers;
pub mod suggest;
pub mod topic;
pub mod topic_keys;
pub mod value;

pub use error::ConfigError;
pub use key::{Importance, Key, Kind, Rule, Support, Update};
pub use layers::{BrokerLayers, ConfigMap, Layers, Source};
pub use topic::TopicConfig;
pub use value::Value;

/// The key of a topic config, `None` if Kafka has no such config.
pub fn topic_key(name: &str) -> Option<&'static Key> {
    key::find(topic_keys::TOPIC_KEYS, name)
}
