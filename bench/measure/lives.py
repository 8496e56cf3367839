"""W7 and W13 to W16: each broker alone, from a directory of its own, from its first start to its
last end. The blocks of all sides lie next to each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from measure import brokers, crowd, lifecycle, load
from measure.lifecycle import Life
from measure.memory import Group
from measure.results import Results
from measure.workloads import Row

ROWS = [*crowd.ROWS, *lifecycle.ROWS]


@dataclass
class Part:
    """Rows that one life of a broker measures."""

    rows: list[Row]
    live: Callable[[Life, int], None]
    # A control loop that has its life there too.
    control: str | None = None


def parts(rows: list[Row]) -> list[Part]:
    """In the order in which they run."""
    def wanted(known: list[Row]) -> list[Row]:
        return [row for row in rows if row in known]

    found = [
        Part(wanted(crowd.ROWS), lambda life, block: crowd.live(life, rows, block), "null"),
        Part(wanted(lifecycle.SINGLE), lambda life, block: lifecycle.single(life, rows, block)),
        Part(wanted(lifecycle.MANY_ROWS), lifecycle.many),
    ]
    return [part for part in found if part.rows]


def run(options, rows: list[Row], results: Results) -> None:
    kinds = [kind for kind in options.brokers if kind != "peer" and not brokers.missing(kind)]
    if "peer" in options.brokers:
        results.remark("a peer is not started or killed: nothing of "
                       f"{', '.join(row.id for row in rows)} is measured on it")
    groups = {kind: Group(f"bench-life-{kind}", options.memory << 20)
              for kind in [*kinds, *({"null"} if options.controls else {})]}
    try:
        for part in parts(rows):
            order = [*kinds]
            if part.control in groups:
                order.insert(0, part.control)
            count = max(results.head["row_blocks"][row.id] for row in part.rows)
            for block in range(1, count + 1):
                for kind in order if block % 2 else reversed(order):
                    if options.limit < time.monotonic() - results.begun:
                        results.remark(f"out of time before block {block} of {kind}'s life")
                        continue
                    one(Life(options, kind, results, groups[kind]), part, block)
    finally:
        for group in groups.values():
            group.remove()


def one(life: Life, part: Part, block: int) -> None:
    try:
        if life.kind == "control":
            crowd.control(life, block)
        else:
            part.live(life, block)
    except load.FAILURES as error:
        kept = brokers.keep_log(life.broker, f"life-{life.kind}")
        life.results.remark(f"the life of {life.kind} ended early in block {block}, its log is "
                            f"{kept}: {error}")
    finally:
        life.end()
