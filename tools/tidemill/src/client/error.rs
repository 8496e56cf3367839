//! What can go wrong between this client and a broker, and how it is put to the user.

use super::Address;
use crate::failure::Failure;
use engine_base::codec::DecodeError;
use engine_base::message::EncodeError;
use net_wire::ErrorCode;
use std::fmt;
use std::io;

#[derive(Debug)]
pub enum ClientError {
    /// No connection could be made.
    Connect { address: Address, error: io::Error },
    /// An established connection broke.
    Broken { address: Address, error: io::Error },
    /// The answer did not come in time.
    Timeout { address: Address, what: &'static str },
    /// What came is no answer in Kafka's protocol.
    Protocol { address: Address, what: String },
    /// The broker has no version of the API that this client knows.
    Unsupported { address: Address, api: &'static str },
    /// The broker refused; `what` is what was asked for, such as `topic orders`.
    Refused { what: String, code: ErrorCode, message: Option<String> },
    /// Our own request cannot be written.
    Encode(EncodeError),
}

impl ClientError {
    pub fn refused(what: impl Into<String>, code: ErrorCode, message: Option<&str>) -> Self {
        let message = message.filter(|text| !text.is_empty()).map(str::to_owned);
        ClientError::Refused { what: what.into(), code, message }
    }

    /// Kafka's code if the broker refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same request may succeed later, on a fresh connection.
    pub fn is_retriable(&self) -> bool {
        match self {
            ClientError::Connect { .. }
            | ClientError::Broken { .. }
            | ClientError::Timeout { .. } => true,
            ClientError::Refused { code, .. } => code.is_retriable(),
            ClientError::Protocol { .. }
            | ClientError::Unsupported { .. }
            | ClientError::Encode(_) => false,
        }
    }

    /// Whether the connection is of no more use.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            ClientError::Connect { .. }
                | ClientError::Broken { .. }
                | ClientError::Timeout { .. }
                | ClientError::Protocol { .. }
        )
    }

    pub fn malformed(address: &Address, what: &str, error: DecodeError) -> Self {
        ClientError::Protocol { address: address.clone(), what: format!("{what}: {error}") }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Connect { address, error } => {
                write!(f, "cannot reach a broker at {address}: {error}")
            }
            ClientError::Broken { address, error }
                if error.kind() == io::ErrorKind::UnexpectedEof =>
            {
                write!(f, "the broker at {address} closed the connection")
            }
            ClientError::Broken { address, error } => {
                write!(f, "the connection to {address} broke: {error}")
            }
            ClientError::Timeout { address, what } => {
                write!(f, "no answer from {address} to {what} in time")
            }
            ClientError::Protocol { address, what } => {
                write!(f, "the answer from {address} is not Kafka's protocol: {what}")
            }
            ClientError::Unsupported { address, api } => {
                write!(f, "the broker at {address} does not offer {api}")
            }
            ClientError::Refused { what, code, message } => match message {
                Some(message) => write!(f, "{what}: {message} ({code})"),
                None => write!(f, "{what}: {code}"),
            },
            ClientError::Encode(error) => write!(f, "the request cannot be sent: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<EncodeError> for ClientError {
    fn from(error: EncodeError) -> Self {
        ClientError::Encode(error)
    }
}

/// An error unless `code` is none. Codes of later Kafka versions count as unknown server errors.
pub fn check(
    code: i16,
    message: Option<&str>,
    what: impl FnOnce() -> String,
) -> Result<(), ClientError> {
    let code = ErrorCode::from_code(code).unwrap_or(ErrorCode::UnknownServerError);
    if code.is_error() { Err(ClientError::refused(what(), code, message)) } else { Ok(()) }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        let message = error.to_string();
        match error {
            ClientError::Connect { .. } => Failure::unreachable(message)
                .hint("is the broker running? name another address with --bootstrap HOST:PORT"),
            ClientError::Broken { .. } => Failure::unreachable(message)
                .hint("is this the plaintext listener of a Kafka broker?"),
            ClientError::Timeout { .. } => Failure::unreachable(message)
                .hint("wait longer with --request-timeout, or look into the broker's log"),
            ClientError::Protocol { .. } => {
                Failure::new(message).hint("is this the plaintext listener of a Kafka broker?")
            }
            ClientError::Refused { code, .. } => match hint(code) {
                Some(hint) => Failure::new(message).hint(hint),
                None => Failure::new(message),
            },
            ClientError::Unsupported { .. } | ClientError::Encode(_) => Failure::new(message),
        }
    }
}

/// What a user can do about it, if that is known.
pub fn hint(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId => {
            "see what there is with: tidemill topic list"
        }
        ErrorCode::TopicAlreadyExists => "add --if-not-exists if that is fine",
        ErrorCode::InvalidTopicException => {
            "names have 1 to 249 of the characters a-z A-Z 0-9 . _ -, and are not . or .."
        }
        ErrorCode::InvalidReplicationFactor => {
            "there are fewer brokers than copies: use --replication-factor 1"
        }
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => {
            "send smaller batches with --batch-bytes, or raise max.message.bytes of the topic"
        }
        ErrorCode::NotEnoughReplicas | ErrorCode::NotEnoughReplicasAfterAppend => {
            "fewer replicas are in sync than min.insync.replicas asks for"
        }
        ErrorCode::KafkaStorageError => {
            "the broker cannot write to its disk: look into its log, and at the space left"
        }
        ErrorCode::GroupIdNotFound => "see what there is with: tidemill group list",
        ErrorCode::InvalidRecord => "a compacted topic needs a key in every record",
        ErrorCode::TopicAuthorizationFailed
        | ErrorCode::GroupAuthorizationFailed
        | ErrorCode::ClusterAuthorizationFailed => "this client may not do that",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ClientError, check};
    use crate::failure::{Failure, Kind};
    use net_wire::ErrorCode;
    use std::io;

    #[test]
    fn errors_say_what_to_do() {
        let address = "b:9092".parse().expect("an address");
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        let failure = Failure::from(ClientError::Connect { address, error });
        assert_eq!(failure.kind, Kind::Unreachable);
        assert_eq!(
            failure.to_string(),
            "cannot reach a broker at b:9092: connection refused\n\
             is the broker running? name another address with --bootstrap HOST:PORT"
        );
        let code = ErrorCode::UnknownTopicOrPartition;
        let failure = Failure::from(ClientError::refused("topic a", code, None));
        assert_eq!(
            failure.to_string(),
            "topic a: UNKNOWN_TOPIC_OR_PARTITION\nsee what there is with: tidemill topic list"
        );
        let refused = ClientError::refused("topic a", ErrorCode::InvalidConfig, Some("bad"));
        assert_eq!(refused.to_string(), "topic a: bad (INVALID_CONFIG)");
    }

    #[test]
    fn codes_are_checked() {
        assert!(check(0, None, || unreachable!("no error, no text")).is_ok());
        let error = check(3, None, || "x".into()).expect_err("an error");
        assert_eq!(error.code(), Some(ErrorCode::UnknownTopicOrPartition));
        assert!(error.is_retriable() && !error.is_connection());
        let later = check(9999, None, || "x".into()).expect_err("an error");
        assert_eq!(later.code(), Some(ErrorCode::UnknownServerError));
    }
}
