"""Motion curves as inline SVG: one small chart a joint, in the page's own colours."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

_WIDTH, _HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 14, 30


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Values of every frame, as the chart shows them."""

    times: Float[np.ndarray, "every"]
    """s, against the first used frame."""
    values: Float[np.ndarray, "every"]
    sigmas: Float[np.ndarray, "every"]
    visible: Bool[np.ndarray, "every"]
    """Whether the part is in view."""


def draw_motion_chart(
    times: Float[np.ndarray, "frame"],
    values: Float[np.ndarray, "frame"],
    *,
    color: str,
    unit: str,
    title: str,
    curve: Curve | None = None,
) -> str:
    """An SVG element: value over time with a dot at every used frame.

    Args:
        times: s.
        values: In the unit shown.
        color: CSS colour of the curve.
        unit: Shown at the top of the value axis.
        title: Read out by screen readers.
        curve: Values of every frame; the line goes through them, dashed out of view, in a band of two sigmas.
    """
    line = curve or Curve(
        times=times, values=values, sigmas=np.zeros(len(times)), visible=np.ones(len(times), dtype=bool)
    )
    start, end = min(float(times[0]), float(line.times[0])), max(float(times[-1]), float(line.times[-1]))
    time_ticks = nice_ticks(start, end, 5)
    value_ticks = nice_ticks(min(0.0, float(line.values.min())), max(0.0, float(line.values.max())), 4)
    plot = _Plot(times=(start, max(end, start + 1e-6)), values=(value_ticks[0], value_ticks[-1]))
    lines = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}">',
        *plot.grid(time_ticks, value_ticks, unit),
    ]
    if curve is not None:
        band = np.clip(2 * line.sigmas, 0.0, plot.values[1] - plot.values[0])
        upper = np.minimum(line.values + band, plot.values[1])
        lower = np.maximum(line.values - band, plot.values[0])
        corners = [*plot.places(line.times, upper), *plot.places(line.times[::-1], lower[::-1])]
        lines.append(f'<polygon points="{" ".join(corners)}" fill="{color}" opacity="0.18"/>')
    for first, last, seen in _stretches(line.visible):
        path = " ".join(plot.places(line.times[first : last + 1], line.values[first : last + 1]))
        dashes = "" if seen else ' stroke-dasharray="5 4"'
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"{dashes}/>')
    for point in plot.places(times, values):
        x, y = point.split(",")
        lines.append(f'<circle cx="{x}" cy="{y}" r="3.2" fill="{color}"/>')
    lines.append("</svg>")
    return "".join(lines)


@dataclass(frozen=True, kw_only=True)
class _Plot:
    """Where values go on the chart."""

    times: tuple[float, float]
    """Ends of the axis, s."""
    values: tuple[float, float]

    def x_of(self, time: float) -> float:
        return _LEFT + (time - self.times[0]) / (self.times[1] - self.times[0]) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(self, value: float) -> float:
        share = (value - self.values[0]) / (self.values[1] - self.values[0])
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def places(self, times: Float[np.ndarray, "some"], values: Float[np.ndarray, "some"]) -> list[str]:
        """Points as SVG writes them."""
        return [f"{self.x_of(time):.1f},{self.y_of(value):.1f}" for time, value in zip(times, values, strict=True)]

    def grid(self, time_ticks: list[float], value_ticks: list[float], unit: str) -> list[str]:
        """Lines and numbers of both axes."""
        shown = [tick for tick in time_ticks if self.times[0] - 1e-9 <= tick <= self.times[1] + 1e-9]
        return [
            *(
                f'<line class="grid{" zero" if tick == 0 else ""}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
                f'y1="{self.y_of(tick):.1f}" y2="{self.y_of(tick):.1f}"/>'
                f'<text x="{_LEFT - 7}" y="{self.y_of(tick) + 4:.1f}" text-anchor="end">'
                f"{_show(tick)}{unit if tick == self.values[1] else ''}</text>"
                for tick in value_ticks
            ),
            *(
                f'<text x="{self.x_of(tick):.1f}" y="{_HEIGHT - 9}" text-anchor="middle">{_show(tick)}'
                f"{' s' if tick == shown[-1] else ''}</text>"
                for tick in shown
            ),
        ]


def _stretches(visible: Bool[np.ndarray, "every"]) -> list[tuple[int, int, bool]]:
    """First and last index of each stretch in and out of view; a stretch begins where the one before ends."""
    edges = [0, *(np.flatnonzero(visible[1:] != visible[:-1]) + 1).tolist(), len(visible)]
    return [(max(first - 1, 0), last - 1, bool(visible[first])) for first, last in itertools.pairwise(edges)]


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
