"""Corrupted depth maps, masks and camera poses, by the configs of `corruption.py`.

Per-pixel randomness comes from a counter-based hash: fast in the compiled loop, and the same on every machine.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32
from numba import njit

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform
from sim2art.simulate.corruption import DepthNoise, MaskNoise, PoseNoise
from sim2art.simulate.seeds import log_uniform, rounded

_EDGE = 0.03  # Relative depth step that makes an edge.
_GRID = 5  # Nodes a side of the low-frequency fields.


def corrupt_depths(
    depths: Float32[np.ndarray, "frame height width"], config: DepthNoise, rng: np.random.Generator, severity: float
) -> Float32[np.ndarray, "frame height width"]:
    """Depth maps (m) as a depth camera would give them; 0 where it measured nothing."""
    num_frames, height, width = depths.shape
    scale = log_uniform(rng, *config.scale) * rng.choice([-1.0, 1.0])
    flicker = log_uniform(rng, *config.flicker) * severity * rng.standard_normal(num_frames)
    tilt = log_uniform(rng, *config.tilt) * severity * rng.standard_normal((2, num_frames))
    warp = log_uniform(rng, *config.warp) * severity
    phase = np.linspace(0.0, 1.0, num_frames)[:, None, None]
    nodes = rng.standard_normal((4, 1, _GRID, _GRID))
    turn = rng.uniform(0.2, 2.0)
    # Most of a real warp stays put; the part that changes is what looks like motion.
    slow = nodes[0] + 0.6 * (nodes[1] * np.sin(turn * np.pi * phase) + nodes[2] * (1 - np.cos(turn * np.pi * phase)))
    # The tilt and the scale are as smooth as the warp: all are added at the nodes.
    place = np.linspace(-1.0, 1.0, _GRID)
    nodes_of_gain = warp * slow + tilt[0][:, None, None] * place + tilt[1][:, None, None] * place[:, None]
    nodes_of_gain += ((1.0 + scale) * (1.0 + flicker))[:, None, None]
    gains = np.empty((num_frames, height, width), dtype=np.float32)
    upsample(rounded(nodes_of_gain).astype(np.float32), gains)
    edge = log_uniform(rng, *config.edge)
    noisy = np.empty_like(depths)
    _distort(
        depths, gains, noisy,
        np.float32(log_uniform(rng, *config.noise) * severity), np.float32(log_uniform(rng, *config.noise_floor) * severity),
        np.float32(edge), int(rng.integers(1, 3)), int(rng.choice([2, 3, 4, 5])), np.float32(config.quantum),
        np.uint64(rng.integers(2**62)),
    )  # fmt: skip
    _punch_holes(noisy, log_uniform(rng, *config.holes), rng)
    return noisy


def corrupt_masks(
    masks: Bool[np.ndarray, "frame height width"],
    background: Bool[np.ndarray, "frame height width"],
    config: MaskNoise,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "frame height width"]:
    """Object masks that are too large or too small, with pieces missing or leaking into the background."""
    num_frames, _, width = masks.shape
    unit = width / 256
    base = rng.uniform(-config.shift, config.shift)
    shifts = np.rint(unit * (base + rng.normal(0.0, 0.6, num_frames))).astype(np.int64) * (config.shift > 0)
    changed = np.empty_like(masks)
    for frame in range(num_frames):
        _grow(masks[frame], shifts[frame], changed[frame])
    for share, region, value in ((config.leak_share, background, True), (config.hole_share, masks, False)):
        if rng.uniform() >= share:
            continue
        for _ in range(rng.integers(1, 4)):
            _paint_patch(changed, masks, region, rng, value=value)
    return changed


def corrupt_poses(
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    distance: float,
    config: PoseNoise,
    rng: np.random.Generator,
    severity: float,
) -> Float[np.ndarray, "frame 4 4"]:
    """Camera poses with drift and jitter; the first stays, since it defines the world.

    Args:
        world_from_camera: True poses.
        distance: Distance to the object, m; translation errors are shares of it.
        severity: Factor on all magnitudes.
    """
    if rng.uniform() < config.exact_share:
        return world_from_camera.copy()
    num_frames = len(world_from_camera)
    phase = np.linspace(0.0, 1.0, num_frames)[:, None]
    drift = log_uniform(rng, *config.drift) * severity * rng.standard_normal(6) * phase ** rng.uniform(0.7, 2.0)
    jitter = log_uniform(rng, *config.jitter) * severity * rng.standard_normal((num_frames, 6))
    error = drift + jitter
    error[0] = 0.0
    return rounded(world_from_camera @ make_transform(rotation_from_rotvec(error[:, 3:]), error[:, :3] * distance))


def _punch_holes(depths: Float32[np.ndarray, "frame height width"], share: float, rng: np.random.Generator) -> None:
    """Blobs without depth that stay for a few frames, about `share` of the image in all."""
    num_frames, height, width = depths.shape
    radius = 0.035 * width
    for _ in range(rng.poisson(share * num_frames * height * width / (np.pi * radius**2) / 4)):
        first, lasts = int(rng.integers(num_frames)), int(rng.integers(1, 8))
        center, size = rng.uniform(0, [width, height]), radius * rng.uniform(0.4, 1.6, 2)
        drift = rng.normal(0.0, 0.02 * width, 2)
        for frame in range(first, min(first + lasts, num_frames)):
            window, inside = _ellipse(center + drift * (frame - first), size, height, width)
            depths[frame][window][inside] = 0.0


def _paint_patch(
    changed: Bool[np.ndarray, "frame height width"],
    masks: Bool[np.ndarray, "frame height width"],
    region: Bool[np.ndarray, "frame height width"],
    rng: np.random.Generator,
    *,
    value: bool,
) -> None:
    """Set an ellipse at the mask's border to `value` for a run of frames, where it lies in `region`."""
    num_frames, height, width = masks.shape
    first = int(rng.integers(num_frames))
    last = min(num_frames, first + 1 + int(rng.integers(1, num_frames + 1)))
    place, size = rng.uniform(-1.15, 1.15, 2), rng.uniform(0.04, 0.14, 2)
    if value:  # A leak starts from the outline.
        place = place / max(np.abs(place).max(), 1e-6) * rng.uniform(0.8, 1.1)
    for frame in range(first, last):
        rows, columns = np.flatnonzero(masks[frame].any(axis=1)), np.flatnonzero(masks[frame].any(axis=0))
        if not len(rows):
            continue
        half = np.array([columns[-1] - columns[0], rows[-1] - rows[0]]) / 2 + 1.0
        center = np.array([columns[-1] + columns[0], rows[-1] + rows[0]]) / 2 + place * half
        window, inside = _ellipse(center, np.maximum(size * 2 * half.max(), 2.0), height, width)
        changed[frame][window][inside & region[frame][window]] = value


def _ellipse(
    center: Float[np.ndarray, "2"], radii: Float[np.ndarray, "2"], height: int, width: int
) -> tuple[tuple[slice, slice], Bool[np.ndarray, "rows columns"]]:
    """The window of an image that holds an upright ellipse (x, y; px), and the window's pixels inside; it may be empty."""
    (x, y), (across, down) = center, radii
    top, bottom = max(0, int(y - down)), min(height, int(y + down) + 1)
    left, right = max(0, int(x - across)), min(width, int(x + across) + 1)
    bottom, right = max(top, bottom), max(left, right)
    rows, columns = np.ogrid[top:bottom, left:right]
    inside = ((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 <= 1.0
    return (slice(top, bottom), slice(left, right)), inside


@njit(cache=True, nogil=True)
def upsample(nodes, image):
    """Spread nodes (frame row column) over images, smoothly between the nodes."""
    num_frames, height, width = image.shape
    rows, columns = nodes.shape[1:]
    low = np.empty(width, dtype=np.int64)
    share = np.empty(width, dtype=np.float32)
    for x in range(width):
        place = x * (columns - 1) / (width - 1)
        low[x] = min(int(place), columns - 2)
        u = place - low[x]
        share[x] = u * u * (3 - 2 * u)
    line = np.empty(columns, dtype=np.float32)
    for t in range(num_frames):
        for y in range(height):
            place = y * (rows - 1) / (height - 1)
            row = min(int(place), rows - 2)
            v = place - row
            v = np.float32(v * v * (3 - 2 * v))
            for k in range(columns):
                line[k] = nodes[t, row, k] + v * (nodes[t, row + 1, k] - nodes[t, row, k])
            for x in range(width):
                image[t, y, x] = line[low[x]] + share[x] * (line[low[x] + 1] - line[low[x]])


@njit(cache=True, nogil=True, inline="always")
def _hash(seed, index):
    x = seed + np.uint64(index) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _distort(depths, gains, noisy, noise, floor, edge, reach, block, quantum, seed):
    num_frames, height, width = depths.shape
    low16 = np.uint64(0xFFFF)
    unit16 = np.float32(1.0 / 65536.0)
    for t in range(num_frames):
        for y in range(height):
            for x in range(width):
                z = depths[t, y, x]
                if z == 0:
                    noisy[t, y, x] = 0.0
                    continue
                index = (t * height + y) * width + x
                lowest, highest, bend = z, z, np.float32(0.0)
                for axis in range(2):
                    ya, xa = (y - reach, x) if axis else (y, x - reach)
                    yb, xb = (y + reach, x) if axis else (y, x + reach)
                    if ya < 0 or xa < 0 or yb >= height or xb >= width:
                        continue
                    before, after = depths[t, ya, xa], depths[t, yb, xb]
                    if before > 0 and after > 0:
                        # The second difference: a floor seen at a grazing angle is steep, but no edge.
                        bend = max(bend, abs(before + after - 2 * z))
                        lowest, highest = min(lowest, before, after), max(highest, before, after)
                if bend > np.float32(_EDGE) * lowest:
                    bits = _hash(seed ^ np.uint64(0x5851F42D4C957F2D), index)
                    draw = np.float32(bits & low16) * unit16
                    share = np.float32((bits >> np.uint64(16)) & low16) * unit16
                    if draw < 0.3 * edge:
                        z = np.float32(0.0)
                    elif draw < 0.6 * edge:
                        z = lowest + share * (highest - lowest)
                    elif draw < edge:
                        z = lowest if highest - z < z - lowest else highest
                if z == 0:
                    noisy[t, y, x] = 0.0
                    continue
                # The sum of four uniform numbers is close enough to a normal one. Blocks make the noise correlated.
                bits = _hash(seed, (t * height + y // block) * width + x // block)
                total = (
                    np.float32(bits & low16)
                    + np.float32((bits >> np.uint64(16)) & low16)
                    + np.float32((bits >> np.uint64(32)) & low16)
                    + np.float32(bits >> np.uint64(48))
                )
                normal = (total * unit16 - np.float32(2.0)) * np.float32(1.7320508)
                z = z * gains[t, y, x] + normal * (noise * z * z + floor)
                if quantum > 0:
                    z = np.rint(z / quantum) * quantum
                noisy[t, y, x] = max(np.float32(0.0), z)


@njit(cache=True, nogil=True)
def _grow(mask, shift, result):
    """Dilate by a square of half side `shift`, or erode when it is negative."""
    height, width = mask.shape
    wanted = shift > 0
    reach = abs(shift)
    between = mask.copy()
    for y in range(height):
        for x in range(width):
            if mask[y, x] != wanted:
                for k in range(max(0, x - reach), min(width, x + reach + 1)):
                    if mask[y, k] == wanted:
                        between[y, x] = wanted
                        break
    for y in range(height):
        for x in range(width):
            result[y, x] = between[y, x]
            if between[y, x] != wanted:
                for k in range(max(0, y - reach), min(height, y + reach + 1)):
                    if between[k, x] == wanted:
                        result[y, x] = wanted
                        break
