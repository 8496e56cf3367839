"""Real clients in place of our own load: Kafka's perf tools and librdkafka's, the same settings for
every broker. They confirm the generator's figures; on one core they are no match for a fast broker,
so their throughput is the client's, and the broker's CPU for a record is the figure."""

import itertools
import re
import subprocess

from compat.harness import java, paths

from measure import brokers, load, rdkafka

LIMIT_SECONDS = 300.0
SENT = re.compile(r"(\d+) records sent, ([\d.]+) records/sec \(([\d.]+) MB/sec\), "
                  r"([\d.]+) ms avg latency, ([\d.]+) ms max latency, ([\d.]+) ms 50th, "
                  r"([\d.]+) ms 95th, ([\d.]+) ms 99th, ([\d.]+) ms 99\.9th")
MEGABYTE = 1 << 20
RDKAFKA = "rdkafka_performance"
# A group that has read the topic goes on at its end.
GROUPS = itertools.count(1)


def missing(kind: str) -> str | None:
    """Why the tool of a row can't be run, if so."""
    return rdkafka.missing() if kind.startswith(RDKAFKA) else None


def command(kind: str, arguments: str, broker, topic) -> list[str]:
    tool = kind.split()[0]
    filled = arguments.replace("{broker}", broker.address).replace("{topic}", topic.name)
    filled = filled.replace("{group}", f"perf-{next(GROUPS)}")
    if tool == RDKAFKA:
        return [str(rdkafka.TOOL), *filled.split()]
    return ["java", "-Xms512m", "-Xmx512m", f"-Dlog4j2.configurationFile={paths.LOG4J}",
            "-cp", f"{brokers.kafka_libs()}/*", java.main_class(tool), *filled.split()]


def run(place: load.Place, kind: str, arguments: str, broker, topic) -> dict:
    """One run of a tool, as a window."""
    tool = kind.split()[0]
    words = ["cpu", "--pid", str(broker.pid), "--core", str(place.core), "--format", "json", "--",
             *command(kind, arguments, broker, topic)]
    try:
        done = subprocess.run(load.pinned(place, words), capture_output=True, text=True,
                              check=False, timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise load.LoadError(f"{tool} did not end within {LIMIT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise load.LoadError(f"{tool} failed: {done.stderr.strip()[-300:]}")
    measured = load.parse(done.stdout)
    # The tool is what runs on the load's core, and is not the process that watched.
    measured["cpu"]["client_core_busy_s"] = 0.0
    return {**measured, **READERS[kind](done.stderr)}


def produced(output: str) -> dict:
    """The last line, over all records; its times are whole milliseconds of a closed loop."""
    found = SENT.findall(output)
    if not found:
        raise load.LoadError(f"kafka-producer-perf-test said: {output.strip()[-300:]}")
    records, per_second, megabytes, _, most, p50, _, p99, p999 = map(float, found[-1])
    seconds = records / per_second
    return {"seconds": round(seconds, 3), "requests": int(records), "records": int(records),
            "bytes": int(megabytes * MEGABYTE * seconds),
            "latency": {"count": int(records), "p50_us": p50 * 1e3, "p99_us": p99 * 1e3,
                        "p999_us": p999 * 1e3, "max_us": most * 1e3, "buckets": []}}


def consumed(output: str) -> dict:
    """A line of values below one of names."""
    lines = [line.split(", ") for line in output.splitlines() if line.count(", ") >= 5]
    if len(lines) < 2:
        raise load.LoadError(f"kafka-consumer-perf-test said: {output.strip()[-300:]}")
    values = dict(zip(lines[0], lines[-1]))
    records = int(values["data.consumed.in.nMsg"])
    megabytes, speed = float(values["data.consumed.in.MB"]), float(values["MB.sec"])
    return {"seconds": round(megabytes / speed, 3), "requests": records, "records": records,
            "bytes": int(megabytes * MEGABYTE),
            "latency": {"count": 0, "p50_us": 0.0, "p99_us": 0.0, "p999_us": 0.0, "max_us": 0.0,
                        "buckets": []}}


# What a row's kind says of its tool: how its output is read.
READERS = {
    "kafka-producer-perf-test": produced,
    "kafka-consumer-perf-test": consumed,
    "rdkafka_performance producer": rdkafka.produced,
    "rdkafka_performance consumer": rdkafka.consumed,
}
