"""Motion curves as inline SVG: one small chart a joint, in the page's own colours."""

import math

import numpy as np
from jaxtyping import Float

_WIDTH, _HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 14, 30


def draw_motion_chart(
    times: Float[np.ndarray, "frame"], values: Float[np.ndarray, "frame"], *, color: str, unit: str, title: str
) -> str:
    """An SVG element: value over time with a dot at every used frame.

    Args:
        times: s.
        values: In the unit shown.
        color: CSS colour of the curve.
        unit: Shown at the top of the value axis.
        title: Read out by screen readers.
    """
    time_ticks = nice_ticks(float(times[0]), float(times[-1]), 5)
    value_ticks = nice_ticks(min(0.0, float(values.min())), max(0.0, float(values.max())), 4)
    low_time, high_time = float(times[0]), max(float(times[-1]), float(times[0]) + 1e-6)
    low, high = value_ticks[0], value_ticks[-1]

    def x_of(time: float) -> float:
        return _LEFT + (time - low_time) / (high_time - low_time) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    lines = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">',
        *(
            f'<line class="grid{" zero" if tick == 0 else ""}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y_of(tick):.1f}" '
            f'y2="{y_of(tick):.1f}"/><text x="{_LEFT - 7}" y="{y_of(tick) + 4:.1f}" text-anchor="end">'
            f"{_show(tick)}{unit if tick == high else ''}</text>"
            for tick in value_ticks
        ),
        *(
            f'<text x="{x_of(tick):.1f}" y="{_HEIGHT - 9}" text-anchor="middle">{_show(tick)}'
            f"{' s' if tick == shown[-1] else ''}</text>"
            for shown in [[tick for tick in time_ticks if low_time - 1e-9 <= tick <= high_time + 1e-9]]
            for tick in shown
        ),
    ]
    points = [f"{x_of(time):.1f},{y_of(value):.1f}" for time, value in zip(times, values, strict=True)]
    lines.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2.5"/>')
    for point in points:
        x, y = point.split(",")
        lines.append(f'<circle cx="{x}" cy="{y}" r="3.2" fill="{color}"/>')
    lines.append("</svg>")
    return "".join(lines)


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from at or below `low` to at or above `high`; two at least."""
    span = max(high - low, 1e-6)
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _show(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
