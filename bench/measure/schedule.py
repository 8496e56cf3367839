"""Which window follows which: rounds of the brokers side by side for each workload."""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from compat.harness import paths
from compat.harness.context import create_topic

from measure import brokers, machine
from measure.memory import Group
from measure.workloads import BULK, HOT, PARTITIONS, TINY, WORKLOADS, Workload

ORDER = ("null", "kafka", "tidemill")
DISK_BYTES_MIN = 30 << 30
RESTARTS_MAX = 3
# Beyond its own length a window may wait for a topic's leaders and for the last answers.
WINDOW_EXTRA_SECONDS = 70.0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/measure", description=(
        "Broker CPU for each GB and request: Tidemill, Apache Kafka and the null broker in turn."))
    parser.add_argument("--name", default="measure", help="of the results file")
    parser.add_argument("--brokers", default=",".join(ORDER))
    parser.add_argument("--workloads", default="", metavar="TEXT",
                        help="those whose name has one of these texts, separated by ';', also the "
                             "ones that are not run by default; 'all' for every one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="of a window")
    parser.add_argument("--warm-up", type=float, default=0.7, help="seconds before each window")
    parser.add_argument("--jvm-warm-up", type=float, default=24.0,
                        help="seconds of load on Kafka before all windows")
    parser.add_argument("--memory", type=int, default=4096, help="MiB for each broker")
    parser.add_argument("--limit", type=float, default=355.0,
                        help="seconds after which no window is started")
    parser.add_argument("--data", type=Path, default=paths.ROOT / "target" / "measure",
                        help="folder for the brokers' data, emptied before and after")
    parser.add_argument("--note", action="append", default=[], help="kept with the results")
    parser.add_argument("--broker-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    return parser.parse_args()


def chosen(wanted: str) -> list[Workload]:
    if wanted == "all":
        return WORKLOADS
    if not wanted:
        return [workload for workload in WORKLOADS if workload.default]
    return [workload for workload in WORKLOADS
            if any(part.strip() in workload.name for part in wanted.split(";"))]


class Schedule:
    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.workloads = chosen(options.workloads)
        self.begun = time.monotonic()
        self.running: dict[str, object] = {}
        self.losses: dict[str, int] = {}
        self.groups: list[Group] = []
        self.windows: list[dict] = []
        self.notes: list[str] = list(options.note)
        self.commands: dict[str, str] = {}

    def remark(self, text: str) -> None:
        print(f"measure: {text}", flush=True)
        self.notes.append(text)

    def left(self) -> float:
        return self.options.limit - (time.monotonic() - self.begun)

    def start(self) -> None:
        home = self.options.data
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if shutil.disk_usage(home).free < DISK_BYTES_MIN:
            raise SystemExit(f"measure: less than {DISK_BYTES_MIN >> 30} GiB free below {home}")
        for kind in ORDER:
            if kind not in self.options.brokers.split(","):
                continue
            reason = brokers.missing(kind)
            if reason:
                self.remark(f"without {kind}: {reason}")
                continue
            group = Group(f"measure-{kind}", self.options.memory << 20)
            self.groups.append(group)
            broker = brokers.KINDS[kind](home / kind, self.options.broker_core, group)
            self.running[kind] = broker
            broker.start()
            self.remark(f"{kind} started, {group.note}")
            command = broker.command()
            self.commands[kind] = " ".join(command[command.index("taskset"):])
            if kind != "null":
                for topic in {workload.topic.name: workload.topic
                              for workload in WORKLOADS}.values():
                    create_topic(broker, topic.name, PARTITIONS, topic.configs)
            broker.pause()

    def load(self, broker, kind: str, topic: str, arguments, seconds: float,
             warm_up: float) -> dict:
        command = [
            "taskset", "-c", str(self.options.client_core), str(brokers.bench_binary()), kind,
            "--address", broker.address, "--topic", topic, "--partitions", str(PARTITIONS),
            "--pid", str(broker.pid), "--core", str(self.options.broker_core),
            "--seconds", str(seconds), "--warm-up", str(warm_up), "--format", "json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=seconds + warm_up + WINDOW_EXTRA_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
        return json.loads(done.stdout, parse_float=lambda text: round(float(text), 6))

    def warm(self) -> None:
        """Fills page caches up to their limit, lets the JVM compile, and writes what is fetched
        later."""
        for kind, broker in list(self.running.items()):
            if kind == "null":
                continue
            broker.resume()
            seconds = self.options.jvm_warm_up if kind == "kafka" else 6.0
            bulk = next(workload for workload in WORKLOADS if workload.topic is BULK)
            shapes = [(bulk, 0.4)] + [
                (workload, 0.3) for workload in WORKLOADS
                if workload.topic is TINY and workload.arguments[-1] == "all"][1:]
            for workload, part in shapes:
                self.load(broker, "produce", workload.topic.name, workload.arguments,
                          seconds * part, 0.0)
            if any(workload.topic is HOT for workload in self.workloads):
                self.load(broker, "produce", HOT.name, bulk.arguments, 1.0, 0.0)
            broker.pause()
            os.sync()

    def run(self) -> None:
        for workload in self.workloads:
            for number in range(1, self.options.rounds + 1):
                for kind, broker in list(self.running.items()):
                    if kind not in workload.brokers:
                        continue
                    if self.left() < self.options.seconds + self.options.warm_up:
                        self.remark(f"out of time before round {number} of {workload.name}")
                        return
                    self.window(workload, number, kind, broker)

    def window(self, workload: Workload, number: int, kind: str, broker) -> None:
        broker.resume()
        try:
            measured = self.load(broker, workload.kind, workload.topic.name, workload.arguments,
                                 self.options.seconds, self.options.warm_up)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            self.remark(f"round {number} of {workload.name} on {kind} failed: {error}")
            if not broker.is_alive():
                self.lose(kind, broker)
            return
        finally:
            if broker.is_alive():
                broker.pause()
        self.windows.append({"workload": workload.name, "broker": kind, "round": number,
                             "measured": measured})
        cost = measured["cpu"]["broker"]["total_s"]
        print(f"measure: {workload.name}, round {number}, {kind}: "
              f"{measured['requests'] / measured['seconds']:.0f} requests/s, "
              f"{cost * 1e6 / max(measured['requests'], 1):.1f} us CPU each", flush=True)
        if workload.is_bulk and kind != "null":
            os.sync()

    def lose(self, kind: str, broker) -> None:
        """A broker ended by itself. That is told, its log is kept, and it may try again."""
        kept = paths.ROOT / "target" / f"measure-{kind}.log"
        shutil.copyfile(broker.log_path, kept)
        self.losses[kind] = self.losses.get(kind, 0) + 1
        self.remark(f"{kind} ended with exit code {broker.process.returncode}, its log is {kept}")
        if self.losses[kind] > RESTARTS_MAX:
            self.remark(f"{kind} is not started again")
            del self.running[kind]
            return
        broker.start()
        broker.pause()

    def end(self) -> None:
        for broker in self.running.values():
            try:
                brokers.end(broker)
            finally:
                broker.end()
        for group in self.groups:
            group.remove()
        shutil.rmtree(self.options.data, ignore_errors=True)

    def results(self, facts: dict[str, str], load_before: str) -> dict:
        for workload in self.workloads:
            self.commands[workload.name] = (
                f"taskset -c {self.options.client_core} bench {workload.kind} --topic "
                f"{workload.topic.name} --partitions {PARTITIONS} {' '.join(workload.arguments)}")
        return {
            "name": self.options.name,
            "machine": {**facts, "load_before": load_before, "load_after": machine.load()},
            "options": {key: str(value) for key, value in vars(self.options).items()},
            "topics": {workload.topic.name: workload.topic.configs
                       for workload in self.workloads},
            "commands": self.commands,
            "notes": self.notes,
            "windows": self.windows,
        }


def write(results: dict) -> Path:
    """The paths of this machine say nothing to a reader elsewhere."""
    date = datetime.date.today().isoformat()
    path = paths.ROOT / "bench" / "results" / f"{date}-{results['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    windows = results.pop("windows")
    head = json.dumps(results, indent=1).removesuffix("\n}")
    rows = ",\n".join(json.dumps(window, separators=(",", ":")) for window in windows)
    body = f'{head},\n "windows": [\n{rows}\n ]\n}}\n'
    path.write_text(body.replace(f"{paths.ROOT}/", "").replace(str(Path.home()), "~"))
    return path


def main() -> int:
    options = parse()
    schedule = Schedule(options)
    if not schedule.workloads:
        raise SystemExit(f"measure: no workload is named like {options.workloads!r}")
    load_before = machine.load()
    try:
        schedule.start()
        facts = machine.note(options.data)
        schedule.warm()
        schedule.run()
    finally:
        schedule.end()
    path = write(schedule.results(facts, load_before))
    print(f"measure: {len(schedule.windows)} windows in "
          f"{time.monotonic() - schedule.begun:.0f} s, raw figures in "
          f"{path.relative_to(paths.ROOT)}\n", flush=True)
    return subprocess.run([str(brokers.bench_binary()), "table", str(path)],
                          check=False).returncode
