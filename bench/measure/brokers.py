"""What is compared: each on its core and in its memory limit, stopped by signal while another is
measured, so that all stay warm and none disturbs. A peer at an address is only talked to."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compat.harness import broker as harness
from compat.harness import java, paths
from compat.harness.process import wait_until

from measure import load, network
from measure.memory import Group

# As Kafka's own start script sets them.
JVM = ["-server", "-XX:MaxInlineLevel=15", "-Djava.awt.headless=true"]
COLLECTORS = {
    "g1": ["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
           "-XX:+ExplicitGCInvokesConcurrent"],
    "serial": ["-XX:+UseSerialGC"],
    "parallel": ["-XX:+UseParallelGC"],
}
HEAPS = ("1g", "2g")
# Kafka's own are 3 and 8.
THREADS = {"many": {}, "few": {"num.network.threads": "1", "num.io.threads": "2"}}
LOGS = paths.ROOT / "target"
HOUR_MS = str(3600 * 1000)
CONTROLS = ("null", "recv", "echo", "write", "commit", "sendfile", "splice", "read")


def kafka_libs() -> Path:
    return Path(os.environ.get("KAFKA_LIBS", paths.KAFKA_LIBS))


@dataclass(frozen=True)
class Variant:
    """How Kafka is run. What its name leaves out is as in its start script."""

    heap: str = "1g"
    collector: str = "g1"
    threads: str = "many"

    @staticmethod
    def parse(kind: str) -> "Variant":
        found = {}
        for part in kind.split("-")[1:]:
            for name, known in (("heap", HEAPS), ("collector", COLLECTORS), ("threads", THREADS)):
                if part in known:
                    found[name] = part
                    break
            else:
                parts = ", ".join([*HEAPS, *COLLECTORS, *THREADS])
                raise SystemExit(f"bench: {kind}: {part!r} is none of {parts}")
        return Variant(**found)


# Kafka at its best: each setting by itself, and those that may help together.
VARIANTS = ("kafka", "kafka-2g", "kafka-serial", "kafka-parallel", "kafka-few",
            "kafka-serial-few", "kafka-2g-parallel-few")


class Measured:
    """What is added to a broker of the test harness."""

    core: int
    group: Group

    def place(self, core: int, group: Group) -> None:
        self.core, self.group = core, group
        self.host = network.current().host

    def pinned(self, command: list[str]) -> list[str]:
        return self.group.enter([*network.current().prefix, "taskset", "-c", str(self.core),
                                 *command])

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def shown_command(self) -> str:
        command = self.command()
        return " ".join(command[command.index("taskset"):])


class Kafka(Measured, harness.Kafka):
    def __init__(self, kind: str, home: Path, core: int, group: Group, pauses: bool = True):
        self.variant = Variant.parse(kind)
        super().__init__(home, config={
            **THREADS[self.variant.threads],
            "log.retention.check.interval.ms": "5000",
            "log.initial.task.delay.ms": "1000",
            "auto.create.topics.enable": "false",
            # It is stopped for longer than a session while others are measured. One that is killed
            # must keep its default: until then it may not come back.
            **({"broker.session.timeout.ms": HOUR_MS} if pauses else {}),
        })
        self.kind = kind
        self.place(core, group)

    def command(self) -> list[str]:
        heap, collector = self.variant.heap, COLLECTORS[self.variant.collector]
        return self.pinned([
            "java", f"-Xms{heap}", f"-Xmx{heap}", *JVM, *collector,
            f"-Dlog4j2.configurationFile={paths.LOG4J}", "-cp", f"{kafka_libs()}/*",
            java.main_class("kafka-server-start"), str(self.home / "server.properties")])

    def format(self) -> None:
        path = self.write_properties()
        subprocess.run(
            ["java", "-Xmx256m", f"-Dlog4j2.configurationFile={paths.LOG4J}",
             "-cp", f"{kafka_libs()}/*", java.main_class("kafka-storage"),
             "format", "-t", "Vz0kYkE2QxWcZ2hYVd0m1A", "-c", str(path), "--standalone"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Tidemill(Measured, harness.Tidemill):
    def __init__(self, kind: str, home: Path, core: int, group: Group, pauses: bool = True):
        del kind, pauses  # There is one of it, and it has no session with itself.
        super().__init__(home, shards=1, config={
            "log.retention.check.interval.ms": "5000",
            "auto.create.topics.enable": "false",
            "tidemill.cpus": str(core),
        })
        self.place(core, group)

    def command(self) -> list[str]:
        return self.pinned(super().command())


class Control(Measured, harness.Broker):
    """A loop of the `bench` binary."""

    clean_codes = (0, -signal.SIGTERM)

    def __init__(self, name: str, home: Path, core: int, group: Group):
        super().__init__(home)
        self.kind = name
        self.place(core, group)

    def properties(self) -> dict[str, str]:
        return {}

    def command(self) -> list[str]:
        return self.pinned([str(load.binary()), "control", self.kind, "--listen", self.address,
                            "--folder", str(self.home)])

    def is_ready(self) -> bool:
        return b"ready " in self.log_path.read_bytes()[self.ready_from:]


class Peer:
    """Any broker at an address. Its CPU is unknown unless its process is on this machine."""

    kind = "peer"

    def __init__(self, address: str, pid: int | None):
        self.address, self.pid = address, pid
        self.host, _, port = address.rpartition(":")
        if not self.host or not port.isdigit():
            raise SystemExit(f"bench: {address!r} is not HOST:PORT")
        self.port = int(port)

    def start(self) -> "Peer":
        return self

    def is_alive(self) -> bool:
        return True

    def pause(self) -> None:
        pass

    resume = end = pause

    def shown_command(self) -> str:
        return self.address


KINDS = {"kafka": Kafka, "tidemill": Tidemill}


def family(kind: str) -> str:
    """kafka of all ways to run it."""
    return kind.split("-")[0]


def make(kind: str, home: Path, core: int, group: Group, pauses: bool = True):
    return KINDS[family(kind)](kind, home, core, group, pauses)


def missing(kind: str) -> str | None:
    """Why a broker can't be started, if so."""
    if not os.access(load.binary(), os.X_OK):
        return f"{load.binary()} is missing: cargo build --release -p bench"
    if family(kind) == "kafka" and not kafka_libs().is_dir():
        return f"{kafka_libs()} is missing: run scripts/setup, or set KAFKA_LIBS"
    if kind == "tidemill" and not os.access(paths.tidemill_binary(), os.X_OK):
        return f"{paths.tidemill_binary()} is missing: cargo build --release -p tidemill"
    return None


def keep_log(broker, name: str) -> Path:
    """What a broker said that did not end as it should; its folder goes with the run."""
    LOGS.mkdir(parents=True, exist_ok=True)
    kept = LOGS / f"bench-{name}.log"
    if broker.log_path.exists():
        shutil.copyfile(broker.log_path, kept)
    return kept


def stop(broker) -> None:
    """Ends a broker, which may be stopped by signal, as gently as it lets us."""
    if isinstance(broker, Peer) or not broker.is_alive():
        return
    broker.resume()
    broker.process.terminate()
    try:
        wait_until(lambda: broker.process.poll() is not None, 60.0, f"{broker.kind} to end")
    except AssertionError as error:
        print(f"bench: {error}; it is killed", flush=True)
        broker.kill()
