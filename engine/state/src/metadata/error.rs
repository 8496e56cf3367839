//! Why a record cannot be read, why it does not fit the image, and why a command is refused.

use engine_base::Uuid;
use engine_base::codec::DecodeError;
use std::fmt;

/// The bytes are no record of a kind and version known here. A log that holds one was written by a
/// later version, or is damaged: stop, never skip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordError {
    FrameVersion(u32),
    Unknown { key: u32, version: u32 },
    Malformed { key: i16, error: DecodeError },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::FrameVersion(version) => {
                write!(f, "frame version {version} of a metadata record, expected 1")
            }
            RecordError::Unknown { key, version } => write!(
                f,
                "metadata record of type {key}, version {version}, which this version does not know"
            ),
            RecordError::Malformed { key, error } => {
                write!(f, "metadata record of type {key} is malformed: {error}")
            }
        }
    }
}

impl std::error::Error for RecordError {}

/// The record contradicts what came before it: the log is damaged, or was written by nobody who
/// follows Kafka's rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ApplyError {
    DuplicateTopic { name: String },
    NoTopic { id: Uuid },
    NoPartition { topic: Uuid, partition: i32 },
    NegativePartition { topic: Uuid, partition: i32 },
    NoBroker { id: i32 },
    BrokerEpoch { id: i32, expected: i64, found: i64 },
    ProducerIds { next: i64, found: i64 },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::DuplicateTopic { name } => {
                write!(f, "topic {name} is created while it exists")
            }
            ApplyError::NoTopic { id } => write!(f, "no topic with id {id}"),
            ApplyError::NoPartition { topic, partition } => {
                write!(f, "topic {topic} has no partition {partition}")
            }
            ApplyError::NegativePartition { topic, partition } => {
                write!(f, "topic {topic}: partition number {partition} is negative")
            }
            ApplyError::NoBroker { id } => write!(f, "broker {id} is not registered"),
            ApplyError::BrokerEpoch { id, expected, found } => {
                write!(f, "broker {id} has epoch {expected}, the record names {found}")
            }
            ApplyError::ProducerIds { next, found } => {
                write!(f, "next producer id goes back from {next} to {found}")
            }
        }
    }
}

impl std::error::Error for ApplyError {}

/// A command that cannot be done. The message is Kafka's; `None` where Kafka sends none because it
/// would only repeat the kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub message: Option<String>,
}

/// One for each error of Kafka that a command can end in; `net/server` chooses the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalKind {
    DuplicateBrokerRegistration,
    InvalidConfig,
    InvalidPartitions,
    InvalidRegistration,
    InvalidReplicaAssignment,
    InvalidReplicationFactor,
    InvalidRequest,
    InvalidTopic,
    PolicyViolation,
    ProducerIdsExhausted,
    StaleBrokerEpoch,
    TopicDeletionDisabled,
    TopicExists,
    UnknownTopicId,
    UnknownTopicOrPartition,
}

impl Refusal {
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Refusal { kind, message: Some(message.into()) }
    }

    /// Without a message.
    pub fn plain(kind: RefusalKind) -> Self {
        Refusal { kind, message: None }
    }
}
