"""One mesh per part from labelled RGB-D frames: every frame's depth, taken back to the rest pose, fused, cleaned, textured.

Sides that no frame showed stay open: nothing is invented. The one exception is a part with too few pixels for a
surface: it becomes the convex hull of its points, and that is reported.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate, part_name
from sim2art.errors import InvalidValueError
from sim2art.export.base_crop import object_points
from sim2art.export.fusion import DistanceGrid, PartView, fuse_views, make_frame, place_voxels
from sim2art.export.mesh_cleaning import hull_of_points, smoothed, without_small_pieces
from sim2art.export.surface_nets import extract_surface
from sim2art.export.texture import paint
from sim2art.geometry.cameras import unproject
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.rgbd_video import RgbdVideo

_MOST_POINTS = 600_000
"""Of a part, of all frames together."""


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """How depth becomes meshes."""

    max_faces: int = 60_000
    """A part with more is fused again with larger voxels."""
    min_voxel: float = 0.002
    """Smallest voxel, m (or the video's unit)."""
    voxel_pixels: float = 1.5
    """Voxel size in pixels at the part's median depth."""
    voxel_depth: float = 0.004
    """Voxel size as a share of the depth: depth noise grows with it."""
    truncation_voxels: int = 3
    """Depth behind the surface that a view still speaks about, in voxels."""
    min_points: int = 200
    """A part with fewer labelled depth pixels gets a hull."""
    min_piece: int = 30
    """Pieces of fewer faces are dropped; a knob has more."""
    keep_room: bool = False
    """Whether the base keeps floor and walls beyond the object, see `base_crop`."""
    smoothing_rounds: int = 6
    """Rounds of Taubin smoothing: takes sensor noise, keeps the size."""


def fuse_part_meshes(
    video: RgbdVideo,
    labels: UInt8[np.ndarray, "frame height width"],
    estimate: ArticulationEstimate,
    *,
    config: FusionConfig | None = None,
    on_warning: Callable[[str], None] | None = None,
) -> list[TriangleMesh | None]:
    """One coloured mesh per part in the rest pose (frame 0), world frame; None where a part shows no points.

    Args:
        video: The frames that the estimate's trajectory speaks of.
        labels: Part index of each pixel, 255 where no known part is seen.
        estimate: Joints and their values in every frame.
        config: Sizes, and whether the room is kept.
        on_warning: Called with a sentence about each part that got a hull or nothing.
    """
    if labels.shape != video.depths.shape or len(estimate.trajectory.times) != len(video.times):
        raise InvalidValueError(
            f"Labels {labels.shape}, depths {video.depths.shape} and a trajectory of {len(estimate.trajectory.times)} "
            "frames do not belong together; give all three for the same frames and size."
        )
    config = FusionConfig() if config is None else config
    camera_from_rest = inverse(video.world_from_camera)[:, None] @ part_motions(estimate)
    images = zip(video.depths, video.images, strict=True)
    frames = [make_frame(depths, image, video.intrinsics) for depths, image in images]
    views = [
        [
            PartView(frame=seen, on_part=labels[frame] == part, camera_from_rest=camera_from_rest[frame, part])
            for frame, seen in enumerate(frames)
        ]
        for part in range(camera_from_rest.shape[1])
    ]
    found = [rest_points(part, video.intrinsics) for part in views]
    if not config.keep_room and len(views) > 1:
        found[0] = _object_alone(found, camera_from_rest)
    meshes: list[TriangleMesh | None] = []
    for part in range(len(views)):
        mesh, trouble = fuse_part(views[part], found[part], video.intrinsics, config)
        meshes.append(mesh)
        if trouble is not None and on_warning is not None:
            on_warning(f"{part_name(part)}: {trouble}")
    return meshes


def fuse_part(
    views: Sequence[PartView], seen: "PartPoints", intrinsics: Float[np.ndarray, "3 3"], config: FusionConfig
) -> tuple[TriangleMesh | None, str | None]:
    """The mesh of one part in its rest pose, and a sentence when it is a hull or missing."""
    if len(seen.positions) < config.min_points:
        return hull_of_points(seen.positions, seen.colors)
    points = _without_far_points(seen.positions)
    voxel = max(config.min_voxel, seen.depth * max(config.voxel_pixels / intrinsics[0, 0], config.voxel_depth))
    for _ in range(8):
        try:
            origin, coordinates, occupied = place_voxels(points, voxel, config.truncation_voxels)
        except InvalidValueError:
            voxel *= 1.4
            continue
        if occupied > config.max_faces:  # A surface crosses about as many voxels as half its faces, noise doubles it.
            voxel *= 1.05 * np.sqrt(occupied / config.max_faces)
            continue
        truncation = config.truncation_voxels * voxel
        grid = fuse_views(views, intrinsics, origin, coordinates, voxel=voxel, truncation=truncation)
        mesh = _mesh_from_grid(grid, config, min_count=2 if len(views) >= 8 else 1)
        if len(mesh.faces) > config.max_faces:
            voxel *= 1.05 * np.sqrt(len(mesh.faces) / config.max_faces)
            continue
        if len(mesh.faces) < 20:
            break
        return paint(mesh, views, intrinsics), None
    return hull_of_points(seen.positions, seen.colors)


@dataclass(frozen=True, kw_only=True)
class PartPoints:
    """Depth pixels of a part in its rest pose."""

    positions: Float[np.ndarray, "point 3"]
    """m."""
    colors: UInt8[np.ndarray, "point 3"]
    """RGB."""
    depth: float
    """Median distance from the camera, m; 0 without points."""


def rest_points(views: Sequence[PartView], intrinsics: np.ndarray) -> PartPoints:
    """The part's depth pixels of all frames, thinned out evenly where there are very many."""
    points, colors, depths = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.uint8)], [np.zeros(0)]
    per_frame = _MOST_POINTS // max(1, len(views))
    for view in views:
        rows, columns = np.nonzero(view.on_part & (view.frame.depths > 0))
        stride = 1 + len(rows) // per_frame
        rows, columns = rows[::stride], columns[::stride]
        depth = view.frame.depths[rows, columns].astype(np.float64)
        points_camera = unproject(intrinsics, np.stack([columns, rows], axis=1).astype(np.float64), depth)
        points.append(apply(inverse(view.camera_from_rest), points_camera))
        colors.append(view.frame.image[rows, columns])
        depths.append(depth)
    all_depths = np.concatenate(depths)
    return PartPoints(
        positions=np.concatenate(points),
        colors=np.concatenate(colors),
        depth=float(np.median(all_depths)) if len(all_depths) else 0.0,
    )


def _object_alone(found: Sequence[PartPoints], camera_from_rest: Float[np.ndarray, "frame part 4 4"]) -> PartPoints:
    """The base's points without floor and walls beyond the object; all where nothing moves."""
    places = [np.zeros((0, 3))]
    for part, seen in enumerate(found[1:], start=1):
        if len(seen.positions) == 0:
            continue
        few = _without_far_points(seen.positions)[:: 1 + len(seen.positions) // 400]
        for poses in camera_from_rest[:: 1 + len(camera_from_rest) // 12]:
            places.append(apply(inverse(poses[0]) @ poses[part], few))
    base, eyes = found[0], inverse(camera_from_rest[:, 0])[:, :3, 3]
    kept = object_points(base.positions, np.concatenate(places), list(eyes))
    return PartPoints(positions=base.positions[kept], colors=base.colors[kept], depth=base.depth)


def _without_far_points(points: np.ndarray) -> np.ndarray:
    """Points near the 0.5..99.5 % box: a few stray depths must not blow up the grid.

    The slack is half the box's longest side on every side, so that the few points that show the inside of a drawer stay.
    """
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    slack = 0.5 * float(np.max(high - low))
    return points[np.all((points >= low - slack) & (points <= high + slack), axis=1)]


def _mesh_from_grid(grid: DistanceGrid, config: FusionConfig, *, min_count: int) -> TriangleMesh:
    """Extract, drop small pieces and smooth."""
    sure = grid.counts >= min_count
    vertices, faces = extract_surface(grid.coordinates[sure], grid.distances[sure])
    vertices, faces = without_small_pieces(vertices, faces, config.min_piece)
    if len(faces):
        vertices = smoothed(vertices, faces, config.smoothing_rounds)
    return TriangleMesh(vertices=grid.origin + vertices * grid.voxel, faces=faces)
