"""One mesh per part from a labelled RGB-D video: every frame's depth, taken back to the rest pose, fused, cleaned.

Sides that no frame showed stay open: nothing is invented. The one exception is a part with too few pixels for a
surface: it becomes the convex hull of its points, and that is reported.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from scipy import sparse
from scipy.spatial import ConvexHull, KDTree, QhullError

from sim2art.articulation.assembly import part_motions
from sim2art.articulation.estimate import ArticulationEstimate, part_name
from sim2art.errors import InvalidValueError
from sim2art.export.fusion import DepthView, DistanceGrid, fuse_views, place_voxels, without_edge_pixels
from sim2art.export.surface_nets import extract_surface
from sim2art.geometry.cameras import unproject
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.rgbd_video import RgbdVideo


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
    min_component: float = 0.02
    """Pieces with a smaller share of the largest piece's faces are dropped."""
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
        config: Sizes and thresholds.
        on_warning: Called with a sentence about each part that got a hull or nothing.
    """
    config = FusionConfig() if config is None else config
    num_parts = len(estimate.joints) + 1
    if labels.shape != video.depths.shape or len(estimate.trajectory.times) != len(video.times):
        raise InvalidValueError(
            f"Labels {labels.shape}, depths {video.depths.shape} and a trajectory of {len(estimate.trajectory.times)} "
            "frames do not belong together; give all three for the same frames and size."
        )
    world_from_rest = part_motions(estimate)
    camera_from_world = inverse(video.world_from_camera)
    depths = [without_edge_pixels(np.asarray(depth, dtype=np.float64)) for depth in video.depths]
    meshes: list[TriangleMesh | None] = []
    for part in range(num_parts):
        views = [
            DepthView(
                depths=depths[frame],
                image=video.images[frame],
                on_part=labels[frame] == part,
                camera_from_rest=camera_from_world[frame] @ world_from_rest[frame, part],
            )
            for frame in range(len(video.times))
        ]
        mesh, trouble = fuse_part(views, video.intrinsics, config)
        meshes.append(mesh)
        if trouble is not None and on_warning is not None:
            on_warning(f"{part_name(part)}: {trouble}")
    return meshes


def fuse_part(
    views: list[DepthView], intrinsics: Float[np.ndarray, "3 3"], config: FusionConfig
) -> tuple[TriangleMesh | None, str | None]:
    """The mesh of one part in its rest pose, and a sentence when it is a hull or missing."""
    points, colors, depth = _rest_points(views, intrinsics)
    if len(points) < config.min_points:
        return _hull_of_points(points, colors)
    points = _without_far_points(points)
    voxel = max(config.min_voxel, depth * max(config.voxel_pixels / intrinsics[0, 0], config.voxel_depth))
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
        mesh = _mesh_from_grid(grid, config, min_weight=2.0 if len(views) >= 8 else 1.0)
        if len(mesh.faces) > config.max_faces:
            voxel *= 1.05 * np.sqrt(len(mesh.faces) / config.max_faces)
            continue
        if len(mesh.faces) < 20:
            break
        return mesh, None
    return _hull_of_points(points, colors)


def _rest_points(
    views: list[DepthView], intrinsics: np.ndarray, *, per_frame: int = 60_000
) -> tuple[np.ndarray, np.ndarray, float]:
    """The part's depth pixels of all frames in its rest pose, their colours, and their median depth (m)."""
    points, colors, depths = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.uint8)], [np.zeros(0)]
    for view in views:
        rows, columns = np.nonzero(view.on_part & (view.depths > 0))
        stride = 1 + len(rows) // per_frame
        rows, columns = rows[::stride], columns[::stride]
        depth = view.depths[rows, columns]
        points_camera = unproject(intrinsics, np.stack([columns, rows], axis=1).astype(np.float64), depth)
        points.append(apply(inverse(view.camera_from_rest), points_camera))
        colors.append(view.image[rows, columns])
        depths.append(depth)
    all_depths = np.concatenate(depths)
    return np.concatenate(points), np.concatenate(colors), float(np.median(all_depths)) if len(all_depths) else 0.0


def _without_far_points(points: np.ndarray) -> np.ndarray:
    """Points near the 0.5..99.5 % box: a few stray depths must not blow up the grid.

    The slack is half the box's longest side on every side, so that the few points that show the inside of a drawer stay.
    """
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    slack = 0.5 * float(np.max(high - low))
    return points[np.all((points >= low - slack) & (points <= high + slack), axis=1)]


def _mesh_from_grid(grid: DistanceGrid, config: FusionConfig, *, min_weight: float) -> TriangleMesh:
    """Extract, drop small pieces, smooth and colour."""
    sure = grid.weights >= min_weight
    vertices, faces = extract_surface(grid.coordinates[sure], grid.distances[sure])
    vertices, faces = _without_small_pieces(vertices, faces, config.min_component)
    if len(faces) == 0:
        return TriangleMesh(vertices=vertices, faces=faces, colors=np.zeros((0, 3), dtype=np.uint8))
    vertices = _smoothed(vertices, faces, config.smoothing_rounds)
    colored = np.isfinite(grid.colors[:, 0])
    _, nearest = KDTree(grid.coordinates[colored]).query(vertices, k=4)
    vertex_colors = grid.colors[colored][nearest].mean(axis=1)
    face_colors = np.clip(np.round(vertex_colors[faces].mean(axis=1)), 0, 255).astype(np.uint8)
    return TriangleMesh(vertices=grid.origin + vertices * grid.voxel, faces=faces, colors=face_colors)


def _without_small_pieces(vertices: np.ndarray, faces: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The mesh without connected pieces that have few faces; unused vertices go too."""
    if len(faces) == 0:
        return np.zeros((0, 3)), faces
    _, piece = sparse.csgraph.connected_components(_adjacency(len(vertices), faces), directed=False)
    piece_of_face = piece[faces[:, 0]]
    size = np.bincount(piece_of_face)
    kept = faces[size[piece_of_face] >= max(share * size.max(), 12)]
    used, renumbered = np.unique(kept, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3).astype(np.int64)


def _adjacency(num_vertices: int, faces: np.ndarray) -> sparse.csr_matrix:
    first = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    second = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    one_way = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(num_vertices, num_vertices)).tocsr()
    both = one_way + one_way.T
    both.data[:] = 1.0
    return both


def _smoothed(vertices: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Taubin smoothing (1995): a shrinking step, then a growing one, so that noise goes and volume stays."""
    links = _adjacency(len(vertices), faces)
    degree = np.maximum(np.asarray(links.sum(axis=1)), 1.0)
    for step in (0.5, -0.53) * rounds:
        vertices = vertices + step * (links @ vertices / degree - vertices)
    return vertices


def _hull_of_points(points: np.ndarray, colors: np.ndarray) -> tuple[TriangleMesh | None, str]:
    """The convex hull in the points' mean colour, or None when they span no volume."""
    try:
        if len(points) < 8:
            raise QhullError
        hull = ConvexHull(points)
    except QhullError:
        return None, f"only {len(points)} depth pixels were seen, so it has no mesh."
    used, faces = np.unique(hull.simplices, return_inverse=True)
    faces = faces.reshape(-1, 3).astype(np.int64)
    vertices = points[used]
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    outward = np.sum(np.cross(b - a, c - a) * (a - vertices.mean(axis=0)), axis=1) >= 0
    faces = np.where(outward[:, None], faces, faces[:, ::-1])
    mean_color = np.round(colors.mean(axis=0)).astype(np.uint8)
    mesh = TriangleMesh(vertices=vertices, faces=faces, colors=np.broadcast_to(mean_color, (len(faces), 3)).copy())
    return mesh, f"too few depth pixels for a surface ({len(points)}); its mesh is the convex hull of its points."
