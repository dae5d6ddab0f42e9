"""Evidence that keeps its sign: what is left of the flow along a hypothesis's own directions.

Lengths of residuals (see `evidence`) do not average out over a part; signed residuals do. A slide taken for a turn, or
a turn about a wrong axis, leaves a residual that is small everywhere and points the same way over a whole patch.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

RESIDUAL_FEATURES = 3
"""For each baseline, of a turn: along the motion, along the axis, away from the axis; of a slide: along the motion, and
along two directions across it (towards the first camera as far as that goes, and sideways)."""
SCALE = 0.05
"""Residuals are divided by this, normalised units, and cut at 1."""


def measure_signed_residuals(
    points: Float32[np.ndarray, "frame point 3"],
    flows: Float32[np.ndarray, "baseline frame point 3"],
    flow_valid: Bool[np.ndarray, "baseline frame point"],
    baselines: Int[np.ndarray, "baseline"],
    motions: Float[np.ndarray, "hypothesis frame 4 4"],
    values: Float[np.ndarray, "hypothesis frame"],
    is_revolute: Bool[np.ndarray, "hypothesis"],
    axes: Float[np.ndarray, "hypothesis 3"],
    pivots: Float[np.ndarray, "hypothesis 3"],
    sight: Float[np.ndarray, "3"],
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Signed residuals, 0 where no flow was measured.

    Args:
        points: Points to judge, normalised coordinates.
        motions: From frame 0 to each frame.
        sight: Viewing direction of the first camera.
    """
    # A joint's axis may point either way: its sign is taken from where the joint goes.
    ends = values[np.arange(len(values)), np.argmax(np.abs(values), axis=1)]
    directed = axes * np.where(ends < 0, -1.0, 1.0)[:, None]
    return _measure(
        points, flows, flow_valid, baselines, motions.astype(np.float32)[:, :, :3], is_revolute,
        directed.astype(np.float32), pivots.astype(np.float32), sight.astype(np.float32),
    )  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def _measure(points, flows, flow_valid, baselines, motions, is_revolute, axes, pivots, sight):
    num_hypotheses, num_frames = motions.shape[:2]
    num_baselines, count = len(baselines), points.shape[1]
    out = np.zeros((num_hypotheses, num_frames, count, num_baselines * RESIDUAL_FEATURES), np.float32)
    moved = np.zeros((3, 4), np.float32)
    across = np.zeros(3, np.float32)
    side = np.zeros(3, np.float32)
    rest = np.zeros(3, np.float32)
    for k in range(num_hypotheses):
        axis = axes[k]
        for t in range(num_frames):
            back = np.ascontiguousarray(motions[k, t, :, :3].T)
            for b in range(num_baselines):
                s = t + baselines[b]
                if s >= num_frames:
                    continue
                rotation = np.ascontiguousarray(motions[k, s, :, :3]) @ back
                moved[:, :3] = rotation
                moved[:, 3] = motions[k, s, :, 3] - rotation @ np.ascontiguousarray(motions[k, t, :, 3])
                for i in range(count):
                    if not flow_valid[b, t, i]:
                        continue
                    p = points[t, i]
                    for q in range(3):
                        carried = moved[q, 0] * p[0] + moved[q, 1] * p[1] + moved[q, 2] * p[2] + moved[q, 3]
                        rest[q] = flows[b, t, i, q] - (carried - p[q])
                    for q in range(3):
                        across[q] = p[q] - pivots[k, q] if is_revolute[k] else -sight[q]
                    along = across[0] * axis[0] + across[1] * axis[1] + across[2] * axis[2]
                    length = np.float32(1e-9)
                    for q in range(3):
                        across[q] -= along * axis[q]
                        length += across[q] * across[q]
                    length = np.sqrt(length)
                    for q in range(3):
                        across[q] /= length
                    # The third direction: the motion of a turn (axis x arm), sideways of a slide.
                    side[0] = axis[1] * across[2] - axis[2] * across[1]
                    side[1] = axis[2] * across[0] - axis[0] * across[2]
                    side[2] = axis[0] * across[1] - axis[1] * across[0]
                    on_axis = rest[0] * axis[0] + rest[1] * axis[1] + rest[2] * axis[2]
                    on_side = rest[0] * side[0] + rest[1] * side[1] + rest[2] * side[2]
                    outward = rest[0] * across[0] + rest[1] * across[1] + rest[2] * across[2]
                    row = out[k, t, i]
                    at = b * RESIDUAL_FEATURES
                    row[at] = _cut(on_side if is_revolute[k] else on_axis)
                    row[at + 1] = _cut(on_axis if is_revolute[k] else on_side)
                    row[at + 2] = _cut(outward)
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def _cut(value):
    return min(max(value / np.float32(SCALE), np.float32(-1.0)), np.float32(1.0))
