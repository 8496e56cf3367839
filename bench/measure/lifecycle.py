"""W13 to W16: many partitions, starts, crashes and idling; and what a broker that is alone can be
asked. Called by lives.py."""

import select
import shutil
import subprocess
import time
from compat.harness import wire
from compat.harness.process import wait_until

from measure import brokers, gates, load, machine, metrics, schedule
from measure.memory import Group
from measure.results import Results
from measure.workloads import Compare, KIB, Row, Topic

START_SECONDS_MAX = 300.0
TOPIC_SECONDS_MAX = 240.0
SETTLE_SECONDS = {"short": 5.0, "full": 60.0}
IDLE_SECONDS = {"short": 6.0, "full": 300.0}
# Written and not flushed when the broker is killed.
CRASH_BYTES = {"short": 1 << 30, "full": 16 << 30}
CRASH_RATE = 2000

AWAIT = Topic("await", 1)
IDLE = Topic("idle", 10)
CRASH = Topic("crash", 200)
# More than 10,000 new partitions are refused by Kafka in one request.
MANY, MANY_IDLE = Topic("many", 5000), Topic("many-idle", 5000)
CRASH_LOAD = f"--batch-bytes {128 * KIB} --connections 4 --depth 5 --acks 1 --rate {CRASH_RATE}"
# The load needs requests of its own: one each ten seconds, to another topic.
POLLED_LOAD = ("--partitions 1 --record-bytes 100 --records-per-batch 1 --acks 1 --rate 0.1 "
               f"--consumers 10 --consume-topic {IDLE.name} --consume-partitions 1")
# Each partition has got its first records by then, which cost more than those that follow.
MANY_WARM_UP_SECONDS = 15.0
MANY_LOAD = ("--partitions-per-request 100 --record-bytes 1024 --records-per-batch 1 "
             "--connections 4 --depth 5 --acks 1 --rate 200")


def row(id: str, title: str, topic: Topic, *compare: Compare) -> Row:
    blocks = 1 if topic is MANY else 2
    return Row(id, title, topic, "", compare, kind="lifecycle", blocks=blocks)


W13A = row("W13a", "10,000 partitions in two topics: time until all have leaders, and memory then",
           MANY, Compare("seconds"), Compare("rss", 10, 3))
W13B = row("W13b", "20,000 records/s over 5,000 of the 10,000 partitions, 100 in a request, "
           "acks=1", MANY, Compare("cpu_record", 5, 3), Compare("p99", 10, 3), Compare("rss"))
W14A = row("W14a", "start to first acknowledgement, next to empty", AWAIT,
           Compare("seconds", 100, 20))
W14B = row("W14b", "start to first acknowledgement, 10,000 partitions", MANY,
           Compare("seconds", 50, 20))
W15 = row("W15", "restart after kill -9 under load until all 200 partitions serve their ends; "
          "1 GiB in the short form, 16 GiB in the long", CRASH, Compare("seconds", 100, 20))
W16 = row("W16", "idle, 10 partitions", IDLE, Compare("cpu_ms_s", 20, 10),
          Compare("rss", 20, 10), Compare("waits_s"))
W16B = row("W16b", "idle, 10 consumers that poll for 500 ms each", IDLE,
           Compare("cpu_ms_s"), Compare("waits_s"))
SINGLE = [W14A, W15, W16, W16B]
MANY_ROWS = [W13A, W13B, W14B]
ROWS = [W13A, W13B, W14A, W14B, W15, W16, W16B]


class Life:
    """One broker, or a control loop, from its first start to its last end."""

    def __init__(self, options, kind: str, results: Results, group: Group):
        self.options, self.results = options, results
        self.home = options.data / f"life-{kind}"
        shutil.rmtree(self.home, ignore_errors=True)
        if kind in brokers.CONTROLS:
            self.kind = "control"
            self.broker = brokers.Control(kind, self.home, options.core, group)
        else:
            self.kind = kind
            self.broker = brokers.make(kind, self.home, options.core, group, pauses=False)
        self.place = load.Place(options.core, options.client_core,
                                machine.device_of(options.data), options.data)

    def add(self, what: Row, block: int, measured: dict, **more) -> None:
        name = what.compare[0].metric
        value = None if "failure" in more else metrics.value(name, measured)
        shown = "-" if value is None else f"{value:.4g}"
        print(f"bench: {what.id} block {block} {self.kind}: {shown} {metrics.METRICS[name].unit}",
              flush=True)
        noise = gates.noise(measured) if "cpu" in measured else []
        remarks = gates.remarks(measured) if "cpu" in measured and "latency" in measured else []
        self.results.add({"row": what.id, "broker": self.kind, "block": block,
                          "measured": measured, "noise": noise, "remarks": remarks, **more})

    def make(self, topic: Topic) -> None:
        """A topic of any size, with all its leaders."""
        with wire.Connection(self.broker.host, self.broker.port, TOPIC_SECONDS_MAX) as connection:
            code = connection.create_topic(topic.name, topic.partitions, topic.configs)
            if code:
                raise AssertionError(f"CreateTopics {topic.name} answered {code}")

            def led() -> bool:
                code, leaders = connection.metadata([topic.name]).topics[topic.name]
                return (code == 0 and len(leaders) == topic.partitions
                        and min(leaders.values()) >= 0)
            wait_until(led, TOPIC_SECONDS_MAX, f"leaders of {topic.name}", 0.05)

    def warm_up(self, topic: Topic, arguments: str, part: float) -> None:
        """A part of the load that brokers of a long session have had."""
        seconds = schedule.warm_up_seconds(self.options, self.kind) * part
        load.window(self.place, "produce", self.broker, topic, arguments, seconds, 0.0)

    def window(self, topic: Topic, arguments: str, seconds: float) -> dict:
        return load.window(self.place, "produce", self.broker, topic, arguments, seconds,
                           self.options.warm_up)

    def timed_start(self, *words: str) -> float:
        """Starts the broker; seconds from then until it serves what is awaited."""
        command = load.pinned(self.place, [
            "await", "--address", self.broker.address, "--limit", str(START_SECONDS_MAX),
            "--format", "json", *words])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as waiting:
            self.broker.launch()
            while not select.select([waiting.stdout], [], [], 0.5)[0]:
                if not self.broker.is_alive():
                    waiting.kill()
                    raise AssertionError(
                        f"{self.kind} ended while starting: {self.broker.log_tail(5)}")
            seconds = time.monotonic() - self.broker.exec_at
            if not waiting.stdout.readline():
                raise AssertionError(f"{self.kind} did not serve: {waiting.stderr.read().strip()}")
        return round(seconds, 6)

    def first_ack(self, what: Row, block: int) -> None:
        self.add(what, block, {"seconds": self.timed_start("--topic", what.topic.name)})

    def at_rest(self, seconds: float) -> dict:
        return load.run(self.place, [
            "cpu", "--pid", str(self.broker.pid), "--core", str(self.options.core), "--seconds",
            str(seconds)], seconds + 30)

    def idle(self, block: int) -> None:
        time.sleep(SETTLE_SECONDS[self.options.form])
        self.add(W16, block, self.at_rest(IDLE_SECONDS[self.options.form]))

    def polled(self, block: int) -> None:
        """Idle for all but consumers that wait for records, which do not come."""
        found = load.window(self.place, "produce", self.broker, AWAIT, POLLED_LOAD,
                            IDLE_SECONDS[self.options.form], 1.0)
        if not found["delivered"]["empty"]:
            raise AssertionError("the consumers did not poll")
        # Of the load it is no rate that counts.
        self.add(W16B, block, {key: found[key] for key in ("seconds", "cpu", "delivered")})

    def crash(self, block: int) -> None:
        """Kills the broker under load, starts it, and looks for every acknowledged record."""
        ledger = self.home / "ledger.json"
        seconds = CRASH_BYTES[self.options.form] / (128 * KIB) / CRASH_RATE
        command = load.pinned(self.place, [
            "produce", "--address", self.broker.address, "--topic", CRASH.name, "--partitions",
            str(CRASH.partitions), "--warm-up", "0", "--seconds", str(seconds + 60), "--ledger",
            str(ledger), *CRASH_LOAD.split()])
        with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as running:
            time.sleep(seconds)
            self.broker.kill()
            running.wait(60)
        started = self.timed_start("--ledger", str(ledger))
        verified = load.run(self.place, [
            "verify", "--address", self.broker.address, "--ledger", str(ledger)], 600)
        self.add(W15, block, {"seconds": started, "verified": verified})

    def end(self) -> None:
        brokers.stop(self.broker)
        self.broker.end()
        shutil.rmtree(self.home, ignore_errors=True)


def single(life: Life, rows: list[Row], block: int) -> None:
    life.broker.start()
    for topic in (AWAIT, IDLE):
        life.make(topic)
    brokers.stop(life.broker)
    life.first_ack(W14A, block)
    if W16 in rows:
        life.idle(block)
    if W16B in rows:
        life.polled(block)
    if W15 in rows:
        life.make(CRASH)
        life.crash(block)


def many(life: Life, block: int) -> None:
    life.broker.start()
    begun = time.monotonic()
    for topic in (MANY, MANY_IDLE):
        life.make(topic)
    seconds = round(time.monotonic() - begun, 3)
    life.add(W13A, block, {**life.at_rest(1.0), "seconds": seconds})
    try:
        measured = load.window(life.place, "produce", life.broker, MANY, MANY_LOAD,
                               max(life.options.seconds, 3.0),
                               max(life.options.warm_up, MANY_WARM_UP_SECONDS))
        life.add(W13B, block, measured)
    except load.LoadError as error:
        life.results.remark(f"W13b on {life.kind} failed: {error}")
        life.add(W13B, block, error.measured or {"seconds": 0.0}, failure=str(error))
    brokers.stop(life.broker)
    life.first_ack(W14B, block)

