"""Methods as `sim2art run` uses them: with the refiner behind them."""

from collections.abc import Mapping
from functools import partial

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.evaluate.benchmark import Method
from sim2art.observation.point_video import PointVideo

REFINED = "_refined"
"""Ending of the name of a method with the refiner behind it."""


def with_refined(methods: Mapping[str, Method]) -> dict[str, Method]:
    """Methods, and each again with the refiner behind it."""
    both: dict[str, Method] = {}
    for name, method in methods.items():
        own = _Remembered(method)
        both |= {name: own, f"{name}{REFINED}": partial(_refine_answer, own)}
    return both


class _Remembered:
    """A method that runs once on a video, though its answer is scored and refined."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._last: tuple[PointVideo, ArticulationEstimate] | None = None

    def __call__(self, video: PointVideo) -> ArticulationEstimate:
        if self._last is None or self._last[0] is not video:
            self._last = (video, self._method(video))
        return self._last[1]


def _refine_answer(method: Method, video: PointVideo) -> ArticulationEstimate:
    """The method's answer, refined."""
    from sim2art.inference.refine.refine import refine

    return refine(video, method(video))
