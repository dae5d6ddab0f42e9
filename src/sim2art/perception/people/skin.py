"""Colours of skin, and which of two sets of pixels a colour belongs to.

Skin is the locus of Soriano et al., "Skin detection in video under changing illumination conditions", ICPR 2000. Wood
has the same colours, so whoever asks must know more than the colour.
"""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from sim2art.perception.people.color_counts import color_bins, color_shares

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
    bins = color_bins(labs)
    inside, outside = color_shares(bins[found]) * found.sum(), color_shares(bins[still]) * still.sum()
    own = inside / np.maximum(inside + outside, 1e-9)
    return float(np.median(own[bins[found]]))


def find_alike(
    labs: UInt8[np.ndarray, "frame height width 3"], samples: Bool[np.ndarray, "frame height width"],
    transient: Bool[np.ndarray, "frame height width"], allowed: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """Transient pixels with the colours of the samples rather than of all that stands still."""
    bins = color_bins(labs)
    like, still = color_shares(bins[samples]), color_shares(bins[~transient])
    score = (like / (like + still + 1e-9))[bins].astype(np.float32)
    score = np.array([cv2.GaussianBlur(image, (0, 0), 1.5) for image in score])
    found = transient & allowed & (score > _MIN_SHARE)
    return found | samples
