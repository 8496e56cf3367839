"""confluent-kafka 2.16.1: a current librdkafka. What it does, Go, .NET and Node programs do too."""

import time
from collections import defaultdict

from confluent_kafka import (
    OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer,
    TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from compat.harness.context import expect_equal, test
from compat.harness.process import wait_until


def settings(ctx, **more):
    return {"bootstrap.servers": ctx.broker.address,
            **{key.replace("_", "."): value for key, value in more.items()}}


def admin(ctx) -> AdminClient:
    """Keep it in a variable: a client that nobody holds ends, and its futures with it."""
    return AdminClient(settings(ctx))


def consumer(ctx, group: str, **more) -> Consumer:
    base = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False,
            "check_crcs": True, "session_timeout_ms": 6000, "heartbeat_interval_ms": 300,
            "fetch_wait_max_ms": 100}
    return Consumer(settings(ctx, **{**base, **more}))


def produce(ctx, topic, values, partition=-1, **more) -> list:
    """Sends all and returns the delivered messages in order of their delivery."""
    delivered, failed = [], []

    def done(error, message):
        (failed if error else delivered).append(error or message)
    producer = Producer(settings(ctx, **{"linger_ms": 2, **more}))
    for index, value in enumerate(values):
        while True:
            try:
                producer.produce(topic, value, key=f"key {index}".encode(), on_delivery=done,
                                 **({} if partition < 0 else {"partition": partition}))
                break
            except BufferError:
                producer.poll(0.05)
    expect_equal(producer.flush(30), 0, "records left")
    assert not failed, failed[:3]
    return delivered


def read(reader: Consumer, count: int, limit: float = 20.0) -> list:
    found, end = [], time.monotonic() + limit
    while len(found) < count:
        if time.monotonic() > end:
            raise AssertionError(f"read {len(found)} of {count} records within {limit:g} s")
        for message in reader.consume(min(1000, count - len(found)), 0.1):
            if message.error() is not None:
                raise KafkaException(message.error())
            found.append(message)
    return found


def result(futures: dict):
    return {key: future.result(20) for key, future in futures.items()}


def error_code(futures: dict) -> int:
    try:
        result(futures)
    except KafkaException as error:
        return error.args[0].code()
    raise AssertionError("succeeded")


@test(shards=2)
def admin_topics(ctx):
    client = admin(ctx)
    names = [ctx.name("one"), ctx.name("many")]
    result(client.create_topics([
        NewTopic(names[0], 1, 1, config={"retention.ms": "3600000"}), NewTopic(names[1], 12, 1)]))

    def listed():
        return set(names) <= set(client.list_topics(timeout=10).topics)
    wait_until(listed, 10, "topics are listed")
    expect_equal(len(client.list_topics(names[1], timeout=10).topics[names[1]].partitions), 12,
                 "partitions")
    expect_equal(error_code(client.create_topics([NewTopic(names[0], 1, 1)])),
                 KafkaError.TOPIC_ALREADY_EXISTS, "second creation")
    expect_equal(error_code(client.create_topics([NewTopic(ctx.name("r3"), 1, 3)])),
                 KafkaError.INVALID_REPLICATION_FACTOR, "three replicas")
    expect_equal(error_code(client.create_topics([NewTopic("a/b", 1, 1)])),
                 KafkaError.TOPIC_EXCEPTION, "name")
    checked = ctx.name("checked")
    result(client.create_topics([NewTopic(checked, 1, 1)], validate_only=True))
    assert checked not in client.list_topics(timeout=10).topics
    result(client.delete_topics(names))
    wait_until(lambda: not set(names) & set(client.list_topics(timeout=10).topics), 10,
               "topics are gone")
    expect_equal(error_code(client.delete_topics([ctx.name("absent")])),
                 KafkaError.UNKNOWN_TOPIC_OR_PART, "absent topic")


@test(shards=2)
def admin_describe(ctx):
    topic = ctx.topic(partitions=2, cleanup_policy="compact")
    client = admin(ctx)
    cluster = client.describe_cluster().result(20)
    expect_equal([(node.id, node.port) for node in cluster.nodes], [(1, ctx.broker.port)], "nodes")
    expect_equal(cluster.controller.id, 1, "controller")
    from confluent_kafka import TopicCollection
    told = result(client.describe_topics(TopicCollection([topic])))[topic]
    expect_equal([(part.id, part.leader.id) for part in told.partitions], [(0, 1), (1, 1)],
                 "partitions")
    assert str(told.topic_id) not in ("", "AAAAAAAAAAAAAAAAAAAAAA"), told.topic_id
    for kind, name, key, expected in (
            (ConfigResource.Type.TOPIC, topic, "cleanup.policy", "compact"),
            (ConfigResource.Type.TOPIC, topic, "max.message.bytes", "1048588"),
            (ConfigResource.Type.BROKER, "1", "node.id", "1")):
        found = list(result(client.describe_configs([ConfigResource(kind, name)])).values())[0]
        expect_equal(found[key].value, expected, key)
    own = list(result(client.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, topic)])).values())[0]
    expect_equal([name for name, entry in own.items()
                  if not entry.is_default and entry.source == 1], ["cleanup.policy"],
                 "settings of the topic itself")


@test(shards=2)
def recreated_topic_is_empty(ctx):
    """Deleted and created again under its name: a new id, and none of the old records."""
    client, topic = admin(ctx), ctx.topic(partitions=2)
    from confluent_kafka import TopicCollection
    old = result(client.describe_topics(TopicCollection([topic])))[topic].topic_id
    produce(ctx, topic, [b"old"] * 50)
    result(client.delete_topics([topic]))
    wait_until(lambda: topic not in client.list_topics(timeout=10).topics, 10, "topic is gone")
    ctx.topic(partitions=2)
    new = result(client.describe_topics(TopicCollection([topic])))[topic].topic_id
    assert str(old) != str(new), new
    produce(ctx, topic, [b"new"], partition=0)
    reader = consumer(ctx, ctx.name("reader"))
    reader.assign([TopicPartition(topic, index, OFFSET_BEGINNING) for index in range(2)])
    expect_equal([message.value() for message in read(reader, 1)], [b"new"], "records")
    expect_equal(reader.consume(1, 0.5), [], "more records")
    reader.close()


def codec(ctx, name):
    topic = ctx.topic(partitions=3)
    values = [f"{index} {'tide' * (index % 200)}".encode() for index in range(5000)]
    delivered = produce(ctx, topic, values, compression_type=name, enable_idempotence=True)
    expect_equal(len(delivered), 5000, "delivered")
    reader = consumer(ctx, ctx.name("reader"))
    reader.assign([TopicPartition(topic, index, OFFSET_BEGINNING) for index in range(3)])
    found = read(reader, 5000)
    expect_equal(sorted((m.partition(), m.offset(), m.value()) for m in found),
                 sorted((m.partition(), m.offset(), m.value()) for m in delivered), "records")
    reader.close()


@test(shards=2)
def codec_none(ctx):
    codec(ctx, "none")


@test(shards=1)
def codec_gzip(ctx):
    codec(ctx, "gzip")


@test(shards=2)
def codec_snappy(ctx):
    codec(ctx, "snappy")


@test(shards=2)
def codec_lz4(ctx):
    codec(ctx, "lz4")


@test(shards=1)
def codec_zstd(ctx):
    codec(ctx, "zstd")


@test(shards=2)
def headers_and_times(ctx):
    topic = ctx.topic()
    producer = Producer(settings(ctx))
    headers = [("a", b"1"), ("a", b"2"), ("none", None), ("binary", bytes(range(256)))]
    producer.produce(topic, b"value", key=b"key", headers=headers, timestamp=1234567890123)
    producer.produce(topic, None, key=b"tombstone")
    expect_equal(producer.flush(20), 0, "records left")
    reader = consumer(ctx, ctx.name("reader"))
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    first, second = read(reader, 2)
    expect_equal(first.headers(), headers, "headers")
    expect_equal(first.timestamp(), (1, 1234567890123), "timestamp")
    expect_equal((second.key(), second.value()), (b"tombstone", None), "tombstone")
    reader.close()


@test(shards=2)
def log_append_time(ctx):
    topic = ctx.topic(message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    produce(ctx, topic, [b"a", b"b"], partition=0)
    reader = consumer(ctx, ctx.name("reader"))
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    for message in read(reader, 2):
        kind, stamp = message.timestamp()
        expect_equal(kind, 2, "kind of timestamp")
        assert before <= stamp <= int(time.time() * 1000), stamp
    reader.close()


@test(shards=2)
def idempotence(ctx):
    topic = ctx.topic(partitions=4)
    delivered = produce(ctx, topic, [str(index).encode() for index in range(20000)],
                        enable_idempotence=True, batch_num_messages=50)
    places = {(message.partition(), message.offset()) for message in delivered}
    expect_equal(len(places), 20000, "places")
    with ctx.wire() as connection:
        ends = [connection.list_offset(topic, index, -1)[1] for index in range(4)]
    expect_equal(sum(ends), 20000, "records in the log")


@test(shards=2)
def big_messages(ctx):
    topic = ctx.topic(max_message_bytes=20_000_000)
    sizes = [1, 1_000_000, 5_000_000, 15_000_000]
    values = [bytes([65 + index]) * size for index, size in enumerate(sizes)]
    produce(ctx, topic, values, partition=0, message_max_bytes=20_000_000, linger_ms=0)
    reader = consumer(ctx, ctx.name("reader"), fetch_message_max_bytes=1_000_000,
                      receive_message_max_bytes=100_000_000)
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found = read(reader, len(values))
    assert [message.value() for message in found] == values, [len(m.value()) for m in found]
    reader.close()


@test(shards=2)
def too_big_message(ctx):
    topic = ctx.topic(max_message_bytes=100_000)
    producer = Producer(settings(ctx))
    outcomes = []
    producer.produce(topic, b"x" * 200_000, on_delivery=lambda error, _: outcomes.append(error))
    producer.flush(20)
    expect_equal([error.code() for error in outcomes], [KafkaError.MSG_SIZE_TOO_LARGE], "error")
    produce(ctx, topic, [b"small"])


@test(shards=2, limit=90)
def many_partitions(ctx):
    topic = ctx.topic(partitions=200)
    producer = Producer(settings(ctx, linger_ms=20, enable_idempotence=True))
    for index in range(4000):
        producer.produce(topic, str(index).encode(), partition=index % 200)
    expect_equal(producer.flush(40), 0, "records left")
    reader = consumer(ctx, ctx.name("group"))
    reader.subscribe([topic])
    by_partition = defaultdict(list)
    for message in read(reader, 4000, 40):
        by_partition[message.partition()].append((message.offset(), int(message.value())))
    expect_equal(len(by_partition), 200, "partitions")
    for partition, rows in by_partition.items():
        expect_equal(rows, [(n, n * 200 + partition) for n in range(20)], "order")
    reader.commit(asynchronous=False)
    reader.close()


@test(shards=2)
def offsets_and_seek(ctx):
    topic = ctx.topic()
    producer = Producer(settings(ctx))
    for index in range(100):
        producer.produce(topic, str(index).encode(), timestamp=1_700_000_000_000 + index * 1000)
    expect_equal(producer.flush(20), 0, "records left")
    reader = consumer(ctx, ctx.name("reader"))
    expect_equal(reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10), (0, 100),
                 "watermarks")
    for stamp, expected in ((0, 0), (1_700_000_000_000, 0), (1_700_000_041_500, 42),
                            (1_700_000_099_000, 99), (1_700_000_099_001, -1)):
        found = reader.offsets_for_times([TopicPartition(topic, 0, stamp)], timeout=10)
        expect_equal(found[0].offset, expected, f"offset for {stamp}")
    reader.assign([TopicPartition(topic, 0, 90)])
    expect_equal(int(read(reader, 1)[0].value()), 90, "start at 90")
    for place in (10, 99, 0, 57):
        reader.seek(TopicPartition(topic, 0, place))
        expect_equal(int(read(reader, 1)[0].value()), place, "after a seek")
    reader.close()


@test(shards=2)
def out_of_range_resets(ctx):
    topic = ctx.topic()
    produce(ctx, topic, [b"a", b"b"], partition=0)
    for reset, expected in (("earliest", b"a"), ("latest", b"c")):
        reader = consumer(ctx, ctx.name(reset), auto_offset_reset=reset)
        reader.assign([TopicPartition(topic, 0, 1000)])
        if reset == "latest":
            expect_equal(reader.consume(1, 1.0), [], "records")
            produce(ctx, topic, [b"c"], partition=0)
        expect_equal(read(reader, 1)[0].value(), expected, f"reset to {reset}")
        reader.close()


@test(shards=2)
def committed_offsets(ctx):
    topic, group = ctx.topic(partitions=3), ctx.name("group")
    produce(ctx, topic, [b"x"] * 10, partition=1)
    reader = consumer(ctx, group)
    parts = [TopicPartition(topic, index) for index in range(3)]
    expect_equal([entry.offset for entry in reader.committed(parts, timeout=10)],
                 [-1001, -1001, -1001], "before any commit")
    reader.commit(offsets=[TopicPartition(topic, 1, 7, metadata="half way")], asynchronous=False)
    found = reader.committed(parts, timeout=10)
    expect_equal([(entry.offset, entry.metadata) for entry in found],
                 [(-1001, None), (7, "half way"), (-1001, None)], "committed")
    reader.close()
    client = admin(ctx)
    told = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    offsets = result(told)[group].topic_partitions
    expect_equal([(entry.partition, entry.offset) for entry in offsets if entry.offset >= 0],
                 [(1, 7)], "offsets by the admin client")
    result(client.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 1, 3)])]))
    reader = consumer(ctx, group)
    reader.subscribe([topic])
    expect_equal(read(reader, 1)[0].offset(), 3, "first offset after the change")
    reader.close()


@test(shards=2)
def auto_commit(ctx):
    topic, group = ctx.topic(), ctx.name("group")
    produce(ctx, topic, [str(index).encode() for index in range(50)], partition=0)
    for expected in (range(0, 20), range(20, 50)):
        reader = consumer(ctx, group, enable_auto_commit=True, auto_commit_interval_ms=100)
        reader.subscribe([topic])
        found = [int(message.value()) for message in read(reader, len(expected))]
        expect_equal(found, list(expected), "records")
        reader.close()


class Member:
    """A group member that is polled by the test and remembers its partitions."""

    def __init__(self, ctx, group, topic, **more):
        self.partitions: set[int] = set()
        self.revocations = 0
        self.found = []
        self.reader = consumer(ctx, group, **more)
        self.reader.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked,
                              on_lost=self.revoked)

    def assigned(self, _, partitions):
        self.partitions |= {entry.partition for entry in partitions}

    def revoked(self, _, partitions):
        self.revocations += len(partitions)
        self.partitions -= {entry.partition for entry in partitions}

    def poll(self):
        for message in self.reader.consume(200, 0.05):
            if message.error() is None:
                self.found.append((message.partition(), message.offset()))


def settle(members: list[Member], count: int, limit: float = 30.0):
    """Polls until the members share all partitions evenly."""
    wanted = sorted(len(range(index, count, len(members))) for index in range(len(members)))

    def settled():
        for member in members:
            member.poll()
        held = [member.partitions for member in members]
        return (sorted(map(len, held)) == wanted
                and set().union(*held) == set(range(count)))
    wait_until(settled, limit, f"partitions shared as {wanted}", 0)


def rebalances(ctx, strategy: str):
    topic, group = ctx.topic(partitions=6), ctx.name("group")
    first = Member(ctx, group, topic, partition_assignment_strategy=strategy)
    settle([first], 6)
    second = Member(ctx, group, topic, partition_assignment_strategy=strategy)
    settle([first, second], 6)
    revoked = first.revocations
    third = Member(ctx, group, topic, partition_assignment_strategy=strategy)
    settle([first, second, third], 6)
    for index in range(6):
        produce(ctx, topic, [b"x"] * 20, partition=index)
    members = [first, second, third]

    def all_found():
        for member in members:
            member.poll()
        return sum(len(member.found) for member in members) >= 120
    wait_until(all_found, 20, "all records", 0)
    everything = [place for member in members for place in member.found]
    expect_equal(sorted(everything), [(p, o) for p in range(6) for o in range(20)], "records")
    third.reader.close()
    settle([first, second], 6)
    first.reader.close()
    settle([second], 6)
    second.reader.close()
    return revoked


@test(shards=2, limit=120)
def rebalance_range(ctx):
    expect_equal(rebalances(ctx, "range"), 6, "revoked when the second member came")


@test(shards=2, limit=120)
def rebalance_roundrobin(ctx):
    rebalances(ctx, "roundrobin")


@test(shards=2, limit=120)
def rebalance_cooperative(ctx):
    """Only what moves is revoked: the first member keeps half its partitions throughout."""
    expect_equal(rebalances(ctx, "cooperative-sticky"), 3, "revoked when the second member came")


@test(shards=2, limit=120)
def member_dies(ctx):
    """A member that stops heartbeating without leaving is put out after its session timeout."""
    topic, group = ctx.topic(partitions=4), ctx.name("group")
    first, second = Member(ctx, group, topic), Member(ctx, group, topic, max_poll_interval_ms=6000)
    settle([first, second], 4)
    begun = time.monotonic()

    def taken_over():
        first.poll()
        return first.partitions == set(range(4))
    wait_until(taken_over, 30, "the other member has all partitions", 0)
    assert time.monotonic() - begun > 3, "too early"
    first.reader.close()
    second.reader.close()


@test(shards=2, limit=90)
def static_membership(ctx):
    """A static member that comes back within its session timeout gets its partitions again,
    without a rebalance of the others."""
    topic, group = ctx.topic(partitions=4), ctx.name("group")
    options = {"session_timeout_ms": 20000}
    first = Member(ctx, group, topic, group_instance_id="one", **options)
    second = Member(ctx, group, topic, group_instance_id="two", **options)
    settle([first, second], 4)
    held, revoked = set(second.partitions), first.revocations
    second.reader.close()
    again = Member(ctx, group, topic, group_instance_id="two", **options)

    def back():
        first.poll()
        again.poll()
        return again.partitions == held
    wait_until(back, 15, "the static member has its partitions again", 0)
    expect_equal(first.revocations, revoked, "revocations of the other member")
    client = admin(ctx)
    told = result(client.describe_consumer_groups([group]))[group]
    expect_equal(sorted(member.group_instance_id for member in told.members), ["one", "two"],
                 "instances")
    again.reader.close()
    first.reader.close()


@test(shards=2, limit=90)
def static_member_is_fenced(ctx):
    """A second member of the same instance id fences the first."""
    topic, group = ctx.topic(), ctx.name("group")
    old = Member(ctx, group, topic, group_instance_id="same")
    settle([old], 1)
    new = Member(ctx, group, topic, group_instance_id="same")
    settle([new], 1)

    def fenced():
        message = old.reader.poll(0.1)
        error = message.error() if message is not None else None
        return error is not None and (error.code() == KafkaError._FATAL
                                      or error.code() == KafkaError.FENCED_INSTANCE_ID)
    wait_until(fenced, 15, "the old member is told", 0)
    new.reader.close()
    old.reader.close()


@test(shards=2, limit=90)
def groups_listed_and_described(ctx):
    topic, group = ctx.topic(partitions=2), ctx.name("group")
    client = admin(ctx)
    member = Member(ctx, group, topic, client_id="the-member",
                    partition_assignment_strategy="range")
    settle([member], 2)
    listed = client.list_consumer_groups().result(20)
    assert not listed.errors, listed.errors
    states = {entry.group_id: entry.state.name for entry in listed.valid}
    expect_equal(states.get(group), "STABLE", "state in the list")
    told = result(client.describe_consumer_groups([group]))[group]
    expect_equal((told.state.name, told.partition_assignor, told.coordinator.port),
                 ("STABLE", "range", ctx.broker.port), "group")
    expect_equal([entry.client_id for entry in told.members], ["the-member"], "members")
    held = told.members[0].assignment.topic_partitions
    expect_equal(sorted((entry.topic, entry.partition) for entry in held),
                 [(topic, 0), (topic, 1)], "assignment")
    member.reader.close()
    told = result(client.describe_consumer_groups([group]))[group]
    expect_equal((told.state.name, told.members), ("EMPTY", []), "after leaving")


@test(shards=2)
def regular_expression(ctx):
    names = [ctx.topic(f"re-{index}") for index in range(3)]
    for name in names:
        produce(ctx, name, [name.encode()])
    reader = consumer(ctx, ctx.name("group"), topic_metadata_refresh_interval_ms=500)
    reader.subscribe([f"^{ctx.tag}-re-[01]$"])
    expect_equal(sorted(message.value().decode() for message in read(reader, 2)), names[:2],
                 "records")
    reader.close()


@test(shards=2)
def auto_create(ctx):
    topic = ctx.name("auto")
    delivered = produce(ctx, topic, [b"first"])
    expect_equal([(m.partition(), m.offset()) for m in delivered], [(0, 0)], "place")
    reader = consumer(ctx, ctx.name("reader"))
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    expect_equal(read(reader, 1)[0].value(), b"first", "record")
    reader.close()


@test(shards=2, own=True, limit=90)
def survives_a_clean_restart(ctx):
    """Topics, configs, records, producer state and committed offsets are there afterwards."""
    ctx.broker = ctx.start_broker()
    topic, group = ctx.topic(partitions=3, broker=ctx.broker, retention_ms=7200000), ctx.name("g")
    producer = Producer(settings(ctx, enable_idempotence=True))
    for index in range(300):
        producer.produce(topic, str(index).encode(), partition=index % 3)
    expect_equal(producer.flush(20), 0, "records left")
    reader = consumer(ctx, group)
    reader.subscribe([topic])
    read(reader, 300)
    reader.commit(asynchronous=False)
    reader.close()
    ctx.broker.stop()
    ctx.broker.start()
    for index in range(300, 600):
        producer.produce(topic, str(index).encode(), partition=index % 3)
    expect_equal(producer.flush(30), 0, "records left")
    reader = consumer(ctx, group)
    reader.subscribe([topic])
    found = sorted(int(message.value()) for message in read(reader, 300))
    expect_equal(found, list(range(300, 600)), "records after the restart")
    reader.close()
    client = admin(ctx)
    told = list(result(client.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, topic)])).values())[0]
    expect_equal(told["retention.ms"].value, "7200000", "retention.ms")
    ctx.broker.stop()
