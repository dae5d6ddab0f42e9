"""The parts of one clip on their way through the refiner, and their start from an estimate."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import any_perpendicular
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.refine.kinematic_model import BASE, KinematicModel, make_model
from sim2art.observation.normalization import Normalization
from sim2art.observation.point_video import PointVideo

INVALID = BASE - 1
"""Label of slots without a point."""
MAX_OPINION = 3.0
"""A method's word on a joint type counts for no more log-odds than this: it looked at the same flow."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Moving parts: their joints, which points are theirs, and what the proposal said of them."""

    model: KinematicModel
    probabilities: Float[np.ndarray, "frame point part"]
    """Sums to 1; part 0 is the base, joint k carries part k + 1."""
    opinions: Float[np.ndarray, "joint"]
    """Log-odds of revolute by the proposal."""
    type_odds: Float[np.ndarray, "joint"]
    """Log-odds of revolute by all that is known."""
    confidences: Float[np.ndarray, "joint"]
    origins: Int[np.ndarray, "joint"]
    """Joint of the proposal that each came from."""
    support: Float[np.ndarray, "joint"]
    """Log-odds that the part moves as its joint says, against not moving in its parent."""
    num_joined: int = 0
    """Parts that were found to move as one with another, and were joined with it."""

    @property
    def num_joints(self) -> int:
        """Number of moving parts."""
        return self.model.num_joints

    def labels(self, video: PointVideo) -> Int[np.ndarray, "frame point"]:
        """The likeliest joint of each point, `BASE` for the static base, `INVALID` for slots without a point."""
        return np.where(video.valid, np.argmax(self.probabilities, axis=-1) - 1, INVALID)

    def take(self, kept: np.ndarray) -> "Parts":
        """Only the given joints; points of a dropped one go to the nearest kept part that it hangs on, or to the base."""
        kept = np.asarray(kept, dtype=np.int64)
        probabilities = self.probabilities[..., np.concatenate([[0], kept + 1])].copy()
        places = {int(old): new for new, old in enumerate(kept)}
        for part in np.setdiff1d(np.arange(self.num_joints), kept):
            hosts = [places[host] for host in self.model.ancestors(int(part)) if host in places]
            probabilities[..., hosts[-1] + 1 if hosts else 0] += self.probabilities[..., part + 1]
        return dataclasses.replace(
            self,
            model=self.model.take(kept),
            probabilities=probabilities,
            opinions=self.opinions[kept],
            type_odds=self.type_odds[kept],
            confidences=self.confidences[kept],
            origins=self.origins[kept],
            support=self.support[kept],
        )

    def merged(self, kept: int, absorbed: int) -> "Parts":
        """Two parts as one that moves like `kept`."""
        probabilities = self.probabilities.copy()
        probabilities[..., kept + 1] += probabilities[..., absorbed + 1]
        probabilities[..., absorbed + 1] = 0.0
        parents = self.model.parents.copy()
        parents[parents == absorbed] = kept
        if parents[kept] == kept:
            parents[kept] = self.model.parents[absorbed]
        joined = dataclasses.replace(
            self,
            probabilities=probabilities,
            model=dataclasses.replace(self.model, parents=parents),
            num_joined=self.num_joined + 1,
        )
        return joined.take(np.delete(np.arange(self.num_joints), absorbed))


def parts_from_estimate(video: PointVideo, normalization: Normalization, estimate: ArticulationEstimate) -> Parts:
    """The estimate's parts in normalised coordinates; what is not finite in it is replaced by harmless values.

    Args:
        video: In normalised coordinates.
    """
    shape = (*video.valid.shape, len(estimate.joints) + 1)
    probabilities = np.clip(np.nan_to_num(estimate.part_probabilities), 0.0, 1.0).astype(np.float64)
    total = probabilities.sum(axis=-1, keepdims=True)
    probabilities = np.where(total > 1e-6, probabilities / np.maximum(total, 1e-6), np.eye(shape[-1])[0])
    guesses, parents, opinions = [], [], []
    names = [answer.joint.child for answer in estimate.joints]
    for index, answer in enumerate(estimate.joints):
        joint = answer.joint
        turns = joint.type is JointType.REVOLUTE
        values = np.nan_to_num(estimate.trajectory.values[:, index] / (1.0 if turns else normalization.scale))
        pivot = np.zeros(3) if joint.pivot is None else normalization.apply(joint.pivot)
        axis = joint.axis if np.all(np.isfinite(joint.axis)) else any_perpendicular(np.array([1.0, 0.0, 0.0]))
        guesses.append(
            JointGuess(
                is_revolute=turns,
                axis=np.array(axis, dtype=np.float64),
                pivot=np.clip(pivot, -50.0, 50.0),
                values=np.clip(values - values[0], -20.0, 20.0),
            )
        )
        parents.append(names.index(joint.parent) if joint.parent in names else BASE)
        shares = [answer.type_probabilities.get(kind, 0.0) for kind in (JointType.REVOLUTE, JointType.PRISMATIC)]
        opinions.append(float(np.clip(np.log((shares[0] + 1e-3) / (shares[1] + 1e-3)), -MAX_OPINION, MAX_OPINION)))
    count = len(guesses)
    return Parts(
        model=make_model(guesses, parents, video.world_from_camera[:, :3, 3]),
        probabilities=probabilities,
        opinions=np.array(opinions),
        type_odds=np.array(opinions),
        confidences=np.clip(np.nan_to_num([answer.confidence for answer in estimate.joints]), 0.0, 1.0).reshape(count),
        origins=np.arange(count),
        support=np.zeros(count),
    )
