//! The broker settings that groups obey, and the limits that are ours.

/// Settings of all groups of a broker. `Default` is Kafka's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`
    pub session_timeout_ms_max: i32,
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`
    pub group_size_max: usize,
    /// `offset.metadata.max.bytes`, in UTF-16 units as Kafka counts them.
    pub offset_metadata_max: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`
    pub offsets_retention_check_ms: i64,
    /// Members of one group that were given an id and have not come back with it. One more is
    /// refused with GROUP_MAX_SIZE_REACHED. Kafka keeps any number.
    pub pending_members_max: usize,
}

impl Default for GroupConfig {
    fn default() -> Self {
        GroupConfig {
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            group_size_max: 0x7FFF_FFFF,
            offset_metadata_max: 4_096,
            offsets_retention_ms: 7 * 24 * 60 * 60_000,
            offsets_retention_check_ms: 600_000,
            pending_members_max: 10_000,
        }
    }
}

/// A member that has just joined cannot heartbeat yet: its parked join is given up after this.
pub(super) const NEW_MEMBER_JOIN_TIMEOUT_MS: i32 = 5 * 60_000;
/// Tombstones per append of the periodic clean-up, so that one batch stays far below 1 MiB.
pub(super) const CLEANUP_RECORDS_MAX: usize = 512;
/// Longest string that Kafka's 16-bit lengths hold.
pub(super) const STRING_BYTES_MAX: usize = 0x7FFF;
