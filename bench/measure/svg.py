"""Curves and bars as inline SVG: no script, no network. Colours are those of the page's style, so
that they suit light and dark."""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 28, 28, 46
# Of the legend, which has no measure of a text but its length.
LETTER_WIDTH, SWATCH_WIDTH = 6.6, 18
# Ways of running one broker share its colour.
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4", "4 2 1 2")
BAR_HEIGHT, BAR_GAP = 18, 6
SHADES = (1.0, 0.7, 0.48, 0.32, 0.2)


@dataclass
class Axis:
    """`ticks` are places with their labels; `place` gives 0 to 1."""

    ticks: list[tuple[float, str]]
    place: object


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def colour(name: str) -> str:
    """A broker's, by its family; see the page's style."""
    return f"var(--{name.split('-')[0]})"


def log_axis(values: list[float], unit) -> Axis:
    low = math.floor(math.log10(max(min(values), 1e-9)))
    high = math.ceil(math.log10(max(max(values), 1e-9)))
    high = max(high, low + 1)
    ticks = [(10.0 ** power, unit(10.0 ** power)) for power in range(low, high + 1)]
    return Axis(ticks, lambda value: (math.log10(max(value, 10.0 ** low)) - low) / (high - low))


def linear_axis(values: list[float], unit, steps: int = 4) -> Axis:
    top = max(max(values), 1e-9)
    size = 10 ** math.floor(math.log10(top / steps))
    step = next(size * part for part in (1, 2, 5, 10) if size * part * steps >= top)
    count = math.ceil(top / step)
    ticks = [(index * step, unit(index * step)) for index in range(count + 1)]
    return Axis(ticks, lambda value: value / (count * step))


def time_axis(values: list[float]) -> Axis:
    """As linear, and ends with the last value."""
    end = max(max(values), 1e-9)
    ticks = linear_axis(values, lambda value: f"{value:g} s").ticks
    return Axis([tick for tick in ticks if tick[0] <= end * 1.001], lambda value: value / end)


def tail_axis() -> Axis:
    """Percentiles, each nine as wide as the one before."""
    ticks = [(0.0, "0 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"),
             (0.9999, "99.99 %")]
    return Axis(ticks, lambda part: min(-math.log10(max(1 - part, 1e-4)) / 4, 1.0))


def time_unit(us: float) -> str:
    if us >= 1e6:
        return f"{us / 1e6:g} s"
    return f"{us / 1e3:g} ms" if us >= 1e3 else f"{us:g} us"


def chart(title: str, x: Axis, y: Axis, series: dict[str, list[tuple[float, float]]]) -> str:
    def at_x(value: float) -> float:
        return LEFT + x.place(value) * (WIDTH - LEFT - RIGHT)

    def at_y(value: float) -> float:
        return HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
             f'<text x="{LEFT}" y="14" class="title">{escape(title)}</text>']
    for value, label in x.ticks:
        parts.append(f'<line x1="{at_x(value):.1f}" x2="{at_x(value):.1f}" y1="{TOP}" '
                     f'y2="{HEIGHT - BOTTOM}" class="grid"/>'
                     f'<text x="{at_x(value):.1f}" y="{HEIGHT - BOTTOM + 14}" '
                     f'text-anchor="middle">{escape(label)}</text>')
    for value, label in y.ticks:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at_y(value):.1f}" '
                     f'y2="{at_y(value):.1f}" class="grid"/>'
                     f'<text x="{LEFT - 6}" y="{at_y(value) + 3:.1f}" '
                     f'text-anchor="end">{escape(label)}</text>')
    x_legend, seen = float(LEFT), {}
    for name, points in series.items():
        family = name.split("-")[0]
        dash = DASHES[seen.setdefault(family, 0) % len(DASHES)]
        seen[family] += 1
        stroke = f'style="stroke: {colour(name)}" stroke-dasharray="{dash}" class="curve"'
        line = " ".join(f"{at_x(a):.1f},{at_y(b):.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" {stroke}/>')
        width = SWATCH_WIDTH + 6 + LETTER_WIDTH * len(name)
        if x_legend + width > WIDTH:
            continue
        parts.append(f'<line x1="{x_legend:.0f}" x2="{x_legend + SWATCH_WIDTH:.0f}" '
                     f'y1="{HEIGHT - 9}" y2="{HEIGHT - 9}" {stroke}/>'
                     f'<text x="{x_legend + SWATCH_WIDTH + 4:.0f}" y="{HEIGHT - 5}">'
                     f'{escape(name)}</text>')
        x_legend += width + 12
    return "".join(parts) + "</svg>"


def bars(title: str, rows: dict[str, list[tuple[str, float]]], unit) -> str:
    """A bar for each broker, of parts that add up; what a part is says its tooltip, and the text
    below the chart."""
    most = max(sum(size for _, size in parts) for parts in rows.values())
    height = TOP + len(rows) * (BAR_HEIGHT + BAR_GAP)
    left, width = 70, WIDTH - 70 - 64
    found = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
             f'<text x="{left}" y="14" class="title">{escape(title)}</text>']
    for place, (name, parts) in enumerate(rows.items()):
        y, x = TOP + place * (BAR_HEIGHT + BAR_GAP), float(left)
        found.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        for shade, (part, size) in zip(SHADES, parts):
            length = size / most * width
            found.append(f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT}" '
                         f'style="fill: {colour(name)}; fill-opacity: {shade}"><title>'
                         f'{escape(part)} {escape(unit(size))}</title></rect>')
            x += length
        total = sum(size for _, size in parts)
        found.append(f'<text x="{x + 5:.1f}" y="{y + 13}">{escape(unit(total))}</text>')
    return "".join(found) + "</svg>"
