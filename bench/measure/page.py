"""The page of a run: one file that needs nothing else, with the table, the curves, the machine
and all raw data in it."""

import json

from measure import metrics, stats, svg, table
from measure.summary import Summary, good, pair

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }
table { border-collapse: collapse; font-size: 13px; }
th, td { border-bottom: 1px solid #8885; padding: .25em .6em; text-align: left;
  vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.behind { color: #c2410c; } .goal, .floor { color: #0b7a75; }
.warning { border-left: .3em solid #c2410c; padding: .2em 1em; }
section { margin-top: 2em; } .charts { display: flex; flex-wrap: wrap; gap: 1em; }
svg { width: 460px; max-width: 100%; } svg text { font-size: 10.5px; fill: currentColor; }
svg .title { font-weight: 600; } svg .grid { stroke: #8884; stroke-width: 1; }
pre { overflow: auto; font-size: 12px; }
"""
QUANTILES = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999]
CELLS = ("W", "workload", "figure", "", "", "in our favour (95 %)", "goal (floor)",
         "limit, reached", "verdict", "marks")


def buckets_of(summary: Summary, windows: list[dict], kind: str) -> list:
    """End-to-end times where the row is about those."""
    found = []
    for window in windows:
        if not good(window):
            continue
        measured = window["measured"]
        latency = measured.get("latency") or {}
        if summary.row.compare[0].metric.startswith("e2e") and kind != "control":
            latency = (measured.get("delivered") or {}).get("end_to_end") or {}
        found.append(latency.get("buckets", []))
    return stats.merge(found)


def percentile_chart(summary: Summary) -> str:
    series = {}
    for kind, windows in summary.windows.items():
        buckets = buckets_of(summary, windows, kind)
        count = sum(number for _, number in buckets)
        points = [(part, stats.quantile_us(buckets, part)) for part in QUANTILES
                  if count and (1 - part) * count >= 1]
        if len(points) > 2:
            series[kind] = points
    if not series:
        return ""
    values = [value for points in series.values() for _, value in points]
    title = "end to end" if summary.row.compare[0].metric.startswith("e2e") else "latency"
    return svg.chart(f"{title} by percentile", svg.tail_axis(),
                     svg.log_axis(values, svg.time_unit), series)


def time_chart(summary: Summary, title: str, value, unit, log: bool) -> str:
    """Over the windows of a broker one after another."""
    series = {}
    for kind, windows in summary.windows.items():
        points, start = [], 0.0
        for window in windows:
            if not good(window):
                continue
            before = 0.0
            for part in window["measured"].get("intervals") or []:
                length = part["end_s"] - before
                before = part["end_s"]
                if length > 0 and part["requests"]:
                    points.append((start + part["end_s"], value(part, length)))
            start += window["measured"]["seconds"]
        if len(points) > 2:
            series[kind] = points
    if not series:
        return ""
    values = [found for points in series.values() for _, found in points]
    times = [time for points in series.values() for time, _ in points]
    axis = svg.log_axis if log else svg.linear_axis
    return svg.chart(title, svg.linear_axis(times, lambda time: f"{time:g} s"),
                     axis(values, unit), series)


def threads(summary: Summary) -> str:
    """Where the broker's CPU time went, by class of thread."""
    rows = []
    for kind, windows in summary.windows.items():
        sums: dict[str, float] = {}
        seconds = 0.0
        for window in windows:
            if good(window) and window["measured"].get("cpu"):
                cpu = window["measured"]["cpu"]
                seconds += window["measured"]["seconds"]
                for name, spent in (cpu.get("broker") or {}).get("threads", {}).items():
                    sums[name] = sums.get(name, 0.0) + spent
                for name, spent in cpu["kernel_threads"].items():
                    sums[f"kernel {name}"] = sums.get(f"kernel {name}", 0.0) + spent
        most = sorted(sums.items(), key=lambda item: -item[1])[:6]
        if most and seconds:
            text = ", ".join(f"{name} {spent / seconds:.1%}" for name, spent in most
                             if spent / seconds >= 0.001)
            rows.append(f"<li>{svg.escape(kind)}: {svg.escape(text)}</li>")
    return f"<p>CPU by thread, of the windows' time:</p><ul>{''.join(rows)}</ul>" if rows else ""


def section(summary: Summary, head: dict) -> str:
    row = summary.row
    charts = [percentile_chart(summary),
              time_chart(summary, "requests/s over time",
                         lambda part, length: part["requests"] / length,
                         lambda value: f"{value:,.0f}", False),
              time_chart(summary, "p99 over time", lambda part, _: max(part["p99_us"], 0.1),
                         svg.time_unit, True)]
    command = head["commands"].get(row.id, "")
    note = f"<p>{svg.escape(row.note)}</p>" if row.note else ""
    shown = f"<pre>{svg.escape(command)}</pre>" if command else ""
    return (f'<section id="{row.id}"><h2>{row.id}: {svg.escape(row.title)}</h2>{note}{shown}'
            f'<div class="charts">{"".join(charts)}</div>{threads(summary)}</section>')


def overview(summaries: list[Summary], head: dict) -> str:
    ours, theirs = pair(head["brokers"])
    cells = list(CELLS)
    cells[3], cells[4] = table.NAMES[theirs], table.NAMES[ours]
    rows = ["<tr>" + "".join(f"<th>{svg.escape(cell)}</th>" for cell in cells) + "</tr>"]
    for summary in summaries:
        for place, line in enumerate(summary.lines):
            first = place == 0
            link = f'<a href="#{summary.row.id}">{summary.row.id}</a>' if first else ""
            rows.append(
                f"<tr><td>{link}</td><td>{svg.escape(summary.row.title) if first else ''}</td>"
                f"<td>{svg.escape(metrics.METRICS[line.compare.metric].unit)}</td>"
                f'<td class="number">{table.number(line.values.get(theirs))}</td>'
                f'<td class="number">{table.number(line.values.get(ours))}</td>'
                f"<td>{table.ratio(line)}</td><td>{table.goal(line)}</td>"
                f"<td>{svg.escape(table.limit(summary, line))}</td>"
                f'<td class="{line.verdict.split(",")[0]}">{line.verdict}</td>'
                f"<td>{svg.escape('; '.join(summary.marks)) if first else ''}</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def facts(values: dict) -> str:
    rows = "".join(f"<tr><th>{svg.escape(str(key))}</th><td>{svg.escape(str(value))}</td></tr>"
                   for key, value in values.items())
    return f"<table>{rows}</table>"


def render(summaries: list[Summary], head: dict, windows: list[dict]) -> str:
    warnings = []
    if not head["complete"]:
        warnings.append("This run did not come to its end: what follows is a part.")
    bad = [summary.row.id for summary in summaries if not summary.is_whole]
    if bad:
        warnings.append(f"Not to be trusted as they stand, see their marks: {', '.join(bad)}.")
    told = "".join(f'<p class="warning">{svg.escape(text)}</p>' for text in warnings)
    # A script element ends at the first "</": JSON can say the same with an escape.
    raw = json.dumps({**head, "windows": windows}, separators=(",", ":")).replace("</", "<\\/")
    notes = "".join(f"<li>{svg.escape(note)}</li>" for note in head["notes"])
    commands = "\n".join(f"{key}: {value}" for key, value in head["commands"].items())
    return (
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
        f"<title>Tidemill, measured: {svg.escape(head['name'])}</title><style>{STYLE}</style>"
        f"<h1>Tidemill beside Apache Kafka: {svg.escape(head['name'])}</h1>{told}"
        "<p>Costs are CPU time of the broker's process and of the kernel's threads. Ratios are "
        "medians of pairs measured side by side, above 1 in Tidemill's favour, with a 95 % "
        "interval by bootstrap. The method: docs/MEASUREMENTS.md.</p>"
        f"{overview(summaries, head)}"
        f"{''.join(section(summary, head) for summary in summaries)}"
        f"<section><h2>Machine</h2>{facts(head['machine'])}<h2>Options</h2>"
        f"{facts(head['options'])}<h2>Notes</h2><ul>{notes}</ul>"
        f"<h2>Commands</h2><pre>{svg.escape(commands)}</pre></section>"
        f'<script type="application/json" id="data">{raw}</script></html>\n')
