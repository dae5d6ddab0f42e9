"""The inner loop of `scores`: points carried into another image, and how well what is there agrees with them."""

import math

import numpy as np
from jaxtyping import Float, Float32, Int
from numba import njit

HIDDEN = -1.0
"""Log odds of a look that cannot be seen, hidden or outside the image: between those of a match and of a mismatch."""
MIN_SHIFT = 2.0
"""px by which a motion must move what it carries, to be told from standing still."""
DEPENDENCE = 0.4
"""Of the channels of a look, two in five say something of their own: a shift by a pixel changes all of them."""
OUTLIERS = 0.1
"""Share of the pixels of what is seen that show something else: a highlight, a shadow, a finger."""


@njit(cache=True, fastmath=True)
def carried_points(
    look: Float32[np.ndarray, "height width channel"], intrinsics: Float[np.ndarray, "3 3"], motion: Float[np.ndarray, "4 4"],
    rays: Float[np.ndarray, "point 3"], depths: Float[np.ndarray, "point"], own: Float32[np.ndarray, "point channel"],
    variances: Float[np.ndarray, "point channel"], changes: Float32[np.ndarray, "point channel 2"],
    chance: Float[np.ndarray, "point"], region: Int[np.ndarray, "point"], count: int,
    shading: Float[np.ndarray, "color"], depth_sigma: float, log_level: float,
) -> tuple[Float[np.ndarray, "point"], Int[np.ndarray, "point"], Float[np.ndarray, "region"]]:  # fmt: skip
    """Log odds of each point's look in another image against chance, the pixel it comes to, and what is to be added for its region.

    A region may be lighter or of another tint there as a whole: shadows, a surface that turns. Points that leave the image
    have pixel -1.

    Args:
        look: Of the other image.
        intrinsics: px.
        motion: From this camera's frame to the other's.
        rays: Of the points, z = 1.
        depths: Of the points; 0 is never seen.
        own: Their look in this image.
        variances: Of their look, without what a wrong depth does.
        changes: Of their look from pixel to pixel.
        chance: Log density by which their look is found nearby.
        region: Of the points.
        count: Of regions.
        shading: Sigmas of what a region's colour may change by as a whole.
        depth_sigma: Of the logarithm of depth.
        log_level: Sum of the logarithms of the lowest sigmas.
    """
    height, width, channels = look.shape
    colors = len(shading)
    inside = np.zeros(count)
    differences = np.empty((len(depths), channels))
    along = np.empty((len(depths), 2))
    seen = np.zeros(len(depths), np.bool_)
    place = np.full(len(depths), -1)
    offsets = np.zeros((count, colors))
    for n in range(len(depths)):
        if depths[n] <= 0:
            continue
        turned_x = depths[n] * (motion[0, 0] * rays[n, 0] + motion[0, 1] * rays[n, 1] + motion[0, 2] * rays[n, 2])
        turned_y = depths[n] * (motion[1, 0] * rays[n, 0] + motion[1, 1] * rays[n, 1] + motion[1, 2] * rays[n, 2])
        turned_z = depths[n] * (motion[2, 0] * rays[n, 0] + motion[2, 1] * rays[n, 1] + motion[2, 2] * rays[n, 2])
        z = turned_z + motion[2, 3]
        if z < 1e-6:
            continue
        x, y = (turned_x + motion[0, 3]) / z, (turned_y + motion[1, 3]) / z
        along[n, 0] = intrinsics[0, 0] * (turned_x - x * turned_z) / z
        along[n, 1] = intrinsics[1, 1] * (turned_y - y * turned_z) / z
        x, y = intrinsics[0, 0] * x + intrinsics[0, 2], intrinsics[1, 1] * y + intrinsics[1, 2]
        if not (x >= -0.5 and y >= -0.5 and x <= width - 0.5 and y <= height - 0.5):
            continue
        x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
        column, row = min(int(x), width - 2), min(int(y), height - 2)
        u, v = x - column, y - row
        for c in range(channels):
            differences[n, c] = (
                (1 - v) * ((1 - u) * look[row, column, c] + u * look[row, column + 1, c])
                + v * ((1 - u) * look[row + 1, column, c] + u * look[row + 1, column + 1, c])
                - own[n, c]
            )
        seen[n] = True
        place[n] = int(y + 0.5) * width + int(x + 0.5)
        inside[region[n]] += 1
        for c in range(colors):
            offsets[region[n], c] += min(max(differences[n, c], -3 * shading[c]), 3 * shading[c])
    extra = np.zeros(count)
    for r in range(count):
        for c in range(colors):
            offsets[r, c] /= max(inside[r], 1.0)
            extra[r] -= 0.5 * (offsets[r, c] / shading[c]) ** 2
    found = np.zeros(len(depths))
    for n in range(len(depths)):
        if not seen[n]:
            continue
        # A wrong depth moves a pixel along a line, a wrong joint elsewhere: by as much, so nothing is won by keeping them apart.
        drift = depth_sigma**2 * (along[n, 0] ** 2 + along[n, 1] ** 2)
        square, log_scale = 0.0, -log_level
        for c in range(channels):
            variance = variances[n, c] + drift * (changes[n, c, 0] ** 2 + changes[n, c, 1] ** 2)
            offset = offsets[region[n], c] if c < colors else 0.0
            square += (differences[n, c] - offset) ** 2 / variance
            log_scale += 0.5 * math.log(variance)
        # What else is seen there is as likely as a look by chance.
        found[n] = math.log(
            (1 - OUTLIERS) * math.exp(min(DEPENDENCE * (-0.5 * square - log_scale) - chance[n], 50.0)) + OUTLIERS
        )
    return found, place, extra


@njit(cache=True, fastmath=True)
def region_odds(
    found: Float[np.ndarray, "point"], place: Int[np.ndarray, "point"], extra: Float[np.ndarray, "region"],
    region: Int[np.ndarray, "point"], looks: Float[np.ndarray, "region"],
) -> Float[np.ndarray, "region"]:  # fmt: skip
    """Log odds of what `carried_points` gave for whole regions in one frame; a region that is hidden has HIDDEN a look."""
    sums, total = np.zeros(len(looks)), np.zeros(len(looks))
    for n in range(len(found)):
        total[region[n]] += 1
        sums[region[n]] += found[n] if place[n] >= 0 else HIDDEN
    for r in range(len(looks)):
        sums[r] = max(sums[r] * looks[r] / max(total[r], 1.0) + extra[r], HIDDEN * looks[r])
    return sums


@njit(cache=True)
def moved_shares(
    place: Int[np.ndarray, "point"], still: Int[np.ndarray, "point"], width: int, region: Int[np.ndarray, "point"], count: int
) -> Float[np.ndarray, "region"]:  # fmt: skip
    """Share of each region's points that a motion takes elsewhere than standing still does."""
    moved, total = np.zeros(count), np.zeros(count)
    for n in range(len(place)):
        total[region[n]] += 1
        if place[n] < 0 or still[n] < 0:
            moved[region[n]] += place[n] != still[n]
            continue
        x = place[n] % width - still[n] % width
        y = place[n] // width - still[n] // width
        moved[region[n]] += x * x + y * y > MIN_SHIFT * MIN_SHIFT
    return moved / np.maximum(total, 1.0)
