//! Random messages of every kind and version, and a way over all of them.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use engine_base::Uuid;
use engine_base::message::{Array, Version};
use engine_state::generated::{
    broker_registration_change, config, feature_level, group_metadata, leader_change, no_op,
    offset_commit, partition, partition_change, producer_ids, register_broker, remove_topic,
    snapshot_footer, snapshot_header, topic,
};

/// A small generator of numbers (SplitMix64): a test is repeated by its seed.
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a usize is below 2^64");
        usize::try_from(self.next() % end).expect("below a usize")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Null in one of four cases.
    pub fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(4) == 0 { None } else { Some(value(self)) }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }
}

/// A random value with something in every field that the version has.
pub trait Sample {
    fn sample(random: &mut Random, version: Version) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random, _: Version) -> Self {
                let edges = [0, 1, <$type>::MAX, <$type>::MIN, <$type>::MAX / 2];
                match random.below(3) {
                    0 => random.pick(&edges),
                    _ => <$type>::from_le_bytes(random.bytes()),
                }
            }
        }
    )*};
}

number!(i8 i16 u16 i32 i64);

impl Sample for bool {
    fn sample(random: &mut Random, _: Version) -> Self {
        random.below(2) == 0
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _: Version) -> Self {
        if random.below(4) == 0 { Uuid::ZERO } else { Uuid::from_bytes(random.bytes()) }
    }
}

/// Around the lengths where a compact length takes another byte.
const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

impl Sample for &'static str {
    fn sample(random: &mut Random, _: Version) -> Self {
        match random.below(6) {
            0 => &LONG[..random.below(LONG.len() - 120) + 120],
            1 => "Gr\u{fc}\u{df}e \u{1f600}",
            2 => "",
            _ => &LONG[..random.below(20)],
        }
    }
}

impl Sample for &'static [u8] {
    fn sample(random: &mut Random, version: Version) -> Self {
        <&'static str>::sample(random, version).as_bytes()
    }
}

impl<T: Sample> Sample for Array<'static, T> {
    fn sample(random: &mut Random, version: Version) -> Self {
        let count = random.pick(&[0, 1, 1, 2, 3]);
        (0..count).map(|_| T::sample(random, version)).collect()
    }
}

/// Is shown every type of message.
pub trait Visitor {
    fn visit<M>(&mut self)
    where
        M: engine_base::message::Message<'static> + Sample + PartialEq + std::fmt::Debug;
}

pub fn visit_all(visitor: &mut impl Visitor) {
    visitor.visit::<register_broker::RegisterBrokerRecord>();
    visitor.visit::<topic::TopicRecord>();
    visitor.visit::<partition::PartitionRecord>();
    visitor.visit::<config::ConfigRecord>();
    visitor.visit::<partition_change::PartitionChangeRecord>();
    visitor.visit::<remove_topic::RemoveTopicRecord>();
    visitor.visit::<feature_level::FeatureLevelRecord>();
    visitor.visit::<producer_ids::ProducerIdsRecord>();
    visitor.visit::<broker_registration_change::BrokerRegistrationChangeRecord>();
    visitor.visit::<no_op::NoOpRecord>();
    visitor.visit::<offset_commit::OffsetCommitKey>();
    visitor.visit::<offset_commit::OffsetCommitValue>();
    visitor.visit::<group_metadata::GroupMetadataKey>();
    visitor.visit::<group_metadata::GroupMetadataValue>();
    visitor.visit::<leader_change::LeaderChangeMessage>();
    visitor.visit::<snapshot_header::SnapshotHeaderRecord>();
    visitor.visit::<snapshot_footer::SnapshotFooterRecord>();
}

impl Sample for register_broker::RegisterBrokerRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        register_broker::RegisterBrokerRecord {
            broker_id: Sample::sample(random, version),
            is_migrating_zk_broker: if version.number >= 2 {
                Sample::sample(random, version)
            } else {
                false
            },
            incarnation_id: Sample::sample(random, version),
            broker_epoch: Sample::sample(random, version),
            end_points: Sample::sample(random, version),
            features: Sample::sample(random, version),
            rack: random.maybe(|random| Sample::sample(random, version)),
            fenced: Sample::sample(random, version),
            in_controlled_shutdown: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                false
            },
            log_dirs: if version.number >= 3 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            cordoned_log_dirs: if version.number >= 4 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for register_broker::BrokerEndpoint<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        register_broker::BrokerEndpoint {
            name: Sample::sample(random, version),
            host: Sample::sample(random, version),
            port: Sample::sample(random, version),
            security_protocol: Sample::sample(random, version),
        }
    }
}

impl Sample for register_broker::BrokerFeature<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        register_broker::BrokerFeature {
            name: Sample::sample(random, version),
            min_supported_version: Sample::sample(random, version),
            max_supported_version: Sample::sample(random, version),
        }
    }
}

impl Sample for topic::TopicRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        topic::TopicRecord {
            name: Sample::sample(random, version),
            topic_id: Sample::sample(random, version),
        }
    }
}

impl Sample for partition::PartitionRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        partition::PartitionRecord {
            partition_id: Sample::sample(random, version),
            topic_id: Sample::sample(random, version),
            replicas: Sample::sample(random, version),
            isr: Sample::sample(random, version),
            removing_replicas: Sample::sample(random, version),
            adding_replicas: Sample::sample(random, version),
            leader: Sample::sample(random, version),
            leader_recovery_state: Sample::sample(random, version),
            leader_epoch: Sample::sample(random, version),
            partition_epoch: Sample::sample(random, version),
            directories: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            eligible_leader_replicas: if version.number >= 2 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            last_known_elr: if version.number >= 2 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for config::ConfigRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        config::ConfigRecord {
            resource_type: Sample::sample(random, version),
            resource_name: Sample::sample(random, version),
            name: Sample::sample(random, version),
            value: random.maybe(|random| Sample::sample(random, version)),
        }
    }
}

impl Sample for partition_change::PartitionChangeRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        partition_change::PartitionChangeRecord {
            partition_id: Sample::sample(random, version),
            topic_id: Sample::sample(random, version),
            isr: random.maybe(|random| Sample::sample(random, version)),
            leader: Sample::sample(random, version),
            replicas: random.maybe(|random| Sample::sample(random, version)),
            removing_replicas: random.maybe(|random| Sample::sample(random, version)),
            adding_replicas: random.maybe(|random| Sample::sample(random, version)),
            leader_recovery_state: Sample::sample(random, version),
            directories: if version.number >= 1 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            eligible_leader_replicas: if version.number >= 2 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            last_known_elr: if version.number >= 2 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for remove_topic::RemoveTopicRecord {
    fn sample(random: &mut Random, version: Version) -> Self {
        remove_topic::RemoveTopicRecord { topic_id: Sample::sample(random, version) }
    }
}

impl Sample for feature_level::FeatureLevelRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        feature_level::FeatureLevelRecord {
            name: Sample::sample(random, version),
            feature_level: Sample::sample(random, version),
        }
    }
}

impl Sample for producer_ids::ProducerIdsRecord {
    fn sample(random: &mut Random, version: Version) -> Self {
        producer_ids::ProducerIdsRecord {
            broker_id: Sample::sample(random, version),
            broker_epoch: Sample::sample(random, version),
            next_producer_id: Sample::sample(random, version),
        }
    }
}

impl Sample for broker_registration_change::BrokerRegistrationChangeRecord<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        broker_registration_change::BrokerRegistrationChangeRecord {
            broker_id: Sample::sample(random, version),
            broker_epoch: Sample::sample(random, version),
            fenced: Sample::sample(random, version),
            in_controlled_shutdown: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                0
            },
            log_dirs: if version.number >= 2 {
                Sample::sample(random, version)
            } else {
                Array::EMPTY
            },
            cordoned_log_dirs: if version.number >= 3 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
        }
    }
}

impl Sample for no_op::NoOpRecord {
    fn sample(_: &mut Random, _: Version) -> Self {
        no_op::NoOpRecord {}
    }
}

impl Sample for offset_commit::OffsetCommitKey<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitKey {
            group: Sample::sample(random, version),
            topic: Sample::sample(random, version),
            partition: Sample::sample(random, version),
        }
    }
}

impl Sample for offset_commit::OffsetCommitValue<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        offset_commit::OffsetCommitValue {
            offset: Sample::sample(random, version),
            leader_epoch: if version.number >= 3 { Sample::sample(random, version) } else { -1 },
            metadata: Sample::sample(random, version),
            commit_timestamp: Sample::sample(random, version),
            expire_timestamp: if version.number == 1 {
                Sample::sample(random, version)
            } else {
                -1
            },
            topic_id: if version.number >= 4 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
        }
    }
}

impl Sample for group_metadata::GroupMetadataKey<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        group_metadata::GroupMetadataKey { group: Sample::sample(random, version) }
    }
}

impl Sample for group_metadata::GroupMetadataValue<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        group_metadata::GroupMetadataValue {
            protocol_type: Sample::sample(random, version),
            generation: Sample::sample(random, version),
            protocol: random.maybe(|random| Sample::sample(random, version)),
            leader: random.maybe(|random| Sample::sample(random, version)),
            current_state_timestamp: if version.number >= 2 {
                Sample::sample(random, version)
            } else {
                -1
            },
            members: Sample::sample(random, version),
        }
    }
}

impl Sample for group_metadata::MemberMetadata<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        group_metadata::MemberMetadata {
            member_id: Sample::sample(random, version),
            group_instance_id: if version.number >= 3 {
                random.maybe(|random| Sample::sample(random, version))
            } else {
                None
            },
            client_id: Sample::sample(random, version),
            client_host: Sample::sample(random, version),
            rebalance_timeout: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                -1
            },
            session_timeout: Sample::sample(random, version),
            subscription: Sample::sample(random, version),
            assignment: Sample::sample(random, version),
        }
    }
}

impl Sample for leader_change::LeaderChangeMessage<'static> {
    fn sample(random: &mut Random, version: Version) -> Self {
        leader_change::LeaderChangeMessage {
            version: Sample::sample(random, version),
            leader_id: Sample::sample(random, version),
            voters: Sample::sample(random, version),
            granting_voters: Sample::sample(random, version),
        }
    }
}

impl Sample for leader_change::Voter {
    fn sample(random: &mut Random, version: Version) -> Self {
        leader_change::Voter {
            voter_id: Sample::sample(random, version),
            voter_directory_id: if version.number >= 1 {
                Sample::sample(random, version)
            } else {
                Uuid::ZERO
            },
        }
    }
}

impl Sample for snapshot_header::SnapshotHeaderRecord {
    fn sample(random: &mut Random, version: Version) -> Self {
        snapshot_header::SnapshotHeaderRecord {
            version: Sample::sample(random, version),
            last_contained_log_timestamp: Sample::sample(random, version),
        }
    }
}

impl Sample for snapshot_footer::SnapshotFooterRecord {
    fn sample(random: &mut Random, version: Version) -> Self {
        snapshot_footer::SnapshotFooterRecord { version: Sample::sample(random, version) }
    }
}
