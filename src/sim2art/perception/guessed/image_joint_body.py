"""Which points can be of a joint's part: it is one body, and what a joint does not change tells where that is.

A turn keeps a point's distance from the axis and its place along it, a slide its two coordinates across. Other things that
move (a sleeve, a shadow) would otherwise be of the part in each pair of images in which they happen to follow its joint.
"""

import numpy as np
from jaxtyping import Bool, Float
from numba import njit

_EDGE = 0.05
"""Share of a body's points on either side that lie beyond what is taken for its edge."""
_MARGIN = 0.5
"""Times its extent, that a body may reach beyond what one pair of images showed of it."""
_DEPTHS = (0.8, 1.0, 1.25)
"""Of the guess."""


def near_body(
    axis: Float[np.ndarray, "3"], pivot: Float[np.ndarray, "3"], slides: bool, body: Float[np.ndarray, "sample 3"],  # noqa: FBT001
    points: Float[np.ndarray, "point 3"], rays: Float[np.ndarray, "point 3"],
) -> Bool[np.ndarray, "point"]:  # fmt: skip
    """Whether points can be of a part, whatever the joint's value: at some depth along their rays.

    Args:
        axis: Of the joint, world frame.
        pivot: Looked at where it turns.
        slides: Whether it slides.
        body: Points of the part, world frame.
        points: World frame.
        rays: From the cameras to the points.
    """
    return _near(axis, pivot, slides, body, points, rays)


@njit(cache=True, nogil=True)
def _near(
    axis: np.ndarray, pivot: np.ndarray, slides: bool, body: np.ndarray, points: np.ndarray, rays: np.ndarray,  # noqa: FBT001
) -> np.ndarray:  # fmt: skip
    helper = np.zeros(3)
    helper[np.argmin(np.abs(axis))] = 1.0
    across = np.cross(axis, helper)
    across /= np.sqrt(np.sum(across**2))
    other = np.cross(axis, across)
    own = np.empty((2, len(body)))
    for n in range(len(body)):
        own[0, n], own[1, n] = _fixed(
            axis, across, other, slides, body[n, 0] - pivot[0], body[n, 1] - pivot[1], body[n, 2] - pivot[2]
        )
    edge = int(_EDGE * len(body))
    low, high = np.empty(2), np.empty(2)
    for i in range(2):
        ordered = np.sort(own[i])
        low[i], high[i] = ordered[edge], ordered[len(body) - 1 - edge]
    margin = _MARGIN * np.sqrt(np.sum((high - low) ** 2))
    near = np.zeros(len(points), dtype=np.bool_)
    for n in range(len(points)):
        for factor in _DEPTHS:
            a, b = _fixed(
                axis, across, other, slides, points[n, 0] + (factor - 1) * rays[n, 0] - pivot[0],
                points[n, 1] + (factor - 1) * rays[n, 1] - pivot[1], points[n, 2] + (factor - 1) * rays[n, 2] - pivot[2],
            )  # fmt: skip
            if low[0] - margin < a < high[0] + margin and low[1] - margin < b < high[1] + margin:
                near[n] = True
                break
    return near


@njit(cache=True, nogil=True)
def _fixed(
    axis: np.ndarray, across: np.ndarray, other: np.ndarray, slides: bool, x: float, y: float, z: float,  # noqa: FBT001
) -> tuple[float, float]:  # fmt: skip
    """What the joint does not change of a point, given from the pivot."""
    first = across[0] * x + across[1] * y + across[2] * z
    second = other[0] * x + other[1] * y + other[2] * z
    if slides:
        return first, second
    return np.sqrt(first * first + second * second), axis[0] * x + axis[1] * y + axis[2] * z
