"""Whether both sides promise the same: each is killed under load and must have all that it
acknowledged at acks=1; and where acks=all stands for a flush, the device must have seen one for
each answer. The null loop, which stores nothing, must fail the same look."""

import shutil
import subprocess
import time

from measure import brokers, lifecycle, load, machine
from measure.memory import Group
from measure.results import Results
from measure.workloads import Topic

KILLED = Topic("killed", 16)
FLUSHED = Topic("flushed", 1, {"flush.messages": "1"})
KILL_AFTER_SECONDS = 2.0
# Requests are answered one at a time, so each needs a flush of its own. A little fewer, since the
# two are not counted at the same instants.
FLUSHES_PER_ANSWER_MIN = 0.95
LOAD = "--record-bytes 1024 --batch-bytes 16384 --connections 8 --depth 5 --acks 1"
ONE_BY_ONE = "--record-bytes 1024 --records-per-batch 1 --connections 1 --depth 1 --acks all"


def run(options) -> int:
    results = Results(options.name, options.form, options.results)
    results.head["rows"] = []
    options.data.mkdir(parents=True, exist_ok=True)
    results.head["machine"] = machine.note(options.data)
    failed = []
    for kind in options.brokers:
        reason = "a peer is not ours to kill" if kind == "peer" else brokers.missing(kind)
        if reason:
            results.remark(f"without {kind}: {reason}")
            failed.append(kind)
            continue
        for block in range(1, options.blocks + 1):
            try:
                killed(options, kind, results, block)
            except (AssertionError, OSError, load.LoadError, subprocess.TimeoutExpired) as error:
                results.remark(f"{kind} FAILED round {block}: {error}")
                failed.append(kind)
    try:
        null(options, results)
    except (AssertionError, OSError) as error:
        results.remark(f"the null loop FAILED to fail: {error}")
        failed.append("null")
    shutil.rmtree(options.data, ignore_errors=True)
    results.head["complete"] = True
    results.write()
    print(f"bench: {results.path}\nbench: parity "
          + (f"is broken: {', '.join(sorted(set(failed)))}" if failed else "holds"), flush=True)
    return 1 if failed else 0


def killed(options, kind: str, results: Results, block: int) -> None:
    life = lifecycle.Life(options, kind, results, Group(f"bench-parity-{kind}",
                                                        options.memory << 20))
    try:
        life.broker.start()
        for topic in (KILLED, FLUSHED):
            life.make(topic)
        flushes(life, results, block)
        ledger = life.home / "ledger.json"
        load_and_kill(life.place, life.broker, ledger)
        life.broker.start()
        found = load.run(life.place, ["verify", "--address", life.broker.address, "--ledger",
                                      str(ledger)], 300)
        results.remark(f"{kind}, round {block}: killed under load at acks=1, has all "
                       f"{found['records']} acknowledged records and {found['more']} more")
        results.add({"row": "parity", "broker": kind, "block": block, "measured": found})
    finally:
        life.end()
        life.broker.group.remove()


def load_and_kill(place: load.Place, broker, ledger) -> None:
    command = load.pinned(place, [
        "produce", "--address", broker.address, "--topic", KILLED.name, "--partitions",
        str(KILLED.partitions), "--warm-up", "0", "--seconds", "60", "--ledger", str(ledger),
        *LOAD.split()])
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        time.sleep(KILL_AFTER_SECONDS)
        broker.kill()
        running.wait(60)


def flushes(life: lifecycle.Life, results: Results, block: int) -> None:
    measured = load.window(life.place, "produce", life.broker, FLUSHED, ONE_BY_ONE, 1.0, 0.2)
    results.add({"row": "flushes", "broker": life.kind, "block": block, "measured": measured})
    device, requests = measured.get("device"), measured["requests"]
    if device is None:
        results.remark(f"{life.kind}: flushes can't be counted below {life.place.folder}")
        return
    results.remark(f"{life.kind}, round {block}: {device['flushes']} flushes of the device for "
                   f"{requests} answers one at a time, acks=all")
    if device["flushes"] < FLUSHES_PER_ANSWER_MIN * requests:
        raise AssertionError(f"{device['flushes']} flushes for {requests} durable answers")


def null(options, results: Results) -> None:
    """The look itself is looked at."""
    home = options.data / "life-null"
    loop = brokers.Control("null", home, options.core, Group("bench-parity-null",
                                                             options.memory << 20))
    place = load.Place(options.core, options.client_core, None, options.data)
    try:
        loop.start()
        ledger = home / "ledger.json"
        load_and_kill(place, loop, ledger)
        loop.start()
        try:
            load.run(place, ["verify", "--address", loop.address, "--ledger", str(ledger)], 60)
        except load.LoadError as error:
            results.remark(f"null: caught, as it must be: {error}")
            return
        raise AssertionError("a broker that stores nothing passed")
    finally:
        loop.end()
        loop.group.remove()
