"""Rows for the solver: measured flow at every baseline, and surfaces of one part seen in two frames."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel
from sim2art.inference.refine.residuals import Rows
from sim2art.observation.point_video import PointVideo

NORMAL_NEIGHBORS = 12
MIN_CLOUD = 12
"""A part with fewer points in a frame shows no surface there."""


@dataclass(frozen=True, kw_only=True)
class CorrespondenceConfig:
    """How many rows are made; lengths in normalised units."""

    flow_rows: int = 80
    """At most this many rows of flow a part, frame pair and baseline."""
    base_rows: int = 30
    """The same for the static base, which only steadies the per-frame errors."""
    surface_rows: int = 30
    """At most this many rows of surface a part and frame pair."""
    surface_offsets: tuple[int, ...] = (1, 2, 4, 8)
    """Frame distances of the pairs whose surfaces are compared, in both directions."""
    reach: float = 0.06
    """A carried point farther than this from the part's surface in the other frame meets none."""
    independent: float = 12.0
    """Observations that one part is worth in one frame pair: neighbouring points share their errors."""
    surface_trust: float = 0.5
    """Weight of a surface row against a row of flow."""


def gather_flow_rows(
    video: PointVideo,
    labels: Int[np.ndarray, "frame point"],
    weights: Float[np.ndarray, "frame point"],
    config: CorrespondenceConfig,
    *,
    held_out: bool = False,
) -> Rows:
    """Rows of flow of all labelled points.

    Args:
        video: In normalised coordinates.
        labels: Joint index of each point, `BASE`, or less for points to leave out.
        weights: How sure each label is, 0..1.
        held_out: Take the points that come after those of the usual rows, which no fit has seen; there may be none.
    """
    lists = []
    num_kinds = len(video.baselines) + 1
    for index, baseline in enumerate(video.baselines):
        for start in range(video.num_frames - baseline):
            known = video.flow_valid[index, start] & (labels[start] >= BASE)
            points = np.flatnonzero(known)
            for part in np.unique(labels[start, points]):
                own = points[labels[start, points] == part]
                # Slots are in random order, so a prefix is a fair draw.
                most = config.base_rows if part == BASE else config.flow_rows
                own = own[most : 2 * most] if held_out else own[:most]
                full = np.full(len(own), part)
                lists.append((own, full, full * 0 + start, full * 0 + start + baseline, full * 0 + index))
    if not lists:
        return _no_rows()
    point, part, start, stop, index = (np.concatenate(column).astype(np.int64) for column in zip(*lists, strict=True))
    source = video.points_world[start, point]
    weight = weights[start, point].astype(np.float64)
    return Rows(
        part=part,
        start=start,
        stop=stop,
        source=source,
        target=source + video.flow_world[index, start, point],
        normal=np.zeros_like(source),
        is_surface=np.zeros(len(part), dtype=bool),
        weight=weight * _share_of_pair(part, start, stop, weight, video.num_frames, config.independent),
        group=(part + 1) * num_kinds + index,
    )


@dataclass(frozen=True, kw_only=True)
class PartSurfaces:
    """The points of each part in each frame with normals: where carried points may land."""

    points: list[list[np.ndarray]]
    """[part][frame] (point, 3)."""
    normals: list[list[np.ndarray]]
    spacings: list[list[float]]
    """Typical distance between neighbours."""
    trees: list[list[KDTree | None]]
    """None where a frame shows too little of the part."""

    def moved(self, part: int, clouds: list[np.ndarray], rotations: Float[np.ndarray, "frame 3 3"]) -> "PartSurfaces":
        """The surfaces of one part with its points moved to `clouds` and its normals turned."""
        return PartSurfaces(
            points=[clouds],
            normals=[[normals @ rotation.T for normals, rotation in zip(self.normals[part], rotations, strict=True)]],
            spacings=[self.spacings[part]],
            trees=[
                [None if tree is None else KDTree(cloud) for tree, cloud in zip(self.trees[part], clouds, strict=True)]
            ],
        )


def index_surfaces(video: PointVideo, labels: Int[np.ndarray, "frame point"], num_parts: int) -> PartSurfaces:
    """Points, normals and search trees of every part and frame."""
    points: list[list[np.ndarray]] = [[] for _ in range(num_parts)]
    normals: list[list[np.ndarray]] = [[] for _ in range(num_parts)]
    spacings: list[list[float]] = [[] for _ in range(num_parts)]
    trees: list[list[KDTree | None]] = [[] for _ in range(num_parts)]
    for part in range(num_parts):
        for frame in range(video.num_frames):
            cloud = video.points_world[frame][video.valid[frame] & (labels[frame] == part)]
            enough = len(cloud) >= MIN_CLOUD
            tree = KDTree(cloud) if enough else None
            normal, spacing = _fit_normals(cloud, tree) if tree is not None else (np.zeros_like(cloud), 0.0)
            points[part].append(cloud)
            normals[part].append(normal)
            spacings[part].append(spacing)
            trees[part].append(tree)
    return PartSurfaces(points=points, normals=normals, spacings=spacings, trees=trees)


def match_surfaces(
    surfaces: PartSurfaces,
    model: KinematicModel,
    num_kinds: int,
    config: CorrespondenceConfig,
    *,
    first_group: int | None = None,
) -> Rows:
    """Rows that tie the surface of each part in one frame to its surface in another, as the model carries it now.

    Args:
        num_kinds: Kinds of rows (baselines of flow, and surfaces as the last one), for the numbering of groups.
        first_group: Group of flow rows of part 0; by default the base comes before it.
    """
    motions = model.motions()
    offsets = sorted({*config.surface_offsets, model.num_frames - 1})
    sets: list[tuple[np.ndarray, ...]] = []
    for part in range(model.num_joints):
        back = inverse(motions[part])
        for first in range(model.num_frames):
            for offset in offsets:
                if first + offset >= model.num_frames:
                    continue
                for start, stop in ((first, first + offset), (first + offset, first)):
                    tree = surfaces.trees[part][stop]
                    if tree is None or surfaces.trees[part][start] is None:
                        continue
                    source = surfaces.points[part][start][: config.surface_rows]
                    carried = apply(motions[part, stop] @ back[start], source)
                    index = np.asarray(tree.query(carried, k=3)[1])
                    target = surfaces.points[part][stop][index].mean(axis=1)
                    normal = surfaces.normals[part][stop][index[:, 0]]
                    gap = carried - target
                    along = np.sum(gap * normal, axis=1)
                    # Past the rim of what is seen there is no surface to compare with.
                    beside = np.linalg.norm(gap - along[:, None] * normal, axis=1)
                    met = (np.abs(along) < config.reach) & (beside < 2.0 * surfaces.spacings[part][stop])
                    met &= np.linalg.norm(normal, axis=1) > 0.5
                    n = int(met.sum())
                    sets.append(
                        (source[met], target[met], normal[met], np.full(n, part), np.full(n, start), np.full(n, stop))
                    )
    if not sets:
        return _no_rows()
    source, target, normal, part, start, stop = (np.concatenate(column) for column in zip(*sets, strict=True))
    weight = np.full(len(part), config.surface_trust)
    return Rows(
        part=part.astype(np.int64),
        start=start.astype(np.int64),
        stop=stop.astype(np.int64),
        source=source,
        target=target,
        normal=normal,
        is_surface=np.ones(len(part), dtype=bool),
        weight=weight * _share_of_pair(part, start, stop, weight, model.num_frames, config.independent),
        group=(part * num_kinds + num_kinds - 1 + (num_kinds if first_group is None else first_group)).astype(np.int64),
    )


def _fit_normals(cloud: Float[np.ndarray, "point 3"], tree: KDTree) -> tuple[np.ndarray, float]:
    """Normal of each point (zero where its neighbours lie on a line or in a ball), and the spacing of points."""
    distance, index = tree.query(cloud, k=min(NORMAL_NEIGHBORS, len(cloud)))
    spread = cloud[index] - cloud[index].mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(np.einsum("pki,pkj->pij", spread, spread))
    is_flat = (values[:, 0] < 0.2 * values[:, 1]) & (values[:, 1] > 0.05 * values[:, 2])
    return vectors[:, :, 0] * is_flat[:, None], float(np.median(np.asarray(distance)[:, -1]) / 2)


def _share_of_pair(
    part: np.ndarray, start: np.ndarray, stop: np.ndarray, weight: np.ndarray, num_frames: int, independent: float
) -> np.ndarray:
    """Factor that keeps the sum of weights of one part and frame pair at or below `independent`."""
    key = ((part + 1) * num_frames + start) * num_frames + stop
    total = np.bincount(key, weight)[key] if len(key) else weight
    return np.minimum(1.0, independent / np.maximum(total, 1e-9))


def _no_rows() -> Rows:
    whole, real = np.zeros(0, dtype=np.int64), np.zeros((0, 3))
    return Rows(
        part=whole, start=whole, stop=whole, source=real, target=real, normal=real,
        is_surface=np.zeros(0, dtype=bool), weight=np.zeros(0), group=whole,
    )  # fmt: skip
