"""How good the observed flow is, before any method sees it: end-point errors against the motion that the truth gives.

Names as in the scene flow literature (EPE3D, AccS, AccR, Outliers), and shares scaled to the object, because 5 cm is
much for scissors and little for a wardrobe. The truth is taken at the observed points, which carry depth noise too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.dataset.true_flow import move_points
from sim2art.geometry.transforms import inverse
from sim2art.observation.normalization import fit_normalization

SIZE_SHARES = (0.01, 0.02, 0.05)


@dataclass(frozen=True, kw_only=True)
class FlowScore:
    """The flow of one clip (or the mean over clips) at one baseline. Shares 0..1; None without such points."""

    baseline: int
    """Frames ahead."""
    measured: float
    """Share of points whose flow was measured, where frame t + baseline exists."""
    still_cm: float | None
    """Median error of points that stand still."""
    moving_cm: float | None
    """EPE3D: mean error of points that move."""
    moving_median_cm: float | None
    strict: float | None
    """AccS: moving points within 5 cm or 5 %."""
    relaxed: float | None
    """AccR: moving points within 10 cm or 10 %."""
    outliers: float | None
    """Moving points off by more than 30 cm or 10 %."""
    within_size: tuple[float, ...] | None
    """Moving points off by less than 1, 2, 5 % of the object's size (the longest side of the clip's box)."""


def score_flow(clip: Clip) -> tuple[FlowScore, ...]:
    """Scores of a clip's flow, one for each baseline."""
    motions = link_motions(clip.truth, clip.trajectory.values)
    size = 2 * fit_normalization(clip.video).scale
    return tuple(_score_baseline(clip, index, motions, size) for index in range(len(clip.video.baselines)))


def mean_flow(scores: Sequence[tuple[FlowScore, ...]]) -> tuple[FlowScore, ...]:
    """The mean over clips, baseline by baseline; clips without such points do not count."""
    if not scores:
        return ()
    return tuple(_mean(column) for column in zip(*scores, strict=True))


def _score_baseline(clip: Clip, index: int, motions: Float[np.ndarray, "frame link 4 4"], size: float) -> FlowScore:
    video = clip.video
    baseline = video.baselines[index]
    starts = max(video.num_frames - baseline, 0)
    steps = motions[baseline:] @ inverse(motions[:starts])
    parts, points = clip.part_ids[:starts], video.points_world[:starts]
    true_flow = move_points(steps, parts, points)
    known = video.flow_valid[index, :starts]
    error = np.linalg.norm(video.flow_world[index, :starts] - true_flow, axis=-1)[known]
    length = np.linalg.norm(true_flow, axis=-1)[known]
    # A hundredth of the object: less is lost in any sensor's noise, and a relative error means nothing.
    moves = length > 0.01 * size
    relative = error[moves] / length[moves]
    return FlowScore(
        baseline=baseline,
        measured=float(known.sum() / max(video.valid[:starts].sum(), 1)),
        still_cm=100 * float(np.median(error[length == 0])) if np.any(length == 0) else None,
        moving_cm=100 * float(np.mean(error[moves])) if moves.any() else None,
        moving_median_cm=100 * float(np.median(error[moves])) if moves.any() else None,
        strict=float(np.mean((error[moves] < 0.05) | (relative < 0.05))) if moves.any() else None,
        relaxed=float(np.mean((error[moves] < 0.10) | (relative < 0.10))) if moves.any() else None,
        outliers=float(np.mean((error[moves] > 0.30) | (relative > 0.10))) if moves.any() else None,
        within_size=tuple(float(np.mean(error[moves] / size < share)) for share in SIZE_SHARES)
        if moves.any()
        else None,
    )


def _mean(scores: tuple[FlowScore, ...]) -> FlowScore:
    means = {}
    for field in fields(FlowScore):
        values = [getattr(score, field.name) for score in scores if getattr(score, field.name) is not None]
        means[field.name] = np.mean(values, axis=0).tolist() if values else None
    within = means["within_size"]
    return FlowScore(
        **{**means, "baseline": scores[0].baseline, "within_size": None if within is None else tuple(within)}
    )
