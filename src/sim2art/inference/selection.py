"""Which hypotheses to believe: a small set, best score first, each with points of its own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.hypotheses import Hypotheses
from sim2art.inference.judging import Judgement
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """What a believed hypothesis must have."""

    min_share: float = 0.004
    """Share of the points that its mask covers at least."""
    max_claimed: float = 0.5
    """A hypothesis of whose points accepted ones claim more than this share is left out."""
    min_difference: float = 0.8
    """Two motions of a point are different if they lead it apart by more than this share of the way that it goes: by all of
    it where one opens after the other."""


def select(
    judgement: Judgement,
    pool: Hypotheses,
    is_known: Bool[np.ndarray, "hypothesis"],
    video: PointVideo,
    min_score: float,
    config: SelectionConfig,
) -> Int[np.ndarray, "chosen"]:
    """Indices of the hypotheses to believe, best score first.

    A point of two masks is claimed by the accepted hypothesis if both move it alike, or if its verdict on the point is the
    surer one: masks of parts that look alike and move one after another spill over each other, their motions differ.

    Args:
        judgement: Of the hypotheses.
        pool: The hypotheses.
        is_known: Those that were believed before: only a better one of the same motion takes their place.
        video: In normalised coordinates; the judged points are the first slots of each of its frames.
        min_score: A hypothesis that scores lower is left out.
        config: Settings.
    """
    num_judged = judgement.mask_logits.shape[2]
    valid = video.valid[:, :num_judged]
    points = video.points_world[:, :num_judged]
    masks = (judgement.mask_logits > 0) & valid[None]
    motions = pool.motions()
    chosen: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < min_score:
            break
        size = masks[index].sum()
        if size < config.min_share * valid.sum():
            continue
        claimed = np.zeros_like(valid)
        for other in chosen:
            shared = masks[index] & masks[other] & ~claimed
            surer = (judgement.mask_logits[other] >= judgement.mask_logits[index]) & ~is_known[index]
            claimed |= shared & surer
            contested = shared & ~surer
            claimed[contested] = move_alike(points, contested, motions[index], motions[other], config.min_difference)
        if claimed.sum() <= config.max_claimed * size:
            chosen.append(int(index))
    return np.array(chosen, dtype=int)


def move_alike(
    points: Float[np.ndarray, "frame point 3"],
    asked: Bool[np.ndarray, "frame point"],
    first: Float[np.ndarray, "frame 4 4"],
    second: Float[np.ndarray, "frame 4 4"],
    min_difference: float,
) -> Bool[np.ndarray, "asked"]:
    """Whether two motions lead the points that are asked about nearly the same way through the clip."""
    frames, slots = np.nonzero(asked)
    places = points[frames, slots].astype(np.float64)[:, None]
    ways = [
        apply(motion[None] @ inverse(motion[frames])[:, None], places[:, :, None])[:, :, 0]
        for motion in (first, second)
    ]
    apart = np.linalg.norm(ways[0] - ways[1], axis=-1).max(axis=1)
    longest = np.max([np.linalg.norm(way - places, axis=-1).max(axis=1) for way in ways], axis=0)
    return apart <= min_difference * longest
