"""Lens distortion: taken out of colour and depth alike where it matters, which is where it moves the border by over a pixel.

Coefficients come as OpenCV orders them, k1, k2, p1, p2, k3, k4, k5, k6 (Brown-Conrady and its rational form), or k1 to k4
of its fisheye model. RealSense also has the inverse of the first, whose formula leads from the image to the straight one.
"""

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from jaxtyping import Float

from sim2art.perception.captures.capture import Capture, ColorCapture, scale_intrinsics
from sim2art.perception.captures.derived import derive

_MAX_STEPS = 60
_CLOSE = 1e-5
"""At depth 1: a hundredth of a pixel."""
_MATTERS = 1.0
"""px at the image's border."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """How an image differs from that of a pinhole camera."""

    coefficients: tuple[float, ...]
    model: Literal["brown", "inverse_brown", "fisheye"] = "brown"

    @property
    def is_straight(self) -> bool:
        """Whether it is a pinhole camera's."""
        return not any(self.coefficients) and self.model != "fisheye"


def lens_from_names(camera: dict[str, Any]) -> Lens | None:
    """The lens of a JSON object with k1, k2 ... and p1, p2, or a list `coeffs`, `distortion` or `D` with a model's name.

    Raises:
        TypeError, ValueError: When a coefficient is no number.
    """
    named = str(camera.get("camera_model", camera.get("distortion_model", camera.get("model", "")))).lower()
    listed = next((camera[name] for name in ("coeffs", "distortion", "dist_coeffs", "D") if camera.get(name)), None)
    if isinstance(listed, list):
        values = [float(value) for value in np.asarray(listed, dtype=np.float64).ravel()]
    else:
        names = ("k1", "k2", "k3", "k4") if "fisheye" in named else ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
        values = [float(camera.get(name, 0.0)) for name in names]
    if not any(values) and "fisheye" not in named:
        return None
    if any(word in named for word in ("fisheye", "equidistant", "kannala")):
        return Lens(coefficients=tuple(values[:4]), model="fisheye")
    return Lens(coefficients=tuple(values[:8]), model="inverse_brown" if "inverse" in named else "brown")


def border_shift(lens: Lens, intrinsics: Float[np.ndarray, "3 3"], size: tuple[int, int]) -> float:
    """How far (px) the lens moves the image's border, at most."""
    width, height = size
    x, y = np.linspace(0, width - 1, 33), np.linspace(0, height - 1, 33)
    sides = [np.stack([x, 0 * x + edge], axis=1) for edge in (0, height - 1)]
    sides += [np.stack([0 * y + edge, y], axis=1) for edge in (0, width - 1)]
    border = np.concatenate(sides).astype(np.float64)
    return float(np.linalg.norm(_seen_at(lens, intrinsics, border) - border, axis=1).max())


def straighten(capture: ColorCapture, lens: Lens | None, size: tuple[int, int]) -> ColorCapture:
    """A recording as a pinhole camera with the same intrinsics would have made it.

    Args:
        capture: A recording with intrinsics; its depth shows the same view as its colour, lens and all.
        lens: Of the colour image; None is a pinhole camera.
        size: Width and height of the colour image, px.
    """
    k = capture.intrinsics
    if lens is None or k is None or lens.is_straight:
        return capture
    shift = border_shift(lens, k, size)
    if shift < _MATTERS:
        return capture
    maps: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}

    def places(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Where the pixels of the straight image lie in the stored one, x and y."""
        if shape not in maps:
            height, width = shape
            scaled = scale_intrinsics(k, width / size[0], height / size[1])
            grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
            x, y = _seen_at(lens, scaled, grid.astype(np.float64)).astype(np.float32).T
            maps[shape] = x.reshape(shape).copy(), y.reshape(shape).copy()
        return maps[shape]

    def image(index: int) -> np.ndarray:
        stored = capture.read_image(index)
        x, y = places(stored.shape[:2])
        return cv2.remap(stored, x, y, cv2.INTER_LINEAR)

    changes: dict[str, Any] = {"images": image}
    if isinstance(capture, Capture):

        def depth(index: int) -> np.ndarray:
            stored = capture.read_depth(index)
            x, y = places(stored.shape)
            return cv2.remap(stored, x, y, cv2.INTER_NEAREST)

        changes["depths"] = depth
    told = f"The lens moves the image's border by up to {shift:.1f} px: colour and depth were straightened."
    return derive(capture, **changes, warnings=(*capture.warnings, told))


def rays_of_pixels(
    lens: Lens | None, intrinsics: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "pixel 2"]
) -> Float[np.ndarray, "pixel 2"]:
    """Where the rays of stored pixels meet the plane at depth 1."""
    k = np.asarray(intrinsics, dtype=np.float64)
    plain = _straight_rays(k, pixels)
    if lens is None or lens.is_straight:
        return plain
    coefficients = np.array(lens.coefficients, dtype=np.float64)
    if lens.model == "fisheye":
        return cv2.fisheye.undistortPoints(pixels[:, None], k, coefficients).reshape(-1, 2)
    if lens.model == "inverse_brown":
        return _through_lens(plain, np.eye(3), coefficients)
    # By steps of its own: OpenCV's few are not enough for a wide depth camera, and their number is set otherwise in each version.
    rays = plain.copy()
    for _ in range(_MAX_STEPS):
        step = plain - _through_lens(rays, np.eye(3), coefficients)
        rays += step
        if np.abs(step).max() < _CLOSE:
            break
    return rays


def _seen_at(
    lens: Lens, intrinsics: Float[np.ndarray, "3 3"], straight: Float[np.ndarray, "pixel 2"]
) -> Float[np.ndarray, "pixel 2"]:
    """Pixels of the stored image that show what a pinhole camera shows at the given ones."""
    k, coefficients = np.asarray(intrinsics, dtype=np.float64), np.array(lens.coefficients, dtype=np.float64)
    if lens.model == "inverse_brown":
        return cv2.undistortPoints(straight[:, None], k, coefficients, P=k).reshape(-1, 2)
    rays = _straight_rays(k, straight)
    if lens.model == "fisheye":
        four = np.zeros(4)
        four[: len(coefficients)] = coefficients
        return cv2.fisheye.distortPoints(rays[:, None], k, four).reshape(-1, 2)
    return _through_lens(rays, k, coefficients)


def _straight_rays(k: Float[np.ndarray, "3 3"], pixels: Float[np.ndarray, "pixel 2"]) -> Float[np.ndarray, "pixel 2"]:
    """Where the rays of a pinhole camera's pixels meet the plane at depth 1."""
    return (pixels - k[:2, 2]) / k[[0, 1], [0, 1]]


def _through_lens(
    rays: Float[np.ndarray, "ray 2"], k: Float[np.ndarray, "3 3"], coefficients: Float[np.ndarray, "coefficient"]
) -> Float[np.ndarray, "ray 2"]:
    """Pixels of rays (by where they meet the plane at depth 1) through a Brown-Conrady lens."""
    points = np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
    return cv2.projectPoints(points[:, None], np.zeros(3), np.zeros(3), k, coefficients)[0].reshape(-1, 2)
