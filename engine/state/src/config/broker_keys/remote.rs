//! Keys of tiered storage, all inert until it is built.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { REMOTE:
    "remote.fetch.max.wait.ms" Int = Some("500"), AtLeast(1), Medium, Cluster, Inert;
        "Longest wait for data from the remote tier.";
    "remote.list.offsets.request.timeout.ms" Long = Some("30000"),
        AtLeast(1), Medium, Cluster, Inert;
        "Longest wait for an offset lookup in the remote tier.";
    "remote.log.index.file.cache.total.size.bytes" Long = Some("1073741824"),
        AtLeast(1), Low, Cluster, Inert;
        "Room for indexes fetched from the remote tier.";
    "remote.log.index.file.cache.ttl.ms" Long = Some("900000"), AtLeast(-1), Low, Internal, Inert;
        "How long fetched indexes are kept.";
    "remote.log.manager.copier.thread.pool.size" Int = Some("10"),
        AtLeast(1), Medium, Cluster, Inert;
        "Threads that copy segments to the remote tier.";
    "remote.log.manager.copy.max.bytes.per.second" Long = Some("9223372036854775807"),
        AtLeast(1), Medium, Cluster, Inert;
        "Most bytes a second copied to the remote tier.";
    "remote.log.manager.copy.quota.window.num" Int = Some("11"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Sample windows of the copy quota.";
    "remote.log.manager.copy.quota.window.size.seconds" Int = Some("1"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Length of a sample window of the copy quota.";
    "remote.log.manager.expiration.thread.pool.size" Int = Some("10"),
        AtLeast(1), Medium, Cluster, Inert;
        "Threads that delete old remote segments.";
    "remote.log.manager.fetch.max.bytes.per.second" Long = Some("9223372036854775807"),
        AtLeast(1), Medium, Cluster, Inert;
        "Most bytes a second read from the remote tier.";
    "remote.log.manager.fetch.quota.window.num" Int = Some("11"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Sample windows of the remote read quota.";
    "remote.log.manager.fetch.quota.window.size.seconds" Int = Some("1"),
        AtLeast(1), Medium, ReadOnly, Inert;
        "Length of a sample window of the remote read quota.";
    "remote.log.manager.follower.thread.pool.size" Int = Some("2"),
        AtLeast(1), Medium, Cluster, Inert;
        "Threads for followers of tiered partitions.";
    "remote.log.manager.task.interval.ms" Long = Some("30000"), AtLeast(1), Low, ReadOnly, Inert;
        "How often tiered partitions are looked at.";
    "remote.log.manager.task.retry.backoff.max.ms" Long = Some("30000"),
        AtLeast(1), Low, Internal, Inert;
        "Longest wait after a failed tiering task.";
    "remote.log.manager.task.retry.backoff.ms" Long = Some("500"), AtLeast(1), Low, Internal, Inert;
        "First wait after a failed tiering task.";
    "remote.log.manager.task.retry.jitter" Double = Some("0.2"), Ratio(0.5), Low, Internal, Inert;
        "Random share of that wait.";
    "remote.log.manager.thread.pool.size" Int = Some("2"), AtLeast(1), Medium, ReadOnly, Inert;
        "Threads of the tiering manager.";
    "remote.log.metadata.custom.metadata.max.bytes" Int = Some("128"),
        AtLeast(0), Low, ReadOnly, Inert;
        "Largest custom metadata of a remote segment.";
    "remote.log.metadata.manager.class.name" String =
        Some("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"),
        NonEmpty, Medium, ReadOnly, Inert;
        "JVM class that keeps remote segment metadata.";
    "remote.log.metadata.manager.class.path" String = None, Any, Medium, ReadOnly, Inert;
        "Class path of that class.";
    "remote.log.metadata.manager.impl.prefix" String = Some("rlmm.config."),
        NonEmpty, Medium, ReadOnly, Inert;
        "Prefix of keys passed to that class.";
    "remote.log.metadata.manager.listener.name" String = None, NonEmpty, Medium, ReadOnly, Inert;
        "Listener that class uses.";
    "remote.log.reader.max.pending.tasks" Int = Some("100"), AtLeast(1), Medium, ReadOnly, Inert;
        "Most waiting reads of the remote tier.";
    "remote.log.reader.threads" Int = Some("10"), AtLeast(1), Medium, Cluster, Inert;
        "Threads that read from the remote tier.";
    "remote.log.storage.manager.class.name" String = None, NonEmpty, Medium, ReadOnly, Inert;
        "JVM class of the remote store.";
    "remote.log.storage.manager.class.path" String = None, Any, Medium, ReadOnly, Inert;
        "Class path of that class.";
    "remote.log.storage.manager.impl.prefix" String = Some("rsm.config."),
        NonEmpty, Medium, ReadOnly, Inert;
        "Prefix of keys passed to that class.";
    "remote.log.storage.system.enable" Boolean = Some("false"), Any, Medium, ReadOnly, Inert;
        "Tiered storage is not built yet.";
}
