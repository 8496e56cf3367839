"""Every announced version of every API, encoded and decoded by Kafka's schemas alone."""

import random
import struct
import time

from compat.harness import schema, wire
from compat.harness.context import expect_equal, test
from compat.harness.process import wait_until

# The APIs and versions a broker of Kafka 4.3 announces that Tidemill must serve.
REQUIRED = {
    0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6),
    11: (0, 9), 12: (0, 4), 13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 18: (0, 4),
    19: (2, 7), 20: (1, 6), 22: (0, 5), 32: (1, 4), 60: (0, 2), 75: (0, 0)}
# Versions that only brokers and controllers among themselves, or nobody, may use.
ABOVE_SCHEMA = 99


def ask(connection, key, version, values, chance):
    """Sends one request made from its schema, returns the decoded response."""
    connection.correlation_id += 1
    frame = schema.request_frame(key, version, connection.correlation_id, values, chance)
    connection.send(struct.pack(">i", len(frame)) + frame)
    answer = connection.frame()
    return schema.decode_response(key, version, connection.correlation_id, answer)


def plausible(topic: str, topic_id: bytes, key: int, version: int) -> dict:
    """Field values that name what exists, and make nothing that could hurt."""
    batch = wire.Batch([f"api {key} version {version}".encode()]).encode()
    values = {
        "TransactionalId": None, "Acks": -1, "TimeoutMs": 5000, "timeoutMs": 5000,
        "Records": batch, "ReplicaId": -1, "MaxWaitMs": 50, "MinBytes": 1, "MaxBytes": 65536,
        "PartitionMaxBytes": 65536, "FetchOffset": 0, "IsolationLevel": 0, "SessionId": 0,
        "SessionEpoch": -1, "CurrentLeaderEpoch": -1, "LastFetchedEpoch": -1,
        "ForgottenTopicsData": 0, "Timestamp": -1, "GroupId": f"g-{key}-{version}",
        "SessionTimeoutMs": 6000, "RebalanceTimeoutMs": 1000, "MemberId": "",
        "GenerationIdOrMemberEpoch": -1, "GenerationId": -1, "ProtocolType": "consumer",
        "KeyType": 0, "StatesFilter": [], "TypesFilter": [], "Topic": topic,
        "TopicId": topic_id, "PartitionIndex": 0, "Partition": 0, "PartitionIndexes": [0],
        "ResourceType": 2, "ResourceName": topic, "ConfigurationKeys": ["retention.ms"],
        "Metadata": wire.i16(0) + wire.array([]) + wire.i32(-1),
        "EndpointType": 1, "ProducerId": -1, "ProducerEpoch": -1,
        "ResponsePartitionLimit": 100, "Cursor": None}
    if key == 19:
        values |= {"Name": f"made-{version}", "NumPartitions": 1, "ReplicationFactor": 1,
                   "Assignments": 0, "Configs": 0, "validateOnly": True}
    elif key == 20:
        values |= {"TopicNames": [f"absent-{version}"], "Name": f"absent-{version}",
                   "TopicId": bytes(16)}
    elif key == 15:
        values |= {"Groups": [f"g-{version}"]}
    elif key in (3, 75):
        values |= {"Name": topic}
        if version >= 10 and key == 3:
            values |= {"TopicId": bytes(16)}
    else:
        values |= {"Name": topic if key not in (11,) else "range"}
    return values


def topic_id_of(connection, topic) -> bytes:
    told = ask(connection, 3, 12, {"Name": topic, "TopicId": bytes(16)}, random.Random(1))
    return next(entry["TopicId"] for entry in told["Topics"] if entry["Name"] == topic)


@test(shards=2)
def announced(ctx):
    with ctx.wire() as connection:
        found = connection.api_versions()
        lacking = {schema.request_names()[key]: (found.get(key), wanted)
                   for key, wanted in REQUIRED.items()
                   if key not in found or not (found[key][0] <= wanted[0]
                                               and found[key][1] >= wanted[1])}
        expect_equal(lacking, {}, "APIs announced with less than wanted")
        for version in range(found[18][1] + 1):
            told = ask(connection, 18, version, {"ClientSoftwareName": "compat",
                                                 "ClientSoftwareVersion": "1.0"}, random.Random(1))
            expect_equal({entry["ApiKey"]: (entry["MinVersion"], entry["MaxVersion"])
                          for entry in told["ApiKeys"]}, found, f"ApiVersions {version}")


@test(shards=2)
def unknown_version_of_api_versions(ctx):
    """Answered in version 0 with error 35 and the list, so that a newer client can step down."""
    with ctx.wire() as connection:
        frame = struct.pack(">hhih", 18, ABOVE_SCHEMA, 77, 1) + b"c" + b"\0\2a\2b\0"
        connection.send(struct.pack(">i", len(frame)) + frame)
        told = schema.decode_response(18, 0, 77, connection.frame())
        expect_equal(told["ErrorCode"], 35, "error")
        assert any(entry["ApiKey"] == 18 for entry in told["ApiKeys"]), told
        connection.api_versions()


@test(shards=2, limit=120)
def every_version(ctx):
    """Each announced version answers, and its answer is exactly what the schema says."""
    topic = ctx.topic(partitions=2)
    chance = random.Random(ctx.options.seed)
    with ctx.wire() as connection:
        wait_until(lambda: producer_id(connection) is not None, 10, "a producer id", 0.1)
        topic_id = topic_id_of(connection, topic)
        announced_now = connection.api_versions()
        # FindCoordinator comes first: it is what makes the offsets topic.
        for key in sorted(REQUIRED, key=lambda key: (key != 10, key)):
            name = schema.request_names()[key]
            low, high = announced_now[key]
            known = schema.versions_of(name + "Request")
            for version in range(max(low, known.start), min(high, known.stop - 1) + 1):
                if key == 0 and version < 3:
                    continue
                values = plausible(topic, topic_id, key, version)
                told = ask_until_loaded(connection, key, version, values, chance)
                ctx.log(f"{name} {version}: {str(told)[:300]}")
                problem = unexpected_error(key, version, told)
                assert not problem, f"{name} version {version}: {problem}: {told}"


def ask_until_loaded(connection, key, version, values, chance):
    """Asks again while a coordinator is in the making."""
    end = time.monotonic() + 15
    while True:
        try:
            told = ask(connection, key, version, values, chance)
        except (schema.DecodeError, wire.ProtocolError, OSError) as error:
            name = schema.request_names()[key]
            raise AssertionError(f"{name} version {version}: {error}") from error
        if not error_codes(told) & {14, 15, 16} or time.monotonic() > end:
            return told
        time.sleep(0.05)


def error_codes(told) -> set[int]:
    """All error codes anywhere in a response."""
    if isinstance(told, dict):
        found = {value for name, value in told.items() if name == "ErrorCode"}
        return found.union(*(error_codes(value) for value in told.values()))
    if isinstance(told, list):
        return set().union(*(error_codes(value) for value in told))
    return set()


# What a valid request may be answered with: by default, success.
ALLOWED = {
    11: {0, 79},   # JoinGroup: the member id is told first
    12: {25},      # Heartbeat: no such member
    13: {0, 25},   # LeaveGroup: no such member
    14: {23, 25},  # SyncGroup: no such member, or not the group's protocol
    15: {0, 69},   # DescribeGroups: from version 6 an absent group is an error
    20: {3},       # DeleteTopics: no such topic
}


def unexpected_error(key: int, version: int, told: dict) -> str | None:
    allowed = set(ALLOWED.get(key, {0}))
    codes = error_codes(told)
    return None if codes <= allowed else f"codes {sorted(codes)}"


@test(shards=2)
def pipelined_in_order(ctx):
    """Answers come in the order of the requests, whichever is done first."""
    topic = ctx.topic(partitions=8)
    with ctx.wire() as connection:
        sent = []
        for index in range(400):
            connection.correlation_id += 1
            identity = connection.correlation_id
            if index % 3 == 0:
                key, version, body = 0, 3, wire.produce_body(
                    topic, index % 8, wire.Batch([b"x"]).encode(), -1)
            elif index % 3 == 1:
                key, version, body = 3, 1, wire.array([wire.string(topic)])
            else:
                key, version, body = 1, 4, (
                    wire.i32(-1) + wire.i32(5) + wire.i32(1 << 20) + wire.i32(1 << 20)
                    + wire.i8(0) + wire.array([wire.string(topic) + wire.array(
                        [wire.i32(index % 8) + wire.i64(0) + wire.i32(1000)])]))
            content = wire.header(key, version, identity, "compat") + body
            connection.send(wire.i32(len(content)) + content)
            sent.append(identity)
        found = [struct.unpack(">i", connection.frame()[:4])[0] for _ in sent]
        expect_equal(found, sent, "correlation ids")


@test(shards=2)
def split_and_joined_frames(ctx):
    """A request that comes byte by byte, and many that come at once."""
    with ctx.wire() as connection:
        content = wire.header(3, 1, 5, "compat") + wire.array([])
        frame = wire.i32(len(content)) + content
        for index in range(len(frame)):
            connection.send(frame[index:index + 1])
        expect_equal(connection.frame()[:4], wire.i32(5), "correlation id")
        connection.send(frame * 500 + frame[:7])
        for _ in range(500):
            expect_equal(connection.frame()[:4], wire.i32(5), "correlation id")
        connection.send(frame[7:])
        expect_equal(connection.frame()[:4], wire.i32(5), "correlation id")


def producer_id(connection) -> int | None:
    told = ask(connection, 22, 4, {"TransactionalId": None, "TransactionTimeoutMs": 60000,
                                   "ProducerId": -1, "ProducerEpoch": -1}, random.Random(1))
    if told["ErrorCode"] == 14:
        return None  # the broker is still fetching its first block of ids
    expect_equal(told["ErrorCode"], 0, "InitProducerId")
    return told["ProducerId"]


@test(shards=2)
def duplicate_batches(ctx):
    """A batch of an idempotent producer that comes again is answered with its first offset, five
    batches back; a gap is refused; an older epoch is fenced."""
    topic = ctx.topic()
    with ctx.wire() as connection:
        wait_until(lambda: producer_id(connection) is not None, 10, "a producer id", 0.1)
        producer = producer_id(connection)

        def send(sequence, count=2, epoch=0):
            batch = wire.Batch([b"v"] * count, producer_id=producer, producer_epoch=epoch,
                               sequence=sequence)
            return connection.produce(topic, 0, batch.encode())
        expect_equal([send(2 * index) for index in range(7)],
                     [(0, 2 * index) for index in range(7)], "first time")
        for index in range(2, 7):
            expect_equal(send(2 * index), (0, 2 * index), f"batch {index} again")
        expect_equal(send(0)[0], 45, "a batch that is no longer remembered")
        expect_equal(send(16)[0], 45, "a gap")
        expect_equal(send(14), (0, 14), "the next batch after that")
        expect_equal(send(0, epoch=1), (0, 16), "a new epoch starts at 0")
        expect_equal(send(2, epoch=0)[0], 47, "an older epoch")
        expect_equal(connection.list_offset(topic, 0, -1), (0, 18), "end of the log")
