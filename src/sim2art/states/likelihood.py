"""How likely what an image shows is, pixel by pixel: the surface of a part, the static background, or neither.

Everything is a negative log-likelihood in nats, relative to that of a surface seen exactly where it is. A pixel may show
something in front of the surface (an occluder) or behind it (a wrong reading); both are rare, and spread evenly over
depth and colour. A part at a joint value is judged by the pixels that it would cover: how much better it explains each
than what is known of everything else there. So a part that hides explains nothing and gains nothing, and one that stands
where an image sees through pays.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float

_IN_FRONT, _BEHIND, _OTHER_COLOR = 0.05, 0.01, 0.1
"""Shares of pixels that show an occluder, that read too far, and whose colour has changed (highlights, shadows)."""
_MIN_FACING = 0.2
"""Cosine between a surface's normal and the view below which a surface says nothing; above, its slope tells how little."""
_MAX_PIXELS = 9.0
"""A point stands for this many pixels at most."""


@dataclass(frozen=True, kw_only=True)
class NoiseModel:
    """What is measured of a surface that is known, fitted to the static background."""

    depth: tuple[float, float]
    """Standard deviation of depth: the first plus the second times depth squared, m."""
    color: tuple[float, float, float]
    """Standard deviation of each colour channel."""
    color_spread: tuple[float, float, float]
    """Of the colours of everything."""
    patches: tuple[int, ...]
    """Pixels of patches of growing size ..."""
    readings: tuple[float, ...]
    """... and how many independent readings such a patch is worth: errors of neighbouring pixels are alike."""

    def num_readings(self, pixels: float) -> float:
        """Independent readings that so many pixels of one surface are worth."""
        if pixels <= self.patches[0]:
            return max(pixels / self.patches[0] * self.readings[0], 1e-3)
        if pixels >= self.patches[-1]:
            return pixels / self.patches[-1] * self.readings[-1]
        return float(np.exp(np.interp(np.log(pixels), np.log(self.patches), np.log(self.readings))))

    def as_array(self) -> Float[np.ndarray, "8"]:
        """For the kernels."""
        return np.array([*self.depth, *self.color, *self.color_spread], np.float64)


@numba.njit(cache=True, nogil=True)
def explain_pixels(depth, colors, base_depth, base_colors, base_has_color, noise, out):
    """Cost of each pixel (height, width) if it shows the background, whose depth is 0 where it is not known.

    The background is looked for in the 3x3 pixels around: it was drawn to within a pixel.
    """
    height, width = depth.shape
    other = 0.0
    for c in range(3):
        other += math.log(noise[5 + c] / noise[2 + c])
    other = max(other, 0.5)
    color_cap = other - math.log(_OTHER_COLOR)
    for v in range(height):
        for u in range(width):
            d = depth[v, u]
            if d <= 0.0:
                out[v, u] = 0.0
                continue
            sigma = noise[0] + noise[1] * d * d
            spread = math.log(d / (2.5 * sigma))
            best = np.inf
            known = False
            near = 0.0
            for dv in range(-1, 2):
                for du in range(-1, 2):
                    y, x = v + dv, u + du
                    if y < 0 or x < 0 or y >= height or x >= width or base_depth[y, x] <= 0.0:
                        continue
                    known = True
                    r = (d - base_depth[y, x]) / sigma
                    near = max(near, r)
                    cost = 0.5 * r * r
                    if cost >= best:
                        continue
                    if base_has_color[y, x]:
                        k = 0.0
                        for c in range(3):
                            e = (np.float64(colors[v, u, c]) - base_colors[y, x, c]) / noise[2 + c]
                            k += 0.5 * e * e
                        cost += min(k, color_cap)
                    else:
                        cost += other
                    best = min(best, cost)
            if not known:
                out[v, u] = spread + other
                continue
            rare = _BEHIND if near > 0 else _IN_FRONT
            out[v, u] = min(best, spread - math.log(rare) + other)


@numba.njit(cache=True, nogil=True)
def place_part(
    points,
    normals,
    colors,
    areas,
    slack,
    camera_from_rest,
    camera,
    depth,
    image,
    base_depth,
    base_cost,
    noise,
    gain,
    seen,
    by_point,
):
    """Cost of a part in one frame at each joint value, beside nothing of it being there.

    Args:
        points: (point, 3), rest pose, m.
        normals: (point, 3), outward, rest pose.
        colors: (point, 3).
        areas: (point,), m^2.
        slack: (point,), variance of the place across the surface from the spacing of the values, m^2.
        camera_from_rest: (value, 4, 4).
        camera: fx, fy, cx, cy, px.
        depth, image, base_depth, base_cost: of the frame, (height, width), image (height, width, 3).
        noise: See `NoiseModel.as_array`.
        gain: (value,), filled: sum over the covered pixels of the cost as the part less that as anything else, nats.
        seen: (value,), filled: pixels that the part would cover.
        by_point: (point, 2), counted up: cost and pixels of each point, over all values; or (0, 2).
    """
    height, width = depth.shape
    other = 0.0
    for c in range(3):
        other += math.log(noise[5 + c] / noise[2 + c])
    other = max(other, 0.5)
    color_cap = other - math.log(_OTHER_COLOR)
    for g in range(camera_from_rest.shape[0]):
        m = camera_from_rest[g]
        total, count = 0.0, 0.0
        for i in range(points.shape[0]):
            x = m[0, 0] * points[i, 0] + m[0, 1] * points[i, 1] + m[0, 2] * points[i, 2] + m[0, 3]
            y = m[1, 0] * points[i, 0] + m[1, 1] * points[i, 1] + m[1, 2] * points[i, 2] + m[1, 3]
            z = m[2, 0] * points[i, 0] + m[2, 1] * points[i, 1] + m[2, 2] * points[i, 2] + m[2, 3]
            if z < 0.05:
                continue
            nx = m[0, 0] * normals[i, 0] + m[0, 1] * normals[i, 1] + m[0, 2] * normals[i, 2]
            ny = m[1, 0] * normals[i, 0] + m[1, 1] * normals[i, 1] + m[1, 2] * normals[i, 2]
            nz = m[2, 0] * normals[i, 0] + m[2, 1] * normals[i, 1] + m[2, 2] * normals[i, 2]
            facing = -(nx * x + ny * y + nz * z) / math.sqrt(x * x + y * y + z * z)
            is_back = facing < 0.0
            facing = abs(facing)
            if facing < _MIN_FACING:
                continue
            u = math.floor(camera[0] * x / z + camera[2] + 0.5)
            v = math.floor(camera[1] * y / z + camera[3] + 0.5)
            if u < 0 or v < 0 or u >= width or v >= height:
                continue
            sigma = noise[0] + noise[1] * z * z
            b = base_depth[v, u]
            if b > 0.0 and z > b + 3.0 * sigma:
                continue
            weight = min(areas[i] * facing * camera[0] * camera[1] / (z * z), _MAX_PIXELS)
            count += weight
            d = depth[v, u]
            if d <= 0.0:
                continue
            r = d - z
            rare = _BEHIND if r > 0 else _IN_FRONT
            spread = math.log(z / (2.5 * sigma))
            cap = spread - math.log(rare) + other
            slope = 0.3 * z / camera[0] * math.sqrt(1.0 - facing * facing) / facing
            variance = sigma * sigma + slack[i] / (facing * facing) + slope * slope
            if is_back:
                # Nobody knows what it looks like, so it explains nothing; but what is behind it cannot be seen.
                cost = max(cap - base_cost[v, u], 0.0) if r > 4.0 * math.sqrt(variance) else 0.0
            else:
                cost = 0.5 * r * r / variance + 0.5 * math.log(variance / (sigma * sigma))
                k = 0.0
                for c in range(3):
                    e = (np.float64(image[v, u, c]) - colors[i, c]) / noise[2 + c]
                    k += 0.5 * e * e
                cost = min(cost + min(k, color_cap), cap) - base_cost[v, u]
            if b > 0.0 and z > b:  # As near as this behind the background it may be seen or hidden.
                cost = min(cost, 0.0)
            total += weight * cost
            if by_point.shape[0]:
                by_point[i, 0] += weight * cost
                by_point[i, 1] += weight
        gain[g] = total
        seen[g] = count


@numba.njit(cache=True, nogil=True)
def draw_points(points, colors, has_color, camera_from_world, camera, noise, reach, depth, image, image_has_color):
    """Draw points into a depth and a colour image, each over the pixels up to `reach` around it.

    What is drawn is the mean of the points that lie near the nearest one, not that one: the nearest of many noisy points
    is always too near.

    Args:
        depth: (height, width), filled, m, 0 where nothing is drawn.
        image: (height, width, 3), filled.
        image_has_color: (height, width), filled.
    """
    height, width = depth.shape
    m = camera_from_world
    nearest = np.full((height, width), np.inf, np.float32)
    sums = np.zeros((height, width, 5), np.float32)
    colored = np.zeros((height, width), np.float32)
    for second in range(2):
        for i in range(points.shape[0]):
            z = m[2, 0] * points[i, 0] + m[2, 1] * points[i, 1] + m[2, 2] * points[i, 2] + m[2, 3]
            if z < 0.05:
                continue
            x = m[0, 0] * points[i, 0] + m[0, 1] * points[i, 1] + m[0, 2] * points[i, 2] + m[0, 3]
            y = m[1, 0] * points[i, 0] + m[1, 1] * points[i, 1] + m[1, 2] * points[i, 2] + m[1, 3]
            u = math.floor(camera[0] * x / z + camera[2] + 0.5)
            v = math.floor(camera[1] * y / z + camera[3] + 0.5)
            if u < -reach or v < -reach or u >= width + reach or v >= height + reach:
                continue
            for b in range(max(v - reach, 0), min(v + reach + 1, height)):
                for a in range(max(u - reach, 0), min(u + reach + 1, width)):
                    if not second:
                        nearest[b, a] = min(nearest[b, a], z)
                    elif z < nearest[b, a] + 6.0 * (noise[0] + noise[1] * z * z):
                        weight = np.float32(1.0 if a == u and b == v else 0.1)
                        sums[b, a, 0] += weight
                        sums[b, a, 1] += weight * z
                        if has_color[i]:
                            colored[b, a] += weight
                            for c in range(3):
                                sums[b, a, 2 + c] += weight * colors[i, c]
    for b in range(height):
        for a in range(width):
            depth[b, a] = sums[b, a, 1] / sums[b, a, 0] if sums[b, a, 0] > 0 else 0.0
            image_has_color[b, a] = colored[b, a] > 0.5 * sums[b, a, 0]
            if image_has_color[b, a]:
                for c in range(3):
                    image[b, a, c] = sums[b, a, 2 + c] / colored[b, a]


@numba.njit(cache=True, nogil=True)
def look_through(
    points,
    sigma_of,
    camera_from_world,
    camera,
    nearest,
    depth,
    image,
    colors,
    moving,
    noise,
    through,
    agree,
    differ,
    labelled,
    as_part,
):
    """Count the frames that see through each point, that see a surface there, and that see it in another colour.

    Args:
        points: (point, 3), world, m.
        sigma_of: (point,), m, of the frame that saw the point.
        camera_from_world: (frame, 4, 4).
        nearest: (frame, height, width), the smallest depth of the 3x3 pixels around, infinity where none was measured.
        depth, image: (frame, height, width), image (frame, height, width, 3).
        colors: (point, 3).
        moving: (frame, height, width), 2 where a used frame shows a moving part, 1 elsewhere in it, 0 in other frames.
        through, agree, differ: (point,), counted up.
        labelled, as_part: (point,), counted up: used frames that see a surface there, and those that say it is a part.
    """
    height, width = depth.shape[1:]
    for t in range(camera_from_world.shape[0]):
        m = camera_from_world[t]
        for i in range(points.shape[0]):
            z = m[2, 0] * points[i, 0] + m[2, 1] * points[i, 1] + m[2, 2] * points[i, 2] + m[2, 3]
            if z < 0.05:
                continue
            x = m[0, 0] * points[i, 0] + m[0, 1] * points[i, 1] + m[0, 2] * points[i, 2] + m[0, 3]
            y = m[1, 0] * points[i, 0] + m[1, 1] * points[i, 1] + m[1, 2] * points[i, 2] + m[1, 3]
            u = math.floor(camera[0] * x / z + camera[2] + 0.5)
            v = math.floor(camera[1] * y / z + camera[3] + 0.5)
            if u < 0 or v < 0 or u >= width or v >= height or depth[t, v, u] <= 0.0:
                continue
            sigma = math.sqrt((noise[0] + noise[1] * z * z) ** 2 + sigma_of[i] ** 2)
            if np.isfinite(nearest[t, v, u]) and nearest[t, v, u] > z + 4.0 * sigma:
                through[i] += 1
            elif abs(depth[t, v, u] - z) < 3.0 * sigma:
                agree[i] += 1
                if moving[t, v, u]:
                    labelled[i] += 1
                    if moving[t, v, u] == 2:
                        as_part[i] += 1
                k = 0.0
                for c in range(3):
                    e = (np.float64(image[t, v, u, c]) - colors[i, c]) / noise[2 + c]
                    k = max(k, abs(e))
                if k > 4.0:
                    differ[i] += 1
