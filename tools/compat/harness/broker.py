"""The broker under test. Every test takes it from here, so that each expectation can be checked
against Apache Kafka before it is asked of Tidemill."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from compat.harness import java, paths, wire
from compat.harness.process import (
    descriptor_count, end_process, free_port, resident_bytes, wait_until)

START_LIMIT_SECONDS = 60.0


class Broker:
    """One broker process and its directory. Ports and data outlive kill() and stop()."""

    kind = ""

    def __init__(self, home: Path, shards: int = 1, config: dict[str, str] | None = None):
        self.home = home
        self.shards = shards
        self.config = dict(config or {})
        self.host = "127.0.0.1"
        self.port = free_port()
        self.data = home / "data"
        self.process: subprocess.Popen | None = None
        self.exec_at = 0.0
        home.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log_path(self) -> Path:
        return self.home / "broker.log"

    def properties(self) -> dict[str, str]:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def write_properties(self) -> Path:
        path = self.home / "server.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in self.properties().items()))
        return path

    def launch(self) -> None:
        """Starts the process and returns at once; exec_at is the moment before it."""
        self.write_properties()
        with open(self.log_path, "ab") as log:
            self.ready_from = log.tell()
            self.exec_at = time.monotonic()
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=getattr(self, "detached", False))

    def start(self) -> "Broker":
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the broker ended with {self.process.returncode} while starting; its log: "
                    f"{self.log_path}\n{self.log_tail()}")
            return self.is_ready()
        wait_until(ready, START_LIMIT_SECONDS, f"broker ready, see {self.log_path}", 0.005)

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, limit: float = 30.0) -> None:
        """A clean stop: SIGTERM, and the exit code of a clean stop within the limit."""
        if not self.is_alive():
            raise AssertionError(f"the broker was not running: {self.log_tail()}")
        code = end_process(self.process, limit)
        if code not in self.clean_codes:
            raise AssertionError(f"exit code {code} after SIGTERM: {self.log_tail()}")

    def end(self) -> None:
        if self.is_alive():
            self.kill()

    def log_tail(self, lines: int = 15) -> str:
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def resident_bytes(self) -> int:
        return resident_bytes(self.pid)

    def descriptor_count(self) -> int:
        return descriptor_count(self.pid)


class Tidemill(Broker):
    kind = "tidemill"
    clean_codes = (0,)

    def properties(self) -> dict[str, str]:
        return {
            "node.id": "1",
            "listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": str(self.data),
            "tidemill.shards": str(self.shards),
            "group.initial.rebalance.delay.ms": "0",
            "offsets.topic.replication.factor": "1",
            **self.config,
        }

    def command(self) -> list[str]:
        return [str(paths.tidemill_binary()), "serve", str(self.home / "server.properties")]

    def is_ready(self) -> bool:
        with open(self.log_path, "rb") as log:
            log.seek(self.ready_from)
            return any(line.startswith(b"ready") for line in log.read().splitlines())


class Kafka(Broker):
    """Apache Kafka 4.3.1, broker and controller in one process."""

    kind = "kafka"
    clean_codes = (0, 143)

    def __init__(self, home: Path, shards: int = 1, config: dict[str, str] | None = None):
        super().__init__(home, shards, config)
        self.controller_port = free_port()

    def properties(self) -> dict[str, str]:
        own = {key: value for key, value in self.config.items() if not key.startswith("tidemill.")}
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "listeners":
                f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners":
                f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller_port}",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.data),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "5",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            **own,
        }

    def command(self) -> list[str]:
        return [*java.java_command("512m"), java.main_class("kafka-server-start"),
                str(self.home / "server.properties")]

    def launch(self) -> None:
        if not (self.data / "meta.properties").exists():
            self.format()
        super().launch()

    def format(self) -> None:
        path = self.write_properties()
        subprocess.run(
            java.tool_command("kafka-storage", "format", "-t", "Vz0kYkE2QxWcZ2hYVd0m1A",
                              "-c", path, "--standalone"),
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_ready(self) -> bool:
        try:
            with wire.Connection(self.host, self.port, limit=5.0) as connection:
                return bool(connection.metadata([]).brokers)
        except (OSError, wire.ProtocolError, socket.timeout):
            time.sleep(0.1)
            return False


def make(kind: str, home: Path, shards: int = 1, config: dict[str, str] | None = None) -> Broker:
    return {"tidemill": Tidemill, "kafka": Kafka}[kind](home, shards, config)


def missing(kind: str) -> str | None:
    """Why this kind of broker cannot be started here, if so."""
    if kind == "tidemill" and not os.access(paths.tidemill_binary(), os.X_OK):
        return f"{paths.tidemill_binary()} is missing: cargo build --release -p tidemill"
    if not paths.KAFKA_LIBS.is_dir():
        return f"{paths.KAFKA_LIBS} is missing: run scripts/setup"
    return None
