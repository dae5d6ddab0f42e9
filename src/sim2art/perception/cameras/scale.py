"""Metres for a recording of unknown scale: a length that the user measured, or a printed marker of known size."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from sim2art.errors import InvalidFileError, InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.perception.captures.capture import Capture, DepthSource
from sim2art.perception.captures.derived import derive

_WINDOW = 3
"""px to each side of a pixel in which its depth is looked for."""
_MAX_FRAMES = 24
_DICTIONARIES = ("DICT_4X4_250", "DICT_5X5_250", "DICT_6X6_250", "DICT_ARUCO_ORIGINAL", "DICT_APRILTAG_36h11")


@dataclass(frozen=True, kw_only=True)
class KnownLength:
    """Distance between two things that are seen in the first frame."""

    pixels: tuple[tuple[float, float], tuple[float, float]]
    """Where they are in the first frame, px (x right, y down) of the input."""
    length: float
    """m."""


def parse_known_length(text: str) -> KnownLength:
    """A known length from "x1,y1,x2,y2=METRES".

    Raises:
        InvalidValueError: When the text is not that.
    """
    places, equals, length = text.replace(" ", "").partition("=")
    try:
        x1, y1, x2, y2 = (float(word) for word in places.split(","))
        value = float(length)
    except ValueError as error:
        raise InvalidValueError(
            f"--known-length is '{text}'; x1,y1,x2,y2=METRES is needed: two pixels of the first frame and the metres between "
            "what they show, such as 120,80,410,85=0.60."
        ) from error
    if not equals or not 0 < value < 100 or (x1, y1) == (x2, y2):
        raise InvalidValueError(
            f"--known-length is '{text}'; two different pixels and a length of 0 to 100 m are needed."
        )
    return KnownLength(pixels=((x1, y1), (x2, y2)), length=value)


def scale_by_length(capture: Capture, known: KnownLength) -> DepthSource:
    """The recording with depth and camera positions such that a known length comes out.

    Raises:
        InvalidValueError: When a pixel lies outside the first frame or has no depth.
    """
    depth = capture.read_depth(0)
    image = capture.read_image(0)
    factor = np.array([depth.shape[1] / image.shape[1], depth.shape[0] / image.shape[0]])
    ends = []
    for pixel in known.pixels:
        at = (np.array(pixel) + 0.5) * factor - 0.5
        value = _read_near(depth, at)
        if value is None:
            raise InvalidValueError(
                f"--known-length: pixel {pixel[0]:.0f},{pixel[1]:.0f} of the first frame ({image.shape[1]}x{image.shape[0]} px) "
                "has no depth or lies outside; choose another."
            )
        ends.append(unproject(capture.intrinsics, np.array(pixel), np.array(value)))
    found = float(np.linalg.norm(ends[0] - ends[1]))
    return scale_by_factor(capture, known.length / max(found, 1e-9), "a known length")


def scale_by_marker(capture: Capture, side: float) -> DepthSource:
    """The recording with depth and camera positions such that a printed marker has its true size.

    Args:
        capture: The recording; an ArUco or AprilTag marker must be seen in it.
        side: Length of the marker's black square, m.

    Raises:
        InvalidFileError: When no marker is seen where there is depth.
    """
    if not 0.001 < side < 10:
        raise InvalidValueError(f"--marker is {side} m; the length of the black square's side in metres is needed.")
    tried = np.unique(np.linspace(0, len(capture.frame_ids) - 1, _MAX_FRAMES).astype(int))
    ratios = [ratio for index in tried for ratio in _marker_ratios(capture, int(index), side)]
    if not ratios:
        raise InvalidFileError(
            f"{capture.path}: no ArUco or AprilTag marker was seen in {len(tried)} frames. It must be flat, whole and large "
            "enough (about 40 px); or pass --known-length.",
            path=capture.path,
        )
    return scale_by_factor(capture, float(np.median(ratios)), f"a marker seen {len(ratios)} times")


def _marker_ratios(capture: Capture, index: int, side: float) -> list[float]:
    """True over recorded distance between the corners of the markers in a frame."""
    try:
        image, depth = capture.read_image(index), capture.read_depth(index)
    except InvalidFileError:
        return []
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    factor = np.array([depth.shape[1] / image.shape[1], depth.shape[0] / image.shape[0]])
    for name in _DICTIONARIES:
        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
        markers, _, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(gray)
        if not markers:
            continue
        found = []
        for marker in markers:
            pixels = marker.reshape(4, 2).astype(np.float64)
            # Depth is read a little inside, where it is the marker's and not what lies behind it.
            inner = pixels.mean(axis=0) + 0.7 * (pixels - pixels.mean(axis=0))
            values = [_read_near(depth, (pixel + 0.5) * factor - 0.5) for pixel in inner]
            if any(value is None for value in values):
                continue
            points = unproject(capture.intrinsics, inner, np.array(values, dtype=np.float64))
            sides = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)
            found.append(0.7 * side / float(np.median(sides)))
        return found
    return []


def _read_near(depth: Float[np.ndarray, "height width"], at: Float[np.ndarray, "2"]) -> float | None:
    """Median depth around a place (px), or None when there is none."""
    x, y = round(float(at[0])), round(float(at[1]))
    height, width = depth.shape
    if not (0 <= x < width and 0 <= y < height):
        return None
    window = depth[max(0, y - _WINDOW) : y + _WINDOW + 1, max(0, x - _WINDOW) : x + _WINDOW + 1]
    seen = window[window > 0]
    return float(np.median(seen)) if len(seen) else None


def scale_by_factor(capture: Capture, factor: float, by: str) -> DepthSource:
    """The recording with depth and camera positions multiplied by a factor that makes metres; `by` says why."""
    poses = capture.world_from_camera
    if poses is not None:
        poses = np.array(poses)
        poses[:, :3, 3] *= factor
    return derive(
        capture,
        depths=lambda index: capture.read_depth(index) * np.float32(factor),
        world_from_camera=poses,
        is_metric=True,
        warnings=(*capture.warnings, f"Lengths were multiplied by {factor:.4g}, to fit {by}."),
    )
