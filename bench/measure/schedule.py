"""Which window follows which: for each workload blocks of its control loop, Kafka and Tidemill,
forwards and backwards in turn (C K O, O K C, ...)."""

import os
import shutil
import socket
import time

from compat.harness.context import create_topic

from measure import brokers, clients, gates, load, machine, metrics, ready, soak
from measure.memory import Group
from measure.results import Results
from measure.workloads import BULK, Row, SMALL, Topic, topics

# What is to be free: for each broker that is started here and each of its rows, and for all at
# most, since they share topics.
DISK_BROKER_BYTES, DISK_ROW_BYTES, DISK_BYTES_MAX = 3 << 30, 1 << 30, 30 << 30
RESTARTS_MAX = 3
# A disk that takes longer to have done what the window before left behind is told of.
DISK_SETTLES_SECONDS = 0.5
# Where what a broker does at most could not be measured.
RATE_UNKNOWN = 1000.0
FILL = "--batch-bytes 131072 --connections 4 --depth 5 --acks 1"
# What the JVM has compiled before it is measured: part of the time, topic and load.
WARM_UP = (
    (0.4, BULK, FILL),
    (0.2, BULK, "--batch-bytes 16384 --connections 1 --depth 5 --acks 1"),
    (0.4, SMALL, "--record-bytes 100 --records-per-batch 1 --connections 32 --depth 1 --acks all"),
)


def warm_up_seconds(options, kind: str) -> float:
    """Of load on a broker before all: a JVM compiles while it runs."""
    return options.jvm_warm_up if brokers.family(kind) == "kafka" else options.jvm_warm_up / 4


class Session:
    """Brokers that run through all load windows."""

    def __init__(self, options, rows: list[Row], results: Results):
        self.options, self.rows, self.results = options, rows, results
        self.running: dict[str, object] = {}
        self.controls: dict[str, object] = {}
        self.groups: list[Group] = []
        self.losses: dict[str, int] = {}
        self.rates: dict[str, float] = {}
        self.retry_seconds = options.retry_seconds
        self.home = options.data
        self.place = load.Place(options.core, options.client_core,
                                machine.device_of(options.data), options.data)

    def group(self, name: str) -> Group:
        group = Group(f"bench-{name}", self.options.memory << 20)
        self.groups.append(group)
        return group

    def left(self) -> float:
        return self.options.limit - (time.monotonic() - self.results.begun)

    def start(self) -> None:
        started = [kind for kind in self.options.brokers if kind != "peer"]
        wanted = min(len(started) * (DISK_BROKER_BYTES + len(self.rows) * DISK_ROW_BYTES),
                     DISK_BYTES_MAX)
        free = shutil.disk_usage(self.home).free
        if free < wanted:
            raise SystemExit(f"bench: {free >> 30} GiB are free below {self.home}, and "
                             f"{wanted >> 30} GiB are needed")
        for kind in self.options.brokers:
            if kind == "peer":
                broker = brokers.Peer(self.options.peer, self.options.peer_pid)
            else:
                reason = brokers.missing(kind)
                if reason:
                    self.results.remark(f"without {kind}: {reason}")
                    continue
                broker = brokers.make(kind, self.home / kind, self.options.core, self.group(kind))
            self.prepare(kind, broker)

    def prepare(self, kind: str, broker) -> None:
        """Starts a broker, makes and fills its topics, warms it up."""
        try:
            with socket.create_connection((broker.start().host, broker.port), timeout=10.0):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise AssertionError(f"{kind} at {broker.address}: {reason}") from error
        self.running[kind] = broker
        self.results.head["commands"][kind] = broker.shown_command()
        wanted = {topic.name: topic for topic in (BULK, SMALL)}
        wanted.update({topic.name: topic for topic in topics(self.rows)})
        for topic in wanted.values():
            own = topic.own_configs if brokers.family(kind) == "tidemill" else {}
            try:
                create_topic(broker, topic.name, topic.partitions, {**topic.configs, **own})
            except AssertionError as error:
                # 36: it is there already, from a run before on a peer.
                if kind != "peer" or not str(error).endswith(" 36"):
                    raise
        seconds = warm_up_seconds(self.options, kind)
        for part, topic, arguments in WARM_UP:
            load.window(self.place, "produce", broker, topic, arguments, seconds * part, 0.0)
        for topic in wanted.values():
            self.fill(broker, topic)
        broker.pause()
        os.sync()
        note = broker.group.note if kind != "peer" else "its memory limit is its own"
        self.results.remark(f"{kind} is ready, {note}")

    def fill(self, broker, topic: Topic) -> None:
        written = 0
        while written < topic.fill:
            seconds = 1.0 if topic.fill < 1 << 30 else 2.0
            found = load.window(self.place, "produce", broker, topic, FILL, seconds, 0.0)
            written += found["bytes"]

    def loop(self, name: str):
        """A control loop, started when it is first wanted."""
        if name not in self.controls:
            loop = brokers.Control(name, self.home / f"control-{name}", self.options.core,
                                   self.group(f"control-{name}"))
            loop.start()
            loop.pause()
            self.controls[name] = loop
        return self.controls[name]

    def run(self) -> None:
        for row in self.rows:
            reason = clients.missing(row.kind)
            if reason:
                self.results.remark(f"without {row.id}: {reason}")
                self.results.head["missing"][row.id] = reason
                continue
            if row.quiet:
                ready.null_round_trip(self, row)
            if row.kind == "soak":
                soak.run(self, row)
            elif not self.blocks(row):
                return

    def blocks(self, row: Row) -> bool:
        """False if there is no time left."""
        rate = self.rate(row) if row.rate_part else None
        for kind in list(self.running):
            ready.steady(self, row, kind, self.running[kind], rate)
        for block in range(1, self.results.head["row_blocks"][row.id] + 1):
            order = []
            if row.control is not None and self.options.controls:
                order.append(("control", self.loop(row.control)))
            order += [(kind, self.running[kind]) for kind in self.options.brokers
                      if kind in self.running]
            if block % 2 == 0:
                order.reverse()
            if self.left() < len(order) * (self.seconds(row) + self.options.warm_up):
                self.results.remark(f"out of time before block {block} of {row.id}")
                return False
            for kind, broker in order:
                if kind in self.running or kind == "control":
                    self.window(row, block, kind, broker, rate)
        return True

    def seconds(self, row: Row) -> float:
        return max(self.options.seconds, row.seconds or 0.0)

    def rate(self, row: Row) -> float:
        """The same for all brokers: a part of what Kafka, or else the first of them, can do with
        the load of a topic."""
        if row.topic.name not in self.rates:
            self.rates[row.topic.name] = round(self.most(row) * row.rate_part, -1) or 10.0
        return self.rates[row.topic.name]

    def most(self, row: Row) -> float:
        kind = "kafka" if "kafka" in self.running else next(iter(self.running), None)
        if kind is None:
            return RATE_UNKNOWN
        broker = self.running[kind]
        broker.resume()
        arguments = row.arguments.replace("--rate {rate}", "").replace("--own-partitions", "")
        try:
            found = load.window(self.place, "produce", broker, row.topic, arguments,
                                self.options.seconds, self.options.warm_up)
        except load.LoadError as error:
            self.results.remark(f"{row.id}: {kind}'s most is unknown: {error}")
            return RATE_UNKNOWN
        finally:
            if broker.is_alive():
                broker.pause()
        most = found["requests"] / found["seconds"]
        self.results.remark(f"{row.id}: {kind} does {most:.0f} requests/s at most")
        return most

    def filled(self, arguments: str, rate: float | None) -> str:
        return arguments if rate is None else arguments.replace("{rate}", str(rate))

    def window(self, row: Row, block: int, kind: str, broker, rate: float | None) -> None:
        """Measures, once more if the machine was not quiet and there is time for that."""
        found = self.attempt(row, kind, broker, rate)
        while found.get("noise") and "failure" not in found and self.retry_seconds > 0:
            begun = time.monotonic()
            again = self.attempt(row, kind, broker, rate)
            self.retry_seconds -= time.monotonic() - begun
            again["dropped"] = found.get("dropped", 0) + 1
            if "failure" in again:
                break
            if len(again.get("noise", [])) <= len(found["noise"]):
                found = again
            else:
                found["dropped"] = again["dropped"]
            if again["dropped"] >= self.options.retries:
                break
        self.keep(row, block, kind, found)

    def keep(self, row: Row, block: int, kind: str, found: dict) -> None:
        self.results.add({"row": row.id, "broker": kind, "block": block, **found})
        self.show(row, block, kind, found)

    def attempt(self, row: Row, kind: str, broker, rate: float | None) -> dict:
        arguments, load_kind = row.arguments, row.kind
        if kind == "control":
            arguments = row.control_arguments or row.arguments
            load_kind = row.control_kind
        arguments = self.filled(arguments, rate)
        if row.cold is not None and kind != "control":
            machine.evict(self.home / kind, row.cold.name)
        waited = machine.settle_disk(self.home)
        if waited > DISK_SETTLES_SECONDS:
            self.results.remark(f"{row.id}: the disk took {waited:.1f} s to answer before {kind}")
        broker.resume()
        try:
            if load_kind in ("produce", "fetch"):
                measured = load.window(self.place, load_kind, broker, row.topic, arguments,
                                       self.seconds(row), self.options.warm_up)
            else:
                measured = clients.run(self.place, load_kind, arguments, broker, row.topic)
        except load.LoadError as error:
            return self.failure(row, kind, broker, error)
        finally:
            if broker.is_alive():
                broker.pause()
        if row.bulk and kind != "control":
            os.sync()
        return {"measured": measured, "noise": gates.noise(measured),
                "remarks": gates.remarks(measured)}

    def failure(self, row: Row, kind: str, broker, error: load.LoadError) -> dict:
        """A window that broke: why, with what was counted until then."""
        self.results.remark(f"{row.id} on {kind} failed: {error}")
        if not broker.is_alive():
            self.lose(kind, broker)
        return {"measured": error.measured, "failure": str(error), "noise": []}

    def show(self, row: Row, block: int, kind: str, found: dict) -> None:
        if "failure" in found:
            return
        name = row.control_metric if kind == "control" and row.control_metric else None
        name = name or row.compare[0].metric
        value = metrics.value(name, found["measured"])
        shown = "-" if value is None else f"{value:.4g}"
        marks = "".join(f", {mark}" for mark in [*found["noise"], *found.get("remarks", [])])
        print(f"bench: {row.id} block {block} {kind}: {shown} {metrics.METRICS[name].unit}{marks}",
              flush=True)

    def lose(self, kind: str, broker) -> None:
        """A broker ended by itself. That is told, its log is kept, and it may try again."""
        kept = brokers.keep_log(broker, kind)
        self.losses[kind] = self.losses.get(kind, 0) + 1
        self.results.remark(
            f"{kind} ended with exit code {broker.process.returncode}, its log is {kept}")
        if self.losses[kind] > RESTARTS_MAX or kind == "control":
            self.results.remark(f"{kind} is not started again")
            self.running.pop(kind, None)
            return
        try:
            broker.start()
            broker.pause()
        except AssertionError as error:
            self.results.remark(f"{kind} did not start again: {error}")
            self.running.pop(kind, None)

    def end(self) -> None:
        for broker in [*self.running.values(), *self.controls.values()]:
            try:
                brokers.stop(broker)
            finally:
                broker.end()
        self.running.clear()
        self.controls.clear()
        for group in self.groups:
            group.remove()
        self.groups.clear()

