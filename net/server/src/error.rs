//! The one place where Kafka's error codes are chosen, by exhaustive match over the errors of the
//! engine. Handlers never name a code for an engine error themselves.

use engine_log::LogError;
use engine_record::{BatchError, ErrorClass};
use engine_shard::{ControllerAnswer, PartitionError};
use engine_state::groups::GroupError;
use engine_state::metadata::RefusalKind;
use net_wire::ErrorCode;

/// For a batch from a producer.
pub fn batch_code(error: &BatchError) -> ErrorCode {
    match error.class() {
        ErrorClass::Corrupt => ErrorCode::CorruptMessage,
        ErrorClass::InvalidRecord => ErrorCode::InvalidRecord,
        ErrorClass::TooLarge => ErrorCode::MessageTooLarge,
        ErrorClass::InvalidTimestamp => ErrorCode::InvalidTimestamp,
        ErrorClass::UnsupportedCompression => ErrorCode::UnsupportedCompressionType,
    }
}

/// For a partition that did not do what was asked.
pub fn partition_code(error: &PartitionError) -> ErrorCode {
    match error {
        // Handlers refuse partitions that the metadata does not know. One that is not on its shard
        // all the same could not be made, for want of room most likely: that is tried again every
        // second, and clients are to try again too, as when a log directory of Kafka fails.
        PartitionError::UnknownPartition => ErrorCode::KafkaStorageError,
        PartitionError::OutOfOrderSequence => ErrorCode::OutOfOrderSequenceNumber,
        PartitionError::InvalidProducerEpoch => ErrorCode::InvalidProducerEpoch,
        PartitionError::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
        PartitionError::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
        // Clients find the partition again once the broker is back.
        PartitionError::Stopping => ErrorCode::NotLeaderOrFollower,
        PartitionError::Log(error) => log_code(error),
    }
}

fn log_code(error: &LogError) -> ErrorCode {
    match error {
        LogError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        // Retriable: the client tries again until there is room, or an operator has acted.
        LogError::NoSpace | LogError::Busy | LogError::Fenced => ErrorCode::KafkaStorageError,
        LogError::Damaged { .. } => ErrorCode::CorruptMessage,
        LogError::TooLarge { .. } => ErrorCode::RecordListTooLarge,
        LogError::Closed => ErrorCode::NotLeaderOrFollower,
        LogError::Io { .. } | LogError::JournalLost { .. } | LogError::Offline { .. } => {
            ErrorCode::KafkaStorageError
        }
    }
}

/// For a group request.
pub fn group_code(error: GroupError) -> ErrorCode {
    match error {
        GroupError::CoordinatorLoadInProgress => ErrorCode::CoordinatorLoadInProgress,
        GroupError::CoordinatorNotAvailable => ErrorCode::CoordinatorNotAvailable,
        GroupError::NotCoordinator => ErrorCode::NotCoordinator,
        GroupError::IllegalGeneration => ErrorCode::IllegalGeneration,
        GroupError::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
        GroupError::InvalidGroupId => ErrorCode::InvalidGroupId,
        GroupError::UnknownMemberId => ErrorCode::UnknownMemberId,
        GroupError::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
        GroupError::RebalanceInProgress => ErrorCode::RebalanceInProgress,
        GroupError::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
        GroupError::NonEmptyGroup => ErrorCode::NonEmptyGroup,
        GroupError::GroupIdNotFound => ErrorCode::GroupIdNotFound,
        GroupError::MemberIdRequired => ErrorCode::MemberIdRequired,
        GroupError::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
        GroupError::FencedInstanceId => ErrorCode::FencedInstanceId,
        GroupError::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
        GroupError::UnknownServerError => ErrorCode::UnknownServerError,
    }
}

/// The code of a group result, NONE without an error.
pub fn group_result(error: Option<GroupError>) -> i16 {
    error.map_or(ErrorCode::None, group_code).code()
}

/// For a command on the metadata that is refused.
pub fn refusal_code(kind: RefusalKind) -> ErrorCode {
    match kind {
        RefusalKind::DuplicateBrokerRegistration => ErrorCode::DuplicateBrokerRegistration,
        RefusalKind::InvalidConfig => ErrorCode::InvalidConfig,
        RefusalKind::InvalidPartitions => ErrorCode::InvalidPartitions,
        RefusalKind::InvalidRegistration => ErrorCode::InvalidRegistration,
        RefusalKind::InvalidReplicaAssignment => ErrorCode::InvalidReplicaAssignment,
        RefusalKind::InvalidReplicationFactor => ErrorCode::InvalidReplicationFactor,
        RefusalKind::InvalidRequest => ErrorCode::InvalidRequest,
        RefusalKind::InvalidTopic => ErrorCode::InvalidTopicException,
        RefusalKind::PolicyViolation => ErrorCode::PolicyViolation,
        RefusalKind::ProducerIdsExhausted => ErrorCode::UnknownServerError,
        RefusalKind::StaleBrokerEpoch => ErrorCode::StaleBrokerEpoch,
        RefusalKind::TopicDeletionDisabled => ErrorCode::TopicDeletionDisabled,
        RefusalKind::TopicExists => ErrorCode::TopicAlreadyExists,
        RefusalKind::UnknownTopicId => ErrorCode::UnknownTopicId,
        RefusalKind::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
    }
}

/// Code and message for each of the `count` items of a command that answers nothing else.
pub fn done_results(answer: ControllerAnswer, count: usize) -> Vec<(ErrorCode, Option<String>)> {
    let all = |code: ErrorCode, message: Option<String>| vec![(code, message); count];
    match answer {
        ControllerAnswer::Done(results) => results
            .into_iter()
            .map(|result| match result {
                Ok(()) => (ErrorCode::None, None),
                Err(refusal) => (refusal_code(refusal.kind), refusal.message),
            })
            .collect(),
        ControllerAnswer::Refused(refusal) => all(refusal_code(refusal.kind), refusal.message),
        ControllerAnswer::Failed(error) => all(partition_code(&error), None),
        _ => all(ErrorCode::UnknownServerError, None),
    }
}
