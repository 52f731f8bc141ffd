"""A picture of points as plain SVG: one colour per series, a logarithmic axis that begins at zero."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Point = tuple[float, float]
COLOURS = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#cc79a7", "#666666")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 440, 70, 230, 40, 60
TICKS = (0, 1, 10, 100, 1000)


def _x(value: float, most: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log1p(value) / math.log1p(most)


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(text)}</text>'


def _axes(most: float, low: float, high: float, x_name: str, y_name: str) -> list[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    lines = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#333"/>']
    for tick in (tick for tick in TICKS if tick <= most):
        x = _x(tick, most)
        lines += [f'<path d="M{x:.1f} {TOP}V{bottom}" stroke="#ddd"/>', _text(x, bottom + 18, str(tick))]
    for tick in range(math.ceil(low / 5) * 5, int(high) + 1, 5):
        y = _y(tick, low, high)
        lines += [
            f'<path d="M{LEFT} {y:.1f}H{right}" stroke="#ddd"/>',
            _text(LEFT - 8, y + 4, str(tick), "end"),
        ]
    lines += [_text((LEFT + right) / 2, HEIGHT - 16, x_name), _text(LEFT, TOP - 14, y_name, "start")]
    return lines


def draw(file: Path, series: Mapping[str, Sequence[Point]], *, x_name: str, y_name: str) -> None:
    """Write the picture; x is drawn as log(1 + x)."""
    points = [point for its in series.values() for point in its]
    most = max(10.0, *(x for x, _ in points)) * 1.1
    low, high = min(y for _, y in points) - 2, 101.0
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *_axes(most, low, high, x_name, y_name),
    ]
    for number, (name, its) in enumerate(series.items()):
        colour, y = COLOURS[number % len(COLOURS)], TOP + 20 + 24 * number
        lines += [f'<circle cx="{WIDTH - RIGHT + 24}" cy="{y - 4}" r="6" fill="{colour}"/>']
        lines += [_text(WIDTH - RIGHT + 38, y, name, "start")]
        for x, share in its:
            place = f'cx="{_x(x, most):.1f}" cy="{_y(share, low, high):.1f}"'
            lines.append(f'<circle {place} r="6" fill="{colour}" fill-opacity="0.75" stroke="white"/>')
    file.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")
