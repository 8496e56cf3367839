"""W9b: half an hour at the rate of W9, in six parts that follow each other, with retention deleting
what was written. A flat broker is as good in the last part as in the first."""

import os

from measure import gates, load
from measure.workloads import Row

PARTS = 6
# Without retention all that was written would still be there.
STORED_PART_MAX = 0.5


def stored_bytes(home, topic: str) -> int:
    """Of a topic's partitions, as far as files that come and go can be counted."""
    total = 0
    for path in home.rglob(f"{topic}-*/*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def run(session, row: Row) -> None:
    """One broker after the other: nothing else may rest for so long."""
    rate = session.rate(row)
    for kind in list(session.running):
        broker = session.running[kind]
        broker.resume()
        try:
            one(session, row, kind, broker, rate)
        finally:
            if broker.is_alive():
                broker.pause()
        os.sync()


def one(session, row: Row, kind: str, broker, rate: float) -> None:
    arguments = session.filled(row.arguments, rate)
    written, first = 0, None
    for part in range(1, PARTS + 1):
        try:
            measured = load.window(session.place, "produce", broker, row.topic, arguments,
                                   session.options.soak / PARTS,
                                   session.options.warm_up if part == 1 else 0.0)
        except load.LoadError as error:
            session.keep(row, part, kind, session.failure(row, kind, broker, error))
            return
        written += measured["bytes"]
        p99 = measured["delivered"]["end_to_end"]["p99_us"]
        first = first or p99
        if part == PARTS and first > 0:
            measured["growth"] = round(p99 / first, 4)
        remarks = gates.remarks(measured)
        if kind != "peer":
            measured["stored_bytes"] = stored_bytes(session.home / kind, row.topic.name)
            remarks += kept(measured["stored_bytes"], written, row)
        session.keep(row, part, kind, {"measured": measured, "noise": gates.noise(measured),
                                       "remarks": remarks})


def kept(stored: int, written: int, row: Row) -> list[str]:
    """Whether retention was at work, once enough was written for it."""
    limit = row.topic.partitions * int(row.topic.configs["retention.bytes"])
    if written < 2 * limit or stored < STORED_PART_MAX * written:
        return []
    return [f"only {1 - stored / written:.0%} of what was written was deleted"]
