"""Which hypotheses to believe: a small set, best score first, each with points of its own."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from sim2art.inference.judging import Judgement
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class SelectionConfig:
    """What a believed hypothesis must have."""

    min_share: float = 0.004
    """Share of the points that its mask covers at least."""
    max_overlap: float = 0.5
    """A hypothesis whose mask is covered by accepted ones to more than this share is left out."""


def select(
    judgement: Judgement, video: PointVideo, min_score: float, config: SelectionConfig
) -> Int[np.ndarray, "chosen"]:
    """Indices of the hypotheses to believe, best score first.

    Args:
        judgement: Of the hypotheses.
        video: The judged points are the first slots of each of its frames.
        min_score: A hypothesis that scores lower is left out.
        config: Settings.
    """
    valid = video.valid[:, : judgement.mask_logits.shape[2]]
    masks = (judgement.mask_logits > 0) & valid[None]
    claimed = np.zeros_like(valid)
    chosen: list[int] = []
    for index in np.argsort(-judgement.scores, kind="stable"):
        if judgement.scores[index] < min_score:
            break
        size = masks[index].sum()
        if size < config.min_share * valid.sum() or (masks[index] & claimed).sum() > config.max_overlap * size:
            continue
        chosen.append(int(index))
        claimed |= masks[index]
    return np.array(chosen, dtype=int)
