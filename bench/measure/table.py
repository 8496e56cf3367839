"""The Markdown table of a run."""

from measure import metrics
from measure.summary import Line, Summary, pair

NAMES = {"kafka": "Kafka", "tidemill": "Tidemill", "peer": "peer", "none": "other"}


def number(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def ratio(line: Line) -> str:
    if line.ratio is None:
        return "-"
    return f"{line.ratio:.2f} ({line.low:.2f} to {line.high:.2f})"


def goal(line: Line) -> str:
    if line.compare.goal is None:
        return "-"
    return f"{line.compare.goal:g} ({line.compare.floor:g})"


def limit(summary: Summary, line: Line) -> str:
    """Beside the figure that the control loop bounds."""
    row = summary.row
    wanted = row.control_metric or row.compare[0].metric
    # End to end has no loop of its own: its bound is the loop's plain round trip.
    shown = line.compare.metric in (wanted, f"e2e_{wanted}")
    if summary.limit is None or not shown:
        return "-"
    part = f", {summary.limit_part:.0%}" if summary.limit_part is not None else ""
    wanted_part = f" of {row.control_goal:.0%}" if row.control_goal else ""
    return f"{row.control} {number(summary.limit)}{part}{wanted_part}"


def best(summaries: list[Summary], head: dict) -> str:
    """Kafka as its start script has it, and at its best in each figure."""
    ours, _ = pair(head["brokers"])
    lines = [f"| W | figure | Kafka, defaults | Kafka at its best | how | {NAMES[ours]} "
             "| in our favour then (95 %) |", "|---|---|---|---|---|---|---|"]
    for summary in summaries:
        for kind, line in summary.best:
            lines.append("| " + " | ".join([
                summary.row.id, metrics.METRICS[line.compare.metric].unit,
                number(line.values.get("kafka")), number(line.values.get(kind)),
                kind.removeprefix("kafka").lstrip("-") or "defaults",
                number(line.values.get(ours)), ratio(line)]) + " |")
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


# What the README shows of a run, the rows that go against us among them.
README = (
    ("W1a", "cpu_gb"), ("W10b", "cpu_gb"), ("W2", "cpu_request"), ("W3a", "cpu_request"),
    ("W3b", "cpu_request"), ("W3c", "cpu_request"), ("W3f", "cpu_request"),
    ("W3d", "cpu_request"), ("W3g", "cpu_request"), ("W4", "cpu_record"), ("W5a", "cpu_record"),
    ("W6a", "cpu_gb"), ("W6b", "cpu_gb_out"), ("W7", "cores"), ("W7", "rss"), ("W8", "e2e_p99"),
    ("W9", "e2e_p99"), ("W10", "requests_s"), ("W11b", "mb_s_out"), ("W12a", "cpu_gb"),
    ("W13b", "cpu_record"), ("W14a", "seconds"), ("W15", "seconds"), ("W16", "cpu_ms_s"),
    ("W16", "rss"),
)


def readme(summaries: list[Summary], head: dict) -> str:
    """Rows that were not measured are left out; marked ones have a star."""
    ours, theirs = pair(head["brokers"])
    lines = ["| workload | figure | Tidemill | Apache Kafka 4.3.1 | in our favour |",
             "|---|---|---|---|---|"]
    found = {(summary.row.id, line.compare.metric): (summary, line)
             for summary in summaries for line in summary.lines}
    starred = False
    for key in README:
        if key not in found:
            continue
        summary, line = found[key]
        star = "" if summary.is_whole else " \\*"
        starred = starred or bool(star)
        shown = "-" if line.ratio is None else f"{number(line.ratio)}x"
        lines.append("| " + " | ".join([
            summary.row.title + star, metrics.METRICS[key[1]].unit, number(line.values.get(ours)),
            number(line.values.get(theirs)), shown]) + " |")
    if starred:
        lines += ["", "\\* with marks of the run, which the full table names."]
    return "\n".join(lines) + "\n"


def render(summaries: list[Summary], head: dict) -> str:
    ours, theirs = pair(head["brokers"])
    lines = [
        f"| W | workload | figure | {NAMES[theirs]} | {NAMES[ours]} | in our favour (95 %) "
        "| goal (floor) | limit, reached | verdict | marks |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for summary in summaries:
        for place, line in enumerate(summary.lines):
            title = summary.row.title if place == 0 else ""
            marks = "; ".join(summary.marks) if place == 0 else ""
            lines.append("| " + " | ".join([
                summary.row.id, title, metrics.METRICS[line.compare.metric].unit,
                number(line.values.get(theirs)), number(line.values.get(ours)), ratio(line),
                goal(line), limit(summary, line), line.verdict, marks]) + " |")
    return "\n".join(lines) + "\n"
