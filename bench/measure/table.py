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
