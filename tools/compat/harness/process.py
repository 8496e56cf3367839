"""Child processes: ports, waiting, ending by id, figures from /proc."""

import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path


class CommandError(AssertionError):
    """A command ended with another exit code than the test expects."""


def free_port() -> int:
    """A port nobody listens on, below the range that outgoing connections are given, so that it
    is still free when a broker comes back after a kill."""
    for _ in range(1000):
        port = random.randint(11000, 31000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port between 11000 and 31000")


def wait_until(condition, limit: float, what: str, pause: float = 0.05):
    """Calls condition until it returns something true, which is returned."""
    end = time.monotonic() + limit
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what}")
        time.sleep(pause)


def end_process(process: subprocess.Popen, limit: float = 10.0) -> int:
    """SIGTERM, then SIGKILL after the limit. Returns the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def descriptor_count(pid: int) -> int:
    folder, count = f"/proc/{pid}/fd", 0
    for name in os.listdir(folder):
        try:
            # Segments of a new topic stay open for a while; what strangers take are sockets.
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count
