//! Why a configuration is refused. The texts are Kafka's, for tools and people search for them;
//! all of these travel as INVALID_CONFIG unless said otherwise.

use super::key::Kind;
use std::fmt;

#[derive(Clone, PartialEq, Debug)]
pub enum ConfigError {
    /// A topic config that Kafka does not have.
    UnknownTopicConfig { name: String },
    /// A value of the wrong type or outside of its limits.
    BadValue { name: String, value: String, reason: BadValue },
    /// A list that needs an item.
    EmptyList { name: String, valid: &'static [&'static str] },
    /// A list with an empty item, as in `a,,b`.
    EmptyItem { name: String },
    /// `min.compaction.lag.ms` above `max.compaction.lag.ms`.
    CompactionLags { min_ms: i64, max_ms: i64 },
    /// `log.retention.ms` and its older names below 1, but not negative.
    RetentionBelowOne,
    /// `remote.storage.enable=true`.
    NoTieredStorage,
}

/// What is wrong with a value.
#[derive(Clone, PartialEq, Debug)]
pub enum BadValue {
    NotBoolean,
    NotNumber(Kind),
    Below(String),
    Above(String),
    NotOneOf(&'static [&'static str]),
    NotOneOfAnyCase(&'static [&'static str]),
    Empty,
    GzipLevel,
    ThrottledReplicas,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::UnknownTopicConfig { name } => {
                write!(f, "Unknown topic config name: {name}")
            }
            ConfigError::BadValue { name, value, reason } => {
                write!(f, "Invalid value {value} for configuration {name}: ")?;
                reason.explain(f, name)
            }
            ConfigError::EmptyList { name, valid } => {
                write!(f, "Configuration '{name}' must not be empty. Valid values include: ")?;
                if valid.is_empty() {
                    f.write_str("any non-empty value")
                } else {
                    write!(f, "[{}]", valid.join(", "))
                }
            }
            ConfigError::EmptyItem { name } => {
                write!(f, "Configuration '{name}' values must not be empty.")
            }
            ConfigError::CompactionLags { min_ms, max_ms } => write!(
                f,
                "conflict topic config setting min.compaction.lag.ms ({min_ms}) > \
                 max.compaction.lag.ms ({max_ms})"
            ),
            ConfigError::RetentionBelowOne => f.write_str(
                "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
            ),
            ConfigError::NoTieredStorage => f.write_str(
                "Tiered Storage functionality is disabled in the broker. \
                 Topic cannot be configured with remote log storage.",
            ),
        }
    }
}

impl BadValue {
    fn explain(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        match self {
            BadValue::NotBoolean => f.write_str("Expected value to be either true or false"),
            BadValue::NotNumber(kind) => write!(f, "Not a number of type {}", kind.name()),
            BadValue::Below(limit) => write!(f, "Value must be at least {limit}"),
            BadValue::Above(limit) => write!(f, "Value must be no more than {limit}"),
            BadValue::NotOneOf(valid) => {
                write!(f, "String must be one of: {}", valid.join(", "))
            }
            BadValue::NotOneOfAnyCase(valid) => {
                write!(f, "String must be one of (case insensitive): {}", valid.join(", "))
            }
            BadValue::Empty => f.write_str("String must be non-empty"),
            BadValue::GzipLevel => f.write_str("Value must be between 1 and 9 or equal to -1"),
            BadValue::ThrottledReplicas => write!(
                f,
                "{name} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            ),
        }
    }
}

impl std::error::Error for ConfigError {}
