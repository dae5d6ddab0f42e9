"""How far a joint moves, told by a part's one shape: one plane that the joint carries along is seen in all frames.

While axes are looked for (`image_joint_fit`), guessed depth may be wrong anew in each frame. Such depth makes good what is
missing in an angle, so flow hardly tells how far a part turns. But a part is rigid: here its points lie on one plane at
rest, and pivot, plane and values are fitted together. Depth off that plane is left to the uncertainty along the rays.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.transforms import inverse
from sim2art.perception.guessed.image_joint_fit import RELIEF_SIGMAS, SHARED, differences_of, frame_values, walk_prior
from sim2art.perception.guessed.image_joint_kernels import pair_motions, residuals_at
from sim2art.perception.guessed.image_joints import ImageJoint, MovingPoints, costs_of
from sim2art.perception.guessed.robust_fit import ascend, trust_of

_MAX_FACTOR = 2.5
"""Depths further from the guess, either way, are not taken for a wrong guess."""
_BEGINS = (1.0, 0.5)
"""Times the values: turns of a part whose depth is guessed too flat are found too large."""
_MAX_STEP = 0.3
"""Of one step, rad or median depths."""
_DIFFERENCE = 1e-4
"""Of derivatives, rad or median depths."""
_FIXED = 1e12
"""Prior weight of what stays as it is."""
_NUM_SHARED = 5
"""Unknowns that all frames share: two of the pivot, three of the plane."""


@dataclass(frozen=True, kw_only=True)
class _State:
    """What is fitted; the axis stays."""

    pivot: Float[np.ndarray, "3"]
    plane: Float[np.ndarray, "4"]
    """Surface of the part at value 0, world frame: points x with plane . (x, 1) = 0."""
    values: Float[np.ndarray, "frame"]


def fit_shape(movers: MovingPoints, joint: ImageJoint, cost: Float[np.ndarray, "point"]) -> ImageJoint:
    """The joint with the pivot, steps and relief of a part of one shape.

    Args:
        movers: What moves.
        joint: As it was found; its axis stays.
        cost: Of the points before it was found.
    """
    fit = _Fit(movers, joint, cost)
    begin = fit.begin()
    scales = _BEGINS[:1] if joint.slides else _BEGINS
    found = [fit.ascend(dataclasses.replace(begin, values=scale * begin.values)) for scale in scales]
    return fit.as_joint(max(found, key=fit.objective))


class _Fit:
    """The objective of one joint, and how it is climbed."""

    def __init__(self, movers: MovingPoints, joint: ImageJoint, cost: Float[np.ndarray, "point"]) -> None:
        self.movers, self.joint, self.cost = movers, joint, cost
        self.num_frames = len(joint.relief)
        self.first, self.second = movers.pairs[movers.pair].T
        self.differences = differences_of(movers.pairs, self.num_frames)
        self.origins = movers.points - movers.rays
        self.center = np.median(movers.points, axis=0)
        self.walk = walk_prior(self.num_frames, joint, movers.size)
        self.unit = movers.size if joint.slides else 1.0
        across = any_perpendicular(joint.axis)
        self.across = np.stack([across, np.cross(joint.axis, across)])

    def begin(self) -> _State:
        """Values as they were found, and the plane through what the joint explains in the frame where that is most."""
        movers = self.movers
        saved = np.maximum(self.cost - movers.costs(self.joint), 0)
        frame = int(np.argmax(np.bincount(self.first, weights=saved, minlength=self.num_frames)))
        own = self.first == frame
        rays, weight = movers.rays[own], saved[own] + 1e-9
        squared = rays.T @ (weight[:, None] * rays)
        normal = np.linalg.solve(squared + 1e-6 * np.trace(squared) * np.eye(3), rays.T @ weight)
        plane = np.append(normal, -1.0 - normal @ self.origins[own][0]) / np.linalg.norm(normal)
        values = frame_values(self.joint, movers.pairs, self.num_frames)
        return _State(pivot=self.joint.pivot, plane=plane, values=values - values[frame])

    def ascend(self, state: _State) -> _State:
        """The state at which the objective is largest, from one to begin with."""
        hold = np.full(_NUM_SHARED + self.num_frames, 1e-6)
        if self.joint.slides:
            hold[:2] = _FIXED
        return ascend(
            state, self.objective, self._equations,
            lambda now, change: self._moved(now, np.clip(change, -_MAX_STEP, _MAX_STEP)), hold,
        )  # fmt: skip

    def objective(self, state: _State) -> float:
        """What flow is explained, less what the surface is off the guessed depth; squared sigmas."""
        residuals, log_factors = self._look(state)
        off = self._relief(trust_of(residuals), log_factors)
        walked = float(state.values @ self.walk @ state.values)
        return self.movers.saved(costs_of(residuals), self.cost) - float(np.sum(off**2)) - walked

    def as_joint(self, state: _State) -> ImageJoint:
        """Its steps, and the relief that its surface asks for."""
        residuals, log_factors = self._look(state)
        relief = self._relief(trust_of(residuals), log_factors) * RELIEF_SIGMAS / np.sqrt(SHARED)
        steps = self.differences @ state.values
        return dataclasses.replace(self.joint, pivot=state.pivot, steps=steps, relief=relief)

    def _look(
        self, state: _State, *, ahead: float = 0.0
    ) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, "point"]]:
        """Residuals of points on the surface, and the logarithms by which their guessed depths are multiplied for that.

        Args:
            state: What is looked at.
            ahead: By which the values in second frames are larger.
        """
        movers, joint = self.movers, self.joint
        motions = dataclasses.replace(joint, pivot=state.pivot, steps=state.values).motions()
        planes = np.einsum("fji,j->fi", inverse(motions), state.plane)[self.first]
        along = np.sum(planes[:, :3] * movers.rays, axis=1)
        off = np.sum(planes[:, :3] * self.origins, axis=1) + planes[:, 3]
        factors = -off / np.where(np.abs(along) < 1e-12, 1e-12, along)
        inside = (factors > 1 / _MAX_FACTOR) & (factors < _MAX_FACTOR)
        inside &= dataclasses.replace(joint, pivot=state.pivot).is_near(movers.points, movers.rays)
        factors = np.clip(factors, 1 / _MAX_FACTOR, _MAX_FACTOR)
        steps = self.differences @ state.values + ahead
        carried = pair_motions(joint.axis, state.pivot, joint.slides, steps, movers.to_camera)
        log_factors = np.log(factors)
        return residuals_at(movers.arrays, carried, log_factors, inside), log_factors

    def _relief(
        self, trust: Float[np.ndarray, "point"], log_factors: Float[np.ndarray, "point"]
    ) -> Float[np.ndarray, "frame 3"]:
        """How far the surface lies from the guessed depth: a constant and slopes, fitted with a prior of none; sigmas."""
        columns = np.stack([np.ones(len(trust)), *self.movers.spots.T])

        def total(values: np.ndarray) -> np.ndarray:
            return np.bincount(self.first, weights=trust * values, minlength=self.num_frames)

        normal = np.array([[total(a * b) for b in columns] for a in columns]).transpose(2, 0, 1)
        right = np.array([total(log_factors * column) for column in columns]).T
        relief = np.linalg.solve(normal + np.diag(RELIEF_SIGMAS**-2.0), right[..., None])[..., 0]
        return np.sqrt(SHARED) * relief / RELIEF_SIGMAS

    def _equations(self, state: _State) -> tuple[Float[np.ndarray, "unknown unknown"], Float[np.ndarray, "unknown"]]:
        """Of a change as `_moved` takes it."""
        num = _NUM_SHARED + self.num_frames
        residuals, log_factors = self._look(state)
        trust = trust_of(residuals)
        off = self._relief(trust, log_factors)
        slopes, off_slopes = np.zeros((*residuals.shape, num)), np.zeros((*off.shape, num))
        for i, change in enumerate(_DIFFERENCE * np.eye(_NUM_SHARED, num)):
            found, factors = self._look(self._moved(state, change))
            slopes[..., i] = (found - residuals) / _DIFFERENCE
            off_slopes[..., i] = (self._relief(trust, factors) - off) / _DIFFERENCE
        # A residual depends on the values of its two frames only, the depth of a point on that of the first.
        later = dataclasses.replace(state, values=state.values + _DIFFERENCE * self.unit)
        by_both, factors = self._look(later)
        by_second = (self._look(state, ahead=_DIFFERENCE * self.unit)[0] - residuals) / _DIFFERENCE
        points, frames = np.arange(len(trust)), np.arange(self.num_frames)
        slopes[points, :, _NUM_SHARED + self.first] = (by_both - residuals) / _DIFFERENCE - by_second
        slopes[points, :, _NUM_SHARED + self.second] = by_second
        off_slopes[frames, :, _NUM_SHARED + frames] = (self._relief(trust, factors) - off) / _DIFFERENCE
        root = np.sqrt(trust_of(residuals, self.cost))[:, None]
        rows = np.concatenate([(root[..., None] * slopes).reshape(-1, num), off_slopes.reshape(-1, num)])
        normal, right = rows.T @ rows, -rows.T @ np.concatenate([(root * residuals).ravel(), off.ravel()])
        normal[_NUM_SHARED:, _NUM_SHARED:] += self.walk
        right[_NUM_SHARED:] -= self.walk @ state.values
        return normal, right

    def _moved(self, state: _State, change: Float[np.ndarray, "unknown"]) -> _State:
        """A state after a change of pivot (2), plane (3) and values, in rad and median depths."""
        normal = state.plane[:3]
        across = any_perpendicular(normal)
        turned = rotation_from_rotvec(change[2] * across + change[3] * np.cross(normal, across)) @ normal
        # The plane turns about the middle of what moves, where it is known best.
        offset = state.plane[3] + (normal - turned) @ self.center + self.movers.size * change[4]
        return _State(
            pivot=state.pivot + self.movers.size * (change[:2] @ self.across),
            plane=np.append(turned, offset),
            values=state.values + self.unit * change[_NUM_SHARED:],
        )
