"""Intrinsics of a recording that may not say them: the user's, its own, the depth component's, or a usual field of view."""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.perception.captures.capture import ColorCapture, scale_intrinsics
from sim2art.perception.depth.alignment import guessed_focal_length
from sim2art.perception.tasks import DepthGuess

DEFAULT_FOV_DEG = 60.0
"""Of the image's longer side, when nothing says it: between a telephone's and a webcam's video."""


def known_intrinsics(
    capture: ColorCapture, size: tuple[int, ...], fov_deg: float | None
) -> Float[np.ndarray, "3 3"] | None:
    """Intrinsics (px, working size) from the user or the recording."""
    height, width = size
    if fov_deg is not None:
        return _from_fov(fov_deg, width, height)
    if capture.intrinsics is None:
        return None
    first = capture.read_image(0)
    return scale_intrinsics(capture.intrinsics, width / first.shape[1], height / first.shape[0])


def guess_intrinsics(
    known: Float[np.ndarray, "3 3"] | None, guesses: list[DepthGuess], size: tuple[int, ...], warnings: list[str]
) -> Float[np.ndarray, "3 3"]:
    """Intrinsics (px): known ones, else the component's, else a usual field of view."""
    if known is not None:
        return known
    height, width = size
    focal = guessed_focal_length(guesses)
    if focal is not None:
        warnings.append(f"The focal length ({focal:.0f} px) is the depth component's guess.")
        return _centred(focal, width, height)
    warnings.append(
        f"The recording does not say its field of view: {DEFAULT_FOV_DEG:.0f} deg along the longer side are taken; pass --fov "
        "if you know it. Angles of turning parts change little by it, positions more."
    )
    return _from_fov(DEFAULT_FOV_DEG, width, height)


def _from_fov(fov_deg: float, width: int, height: int) -> Float[np.ndarray, "3 3"]:
    longer = intrinsics_from_fov(max(width, height), min(width, height), np.deg2rad(fov_deg))
    return _centred(longer[0, 0], width, height)


def _centred(focal: float, width: int, height: int) -> Float[np.ndarray, "3 3"]:
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])
