"""What a run found, kept from the first window on, so that a run that ends early leaves what it
has, marked as partial."""

import datetime
import json
import os
import time
from pathlib import Path

from compat.harness import paths

FOLDER = paths.ROOT / "bench" / "results"


class Results:
    def __init__(self, name: str, form: str, folder: Path | None = None):
        self.begun = time.monotonic()
        self.path = (folder or FOLDER) / f"{datetime.date.today().isoformat()}-{name}.json"
        self.head: dict = {"name": name, "form": form, "complete": False, "machine": {},
                           "options": {}, "commands": {}, "notes": [], "rows": []}
        self.windows: list[dict] = []

    def remark(self, text: str) -> None:
        print(f"bench: {text}", flush=True)
        self.head["notes"].append(text)

    def add(self, window: dict) -> None:
        self.windows.append({**window, "at": round(time.monotonic() - self.begun, 1)})
        self.write()

    def write(self) -> None:
        """The paths of this machine say nothing to a reader elsewhere."""
        self.head["seconds"] = round(time.monotonic() - self.begun, 1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps(self.head, indent=1).removesuffix("\n}")
        rows = ",\n".join(json.dumps(window, separators=(",", ":")) for window in self.windows)
        body = f'{head},\n "windows": [\n{rows}\n ]\n}}\n'
        body = body.replace(f"{paths.ROOT}/", "").replace(str(Path.home()), "~")
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(body)
        os.replace(temporary, self.path)


def read(path: Path) -> dict:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"bench: {path}: {error}") from error
    missing = {"rows", "brokers", "blocks", "complete", "windows"} - set(found)
    if missing:
        raise SystemExit(
            f"bench: {path} is no result of a run: it lacks {', '.join(sorted(missing))}")
    return found
