//! The configs of a topic. Names, types, defaults and rules are those of Kafka 4.3.1
//! (`LogConfig`, `TopicConfig`), and one is ours. Sorted by name.

use super::key::keys;

keys! { TOPIC_KEYS:
    "cleanup.policy" List = Some("delete"), Items(&["compact", "delete"]), Medium, Topic, Honoured;
        "What happens to old segments: delete or compact; compact keeps all so far.";
    "compression.gzip.level" Int = Some("-1"), GzipLevel, Medium, Topic, Honoured;
        "Level of gzip where the broker compresses.";
    "compression.lz4.level" Int = Some("9"), Between(1, 17), Medium, Topic, Inert;
        "Level of lz4 where the broker compresses.";
    "compression.type" String = Some("producer"),
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        Medium, Topic, Honoured;
        "Codec of stored batches; producer keeps the sender's.";
    "compression.zstd.level" Int = Some("3"), Between(-131072, 22), Medium, Topic, Honoured;
        "Level of zstd where the broker compresses.";
    "delete.retention.ms" Long = Some("86400000"), AtLeast(0), Medium, Topic, Inert;
        "How long tombstones of a compacted topic are kept.";
    "file.delete.delay.ms" Long = Some("60000"), AtLeast(0), Medium, Topic, Honoured;
        "Delay before the files of a deleted segment go.";
    "flush.messages" Long = Some("9223372036854775807"), AtLeast(1), Medium, Topic, Honoured;
        "Records after which a partition is flushed.";
    "flush.ms" Long = Some("9223372036854775807"), AtLeast(0), Medium, Topic, Honoured;
        "Time after which a partition is flushed.";
    "follower.replication.throttled.replicas" List = Some(""),
        ThrottledReplicas, Medium, Topic, Inert;
        "Follower replicas under the replication quota, as partition:broker or *.";
    "index.interval.bytes" Int = Some("4096"), AtLeast(0), Medium, Topic, Honoured;
        "Bytes between two entries of the offset index.";
    "internal.segment.bytes" Int = None, Any, Medium, Internal, Inert;
        "Segment size below the usual floor, for tests of Kafka.";
    "leader.replication.throttled.replicas" List = Some(""),
        ThrottledReplicas, Medium, Topic, Inert;
        "Leader replicas under the replication quota, as partition:broker or *.";
    "local.retention.bytes" Long = Some("-2"), AtLeast(-2), Medium, Topic, Inert;
        "Bytes kept locally of a tiered topic; -2 follows retention.bytes.";
    "local.retention.ms" Long = Some("-2"), AtLeast(-2), Medium, Topic, Inert;
        "Time kept locally of a tiered topic; -2 follows retention.ms.";
    "max.compaction.lag.ms" Long = Some("9223372036854775807"), AtLeast(1), Medium, Topic, Inert;
        "Longest time a record stays uncompacted.";
    "max.message.bytes" Int = Some("1048588"), AtLeast(0), Medium, Topic, Honoured;
        "Largest record batch accepted, in bytes.";
    "message.timestamp.after.max.ms" Long = Some("3600000"), AtLeast(0), Medium, Topic, Honoured;
        "How far a record's time may lie ahead of the broker's clock.";
    "message.timestamp.before.max.ms" Long = Some("9223372036854775807"),
        AtLeast(0), Medium, Topic, Honoured;
        "How far a record's time may lie behind the broker's clock.";
    "message.timestamp.type" String = Some("CreateTime"),
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, Topic, Honoured;
        "Whether records keep their own time or get the broker's.";
    "min.cleanable.dirty.ratio" Double = Some("0.5"), Ratio(1.0), Medium, Topic, Inert;
        "Share of dirty bytes at which compaction starts.";
    "min.compaction.lag.ms" Long = Some("0"), AtLeast(0), Medium, Topic, Inert;
        "Time a record stays uncompacted at least.";
    "min.insync.replicas" Int = Some("1"), AtLeast(1), Medium, Topic, Inert;
        "Replicas that must hold a record before acks=all is answered.";
    "preallocate" Boolean = Some("false"), Any, Medium, Topic, Inert;
        "Allocate a segment whole when it is made.";
    "remote.log.copy.disable" Boolean = Some("false"), Any, Medium, Topic, Inert;
        "Stop copying to the remote tier, keep what is there.";
    "remote.log.delete.on.disable" Boolean = Some("false"), Any, Medium, Topic, Inert;
        "Delete remote data when tiering is turned off.";
    "remote.storage.enable" Boolean = Some("false"), Any, Medium, Topic, Inert;
        "Tiered storage is not built yet.";
    "retention.bytes" Long = Some("-1"), Any, Medium, Topic, Honoured;
        "Bytes of a partition kept; -1 for no limit.";
    "retention.ms" Long = Some("604800000"), AtLeast(-1), Medium, Topic, Honoured;
        "Milliseconds records are kept; -1 for no limit.";
    "segment.bytes" Int = Some("1073741824"), AtLeast(1048576), Medium, Topic, Honoured;
        "Size at which a segment is closed.";
    "segment.index.bytes" Int = Some("10485760"), AtLeast(4), Medium, Topic, Honoured;
        "Largest offset index in bytes.";
    "segment.jitter.ms" Long = Some("0"), AtLeast(0), Medium, Topic, Honoured;
        "Most random milliseconds taken from segment.ms.";
    "segment.ms" Long = Some("604800000"), AtLeast(1), Medium, Topic, Honoured;
        "Milliseconds after which a segment is closed.";
    "tidemill.validate.compressed" Boolean = Some("true"), Any, Medium, Topic, Honoured;
        "Unpack compressed batches to check each record before they are stored, as Kafka does.";
    "unclean.leader.election.enable" Boolean = Some("false"), Any, Medium, Topic, Inert;
        "Let a replica lead that missed records.";
}
