"""The `tidemill` command as a client, of any broker that speaks Kafka's protocol: what it sends
others can read, what others sent it can read."""

import json

from compat.harness import paths
from compat.harness.context import expect_equal, test


def tidemill(ctx, *words, **options):
    return ctx.run(paths.tidemill_binary(), *words, "--bootstrap-server", ctx.broker.address,
                   **options)


def kcat_lines(ctx, topic, form="%s\n"):
    return ctx.run("kcat", "-b", ctx.broker.address, "-C", "-t", topic, "-o", "beginning", "-e",
                   "-q", "-f", form).stdout.splitlines()


@test(shards=2)
def topics(ctx):
    topic = ctx.name("t")
    tidemill(ctx, "topic", "create", topic, "--partitions", 3, "--config", "retention.ms=60000")
    listed = json.loads(tidemill(ctx, "topic", "list", "--format", "json").stdout)
    rows = listed if isinstance(listed, list) else listed["topics"]
    expect_equal([row["partitions"] for row in rows if row["topic"] == topic], [3], "partitions")
    assert topic in tidemill(ctx, "topic", "list").stdout
    told = tidemill(ctx, "topic", "describe", topic, "--format", "json").stdout
    assert "retention.ms" in told and "60000" in told, told
    again = tidemill(ctx, "topic", "create", topic, code=None)
    assert again.returncode != 0 and "exists" in again.stderr.lower(), again
    tidemill(ctx, "topic", "create", topic, "--if-not-exists")
    tidemill(ctx, "topic", "delete", topic, "--yes")
    gone = tidemill(ctx, "topic", "describe", topic, code=None)
    assert gone.returncode != 0, gone


@test(shards=2)
def lines_keys_headers(ctx):
    topic = ctx.topic(partitions=3)
    lines = [f"key{index % 7}:value {index} ü" for index in range(500)]
    tidemill(ctx, "produce", topic, "--key-delimiter", ":", "-H", "source=test", "--codec", "zstd",
             stdin="\n".join(lines))
    found = kcat_lines(ctx, topic, "%k:%s|%h|%p\n")
    expect_equal(sorted(line.split("|")[0] for line in found), sorted(lines), "read by kcat")
    expect_equal({line.split("|")[1] for line in found}, {"source=test"}, "headers")
    homes = {(line.split(":")[0], line.rsplit("|")[-1]) for line in found}
    expect_equal(len(homes), 7, "a partition per key")
    shown = tidemill(ctx, "consume", topic, "--exit", "--output-format", r"%k:%s|%h|%p\n").stdout
    expect_equal(sorted(shown.splitlines()), sorted(found), "read by tidemill")


@test(shards=2)
def same_partition_as_java(ctx):
    """A key goes where Kafka's own producer puts it (murmur2)."""
    ours, theirs = ctx.topic("ours", 7), ctx.topic("theirs", 7)
    lines = "".join(f"key {index}\tv\n" for index in range(200))
    tidemill(ctx, "produce", ours, "--key-delimiter", r"\t", stdin=lines)
    with ctx.jvm() as jvm:
        jvm.run("kafka-console-producer", "--bootstrap-server", ctx.broker.address, "--topic",
                theirs, "--reader-property", "parse.key=true", stdin=lines)
    expect_equal(sorted(kcat_lines(ctx, ours, "%k %p\n")),
                 sorted(kcat_lines(ctx, theirs, "%k %p\n")), "places of keys")


@test(shards=2)
def every_codec_both_ways(ctx):
    topic = ctx.topic()
    expected = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        lines = [f"{codec} {index} " + "tide" * (index % 90) for index in range(1000)]
        tidemill(ctx, "produce", topic, "--codec", codec, stdin="\n".join(lines) + "\n")
        ctx.run("kcat", "-b", ctx.broker.address, "-P", "-t", topic, "-z", codec,
                stdin="\n".join(lines) + "\n")
        expected += lines + lines
    expect_equal(kcat_lines(ctx, topic), expected, "read by kcat")
    shown = tidemill(ctx, "consume", topic, "--exit").stdout.splitlines()
    expect_equal(shown, expected, "read by tidemill")


@test(shards=2)
def json_round_trip(ctx):
    source, target = ctx.topic("a", 2), ctx.topic("b", 2)
    tidemill(ctx, "produce", source, "--key-delimiter", ":", "-H", "h=1",
             stdin="".join(f"k{index}:v{index}\n" for index in range(50)))
    rows = tidemill(ctx, "consume", source, "--exit", "--format", "json").stdout
    expect_equal(len([json.loads(row) for row in rows.splitlines()]), 50, "rows")
    tidemill(ctx, "produce", target, "--format", "json", stdin=rows)
    expect_equal(sorted(kcat_lines(ctx, target, "%p %k %s %h %T\n")),
                 sorted(kcat_lines(ctx, source, "%p %k %s %h %T\n")), "copy")


@test(shards=2)
def offsets(ctx):
    topic = ctx.topic()
    tidemill(ctx, "produce", topic, stdin="".join(f"{index}\n" for index in range(100)))
    for place, count, expected in ((("--offset", "97"), None, ["97", "98", "99"]),
                                   (("--offset", "-2"), None, ["98", "99"]),
                                   (("--offset", "start"), 2, ["0", "1"])):
        more = ("--count", count) if count else ("--exit",)
        shown = tidemill(ctx, "consume", topic, *place, *more).stdout.split()
        expect_equal(shown, expected, f"from {place[1]}")


@test(shards=2, limit=90)
def group(ctx):
    topic, name = ctx.topic(partitions=2), ctx.name("group")
    tidemill(ctx, "produce", topic, stdin="".join(f"{index}\n" for index in range(40)))
    shown = tidemill(ctx, "consume", topic, "--group", name, "--count", 40).stdout.split()
    expect_equal(sorted(shown, key=int), [str(index) for index in range(40)], "first run")
    tidemill(ctx, "produce", topic, stdin="again\n")
    shown = tidemill(ctx, "consume", topic, "--group", name, "--count", 1).stdout.split()
    expect_equal(shown, ["again"], "second run")
    told = tidemill(ctx, "group", "describe", name, "--format", "json").stdout
    assert topic in told, told
    assert name in tidemill(ctx, "group", "list").stdout


@test(shards=2)
def errors_say_what_to_do(ctx):
    absent = tidemill(ctx, "consume", ctx.name("absent"), "--exit", "--timeout", "2s", code=None)
    assert absent.returncode != 0 and ctx.name("absent") in absent.stderr, absent
    nobody = ctx.run(paths.tidemill_binary(), "topic", "list", "--bootstrap-server", "127.0.0.1:1",
                     "--request-timeout", "1s", code=None)
    assert nobody.returncode != 0 and "127.0.0.1:1" in nobody.stderr, nobody
