"""A truncated signed-distance grid of one rigid part, kept only near seen surface, averaged over any number of frames.

B. Curless and M. Levoy, "A volumetric method for building complex models from range images" (1996). Departures: only depth
pixels labelled as the part make surface, and any depth pixel, whatever its part, empties the space in front of it, which
erases what a few wrong labels leave behind. The distance is that to the plane of the pixel (E. Bylow et al., "Real-time
camera tracking and 3D reconstruction using signed distance functions", 2013): along the ray, a surface seen at a slant
would come out in steps. A frame counts by how exactly it measures along the surface's normal: the noise of depth cameras grows
with the square of the distance, and with the slant.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from numba import njit
from scipy import ndimage

from sim2art.errors import InvalidValueError

_MAX_GRID = 24_000_000  # Cells of the index grid; bounds memory to about 200 MB.
_NEAR = 0.02  # m
_HALF = 4  # Of the eight neighbours of a pixel.
_JUMP, _STEEPEST = 0.04, 0.25
"""Span of a pixel's neighbourhood, as a share of the depth, up to which it stays in any case, and beyond which in none."""
_BEND = 0.012
"""Largest second difference of inverse depth over a plane, as a share of it."""
_ALIKE = 0.01
"""Depths that differ by less than this share are the same."""
_WINDOW = 5
"""px a side, in which planes are fitted."""


@dataclass(frozen=True, kw_only=True)
class DepthFrame:
    """One frame, cleaned for fusion; parts and their places are told apart in `PartView`."""

    depths: Float32[np.ndarray, "height width"]
    """m; 0 where none was measured or the pixel straddles an edge."""
    normals: Float32[np.ndarray, "height width 3"]
    """Unit normals of the seen surface towards the camera, camera axes; 0 where there is none."""
    image: UInt8[np.ndarray, "height width 3"]
    """RGB."""
    sharpness: float = 1.0
    """How strong the image's edges are: low when it is blurred."""


@dataclass(frozen=True, kw_only=True)
class PartView:
    """A part as one frame shows it."""

    frame: DepthFrame
    on_part: Bool[np.ndarray, "height width"]
    """Pixels labelled as the part."""
    camera_from_rest: Float[np.ndarray, "4 4"]
    """Takes the part's rest-pose points to this frame's camera."""


@dataclass(frozen=True, kw_only=True)
class DistanceGrid:
    """Voxels near the surface with what was measured there."""

    origin: Float[np.ndarray, "3"]
    """Position of voxel (0, 0, 0), m."""
    voxel: float
    """Spacing, m."""
    coordinates: Int[np.ndarray, "voxel 3"]
    """Grid positions."""
    distances: Float[np.ndarray, "voxel"]
    """Mean signed distance over the truncation distance, -1..1, positive outside."""
    counts: Int[np.ndarray, "voxel"]
    """Number of frames that say something about the voxel."""


def make_frame(
    depths: Float[np.ndarray, "height width"],
    image: UInt8[np.ndarray, "height width 3"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> DepthFrame:
    """Take out flying pixels and find the normals of what is left; depth in m, intrinsics in px."""
    clean = without_edge_pixels(np.asarray(depths, dtype=np.float64))
    return DepthFrame(
        depths=clean.astype(np.float32),
        normals=find_normals(clean, intrinsics),
        image=image,
        sharpness=float(np.abs(ndimage.laplace(image.mean(axis=2))).mean()),
    )


def find_normals(
    depths: Float[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"]
) -> Float32[np.ndarray, "height width 3"]:
    """Unit normals towards the camera, from planes fitted to inverse depth in windows; 0 where depth is missing.

    Over the image of a plane inverse depth is linear: 1/z = a x + b y + c, so its normal is along (a fx, b fy, a cx + b cy + c).
    """
    seen = depths > 0
    inverse = np.where(seen, 1.0 / np.where(seen, depths, 1.0), 0.0)
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    offsets, box = offsets / (np.sum(offsets**2) * _WINDOW), np.ones(_WINDOW)
    slope_x = ndimage.correlate1d(ndimage.correlate1d(inverse, offsets, axis=1), box, axis=0)
    slope_y = ndimage.correlate1d(ndimage.correlate1d(inverse, offsets, axis=0), box, axis=1)
    whole = np.asarray(ndimage.minimum_filter(seen, size=_WINDOW, mode="constant", cval=False), dtype=bool)
    rows, columns = np.indices(depths.shape)
    # The plane through the pixel itself: its own inverse depth fixes c.
    beside = slope_x * (intrinsics[0, 2] - columns) + slope_y * (intrinsics[1, 2] - rows) + inverse
    normals = -np.stack([slope_x * intrinsics[0, 0], slope_y * intrinsics[1, 1], beside], axis=-1)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    usable = (whole & seen)[..., None] & (lengths > 0)
    return np.where(usable, normals / np.where(lengths > 0, lengths, 1.0), 0.0).astype(np.float32)


def place_voxels(
    points: Float[np.ndarray, "point 3"], voxel: float, margin: int
) -> tuple[Float[np.ndarray, "3"], Int[np.ndarray, "voxel 3"], int]:
    """Grid origin, the voxels within `margin` steps of any point, and how many hold a point.

    Raises:
        InvalidValueError: When the points span too many voxels of this size.
    """
    low = points.min(axis=0) - (margin + 1) * voxel
    cells = np.floor((points - low) / voxel + 0.5).astype(np.int64)
    shape = cells.max(axis=0) + margin + 2
    if np.prod(shape.astype(float)) > _MAX_GRID:
        raise InvalidValueError(f"Points span {shape} voxels of {voxel:.4g} m; use larger voxels.")
    occupied = np.zeros(shape, dtype=bool)
    occupied[tuple(cells.T)] = True
    near = ndimage.maximum_filter(occupied.view(np.uint8), size=2 * margin + 1)
    return low, np.argwhere(near), int(np.count_nonzero(occupied))


def fuse_views(
    views: Sequence[PartView],
    intrinsics: Float[np.ndarray, "3 3"],
    origin: Float[np.ndarray, "3"],
    coordinates: Int[np.ndarray, "voxel 3"],
    *,
    voxel: float,
    truncation: float,
) -> DistanceGrid:
    """Average all views at the given voxels; `truncation` (m) is how deep behind the surface a view still speaks."""
    centers = origin + coordinates * voxel
    total, weights = np.zeros(len(centers)), np.zeros(len(centers))
    counts = np.zeros(len(centers), dtype=np.int64)
    for view in views:
        _add_view(
            centers,
            np.ascontiguousarray(view.camera_from_rest[:3]),
            (intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2]),
            view.frame.depths,
            view.frame.normals,
            view.on_part,
            truncation,
            total,
            weights,
            counts,
        )
    return DistanceGrid(
        origin=origin,
        voxel=voxel,
        coordinates=coordinates,
        distances=total / np.where(weights > 0, weights, 1.0),
        counts=counts,
    )


@njit(cache=True, nogil=True)
def _add_view(centers, pose, camera, depths, normals, on_part, truncation, total, weights, counts):
    """What one frame says of each voxel, added to the sums."""
    fx, fy, cx, cy = camera
    height, width = depths.shape
    for i in range(centers.shape[0]):
        x0, y0, z0 = centers[i]
        z = pose[2, 0] * x0 + pose[2, 1] * y0 + pose[2, 2] * z0 + pose[2, 3]
        if z < _NEAR:
            continue
        x = pose[0, 0] * x0 + pose[0, 1] * y0 + pose[0, 2] * z0 + pose[0, 3]
        y = pose[1, 0] * x0 + pose[1, 1] * y0 + pose[1, 2] * z0 + pose[1, 3]
        column, row = int(np.floor(fx * x / z + cx + 0.5)), int(np.floor(fy * y / z + cy + 0.5))
        if column < 0 or column >= width or row < 0 or row >= height:
            continue
        depth = depths[row, column]
        if depth <= 0.0:
            continue
        gap = depth - z
        n0, n1, n2 = normals[row, column]
        ray = np.sqrt(((column - cx) / fx) ** 2 + ((row - cy) / fy) ** 2 + 1.0)
        slant = -(n0 * (column - cx) / fx + n1 * (row - cy) / fy + n2) / ray
        if slant < 0.05:  # No normal, or one that a camera cannot see: the distance along the ray, hardly trusted.
            distance, slant = gap, 0.05
        else:
            distance = n0 * (x - (column - cx) / fx * depth) + n1 * (y - (row - cy) / fy * depth) + n2 * (z - depth)
        if gap > truncation and distance > truncation:
            distance, slant = truncation, 0.7  # Empty, however the surface behind it stands.
        elif not (on_part[row, column] and abs(distance) <= truncation and abs(gap) <= 4 * truncation):
            continue
        weight = (slant / (z * z)) ** 2
        total[i] += weight * distance / truncation
        weights[i] += weight
        counts[i] += 1


def without_edge_pixels(
    depths: Float[np.ndarray, "height width"],
) -> Float[np.ndarray, "height width"]:
    """Depth (m; 0 for none) with flying pixels set to 0: those between two surfaces.

    A pixel stays when its 3x3 neighbourhood spans little depth; when half of its neighbours lie at its own depth, as they do
    on the border of a surface; or when it lies on a plane seen at a low angle: inverse depth is linear over the image of a
    plane, so its second differences vanish there and at all four neighbours.
    """
    measured = depths > 0
    high = ndimage.maximum_filter(depths, size=3)
    low = ndimage.minimum_filter(np.where(measured, depths, np.inf), size=3)
    span = np.asarray(high - low)
    inverse = np.where(measured, 1.0 / np.where(measured, depths, 1.0), np.nan)
    curved = np.stack([ndimage.convolve1d(inverse, [1.0, -2.0, 1.0], axis=axis) for axis in (0, 1)])
    with np.errstate(invalid="ignore"):
        flat = np.all(np.abs(curved) <= _BEND * inverse, axis=0)
    level = np.asarray(ndimage.binary_erosion(flat, structure=ndimage.generate_binary_structure(2, 1)))
    padded = np.pad(depths, 1)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    same = (around > 0) & (np.abs(around - depths[..., None, None]) < _ALIKE * depths[..., None, None])
    on_border = same.sum(axis=(2, 3)) > _HALF  # A pixel is like itself.
    stays = np.logical_or(span <= _JUMP * depths, on_border) | np.logical_and(level, span <= _STEEPEST * depths)
    return np.where(measured & stays, depths, 0.0)
