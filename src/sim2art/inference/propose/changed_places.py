"""Which points cannot have stood still all the time: other frames see through the place where they are, or nothing there.

No flow is needed, so it tells of parts whose flow failed. What merely was hidden in other frames does not count.
"""

import numba
import numpy as np
from jaxtyping import Float32

from sim2art.inference.score.free_space import fill_images, look
from sim2art.observation.point_video import PointVideo


def measure_change(video: PointVideo) -> Float32[np.ndarray, "frame point"]:
    """Share (0..1) of the other frames that contradict a point's standing still; 0 for points that are not valid.

    A place contradicts if all that is seen in its direction lies behind it (by a tenth of the clip's half-extent to
    count in full), or if the object is not seen in that direction at all.

    Args:
        video: In normalised coordinates, all its points.
    """
    points = np.ascontiguousarray(video.points_world, dtype=np.float32)
    valid = np.ascontiguousarray(video.valid)
    camera_from_world = np.ascontiguousarray(np.linalg.inv(video.world_from_camera)[:, :3], dtype=np.float32)
    return _measure(points, valid, camera_from_world, *fill_images(points, valid, camera_from_world))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _measure(points, valid, camera_from_world, images, corners, cells):
    num_frames, count = valid.shape
    out = np.zeros((num_frames, count), np.float32)
    for t in range(num_frames):
        for s in range(num_frames):
            if s == t:
                continue
            m = camera_from_world[s]
            for i in range(count):
                if not valid[t, i]:
                    continue
                x, y, z = points[t, i]
                front, _, unseen = look(
                    m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3],
                    m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3],
                    m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3],
                    images[s], corners[s], cells[s],
                )  # fmt: skip
                out[t, i] += max(front, unseen)
    return out / np.float32(max(num_frames - 1, 1))
