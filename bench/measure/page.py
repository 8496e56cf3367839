"""The page of a run: one file that needs nothing else, with the table, the curves, the machine
and all raw data in it."""

import json

from measure import metrics, stats, svg, table
from measure.summary import Line, Summary, good, pair

STYLE = """
:root { color-scheme: light dark; --line: #8884; --faint: #666;
  --tidemill: #0b7a75; --kafka: #c2410c; --control: #7c7c7c; --peer: #5b3fa8; }
@media (prefers-color-scheme: dark) { :root { --faint: #aaa; --tidemill: #2dd4bf;
  --kafka: #fb923c; --control: #a3a3a3; --peer: #a78bfa; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 78em; padding: 0 1em; }
h2 { font-size: 1.15em; margin: 0 0 .4em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .2em .6em; text-align: left; vertical-align: top; }
tr.first > * { border-top: 1px solid var(--line); }
th, td.number, td.ratio, td.brief { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.title { min-width: 15em; } td.marks { min-width: 11em; }
small, .faint { color: var(--faint); font-size: 12px; }
.behind { color: var(--kafka); font-weight: 600; } .goal, .floor { color: var(--tidemill); }
.warning { border-left: .3em solid var(--kafka); padding: .2em 1em; }
section { margin-top: 1.6em; border-top: 1px solid var(--line); padding-top: 1em; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr));
  gap: .6em 1.2em; align-items: start; }
svg { width: 100%; } svg text { font-size: 11px; fill: currentColor; }
svg .title { font-weight: 600; font-size: 12px; } svg .grid { stroke: var(--line); }
svg .curve { fill: none; stroke-width: 1.8; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 12px; margin: .3em 0 .8em; }
ul { margin: .2em 0; padding-left: 1.2em; }
"""
QUANTILES = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975, 0.999, 0.9995, 0.9999]
CELLS = ("W", "workload", "figure", "", "", "in our favour (95 %)", "goal (floor)",
         "limit, reached", "verdict", "marks")
# Classes of threads that a bar tells apart; the rest is one part.
PARTS_MAX = 4
NUMBER, FIRST = ' class="number"', ' class="first"'


def is_end_to_end(summary: Summary, kind: str) -> bool:
    return summary.row.compare[0].metric.startswith("e2e") and kind != "control"


def buckets_of(summary: Summary, windows: list[dict], kind: str) -> list:
    """End-to-end times where the row is about those."""
    found = []
    for window in windows:
        if not good(window):
            continue
        measured = window["measured"]
        latency = measured.get("latency") or {}
        if is_end_to_end(summary, kind):
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
    title = "end to end" if is_end_to_end(summary, "") else "latency"
    return svg.chart(f"{title} by percentile", svg.tail_axis(),
                     svg.log_axis(values, svg.time_unit), series)


def intervals(summary: Summary, kind: str, measured: dict) -> list[dict]:
    if is_end_to_end(summary, kind):
        found = (measured.get("delivered") or {}).get("end_to_end_intervals")
        if found:
            return found
    return measured.get("intervals") or []


def time_chart(summary: Summary, title: str, value, unit, log: bool) -> str:
    """Over the windows of a broker one after another."""
    series = {}
    for kind, windows in summary.windows.items():
        points, start = [], 0.0
        for window in windows:
            if not good(window):
                continue
            before = 0.0
            for part in intervals(summary, kind, window["measured"]):
                length = part["end_s"] - before
                before = part["end_s"]
                found = value(part, length) if length > 0 and part["requests"] else None
                if found is not None:
                    points.append((start + part["end_s"], found))
            start += window["measured"]["seconds"]
        if len(points) > 2:
            series[kind] = points
    if not series:
        return ""
    values = [found for points in series.values() for _, found in points]
    times = [time for points in series.values() for time, _ in points]
    axis = svg.log_axis if log else svg.linear_axis
    return svg.chart(title, svg.time_axis(times), axis(values, unit), series)


def spent_by_thread(windows: list[dict]) -> tuple[list[tuple[str, float]], float, float]:
    """CPU seconds by class of thread, most first; and the requests and seconds of the windows."""
    sums: dict[str, float] = {}
    requests = seconds = 0.0
    for window in windows:
        if not good(window) or not window["measured"].get("cpu"):
            continue
        measured = window["measured"]
        requests += measured.get("requests", 0)
        seconds += measured["seconds"]
        for name, spent in (measured["cpu"].get("broker") or {}).get("threads", {}).items():
            sums[name] = sums.get(name, 0.0) + spent
        for name, spent in measured["cpu"]["kernel_threads"].items():
            sums[f"kernel {name}"] = sums.get(f"kernel {name}", 0.0) + spent
    most = sorted(sums.items(), key=lambda item: -item[1])
    rest = sum(spent for _, spent in most[PARTS_MAX:])
    return most[:PARTS_MAX] + ([("others", rest)] if rest else []), requests, seconds


def stages(summary: Summary) -> tuple[str, str]:
    """Where the CPU time of each broker went: bars of what one request costs, and in words."""
    rows, words = {}, []
    unit, count = "us", 1e6
    for kind, windows in summary.windows.items():
        parts, requests, seconds = spent_by_thread(windows)
        if not parts or not seconds:
            continue
        if not requests:
            unit, count, requests = "ms/s", 1e3, seconds
        each = [(name, spent * count / requests) for name, spent in parts]
        rows[kind] = each
        text = ", ".join(f"{name} {table.number(size)}" for name, size in each)
        words.append(f"<li>{svg.escape(kind)}: {svg.escape(text)}</li>")
    if not rows or not any(size for parts in rows.values() for _, size in parts):
        return "", ""
    title = "CPU by thread, us/request" if unit == "us" else "CPU by thread, ms/s"
    chart = svg.bars(title, rows, table.number)
    return chart, f'<ul class="faint">{"".join(words)}</ul>'


def before(row_id: str, head: dict) -> str:
    """What was found out before the row."""
    found = []
    tries = head.get("null_round_trips", {}).get(row_id)
    if tries:
        last = tries[-1]
        found.append(f"null round trip before it: p50 {table.number(last['p50_us'])} us, p99.9 "
                     f"{table.number(last['p999_us'])} us")
    for kind, warm_up in head.get("warm_ups", {}).get(row_id, {}).items():
        costs = warm_up["cpu_us_per_record"]
        state = "steady" if warm_up["steady"] else "not steady"
        found.append(f"{kind} warmed up for {len(costs) * warm_up['window_seconds']:g} s: first "
                     f"{table.number(costs[0])}, last {table.number(costs[-1])} us for a record, "
                     f"{state}")
    return f'<p class="faint">{svg.escape("; ".join(found))}</p>' if found else ""


def section(summary: Summary, head: dict) -> str:
    row = summary.row
    charts = [percentile_chart(summary),
              time_chart(summary, "requests/s over time",
                         lambda part, length: part["requests"] / length,
                         lambda value: f"{value:,.0f}", False),
              # Answers to requests of before the window count, and have no time in it.
              time_chart(summary, "p99 over time", lambda part, _: part["p99_us"] or None,
                         svg.time_unit, True)]
    chart, words = stages(summary)
    command = head["commands"].get(row.id, "")
    note = f"<p>{svg.escape(row.note)}</p>" if row.note else ""
    shown = f"<pre>{svg.escape(command)}</pre>" if command else ""
    return (f'<section id="{row.id}"><h2>{row.id}: {svg.escape(row.title)}</h2>{note}{shown}'
            f'{before(row.id, head)}<div class="charts">{"".join(charts)}'
            f'<div>{chart}{words}</div></div></section>')


def ratio(line: Line) -> str:
    if line.ratio is None:
        return "-"
    return f"<b>{line.ratio:.2f}</b> <small>{line.low:.2f} to {line.high:.2f}</small>"


def overview(summaries: list[Summary], head: dict) -> str:
    ours, theirs = pair(head["brokers"])
    cells = list(CELLS)
    cells[3], cells[4] = table.NAMES[theirs], table.NAMES[ours]
    rows = ["<tr>" + "".join(
        f'<th{NUMBER if place in (3, 4) else ""}>{svg.escape(cell)}</th>'
        for place, cell in enumerate(cells)) + "</tr>"]
    for summary in summaries:
        for place, line in enumerate(summary.lines):
            # What is said of the whole row stands beside all its figures.
            span, first, last = f' rowspan="{len(summary.lines)}"', "", ""
            if place == 0:
                row = summary.row
                first = (f'<td{span}><a href="#{row.id}">{row.id}</a></td>'
                         f'<td{span} class="title">{svg.escape(row.title)}</td>')
                last = (f'<td{span} class="marks"><small>{svg.escape("; ".join(summary.marks))}'
                        "</small></td>")
            rows.append(
                f"<tr{FIRST if place == 0 else ''}>{first}"
                f'<td class="brief">{svg.escape(metrics.METRICS[line.compare.metric].unit)}</td>'
                f'<td class="number">{table.number(line.values.get(theirs))}</td>'
                f'<td class="number">{table.number(line.values.get(ours))}</td>'
                f'<td class="ratio">{ratio(line)}</td><td class="brief">{table.goal(line)}</td>'
                f"<td>{svg.escape(table.limit(summary, line))}</td>"
                f'<td class="brief {line.verdict.split(",")[0]}">{line.verdict}</td>{last}</tr>')
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>'


def best(summaries: list[Summary], head: dict) -> str:
    """Kafka at its best, where it was run in several ways."""
    lines = table.best(summaries, head).splitlines()
    if not lines:
        return ""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = ["<tr>" + "".join(f"<th>{svg.escape(cell)}</th>" for cell in cells[0]) + "</tr>"]
    rows += [f"<tr{FIRST}>" + "".join(f"<td>{svg.escape(cell)}</td>" for cell in row) + "</tr>"
             for row in cells[2:]]
    return f'<h2>Kafka at its best</h2><div class="scroll"><table>{"".join(rows)}</table></div>'


def facts(values: dict) -> str:
    rows = "".join(f"<tr{FIRST}><th>{svg.escape(str(key))}</th><td>{svg.escape(str(value))}</td>"
                   "</tr>" for key, value in values.items())
    return f'<div class="scroll"><table>{rows}</table></div>'


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
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Tidemill, measured: {svg.escape(head['name'])}</title><style>{STYLE}</style>"
        f"<h1>Tidemill beside Apache Kafka: {svg.escape(head['name'])}</h1>{told}"
        "<p>Costs are CPU time of the broker's process and of the kernel's threads. Ratios are "
        "medians of pairs measured side by side, above 1 in Tidemill's favour, with a 95 % "
        "interval by bootstrap. The method: docs/MEASUREMENTS.md.</p>"
        f"{overview(summaries, head)}{best(summaries, head)}"
        f"{''.join(section(summary, head) for summary in summaries)}"
        f"<section><h2>Machine</h2>{facts(head['machine'])}<h2>Options</h2>"
        f"{facts(head['options'])}<h2>Notes</h2><ul>{notes}</ul>"
        f"<h2>Commands</h2><pre>{svg.escape(commands)}</pre></section>"
        f'<script type="application/json" id="data">{raw}</script></html>\n')
