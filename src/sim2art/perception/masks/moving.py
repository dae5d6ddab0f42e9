"""Which pixels move, seen from flow and from depth, and the box around them that the crop is made of.

Two kinds of evidence. Flow: the lifted displacement stands far above the noise of what is still, at several baselines.
Depth: the camera looks through the place where the surface was (only "further away" counts: nearer may be an occluder).
The second also sees panels without texture, and what is too thin for flow: a lever or the arm of a pair of glasses.
"""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from scipy import sparse
from scipy.spatial import KDTree

from sim2art.geometry.cameras import project, unproject
from sim2art.geometry.transforms import apply, inverse
from sim2art.perception.depth.filter import find_depth_edges, read_depth_between
from sim2art.perception.flow.lifted_flow import PixelFlow

_STRIDE = 2
_MIN_PIXEL_MOTION = 1.2
"""px that a moving pixel must move more than the camera explains."""
_EDGE = 7
"""px: width of the band along depth edges in which flow says nothing."""
_NOISE_FACTOR = 4.0
_NEAR = 0.3
"""m; beyond it the errors of depth, as shares of it, grow with depth."""
_MIN_SHARE = 0.006
"""Smallest displacement that counts, as a share of depth (6 mm at 1 m)."""
_REACH = 1
"""px by which a place may be missed in another frame: poses and edges err by about a pixel."""
_SOLID = 3
"""Neighbours of 8 that lie at a pixel's own depth if it shows a surface, and no mixture of two at an edge."""
_SOLID_SHARE = 0.01
"""Depths that differ by less than this share are the same."""
_QUARTER = 0.3186
"""Sigmas within which a quarter of all readings lie."""
_THROUGH_SIGMAS = 6.0
_THROUGH_SHARE = 0.01
"""The background must lie so many sigmas of the depth of two frames, and this share of it, behind where the surface was."""
_DEPTH_BASELINES = (-7, -3, 3, 7)
_BOX_PERCENTILES = (2.0, 98.0)
_CELL_SHARE = 0.03
"""Side of the cells in which moving points are clustered, as a share of their distance."""
_CLUSTER_SHARE = 0.12
"""Clusters with less than this share of the largest one's moving area are left out."""


@dataclass(frozen=True, kw_only=True)
class Box:
    """An axis-aligned box in the world frame."""

    low: Float[np.ndarray, "3"]
    """m."""
    high: Float[np.ndarray, "3"]
    """m."""

    def expanded(self, factor: float, *, margin_share: float = 0.15) -> "Box":
        """The box grown by a factor about its centre, and on thin sides by a share of its longest half side."""
        center, half = 0.5 * (self.low + self.high), 0.5 * (self.high - self.low)
        grown = np.maximum(half * factor, half + margin_share * half.max())
        return Box(low=center - grown, high=center + grown)

    def contains(self, points: Float[np.ndarray, "*batch 3"]) -> Bool[np.ndarray, "*batch"]:
        """Whether points lie inside."""
        return np.all((points >= self.low) & (points <= self.high), axis=-1)


def find_moving(
    depths: Float32[np.ndarray, "frame height width"],
    flows: dict[tuple[int, int], PixelFlow],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame half_height half_width"]:
    """Moving pixels, on every second row and column."""
    num_frames, height, width = depths.shape
    y, x = np.mgrid[0:height:_STRIDE, 0:width:_STRIDE]
    pixels = np.stack([x, y], axis=-1).astype(np.float64)
    partners = sorted({b - a for a, b in flows})
    moving = np.zeros((num_frames, *y.shape), dtype=bool)
    for a in range(num_frames):
        depth = depths[a, ::_STRIDE, ::_STRIDE].astype(np.float64)
        points = apply(world_from_camera[a], unproject(intrinsics, pixels, depth).reshape(-1, 3)).reshape(*y.shape, 3)
        # Flow bleeds over depth edges by half a patch, and poses off by little see past them.
        near_edge = cv2.dilate(find_depth_edges(depths[a]).astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8)) > 0
        clear = (depth > 0) & ~near_edge[::_STRIDE, ::_STRIDE]
        votes, seen = np.zeros(y.shape, int), np.zeros(y.shape, int)
        for step in partners:
            if (a, a + step) in flows:
                moved, known = _moves_by_flow(
                    flows[a, a + step], pixels, points, depth, depths[a + step], intrinsics, world_from_camera[a + step]
                )
                votes += moved & known & clear
                seen += known & clear
        by_flow = (votes >= 2) & (votes >= 0.5 * seen)
        solid = _is_solid(depths[a])[::_STRIDE, ::_STRIDE]
        through = np.zeros(y.shape, dtype=bool)
        for step in _DEPTH_BASELINES:
            if 0 <= a + step < num_frames:
                through |= solid & _sees_through(points, depths[a + step], intrinsics, world_from_camera[a + step])
        moving[a] = _join(keep_regions(by_flow | through), through)
    return moving


def find_known(
    flows: dict[tuple[int, int], PixelFlow], moving: Bool[np.ndarray, "frame half_height half_width"]
) -> Bool[np.ndarray, "frame half_height half_width"]:
    """Pixels of which it is known whether they move: flow of two pairs of frames tells, or they do (`find_moving`)."""
    told = np.zeros(moving.shape, dtype=int)
    for (frame, _), pair in flows.items():
        told[frame] += pair.confident[::_STRIDE, ::_STRIDE]
    return moving | (told >= 2)


def moving_box(
    moving: Bool[np.ndarray, "frame half_height half_width"],
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Box | None:
    """Box around what moves (world frame, m; outliers left out), or None when no motion is seen."""
    showing = np.flatnonzero(moving.any(axis=(1, 2)))
    if len(showing) < min(2, len(moving)):
        return None
    points, frames, areas = [], [], []
    for frame in showing:
        y, x = np.nonzero(moving[frame])
        pixels = np.stack([x, y], axis=1).astype(np.float64) * _STRIDE
        depth = depths[frame, y * _STRIDE, x * _STRIDE].astype(np.float64)
        points.append(apply(world_from_camera[frame], unproject(intrinsics, pixels, depth)))
        frames.append(np.full(len(points[-1]), frame))
        # What comes near the camera, such as an arm, fills pixels and not space.
        areas.append(depth**2)
    cloud, area = np.concatenate(points), np.concatenate(areas)
    kept = _in_large_clusters(cloud, np.concatenate(frames), area)
    if not kept.any():
        return None
    low, high = np.percentile(cloud[kept], _BOX_PERCENTILES, axis=0, weights=area[kept], method="inverted_cdf")
    return Box(low=low, high=high)


def _in_large_clusters(
    points: Float[np.ndarray, "point 3"], frames: Int[np.ndarray, "point"], areas: Float[np.ndarray, "point"]
) -> Bool[np.ndarray, "point"]:
    """Points of the clusters that hold most of the area in motion; repeated texture far away moves now and then, in specks."""
    distances = np.linalg.norm(points, axis=1)
    cell = _CELL_SHARE * float(np.percentile(distances, 50.0, weights=areas, method="inverted_cdf"))
    index = np.floor((points - points.min(axis=0)) / max(cell, 1e-6)).astype(np.int64)
    cells, cell_of = np.unique(index, axis=0, return_inverse=True)
    cell_of = cell_of.ravel()
    # A cell counts as long as it moves in more than one frame.
    pairs = np.unique(np.stack([cell_of, frames], axis=1), axis=0)
    lasting = np.bincount(pairs[:, 0], minlength=len(cells)) >= 2
    used = np.flatnonzero(lasting & (np.bincount(cell_of, minlength=len(cells)) >= 3))
    mass = np.bincount(cell_of, weights=areas, minlength=len(cells))
    if len(used) == 0:
        return np.zeros(len(points), dtype=bool)
    links = KDTree(cells[used]).query_pairs(1.9, output_type="ndarray")
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(used), len(used)))
    _, cluster = sparse.csgraph.connected_components(graph, directed=False)
    cluster_mass = np.bincount(cluster, weights=mass[used])
    keep = np.zeros(len(cells), dtype=bool)
    keep[used] = cluster_mass[cluster] >= _CLUSTER_SHARE * cluster_mass.max()
    return keep[cell_of]


def box_masks(
    box: Box,
    depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame height width"]:
    """Pixels whose 3D point lies in the box."""
    height, width = depths.shape[1:]
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    masks = np.zeros(depths.shape, dtype=bool)
    for frame, depth in enumerate(depths):
        points = apply(world_from_camera[frame], unproject(intrinsics, pixels, depth.astype(np.float64)).reshape(-1, 3))
        masks[frame] = box.contains(points).reshape(height, width) & (depth > 0)
    return masks


def _moves_by_flow(
    pair: PixelFlow, pixels: np.ndarray, points: np.ndarray, depth: np.ndarray,
    other_depth: np.ndarray, intrinsics: np.ndarray, world_from_other: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    flow = pair.flow[::_STRIDE, ::_STRIDE].astype(np.float64)
    targets = pixels + flow
    reached, one_surface = read_depth_between(other_depth, targets[..., 0], targets[..., 1])
    landed = apply(world_from_other, unproject(intrinsics, targets, reached.astype(np.float64)).reshape(-1, 3)).reshape(
        points.shape
    )
    known = pair.confident[::_STRIDE, ::_STRIDE] & one_surface & (depth > 0)
    if not known.any():
        return np.zeros_like(known), known
    distance = np.linalg.norm(landed - points, axis=-1)
    share = distance / np.maximum(depth, 1e-6)
    # The moving part may be the greater part, so what is still is sought among the smallest displacements.
    noise = float(np.quantile((share / np.maximum(depth, _NEAR))[known], 0.25))
    still = project(intrinsics, apply(inverse(world_from_other), points.reshape(-1, 3))).reshape(targets.shape)
    slid = np.linalg.norm(targets - still, axis=-1)
    limit = np.maximum(_MIN_SHARE, _NOISE_FACTOR * noise * np.maximum(depth, _NEAR))
    return (share > limit) & (slid > _MIN_PIXEL_MOTION) & pair.beats_still[::_STRIDE, ::_STRIDE], known


def _is_solid(depth: Float32[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels that have neighbours at their own depth. Where two surfaces meet a camera reads depths between them."""
    alike = np.zeros(depth.shape, dtype=int)
    for down, right in itertools.product((-1, 0, 1), repeat=2):
        other = np.roll(depth, (down, right), axis=(0, 1))
        alike += (other > 0) & (np.abs(other - depth) < _SOLID_SHARE * depth)
    return alike > _SOLID  # A pixel is like itself.


def _sees_through(
    points: np.ndarray, other_depth: np.ndarray, intrinsics: np.ndarray, world_from_other: np.ndarray
) -> np.ndarray:
    """Points of a frame (height, width, 3) that another frame sees through: all that it shows around there lies behind.

    A part as narrow as an edge is told from a place that is missed by a pixel, as no surface is left beside it.
    """
    there = apply(inverse(world_from_other), points.reshape(-1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        at = np.nan_to_num(project(intrinsics, there), nan=-1.0, posinf=-1.0, neginf=-1.0)
    x, y = np.rint(np.clip(at, -1, 1e6)).astype(int).T
    height, width = other_depth.shape
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height) & (there[:, 2] > 0.05)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    nearest = cv2.erode(other_depth, np.ones((2 * _REACH + 1, 2 * _REACH + 1), np.uint8))[y, x]  # 0 beside a hole.
    ratio = other_depth[y, x] / np.maximum(there[:, 2], 1e-6)
    told = inside & (ratio > 0)
    if not told.any():
        return np.zeros(points.shape[:2], dtype=bool)
    # Shares of depth are off the more, the farther. The moving part may be the greater part, so how far they scatter is
    # told by the quarter that differs least.
    reached = np.maximum(there[:, 2], _NEAR)
    scatter = float(np.quantile((np.abs(ratio - 1.0) / reached)[told], 0.25)) / _QUARTER
    margin = np.maximum(_THROUGH_SIGMAS * scatter * reached, _THROUGH_SHARE)
    return (inside & (nearest > (1.0 + margin) * there[:, 2])).reshape(points.shape[:2])


def _join(
    regions: Bool[np.ndarray, "height width"], sure: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Regions and what is surely there, thin as it may be, without specks."""
    return large_regions(regions | sure, _least_area(regions))


def keep_regions(evidence: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Pixels of connected regions that are more than specks."""
    opened = cv2.morphologyEx(evidence.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return large_regions(opened > 0, _least_area(opened))


def large_regions(mask: Bool[np.ndarray, "height width"], least_area: float) -> Bool[np.ndarray, "height width"]:
    """Pixels of connected regions of at least so many pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_area
    keep[0] = False
    return keep[labels.astype(np.int64)]


def _least_area(image: np.ndarray) -> int:
    """Pixels of a region that is more than a speck."""
    return max(12, image.size // 4000)
