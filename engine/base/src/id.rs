//! Newtypes for what must not mix. Units: offsets count records, positions count bytes.

use crate::Uuid;
use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number!(
    /// Position of a record in its partition. Kafka's wire type; valid ones are not negative.
    Offset, i64
);
number!(
    /// Kafka's leader epoch of a partition.
    LeaderEpoch, i32
);
number!(
    /// Id of an idempotent or transactional producer.
    ProducerId, i64
);
number!(
    /// Epoch that fences older instances of one producer id.
    ProducerEpoch, i16
);
number!(
    /// Index of a shard, counting from zero.
    ShardId, u16
);

impl Offset {
    pub const ZERO: Offset = Offset(0);

    /// The offset `count` records further on.
    #[must_use]
    pub fn plus(self, count: i64) -> Offset {
        Offset(self.0.checked_add(count).expect("offsets stay below 2^63"))
    }
}

impl ShardId {
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A partition by the id of its topic: stable over a topic's deletion and re-creation by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TopicPartition {
    pub topic_id: Uuid,
    pub partition: i32,
}

impl TopicPartition {
    /// The shard that owns this partition among `shard_count`. Neighbouring partitions of one
    /// topic go to neighbouring shards, so that a topic with as many partitions as shards uses all
    /// of them. The metadata log lives on shard 0. The result is not stored: a restart with another
    /// count of shards re-divides the partitions.
    pub fn owner(&self, shard_count: u16) -> ShardId {
        assert!(shard_count > 0);
        assert!(self.partition >= 0);
        if self.topic_id == Uuid::METADATA_TOPIC {
            return ShardId(0);
        }
        let bytes = self.topic_id.as_bytes();
        let salt = u64::from(u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]));
        let index = (salt + u64::from(self.partition.unsigned_abs())) % u64::from(shard_count);
        ShardId(u16::try_from(index).expect("below a u16"))
    }
}

#[cfg(test)]
mod tests {
    use super::{ShardId, TopicPartition};
    use crate::Uuid;

    #[test]
    fn partitions_spread_over_all_shards() {
        let topic_id = Uuid::from_bytes(*b"0123456789abcdef");
        for shard_count in 1..9u16 {
            let mut seen = vec![0; usize::from(shard_count)];
            for partition in 0..i32::from(shard_count) {
                seen[TopicPartition { topic_id, partition }.owner(shard_count).index()] += 1;
            }
            assert!(seen.iter().all(|count| *count == 1), "{shard_count} shards: {seen:?}");
        }
    }

    #[test]
    fn metadata_lives_on_shard_zero() {
        let metadata = TopicPartition { topic_id: Uuid::METADATA_TOPIC, partition: 0 };
        assert_eq!(metadata.owner(7), ShardId(0));
    }
}
