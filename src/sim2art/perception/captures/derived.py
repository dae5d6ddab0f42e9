"""Recordings made from other recordings: with values replaced, of some frames only, of a stretch of time."""

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
from jaxtyping import Float32

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.perception.captures.capture import Capture, ColorCapture, ColorSource, DepthSource

_COLOR_FIELDS = ("path", "frame_ids", "times", "intrinsics", "world_from_camera", "ups_camera", "warnings")
_DEPTH_FIELDS = (*_COLOR_FIELDS, "is_metric", "depth_is_guessed")


@overload
def derive(capture: Capture, **changes: Any) -> DepthSource: ...
@overload
def derive(capture: ColorCapture, **changes: Any) -> ColorSource: ...
def derive(capture: ColorCapture, **changes: Any) -> ColorSource:
    """A recording with some fields of `DepthSource` (or `ColorSource`, without depth) replaced."""
    if isinstance(capture, Capture):
        kept: dict[str, Any] = {name: getattr(capture, name) for name in _DEPTH_FIELDS}
        kept |= {"images": capture.read_image, "depths": capture.read_depth}
        return DepthSource(**(kept | changes))
    kept = {name: getattr(capture, name) for name in _COLOR_FIELDS} | {"images": capture.read_image}
    return ColorSource(**(kept | changes))


@overload
def keep_frames(capture: Capture, positions: Sequence[int] | np.ndarray) -> DepthSource: ...
@overload
def keep_frames(capture: ColorCapture, positions: Sequence[int] | np.ndarray) -> ColorSource: ...
def keep_frames(capture: ColorCapture, positions: Sequence[int] | np.ndarray) -> ColorSource:
    """Some frames of a recording, by position, in that order."""
    chosen = [int(position) for position in positions]
    poses, ups = capture.world_from_camera, capture.ups_camera
    changes: dict[str, Any] = {
        "frame_ids": tuple(capture.frame_ids[i] for i in chosen),
        "times": np.asarray(capture.times)[chosen],
        "images": lambda index: capture.read_image(chosen[index]),
        "world_from_camera": None if poses is None else poses[chosen],
        "ups_camera": None if ups is None else ups[chosen],
    }
    if isinstance(capture, Capture):
        changes["depths"] = lambda index: capture.read_depth(chosen[index])
    return derive(capture, **changes)


def with_depth(color: ColorSource, depths: Callable[[int], Float32[np.ndarray, "height width"]]) -> DepthSource:
    """A recording of colour with depth (m, 0 = none) of the same view."""
    return DepthSource(**vars(color), depths=depths)


def cut_times(capture: ColorCapture, start: float | None, end: float | None) -> ColorCapture:
    """The frames from `start` to `end`, s since the recording's first frame; None leaves that side as it is.

    Raises:
        InvalidValueError: When the two are no stretch of time.
        InvalidFileError: When fewer than two frames lie between them.
    """
    if start is None and end is None:
        return capture
    low, high = 0.0 if start is None else start, np.inf if end is None else end
    if not (np.isfinite(low) and low >= 0 and high > low):
        raise InvalidValueError(f"--start {start} --end {end} is no stretch of time; give seconds, the start first.")
    times = np.asarray(capture.times) - capture.times[0]
    inside = np.flatnonzero((times >= low - 1e-9) & (times <= high + 1e-9))
    if len(inside) < 2:
        raise InvalidFileError(
            f"{capture.path} lasts {times[-1]:.2f} s; only {len(inside)} of its {len(times)} frames lie between {low:g} s "
            f"and {'its end' if end is None else f'{end:g} s'}, and at least 2 are needed.",
            path=capture.path,
        )
    return keep_frames(capture, inside)
