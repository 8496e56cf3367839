"""Runs the load generator and reads what it found."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from compat.harness import paths, wire

from measure import network

# Beyond its own length a window may wait for a topic's leaders and for the last answers.
EXTRA_SECONDS = 75.0
DISK_FREE_MIN = 256 << 20


class LoadError(Exception):
    """The generator gave up; `measured` is what it had until then, if anything."""

    def __init__(self, reason: str, measured: dict | None = None):
        super().__init__(reason)
        self.measured = measured


# What ends a broker's part of a run; anything else is a mistake of ours.
FAILURES = (AssertionError, OSError, LoadError, wire.ProtocolError, subprocess.SubprocessError)


def binary() -> Path:
    return Path(os.environ.get("BENCH", paths.ROOT / "target" / "release" / "bench"))


@dataclass
class Place:
    """Where the load runs, and what it watches."""

    core: int
    client_core: int
    device: str | None
    folder: Path


def parse(text: str) -> dict:
    try:
        return json.loads(text, parse_float=lambda number: round(float(number), 6))
    except ValueError as error:
        raise LoadError(f"the load broke off: {error}") from error


def pinned(place: Place, words: list[str]) -> list[str]:
    return ["taskset", "-c", str(place.client_core), str(binary()), *words]


def run(place: Place, words: list[str], limit: float) -> dict:
    """Runs a command of the generator to its end. A broker that died, a wrong address and a full
    disk end here, with what the generator said of it."""
    try:
        done = subprocess.run(pinned(place, [*words, "--format", "json"]), capture_output=True,
                              text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"no end after {limit:.0f} s") from error
    measured = parse(done.stdout) if done.stdout.strip() else None
    if done.returncode == 0 and measured is not None:
        return measured
    reason = done.stderr.strip().removeprefix("bench: ") or f"exit code {done.returncode}"
    free = shutil.disk_usage(place.folder).free
    if free < DISK_FREE_MIN:
        reason += f" (the disk of {place.folder} is full: {free >> 20} MiB are left)"
    raise LoadError(reason, measured)


def window(place: Place, kind: str, broker, topic, arguments: str, seconds: float,
           warm_up: float) -> dict:
    """One measured window against a broker."""
    words = [kind, "--address", broker.address, "--topic", topic.name, "--seconds", str(seconds),
             "--warm-up", str(warm_up), "--core", str(place.core), "--client-core",
             str(place.client_core), *arguments.split()]
    if "--partitions" not in words:
        words += ["--partitions", str(topic.partitions)]
    if broker.pid is not None:
        words += ["--pid", str(broker.pid)]
    if place.device:
        words += ["--device", place.device]
    found = run(place, words, seconds + warm_up + EXTRA_SECONDS)
    if network.current() is not network.LOOPBACK:
        found["network"] = network.current().name
    return found
