//! A small blocking Kafka client on plain sockets: one connection, or a cluster of them. It knows
//! nothing of commands. Works with every broker that speaks Kafka's protocol: versions are agreed
//! on with ApiVersions on each connection.

pub mod address;
pub mod args;
pub mod assignment;
pub mod cluster;
pub mod connection;
pub mod error;
pub mod metadata;
pub mod offsets;
pub mod pipe;
pub mod versions;

pub use address::Address;
pub use args::ClusterArgs;
pub use cluster::Cluster;
pub use connection::{Connection, Reply, Timeouts};
pub use error::{ClientError, check};
pub use metadata::{Metadata, Topic};
