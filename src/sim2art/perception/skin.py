"""Colours of skin, and which of two sets of pixels a colour belongs to.

Skin is the locus of Soriano et al., "Skin detection in video under changing illumination conditions", ICPR 2000. Wood
has the same colours, so whoever asks must know more than the colour.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

_LIGHTS, _TINTS, _TINT_STEP = 10, 20, 5
"""Bins of lightness, of each of the two colours of CIELAB, and the latter's width in levels."""
_MIN_SHARE = 0.6
"""Share of a colour's looks that must be an arm's, not of what stands still, for it to be believed."""


def has_skin_color(images: UInt8[np.ndarray, "*batch height width 3"]) -> Bool[np.ndarray, "*batch height width"]:
    """Whether pixels (RGB) have a colour that skin of some tone has in some light."""
    values = images.astype(np.float32) + 1.0
    total = values.sum(axis=-1)
    red, green = values[..., 0] / total, values[..., 1] / total
    upper = -1.377 * red**2 + 1.0743 * red + 0.1452
    lower = -0.776 * red**2 + 0.5601 * red + 0.1766
    is_colored = (red - 1 / 3) ** 2 + (green - 1 / 3) ** 2 > 0.001
    return (green < upper) & (green > lower) & is_colored & (red > green) & (values.max(axis=-1) > 35)


def measure_own_colors(
    labs: UInt8[np.ndarray, "frame height width 3"], found: Bool[np.ndarray, "frame height width"],
    still: Bool[np.ndarray, "frame height width"],
) -> float:  # fmt: skip
    """Share of what has the colours of some regions that is in them: a drawer's front is like its cabinet's."""
    counts = _histogram(labs[found]) * found.sum(), _histogram(labs[still]) * still.sum()
    own = counts[0] / np.maximum(counts[0] + counts[1], 1e-9)
    bins = _bins(labs[found])
    return float(np.median(own[bins[:, 0], bins[:, 1], bins[:, 2]]))


def find_alike(
    labs: UInt8[np.ndarray, "frame height width 3"], samples: Bool[np.ndarray, "frame height width"],
    transient: Bool[np.ndarray, "frame height width"], allowed: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """Transient pixels with the colours of the samples rather than of all that stands still."""
    like, still = _histogram(labs[samples]), _histogram(labs[~transient])
    ratio = like / (like + still + 1e-9)
    bins = _bins(labs)
    score = ratio[bins[..., 0], bins[..., 1], bins[..., 2]].astype(np.float32)
    score = np.array([cv2.GaussianBlur(image, (0, 0), 1.5) for image in score])
    found = transient & allowed & (score > _MIN_SHARE)
    return found | samples


def _bins(labs: UInt8[np.ndarray, "*batch 3"]) -> np.ndarray:
    light = labs[..., 0].astype(np.int32) * _LIGHTS // 256
    tints = (labs[..., 1:].astype(np.int32) - 128) // _TINT_STEP + _TINTS // 2
    return np.stack([light, *np.moveaxis(np.clip(tints, 0, _TINTS - 1), -1, 0)], axis=-1)


def _histogram(labs: UInt8[np.ndarray, "pixel 3"]) -> Float[np.ndarray, "light green blue"]:
    """Share of pixels by colour, smoothed."""
    bins = _bins(labs)
    counts = np.zeros((_LIGHTS, _TINTS, _TINTS))
    np.add.at(counts, (bins[:, 0], bins[:, 1], bins[:, 2]), 1.0)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, mid, high = (np.take(padded, range(i, i + counts.shape[axis]), axis=axis) for i in range(3))
        counts = 0.2 * low + 0.6 * mid + 0.2 * high
    return counts / max(counts.sum(), 1.0)
