//! Keys of groups, offsets, share groups, transactions and producer ids.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { COORDINATOR:
    "add.partitions.to.txn.retry.backoff.max.ms" Int = Some("100"),
        AtLeast(0), High, ReadOnly, Inert;
        "Longest retry of adding a partition to a transaction.";
    "add.partitions.to.txn.retry.backoff.ms" Int = Some("20"), AtLeast(1), High, ReadOnly, Inert;
        "Wait between retries of adding a partition to a transaction.";
    "group.consumer.assignment.interval.ms" Int = Some("1000"), AtLeast(0), Medium, Cluster, Inert;
        "Least time between two assignments of a consumer group.";
    "group.consumer.assignors" List = Some("uniform,range"),
        SomeItems(&[]), Medium, ReadOnly, Inert;
        "Assignors of the consumer group protocol.";
    "group.consumer.heartbeat.interval.ms" Int = Some("5000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Heartbeat interval told to consumer group members.";
    "group.consumer.max.assignment.interval.ms" Int = Some("15000"),
        AtLeast(0), Medium, ReadOnly, Inert;
        "Largest assignment interval a consumer group may set.";
    "group.consumer.max.heartbeat.interval.ms" Int = Some("15000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Largest heartbeat interval of a consumer group.";
    "group.consumer.max.session.timeout.ms" Int = Some("60000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Largest session timeout of a consumer group.";
    "group.consumer.max.size" Int = Some("2147483647"), AtLeast(1), Medium, ReadOnly, Inert;
        "Most members of a consumer group.";
    "group.consumer.migration.policy" String = Some("bidirectional"),
        OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]),
        Medium, ReadOnly, Inert;
        "Which way groups may change protocol.";
    "group.consumer.min.assignment.interval.ms" Int = Some("0"),
        AtLeast(0), Medium, ReadOnly, Inert;
        "Smallest assignment interval a consumer group may set.";
    "group.consumer.min.heartbeat.interval.ms" Int = Some("5000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest heartbeat interval of a consumer group.";
    "group.consumer.min.session.timeout.ms" Int = Some("45000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest session timeout of a consumer group.";
    "group.consumer.regex.refresh.interval.ms" Int = Some("600000"),
        AtLeast(10000), Medium, Internal, Inert;
        "How often subscriptions by pattern are resolved.";
    "group.consumer.session.timeout.ms" Int = Some("45000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Silence after which a consumer group member is removed.";
    "group.coordinator.append.linger.ms" Int = Some("-1"), AtLeast(-1), Medium, ReadOnly, Inert;
        "Wait of the coordinator for more records before it writes.";
    "group.coordinator.background.threads" Int = Some("2"), AtLeast(1), High, ReadOnly, Inert;
        "Coordinators run on the shards.";
    "group.coordinator.cached.buffer.max.bytes" Int = Some("1048588"),
        AtLeast(524288), Medium, Cluster, Inert;
        "Buffer the coordinator keeps between writes.";
    "group.coordinator.rebalance.protocols" List = Some("classic,consumer,streams"),
        SomeItems(&["consumer", "classic", "share", "streams"]), Medium, ReadOnly, Inert;
        "Group protocols that are on; classic here.";
    "group.coordinator.threads" Int = Some("4"), AtLeast(1), High, ReadOnly, Mapped;
        "Coordinators run on the shard that owns the offsets partition.";
    "group.initial.rebalance.delay.ms" Int = Some("3000"), Any, Medium, ReadOnly, Honoured;
        "Wait of an empty group for more members.";
    "group.max.session.timeout.ms" Int = Some("1800000"), Any, Medium, ReadOnly, Honoured;
        "Largest session timeout a member may ask for.";
    "group.max.size" Int = Some("2147483647"), AtLeast(1), Medium, ReadOnly, Honoured;
        "Most members of a group.";
    "group.min.session.timeout.ms" Int = Some("6000"), Any, Medium, ReadOnly, Honoured;
        "Smallest session timeout a member may ask for.";
    "group.share.assignment.interval.ms" Int = Some("1000"), AtLeast(0), Medium, Cluster, Inert;
        "Least time between two assignments of a share group.";
    "group.share.assignors" List = Some("simple"), SomeItems(&[]), Medium, ReadOnly, Inert;
        "Assignors of share groups.";
    "group.share.delivery.count.limit" Int = Some("5"), Between(2, 10), Medium, ReadOnly, Inert;
        "Attempts to deliver a record to a share group.";
    "group.share.heartbeat.interval.ms" Int = Some("5000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Heartbeat interval told to share group members.";
    "group.share.initialize.retry.interval.ms" Int = Some("30000"),
        AtLeast(1), Low, Internal, Inert;
        "Wait before share state is initialised again.";
    "group.share.max.assignment.interval.ms" Int = Some("15000"),
        AtLeast(0), Medium, ReadOnly, Inert;
        "Largest assignment interval a share group may set.";
    "group.share.max.delivery.count.limit" Int = Some("10"),
        Between(5, 25), Medium, ReadOnly, Inert;
        "Largest delivery count limit of a share group.";
    "group.share.max.heartbeat.interval.ms" Int = Some("15000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Largest heartbeat interval of a share group.";
    "group.share.max.partition.max.record.locks" Int = Some("4000"),
        Between(2000, 10000), Medium, ReadOnly, Inert;
        "Largest lock limit of a share partition.";
    "group.share.max.record.lock.duration.ms" Int = Some("60000"),
        Between(30000, 3600000), Medium, ReadOnly, Inert;
        "Longest lock of a record.";
    "group.share.max.session.timeout.ms" Int = Some("60000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Largest session timeout of a share group.";
    "group.share.max.share.sessions" Int = Some("2000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Most share sessions at a time.";
    "group.share.max.size" Int = Some("200"), Between(1, 1000), Medium, ReadOnly, Inert;
        "Most members of a share group.";
    "group.share.min.assignment.interval.ms" Int = Some("0"), AtLeast(0), Medium, ReadOnly, Inert;
        "Smallest assignment interval a share group may set.";
    "group.share.min.delivery.count.limit" Int = Some("2"), Between(2, 5), Medium, ReadOnly, Inert;
        "Smallest delivery count limit of a share group.";
    "group.share.min.heartbeat.interval.ms" Int = Some("5000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest heartbeat interval of a share group.";
    "group.share.min.partition.max.record.locks" Int = Some("100"),
        Between(100, 2000), Medium, ReadOnly, Inert;
        "Smallest lock limit of a share partition.";
    "group.share.min.record.lock.duration.ms" Int = Some("15000"),
        Between(1000, 30000), Medium, ReadOnly, Inert;
        "Shortest lock of a record.";
    "group.share.min.session.timeout.ms" Int = Some("45000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest session timeout of a share group.";
    "group.share.partition.max.record.locks" Int = Some("2000"),
        Between(100, 10000), Medium, ReadOnly, Inert;
        "Locked records of one share partition.";
    "group.share.persister.class.name" String =
        Some("org.apache.kafka.server.share.persister.DefaultStatePersister"),
        Any, Medium, Internal, Inert;
        "JVM class that keeps share state.";
    "group.share.record.lock.duration.ms" Int = Some("30000"),
        Between(1000, 3600000), Medium, ReadOnly, Inert;
        "How long a record is locked for one member.";
    "group.share.session.timeout.ms" Int = Some("45000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Silence after which a share group member is removed.";
    "group.streams.assignment.interval.ms" Int = Some("1000"), AtLeast(0), Medium, Cluster, Inert;
        "Least time between two assignments of a streams group.";
    "group.streams.heartbeat.interval.ms" Int = Some("5000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Heartbeat interval told to streams group members.";
    "group.streams.initial.rebalance.delay.ms" Int = Some("3000"),
        AtLeast(0), Medium, ReadOnly, Inert;
        "Wait of an empty streams group for more members.";
    "group.streams.max.assignment.interval.ms" Int = Some("15000"),
        AtLeast(0), Medium, ReadOnly, Inert;
        "Largest assignment interval a streams group may set.";
    "group.streams.max.heartbeat.interval.ms" Int = Some("15000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Largest heartbeat interval of a streams group.";
    "group.streams.max.session.timeout.ms" Int = Some("60000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Largest session timeout of a streams group.";
    "group.streams.max.size" Int = Some("2147483647"), AtLeast(1), Medium, ReadOnly, Inert;
        "Most members of a streams group.";
    "group.streams.max.standby.replicas" Int = Some("2"), AtLeast(0), Medium, ReadOnly, Inert;
        "Most standby replicas of a streams task.";
    "group.streams.min.assignment.interval.ms" Int = Some("0"), AtLeast(0), Medium, ReadOnly, Inert;
        "Smallest assignment interval a streams group may set.";
    "group.streams.min.heartbeat.interval.ms" Int = Some("5000"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest heartbeat interval of a streams group.";
    "group.streams.min.session.timeout.ms" Int = Some("45000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Smallest session timeout of a streams group.";
    "group.streams.num.standby.replicas" Int = Some("0"), AtLeast(0), Medium, ReadOnly, Inert;
        "Standby replicas of a streams task.";
    "group.streams.session.timeout.ms" Int = Some("45000"), AtLeast(1), Medium, ReadOnly, Inert;
        "Silence after which a streams group member is removed.";
    "offset.metadata.max.bytes" Int = Some("4096"), Any, High, ReadOnly, Honoured;
        "Longest note a commit may carry, in bytes.";
    "offsets.commit.timeout.ms" Int = Some("5000"), AtLeast(1), High, ReadOnly, Inert;
        "Longest wait for a commit to be written.";
    "offsets.load.buffer.size" Int = Some("5242880"), AtLeast(1), High, ReadOnly, Inert;
        "Read size when offsets are loaded.";
    "offsets.retention.check.interval.ms" Long = Some("600000"),
        AtLeast(1), High, ReadOnly, Honoured;
        "How often expired offsets are looked for.";
    "offsets.retention.minutes" Int = Some("10080"), AtLeast(1), High, ReadOnly, Honoured;
        "How long offsets of an empty group are kept.";
    "offsets.topic.compression.codec" Int = Some("0"), Any, High, ReadOnly, Inert;
        "Codec of the offsets topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.";
    "offsets.topic.num.partitions" Int = Some("50"), AtLeast(1), High, ReadOnly, Honoured;
        "Partitions of the offsets topic; not to be changed later.";
    "offsets.topic.replication.factor" Short = Some("3"), AtLeast(1), High, ReadOnly, Mapped;
        "Replicas of the offsets topic; one on a single node.";
    "offsets.topic.segment.bytes" Int = Some("104857600"), AtLeast(1), High, ReadOnly, Honoured;
        "Segment size of the offsets topic.";
    "producer.id.expiration.check.interval.ms" Int = Some("600000"),
        AtLeast(1), Low, Internal, Inert;
        "How often idle producer ids are looked for.";
    "producer.id.expiration.ms" Int = Some("86400000"), AtLeast(1), Low, Cluster, Honoured;
        "Idle time after which a producer id is forgotten.";
    "share.coordinator.append.linger.ms" Int = Some("-1"), AtLeast(-1), Medium, ReadOnly, Inert;
        "Wait of the share coordinator for more records.";
    "share.coordinator.cached.buffer.max.bytes" Int = Some("1048588"),
        AtLeast(524288), Medium, Cluster, Inert;
        "Buffer the share coordinator keeps between writes.";
    "share.coordinator.cold.partition.snapshot.interval.ms" Int = Some("300000"),
        AtLeast(1), Low, Internal, Inert;
        "How often idle share state is written whole.";
    "share.coordinator.load.buffer.size" Int = Some("5242880"), AtLeast(1), High, ReadOnly, Inert;
        "Read size when share state is loaded.";
    "share.coordinator.snapshot.update.records.per.snapshot" Int = Some("500"),
        Between(0, 500), Medium, ReadOnly, Inert;
        "Updates of share state between two snapshots.";
    "share.coordinator.state.topic.compression.codec" Int = Some("0"), Any, High, ReadOnly, Inert;
        "Codec of the share state topic.";
    "share.coordinator.state.topic.min.isr" Short = Some("2"), AtLeast(1), High, ReadOnly, Inert;
        "In-sync replicas the share state topic needs.";
    "share.coordinator.state.topic.num.partitions" Int = Some("50"),
        AtLeast(1), High, ReadOnly, Inert;
        "Partitions of the share state topic.";
    "share.coordinator.state.topic.prune.interval.ms" Int = Some("300000"),
        AtLeast(1), Low, Internal, Inert;
        "How often the share state topic is pruned.";
    "share.coordinator.state.topic.replication.factor" Short = Some("3"),
        AtLeast(1), High, ReadOnly, Inert;
        "Replicas of the share state topic.";
    "share.coordinator.state.topic.segment.bytes" Int = Some("104857600"),
        AtLeast(1), High, ReadOnly, Inert;
        "Segment size of the share state topic.";
    "share.coordinator.threads" Int = Some("1"), AtLeast(1), Medium, ReadOnly, Inert;
        "Threads of the share coordinator.";
    "share.coordinator.write.timeout.ms" Int = Some("5000"), AtLeast(1), High, ReadOnly, Inert;
        "Longest wait for a write of share state.";
    "share.fetch.purgatory.purge.interval.requests" Int = Some("1000"),
        Any, Medium, ReadOnly, Inert;
        "Waiting share fetches before a purge.";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms" Int = Some("10000"),
        AtLeast(1), Low, ReadOnly, Inert;
        "How often timed out transactions are looked for.";
    "transaction.max.timeout.ms" Int = Some("900000"), AtLeast(1), High, ReadOnly, Inert;
        "Longest transaction timeout a producer may ask for.";
    "transaction.partition.verification.enable" Boolean = Some("true"), Any, Low, Cluster, Inert;
        "Check that a partition belongs to the transaction.";
    "transaction.remove.expired.transaction.cleanup.interval.ms" Int = Some("3600000"),
        AtLeast(1), Low, ReadOnly, Inert;
        "How often expired transactional ids are looked for.";
    "transaction.state.log.load.buffer.size" Int = Some("5242880"),
        AtLeast(1), High, ReadOnly, Inert;
        "Read size when transactions are loaded.";
    "transaction.state.log.min.isr" Int = Some("2"), AtLeast(1), High, ReadOnly, Inert;
        "In-sync replicas the transaction topic needs.";
    "transaction.state.log.num.partitions" Int = Some("50"), AtLeast(1), High, ReadOnly, Inert;
        "Partitions of the transaction topic.";
    "transaction.state.log.replication.factor" Short = Some("3"), AtLeast(1), High, ReadOnly, Inert;
        "Replicas of the transaction topic.";
    "transaction.state.log.segment.bytes" Int = Some("104857600"),
        AtLeast(1), High, ReadOnly, Inert;
        "Segment size of the transaction topic.";
    "transaction.two.phase.commit.enable" Boolean = Some("false"), Any, Low, ReadOnly, Inert;
        "Allow transactions without a timeout.";
    "transactional.id.expiration.ms" Int = Some("604800000"), AtLeast(1), High, ReadOnly, Inert;
        "Idle time after which a transactional id is forgotten.";
}
