"""What is compared: each on its core and in its memory limit, stopped by signal while another is
measured, so that all stay warm and none disturbs. A peer at an address is only talked to."""

import os
import signal
import subprocess
from pathlib import Path

from compat.harness import broker as harness
from compat.harness import java, paths
from compat.harness.process import wait_until

from measure import load
from measure.memory import Group

HEAP = "1g"
# As Kafka's own start script sets them.
JVM = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
       "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
       "-XX:MaxInlineLevel=15", "-Djava.awt.headless=true"]
HOUR_MS = str(3600 * 1000)
CONTROLS = ("null", "recv", "echo", "write", "commit", "sendfile", "splice", "read")


def kafka_libs() -> Path:
    return Path(os.environ.get("KAFKA_LIBS", paths.KAFKA_LIBS))


class Measured:
    """What is added to a broker of the test harness."""

    core: int
    group: Group

    def pinned(self, command: list[str]) -> list[str]:
        return self.group.enter(["taskset", "-c", str(self.core), *command])

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def shown_command(self) -> str:
        command = self.command()
        return " ".join(command[command.index("taskset"):])


class Kafka(Measured, harness.Kafka):
    def __init__(self, home: Path, core: int, group: Group, pauses: bool = True):
        super().__init__(home, config={
            "log.retention.check.interval.ms": "5000",
            "log.initial.task.delay.ms": "1000",
            "auto.create.topics.enable": "false",
            # It is stopped for longer than a session while others are measured. One that is killed
            # must keep its default: until then it may not come back.
            **({"broker.session.timeout.ms": HOUR_MS} if pauses else {}),
        })
        self.core, self.group = core, group

    def command(self) -> list[str]:
        return self.pinned([
            "java", f"-Xms{HEAP}", f"-Xmx{HEAP}", *JVM,
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
    def __init__(self, home: Path, core: int, group: Group, pauses: bool = True):
        del pauses  # It has no session with itself.
        super().__init__(home, shards=1, config={
            "log.retention.check.interval.ms": "5000",
            "auto.create.topics.enable": "false",
            "tidemill.cpus": str(core),
        })
        self.core, self.group = core, group

    def command(self) -> list[str]:
        return self.pinned(super().command())


class Control(Measured, harness.Broker):
    """A loop of the `bench` binary."""

    clean_codes = (0, -signal.SIGTERM)

    def __init__(self, name: str, home: Path, core: int, group: Group):
        super().__init__(home)
        self.kind = name
        self.core, self.group = core, group

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


def missing(kind: str) -> str | None:
    """Why a broker can't be started, if so."""
    if not os.access(load.binary(), os.X_OK):
        return f"{load.binary()} is missing: cargo build --release -p bench"
    if kind == "kafka" and not kafka_libs().is_dir():
        return f"{kafka_libs()} is missing: run scripts/setup, or set KAFKA_LIBS"
    if kind == "tidemill" and not os.access(paths.tidemill_binary(), os.X_OK):
        return f"{paths.tidemill_binary()} is missing: cargo build --release -p tidemill"
    return None


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
