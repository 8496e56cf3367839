//! What requests and responses have beyond any message: which API they belong to, and each other.

use crate::generated::ApiKey;
use engine_base::message::Message;

/// A request. Writing one in a version that cannot carry a field that is set (and that Kafka does
/// not mark as ignorable) is an error, for the answer would not be what the caller asked for.
pub trait Request<'a>: Message<'a> {
    const API: ApiKey;
    type Response<'r>: Response<'r>;
}

/// A response. Fields that a version cannot carry are left out, null where a version has no null
/// becomes empty: the server fills in all it knows and the version decides what is sent.
pub trait Response<'a>: Message<'a> {
    const API: ApiKey;
}
