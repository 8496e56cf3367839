"""What a test is given, and how a test is declared."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compat.harness import broker as brokers
from compat.harness import java, wire
from compat.harness.process import CommandError, end_process


@dataclass
class Options:
    """Sizes of the long tests."""

    broker: str = "tidemill"
    matrix: bool = False
    cycles: int = 12
    megabytes: int = 64
    seconds: float = 15.0
    seed: int = 1


@dataclass
class Test:
    folder: str
    name: str
    run: Callable
    limit: float
    shards: int
    own: bool
    only: str | None

    @property
    def full_name(self) -> str:
        return f"{self.folder}/{self.name}"


REGISTRY: list[Test] = []


def test(limit: float = 60.0, shards: int = 1, own: bool = False, only: str | None = None):
    """Declares a test. `shards` picks the shared broker; `own` tests start their brokers
    themselves; `only` names the one kind of broker that the test is about."""
    def declare(function):
        folder = function.__module__.split(".")[-2]
        REGISTRY.append(Test(folder, function.__name__, function, limit, shards, own, only))
        return function
    return declare


class Context:
    """Lives in the test's own process, whose output is the test's log."""

    def __init__(self, declared: Test, home: Path, options: Options, shared):
        self.test = declared
        self.home = home
        self.options = options
        self.broker = shared
        self.started: list = []
        self.tag = f"{declared.folder}-{declared.name}".replace("_", "-")

    @staticmethod
    def log(text: str) -> None:
        print(text.rstrip("\n"), flush=True)

    def name(self, suffix: str = "t") -> str:
        """A topic or group name of this test's own."""
        return f"{self.tag}-{suffix}"

    def topic(self, suffix: str = "t", partitions: int = 1, broker=None, **configs) -> str:
        """Creates a topic by our own protocol client and waits until it has leaders."""
        broker = broker or self.broker
        name = self.name(suffix)
        settings = {key.replace("_", "."): value for key, value in configs.items()}
        create_topic(broker, name, partitions, settings)
        return name

    def start_broker(self, shards: int | None = None, name: str = "broker", kind: str | None = None,
                     **config) -> brokers.Broker:
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        count = self.test.shards if shards is None else shards
        started = brokers.make(kind or self.options.broker, self.home / name, count, settings)
        self.started.append(started)
        started.start()
        self.log(f"started {started.kind} on {started.address} with {count} shards, "
                 f"process {started.pid}")
        return started

    def run(self, *command, stdin: bytes | str | None = None, limit: float = 60.0,
            code: int | None = 0) -> subprocess.CompletedProcess:
        """Runs a command to its end; output is text. Another exit code fails the test."""
        words = [str(word) for word in command]
        self.log("$ " + " ".join(words))
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(
            words, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=limit, check=False)
        done.stdout = done.stdout.decode(errors="replace")
        done.stderr = done.stderr.decode(errors="replace")
        self.log(done.stdout[:20000] + done.stderr[:20000] + f"[exit {done.returncode}]")
        if code is not None and done.returncode != code:
            raise CommandError(f"{words[0]} ended with {done.returncode}: {done.stderr[-500:]}")
        return done

    def spawn(self, *command, **options) -> subprocess.Popen:
        """Starts a command that is ended with the test at the latest."""
        words = [str(word) for word in command]
        self.log("$ " + " ".join(words) + " &")
        process = subprocess.Popen(words, **{"stdin": subprocess.DEVNULL, **options})
        self.started.append(process)
        return process

    def jvm(self) -> java.Jvm:
        return java.Jvm(self.log)

    def wire(self, broker=None, limit: float = 30.0) -> wire.Connection:
        target = broker or self.broker
        return wire.Connection(target.host, target.port, limit)

    def end(self) -> None:
        for started in reversed(self.started):
            if isinstance(started, brokers.Broker):
                started.end()
            else:
                end_process(started, 5.0)


def create_topic(broker, name: str, partitions: int, configs: dict[str, str]) -> None:
    with wire.Connection(broker.host, broker.port) as connection:
        code = connection.create_topic(name, partitions, configs)
        if code:
            raise AssertionError(f"CreateTopics {name} answered {code}")
        end = time.monotonic() + 20
        while True:
            code, leaders = connection.metadata([name]).topics[name]
            if code == 0 and len(leaders) == partitions and min(leaders.values()) >= 0:
                return
            if time.monotonic() > end:
                raise AssertionError(f"{name} has no leaders: {code} {leaders}")
            time.sleep(0.02)


def expect_equal(found, expected, what: str) -> None:
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r:.400}, found {found!r:.400}")


def python_command(module: str, *arguments) -> list[str]:
    """A module of this package as a process of its own."""
    tools = Path(__file__).resolve().parent.parent.parent
    start = f"import sys; sys.path[0] = {str(tools)!r}; import runpy; " \
            f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", start, *map(str, arguments)]


def write_out(text: str) -> None:
    os.write(1, text.encode())
