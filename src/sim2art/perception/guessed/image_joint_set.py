"""Joints that were found one after another, fitted again beside each other, each to what no other explains better.

The first was fitted to all that moves, so it may lie between two parts; once both are found it is needed no longer. Pixels are
assigned to joints and joints fitted to their pixels in turn, as in PEARL (Isack and Boykov, IJCV 2012), without its smoothness.
"""

import numpy as np
from jaxtyping import Float

from sim2art.perception.guessed.image_joint_fit import fit_joint
from sim2art.perception.guessed.image_joint_shape import fit_shape
from sim2art.perception.guessed.image_joints import ImageJoint, MovingPoints

_SWEEPS = 2


def settle_joints(
    movers: MovingPoints, joints: list[ImageJoint], cost: Float[np.ndarray, "point"], *, least: float
) -> list[ImageJoint]:
    """The joints that explain something which no other does, each fitted to what it explains best.

    Args:
        movers: What moves.
        joints: As they were found.
        cost: Of the points standing still.
        least: What a joint must save beside the others (squared sigmas).
    """
    while len(joints) > 1:
        for _ in range(_SWEEPS):
            for k, joint in enumerate(joints):
                rest = cost_beside(movers, joints[:k] + joints[k + 1 :], cost)
                tried = fit_shape(movers, fit_joint(movers, joint, rest)[1], rest)
                if movers.gain(tried, rest) > movers.gain(joint, rest):
                    joints = [*joints[:k], tried, *joints[k + 1 :]]
        gains = [
            movers.gain(joint, cost_beside(movers, joints[:k] + joints[k + 1 :], cost))
            for k, joint in enumerate(joints)
        ]
        weakest = int(np.argmin(gains))
        if gains[weakest] >= least:
            break
        joints = joints[:weakest] + joints[weakest + 1 :]
    return joints


def cost_beside(
    movers: MovingPoints, joints: list[ImageJoint], cost: Float[np.ndarray, "point"]
) -> Float[np.ndarray, "point"]:
    """What is left where each pixel follows the joint that explains it best, or stands still."""
    costs = np.array([cost, *(movers.costs(joint) for joint in joints)])
    of_place = np.array([np.bincount(movers.place, weights=one) for one in costs])
    return np.take_along_axis(costs, np.argmin(of_place, axis=0)[movers.place][None], axis=0)[0]
