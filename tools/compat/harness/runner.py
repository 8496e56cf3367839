"""Runs tests: each in a process of its own, on shared brokers or its own, against pass lists."""

import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from compat.harness import broker as brokers
from compat.harness import paths
from compat.harness.context import REGISTRY, Context, Options, Test


@dataclass
class Running:
    test: Test
    pid: int
    home: Path
    started: float
    timed_out: bool = False


@dataclass
class Outcome:
    test: Test
    passed: bool
    seconds: float
    reason: str


def select(patterns: list[str], kind: str) -> list[Test]:
    def wanted(entry: Test) -> bool:
        return not patterns or any(
            fnmatch.fnmatch(entry.full_name, pattern) or pattern in entry.full_name
            for pattern in patterns)
    return [entry for entry in REGISTRY if wanted(entry) and entry.only in (None, kind)]


def pass_list(folder: str) -> list[str]:
    path = paths.COMPAT / folder / "passes.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


class Runner:
    def __init__(self, options: Options, jobs: int):
        self.options = options
        self.jobs = jobs
        self.home = paths.RUNS / options.broker
        self.shared: brokers.Broker | None = None
        self.restarts = 0
        self.outcomes: list[Outcome] = []

    def run(self, tests: list[Test]) -> list[Outcome]:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        try:
            for shards in sorted({self.shards(entry) for entry in tests if not entry.own}):
                group = [entry for entry in tests
                         if not entry.own and self.shards(entry) == shards]
                self.run_group(group, self.jobs, shards)
                self.stop_shared()
            self.run_group([entry for entry in tests if entry.own], 1, None)
        finally:
            if self.shared is not None:
                self.shared.end()
        return self.outcomes

    def shards(self, entry: Test) -> int:
        """Kafka has no shards: one shared broker is enough for it."""
        return entry.shards if self.options.broker == "tidemill" else 1

    def run_group(self, tests: list[Test], jobs: int, shards: int | None) -> None:
        waiting = deque(tests)
        running: list[Running] = []
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    if shards is not None and not self.ensure_shared(shards):
                        entry = waiting.popleft()
                        self.report(Outcome(entry, False, 0.0, "the shared broker did not start"))
                        continue
                    running.append(self.begin(waiting.popleft(), shards))
                time.sleep(0.01)
                running = [entry for entry in running if not self.ended(entry)]
        finally:
            for entry in running:
                os.killpg(entry.pid, signal.SIGKILL)

    def ensure_shared(self, shards: int) -> bool:
        if self.shared is not None and self.shared.is_alive():
            return True
        if self.shared is not None:
            print(f"note: the shared broker ended: {self.shared.log_path}", flush=True)
            self.restarts += 1
        home = self.home / f"shared-{shards}-{self.restarts}"
        self.shared = brokers.make(self.options.broker, home, shards)
        self.shared.detached = True
        try:
            self.shared.start()
            return True
        except AssertionError as error:
            print(error, flush=True)
            self.shared.end()
            self.shared = None
            return False

    def stop_shared(self) -> None:
        """The shared broker has served many tests: it must still stop cleanly."""
        if self.shared is None:
            return
        reason = ""
        begun = time.monotonic()
        try:
            self.shared.stop()
        except AssertionError as error:
            reason = str(error)
        name = f"clean_stop_{self.shared.shards}"
        entry = Test("harness", name, lambda _: None, 30.0, self.shared.shards, False, None)
        self.report(Outcome(entry, not reason, time.monotonic() - begun, reason))
        self.shared.end()
        self.shared = None

    def begin(self, entry: Test, shards: int | None) -> Running:
        home = self.home / f"{entry.folder}.{entry.name}"
        home.mkdir(parents=True)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            self.child(entry, home, None if shards is None else self.shared)
        return Running(entry, pid, home, time.monotonic())

    def child(self, entry: Test, home: Path, shared) -> None:
        """In the test's process; does not return."""
        code = 1
        try:
            os.setsid()
            log = os.open(home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            context = Context(entry, home, self.options, shared)
            try:
                entry.run(context)
                code = 0
            finally:
                context.end()
        except BaseException as error:
            traceback.print_exc()
            (home / "reason").write_text(f"{type(error).__name__}: {error}")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def ended(self, entry: Running) -> bool:
        pid, status = os.waitpid(entry.pid, os.WNOHANG)
        seconds = time.monotonic() - entry.started
        if pid == 0:
            if seconds > entry.test.limit and not entry.timed_out:
                entry.timed_out = True
                os.killpg(entry.pid, signal.SIGKILL)
            return False
        try:
            os.killpg(entry.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        reason = ""
        if entry.timed_out:
            reason = f"not finished within {entry.test.limit:g} s"
        elif status != 0:
            path = entry.home / "reason"
            reason = path.read_text() if path.exists() else f"ended with status {status}"
        self.report(Outcome(entry.test, not reason, seconds, reason))
        return True

    def report(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        word = "ok  " if outcome.passed else "FAIL"
        print(f"{word} {outcome.test.full_name} {outcome.seconds:.1f}", flush=True)
        note = self.home / f"{outcome.test.folder}.{outcome.test.name}" / "note"
        if note.exists():
            print("     " + note.read_text().strip().replace("\n", "\n     "), flush=True)
        if not outcome.passed:
            lines = outcome.reason.strip().splitlines()[:12]
            print("     " + "\n     ".join(lines), flush=True)
            log = self.home / f"{outcome.test.folder}.{outcome.test.name}" / "log"
            print(f"     log: {log}", flush=True)
        elif outcome.test.own:
            self.drop_data(outcome.test)

    def drop_data(self, entry: Test) -> None:
        """The data of a passed test is of no more use; its logs stay."""
        for data in (self.home / f"{entry.folder}.{entry.name}").glob("**/data"):
            shutil.rmtree(data, ignore_errors=True)


def missing_listed(selected_all: bool, kind: str) -> list[str]:
    """Names in pass lists that no test has: a list only grows, so a test may not vanish."""
    if not selected_all:
        return []
    known = {entry.full_name for entry in REGISTRY}
    folders = sorted(path.parent.name for path in paths.COMPAT.glob("*/passes.txt"))
    listed = [f"{folder}/{name}" for folder in folders for name in pass_list(folder)]
    return [name for name in listed if name not in known]


def summary(outcomes: list[Outcome], lost: list[str], options: Options, accept: bool) -> int:
    """Prints the closing lines; the last one is `N passed, N failed`."""
    passed = [entry for entry in outcomes if entry.passed]
    failed = [entry for entry in outcomes if not entry.passed]
    if options.broker == "tidemill":
        for entry in failed:
            listed = entry.test.name in pass_list(entry.test.folder)
            print(f"failed: {entry.test.full_name}{'' if listed else ' (not in the pass list)'}")
        fresh = [entry.test for entry in passed
                 if entry.test.folder != "harness"
                 and entry.test.name not in pass_list(entry.test.folder)]
        for entry in fresh:
            print(f"passes, but is not listed: {entry.full_name}"
                  f"{', now listed' if accept else ' (run with --accept)'}")
            if accept:
                with open(paths.COMPAT / entry.folder / "passes.txt", "a") as listing:
                    listing.write(entry.name + "\n")
    for name in lost:
        print(f"listed, but there is no such test: {name}")
    print(f"{len(passed)} passed, {len(failed) + len(lost)} failed", flush=True)
    return 1 if failed or lost or not passed else 0


def own_unit_tests() -> Outcome:
    """The harness's own tests: above all, that the checker catches what it must."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, str(paths.COMPAT / "unit" / "run.py")],
                          capture_output=True, text=True, check=False)
    entry = Test("harness", "unit", lambda _: None, 60.0, 1, False, None)
    reason = "" if done.returncode == 0 else done.stderr
    return Outcome(entry, not reason, time.monotonic() - begun, reason)
