"""Tests of whole runs, with stand-ins for brokers and for the load: what a run makes of bad input,
and that what only the long form does is done."""

import contextlib
import io
import json
import socket
import subprocess
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from measure import brokers, load, main, rdkafka, results, schedule
from measure.unit import measured

# Says what the load would, from a file; may end the broker before it does, once.
LOAD = """#!/bin/sh
cd "$(dirname "$0")"
[ "$1" = control ] && { echo "ready here"; exec sleep 60; }
echo "$*" >> calls
case "$* " in
*"--topic small"*"--pid "*)
  if [ -e deadly ] && [ "$(grep -c -- '--topic small' calls)" = "$(cat deadly)" ]; then
    pid="${*##*--pid }"
    kill -9 "${pid%% *}"
    cat answer.json
    echo "bench: the broker closed a connection" >&2
    exit 1
  fi
esac
[ -e reason ] && { cat answer.json; cat reason >&2; exit 1; }
cat answer.json
"""


class Stub(brokers.Measured):
    """A process that does nothing, at a port that somebody listens on."""

    def __init__(self, kind: str, home: Path, core: int, group, pauses: bool = True):
        del core, pauses
        home.mkdir(parents=True, exist_ok=True)
        self.kind, self.home, self.group, self.host = kind, home, group, "127.0.0.1"
        self.log_path = home / "broker.log"
        self.log_path.write_text("its last words\n")
        self.listener = socket.create_server((self.host, 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"{self.host}:{self.port}"
        self.starts = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> "Stub":
        self.starts += 1
        self.process = subprocess.Popen(["sleep", "60"])
        return self

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.close()

    def shown_command(self) -> str:
        return "sleep 60"


class NoGroup:
    note, path = "no memory limit", None

    def __init__(self, *_):
        pass

    def enter(self, command: list[str]) -> list[str]:
        return command

    def remove(self) -> None:
        pass


@dataclass
class Run:
    code: int
    output: str
    head: dict
    windows: list[dict]
    calls: list[str]


def answer(**changes) -> dict:
    found = measured(1.0, offered_per_s=None)
    tail = {**found["latency"]}
    found["delivered"] = {"end_to_end": tail, "empty": 1, "bytes": 1, "records": 1}
    for key, value in changes.items():
        (found["cpu"] if key in found["cpu"] else found)[key] = value
    return found


def run(words: str, reply: dict, files: dict[str, str] | None = None, disk_free: int = 1 << 50,
        ) -> Run:
    """`scripts/bench WORDS`, with what the load answers each time."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "answer.json").write_text(json.dumps(reply))
        for file, text in (files or {}).items():
            (home / file).write_text(text)
        (home / "load").write_text(LOAD)
        (home / "load").chmod(0o755)
        options = main.parse([*words.split(), "--core", "0", "--client-core", "0", "--data",
                              f"{home}/data", "--results", f"{home}/results"])
        out = io.StringIO()
        with contextlib.ExitStack() as stack:
            for patch in (mock.patch.object(load, "binary", lambda: home / "load"),
                          mock.patch.object(brokers, "missing", lambda kind: None),
                          mock.patch.dict(brokers.KINDS, kafka=Stub, tidemill=Stub),
                          mock.patch.object(schedule, "create_topic", lambda *_: None),
                          mock.patch.object(schedule, "Group", NoGroup),
                          mock.patch.object(brokers, "LOGS", home),
                          mock.patch.object(schedule.shutil, "disk_usage",
                                            lambda _: mock.Mock(free=disk_free))):
                stack.enter_context(patch)
            stack.enter_context(contextlib.redirect_stdout(out))
            code = main.run(options)
        head = results.read(next((home / "results").glob("*.json")))
        calls = home / "calls"
        return Run(code, out.getvalue(), head, head.pop("windows"),
                   calls.read_text().splitlines() if calls.exists() else [])


class BadInput(unittest.TestCase):
    def test_a_quiet_run_is_whole(self):
        found = run("W3a --no-controls", answer())
        self.assertEqual((found.code, found.head["complete"]), (0, True))
        self.assertEqual(len(found.windows), 6)
        self.assertNotIn("PARTIAL", found.output)

    def test_a_wrong_address_is_told(self):
        found = run("W3a --no-controls --peer 127.0.0.1:1", answer())
        self.assertEqual((found.code, found.head["complete"]), (main.PARTIAL, False))
        self.assertRegex(found.output, "the run ends here: peer at 127.0.0.1:1: .*refused")
        self.assertIn("PARTIAL: this run did not come to its end", found.output)
        self.assertIn("0 of 3 windows of peer", found.output)

    def test_a_broker_that_dies_in_the_middle_is_told_and_started_again(self):
        # The warm-up of both has one load on this topic each, so that this is the second window.
        found = run("W3a --no-controls", answer(), {"deadly": "4"})
        self.assertEqual((found.code, found.head["complete"]), (main.PARTIAL, True))
        self.assertIn("tidemill ended with exit code -9", found.output)
        self.assertIn("2 of 3 windows of tidemill", found.output)
        self.assertIn("not to be trusted, see the marks: W3a", found.output)
        broken = [window for window in found.windows if "failure" in window]
        self.assertEqual([(window["broker"], window["block"]) for window in broken],
                         [("tidemill", 1)])
        self.assertEqual(broken[0]["failure"], "the broker closed a connection")
        self.assertEqual(broken[0]["measured"]["requests"], 100_000)
        self.assertEqual(len(found.windows), 6)

    def test_a_full_disk_is_told(self):
        with self.assertRaisesRegex(SystemExit, "1 GiB are free below .*, and 8 GiB are needed"):
            run("W3a --no-controls", answer(), disk_free=1 << 30)
        with mock.patch.object(load, "DISK_FREE_MIN", 1 << 62):
            found = run("W3a --no-controls", answer(),
                        {"reason": "bench: partition 0 answered error 56"})
        self.assertEqual((found.code, found.head["complete"]), (main.PARTIAL, False))
        self.assertRegex(found.output, r"error 56 \(the disk of .* is full: \d+ MiB are left\)")
        self.assertIn("0 of 3 windows of kafka", found.output)

    def test_a_tool_that_could_not_be_built_is_told(self):
        with tempfile.TemporaryDirectory() as name, \
                mock.patch.object(rdkafka, "HOME", Path(name) / "rdkafka"), \
                mock.patch.object(rdkafka, "TOOL", Path(name) / "tool"), \
                mock.patch.object(rdkafka, "CRATE", "no crate has this name"):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                rdkafka.build()
            self.assertIn("rdkafka_performance can't be built: ", out.getvalue())
            found = run("R4 W3a --no-controls", answer())
        self.assertEqual((found.code, found.head["complete"]), (main.PARTIAL, True))
        self.assertRegex(found.output,
                         r"\| missing: \S+ was not built, see .*build\.log; 0 of 2 windows")
        self.assertIn("not to be trusted, see the marks: R4\n", found.output)
        self.assertEqual(len(found.windows), 6)

    def test_noise_and_a_clock_that_steps_are_told(self):
        for reply, mark in ((answer(core_steal_s=0.4), "20% of the broker's core was stolen"),
                            (answer(clock_step_ms=5000.0), "the clock stepped by 5000 ms")):
            found = run("W3a --no-controls", reply)
            self.assertEqual((found.code, found.head["complete"]), (main.PARTIAL, True))
            self.assertIn(mark, found.output)
            self.assertIn("noisy: 6 of 6 windows", found.output)
            self.assertIn("not to be trusted, see the marks: W3a", found.output)
            # Each was tried once more.
            self.assertEqual([window["dropped"] for window in found.windows], [1] * 6)


class LongForm(unittest.TestCase):
    def test_a_row_warms_up_until_it_is_steady(self):
        found = run("W3a --no-controls --steady 0.1", answer())
        warm_ups = found.head["warm_ups"]["W3a"]
        self.assertEqual({kind: (one["steady"], len(one["cpu_us_per_record"]))
                          for kind, one in warm_ups.items()},
                         {"kafka": (True, 6), "tidemill": (True, 6)})
        self.assertEqual(found.code, 0)

    def test_a_soak_has_parts_and_says_whether_it_was_flat(self):
        found = run("W9b --no-controls --soak 6", answer())
        self.assertEqual(found.code, 0)
        self.assertEqual([(window["broker"], window["block"]) for window in found.windows],
                         [(kind, part) for kind in ("kafka", "tidemill") for part in range(1, 7)])
        self.assertEqual([window["measured"].get("growth") for window in found.windows[:6]],
                         [None] * 5 + [1.0])
        self.assertIn("| last p99 / first | 1.00 | 1.00 | 1.00", found.output)
        soaked = [call for call in found.calls if "--consumers 1" in call and "--rate" in call]
        self.assertEqual(len(soaked), 12)
        self.assertTrue(all("--seconds 1.0 " in call and "{rate}" not in call for call in soaked))

    def test_a_loud_machine_is_marked_before_rows_about_latency(self):
        found = run("W8", answer())
        self.assertEqual(len(found.head["null_round_trips"]["W8"]), 1)
        self.assertNotIn("null round trip p99.9 of", found.output)
        loud = answer()
        loud["latency"]["p999_us"] = 900.0
        found = run("W8", loud)
        self.assertEqual(len(found.head["null_round_trips"]["W8"]), 3)
        self.assertIn("null round trip p99.9 of 900 us before it, above 300", found.output)
        self.assertEqual(found.code, main.PARTIAL)
