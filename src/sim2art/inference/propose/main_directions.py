"""The three directions at right angles that most surfaces of a clip face: axes of made things mostly lie along one.

Doors, drawers, lids and wheels turn or slide along edges of what carries them. The mean over thousands of normals tells
such a direction to a fraction of a degree, where the flow of a small part tells its axis to tens of degrees. Where an object
has no such directions, or a joint keeps to none, hypotheses that were found without them are there as well.

After the idea of a Manhattan world (Coughlan and Yuille 1999).
"""

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import line_angle
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.score.rest_pose import disc_normals
from sim2art.inference.score.surface_grid import index_surface
from sim2art.observation.point_video import PointVideo

MAX_ANGLE = np.deg2rad(30.0)
"""An axis farther than this from all directions keeps to none of them."""
MIN_NORMALS = 60
"""Fewer tell nothing."""
MIN_SHARE = 0.03
"""Of the normals: a direction that fewer lie along is told by the others alone, if at all."""
ALONG = np.deg2rad(0.1)
"""An axis this near to a direction was put there."""
_SPREAD = np.deg2rad(6.0)
"""Normals this far apart count as one direction while it is looked for."""
_ACROSS = np.deg2rad(12.0)
"""The second direction is looked for within this of the plane across the first."""
_REACHES = np.deg2rad([20.0, 14.0, 10.0, 8.0, 8.0, 8.0])
"""Normals within this of a direction have a say in it, from round to round."""
_MOST = 6000


def main_directions_of(video: PointVideo, num_points: int = 2048) -> Float[np.ndarray, "direction 3"]:
    """Main directions of a clip in normalised coordinates, from so many of its points a frame."""
    return find_main_directions(disc_normals(index_surface(video.points_world, video.valid, num_points)))


def find_main_directions(normals: Float[np.ndarray, "*place 3"]) -> Float[np.ndarray, "direction 3"]:
    """Unit directions (rows), three or none, of either sign.

    Args:
        normals: Unit normals of either sign, in one frame of reference; zeros where unknown.
    """
    known = normals.reshape(-1, 3).astype(np.float64)
    known = known[np.any(known != 0, axis=1)]
    known = known[:: max(1, len(known) // _MOST)]
    if len(known) < MIN_NORMALS:
        return np.zeros((0, 3))
    first = _most_common(known, known)
    across = known[np.abs(known @ first) < np.sin(_ACROSS)]
    if len(across) < max(MIN_SHARE * len(known), MIN_NORMALS // 4):
        return np.zeros((0, 3))
    second = _most_common(across, across)
    second = second - first * (first @ second)
    second /= np.linalg.norm(second)
    frame = np.stack([first, second, np.cross(first, second)])
    for reach in _REACHES:
        frame = _refine_directions(frame, known, reach)
    return frame


def lies_along(axis: Float[np.ndarray, "3"], directions: Float[np.ndarray, "direction 3"]) -> bool:
    """Whether an axis was put along one of the directions."""
    return bool(np.any(line_angle(axis, directions) <= ALONG))


def align(
    joint: JointGuess, directions: Float[np.ndarray, "direction 3"], center: Float[np.ndarray, "3"]
) -> JointGuess | None:
    """The joint with its axis along the nearest of the directions; None when none is near.

    Args:
        joint: Any.
        directions: Unit rows.
        center: Of the part that it moves: a turn's axis is turned about the place of it that is nearest to this.
    """
    if not len(directions):
        return None
    cosines = directions @ joint.axis
    nearest = int(np.argmax(np.abs(cosines)))
    if abs(cosines[nearest]) < np.cos(MAX_ANGLE):
        return None
    axis = directions[nearest] * np.sign(cosines[nearest])
    pivot = joint.pivot
    if joint.is_revolute:
        pivot = nearest_point_on_line(center, joint.axis, joint.pivot)
    return JointGuess(is_revolute=joint.is_revolute, axis=axis, pivot=pivot, values=joint.values)


def _most_common(candidates: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """The candidate with the most normals around it."""
    candidates = candidates[:: max(1, len(candidates) // 400)]
    cosines = np.abs(candidates @ normals.T)
    crowd = np.exp((cosines - 1.0) / (1.0 - np.cos(_SPREAD))).sum(axis=1)
    return candidates[int(np.argmax(crowd))]


def _refine_directions(frame: np.ndarray, normals: np.ndarray, reach: float) -> np.ndarray:
    """The rotation that brings the rows of a frame nearest to the normals around them."""
    cosines = normals @ frame.T
    nearest = np.argmax(np.abs(cosines), axis=1)
    own = cosines[np.arange(len(normals)), nearest]
    sums = np.zeros((3, 3))
    for row in range(3):
        near = (nearest == row) & (np.abs(own) > np.cos(reach))
        sums[row] = np.sum(normals[near] * np.sign(own[near])[:, None], axis=0)
    left, _, right = np.linalg.svd(sums + 1e-3 * frame)
    refined = left @ right
    return refined if np.linalg.det(refined) * np.linalg.det(frame) > 0 else frame
