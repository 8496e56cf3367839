"""Debian's kcat 1.7.1 on librdkafka 2.0.2: a client with the feature gates of old versions."""

import json
import time

from compat.harness.context import expect_equal, test
from compat.harness.process import wait_until

CODECS = ["gzip", "snappy", "lz4", "zstd"]


def produce(ctx, topic, lines, *options):
    text = "".join(line + "\n" for line in lines)
    return ctx.run("kcat", "-b", ctx.broker.address, "-P", "-t", topic, *options, stdin=text)


def consume(ctx, topic, *options):
    done = ctx.run("kcat", "-b", ctx.broker.address, "-C", "-t", topic, "-o", "beginning", "-e",
                   "-q", *options)
    return done.stdout.splitlines()


@test(shards=2)
def metadata_listing(ctx):
    topic = ctx.topic(partitions=3)
    listing = json.loads(ctx.run("kcat", "-b", ctx.broker.address, "-L", "-J").stdout)
    expect_equal([(entry["id"], entry["name"]) for entry in listing["brokers"]],
                 [(1, ctx.broker.address)], "brokers")
    expect_equal(listing["controllerid"], 1, "controller")
    found = {entry["topic"]: entry["partitions"] for entry in listing["topics"]}
    expect_equal([part["partition"] for part in found[topic]], [0, 1, 2], "partitions")
    for part in found[topic]:
        expect_equal((part["leader"], part["replicas"], part["isrs"]),
                     (1, [{"id": 1}], [{"id": 1}]), "partition")
    one = ctx.run("kcat", "-b", ctx.broker.address, "-L", "-t", topic).stdout
    assert f'topic "{topic}" with 3 partitions' in one, one


@test(shards=2)
def auto_create(ctx):
    topic = ctx.name("auto")
    produce(ctx, topic, ["first"])
    expect_equal(consume(ctx, topic), ["first"], "records")


@test(shards=2)
def keys_and_headers(ctx):
    topic = ctx.topic(partitions=4)
    lines = [f"key{index % 50}|value {index}" for index in range(2000)]
    produce(ctx, topic, lines, "-K", "|", "-H", "source=file", "-H", "empty=")
    found = consume(ctx, topic, "-f", "%k|%s|%h|%p\n")
    expect_equal(sorted(line.rsplit("|", 2)[0] for line in found), sorted(lines), "records")
    expect_equal({line.split("|")[2] for line in found}, {"source=file,empty="}, "headers")
    homes = {}
    for line in found:
        key, value, _, partition = line.split("|")
        homes.setdefault(key, set()).add(partition)
    expect_equal({len(home) for home in homes.values()}, {1}, "partitions per key")
    order = [int(line.split("|")[1].split()[1]) for line in found if line.startswith("key7|")]
    expect_equal(order, sorted(order), "order of a key")


@test(shards=2)
def null_key_and_value(ctx):
    topic = ctx.topic()
    produce(ctx, topic, ["k|", "|v", "k|v"], "-K", "|", "-Z")
    found = [json.loads(line) for line in consume(ctx, topic, "-J")]
    expect_equal([(entry["key"], entry["payload"]) for entry in found],
                 [("k", None), (None, "v"), ("k", "v")], "records")


def codec(ctx, name):
    topic = ctx.topic()
    lines = [f"line {index} " + "abc" * (index % 40) for index in range(5000)]
    produce(ctx, topic, lines, "-z", name)
    expect_equal(consume(ctx, topic, "-X", "check.crcs=true"), lines, f"records by {name}")


@test(shards=1)
def codec_gzip(ctx):
    codec(ctx, "gzip")


@test(shards=2)
def codec_snappy(ctx):
    codec(ctx, "snappy")


@test(shards=1)
def codec_lz4(ctx):
    codec(ctx, "lz4")


@test(shards=2)
def codec_zstd(ctx):
    codec(ctx, "zstd")


@test(shards=2)
def acks_zero_one_all(ctx):
    topic = ctx.topic()
    for acks in ("0", "1", "all"):
        produce(ctx, topic, [f"acks {acks} {index}" for index in range(100)], "-X", f"acks={acks}")
    wait_until(lambda: len(consume(ctx, topic)) == 300, 10, "300 records", 0.3)
    expect_equal(len(set(consume(ctx, topic))), 300, "different records")


@test(shards=2)
def idempotent_producer(ctx):
    topic = ctx.topic(partitions=2)
    lines = [f"line {index}" for index in range(3000)]
    produce(ctx, topic, lines, "-p", "1", "-X", "enable.idempotence=true")
    expect_equal(consume(ctx, topic, "-p", "1", "-f", "%o %s\n"),
                 [f"{index} {line}" for index, line in enumerate(lines)], "records")


@test(shards=2, limit=90)
def consumer_group(ctx):
    topic = ctx.topic(partitions=4)
    group = ctx.name("group")
    lines = [f"k{index}|{index}" for index in range(1000)]
    produce(ctx, topic, lines, "-K", "|")
    options = ["kcat", "-b", ctx.broker.address, "-q", "-e", "-X", "auto.offset.reset=earliest",
               "-G", group, topic]
    first = ctx.run(*options).stdout.splitlines()
    expect_equal(sorted(first, key=int), [str(index) for index in range(1000)], "first run")
    produce(ctx, topic, ["k|again"], "-K", "|")
    expect_equal(ctx.run(*options).stdout.splitlines(), ["again"], "second run starts where the "
                 "first one committed")


@test(shards=2)
def offsets_by_time(ctx):
    topic = ctx.topic()
    produce(ctx, topic, ["old 1", "old 2"])
    time.sleep(0.05)
    middle = int(time.time() * 1000)
    time.sleep(0.05)
    produce(ctx, topic, ["new 1"])
    found = ctx.run("kcat", "-b", ctx.broker.address, "-Q", "-t", f"{topic}:0:{middle}").stdout
    expect_equal(found.strip(), f"{topic} [0] offset 2", "offset at the time")
    for asked, offset in ((-2, 0), (-1, 3)):
        found = ctx.run("kcat", "-b", ctx.broker.address, "-Q", "-t", f"{topic}:0:{asked}").stdout
        expect_equal(found.strip(), f"{topic} [0] offset {offset}", f"offset for {asked}")
    done = ctx.run("kcat", "-b", ctx.broker.address, "-C", "-t", topic, "-q", "-e", "-o",
                   f"s@{middle}")
    expect_equal(done.stdout.splitlines(), ["new 1"], "records since the time")


@test(shards=2)
def from_offset_and_tail(ctx):
    topic = ctx.topic()
    produce(ctx, topic, [str(index) for index in range(100)])
    base = ["kcat", "-b", ctx.broker.address, "-C", "-t", topic, "-p", "0", "-q", "-e"]
    expect_equal(ctx.run(*base, "-o", "97").stdout.split(), ["97", "98", "99"], "from 97")
    expect_equal(ctx.run(*base, "-o", "-2").stdout.split(), ["98", "99"], "last two")
    expect_equal(ctx.run(*base, "-o", "5", "-c", "2").stdout.split(), ["5", "6"], "two from 5")


@test(shards=2)
def follows_the_tail(ctx):
    """A parked fetch is answered as soon as a record comes."""
    topic = ctx.topic()
    path = ctx.home / "followed"
    with open(path, "wb") as out:
        ctx.spawn("kcat", "-b", ctx.broker.address, "-C", "-t", topic, "-u", "-q", "-o", "end",
                  stdout=out)
        time.sleep(1.0)
        for index in range(3):
            produce(ctx, topic, [f"live {index}"])
            wait_until(lambda: len(path.read_text().splitlines()) == index + 1, 5,
                       "the record arrives")
    expect_equal(path.read_text().splitlines(), ["live 0", "live 1", "live 2"], "records")
