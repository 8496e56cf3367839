"""The runner must see every way in which a test can fail, and end what a test leaves behind."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from compat.harness import paths, runner
from compat.harness.context import Options, Test


def passes(ctx):
    ctx.log("fine")


def fails(_):
    raise AssertionError("planted")


def hangs(_):
    time.sleep(60)


def crashes(_):
    os.kill(os.getpid(), signal.SIGSEGV)


def leaves_a_child(ctx):
    child = subprocess.Popen(["sleep", "60"])
    (ctx.home / "child").write_text(str(child.pid))


def run(function, limit: float = 10.0):
    suite = runner.Runner(Options(), 2)
    declared = Test("unit", function.__name__, function, limit, 1, True, None)
    suite.report = suite.outcomes.append  # without its line on the terminal
    outcome = suite.run([declared])[0]
    return outcome, suite.home / f"unit.{function.__name__}"


class Runner(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.runs, paths.RUNS = paths.RUNS, Path(self.folder.name)

    def tearDown(self):
        paths.RUNS = self.runs
        self.folder.cleanup()

    def test_pass(self):
        outcome, home = run(passes)
        self.assertTrue(outcome.passed, outcome.reason)
        self.assertEqual((home / "log").read_text(), "fine\n")

    def test_failure_is_told(self):
        outcome, home = run(fails)
        self.assertFalse(outcome.passed)
        self.assertIn("planted", outcome.reason)
        self.assertIn("Traceback", (home / "log").read_text())

    def test_time_limit(self):
        begun = time.monotonic()
        outcome, _ = run(hangs, 0.3)
        self.assertFalse(outcome.passed)
        self.assertIn("not finished within", outcome.reason)
        self.assertLess(time.monotonic() - begun, 5)

    def test_crash(self):
        outcome, _ = run(crashes)
        self.assertFalse(outcome.passed)

    def test_leftovers_are_ended(self):
        outcome, home = run(leaves_a_child)
        self.assertTrue(outcome.passed, outcome.reason)
        state = Path("/proc") / (home / "child").read_text() / "stat"
        time.sleep(0.1)
        self.assertTrue(not state.exists() or state.read_text().split(") ")[1][0] == "Z")


if __name__ == "__main__":
    unittest.main()
