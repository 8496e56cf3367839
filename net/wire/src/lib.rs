//! Kafka's protocol without I/O: requests and responses as borrowed views of received bytes and as
//! values to send, headers, frames, error codes. The messages are generated from `schema/`; see
//! its README for the language. Used by `net/server` on every core, by the client side of
//! `tools/tidemill`, and by tests. Nothing here panics on bytes from outside, or allocates on
//! their word.

pub mod error_code;
pub mod frame;
pub mod generated;
pub mod header;
pub mod message;
pub mod records;
pub mod segments;

pub use error_code::ErrorCode;
pub use generated::{APIS, AnyRequest, AnyResponse, Api, ApiKey};
pub use header::{HeaderError, RequestHeader, ResponseHeader};
pub use message::{Request, Response};
pub use records::Records;
pub use segments::Segments;
