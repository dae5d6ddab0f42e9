"""Which measured joints are joints of their own, by what each explains of the images beyond the others.

Hands, shadows and the two faces of one door are measured as motions, too. They line up what a better joint lines up as well.
"""

import numpy as np
from jaxtyping import Float

from sim2art.regions.joint_fit import MovingPart

MIN_SHARE = 0.15
"""Of what the best joint explains, that another must: hands and shadows that move beside a part are explained by some joint, too."""
_WHOLE = 0.5
"""Of what the best of several turns about one line explains, that one which goes farther must: each may be a piece of the movement."""
SAME_LINE = 0.1
"""rad between the planes in which the camera sees two hinges, up to which they are one."""


def own_joints(
    parts: list[MovingPart], advantages: list[list[Float[np.ndarray, "_"]]], parents: list[int],
    camera: Float[np.ndarray, "3"],
) -> list[int]:  # fmt: skip
    """Places of the joints that explain something of their own, and of those that they hang on.

    One after another, that which explains most beyond those before; the first always. Turns about one line are one joint, that which goes
    farthest: each explains the frames in which it was measured, and half of the frames are enough to be borne out.

    Args:
        parts: The joints.
        advantages: Of each, log odds of the regions of each source frame.
        parents: Place of the joint that each hangs on, -1 for the base.
        camera: From where distances are judged.
    """
    every = np.maximum([np.concatenate(own) for own in advantages], 0.0)
    explained, first, kept = np.zeros(every.shape[1]), 0.0, set[int]()
    while len(kept) < len(every):
        gains = np.maximum(every - explained, 0.0).sum(axis=1)
        gains[[any(_turn_alike(part, parts[k], camera) for k in kept) for part in parts]] = 0.0
        best = int(np.argmax(gains))
        first = first or float(gains[best])
        if kept and gains[best] <= MIN_SHARE * first:
            break
        alike = [k for k, part in enumerate(parts) if k == best or _turn_alike(part, parts[best], camera)]
        best = max((k for k in alike if gains[k] >= _WHOLE * gains[best]), key=lambda k: np.ptp(parts[k].values))
        explained = np.maximum(explained, every[best])
        while best >= 0:
            kept.add(best)
            best = parents[best]
    return sorted(kept)


def _turn_alike(part: MovingPart, other: MovingPart, camera: Float[np.ndarray, "3"]) -> bool:
    """Whether two parts turn about one line as the camera sees it: how far along its sight, guessed depth does not tell."""
    if part.pivot is None or other.pivot is None:
        return False
    normals = [np.cross(one.axis, one.pivot - camera) for one in (part, other)]
    length = np.linalg.norm(normals, axis=1).prod()
    return bool(abs(normals[0] @ normals[1]) > np.cos(SAME_LINE) * length)
