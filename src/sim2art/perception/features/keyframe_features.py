"""Semantic features of simulated clips: a few frames, cropped to what was sampled, so that features cost little.

Points of the other frames have none (zeros), and are known by that.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from sim2art.perception.tasks import FeatureExtractor

_MARGIN = 8  # px around the sampled pixels.


@dataclass(frozen=True, kw_only=True)
class KeyframeFeatures:
    """Describes the pixels of a clip's keyframes (a `PixelDescriber`)."""

    extract: FeatureExtractor
    num_frames: int = 4
    """Keyframes a clip, spread evenly from the first frame to the last."""

    def __call__(
        self, images: UInt8[np.ndarray, "frame height width 3"], pixels: Float[np.ndarray, "frame point 2"]
    ) -> Float32[np.ndarray, "frame point channel"]:
        """Features at pixels (x, y) of the keyframes, zeros elsewhere and for slots at (0, 0), which hold no point."""
        found: np.ndarray | None = None
        height, width = images.shape[1:3]
        for frame in keyframes(len(images), self.num_frames):
            placed = np.any(pixels[frame] > 0, axis=-1)
            if not placed.any():
                continue
            low = np.maximum(pixels[frame, placed].min(axis=0).astype(int) - _MARGIN, 0)
            high = np.minimum(pixels[frame, placed].max(axis=0).astype(int) + _MARGIN + 1, [width, height])
            crop = np.ascontiguousarray(images[frame, low[1] : high[1], low[0] : high[0]])
            rows = self.extract(crop, pixels[frame, placed] - low)
            if found is None:
                found = np.zeros((*pixels.shape[:2], rows.shape[1]), np.float32)
            found[frame, placed] = rows
        return np.zeros((*pixels.shape[:2], 1), np.float32) if found is None else found


def keyframes(total: int, count: int) -> list[int]:
    """`count` frames of `total`, spread evenly, the ends included; fewer when there are fewer."""
    return sorted({round(place) for place in np.linspace(0, total - 1, min(count, total))})
