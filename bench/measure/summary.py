"""From windows to what a report says of each row: medians, ratios with intervals, verdicts."""

from dataclasses import dataclass, field

from measure import gates, metrics, stats
from measure.workloads import Compare, Row


@dataclass
class Line:
    """One figure of one row."""

    row: Row
    compare: Compare
    # Of each broker the median of its windows.
    values: dict[str, float] = field(default_factory=dict)
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    blocks: int = 0

    @property
    def verdict(self) -> str:
        if self.low is None:
            return "no result"
        if self.compare.goal is not None and self.low >= self.compare.goal:
            return "goal"
        if self.compare.floor is not None and self.low >= self.compare.floor:
            return "floor"
        if self.low > 1:
            return "ahead" if self.compare.floor is None else "ahead, below floor"
        if self.high < 1:
            return "behind"
        return "no difference"


@dataclass
class Summary:
    row: Row
    lines: list[Line]
    # For each line that of Kafka at its best, where it was run in several ways.
    best: list[tuple[str, Line]]
    limit: float | None
    limit_part: float | None
    marks: list[str]
    windows: dict[str, list[dict]]

    @property
    def is_whole(self) -> bool:
        return not self.marks


def good(window: dict) -> bool:
    return window.get("measured") is not None and "failure" not in window


def by_broker(windows: list[dict], row_id: str) -> dict[str, dict[int, dict]]:
    found: dict[str, dict[int, dict]] = {}
    for window in windows:
        if window["row"] == row_id:
            found.setdefault(window["broker"], {})[window["block"]] = window
    return found


def figures(blocks: dict[int, dict], name: str) -> dict[int, float]:
    found = {}
    for block, window in blocks.items():
        if good(window):
            value = metrics.value(name, window["measured"])
            if value is not None:
                found[block] = value
    return found


def line(row: Row, compare: Compare, brokers: dict[str, dict[int, dict]], ours: str,
         theirs: str) -> Line:
    made = Line(row, compare)
    each = {kind: figures(blocks, compare.metric) for kind, blocks in brokers.items()
            if kind != "control"}
    made.values = {kind: stats.median(list(found.values()))
                   for kind, found in each.items() if found}
    pairs = []
    for block, value in each.get(ours, {}).items():
        other = each.get(theirs, {}).get(block)
        if other is not None:
            ratio = metrics.in_our_favour(compare.metric, other, value)
            if ratio is not None:
                pairs.append(ratio)
    if pairs:
        made.ratio, made.blocks = stats.median(pairs), len(pairs)
        made.low, made.high = stats.interval(pairs)
    return made


def summarise(row: Row, windows: list[dict], head: dict) -> Summary:
    """`head` says which brokers and how many blocks were meant to be."""
    brokers = by_broker(windows, row.id)
    wanted = head["brokers"]
    blocks = head.get("row_blocks", {}).get(row.id, head["blocks"])
    ours, theirs = pair(wanted)
    marks = []
    if row.id in head.get("missing", {}):
        marks.append(f"missing: {head['missing'][row.id]}")
    tries = head.get("null_round_trips", {}).get(row.id)
    if tries and gates.loud(tries):
        marks.append(gates.loud(tries))
    marks += [f"{kind} was not steady after its warm-up"
              for kind, found in head.get("warm_ups", {}).get(row.id, {}).items()
              if not found["steady"]]
    for kind in wanted:
        have = sum(good(window) for window in brokers.get(kind, {}).values())
        if have < blocks:
            marks.append(f"{have} of {blocks} windows of {kind}")
    noisy = sum(bool(window.get("noise")) for found in brokers.values()
                for window in found.values())
    if noisy:
        total = sum(len(found) for found in brokers.values())
        marks.append(f"noisy: {noisy} of {total} windows")
    remarks = sorted({f"{kind} {remark}" for kind, found in brokers.items()
                      for window in found.values() for remark in window.get("remarks", [])
                      if kind != "control" and remark.startswith("only")})
    name = row.control_metric or row.compare[0].metric
    limits = figures(brokers.get("control", {}), name)
    drifted = gates.drift(list(limits.values())) if limits and not row.control_metric else None
    if drifted:
        marks.append(drifted)
    limit = stats.median(list(limits.values())) if limits else None
    made = [line(row, compare, brokers, ours, theirs) for compare in row.compare]
    part = None
    own = stats.median(list(found.values())) if (
        found := figures(brokers.get(ours, {}), name)) else None
    if limit and own:
        part = own / limit if metrics.METRICS[name].more_is_better else limit / own
    flat = {kind: [found[block] for block in sorted(found)] for kind, found in brokers.items()}
    best = [found for compare in row.compare
            if (found := best_kafka(row, compare, brokers, wanted, ours))]
    return Summary(row, made, best, limit, part, marks + remarks, flat)


def best_kafka(row: Row, compare: Compare, brokers: dict[str, dict[int, dict]],
               wanted: list[str], ours: str) -> tuple[str, Line] | None:
    """The way of running Kafka that is best in this figure."""
    kinds = [kind for kind in wanted if kind.split("-")[0] == "kafka"]
    if len(kinds) < 2:
        return None
    lines = {kind: line(row, compare, brokers, ours, kind) for kind in kinds}
    values = {kind: lines[kind].values[kind] for kind in kinds if kind in lines[kind].values}
    if not values:
        return None
    choose = max if metrics.METRICS[compare.metric].more_is_better else min
    kind = choose(values, key=lambda name: values[name])
    return kind, lines[kind]


def pair(wanted: list[str]) -> tuple[str, str]:
    """Who is compared with whom: Tidemill with Kafka, or a peer with what else runs."""
    ours = "tidemill" if "tidemill" in wanted else wanted[0]
    others = [kind for kind in wanted if kind != ours]
    theirs = "kafka" if "kafka" in others else (others[0] if others else "none")
    return ours, theirs
