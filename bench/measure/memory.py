"""A memory limit for a broker, by control groups: without one, page cache grows over all memory
and the first touch of each page is charged to whoever came last. Groups are made below our own,
so every limit that holds for us goes on to hold."""

from pathlib import Path

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

    def remove(self) -> None:
        if self.path is not None:
            try:
                self.path.rmdir()
            except OSError as error:
                print(f"measure: {self.path} stays: {error.strerror}", flush=True)
