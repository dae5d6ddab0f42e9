"""The safety net: motion that no part explains becomes a part of its own, when the evidence is strong.

Each host, the static base or a moving part, is seen in its own frame, where its points should stand still. What
moves there is given to the same proposals that the network starts from; the hypothesis that explains most is kept as
a candidate. So a missed part is found on the base, and a part that holds two motions is split.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from sim2art.observation.moving_frame import keep_points, seen_from
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import index_video
from sim2art.proposals.gains import GAIN_EVIDENCE, measure_gains
from sim2art.proposals.hypotheses import JointGuess
from sim2art.proposals.joint_fit import fit_joint, gather_part_flow
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.proposals.surface_steps import measure_surface_steps
from sim2art.refine.kinematic_model import BASE, KinematicModel


@dataclass(frozen=True, kw_only=True)
class RecoveryConfig:
    """What counts as a part that was missed."""

    num_points: int = 384
    """Points a frame and chunk that are judged at a time."""
    min_gain: float = 0.01
    """Least evidence of a new part, as a share of all points."""
    min_share: float = 0.006
    """Least share of all points that a new part holds."""
    sharpness: float = 4.0
    """Log-odds of a point for a unit of gain."""
    proposals: ProposalConfig = dataclasses.field(default_factory=lambda: ProposalConfig(num_hypotheses=16))


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A motion that explains points of a host better than standing still in it."""

    host: int
    guess: JointGuess
    """In the host's frame."""
    shares: Float[np.ndarray, "frame point"]
    """Probability that each point moves with it; 0 outside the host."""
    gain: float
    """Evidence as a share of all points."""


def find_candidate(
    video: PointVideo,
    model: KinematicModel,
    host: int,
    own: Bool[np.ndarray, "frame point"],
    config: RecoveryConfig,
    rng: np.random.Generator,
) -> Candidate | None:
    """The strongest motion among a host's points, seen from the host; None when there is none.

    Args:
        video: In normalised coordinates.
        host: A joint index, or `BASE`.
        own: Which points are the host's.
    """
    seen = video if host == BASE else seen_from(video, model.motions()[host])
    kept = keep_points(seen, own)
    if kept is None:
        return None
    packed, slots = kept
    smoothed = smooth_flow(packed, num_points=config.num_points)
    whole = smooth_flow(packed, radius=WHOLE_RADIUS)
    pool = propose(whole.take(draw_moving(whole, config.num_points, rng)), config.proposals, rng)
    if not len(pool):
        return None
    surface = index_video(seen, GAIN_EVIDENCE)
    gains = measure_gains(smoothed, surface, pool)
    totals = np.maximum(gains, 0.0).sum(axis=(1, 2))
    best = int(np.argmax(totals))
    # The first chunk stands for all of the host's points.
    scale = own.sum() / max(int(smoothed.valid.sum()), 1)
    gain = float(totals[best]) * scale / max(int(video.valid.sum()), 1)
    if gain < config.min_gain:
        return None
    shares = np.zeros(video.valid.shape)
    chosen = pool.take(np.array([best]))
    for first in range(0, packed.num_points, config.num_points):
        chunk = smoothed if first == 0 else smooth_flow(packed, first_point=first, num_points=config.num_points)
        gained = gains[best] if first == 0 else measure_gains(chunk, surface, chosen)[0]
        frames, points = np.nonzero(chunk.valid)
        odds = np.clip(config.sharpness * (gained[frames, points] - 0.1), -20, 20)
        shares[frames, slots[frames, first + points]] = 1 / (1 + np.exp(-odds))
    if (shares > 0.5).sum() < config.min_share * video.valid.sum():
        return None
    return Candidate(host=host, guess=search_values(seen, pool[best], shares), shares=shares, gain=gain)


def search_values(seen: PointVideo, guess: JointGuess, shares: Float[np.ndarray, "frame point"]) -> JointGuess:
    """The joint fitted to its points' flow, with its values also searched on surfaces, where motion outran the flow.

    Args:
        seen: In normalised coordinates, from where the joint's host stands still.
    """
    part = gather_part_flow(seen, shares)
    fitted = fit_joint(part, guess, num_rounds=5)
    return fit_joint(part, fitted, steps=measure_surface_steps(seen, shares, fitted))
