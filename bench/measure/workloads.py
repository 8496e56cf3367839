"""What is run: workloads W1 to W12 as data, the same for every broker. Parameters and goals are
those of docs/MEASUREMENTS.md; W13 to W16 are about processes and not loads: lifecycle.py."""

from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, eq=False)
class Topic:
    name: str
    partitions: int
    configs: dict[str, str] = field(default_factory=dict)
    # Written before the first window, in bytes.
    fill: int = 0
    # What only Tidemill knows.
    own_configs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Compare:
    """A figure that is compared with Kafka's. `goal` and `floor` are ratios in our favour."""

    metric: str
    goal: float | None = None
    floor: float | None = None


@dataclass(frozen=True, eq=False)
class Row:
    id: str
    title: str
    topic: Topic
    arguments: str
    compare: tuple[Compare, ...]
    kind: str = "produce"
    # The loop that bounds it, its own arguments if they differ, and the part of it to be reached.
    control: str | None = None
    control_arguments: str | None = None
    control_kind: str = "produce"
    control_goal: float | None = None
    control_metric: str | None = None
    # Other topics that must exist.
    also: tuple[Topic, ...] = ()
    # Seconds of a window in the short form, if not the usual.
    seconds: float | None = None
    # Data is not in the page cache when a window starts.
    cold: Topic | None = None
    # The rate is this part of what Kafka does at most, in place of {rate}.
    rate_part: float | None = None
    # About times so short that the machine must be quiet for them.
    quiet: bool = False
    # At most so many blocks in the short form.
    blocks: int | None = None
    # Leaves pages to be written back, which the next window should not pay for.
    bulk: bool = False
    note: str = ""

    @property
    def workload(self) -> str:
        return self.id.rstrip("abcdefgh")


# Small segments and little retention: at full speed a broker writes a gigabyte a second.
BOUNDED = {
    "segment.bytes": str(64 * MIB),
    "retention.bytes": str(128 * MIB),
    "file.delete.delay.ms": "1000",
}
BULK = Topic("bulk", 6, BOUNDED)
# Compressed batches are stored as they come: Kafka has no such topics, and opens them.
TRUSTED = Topic("trusted", 6, BOUNDED, own_configs={"tidemill.validate.compressed": "false"})
SMALL = Topic("small", 16, BOUNDED)
KEYED = Topic("keyed", 100, BOUNDED)
TAIL = Topic("tail", 16, BOUNDED)
ONE = Topic("one", 1, BOUNDED)
LOADED = Topic("loaded", 16, BOUNDED)
LIVE = Topic("live", 16, BOUNDED)
HOT = Topic("hot", 4, {"segment.bytes": str(128 * MIB)}, fill=256 * MIB)
COLD = Topic("cold", 4, {"segment.bytes": str(128 * MIB)}, fill=2 * GIB)
CLIENT = Topic("client", 6, BOUNDED)
READ = Topic("client-read", 6, {"segment.bytes": str(128 * MIB)}, fill=768 * MIB)
# Kafka flushes before it answers; the guarantee that acks=all gives on Tidemill by itself.
FLUSHED = Topic("flushed", 64, {**BOUNDED, "flush.messages": "1"})

ONE_RECORD = "--record-bytes 100 --records-per-batch 1 --acks 1"
NULL = {"control": "null", "control_goal": 0.75}


def tiny(id: str, title: str, arguments: str, goal: float, floor: float) -> Row:
    return Row(id, f"one 100 B record, acks=1, {title}", SMALL, f"{ONE_RECORD} {arguments}",
               (Compare("cpu_request", goal, floor), Compare("requests_s")), **NULL)


def flushed(id: str, title: str, arguments: str, *compared: Compare) -> Row:
    return Row(id, f"one 100 B record, {title}, acks=all: ours flushed, Kafka's not", SMALL,
               f"--record-bytes 100 --records-per-batch 1 --acks all {arguments}", compared,
               control="commit", control_goal=None)


def compressed(id: str, codec: str, topic: Topic, title: str, *compared: Compare) -> Row:
    return Row(id, f"{codec}, 1 KiB text records, 200 in a batch, acks=1{title}", topic,
               f"--codec {codec} --content text --record-bytes 1024 --records-per-batch 200 "
               "--connections 4 --depth 5 --acks 1", compared, control="write",
               control_goal=0.6 if topic is TRUSTED else None, bulk=True)


def end_to_end(id: str, rate: int, seconds: float) -> Row:
    load = ("--record-bytes 1024 --records-per-batch 1 --connections 1 --depth 5 --acks 1 "
            f"--rate {rate}")
    return Row(id, f"end to end at {rate:,} records/s, 1 partition, 1 consumer, acks=1", ONE,
               f"{load} --own-partitions --consumers 1 --consume-check-every 1",
               (Compare("e2e_p50", 1.7, 1.2), Compare("e2e_p99", 2, 1.2),
                Compare("e2e_p999", 3, 1.2)), control="null", control_arguments=load,
               control_metric="p50", control_goal=0.25, seconds=seconds, quiet=True)


def client(id: str, title: str, topic: Topic, tool: str, arguments: str) -> Row:
    return Row(id, title, topic, arguments, (Compare("cpu_record"), Compare("requests_s")),
               kind=tool, blocks=2, bulk=True, note="one record is counted as one request")


AT_HALF = ("--batch-bytes 16384 --connections 16 --depth 5 --acks 1 --rate {rate} "
           "--own-partitions --consumers 1")
PERF = ("--topic {topic} --num-records 500000 --record-size 1024 --throughput -1 "
        "--producer-props bootstrap.servers={broker} max.in.flight.requests.per.connection=5 "
        "enable.idempotence=false compression.type=none")

ROWS = [
    Row("W1a", "bulk: 6 partitions x 128 KiB in a request, 4 connections, depth 5, acks=1", BULK,
        "--partitions-per-request 6 --batch-bytes 131072 --connections 4 --depth 5 --acks 1",
        (Compare("cpu_gb", 5, 3), Compare("mb_s")), control="write", control_goal=0.8, bulk=True),
    Row("W1b", "bulk: one 1 MiB batch in a request, 4 connections, depth 5, acks=1", BULK,
        "--batch-bytes 1048576 --connections 4 --depth 5 --acks 1",
        (Compare("cpu_gb", 5, 3), Compare("mb_s")), control="write", control_goal=0.8, bulk=True),
    Row("W2", "one 15.6 KB batch in a request, 1 connection, depth 5, acks=1", BULK,
        "--batch-bytes 16384 --connections 1 --depth 5 --acks 1",
        (Compare("cpu_request", 8, 4), Compare("requests_s", 5, 2)),
        control="write", control_goal=0.7, bulk=True),
    tiny("W3a", "1 connection, depth 1", "--connections 1 --depth 1", 2.2, 1.6),
    tiny("W3b", "1 connection, depth 5", "--connections 1 --depth 5", 6, 4),
    tiny("W3c", "32 connections, depth 1", "--connections 32 --depth 1", 2.3, 1.8),
    tiny("W3e", "64 connections, depth 5, sent one by one", "--connections 64 --depth 5", 3.5, 2.5),
    tiny("W3f", "64 connections, depth 5, sent together",
         "--connections 64 --depth 5 --writing together", 8, 4),
    flushed("W3d", "32 connections", "--connections 32 --depth 1",
            Compare("cpu_request", 1.8, 1.2), Compare("requests_s", 1.2, 1)),
    flushed("W3g", "1 connection, depth 1", "--connections 1 --depth 1", Compare("cpu_request")),
    flushed("W3h", "1 connection, depth 5", "--connections 1 --depth 5", Compare("cpu_request")),
    Row("W4", "100 B records in 64 KiB batches, 8 connections, depth 5, acks=1", SMALL,
        "--record-bytes 100 --batch-bytes 65536 --connections 8 --depth 5 --acks 1",
        (Compare("cpu_record", 5, 3),), control="write", control_goal=0.7, bulk=True),
    Row("W5a", "keyed: 25 partitions x one 1 KiB record in a request, 10 connections, "
        "50,000 records/s, acks=1", KEYED,
        "--partitions-per-request 25 --record-bytes 1024 --records-per-batch 1 --key-bytes 8 "
        "--connections 10 --depth 5 --acks 1 --rate 2000",
        (Compare("cpu_record", 6, 3), Compare("p99")), control="null", control_goal=0.6),
    Row("W5b", "the same, as fast as it goes", KEYED,
        "--partitions-per-request 25 --record-bytes 1024 --records-per-batch 1 --key-bytes 8 "
        "--connections 10 --depth 5 --acks 1",
        (Compare("cpu_record", 6, 3), Compare("requests_s")), control="null", control_goal=0.6,
        bulk=True),
    Row("W6a", "hot fetch, 1 MiB answers, 4 connections", HOT,
        "--connections 4 --max-bytes 1048576", (Compare("cpu_gb", 1.4, 1.0), Compare("mb_s")),
        kind="fetch", control="sendfile", control_kind="fetch", control_goal=0.85),
    Row("W6b", "tail fetch, fan-out 8 beside a producer of 50 MB/s, fetch.min.bytes 1", TAIL,
        "--batch-bytes 65536 --connections 4 --depth 5 --acks 1 --rate 770 --consumers 8 "
        "--fetch-bytes-min 1", (Compare("cpu_gb_out", 3, 2),), bulk=True,
        note="CPU includes the producer's part"),
    Row("W6c", "tail fetch, fan-out 1 beside a producer of 50 MB/s, fetch.min.bytes 1", TAIL,
        "--batch-bytes 65536 --connections 4 --depth 5 --acks 1 --rate 770 --consumers 1 "
        "--fetch-bytes-min 1", (Compare("cpu_gb_out", 3, 2),), bulk=True,
        note="CPU includes the producer's part"),
    Row("W6d", "tail fetch, fan-out 8 beside a producer of 50 MB/s, fetch.min.bytes 256 KiB", TAIL,
        "--batch-bytes 65536 --connections 4 --depth 5 --acks 1 --rate 770 --consumers 8 "
        "--fetch-bytes-min 262144", (Compare("cpu_gb_out", 1.4, 1.0),), bulk=True,
        note="CPU includes the producer's part"),
    end_to_end("W8", 1000, 4.0),
    end_to_end("W8b", 10_000, 2.0),
    Row("W9", "end to end at half of Kafka's most, 16 partitions, 16 KB batches, 1 consumer, "
        "acks=1", LOADED, AT_HALF, (Compare("e2e_p99", 10, 3), Compare("e2e_p999", 10, 3)),
        seconds=4.0, rate_part=0.5, bulk=True, quiet=True),
    Row("W9b", "the same for half an hour, with retention at work", LOADED, AT_HALF,
        (Compare("e2e_p99", 10, 3), Compare("e2e_p999", 10, 3), Compare("growth")), kind="soak",
        rate_part=0.5, bulk=True, quiet=True),
    Row("W10", "durable on both sides: 64 connections, 64 partitions, one 1 KiB record, acks=all",
        FLUSHED, "--record-bytes 1024 --records-per-batch 1 --connections 64 --depth 1 "
        "--acks all --own-partitions", (Compare("requests_s", 10, 4), Compare("p99", 5, 3)),
        control="commit", control_metric="requests_s", control_goal=0.8),
    Row("W10b", "ours durable, Kafka's not: 128 KiB batches, 1 connection, depth 5, acks=all",
        BULK, "--batch-bytes 131072 --connections 1 --depth 5 --acks all",
        (Compare("mb_s", 2, 1.2), Compare("cpu_gb")), bulk=True),
    Row("W10c", "ours durable, Kafka's not: 15.6 KB batches, 1 connection, depth 5, acks=all",
        BULK, "--batch-bytes 16384 --connections 1 --depth 5 --acks all",
        (Compare("requests_s", 1, 0.8), Compare("cpu_request")), bulk=True),
    Row("W11a", "live producer of 20 MB/s, alone, acks=1", LIVE,
        "--batch-bytes 16384 --connections 4 --depth 5 --acks 1 --rate 1250",
        (Compare("p99"),), bulk=True),
    Row("W11b", "cold catch-up with 1 MiB fetches beside that producer", LIVE,
        "--batch-bytes 16384 --connections 4 --depth 5 --acks 1 --rate 1250 --consumers 1 "
        "--consume-topic cold --consume-partitions 4 --from start",
        (Compare("mb_s_out", 1, 1), Compare("cpu_gb_out", 2, 1), Compare("p99", 5, 1)),
        control="read", control_kind="fetch", control_arguments="--connections 4 --partitions 4",
        control_metric="mb_s", control_goal=0.95, also=(COLD,), cold=COLD, bulk=True,
        note="2 GiB, not in the page cache at the start of each window"),
    compressed("W12a", "lz4", TRUSTED, ", passed through unopened", Compare("cpu_gb", 6, 3)),
    compressed("W12b", "zstd", TRUSTED, ", passed through unopened", Compare("cpu_gb", 6, 3)),
    compressed("W12c", "lz4", BULK, ", each record checked as in Kafka", Compare("cpu_gb")),
    compressed("W12d", "zstd", BULK, ", each record checked as in Kafka", Compare("cpu_gb")),
    client("R1", "kafka-producer-perf-test, 1 KiB records, batches of 16 KiB, linger 5 ms, acks=1",
           CLIENT, "kafka-producer-perf-test", f"{PERF} acks=1 linger.ms=5 batch.size=16384"),
    client("R2", "kafka-producer-perf-test, 1 KiB records, batches of 128 KiB, linger 5 ms, acks=1",
           CLIENT, "kafka-producer-perf-test", f"{PERF} acks=1 linger.ms=5 batch.size=131072"),
    client("R3", "kafka-consumer-perf-test, 1 KiB records, defaults", READ,
           "kafka-consumer-perf-test", "--bootstrap-server {broker} --topic {topic} "
           "--num-records 600000 --timeout 30000"),
    client("R4", "rdkafka_performance, 1 KiB records, batches of 128 KiB, linger 5 ms, acks=1",
           CLIENT, "rdkafka_performance producer",
           "-P -b {broker} -t {topic} -s 1024 -c 500000 -a 1 -X linger.ms=5 -X batch.size=131072 "
           "-X batch.num.messages=10000 -X max.in.flight=5 -X enable.idempotence=false "
           "-X compression.codec=none -X queue.buffering.max.messages=100000 "
           "-X queue.buffering.max.kbytes=65536 -X socket.send.buffer.bytes=0 "
           "-X socket.nagle.disable=true"),
    client("R5", "rdkafka_performance as a consumer group, 1 KiB records, 1 MiB of a partition at "
           "most", READ, "rdkafka_performance consumer",
           "-G {group} -b {broker} -t {topic} -c 600000 -X auto.offset.reset=earliest "
           "-X fetch.min.bytes=1 -X fetch.wait.max.ms=500 -X fetch.message.max.bytes=1048576 "
           "-X queued.min.messages=100000 -X queued.max.messages.kbytes=65536 "
           "-X fetch.queue.backoff.ms=10 -X check.crcs=false -X socket.receive.buffer.bytes=0"),
]


def topics(rows: list[Row]) -> list[Topic]:
    """Each once, those to be filled last."""
    found = {topic.name: topic for row in rows for topic in (row.topic, *row.also)}
    return sorted(found.values(), key=lambda topic: topic.fill)
