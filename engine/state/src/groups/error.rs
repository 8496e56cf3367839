//! Why a group request failed. The variants are Kafka's meanings; `net/server` gives them codes.

/// An error for the client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum GroupError {
    CoordinatorLoadInProgress,
    CoordinatorNotAvailable,
    NotCoordinator,
    IllegalGeneration,
    InconsistentGroupProtocol,
    InvalidGroupId,
    UnknownMemberId,
    InvalidSessionTimeout,
    RebalanceInProgress,
    OffsetMetadataTooLarge,
    NonEmptyGroup,
    GroupIdNotFound,
    MemberIdRequired,
    GroupMaxSizeReached,
    FencedInstanceId,
    GroupSubscribedToTopic,
    UnknownServerError,
}

/// Why records did not become durable, as far as clients are told different things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendFailure {
    /// Not now: too few replicas, no room on the device, a time-out.
    Unavailable,
    /// The partition is fenced after a failed write, or has moved away.
    Fenced,
    /// The records are larger than the topic allows.
    TooLarge,
}

impl AppendFailure {
    /// Kafka's `appendGroupMetadataErrorToResponseError`.
    pub(super) fn error(self) -> GroupError {
        match self {
            AppendFailure::Unavailable => GroupError::CoordinatorNotAvailable,
            AppendFailure::Fenced => GroupError::NotCoordinator,
            AppendFailure::TooLarge => GroupError::UnknownServerError,
        }
    }
}
