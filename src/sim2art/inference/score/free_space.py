"""Evidence from what every frame sees: may a point be where a hypothesis says it is in that frame?

Each frame's points fill a coarse image of directions from its camera with the nearest and the farthest depth seen in
each cell. A point carried to a frame by a hypothesis then lies in front of all that is seen there (it would have been
seen: refuted), on it, behind it (hidden: undecided), or where nothing was seen. Frames in which a hypothesis moves the
point further say more, so they count more. The same is asked of the point left where it is. No flow is needed.
"""

import numba
import numpy as np
from jaxtyping import Bool, Float, Float32

FREE_SPACE_FEATURES = 9
"""How far the point is moved on average; for the point carried and the point left: mean in front, mean behind, share of
frames that see nothing there, and the largest in front."""
NUM_CELLS = 32
"""Cells along each side of a frame's image of directions."""
FAR = 0.1
"""Depth differences are cut here, normalised units."""
CLEAR_MOTION = 0.08
"""Being moved this far counts in full."""


def measure_free_space(
    points: Float32[np.ndarray, "frame point 3"],
    valid: Bool[np.ndarray, "frame point"],
    surface: Float32[np.ndarray, "frame slot 3"],
    surface_valid: Bool[np.ndarray, "frame slot"],
    motions: Float[np.ndarray, "hypothesis frame 4 4"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Float32[np.ndarray, "hypothesis frame point feature"]:
    """Features of every point and hypothesis, 0 for points that are not valid.

    Args:
        points: Points to judge, normalised coordinates.
        surface: All points of each frame.
        motions: From frame 0 to each frame.
        world_from_camera: Poses in normalised coordinates.
    """
    camera_from_world = np.linalg.inv(world_from_camera).astype(np.float32)[:, :3]
    images, corners, cells = fill_images(surface, surface_valid, camera_from_world)
    motions = motions.astype(np.float32)[:, :, :3]
    return _measure(points, valid, motions, camera_from_world, images, corners, cells)


@numba.njit(cache=True, nogil=True)
def fill_images(surface, valid, camera_from_world):
    """Nearest and farthest depth of each cell (frame, cell, cell, 2), corner and cell size of each frame's image."""
    num_frames, count = valid.shape
    images = np.zeros((num_frames, NUM_CELLS, NUM_CELLS, 2), np.float32)
    corners = np.zeros((num_frames, 2), np.float32)
    cells = np.ones((num_frames, 2), np.float32)
    places = np.empty((count, 3), np.float32)
    for t in range(num_frames):
        m = camera_from_world[t]
        n = 0
        for i in range(count):
            if not valid[t, i]:
                continue
            p = surface[t, i]
            z = m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3]
            if z < 1e-3:
                continue
            places[n, 0] = (m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3]) / z
            places[n, 1] = (m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3]) / z
            places[n, 2] = z
            n += 1
        if n < 4:
            continue
        near = np.zeros((NUM_CELLS, NUM_CELLS), np.float32)
        far = np.zeros((NUM_CELLS, NUM_CELLS), np.float32)
        for k in range(2):
            low, high = places[0, k], places[0, k]
            for i in range(n):
                low, high = min(low, places[i, k]), max(high, places[i, k])
            corners[t, k] = low
            cells[t, k] = max((high - low) / NUM_CELLS, np.float32(1e-4))
        for i in range(n):
            a = min(int((places[i, 0] - corners[t, 0]) / cells[t, 0]), NUM_CELLS - 1)
            b = min(int((places[i, 1] - corners[t, 1]) / cells[t, 1]), NUM_CELLS - 1)
            z = places[i, 2]
            near[a, b] = z if near[a, b] == 0 else min(near[a, b], z)
            far[a, b] = max(far[a, b], z)
        # Points are thin on the ground: a cell also holds what its neighbours hold. That widens [near, far], so fewer
        # points are called refuted, never more.
        for a in range(NUM_CELLS):
            for b in range(NUM_CELLS):
                for c in range(max(a - 1, 0), min(a + 2, NUM_CELLS)):
                    for d in range(max(b - 1, 0), min(b + 2, NUM_CELLS)):
                        if near[c, d] > 0:
                            known = images[t, a, b, 0]
                            images[t, a, b, 0] = near[c, d] if known == 0 else min(known, near[c, d])
                            images[t, a, b, 1] = max(images[t, a, b, 1], far[c, d])
    return images, corners, cells


@numba.njit(cache=True, fastmath=True, nogil=True)
def look(x, y, z, image, corner, cell):
    """In front, behind (both 0..1) and unseen (0 or 1) of a place in a frame's camera."""
    if z < 1e-3:
        return np.float32(0.0), np.float32(0.0), np.float32(1.0)
    a, b = int(np.floor((x / z - corner[0]) / cell[0])), int(np.floor((y / z - corner[1]) / cell[1]))
    if a < 0 or b < 0 or a >= NUM_CELLS or b >= NUM_CELLS or image[a, b, 0] == 0:
        return np.float32(0.0), np.float32(0.0), np.float32(1.0)
    front = min(max((image[a, b, 0] - z) / np.float32(FAR), np.float32(0.0)), np.float32(1.0))
    behind = min(max((z - image[a, b, 1]) / np.float32(FAR), np.float32(0.0)), np.float32(1.0))
    return front, behind, np.float32(0.0)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _measure(points, valid, motions, camera_from_world, images, corners, cells):
    num_hypotheses, num_frames = motions.shape[:2]
    count = valid.shape[1]
    out = np.zeros((num_hypotheses, num_frames, count, FREE_SPACE_FEATURES), np.float32)
    still = np.zeros((num_frames, num_frames, count, 3), np.float32)
    for t in range(num_frames):
        for s in range(num_frames):
            m = camera_from_world[s]
            for i in range(count):
                p = points[t, i]
                x = m[0, 0] * p[0] + m[0, 1] * p[1] + m[0, 2] * p[2] + m[0, 3]
                y = m[1, 0] * p[0] + m[1, 1] * p[1] + m[1, 2] * p[2] + m[1, 3]
                z = m[2, 0] * p[0] + m[2, 1] * p[1] + m[2, 2] * p[2] + m[2, 3]
                front, behind, unseen = look(x, y, z, images[s], corners[s], cells[s])
                still[t, s, i, 0], still[t, s, i, 1], still[t, s, i, 2] = front, behind, unseen
    moved = np.zeros((3, 4), np.float32)
    for k in range(num_hypotheses):
        for t in range(num_frames):
            back = np.ascontiguousarray(motions[k, t, :, :3].T)
            for s in range(num_frames):
                if s == t:
                    continue
                rotation = np.ascontiguousarray(motions[k, s, :, :3]) @ back
                moved[:, :3] = rotation
                moved[:, 3] = motions[k, s, :, 3] - rotation @ np.ascontiguousarray(motions[k, t, :, 3])
                m = camera_from_world[s]
                for i in range(count):
                    if not valid[t, i]:
                        continue
                    p = points[t, i]
                    x = moved[0, 0] * p[0] + moved[0, 1] * p[1] + moved[0, 2] * p[2] + moved[0, 3]
                    y = moved[1, 0] * p[0] + moved[1, 1] * p[1] + moved[1, 2] * p[2] + moved[1, 3]
                    z = moved[2, 0] * p[0] + moved[2, 1] * p[1] + moved[2, 2] * p[2] + moved[2, 3]
                    travel = np.sqrt((x - p[0]) ** 2 + (y - p[1]) ** 2 + (z - p[2]) ** 2)
                    weight = min(travel / np.float32(CLEAR_MOTION), np.float32(1.0))
                    front, behind, unseen = look(
                        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3],
                        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3],
                        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3],
                        images[s], corners[s], cells[s],
                    )  # fmt: skip
                    row, left = out[k, t, i], still[t, s, i]
                    row[0] += weight
                    row[1] += weight * front
                    row[2] += weight * behind
                    row[3] += weight * unseen
                    row[4] = max(row[4], weight * front)
                    row[5] += weight * left[0]
                    row[6] += weight * left[1]
                    row[7] += weight * left[2]
                    row[8] = max(row[8], weight * left[0])
            for i in range(count):
                row = out[k, t, i]
                total = max(row[0], np.float32(0.25))
                for f in (1, 2, 3, 5, 6, 7):
                    row[f] /= total
                row[0] /= max(num_frames - 1, 1)
    return out
