"""How often colours occur, in bins of lightness and tint (CIELAB, 8 bit)."""

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import gaussian_filter1d

_LIGHTS, _TINTS, _TINT_STEP = 16, 24, 4
"""Bins of lightness, of each tint, and the latter's width in levels; stronger tints go to the outermost bin."""
_BLUR = 0.8
"""Bins by which counts are smoothed: a colour is seldom met twice exactly."""


def color_bins(labs: UInt8[np.ndarray, "*batch 3"]) -> Int[np.ndarray, "*batch"]:
    """The bin of each pixel."""
    light = labs[..., 0].astype(np.int64) * _LIGHTS // 256
    tints = np.clip((labs[..., 1:].astype(np.int64) - 128) // _TINT_STEP + _TINTS // 2, 0, _TINTS - 1)
    return (light * _TINTS + tints[..., 0]) * _TINTS + tints[..., 1]


def color_shares(bins: Int[np.ndarray, "pixel"]) -> Float[np.ndarray, "bin"]:
    """Share of the pixels in each bin, smoothed; zeros where there are no pixels."""
    counts = np.bincount(bins, minlength=_LIGHTS * _TINTS**2).astype(np.float64).reshape(_LIGHTS, _TINTS, _TINTS)
    for axis in range(3):
        counts = gaussian_filter1d(counts, _BLUR, axis=axis)
    return counts.ravel() / max(float(counts.sum()), 1e-9)
