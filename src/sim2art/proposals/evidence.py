"""Evidence for every point and hypothesis: does the flow agree, and is the surface where the hypothesis carries it?

Two kinds. Flow: the measured vector against the expected one, at each baseline. Rest pose, which needs no flow: the
point carried to another frame should land on a surface observed there; whether the nearest observed surface lies
behind it (the hypothesis puts matter into seen free space: refuted) or in front of it (hidden: undecided) is told
by the signed distance along that frame's viewing ray. The same is measured for the point left where it is.
"""

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float32

from sim2art.observation.point_video import PointVideo
from sim2art.proposals.hypotheses import Hypotheses

CELL = 0.1
"""Side of a search cell, normalised units: distances up to this are exact."""
FAR = 0.2
"""Distances are cut here."""
EPSILON = 0.004
"""Added before the logarithm: below the noise, smaller is not better."""
NUM_TARGETS = 3
"""Frames that each point is carried to: the first, the last, and the one where the hypothesis has moved most."""
TARGET_FEATURES = 5
PAIR_FEATURES = 4
"""Lever arm, largest motion of the point, kind of joint, support of the hypothesis."""
BASELINE_FEATURES = 5


def num_evidence_features(num_baselines: int) -> int:
    """Length of the feature axis of `lay_out_evidence`."""
    return num_baselines * BASELINE_FEATURES + NUM_TARGETS * TARGET_FEATURES + PAIR_FEATURES


@dataclass(frozen=True, kw_only=True)
class EvidenceConfig:
    """How densely evidence is laid out."""

    num_cloud_points: int = 1024
    """Points a frame that stand for the observed surface."""


def lay_out_evidence(
    video: PointVideo,
    surface_video: PointVideo,
    hypotheses: Hypotheses,
    point_indices: np.ndarray,
    config: EvidenceConfig,
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Evidence features of chosen points for every hypothesis.

    Args:
        video: In normalised coordinates, its flow smoothed (`smooth_flow`).
        surface_video: The same clip with all its points: where carried points may land.
        point_indices: Int (frame, point): which slots of `video` to judge.
    """
    frames = np.arange(video.num_frames)[:, None]
    points = np.ascontiguousarray(video.points_world[frames, point_indices], dtype=np.float32)
    valid = np.ascontiguousarray(video.valid[frames, point_indices])
    flows = np.ascontiguousarray(video.flow_world[:, frames, point_indices], dtype=np.float32)
    flow_valid = np.ascontiguousarray(video.flow_valid[:, frames, point_indices])
    surface = np.ascontiguousarray(surface_video.points_world[:, : config.num_cloud_points], dtype=np.float32)
    surface_valid = np.ascontiguousarray(surface_video.valid[:, : config.num_cloud_points])
    starts, members, low, sides = _index_surface(surface, surface_valid, np.float32(CELL))
    motions = hypotheses.motions().astype(np.float32)
    eyes = np.ascontiguousarray(video.world_from_camera[:, :3, 3], dtype=np.float32)
    return _evidence(
        points, valid, flows, flow_valid, np.array(video.baselines, dtype=np.int64), surface, starts, members, low, sides,
        motions, hypotheses.values.astype(np.float32), hypotheses.is_revolute, hypotheses.axes.astype(np.float32),
        hypotheses.pivots.astype(np.float32), hypotheses.scores.astype(np.float32), eyes,
        num_evidence_features(len(video.baselines)),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _index_surface(surface, valid, cell):
    """Bucket each frame's points into a grid: start of each cell's run, point indices in cell order, corner, sides."""
    num_frames, count = valid.shape
    low = np.full(3, np.float32(1e9))
    high = np.full(3, np.float32(-1e9))
    for t in range(num_frames):
        for i in range(count):
            if valid[t, i]:
                for k in range(3):
                    # Flying pixels far outside would blow the grid up; the object itself lies within [-1, 1].
                    x = min(max(surface[t, i, k], np.float32(-1.5)), np.float32(1.5))
                    low[k] = min(low[k], x)
                    high[k] = max(high[k], x)
    sides = np.ones(3, np.int64)
    for k in range(3):
        if high[k] > low[k]:
            sides[k] = int((high[k] - low[k]) / cell) + 1
    cells = sides[0] * sides[1] * sides[2]
    starts = np.zeros((num_frames, cells + 1), np.int32)
    members = np.zeros((num_frames, count), np.int32)
    keys = np.empty(count, np.int64)
    for t in range(num_frames):
        for i in range(count):
            keys[i] = -1
            if not valid[t, i]:
                continue
            key = 0
            for k in range(3):
                index = int((surface[t, i, k] - low[k]) / cell)
                key = key * sides[k] + min(max(index, 0), sides[k] - 1)
            keys[i] = key
            starts[t, key + 1] += 1
        for c in range(cells):
            starts[t, c + 1] += starts[t, c]
        cursor = starts[t, :-1].copy()
        for i in range(count):
            if keys[i] >= 0:
                members[t, cursor[keys[i]]] = i
                cursor[keys[i]] += 1
    return starts, members, low, sides


@numba.njit(cache=True, fastmath=True, nogil=True)
def _nearest(x, y, z, surface, starts, members, low, sides, cell, far):
    """Index and distance of the nearest surface point within about one cell; (-1, far) when there is none."""
    ix, iy, iz = (
        int(np.floor((x - low[0]) / cell)),
        int(np.floor((y - low[1]) / cell)),
        int(np.floor((z - low[2]) / cell)),
    )
    best = far * far
    found = -1
    for a in range(max(ix - 1, 0), min(ix + 2, sides[0])):
        for b in range(max(iy - 1, 0), min(iy + 2, sides[1])):
            base = (a * sides[1] + b) * sides[2]
            c0, c1 = max(iz - 1, 0), min(iz + 2, sides[2])
            if c0 >= c1:
                continue
            # Cells along z are neighbours in memory: one run covers all three.
            for j in range(starts[base + c0], starts[base + c1]):
                i = members[j]
                dx, dy, dz = surface[i, 0] - x, surface[i, 1] - y, surface[i, 2] - z
                d = dx * dx + dy * dy + dz * dz
                if d < best:
                    best = d
                    found = i
    return found, np.sqrt(best)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _along_ray(x, y, z, eye, other, far):
    """Signed distance from a point to a surface point along the viewing ray, over `far`, cut at 1; behind is positive."""
    rx, ry, rz = x - eye[0], y - eye[1], z - eye[2]
    length = np.sqrt(rx * rx + ry * ry + rz * rz) + 1e-6
    d = ((other[0] - x) * rx + (other[1] - y) * ry + (other[2] - z) * rz) / (length * far)
    return min(max(d, np.float32(-1.0)), np.float32(1.0))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _evidence(
    points, valid, flows, flow_valid, baselines, surface, starts, members, low, sides,
    motions, values, is_revolute, axes, pivots, scores, eyes, num_features,
):  # fmt: skip
    num_frames, count = valid.shape
    num_hypotheses = len(axes)
    num_baselines = len(baselines)
    cell, far, eps = np.float32(CELL), np.float32(FAR), np.float32(EPSILON)
    out = np.zeros((num_hypotheses, num_frames, count, num_features), np.float32)
    # Moving from frame t to s by hypothesis k is relative[k, t, s] = motions[k, s] @ inverse(motions[k, t]).
    targets = np.zeros((num_hypotheses, num_frames, NUM_TARGETS), np.int64)
    for k in range(num_hypotheses):
        for t in range(num_frames):
            targets[k, t, 1] = num_frames - 1
            targets[k, t, 2] = np.argmax(np.abs(values[k] - values[k, t]))
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
                for j in range(NUM_TARGETS):
                    s = targets[k, t, j]
                    m = relative[s]
                    x = m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3]
                    y = m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3]
                    z = m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3]
                    travel = np.sqrt((x - p[0]) ** 2 + (y - p[1]) ** 2 + (z - p[2]) ** 2)
                    if j == 2:
                        largest = travel
                    if still_distance[t, s, i] < 0:
                        near, distance = _nearest(
                            p[0], p[1], p[2], surface[s], starts[s], members[s], low, sides, cell, far
                        )  # fmt: skip
                        still_distance[t, s, i] = distance
                        if near >= 0:
                            still_ray[t, s, i] = _along_ray(p[0], p[1], p[2], eyes[s], surface[s, near], far)
                    near, distance = _nearest(x, y, z, surface[s], starts[s], members[s], low, sides, cell, far)
                    row[at] = np.log(distance + eps)
                    row[at + 1] = _along_ray(x, y, z, eyes[s], surface[s, near], far) if near >= 0 else np.float32(0.0)
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
