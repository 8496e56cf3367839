//! Random messages of every kind and version, and a walk over all of them.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::sample::{Random, Sample, Visitor};
use engine_base::Uuid;
use engine_base::message::Array;
use engine_base::message::Version;
use engine_state::generated::broker_registration_change;
use engine_state::generated::config;
use engine_state::generated::feature_level;
use engine_state::generated::group_metadata;
use engine_state::generated::leader_change;
use engine_state::generated::no_op;
use engine_state::generated::offset_commit;
use engine_state::generated::partition;
use engine_state::generated::partition_change;
use engine_state::generated::producer_ids;
use engine_state::generated::register_broker;
use engine_state::generated::remove_topic;
use engine_state::generated::snapshot_footer;
use engine_state::generated::snapshot_header;
use engine_state::generated::topic;

/// Shows every type of message to the visitor.
pub fn visit_all(visitor: &mut impl Visitor) {
    visitor.record::<register_broker::RegisterBrokerRecord>();
    visitor.record::<topic::TopicRecord>();
    visitor.record::<partition::PartitionRecord>();
    visitor.record::<config::ConfigRecord>();
    visitor.record::<partition_change::PartitionChangeRecord>();
    visitor.record::<remove_topic::RemoveTopicRecord>();
    visitor.record::<feature_level::FeatureLevelRecord>();
    visitor.record::<producer_ids::ProducerIdsRecord>();
    visitor.record::<broker_registration_change::BrokerRegistrationChangeRecord>();
    visitor.record::<no_op::NoOpRecord>();
    visitor.record::<offset_commit::OffsetCommitKey>();
    visitor.record::<offset_commit::OffsetCommitValue>();
    visitor.record::<group_metadata::GroupMetadataKey>();
    visitor.record::<group_metadata::GroupMetadataValue>();
    visitor.record::<leader_change::LeaderChangeMessage>();
    visitor.record::<snapshot_header::SnapshotHeaderRecord>();
    visitor.record::<snapshot_footer::SnapshotFooterRecord>();
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
