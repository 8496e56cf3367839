"""The `tidemill` command as a client, of any broker that speaks Kafka's protocol: what it sends
others can read, what others sent it can read."""

import json
import signal
import subprocess
import time

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


def bench(ctx, *words, **options):
    return tidemill(ctx, "bench", *words, **options)


def records_of(ctx, topic):
    told = json.loads(tidemill(ctx, "topic", "describe", topic, "--format", "json").stdout)
    return sum(row["end_offset"] - row["start_offset"] for row in told[0]["partitions"])


@test(shards=2, limit=90)
def bench_produce(ctx):
    topic, kept, page = ctx.name("t"), ctx.home / "a.json", ctx.home / "a.html"
    done = bench(ctx, "produce", topic, "--partitions", 3, "--records", 30000, "--record-bytes",
                 100, "--batch-records", 10, "--warm-up", 0, "--output", kept, "--html", page)
    assert f"topic {topic}: made; 3 partitions" in done.stderr, done.stderr
    assert "30,000 records, 3,000 requests" in done.stdout, done.stdout
    run = json.loads(kept.read_text())
    expect_equal((run["complete"], run["load"], run["failure"]), (True, "produce", None), "outcome")
    expect_equal((run["results"]["records"], run["results"]["latency"]["count"]), (30000, 3000),
                 "counts")
    assert run["environment"]["brokers"]["addresses"] == {"1": ctx.broker.address}, run
    assert 0 < run["results"]["latency"]["p50_us"] <= run["results"]["latency"]["p99_us"], run
    # Before the load each partition is sent one batch.
    expect_equal(records_of(ctx, topic), 30000 + 3 * 10, "records in the topic")
    html = page.read_text()
    assert "<svg " in html and "http" not in html, html[:2000]

    words = ("--duration", "1s", "--warm-up", "0", "--format", "json")
    for more in (("--acks", "0"), ("--acks", "1", "--codec", "gzip", "--content", "text"),
                 ("--codec", "snappy", "--key-bytes", 8), ("--codec", "lz4"), ("--codec", "zstd"),
                 ("--rate", "2000", "--batch-records", "1", "--connections", 4)):
        before = records_of(ctx, topic)
        done = bench(ctx, "produce", topic, "--partitions", 7, *words, *more)
        assert "exists, records are added to it; 3 partitions" in done.stderr, done.stderr
        run = json.loads(done.stdout)
        assert run["complete"] and run["settings"]["partitions"] == 3, run
        sent, added = run["results"]["records"], records_of(ctx, topic) - before
        # What nobody answers may still be on its way.
        assert sent > 0 and added >= (1 if "0" in more else sent), (more, sent, added)
        if "--rate" in more:
            assert 1800 <= run["results"]["records_per_s"] <= 2100, run["results"]


@test(shards=2, limit=90)
def bench_consume(ctx):
    topic = ctx.topic(partitions=3)
    empty = bench(ctx, "consume", topic, code=None)
    assert empty.returncode == 1 and "is empty" in empty.stderr, empty
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        tidemill(ctx, "produce", topic, "--codec", codec, "--batch-bytes", 2000,
                 stdin="".join(f"{index} {codec}\n" for index in range(3000)))
    before = records_of(ctx, topic)
    for connections in (1, 3, 5):
        done = bench(ctx, "consume", topic, "--records", 100000, "--fetch-bytes", 20000, "--warm-up",
                     0, "--connections", connections, "--format", "json")
        run = json.loads(done.stdout)
        assert run["complete"] and run["results"]["records"] >= 100000, run
        assert run["results"]["latency"]["count"] == run["results"]["requests"] > 0, run
    expect_equal(records_of(ctx, topic), before, "nothing is added")


@test(shards=2, limit=90)
def bench_end_to_end(ctx):
    topic, kept = ctx.name("t"), ctx.home / "a.json"
    words = ("end-to-end", topic, "--partitions", 3, "--connections", 3, "--rate", 500,
             "--duration", "2s", "--warm-up", "500ms")
    bench(ctx, *words, "--output", kept)
    run = json.loads(kept.read_text())
    results = run["results"]
    delivery = results["delivery"]
    assert run["complete"] and results["never_sent"] == 0, run
    assert 950 <= results["latency"]["count"] <= 1050, results["latency"]["count"]
    expect_equal(delivery["latency"]["count"], results["latency"]["count"], "each is delivered")
    assert delivery["latency"]["p50_us"] > 0 and delivery["checked"] > 0, delivery
    assert len(delivery["intervals"]) > 5, delivery["intervals"]
    many = bench(ctx, *words, "--connections", 4, code=None)
    assert many.returncode == 2, many


@test(limit=90, own=True)
def bench_keeps_what_it_has_when_the_broker_dies(ctx):
    broker = ctx.start_broker()
    kept, whole = ctx.home / "partial.json", ctx.home / "whole.json"
    words = [paths.tidemill_binary(), "bench", "produce", ctx.name("t"), "--bootstrap-server",
             broker.address, "--pid", broker.pid, "--warm-up", "0"]
    ctx.run(*words, "--duration", "1s", "--output", whole)
    with open(ctx.home / "stderr", "wb") as stderr:
        run = ctx.spawn(*words, "--duration", "60s", "--output", kept, stderr=stderr)
        time.sleep(3)
        broker.kill()
        code = run.wait(20)
    told = (ctx.home / "stderr").read_text()
    assert code == 1 and "its results are partial" in told, (code, told)
    partial, full = json.loads(kept.read_text()), json.loads(whole.read_text())
    assert full["complete"] and full["results"]["broker_cpu"]["total_s"] > 0, full
    assert not partial["complete"] and partial["failure"] in told, partial["failure"]
    assert broker.address in partial["failure"], partial["failure"]
    expect_equal(partial["results"]["errors"], 1, "errors")
    assert partial["results"]["records"] > 0 and 1 < partial["results"]["seconds"] < 10, partial
    compared = ctx.run(paths.tidemill_binary(), "bench", "compare", whole, kept)
    assert f"{kept} is partial" in compared.stdout and "duration_s" in compared.stdout, compared
    rows = json.loads(ctx.run(paths.tidemill_binary(), "bench", "compare", whole, kept, "--format",
                              "json").stdout)["rows"]
    assert {"records", "latency p99", "broker CPU"} <= {row["metric"] for row in rows}, rows
    shown = ctx.run(paths.tidemill_binary(), "bench", "report", kept, "--html", ctx.home / "a.html")
    assert "PARTIAL" in shown.stdout, shown
    assert "Partial:" in (ctx.home / "a.html").read_text()


@test(shards=2, limit=90)
def bench_refuses_and_breaks_off_with_a_reason(ctx):
    nobody = ctx.run(paths.tidemill_binary(), "bench", "produce", "t", "--bootstrap-server",
                     "127.0.0.1:1", code=None)
    assert nobody.returncode == 4 and "127.0.0.1:1" in nobody.stderr, nobody
    absent = bench(ctx, "consume", ctx.name("absent"), code=None)
    assert absent.returncode == 1 and "UNKNOWN_TOPIC_OR_PARTITION" in absent.stderr, absent
    wrong = bench(ctx, "produce", "a/b", code=None)
    assert wrong.returncode == 1 and "INVALID_TOPIC_EXCEPTION" in wrong.stderr, wrong
    large = bench(ctx, "produce", ctx.topic("small", max_message_bytes=1000), code=None)
    assert large.returncode == 1 and "MESSAGE_TOO_LARGE" in large.stderr, large
    assert "--batch-bytes" in large.stderr, large
    lost = bench(ctx, "produce", ctx.name("t"), "--output", ctx.home / "no" / "a.json", code=None)
    assert lost.returncode == 2 and "cannot write" in lost.stderr, lost
    kept = ctx.home / "a.json"
    run = ctx.spawn(paths.tidemill_binary(), "bench", "produce", ctx.name("t"), "-b",
                    ctx.broker.address, "--output", kept, stdout=subprocess.DEVNULL)
    time.sleep(4)
    run.send_signal(signal.SIGINT)
    expect_equal(run.wait(10), 130, "exit code after SIGINT")
    found = json.loads(kept.read_text())
    assert not found["complete"] and found["results"]["records"] > 0, found
    assert "broken off by signal 2" in found["failure"], found["failure"]
    expect_equal(found["results"]["errors"], 0, "errors")
