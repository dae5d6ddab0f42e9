"""Evidence for every point and hypothesis: does the flow agree, and is the surface where the hypothesis carries it?

Two basic kinds. Flow: the measured vector against the expected one, at each baseline. Rest pose, which needs no flow:
the point carried to another frame should land on a surface observed there; whether the nearest observed surface lies
behind it (the hypothesis puts matter into seen free space: refuted) or in front of it (hidden: undecided) is told
by the signed distance along that frame's viewing ray. The same is measured for the point left where it is.

Further kinds, each with a module of its own, are appended when asked for (`EvidenceConfig.kinds`): a checkpoint
names the kinds that it was trained with.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, assert_never

import numba
import numpy as np
from jaxtyping import Float, Float32

from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.score.free_space import FREE_SPACE_FEATURES, measure_free_space
from sim2art.inference.score.rest_pose import CLIP_FEATURES, disc_normals, measure_rest_pose
from sim2art.inference.score.semantic_evidence import SEMANTIC_FEATURES, measure_likeness
from sim2art.inference.score.signed_residuals import RESIDUAL_FEATURES, measure_signed_residuals
from sim2art.inference.score.surface_grid import EPSILON, SurfaceGrid, along_ray, index_surface, nearest_sample
from sim2art.observation.point_video import PointVideo

NUM_TARGETS = 3
"""Frames that each point is carried to: the first, the last, and the one where the hypothesis has moved most."""
MORE_TARGETS = 3
"""Frames that kind `targets` adds: one, two and three quarters through the clip."""
TARGET_FEATURES = 5
PAIR_FEATURES = 4
"""Lever arm, largest motion of the point, kind of joint, support of the hypothesis."""
BASELINE_FEATURES = 5


EvidenceKind = Literal["targets", "free_space", "rest_pose", "residuals", "semantics"]
"""Kinds that may be added to the basic ones."""


def num_evidence_features(num_baselines: int, kinds: tuple[EvidenceKind, ...] = ()) -> int:
    """Length of the feature axis of `lay_out_evidence`."""
    basic = num_baselines * BASELINE_FEATURES + NUM_TARGETS * TARGET_FEATURES + PAIR_FEATURES
    return basic + sum(num_features_of(kind, num_baselines) for kind in kinds)


def num_features_of(kind: EvidenceKind, num_baselines: int) -> int:
    """Features that a kind appends."""
    match kind:
        case "targets":
            return MORE_TARGETS * TARGET_FEATURES
        case "free_space":
            return FREE_SPACE_FEATURES
        case "rest_pose":
            return CLIP_FEATURES
        case "residuals":
            return num_baselines * RESIDUAL_FEATURES
        case "semantics":
            return SEMANTIC_FEATURES
        case _:
            assert_never(kind)


@dataclass(frozen=True, kw_only=True)
class EvidenceConfig:
    """What evidence is laid out, and how densely."""

    num_cloud_points: int = 1024
    """Points a frame that stand for the observed surface at single frames."""
    num_clip_points: int = 2048
    """The same for the evidence over a whole clip (`rest_pose`)."""
    kinds: tuple[EvidenceKind, ...] = ()
    """What is appended to the basic evidence, in this order."""


class Surface(NamedTuple):
    """What each frame of a clip shows, made ready once for all the evidence about it."""

    grid: SurfaceGrid
    """For evidence at single frames."""
    whole: SurfaceGrid | None
    """For evidence over a whole clip, when that is asked for."""
    normals: Float32[np.ndarray, "frame slot 3"] | None
    """Of the points of `whole`."""


def index_video(video: PointVideo, config: EvidenceConfig) -> Surface:
    """Where points that are carried between the frames of a normalised video may land."""
    grid = index_surface(video.points_world, video.valid, config.num_cloud_points)
    if "rest_pose" not in config.kinds:
        return Surface(grid, None, None)
    whole = index_surface(video.points_world, video.valid, config.num_clip_points)
    return Surface(grid, whole, disc_normals(whole))


def lay_out_evidence(
    video: PointVideo,
    surface: Surface,
    hypotheses: Hypotheses,
    point_indices: np.ndarray,
    config: EvidenceConfig,
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Evidence features of chosen points for every hypothesis.

    The basic ones come first: flow at each baseline, targets, then what concerns the pair alone.

    Args:
        video: In normalised coordinates, its flow smoothed (`smooth_flow`).
        surface: Of the same clip with all its points (`index_video`).
        point_indices: Int (frame, point): which slots of `video` to judge.
    """
    frames = np.arange(video.num_frames)[:, None]
    points = np.ascontiguousarray(video.points_world[frames, point_indices], dtype=np.float32)
    valid = np.ascontiguousarray(video.valid[frames, point_indices])
    flows = np.ascontiguousarray(video.flow_world[:, frames, point_indices], dtype=np.float32)
    flow_valid = np.ascontiguousarray(video.flow_valid[:, frames, point_indices])
    grid = surface.grid
    motions = hypotheses.motions()
    single = motions.astype(np.float32)
    baselines = np.array(video.baselines, dtype=np.int64)
    poses = video.world_from_camera
    eyes = np.ascontiguousarray(poses[:, :3, 3], dtype=np.float32)
    num_targets = NUM_TARGETS + (MORE_TARGETS if "targets" in config.kinds else 0)
    laid = _evidence(
        points, valid, flows, flow_valid, baselines, grid.surface, grid.starts, grid.members,
        grid.low, grid.sides, single, hypotheses.values.astype(np.float32), hypotheses.is_revolute,
        hypotheses.axes.astype(np.float32), hypotheses.pivots.astype(np.float32), hypotheses.scores.astype(np.float32),
        eyes, num_targets,
    )  # fmt: skip
    split = len(baselines) * BASELINE_FEATURES + NUM_TARGETS * TARGET_FEATURES
    # The kernel ends with the pair's own features; what is optional comes after all that is not.
    basic, more = [laid[..., :split], laid[..., -PAIR_FEATURES:]], laid[..., split:-PAIR_FEATURES]
    for kind in config.kinds:
        match kind:
            case "targets":
                basic.append(more)
            case "free_space":
                basic.append(measure_free_space(points, valid, grid.surface, grid.valid, motions, poses))
            case "rest_pose":
                assert surface.whole is not None, "the surface was indexed for other kinds of evidence"
                assert surface.normals is not None
                basic.append(measure_rest_pose(points, valid, surface.whole, surface.normals, single, eyes))
            case "residuals":
                basic.append(
                    measure_signed_residuals(
                        points,
                        flows,
                        flow_valid,
                        baselines,
                        motions,
                        hypotheses.values,
                        hypotheses.is_revolute,
                        hypotheses.axes,
                        hypotheses.pivots,
                        poses[0, :3, 2],
                    )
                )
            case "semantics":
                features = None if video.features is None else video.features[frames, point_indices]
                basic.append(measure_likeness(features, *explained_shares(laid, len(baselines)), valid))
            case _:
                assert_never(kind)
    return laid if len(basic) == 2 else np.concatenate(basic, axis=-1)


def explained_shares(
    evidence: Float[np.ndarray, "hypothesis frame point feature"], num_baselines: int
) -> tuple[Float[np.ndarray, "hypothesis frame point"], Float[np.ndarray, "frame point"]]:
    """How well each hypothesis explains flow that standing still does not, and how surely a point stands still, 0..1."""
    explained = np.zeros(evidence.shape[:3], np.float32)
    still = np.zeros(evidence.shape[1:3], np.float32)
    clear = 0.03
    for b in range(num_baselines):
        left, expected, size, measured, _ = np.moveaxis(
            evidence[..., b * BASELINE_FEATURES : (b + 1) * BASELINE_FEATURES], -1, 0
        )
        left, expected, size = np.exp(left) - EPSILON, np.exp(expected) - EPSILON, np.exp(size) - EPSILON
        share = np.clip(1.0 - left / (0.5 * expected + EPSILON), 0.0, 1.0) * np.clip(expected / clear, 0.0, 1.0)
        explained = np.maximum(explained, measured * share)
        # Which points stand still must not depend on a hypothesis: measured flow is the same for all.
        if len(evidence):
            still = np.maximum(still, measured[0] * np.clip(1.0 - size[0] / clear, 0.0, 1.0))
    return explained, still


@numba.njit(cache=True, fastmath=True, nogil=True)
def _evidence(
    points, valid, flows, flow_valid, baselines, surface, starts, members, low, sides,
    motions, values, is_revolute, axes, pivots, scores, eyes, num_targets,
):  # fmt: skip
    num_frames, count = valid.shape
    num_hypotheses = len(axes)
    num_baselines = len(baselines)
    eps = np.float32(EPSILON)
    num_features = num_baselines * BASELINE_FEATURES + num_targets * TARGET_FEATURES + PAIR_FEATURES
    out = np.zeros((num_hypotheses, num_frames, count, num_features), np.float32)
    # Moving from frame t to s by hypothesis k is relative[k, t, s] = motions[k, s] @ inverse(motions[k, t]).
    targets = np.zeros((num_hypotheses, num_frames, num_targets), np.int64)
    for k in range(num_hypotheses):
        for t in range(num_frames):
            targets[k, t, 1] = num_frames - 1
            targets[k, t, 2] = np.argmax(np.abs(values[k] - values[k, t]))
            for j in range(NUM_TARGETS, num_targets):
                targets[k, t, j] = (j - NUM_TARGETS + 1) * (num_frames - 1) // (num_targets - NUM_TARGETS + 1)
    still_distance = np.full((num_frames, num_frames, count), np.float32(-1.0))
    still_ray = np.zeros((num_frames, num_frames, count), np.float32)
    relative = np.zeros((num_frames, 3, 4), np.float32)
    for k in range(num_hypotheses):
        for t in range(num_frames):
            rotation = np.ascontiguousarray(motions[k, t, :3, :3].T)
            shift = motions[k, t, :3, 3].copy()
            for s in range(num_frames):
                r = np.ascontiguousarray(motions[k, s, :3, :3]) @ rotation
                relative[s, :, :3] = r
                relative[s, :, 3] = motions[k, s, :3, 3] - r @ shift
            for i in range(count):
                if not valid[t, i]:
                    continue
                p = points[t, i]
                row = out[k, t, i]
                at = 0
                largest = np.float32(0.0)
                for b in range(num_baselines):
                    s = t + baselines[b]
                    if s < num_frames:
                        m = relative[s]
                        ex = m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3] - p[0]
                        ey = m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3] - p[1]
                        ez = m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3] - p[2]
                        e = ex * ex + ey * ey + ez * ez
                        row[at + 1] = np.log(np.sqrt(e) + eps)
                        if flow_valid[b, t, i]:
                            f = flows[b, t, i]
                            rest = (f[0] - ex) ** 2 + (f[1] - ey) ** 2 + (f[2] - ez) ** 2
                            size = f[0] ** 2 + f[1] ** 2 + f[2] ** 2
                            row[at] = np.log(np.sqrt(rest) + eps)
                            row[at + 2] = np.log(np.sqrt(size) + eps)
                            row[at + 3] = 1.0
                            dot = (f[0] * ex + f[1] * ey + f[2] * ez) / (e + eps * eps)
                            row[at + 4] = min(max(dot, np.float32(-2.0)), np.float32(2.0))
                    at += BASELINE_FEATURES
                for j in range(num_targets):
                    s = targets[k, t, j]
                    m = relative[s]
                    x = m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3]
                    y = m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3]
                    z = m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3]
                    travel = np.sqrt((x - p[0]) ** 2 + (y - p[1]) ** 2 + (z - p[2]) ** 2)
                    if j == 2:
                        largest = travel
                    if still_distance[t, s, i] < 0:
                        near, distance = nearest_sample(
                            p[0], p[1], p[2], surface[s], starts[s], members[s], low, sides
                        )  # fmt: skip
                        still_distance[t, s, i] = distance
                        if near >= 0:
                            still_ray[t, s, i] = along_ray(p[0], p[1], p[2], eyes[s], surface[s, near])
                    near, distance = nearest_sample(x, y, z, surface[s], starts[s], members[s], low, sides)
                    row[at] = np.log(distance + eps)
                    row[at + 1] = along_ray(x, y, z, eyes[s], surface[s, near]) if near >= 0 else np.float32(0.0)
                    row[at + 2] = np.log(still_distance[t, s, i] + eps)
                    row[at + 3] = still_ray[t, s, i]
                    row[at + 4] = np.log(travel + eps)
                    at += TARGET_FEATURES
                if is_revolute[k]:
                    x, y, z = p[0] - pivots[k, 0], p[1] - pivots[k, 1], p[2] - pivots[k, 2]
                    along = x * axes[k, 0] + y * axes[k, 1] + z * axes[k, 2]
                    row[at] = np.sqrt(max(x * x + y * y + z * z - along * along, np.float32(0.0)))
                    row[at + 2] = 1.0
                row[at + 1] = np.log(largest + eps)
                row[at + 3] = scores[k]
    return out
