"""What must hold after any number of kills. Pure: events in, violations out.

A producer numbers its records per partition: (producer, partition, number). The facts are
  sent       numbers handed to the client library, in order
  acked      numbers whose delivery was confirmed, with the offset told
  log        what a reader finds in each partition afterwards, in order of offsets
  commits    committed offsets, confirmed to a consumer or read back, each with its two moments
"""

from collections import defaultdict
from dataclasses import dataclass, field

Record = tuple[str, int]  # producer, number


@dataclass(frozen=True)
class Acked:
    producer: str
    partition: int
    number: int
    offset: int  # -1 when the broker told none


@dataclass(frozen=True)
class CommitEvent:
    """`confirmed`: a commit of this offset succeeded, begun and ended at these moments.
    Otherwise: this offset was read back as the committed one between these moments."""

    confirmed: bool
    partition: int
    offset: int
    begun: float
    ended: float


@dataclass
class History:
    sent: dict[tuple[str, int], int] = field(default_factory=dict)  # count per producer, partition
    acked: list[Acked] = field(default_factory=list)
    log: dict[int, list[tuple[int, Record]]] = field(default_factory=dict)
    commits: list[CommitEvent] = field(default_factory=list)
    log_start: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    unique: bool = True
    ordered: bool = True


@dataclass(frozen=True)
class Violation:
    kind: str
    text: str


def check(history: History, rules: Rules = Rules()) -> list[Violation]:
    """All violations, at most a few of each kind per partition."""
    found = _check_offsets(history) + _check_acked(history) + _check_known(history)
    if rules.unique:
        found += _check_unique(history)
    if rules.ordered:
        found += _check_ordered(history)
    return found + _check_commits(history)


def _check_offsets(history: History) -> list[Violation]:
    """Offsets rise by one: no transactions and no compaction here, so there are no gaps."""
    found = []
    for partition, records in history.log.items():
        expected = history.log_start.get(partition, 0)
        for offset, _ in records:
            if offset != expected:
                found.append(Violation("gap", f"partition {partition}: offset {offset} follows "
                                              f"{expected - 1}"))
                break
            expected = offset + 1
    return found


def _places(history: History) -> dict[tuple[int, Record], list[int]]:
    places = defaultdict(list)
    for partition, records in history.log.items():
        for offset, record in records:
            places[partition, record].append(offset)
    return places


def _check_acked(history: History) -> list[Violation]:
    places = _places(history)
    found = []
    for entry in history.acked:
        offsets = places.get((entry.partition, (entry.producer, entry.number)))
        where = f"{entry.producer} number {entry.number} in partition {entry.partition}"
        if not offsets:
            found.append(Violation("lost", f"{where}, acknowledged at {entry.offset}"))
        elif entry.offset >= 0 and entry.offset not in offsets:
            found.append(Violation("moved", f"{where}, acknowledged at {entry.offset}, lies at "
                                            f"{offsets[:3]}"))
    return found


def _check_known(history: History) -> list[Violation]:
    """Nothing appears that nobody sent."""
    found = []
    for partition, records in history.log.items():
        for offset, (producer, number) in records:
            if number >= history.sent.get((producer, partition), 0):
                found.append(Violation("unknown", f"partition {partition} offset {offset}: "
                                                  f"{producer} never sent number {number}"))
                break
    return found


def _check_unique(history: History) -> list[Violation]:
    return [
        Violation("duplicate", f"{record[0]} number {record[1]} in partition {partition} lies at "
                               f"{offsets[:4]}")
        for (partition, record), offsets in _places(history).items() if len(offsets) > 1]


def _check_ordered(history: History) -> list[Violation]:
    """Of one producer, numbers rise with offsets. The same number twice is a duplicate, and is
    told as such only."""
    found = []
    for partition, records in history.log.items():
        last: dict[str, int] = {}
        for offset, (producer, number) in records:
            if number < last.get(producer, -1):
                found.append(Violation(
                    "order", f"partition {partition} offset {offset}: {producer} number {number} "
                             f"after {last[producer]}"))
                break
            last[producer] = number
    return found


def _check_commits(history: History) -> list[Violation]:
    """What was read back is at least whatever was confirmed, or read back, wholly before."""
    found = []
    by_partition = defaultdict(list)
    for event in history.commits:
        by_partition[event.partition].append(event)
    for partition, events in by_partition.items():
        ended = sorted(events, key=lambda event: event.ended)
        position, floor = 0, -1
        for event in sorted((e for e in events if not e.confirmed), key=lambda e: e.begun):
            while position < len(ended) and ended[position].ended <= event.begun:
                floor = max(floor, ended[position].offset)
                position += 1
            if event.offset < floor:
                found.append(Violation("commit", f"partition {partition}: committed offset "
                                                 f"{event.offset} read back after {floor}"))
                break
    return found
