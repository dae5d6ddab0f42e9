"""Robust averaging of flow over neighbours: white noise shrinks, borders between parts stay."""

import dataclasses

import numba
import numpy as np

from sim2art.observation.point_video import PointVideo

WHOLE_RADIUS = 0.08
"""Neighbourhood where all points of a frame take part, normalised units."""


def smooth_flow(
    video: PointVideo, *, radius: float = 0.12, first_point: int = 0, num_points: int | None = None
) -> PointVideo:
    """The same normalised video with each measured flow replaced by a robust mean over its neighbours in the frame.

    Args:
        radius: Neighbourhood, normalised units; 0.12 holds enough of a quarter of the points, `WHOLE_RADIUS` of all.
        first_point: First slot of each frame to keep (slots are in random order).
        num_points: How many slots to keep from there; all when None.
    """
    kept = slice(first_point, None if num_points is None else first_point + num_points)
    chosen = video.take(np.arange(video.num_points)[kept])
    points = np.ascontiguousarray(chosen.points_world, dtype=np.float32)
    flows = np.ascontiguousarray(chosen.flow_world, dtype=np.float32)
    valid = np.ascontiguousarray(chosen.flow_valid)
    return dataclasses.replace(
        chosen,
        points_world=points.astype(np.float64),
        flow_world=_smooth(points, flows, valid, np.float32(radius)).astype(np.float64),
    )


@numba.njit(cache=True, fastmath=True, nogil=True)
def _smooth(points, flows, valid, radius):
    """Weighted mean of neighbours' flows: near ones, and those near a first mean (two Geman-McClure rounds)."""
    num_baselines, num_frames, count = valid.shape
    out = np.zeros_like(flows)
    index = np.empty(count, np.int64)
    weight = np.empty(count, np.float32)
    limit = radius * radius
    for t in range(num_frames):
        order = np.argsort(points[t, :, 0])
        for position in range(count):
            i = order[position]
            if not valid[0, t, i] and not valid[num_baselines - 1, t, i] and not valid[:, t, i].any():
                continue
            n = 0
            # Points sorted along x: walk outwards until x alone is too far.
            for direction in (-1, 1):
                j_position = position if direction == -1 else position + 1
                while 0 <= j_position < count:
                    j = order[j_position]
                    dx = points[t, j, 0] - points[t, i, 0]
                    if dx * dx > limit:
                        break
                    dy, dz = points[t, j, 1] - points[t, i, 1], points[t, j, 2] - points[t, i, 2]
                    d = dx * dx + dy * dy + dz * dz
                    if d < limit:
                        index[n] = j
                        weight[n] = 1.0 - d / limit
                        n += 1
                    j_position += direction
            for b in range(num_baselines):
                if not valid[b, t, i]:
                    continue
                mx, my, mz = flows[b, t, i, 0], flows[b, t, i, 1], flows[b, t, i, 2]
                # The first centre is the point's own flow, pulled to the plain mean; its scale is the spread around it.
                for _ in range(3):
                    spread = np.float32(0.0)
                    total = np.float32(1e-9)
                    for k in range(n):
                        j = index[k]
                        if valid[b, t, j]:
                            r = (flows[b, t, j, 0] - mx) ** 2 + (flows[b, t, j, 1] - my) ** 2
                            r += (flows[b, t, j, 2] - mz) ** 2
                            spread += weight[k] * min(r, np.float32(0.01))
                            total += weight[k]
                    scale = max(spread / total, np.float32(1e-6))
                    sx, sy, sz, total = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(1e-9)
                    for k in range(n):
                        j = index[k]
                        if not valid[b, t, j]:
                            continue
                        r = (flows[b, t, j, 0] - mx) ** 2 + (flows[b, t, j, 1] - my) ** 2
                        r += (flows[b, t, j, 2] - mz) ** 2
                        w = weight[k] / (1.0 + r / scale) ** 2
                        sx += w * flows[b, t, j, 0]
                        sy += w * flows[b, t, j, 1]
                        sz += w * flows[b, t, j, 2]
                        total += w
                    mx, my, mz = sx / total, sy / total, sz / total
                out[b, t, i, 0], out[b, t, i, 1], out[b, t, i, 2] = mx, my, mz
    return out
