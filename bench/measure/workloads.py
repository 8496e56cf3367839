"""What is run. One shape of load each, the same for every broker."""

from dataclasses import dataclass, field

PARTITIONS = 4
MIB = 1 << 20


@dataclass(frozen=True)
class Topic:
    name: str
    configs: dict[str, str] = field(default_factory=dict)


# Small segments and little retention: at full speed a broker writes a gigabyte a second.
BOUNDED = {
    "segment.bytes": str(128 * MIB),
    "retention.bytes": str(1024 * MIB),
    "file.delete.delay.ms": "1000",
}
BULK = Topic("bulk", BOUNDED)
TINY = Topic("tiny", BOUNDED)
# Kafka flushes before it answers; the guarantee that acks=all gives on Tidemill by itself.
FLUSHED = Topic("flushed", {**BOUNDED, "flush.messages": "1"})
HOT = Topic("hot", {"segment.bytes": str(128 * MIB)})


@dataclass(frozen=True)
class Workload:
    name: str
    topic: Topic
    arguments: tuple[str, ...]
    kind: str = "produce"
    brokers: tuple[str, ...] = ("null", "kafka", "tidemill")
    default: bool = True

    @property
    def is_bulk(self) -> bool:
        """Leaves pages to be written back, which the next window should not pay for."""
        return self.topic is BULK or self.topic is HOT


def bulk(name: str, acks: str) -> Workload:
    return Workload(name, BULK, (
        "--record-bytes", "1024", "--batch-bytes", "131072", "--connections", "1",
        "--depth", "5", "--acks", acks))


def single(name: str, acks: str, connections: int, depth: int, topic: Topic = TINY,
           default: bool = True) -> Workload:
    return Workload(name, topic, (
        "--record-bytes", "100", "--records-per-batch", "1", "--connections", str(connections),
        "--depth", str(depth), "--acks", acks), default=default)


WORKLOADS = [
    bulk("1 KiB records, 128 KiB batches, depth 5, acks=1", "1"),
    bulk("1 KiB records, 128 KiB batches, depth 5, acks=all", "all"),
    single("one 100 B record, depth 1, acks=1", "1", 1, 1),
    single("one 100 B record, depth 1, acks=all", "all", 1, 1),
    single("one 100 B record, depth 5, acks=1", "1", 1, 5),
    single("one 100 B record, depth 5, acks=all", "all", 1, 5),
    single("one 100 B record, 32 connections, acks=1", "1", 32, 1),
    single("one 100 B record, 32 connections, acks=all", "all", 32, 1),
    single("one 100 B record, depth 1, acks=all, Kafka flushes", "all", 1, 1, FLUSHED, False),
    single("one 100 B record, 32 connections, acks=all, Kafka flushes", "all", 32, 1, FLUSHED,
           False),
    Workload("hot fetch, 1 MiB answers, 4 connections", HOT, (
        "--connections", "4", "--max-bytes", str(MIB)), kind="fetch",
        brokers=("kafka", "tidemill")),
]
