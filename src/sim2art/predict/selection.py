"""Which hypotheses to believe: a small set, best score first, each with points or with a motion of its own."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.point_video import PointVideo
from sim2art.proposals.hypotheses import Hypotheses

NUM_SAMPLES = 48
"""Points on which two motions are compared."""
SOFTENING = 0.03
"""Added to the size of a motion, normalised units: nearly still ones do not differ by noise."""


class Judged(Protocol):
    """What selection needs of a judgement."""

    @property
    def mask_logits(self) -> np.ndarray:
        """(hypothesis, frame, point)."""
        ...

    @property
    def scores(self) -> np.ndarray:
        """(hypothesis), 0..1."""
        ...


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """What a believed hypothesis must have."""

    min_share: float = 0.004
    """Share of the points that its mask covers at least."""
    max_overlap: float = 0.5
    """Share of its mask that accepted hypotheses of the same motion may cover at most."""
    max_contested: float = 0.85
    """The same for accepted hypotheses that move otherwise: two neighbouring parts often claim each other's points."""
    min_contested_score: float = 0.4
    """Score without which a hypothesis may not contest the points of another."""
    same_motion: float = 0.35
    """Two motions that differ by less than this share of their size are one."""


def select(
    judgement: Judged, pool: Hypotheses, video: PointVideo, threshold: float, config: SelectionConfig
) -> Int[np.ndarray, "chosen"]:
    """Indices of the hypotheses to believe, best score first.

    Args:
        video: In normalised coordinates; the judged points are the first slots of each frame.
        threshold: Hypotheses that score lower are left out.
    """
    judged = judgement.mask_logits.shape[2]
    valid = video.valid[:, :judged]
    masks = (judgement.mask_logits > 0) & valid[None]
    chosen: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < threshold:
            break
        size = masks[index].sum()
        if size < max(config.min_share * valid.sum(), 1):
            continue
        twins = [k for k in chosen if _moves_alike(pool, k, index, masks[k] & masks[index], video, config)]
        others = [k for k in chosen if k not in twins]
        contested = _covered(masks, index, others) / size
        if _covered(masks, index, twins) > config.max_overlap * size or contested > config.max_contested:
            continue
        if contested > config.max_overlap and judgement.scores[index] < config.min_contested_score:
            continue
        chosen.append(int(index))
    return np.array(chosen, dtype=int)


def _covered(masks: Bool[np.ndarray, "hypothesis frame point"], index: int, others: list[int]) -> int:
    """How many points of a mask the masks of others cover."""
    return int((masks[index] & masks[others].any(axis=0)).sum()) if others else 0


def _moves_alike(
    pool: Hypotheses,
    one: int,
    other: int,
    shared: Bool[np.ndarray, "frame point"],
    video: PointVideo,
    config: SelectionConfig,
) -> bool:
    """Whether two hypotheses carry the points that both claim the same way, through the whole clip."""
    places = np.argwhere(shared)
    if len(places) == 0:
        return False
    places = places[np.linspace(0, len(places) - 1, NUM_SAMPLES).astype(int)]
    start = places[:, 0]
    points = video.points_world[start, places[:, 1]]
    motions = pool.take(np.array([one, other])).motions()
    paths = _paths(motions, start, points)
    size = np.sqrt(np.mean(np.sum((paths - points[:, None]) ** 2, axis=-1), axis=(1, 2))).max()
    difference = np.sqrt(np.mean(np.sum((paths[0] - paths[1]) ** 2, axis=-1)))
    return bool(difference < config.same_motion * (size + SOFTENING))


def _paths(
    motions: Float[np.ndarray, "hypothesis frame 4 4"],
    start: Int[np.ndarray, "sample"],
    points: Float[np.ndarray, "sample 3"],
) -> Float[np.ndarray, "hypothesis sample frame 3"]:
    """Where each hypothesis carries points from their start frames, in every frame."""
    rest = apply(inverse(motions[:, start]), points[None, :, None])
    return apply(motions[:, None], rest[:, :, None])[..., 0, :]
