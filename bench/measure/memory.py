"""A memory limit for a broker, by control groups: without one, page cache grows over all memory
and the first touch of each page is charged to whoever came last. Groups are made below our own,
so every limit that holds for us goes on to hold."""

import threading
from pathlib import Path

SAMPLE_SECONDS = 0.1
ROOT_V1 = Path("/sys/fs/cgroup/memory")
ROOT_V2 = Path("/sys/fs/cgroup")


def own_group(controller: str) -> str | None:
    """Our group in the hierarchy of a controller of version 1, or of version 2 for ""."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return path.lstrip("/")
    return None


class Group:
    """One broker's group. `path` is None where groups can't be made; `note` then says why."""

    def __init__(self, name: str, limit_bytes: int):
        self.path: Path | None = None
        self.note = f"memory limit {limit_bytes >> 20} MiB"
        try:
            self.path = self.make(name, limit_bytes)
        except OSError as error:
            self.note = f"no memory limit: {error.strerror}"

    def make(self, name: str, limit_bytes: int) -> Path:
        version_1 = own_group("memory")
        if version_1 is not None and (ROOT_V1 / version_1).is_dir():
            path, limit = ROOT_V1 / version_1 / name, "memory.limit_in_bytes"
        else:
            home = ROOT_V2 / (own_group("") or "")
            path, limit = home / name, "memory.max"
            # A group with processes of its own can't do this; then there is no limit.
            (home / "cgroup.subtree_control").write_text("+memory")
        path.mkdir(exist_ok=True)
        try:
            (path / limit).write_text(str(limit_bytes))
        except OSError:
            path.rmdir()
            raise
        return path

    def enter(self, command: list[str]) -> list[str]:
        """The command that runs another inside the group, under the same process id."""
        if self.path is None:
            return command
        return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.path / "cgroup.procs"),
                *command]

    def used(self) -> dict[str, int]:
        """Bytes that are charged to the group, and of those the page cache; nothing where there
        is no group."""
        if self.path is None:
            return {}
        for total, cached in (("memory.usage_in_bytes", "cache"), ("memory.current", "file")):
            if (self.path / total).exists():
                lines = (self.path / "memory.stat").read_text().splitlines()
                stat = dict(line.split() for line in lines)
                return {"group_bytes": int((self.path / total).read_text()),
                        "group_cache_bytes": int(stat[cached])}
        return {}

    def remove(self) -> None:
        if self.path is not None:
            try:
                self.path.rmdir()
            except OSError as error:
                print(f"measure: {self.path} stays: {error.strerror}", flush=True)


class Peak:
    """The most that a group used while a block of code ran."""

    def __init__(self, group: Group):
        self.group, self.found, self.over = group, {}, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self) -> None:
        while True:
            used = self.group.used()
            if used.get("group_bytes", 0) >= self.found.get("group_bytes", 0):
                self.found = used
            if self.over.wait(SAMPLE_SECONDS):
                return

    def __enter__(self) -> "Peak":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()
