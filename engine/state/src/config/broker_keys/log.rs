//! Keys of partitions: segments, retention, compaction, replication.
//! Facts from Kafka 4.3.1; see [`super`].

use crate::config::key::keys;

keys! { LOG:
    "alter.log.dirs.replication.quota.window.num" Int = Some("11"),
        AtLeast(1), Low, ReadOnly, Inert;
        "Sample windows of moves between log directories.";
    "alter.log.dirs.replication.quota.window.size.seconds" Int = Some("1"),
        AtLeast(1), Low, ReadOnly, Inert;
        "Length of a sample window of moves between log directories.";
    "auto.create.topics.enable" Boolean = Some("true"), Any, High, ReadOnly, Honoured;
        "Create a missing topic when a client asks for its metadata.";
    "compression.gzip.level" Int = Some("-1"), GzipLevel, Medium, Cluster, Honoured;
        "Level of gzip where the broker compresses.";
    "compression.lz4.level" Int = Some("9"), Between(1, 17), Medium, Cluster, Inert;
        "Level of lz4 where the broker compresses.";
    "compression.type" String = Some("producer"),
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        High, Cluster, Honoured;
        "Codec of stored batches; producer keeps the sender's.";
    "compression.zstd.level" Int = Some("3"), Between(-131072, 22), Medium, Cluster, Honoured;
        "Level of zstd where the broker compresses.";
    "cordoned.log.dirs" List = Some(""), Items(&[]), Medium, PerBroker, Inert;
        "Log directories that take no new partitions.";
    "default.replication.factor" Int = Some("1"), Any, Medium, ReadOnly, Honoured;
        "Replicas of a new topic that names none.";
    "delete.records.purgatory.purge.interval.requests" Int = Some("1"),
        Any, Medium, ReadOnly, Inert;
        "Nothing is kept that would need purging.";
    "delete.topic.enable" Boolean = Some("true"), Any, High, ReadOnly, Honoured;
        "Whether topics may be deleted.";
    "follower.fetch.last.tiered.offset.enable" Boolean = Some("false"), Any, Medium, Cluster, Inert;
        "Where a new follower of a tiered topic starts.";
    "log.cleaner.backoff.ms" Long = Some("15000"), AtLeast(0), Medium, Cluster, Inert;
        "Pause of the compaction when nothing is dirty.";
    "log.cleaner.dedupe.buffer.size" Long = Some("134217728"), Any, Medium, Cluster, Inert;
        "Memory of the compaction's key table in bytes.";
    "log.cleaner.delete.retention.ms" Long = Some("86400000"), AtLeast(0), Medium, Cluster, Inert;
        "How long tombstones of compacted topics are kept.";
    "log.cleaner.enable" Boolean = Some("true"), Any, Medium, ReadOnly, Inert;
        "Whether compaction runs; it is not built yet.";
    "log.cleaner.io.buffer.load.factor" Double = Some("0.9"), Any, Medium, Cluster, Inert;
        "How full the compaction's key table may be.";
    "log.cleaner.io.buffer.size" Int = Some("524288"), AtLeast(0), Medium, Cluster, Inert;
        "Buffer of the compaction in bytes.";
    "log.cleaner.io.max.bytes.per.second" Double = Some("1.7976931348623157E308"),
        Any, Medium, Cluster, Inert;
        "Most bytes a second the compaction reads and writes.";
    "log.cleaner.max.compaction.lag.ms" Long = Some("9223372036854775807"),
        AtLeast(1), Medium, Cluster, Inert;
        "Longest time a record stays uncompacted.";
    "log.cleaner.min.cleanable.ratio" Double = Some("0.5"), Ratio(1.0), Medium, Cluster, Inert;
        "Share of dirty bytes at which compaction starts.";
    "log.cleaner.min.compaction.lag.ms" Long = Some("0"), AtLeast(0), Medium, Cluster, Inert;
        "Time a record stays uncompacted at least.";
    "log.cleaner.threads" Int = Some("1"), AtLeast(0), Medium, Cluster, Inert;
        "Threads of the compaction.";
    "log.cleanup.policy" List = Some("delete"),
        Items(&["compact", "delete"]), Medium, Cluster, Honoured;
        "What happens to old segments: delete or compact; compact keeps all so far.";
    "log.dir" List = Some("/tmp/kafka-logs"), SomeItems(&[]), High, ReadOnly, Honoured;
        "Data directory; log.dirs goes first.";
    "log.dir.failure.timeout.ms" Long = Some("30000"), AtLeast(1), Low, ReadOnly, Inert;
        "How long a failed directory may stay unreported.";
    "log.dirs" List = None, SomeItems(&[]), High, ReadOnly, Honoured;
        "Data directories; one is supported.";
    "log.flush.interval.messages" Long = Some("9223372036854775807"),
        AtLeast(1), High, Cluster, Honoured;
        "Records after which a partition is flushed.";
    "log.flush.interval.ms" Long = None, Any, High, Cluster, Honoured;
        "Time after which a partition is flushed.";
    "log.flush.offset.checkpoint.interval.ms" Int = Some("60000"),
        AtLeast(0), High, ReadOnly, Inert;
        "How often recovery points are written.";
    "log.flush.scheduler.interval.ms" Long = Some("9223372036854775807"),
        Any, High, ReadOnly, Mapped;
        "Flushing is not polled; counts as log.flush.interval.ms if that is unset.";
    "log.flush.start.offset.checkpoint.interval.ms" Int = Some("60000"),
        AtLeast(0), High, ReadOnly, Inert;
        "How often log start offsets are written.";
    "log.index.interval.bytes" Int = Some("4096"), AtLeast(0), Medium, Cluster, Honoured;
        "Bytes between two entries of an offset index.";
    "log.index.size.max.bytes" Int = Some("10485760"), AtLeast(4), Medium, Cluster, Honoured;
        "Largest offset index in bytes.";
    "log.initial.task.delay.ms" Long = Some("30000"), AtLeast(0), Low, Internal, Inert;
        "Delay of the first retention run after start.";
    "log.local.retention.bytes" Long = Some("-2"), AtLeast(-2), Medium, Cluster, Inert;
        "Bytes kept locally of a tiered topic.";
    "log.local.retention.ms" Long = Some("-2"), AtLeast(-2), Medium, Cluster, Inert;
        "Time kept locally of a tiered topic.";
    "log.message.timestamp.after.max.ms" Long = Some("3600000"),
        AtLeast(0), Medium, Cluster, Honoured;
        "How far a record's time may lie ahead of the broker's clock.";
    "log.message.timestamp.before.max.ms" Long = Some("9223372036854775807"),
        AtLeast(0), Medium, Cluster, Honoured;
        "How far a record's time may lie behind the broker's clock.";
    "log.message.timestamp.type" String = Some("CreateTime"),
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, Cluster, Honoured;
        "Whether records keep their own time or get the broker's.";
    "log.preallocate" Boolean = Some("false"), Any, Medium, Cluster, Inert;
        "Allocate a segment whole when it is made.";
    "log.retention.bytes" Long = Some("-1"), Any, High, Cluster, Honoured;
        "Bytes of a partition kept; -1 for no limit.";
    "log.retention.check.interval.ms" Long = Some("300000"), AtLeast(1), Medium, ReadOnly, Honoured;
        "How often retention is applied.";
    "log.retention.hours" Int = Some("168"), Any, High, ReadOnly, Honoured;
        "Hours records are kept; log.retention.minutes and .ms go first.";
    "log.retention.minutes" Int = None, Any, High, ReadOnly, Honoured;
        "Minutes records are kept; log.retention.ms goes first.";
    "log.retention.ms" Long = None, Any, High, Cluster, Honoured;
        "Milliseconds records are kept; -1 for no limit.";
    "log.roll.hours" Int = Some("168"), AtLeast(1), High, ReadOnly, Honoured;
        "Hours after which a segment is closed; log.roll.ms goes first.";
    "log.roll.jitter.hours" Int = Some("0"), AtLeast(0), High, ReadOnly, Honoured;
        "Most random hours taken from log.roll.hours; log.roll.jitter.ms goes first.";
    "log.roll.jitter.ms" Long = None, Any, High, Cluster, Honoured;
        "Most random milliseconds taken from log.roll.ms.";
    "log.roll.ms" Long = None, Any, High, Cluster, Honoured;
        "Milliseconds after which a segment is closed.";
    "log.segment.bytes" Int = Some("1073741824"), AtLeast(1048576), High, Cluster, Honoured;
        "Size at which a segment is closed.";
    "log.segment.delete.delay.ms" Long = Some("60000"), AtLeast(0), High, Cluster, Honoured;
        "Delay before the files of a deleted segment go.";
    "message.max.bytes" Int = Some("1048588"), AtLeast(0), High, Cluster, Honoured;
        "Largest record batch accepted, in bytes.";
    "min.insync.replicas" Int = Some("1"), AtLeast(1), High, Cluster, Inert;
        "Replicas that must hold a record before acks=all is answered.";
    "num.partitions" Int = Some("1"), AtLeast(1), Medium, ReadOnly, Honoured;
        "Partitions of a new topic that names none.";
    "num.recovery.threads.per.data.dir" Int = Some("2"), AtLeast(1), High, Cluster, Mapped;
        "Each shard recovers its own partitions.";
    "num.replica.alter.log.dirs.threads" Int = None, Any, High, ReadOnly, Inert;
        "Threads that move replicas between directories.";
    "num.replica.fetchers" Int = Some("1"), AtLeast(1), High, Cluster, Inert;
        "Fetchers for each other broker.";
    "producer.purgatory.purge.interval.requests" Int = Some("1000"), Any, Medium, ReadOnly, Inert;
        "Waiting produces are dropped at once here, so nothing is purged.";
    "replica.fetch.backoff.ms" Int = Some("1000"), AtLeast(0), Medium, ReadOnly, Inert;
        "Wait after a failed replica fetch.";
    "replica.fetch.max.bytes" Int = Some("1048576"), AtLeast(0), Medium, ReadOnly, Inert;
        "Bytes of one partition in a replica fetch.";
    "replica.fetch.min.bytes" Int = Some("1"), Any, High, ReadOnly, Inert;
        "Bytes a replica fetch waits for.";
    "replica.fetch.response.max.bytes" Int = Some("10485760"), AtLeast(0), Medium, ReadOnly, Inert;
        "Most bytes of one replica fetch.";
    "replica.fetch.wait.max.ms" Int = Some("500"), Any, High, ReadOnly, Inert;
        "Longest wait of a replica fetch.";
    "replica.high.watermark.checkpoint.interval.ms" Long = Some("5000"), Any, High, ReadOnly, Inert;
        "How often high watermarks are written.";
    "replica.lag.time.max.ms" Long = Some("30000"), Any, High, ReadOnly, Inert;
        "Lag after which a replica leaves the in-sync set.";
    "replica.selector.class" String = None, Any, Medium, ReadOnly, Inert;
        "JVM class that picks the replica a consumer reads from.";
    "replica.socket.receive.buffer.bytes" Int = Some("65536"), Any, High, ReadOnly, Inert;
        "SO_RCVBUF of replica sockets.";
    "replica.socket.timeout.ms" Int = Some("30000"), Any, High, ReadOnly, Inert;
        "Longest wait on a replica socket.";
    "replication.quota.window.num" Int = Some("11"), AtLeast(1), Low, ReadOnly, Inert;
        "Sample windows of replication quotas.";
    "replication.quota.window.size.seconds" Int = Some("1"), AtLeast(1), Low, ReadOnly, Inert;
        "Length of a sample window of replication quotas.";
    "unclean.leader.election.enable" Boolean = Some("false"), Any, High, Cluster, Inert;
        "Let a replica lead that missed records.";
    "unclean.leader.election.interval.ms" Long = Some("300000"),
        AtLeast(1), Medium, Internal, Inert;
        "How often unclean elections are tried.";
}
