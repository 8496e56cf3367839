//! The Kafka listener of the broker: connections, the dispatch table, one file per API, and boot.
//! Everything here runs on the shard that accepted the connection; what belongs to another shard is
//! reached through the engine's calls.

pub mod answers;
pub mod api;
pub mod boot;
pub mod config;
pub mod connection;
pub mod context;
pub mod dispatch;
pub mod error;
pub mod frames;
pub mod listener;
pub mod memory;
pub mod pipeline;
pub mod request;
pub mod serving;
pub mod session;
pub mod work;
