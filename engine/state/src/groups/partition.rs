//! Which partition of `__consumer_offsets` a group belongs to. Source: Kafka's
//! `GroupCoordinatorService.partitionFor`, Java's `String.hashCode`.

/// The partition of a group. Kafka's rule: a group must be found where a Kafka broker put it.
pub fn group_partition(group_id: &str, partition_count: i32) -> i32 {
    assert!(partition_count > 0);
    let hash = group_id
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs`: the one number without a positive counterpart becomes 0.
    hash.checked_abs().unwrap_or(0) % partition_count
}

#[cfg(test)]
mod tests {
    use super::group_partition;

    /// Printed by Kafka 4.3.1's `Utils.abs(id.hashCode()) % n`.
    #[test]
    fn groups_are_where_kafka_puts_them() {
        for (id, of_50, of_7) in [
            ("", 0, 0),
            ("a", 47, 6),
            ("grp", 29, 2),
            ("my-consumer-group", 13, 5),
            ("gruppe-\u{fc}", 22, 2),
            ("\u{1f600}x", 39, 0),
            ("polygenelubricants", 0, 0),
        ] {
            assert_eq!((group_partition(id, 50), group_partition(id, 7)), (of_50, of_7), "{id}");
        }
    }
}
