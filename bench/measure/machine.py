"""What a figure was measured on, for the results file."""

import os
import platform
import subprocess
import time
from pathlib import Path

from compat.harness import paths

# A disk has settled when so many flushed writes in a row took less than this; it is waited for so
# long at most.
SETTLED_WRITES, SETTLED_SECONDS, SETTLE_SECONDS_MAX = 5, 0.01, 10.0


def line_of(path: str, prefix: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            if line.startswith(prefix):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown"


def output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=paths.ROOT)
    except OSError as error:
        return f"unknown: {error.strerror}"
    return (done.stdout or done.stderr).strip()


def mount_of(path: Path) -> tuple[str, str, str]:
    """Device, file system and options below a path."""
    found = ("unknown", "unknown", "unknown")
    longest = -1
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind, options = line.split()[:4]
        inside = path.resolve().is_relative_to(point)
        if inside and len(point) >= longest:
            found, longest = (device, kind, options), len(point)
    return found


def disk(device: str) -> str:
    queue = Path("/sys/class/block") / Path(device).name / "queue"
    facts = []
    for name in ("rotational", "scheduler", "write_cache", "nr_requests"):
        try:
            facts.append(f"{name} {(queue / name).read_text().strip()}")
        except OSError:
            continue
    return f"{device}: {', '.join(facts)}" if facts else device


def device_of(folder: Path) -> str | None:
    """The disk below a folder, as in /sys/class/block: the whole one, which alone counts
    flushes."""
    device, _, _ = mount_of(folder)
    home = Path("/sys/class/block") / Path(device).name
    if not home.is_dir():
        return None
    if (home / "partition").exists():
        home = home.resolve().parent
    return home.name


def evict(home: Path, topic: str) -> None:
    """Drops a topic's files from the page cache. What is still dirty is written first."""
    for path in home.rglob("*"):
        if not path.is_file() or topic not in path.parent.name:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def settle_disk(home: Path) -> float:
    """Waits until the disk answers flushed writes at once again: what the window before wrote may
    lie in a cache of the host, and would hold up the next. Returns the seconds that took."""
    begun = time.monotonic()
    descriptor = os.open(home / "settle", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        prompt = 0
        while prompt < SETTLED_WRITES and time.monotonic() - begun < SETTLE_SECONDS_MAX:
            asked = time.monotonic()
            os.pwrite(descriptor, bytes(4096), 0)
            os.fsync(descriptor)
            prompt = prompt + 1 if time.monotonic() - asked < SETTLED_SECONDS else 0
    finally:
        os.close(descriptor)
    return time.monotonic() - begun


def text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def note(data: Path) -> dict[str, str]:
    device, kind, options = mount_of(data)
    changes = output("git", "status", "--porcelain", "--untracked-files=no")
    commit = output("git", "rev-parse", "HEAD")
    return {
        "commit": commit + (" with changes" if changes else ""),
        "kernel": platform.release(),
        "cpu": line_of("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": line_of("/proc/meminfo", "MemTotal"),
        "transparent_hugepages": text("/sys/kernel/mm/transparent_hugepage/enabled"),
        "file_system": f"{kind} ({options})",
        "disk": disk(device),
        "java": output("java", "-version").splitlines()[0],
    }


def load() -> str:
    return " ".join(text("/proc/loadavg").split()[:3])
