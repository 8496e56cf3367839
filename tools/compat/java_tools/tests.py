"""Apache Kafka 4.3.1's own command line tools. Several commands share one JVM."""

import json
import re
import time

from compat.harness import java
from compat.harness.context import expect_equal, test
from compat.harness.process import end_process, wait_until


def server(ctx):
    return "--bootstrap-server", ctx.broker.address


def words_of(line: str) -> list[str]:
    return line.split()


@test(shards=2)
def topics(ctx):
    topic = ctx.name("t")
    with ctx.jvm() as jvm:
        made = jvm.run("kafka-topics", *server(ctx), "--create", "--topic", topic,
                       "--partitions", 5, "--replication-factor", 1,
                       "--config", "retention.ms=86400000", "--config", "segment.bytes=2097152")
        assert f"Created topic {topic}." in made.out, made.out
        assert topic in jvm.run("kafka-topics", *server(ctx), "--list").lines
        told = jvm.run("kafka-topics", *server(ctx), "--describe", "--topic", topic)
        head, *parts = told.lines
        assert f"Topic: {topic}\t" in head and "PartitionCount: 5\t" in head, head
        assert "TopicId: " in head and "ReplicationFactor: 1\t" in head, head
        assert "retention.ms=86400000" in head and "segment.bytes=2097152" in head, head
        expect_equal(len(parts), 5, "partitions")
        for index, line in enumerate(parts):
            assert re.search(rf"Partition: {index}\s+Leader: 1\s+Replicas: 1\s+Isr: 1", line), line
        again = jvm.run("kafka-topics", *server(ctx), "--create", "--topic", topic, code=1)
        assert "already exists" in again.out + again.err, again.out + again.err
        jvm.run("kafka-topics", *server(ctx), "--create", "--if-not-exists", "--topic", topic)
        jvm.run("kafka-topics", *server(ctx), "--delete", "--topic", topic)

        def gone():
            return topic not in jvm.run("kafka-topics", *server(ctx), "--list").lines
        wait_until(gone, 10, "the topic is gone", 0.2)
        absent = jvm.run("kafka-topics", *server(ctx), "--describe", "--topic", topic, code=1)
        assert "does not exist" in absent.out + absent.err, absent.out + absent.err


@test(shards=2)
def topic_errors(ctx):
    cases = [
        (["--partitions", "0"], "greater than 0"),
        (["--replication-factor", "2"], "eplication factor"),
        (["--config", "no.such.key=1"], "no.such.key"),
        (["--config", "retention.ms=soon"], "retention.ms"),
    ]
    with ctx.jvm() as jvm:
        for options, expected in cases:
            made = jvm.run("kafka-topics", *server(ctx), "--create", "--topic", ctx.name("bad"),
                           *options, code=1)
            assert expected in made.out + made.err, f"{options}: {made.out}{made.err}"
        made = jvm.run("kafka-topics", *server(ctx), "--create", "--topic", "not/legal", code=1)
        assert "is invalid" in made.out + made.err, made.out + made.err


@test(shards=2)
def console(ctx):
    topic = ctx.topic(partitions=3)
    lines = [f"h{index}:v{index},same:x\tkey{index % 9}\tvalue {index}" for index in range(500)]
    with ctx.jvm() as jvm:
        jvm.run("kafka-console-producer", *server(ctx), "--topic", topic,
                "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true",
                stdin="\n".join(lines) + "\n")
        read = ["kafka-console-consumer", *server(ctx), "--topic", topic, "--from-beginning",
                "--max-messages", 500, "--timeout-ms", 15000]
        shown = []
        for name in ("key", "headers", "partition", "offset"):
            shown += ["--formatter-property", f"print.{name}=true"]
        found = jvm.run(*read, *shown).lines
        body = [line.split("\t", 2)[2] for line in found if line.startswith("Partition:")]
        expect_equal(len(body), 500, "records")
        expect_equal(sorted(body), sorted(lines), "records")
        places = {tuple(line.split("\t")[:2]) for line in found if line.startswith("Partition:")}
        expect_equal(len(places), 500, "different places")
        one = jvm.run("kafka-console-consumer", *server(ctx), "--topic", topic, "--partition", 1,
                      "--offset", 3, "--max-messages", 1, "--timeout-ms", 15000,
                      "--formatter-property", "print.offset=true")
        assert one.out.startswith("Offset:3\t"), one.out


@test(shards=2)
def console_codecs(ctx):
    topic = ctx.topic()
    expected = []
    with ctx.jvm() as jvm:
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            lines = [f"{codec} {index} " + "x" * (index % 300) for index in range(400)]
            expected += lines
            jvm.run("kafka-console-producer", *server(ctx), "--topic", topic,
                    "--compression-codec", codec, stdin="\n".join(lines) + "\n")
        found = jvm.run("kafka-console-consumer", *server(ctx), "--topic", topic,
                        "--from-beginning", "--max-messages", len(expected),
                        "--timeout-ms", 15000).lines
    expect_equal(found, expected, "records")


@test(shards=2)
def console_acks(ctx):
    topic = ctx.topic()
    with ctx.jvm() as jvm:
        for acks in ("0", "1", "all"):
            jvm.run("kafka-console-producer", *server(ctx), "--topic", topic,
                    "--request-required-acks", acks, "--command-property",
                    f"enable.idempotence={str(acks == 'all').lower()}", stdin=f"acks {acks}\n")
        found = jvm.run("kafka-console-consumer", *server(ctx), "--topic", topic,
                        "--from-beginning", "--max-messages", 3, "--timeout-ms", 15000).lines
    expect_equal(sorted(found), ["acks 0", "acks 1", "acks all"], "records")


@test(shards=2, limit=90)
def groups(ctx):
    topic = ctx.topic(partitions=2)
    group = ctx.name("group")
    with ctx.jvm() as jvm:
        jvm.run("kafka-console-producer", *server(ctx), "--topic", topic, "--reader-property",
                "parse.key=true", stdin="".join(f"k{i}\tv{i}\n" for i in range(100)))
        read = ["kafka-console-consumer", *server(ctx), "--topic", topic, "--group", group,
                "--timeout-ms", 6000, "--command-property", "auto.offset.reset=earliest"]
        expect_equal(len(jvm.run(*read, "--max-messages", 100).lines), 100, "first run")
        listed = jvm.run("kafka-consumer-groups", *server(ctx), "--list").lines
        assert group in listed, listed
        rows = describe(jvm, ctx, group)
        expect_equal(sum(int(row["CURRENT-OFFSET"]) for row in rows), 100, "committed")
        expect_equal({row["LAG"] for row in rows}, {"0"}, "lag")
        jvm.run("kafka-console-producer", *server(ctx), "--topic", topic, stdin="more\n")
        expect_equal(sum(int(row["LAG"]) for row in describe(jvm, ctx, group)), 1, "lag")
        expect_equal(jvm.run(*read, "--max-messages", 1).lines[:1], ["more"], "second run")
        reset = jvm.run("kafka-consumer-groups", *server(ctx), "--group", group, "--topic", topic,
                        "--reset-offsets", "--to-earliest", "--execute")
        assert topic in reset.out, reset.out
        expect_equal({row["CURRENT-OFFSET"] for row in describe(jvm, ctx, group)}, {"0"}, "reset")
        state = jvm.run("kafka-consumer-groups", *server(ctx), "--describe", "--group", group,
                        "--state").out
        assert "Empty" in state, state
        lost = jvm.run("kafka-consumer-groups", *server(ctx), "--describe", "--group",
                       ctx.name("absent"), code=None)
        assert "does not exist" in lost.out + lost.err or "not found" in lost.out + lost.err, lost


def describe(jvm, ctx, group) -> list[dict[str, str]]:
    lines = [line.split() for line in jvm.run(
        "kafka-consumer-groups", *server(ctx), "--describe", "--group", group).lines if line]
    head = next(index for index, words in enumerate(lines) if words[0] == "GROUP")
    return [dict(zip(lines[head], words)) for words in lines[head + 1:]]


@test(shards=2, limit=90)
def group_members(ctx):
    """A group with a live member, described while it runs."""
    topic = ctx.topic(partitions=3)
    group = ctx.name("group")
    member = ctx.spawn(*java.tool_command(
        "kafka-console-consumer", *server(ctx), "--topic", topic, "--group", group))
    with ctx.jvm() as jvm:
        def members():
            told = jvm.run("kafka-consumer-groups", *server(ctx), "--describe", "--group", group,
                           "--members", "--verbose", code=None)
            return topic in told.out and told
        told = wait_until(members, 20, "the member is listed", 0.3)
        assert f"{topic}(0,1,2)" in told.out or f"{topic}:0,1,2" in told.out, told.out
        state = jvm.run("kafka-consumer-groups", *server(ctx), "--describe", "--group", group,
                        "--state").out
        assert "Stable" in state and "range" in state, state
        kinds = jvm.run("kafka-consumer-groups", *server(ctx), "--list", "--state").out
        assert re.search(rf"{group}\s+.*Stable", kinds), kinds
        end_process(member)


@test(shards=2, limit=90)
def perf(ctx):
    topic = ctx.topic(partitions=4)
    with ctx.jvm() as jvm:
        for acks in ("1", "all"):
            told = jvm.run("kafka-producer-perf-test", "--topic", topic, "--num-records", 20000,
                           "--record-size", 1024, "--throughput", -1, "--producer-props",
                           f"bootstrap.servers={ctx.broker.address}", f"acks={acks}",
                           f"enable.idempotence={str(acks == 'all').lower()}")
            assert "20000 records sent" in told.out, told.out
        told = jvm.run("kafka-consumer-perf-test", *server(ctx), "--topic", topic,
                       "--num-records", 40000, "--timeout", 20000)
    head, row = [line.split(", ") for line in told.lines if ", " in line][:2]
    count = next(row[index] for index, name in enumerate(head) if "nMsg" in name and "." in name)
    assert int(count) >= 40000, told.out


@test(shards=2, limit=90)
def verifiable(ctx):
    topic = ctx.topic(partitions=2)
    told = ctx.run(*java.tool_command("kafka-verifiable-producer", *server(ctx), "--topic", topic,
                                      "--max-messages", 5000, "--acks", -1))
    events = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    acked = [event for event in events if event["name"] == "producer_send_success"]
    expect_equal(sorted(int(event["value"]) for event in acked), list(range(5000)), "acknowledged")
    expect_equal(len({(event["partition"], event["offset"]) for event in acked}), 5000, "places")
    out = ctx.home / "consumed"
    with open(out, "wb") as stream:
        reader = ctx.spawn(*java.tool_command(
            "kafka-verifiable-consumer", *server(ctx), "--topic", topic, "--group-id",
            ctx.name("group"), "--max-messages", 5000, "--reset-policy", "earliest", "--verbose"),
            stdout=stream)
        expect_equal(reader.wait(40), 0, "exit code")
    events = [json.loads(line) for line in out.read_text().splitlines() if line.startswith("{")]
    read = [int(event["value"]) for event in events if event["name"] == "record_data"]
    expect_equal(sorted(read), list(range(5000)), "read")
    committed = [event for event in events if event["name"] == "offsets_committed"]
    assert committed and all(event["success"] for event in committed), committed[-1:]


@test(shards=2)
def get_offsets(ctx):
    topic = ctx.topic(partitions=2)
    with ctx.wire() as connection:
        from compat.harness.wire import Batch
        for stamp in (1000, 3000, 2000):
            connection.produce(topic, 1, Batch([b"a", b"b"], timestamp=stamp).encode())
    cases = [
        ("-1", ["0:0", "1:6"]), ("latest", ["0:0", "1:6"]), ("-2", ["0:0", "1:0"]),
        ("earliest", ["0:0", "1:0"]), ("-3", ["1:2"]), ("max-timestamp", ["1:2"]),
        ("1001", ["1:2"]), ("3000", ["1:2"]), ("1000", ["1:0"]), ("3001", []),
    ]
    with ctx.jvm() as jvm:
        for asked, expected in cases:
            found = jvm.run("kafka-get-offsets", *server(ctx), "--topic", topic,
                            "--time", asked, code=None).lines
            found = [line for line in found if line.startswith(topic + ":")]
            shown = [line for line in found if not line.endswith((":", ":-1"))]
            expect_equal(shown, [f"{topic}:{entry}" for entry in expected], f"--time {asked}")


@test(shards=2)
def api_versions(ctx):
    with ctx.jvm() as jvm:
        told = jvm.run("kafka-broker-api-versions", *server(ctx)).out
    assert ctx.broker.address in told and "id: 1" in told, told
    for name, key in (("Produce", 0), ("Fetch", 1), ("ListOffsets", 2), ("Metadata", 3),
                      ("OffsetCommit", 8), ("OffsetFetch", 9), ("FindCoordinator", 10),
                      ("JoinGroup", 11), ("ApiVersions", 18), ("CreateTopics", 19),
                      ("DeleteTopics", 20), ("InitProducerId", 22), ("DescribeConfigs", 32),
                      ("DescribeCluster", 60), ("DescribeTopicPartitions", 75)):
        line = next(line for line in told.splitlines() if f"{name}({key}):" in line)
        assert "usable:" in line, line


@test(shards=2)
def configs(ctx):
    topic = ctx.topic(retention_ms=123456)
    with ctx.jvm() as jvm:
        told = jvm.run("kafka-configs", *server(ctx), "--describe", "--entity-type", "topics",
                       "--entity-name", topic).out
        assert "retention.ms=123456" in told and "DYNAMIC_TOPIC_CONFIG" in told, told
        told = jvm.run("kafka-configs", *server(ctx), "--describe", "--all", "--entity-type",
                       "topics", "--entity-name", topic).out
        for expected in ("cleanup.policy=delete", "segment.bytes=1073741824",
                         "compression.type=producer", "max.message.bytes=1048588",
                         "min.insync.replicas=1", "message.timestamp.type=CreateTime"):
            assert expected in told, f"{expected} not in {told}"
        told = jvm.run("kafka-configs", *server(ctx), "--describe", "--all", "--entity-type",
                       "brokers", "--entity-name", 1).out
        for expected in ("log.retention.hours=168", "num.partitions=1", "node.id=1",
                         "auto.create.topics.enable=true", "log.dirs="):
            assert expected in told, f"{expected} not in {told}"


@test(shards=2)
def cluster_id(ctx):
    with ctx.jvm() as jvm:
        told = jvm.run("kafka-cluster", "cluster-id", *server(ctx)).out
    assert re.search(r"Cluster ID: [\w-]{22}$", told.strip()), told


def filled_broker(ctx, shards: int):
    """A broker of small segments with all kinds of batches in three topics, cleanly stopped."""
    broker = ctx.start_broker(shards)
    ctx.broker = broker
    expected = {}
    group = ctx.name("group")
    for partitions in (1, 3, 8):
        topic = ctx.topic(f"p{partitions}", partitions, broker, segment_bytes=1 << 20,
                          index_interval_bytes=1024)
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            lines = "".join(
                f"{codec}{index}|{codec} {index} {'tide' * (index * 7919 % 97)}\n"
                for index in range(3000))
            ctx.run("kcat", "-b", broker.address, "-P", "-t", topic, "-K", "|", "-z", codec, "-X",
                    "enable.idempotence=true", "-X", "batch.num.messages=100", stdin=lines)
        read = ["kcat", "-b", broker.address, "-q", "-e", "-u"]
        ctx.run(*read, "-X", "auto.offset.reset=earliest", "-G", group, topic)
        shown = ctx.run(*read, "-C", "-t", topic, "-o", "beginning", "-f", "%p %o %T %k %s\n")
        expected[topic] = sorted(shown.stdout.splitlines())
        expect_equal(len(expected[topic]), 15000, "records")
    broker.stop()
    return broker, expected


COMPLAINTS = re.compile(
    r"mismatch|corrupt|invalid|exception|error|not found|out of order|non-consecutive|"
    r"index sanity|unexpected", re.IGNORECASE)


def dump_log(ctx, shards):
    """Every segment, index and snapshot after a clean stop, read by Kafka's own tool."""
    broker, expected = filled_broker(ctx, shards)
    files = sorted(
        path for pattern in ("*-*/*.log", "*-*/*.index", "*-*/*.timeindex", "*-*/*.snapshot",
                             "*-*/*.txnindex")
        for path in broker.data.glob(pattern) if not path.name.endswith(".checkpoint"))
    count = 0
    with ctx.jvm() as jvm:
        for path in files:
            decoder = []
            if path.suffix == ".log" and path.parent.name.startswith("__consumer_offsets-"):
                decoder = ["--offsets-decoder"]
            elif path.parent.name.startswith("__cluster_metadata-"):
                if path.suffix not in (".log", ".index", ".timeindex"):
                    continue
                decoder = ["--cluster-metadata-decoder"] if path.suffix == ".log" else []
            elif path.suffix == ".log":
                decoder = ["--deep-iteration"]
            told = jvm.run("kafka-dump-log", "--files", path, *decoder)
            text = told.out.replace("isvalid: true", "") + told.err
            text = re.sub(r"payload.*", "", text) if decoder != ["--deep-iteration"] else text
            found = COMPLAINTS.search(text.replace(str(path), ""))
            assert not found, f"{path}: {found.group()}: {text[-1500:]}"
            assert "isvalid: false" not in text, path
            topic = path.parent.name.rpartition("-")[0]
            if topic in expected and path.suffix == ".log":
                count += len(re.findall(r"^\| offset:", told.out, re.MULTILINE))
    kinds = {path.suffix for path in files}
    assert {".log", ".index", ".timeindex", ".snapshot"} <= kinds, kinds
    expect_equal(count, 45000, "records in all segments")


@test(shards=1, own=True, limit=180)
def dump_log_1(ctx):
    dump_log(ctx, 1)


@test(shards=2, own=True, limit=180)
def dump_log_2(ctx):
    dump_log(ctx, 2)


@test(shards=2, own=True, limit=180)
def adopted_by_kafka(ctx):
    """A real Kafka started on a copy of the partition directories serves the same records."""
    broker, expected = filled_broker(ctx, 2)
    adopt(ctx, broker, expected)


def adopt(ctx, source, expected):
    kafka = ctx.start_broker(1, "kafka", "kafka")
    for topic in expected:
        partitions = int(topic.rpartition("p")[2])
        ctx.topic(topic.removeprefix(ctx.tag + "-"), partitions, kafka)
    kafka.stop()
    for topic in expected:
        for target in kafka.data.glob(f"{topic}-*"):
            copy_partition(source.data / target.name, target)
    # The directory's checkpoints speak of the empty logs that were there before.
    for name in ("recovery-point-offset-checkpoint", "log-start-offset-checkpoint",
                 "replication-offset-checkpoint"):
        (kafka.data / name).unlink(missing_ok=True)
    kafka.start()
    for topic, lines in expected.items():
        found = ctx.run("kcat", "-b", kafka.address, "-q", "-e", "-u", "-C", "-t", topic, "-o",
                        "beginning", "-X", "check.crcs=true", "-f", "%p %o %T %k %s\n")
        expect_equal(sorted(found.stdout.splitlines()), lines, f"records of {topic}")
    log = kafka.log_path.read_text(errors="replace")
    assert "ERROR" not in log, log[-2000:]
    # Kafka goes on where the producers were: a new record gets the next offset.
    for topic in expected:
        ctx.run("kcat", "-b", kafka.address, "-P", "-t", topic, stdin="after\n")
    kafka.stop()


def copy_partition(source, target):
    """The directory's content, with the topic id that Kafka gave its own topic of that name."""
    import shutil
    for path in target.iterdir():
        if path.name != "partition.metadata":
            path.unlink()
    for path in source.iterdir():
        if path.name != "partition.metadata":
            shutil.copyfile(path, target / path.name)
