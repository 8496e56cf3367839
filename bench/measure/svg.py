"""Curves as inline SVG: no script, no network, readable in light and dark."""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 26, 34
COLOURS = {"tidemill": "#0b7a75", "kafka": "#c2410c", "control": "#7c7c7c", "peer": "#5b3fa8"}


@dataclass
class Axis:
    """`ticks` are places with their labels; `place` gives 0 to 1."""

    ticks: list[tuple[float, str]]
    place: object


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
    for place, (name, points) in enumerate(series.items()):
        colour = COLOURS.get(name, "#444")
        line = " ".join(f"{at_x(a):.1f},{at_y(b):.1f}" for a, b in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" '
                     'stroke-width="1.8"/>'
                     f'<text x="{LEFT + 8 + 84 * place}" y="{HEIGHT - 4}" fill="{colour}">'
                     f'{escape(name)}</text>')
    return "".join(parts) + "</svg>"
