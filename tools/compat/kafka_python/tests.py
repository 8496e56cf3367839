"""kafka-python 3.0.12: a client that shares no code with the others."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from kafka import (
    KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition)
from kafka import errors
from kafka.admin import NewTopic

from compat.harness.context import expect_equal, test
from compat.harness.process import wait_until


def producer(ctx, **more) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=ctx.broker.address, **more)


def consumer(ctx, *topics, **more) -> KafkaConsumer:
    base = {"auto_offset_reset": "earliest", "enable_auto_commit": False,
            "session_timeout_ms": 6000, "heartbeat_interval_ms": 300}
    return KafkaConsumer(*topics, bootstrap_servers=ctx.broker.address, **{**base, **more})


def read(reader: KafkaConsumer, count: int, limit: float = 20.0) -> list:
    found, end = [], time.monotonic() + limit
    while len(found) < count:
        if time.monotonic() > end:
            raise AssertionError(f"read {len(found)} of {count} records within {limit:g} s")
        for records in reader.poll(timeout_ms=200).values():
            found += records
    return found


def produce(ctx, topic, values, partition=None, **more) -> list:
    sender = producer(ctx, linger_ms=5, **more)
    futures = [sender.send(topic, value, partition=partition) for value in values]
    sender.flush(30)
    places = [future.get(10) for future in futures]
    sender.close()
    return places


@test(shards=2)
def produce_and_consume(ctx):
    topic = ctx.topic(partitions=3)
    sender = producer(ctx)
    futures = [
        sender.send(topic, f"value {index}".encode(), key=f"key {index % 20}".encode(),
                    headers=[("n", str(index).encode())], timestamp_ms=1_700_000_000_000 + index)
        for index in range(1000)]
    sender.flush(30)
    places = {(future.get().partition, future.get().offset) for future in futures}
    expect_equal(len(places), 1000, "places")
    sender.close()
    reader = consumer(ctx)
    reader.assign([TopicPartition(topic, index) for index in range(3)])
    reader.seek_to_beginning()
    found = read(reader, 1000)
    expect_equal(sorted((r.key, r.value, r.headers, r.timestamp) for r in found),
                 sorted((f"key {index % 20}".encode(), f"value {index}".encode(),
                         [("n", str(index).encode())], 1_700_000_000_000 + index)
                        for index in range(1000)), "records")
    reader.close()


@test(shards=2)
def codecs(ctx):
    """gzip is in Python's library; the other codecs would need more packages."""
    topic = ctx.topic()
    values = [f"{index} {'tide' * 50}".encode() for index in range(2000)]
    produce(ctx, topic, values, compression_type="gzip")
    reader = consumer(ctx)
    reader.assign([TopicPartition(topic, 0)])
    expect_equal([record.value for record in read(reader, 2000)], values, "records")
    reader.close()


@test(shards=2)
def acks(ctx):
    topic = ctx.topic()
    for level in (0, 1, "all"):
        produce(ctx, topic, [f"acks {level}".encode()], acks=level,
                enable_idempotence=level == "all")
    reader = consumer(ctx)
    reader.assign([TopicPartition(topic, 0)])
    expect_equal(sorted(record.value for record in read(reader, 3)),
                 [b"acks 0", b"acks 1", b"acks all"], "records")
    reader.close()


@test(shards=2)
def offsets(ctx):
    topic = ctx.topic()
    sender = producer(ctx)
    for index in range(10):
        sender.send(topic, b"x", timestamp_ms=1_700_000_000_000 + index * 1000)
    sender.flush(20)
    sender.close()
    part = TopicPartition(topic, 0)
    reader = consumer(ctx)
    expect_equal(reader.beginning_offsets([part]), {part: 0}, "beginning")
    expect_equal(reader.end_offsets([part]), {part: 10}, "end")
    found = reader.offsets_for_times({part: 1_700_000_004_500})[part]
    expect_equal((found.offset, found.timestamp), (5, 1_700_000_005_000), "offset for a time")
    assert reader.offsets_for_times({part: 1_800_000_000_000})[part] is None
    expect_equal(reader.partitions_for_topic(topic), {0}, "partitions")
    assert topic in reader.topics()
    reader.assign([part])
    reader.seek(part, 7)
    expect_equal(read(reader, 1)[0].offset, 7, "after a seek")
    reader.close()


@test(shards=2, limit=90)
def group(ctx):
    """Each member lives on a thread of its own: kafka-python throws away a join that ends between
    two polls and joins again, so members polled in turns can rebalance for ever, on Kafka too."""
    topic, name = ctx.topic(partitions=4), ctx.name("group")
    for index in range(4):
        produce(ctx, topic, [b"x"] * 25, partition=index)
    members = [consumer(ctx, topic, group_id=name) for _ in range(2)]
    found, settled = [], threading.Event()

    def run(member):
        while not settled.is_set():
            for records in member.poll(timeout_ms=500).values():
                found.extend((record.partition, record.offset) for record in records)
            try:
                member.commit()
            except errors.CommitFailedError:
                pass  # The group is rebalancing: the next owner commits.

    with ThreadPoolExecutor(len(members)) as pool:
        running = [pool.submit(run, member) for member in members]
        try:
            wait_until(
                lambda: sorted(len(member.assignment()) for member in members) == [2, 2]
                and len(set(found)) == 100 or any(each.done() for each in running),
                40, "two members with two partitions each, and all records")
        finally:
            settled.set()
        for each in running:
            each.result()
    for member in members:
        member.close()
    again = consumer(ctx, topic, group_id=name)
    parts = [TopicPartition(topic, index) for index in range(4)]
    expect_equal([again.committed(part) for part in parts], [25] * 4, "committed")
    expect_equal(again.poll(timeout_ms=1500), {}, "records after all were committed")
    again.close()


@test(shards=2)
def commit_with_metadata(ctx):
    topic, name = ctx.topic(), ctx.name("group")
    part = TopicPartition(topic, 0)
    reader = consumer(ctx, group_id=name)
    reader.assign([part])
    reader.commit({part: OffsetAndMetadata(5, "five", -1)})
    expect_equal(reader.committed(part), 5, "committed")
    expect_equal(reader.committed(part, metadata=True).metadata, "five", "metadata")
    reader.close()


@test(shards=2)
def admin(ctx):
    client = KafkaAdminClient(bootstrap_servers=ctx.broker.address)
    topic = ctx.name("t")
    client.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1,
                                   topic_configs={"retention.ms": "60000"})])
    wait_until(lambda: topic in client.list_topics(), 10, "topic is listed")
    try:
        client.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1)])
        raise AssertionError("created twice")
    except errors.TopicAlreadyExistsError:
        pass
    told = client.describe_topics([topic])[0]
    expect_equal((told["name"], len(told["partitions"])), (topic, 3), "description")
    cluster = client.describe_cluster()
    expect_equal((len(cluster["brokers"]), cluster["controller_id"]), (1, 1), "cluster")
    client.delete_topics([topic])
    wait_until(lambda: topic not in client.list_topics(), 10, "topic is gone")
    client.close()


@test(shards=2, limit=90)
def admin_groups(ctx):
    topic, name = ctx.topic(partitions=2), ctx.name("group")
    produce(ctx, topic, [b"x"] * 10, partition=1)
    reader = consumer(ctx, topic, group_id=name)
    read(reader, 10)
    reader.commit()
    client = KafkaAdminClient(bootstrap_servers=ctx.broker.address)
    listed = str(client.list_groups())
    assert name in listed, listed
    told = str(client.describe_groups([name]))
    assert "Stable" in told and "range" in told.lower(), told
    offsets = client.list_group_offsets(name)
    ctx.log(f"group offsets: {offsets!r}")
    assert "10" in str(offsets), offsets
    reader.close()
    client.close()
