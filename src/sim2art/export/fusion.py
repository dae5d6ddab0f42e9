"""A truncated signed-distance grid of one rigid part, kept only near seen surface, averaged over frames.

B. Curless and M. Levoy, "A volumetric method for building complex models from range images" (1996). Two departures:
only depth pixels labelled as the part make surface, and any depth pixel, whatever its part, empties the space in front
of it. The second erases what a few wrong labels leave behind.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply

_MAX_GRID = 24_000_000  # Cells of the index grid; bounds memory to about 200 MB.


@dataclass(frozen=True, kw_only=True)
class DepthView:
    """One frame, cleaned for fusion, with the part's rest pose seen from the camera."""

    depths: Float[np.ndarray, "height width"]
    """m; 0 where none was measured or the pixel straddles an edge."""
    image: UInt8[np.ndarray, "height width 3"]
    """RGB."""
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
    weights: Float[np.ndarray, "voxel"]
    """Number of frames that say something about the voxel."""
    colors: Float[np.ndarray, "voxel 3"]
    """Mean RGB of the surface near it, 0..255; NaN where none."""


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
    views: list[DepthView],
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
    color_total, color_weights = np.zeros((len(centers), 3)), np.zeros(len(centers))
    for view in views:
        height, width = view.depths.shape
        points = apply(view.camera_from_rest, centers)
        ahead = np.flatnonzero(points[:, 2] > 0.02)
        columns, rows = np.round(project(intrinsics, points[ahead])).astype(np.int64).T
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        ahead, columns, rows = ahead[inside], columns[inside], rows[inside]
        depths = view.depths[rows, columns]
        gap = depths - points[ahead, 2]
        near_surface = (depths > 0) & (np.abs(gap) <= truncation) & view.on_part[rows, columns]
        empty = (depths > 0) & (gap > truncation)
        told = near_surface | empty
        total[ahead[told]] += np.minimum(gap[told] / truncation, 1.0)
        weights[ahead[told]] += 1.0
        closeness = 1.0 - np.abs(gap[near_surface]) / truncation + 1e-3
        color_total[ahead[near_surface]] += closeness[:, None] * view.image[
            rows[near_surface], columns[near_surface]
        ].astype(float)
        color_weights[ahead[near_surface]] += closeness
    with np.errstate(invalid="ignore"):
        colors = color_total / np.where(color_weights > 0, color_weights, np.nan)[:, None]
    return DistanceGrid(
        origin=origin,
        voxel=voxel,
        coordinates=coordinates,
        distances=total / np.maximum(weights, 1.0),
        weights=weights,
        colors=colors,
    )


def without_edge_pixels(
    depths: Float[np.ndarray, "height width"], *, jump: float = 0.04, steepest: float = 0.25, bend: float = 0.012
) -> Float[np.ndarray, "height width"]:
    """Depth with flying pixels set to 0: those between two surfaces.

    A pixel stays when its 3x3 neighbourhood spans little depth, or when it lies on a plane seen at a low angle: inverse
    depth is linear over the image of a plane, so its second differences vanish there and at all four neighbours.

    Args:
        depths: m; 0 for none.
        jump: Span of the neighbourhood, as a share of the depth, up to which a pixel stays in any case.
        steepest: Span beyond which none stays.
        bend: Largest second difference of inverse depth, as a share of it.
    """
    measured = depths > 0
    high = ndimage.maximum_filter(depths, size=3)
    low = ndimage.minimum_filter(np.where(measured, depths, np.inf), size=3)
    span = np.asarray(high - low)
    inverse = np.where(measured, 1.0 / np.where(measured, depths, 1.0), np.nan)
    curved = np.stack([ndimage.convolve1d(inverse, [1.0, -2.0, 1.0], axis=axis) for axis in (0, 1)])
    with np.errstate(invalid="ignore"):
        flat = np.all(np.abs(curved) <= bend * inverse, axis=0)
    level = np.asarray(ndimage.binary_erosion(flat, structure=ndimage.generate_binary_structure(2, 1)))
    stays = np.logical_or(span <= jump * depths, np.logical_and(level, span <= steepest * depths))
    return np.where(measured & stays, depths, 0.0)
