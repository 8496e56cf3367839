//! What commands need to know of the broker's file.

use crate::config::ConfigMap;

#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub node_id: i32,
    /// Configs of the broker's file, environment and command line.
    pub fixed: &'a ConfigMap,
    /// `num.partitions`.
    pub default_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `delete.topic.enable`.
    pub topics_can_be_deleted: bool,
}

/// Partitions, summed over the topics of one request, that may be created at most
/// (`ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`).
pub const PARTITIONS_PER_REQUEST_MAX: i64 = 10_000;
pub(super) const TOO_MANY_PARTITIONS: &str = "Excessively large number of partitions per request.";
