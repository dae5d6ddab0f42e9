"""The other kind of joint for the same part: a hinge along one of its edges for what was taken for a slide, and the reverse.

A lid that turns looks like a slide where only a piece of it could be followed. Which it is, is told by the same gain.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.screws import nearest_point_on_line
from sim2art.geometry.transforms import apply, inverse
from sim2art.regions.joint_fit import Judge, MovingPart, fit_part

_EDGE = 0.05
"""Share of a part that lies beyond what is taken for its edge."""
_REACHES = (1.0, 2.0)
"""How far from the middle the hinge is, in edges: near it a turning part hardly moves, and is not seen to."""


def fit_alternative(judge: Judge, part: MovingPart) -> tuple[MovingPart, float] | None:
    """The joint of the other kind that explains most, fitted, and its gain; None where there is no part to speak of."""
    shares = [own > 0 for own in judge.advantages(part)]
    rest = np.concatenate([
        apply(inverse(part.motions()[points.frame]) @ judge.scene.world_from_camera[points.frame], points.rays * points.depths[:, None])[
            share[points.region] & (points.depths > 0)
        ]
        for points, share in zip(judge.points, shares, strict=True)
    ])  # fmt: skip
    if len(rest) < 10:
        return None
    tried = _hinges(part, rest) if part.pivot is None else [_slide(part, rest)]
    best = max(tried, key=judge.gain)
    return fit_part(judge, best)


def _hinges(part: MovingPart, rest: Float[np.ndarray, "point 3"]) -> list[MovingPart]:
    """Along the four edges of the part's face, turning as fast as its middle slides."""
    center = np.median(rest, axis=0)
    _, vectors = np.linalg.eigh(np.cov((rest - center).T))
    sides = vectors[:, 1:].T
    result = []
    for axis, across in (sides, sides[::-1]):
        edges = np.quantile((rest - center) @ across, (_EDGE, 1 - _EDGE))
        for edge in np.outer(_REACHES, edges).ravel():
            pivot = center + edge * across
            lever = np.cross(axis, center - pivot)
            radius = float(np.linalg.norm(lever))
            if radius < 1e-9:
                continue
            # A turn begins across its lever; what of the slide lies along the lever comes as the turn goes on.
            forward = np.sign(lever @ part.axis) or 1.0
            angles = forward * 2 * np.arcsin(np.clip(part.values / (2 * radius), -0.95, 0.95))
            result.append(dataclasses.replace(part, axis=axis, pivot=pivot, values=angles, plane=None))
    return result


def _slide(part: MovingPart, rest: Float[np.ndarray, "point 3"]) -> MovingPart:
    """Along the chord of the path of the part's middle."""
    assert part.pivot is not None, "Only a turn has a chord."
    center = np.median(rest, axis=0)
    lever = center - nearest_point_on_line(center, part.axis, part.pivot)
    farthest = part.values[np.argmax(np.abs(part.values))]
    chord = rotation_from_rotvec(part.axis * farthest) @ lever - lever
    length = float(np.linalg.norm(chord))
    direction = (
        chord / length if length > 1e-9 else np.cross(part.axis, lever) / max(float(np.linalg.norm(lever)), 1e-9)
    )
    values = 2 * np.linalg.norm(lever) * np.sin(part.values / 2) * (np.sign(farthest) or 1.0)
    return dataclasses.replace(part, axis=direction, pivot=None, values=values, plane=None)
