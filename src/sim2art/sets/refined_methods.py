"""Methods as `sim2art run` uses them: with the refiner behind them, and the images where depth was guessed."""

from collections.abc import Mapping
from functools import partial

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.evaluate.benchmark import Method
from sim2art.observation.point_video import PointVideo
from sim2art.perception.observed import Observation
from sim2art.reconstruction.guessed_depth import bear_out

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


def with_images(methods: Mapping[str, Method], observation: Observation) -> dict[str, Method]:
    """Refined methods are asked what the images bear out; others stay as they are."""
    return {
        name: partial(_bear_out, method, observation) if name.endswith(REFINED) else method
        for name, method in methods.items()
    }


def _bear_out(method: Method, observation: Observation, video: PointVideo) -> ArticulationEstimate:
    """What the images bear out of a method's answer."""
    estimate = method(video)
    return bear_out(observation, estimate)[0] if estimate.joints else estimate
