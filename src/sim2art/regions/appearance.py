"""What an image looks like at a pixel, how well two such looks agree, and how much their agreement says.

A look is smoothed colour and its gradient. The noise of a channel is that of what stands still: sensor and compression, and
what a shift by a fraction of a pixel does where the image changes steeply. It is fitted to the recording itself. A look says
as much as it differs from what is around it: a blank wall fits anywhere.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from sim2art.regions.kernels import DEPENDENCE

NUM_CHANNELS = 5
"""L, a, b and the gradient of L along x and y."""
_SMOOTHING = 1.2
"""px."""
_FLOOR = np.array([0.8, 0.5, 0.5, 0.3, 0.3])
"""No noise is smaller: images have 8 bits and were compressed."""
_MIN_SHIFT = 0.7
"""px: nothing that was carried is better in place."""
_RING = (6.0, 12.0, 24.0)
"""px from a pixel at which others are looked at, to see how much it differs from them."""
_NUM_DIRECTIONS = 8
_LOWEST = -6.0
"""Log density of a look anywhere: colours are not so many that one is less likely."""


def look_at_image(image: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "height width channel"]:
    """Channels of every pixel of an RGB image."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), _SMOOTHING)
    gradients = [cv2.Scharr(lab[..., 0], cv2.CV_32F, *order) / 32 for order in ((1, 0), (0, 1))]
    return np.concatenate([lab, np.stack(gradients, axis=-1)], axis=-1)


def change_of(look: Float32[np.ndarray, "height width channel"]) -> Float32[np.ndarray, "height width channel 2"]:
    """By how much each channel changes from pixel to pixel, along x and y."""
    along = [
        np.stack([cv2.Scharr(np.ascontiguousarray(look[..., c]), cv2.CV_32F, *order) / 32 for c in range(look.shape[-1])], axis=-1)
        for order in ((1, 0), (0, 1))
    ]  # fmt: skip
    return np.stack(along, axis=-1)


def sample(
    values: Float32[np.ndarray, "height width channel"], pixels: Float[np.ndarray, "*batch 2"]
) -> Float32[np.ndarray, "*batch channel"]:
    """Values between pixels, of the nearest pixel of the border outside."""
    flat = pixels.reshape(-1, 2).astype(np.float32)
    # cv2.remap takes images of fewer than 32768 rows and columns, four channels at a time.
    width = 1024
    padded = np.zeros((-(-len(flat) // width) * width, 2), np.float32)
    padded[: len(flat)] = flat
    x, y = (padded[:, i].reshape(-1, width) for i in (0, 1))
    parts = [
        cv2.remap(values[..., start : start + 4], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, min(4, values.shape[-1] - start))
        for start in range(0, values.shape[-1], 4)
    ]  # fmt: skip
    return np.concatenate(parts, axis=1)[: len(flat)].reshape(*pixels.shape[:-1], values.shape[-1])


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How much looks of the same thing differ between two images."""

    level: Float[np.ndarray, "channel"]
    """Where the image is flat."""
    shift: float
    """px by which things are off that were carried to where they ought to be."""
    blank: float = 0.0
    """Log odds that a blank surface gives for being where it is against being anywhere: ought to say nothing."""

    def sigmas(self, changes: Float[np.ndarray, "*batch channel 2"]) -> Float[np.ndarray, "*batch channel"]:
        """Of each channel at pixels where it changes so much."""
        return np.sqrt(self.level**2 + self.shift**2 * np.sum(changes**2, axis=-1))


def fit_noise(residuals: Float[np.ndarray, "row channel"], changes: Float[np.ndarray, "row channel 2"]) -> Noise:
    """Noise of residuals more than half of which are of what stands still; the least there can be where there are none."""
    if not len(residuals):
        return Noise(level=_FLOOR.copy(), shift=_MIN_SHIFT)
    steep = np.linalg.norm(changes, axis=-1)
    level, ratios = np.zeros(residuals.shape[1]), []
    for channel in range(residuals.shape[1]):
        flat = steep[:, channel] <= np.quantile(steep[:, channel], 0.5)
        level[channel] = max(1.48 * float(np.median(np.abs(residuals[flat, channel]))), _FLOOR[channel])
        edges = steep[:, channel] >= np.quantile(steep[:, channel], 0.9)
        excess = (1.48 * np.median(np.abs(residuals[edges, channel]))) ** 2 - level[channel] ** 2
        ratios.append(max(float(excess), 0.0) / max(float(np.median(steep[edges, channel])) ** 2, 1e-6))
    return Noise(level=level, shift=max(float(np.sqrt(np.median(ratios[:3]))), _MIN_SHIFT))


def distinctness(
    look: Float32[np.ndarray, "height width channel"],
    pixels: Float[np.ndarray, "point 2"],
    sigmas: Float[np.ndarray, "point channel"],
    level: Float[np.ndarray, "channel"],
) -> Float[np.ndarray, "point"]:
    """Log density with which a pixel's look would be found at a place nearby, by chance; see `agreement`."""
    angles = np.arange(_NUM_DIRECTIONS) * 2 * np.pi / _NUM_DIRECTIONS
    offsets = np.concatenate([r * np.stack([np.cos(angles), np.sin(angles)], axis=1) for r in _RING])
    own = sample(look, pixels)
    near = sample(look, pixels[None] + offsets[:, None])
    found = -0.5 * np.sum(((near - own) / sigmas) ** 2, axis=-1) - np.sum(np.log(sigmas / level), axis=-1)
    return np.logaddexp.reduce(np.maximum(DEPENDENCE * found, _LOWEST), axis=0) - np.log(len(offsets))
