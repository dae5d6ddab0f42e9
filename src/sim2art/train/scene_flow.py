"""What the scene flow network trains on: pairs of frames of simulated clips, with exact flow at the observed points.

The points of the two frames are drawn independently, as in any recording, so no point has a partner. A clip costs more
than a pair, so several pairs are taken from each; all of it is NumPy and runs in worker processes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sim2art.articulation.kinematics import link_motions
from sim2art.dataset.clip import Clip
from sim2art.dataset.true_flow import move_points
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import inverse
from sim2art.networks.scene_flow import SceneFlowOutput
from sim2art.networks.scene_flow_cues import measure_cues
from sim2art.observation.normalization import normalize_box
from sim2art.train.losses import Total, alone, mean_of

_MOVES = 0.01
"""Normalised: points that go less far count as standing still."""
_MATCH_SPREAD = 0.03
"""Normalised: points of the other frame this near to where a point goes are right answers, the nearer the more."""
_MATCH_REACH = 0.08
"""Without a point this near, a point has no match: it is hidden there."""
_RIGHT = 0.02
_RIGHT_SHARE = 0.1
"""Flow off by less than this (normalised), plus this share of its length, can be trusted."""
_WEIGHTS = {"match": 0.05, "moves": 0.2, "trust": 0.1}


@dataclass(frozen=True, kw_only=True)
class PairConfig:
    """What pairs are drawn from a clip."""

    num_pairs: int = 4
    """Pairs of frames a clip."""
    num_points: int = 512
    """Points a frame."""
    short_share: float = 0.3
    """Pairs of neighbouring frames."""
    ends_share: float = 0.15
    """Pairs of the first and the last frame; the rest lie any number of frames apart."""
    turn: float = 0.5
    """Pairs are turned by up to this angle about any axis, rad."""
    stretch: float = 0.15
    """And scaled by up to this share up or down."""


class PairExample(NamedTuple):
    """Pairs of one clip, normalised, float32."""

    first: np.ndarray
    """(pair, point, 3)."""
    second: np.ndarray
    """(pair, point, 3)."""
    flow: np.ndarray
    """(pair, point, 3): of the first frame's points."""
    first_cues: np.ndarray
    """(pair, point, cue): see `networks.scene_flow_cues`."""
    second_cues: np.ndarray
    """(pair, point, cue)."""


def make_pair_example(clip: Clip, config: PairConfig, rng: np.random.Generator) -> PairExample:
    """Pairs of frames of a clip; either may be the earlier one."""
    motions = link_motions(clip.truth, clip.trajectory.values)
    usable = np.flatnonzero(clip.video.valid.sum(axis=1) >= 16)
    if len(usable) == 0:  # The object left the image at once; the generator refuses nearly all of these.
        usable = np.arange(clip.video.num_frames)
    pairs = []
    for _ in range(config.num_pairs):
        a, b = _draw_frames(usable, config, rng)
        first, second = _draw_points(clip, a, rng), _draw_points(clip, b, rng)
        points, others = clip.video.points_world[a][first], clip.video.points_world[b][second]
        flow = move_points(motions[b] @ inverse(motions[a]), clip.part_ids[a][first], points)
        normalization = normalize_box(np.concatenate([points, others]))
        change = _draw_change(config, rng)
        points, others = (normalization.apply(cloud) @ change.T for cloud in (points, others))
        few, few_others = _resized(points, config.num_points), _resized(others, config.num_points)
        pairs.append(
            (
                few,
                few_others,
                _resized(flow / normalization.scale @ change.T, config.num_points),
                measure_cues(few, others),
                measure_cues(few_others, points),
            )
        )
    return PairExample(*(np.array(column, dtype=np.float32) for column in zip(*pairs, strict=True)))


def scene_flow_loss(output: SceneFlowOutput, batch: dict[str, Tensor], total: Total = alone) -> dict[str, Tensor]:
    """Distance to the true flow at every stage, and whether matches, motion and trust are right; "total" is the sum.

    Departs from GMSF: the match is supervised too, by the true place among the other frame's points, and points that move
    count as much as the many that stand still. In several processes each term is this process's share.
    """
    second, flow = batch["second"].flatten(0, 1), batch["flow"].flatten(0, 1)
    first = batch["first"].flatten(0, 1)
    moving = torch.linalg.norm(flow, dim=-1) > _MOVES

    def off(guess: Float[Tensor, "pair point 3"]) -> Tensor:
        error = torch.linalg.norm(guess - flow + 1e-8, dim=-1)
        return mean_of(error, moving, total) + mean_of(error, ~moving, total)

    distance = torch.cdist(first + flow, second)
    seen = distance.amin(dim=-1) < _MATCH_REACH
    wanted = (-0.5 * (distance / _MATCH_SPREAD).square()).softmax(dim=-1)
    match = -(wanted * output.similarity.log_softmax(dim=-1)).sum(dim=-1)
    error = torch.linalg.norm(output.flow.detach() - flow, dim=-1)
    right = (error < _RIGHT + _RIGHT_SHARE * torch.linalg.norm(flow, dim=-1)).to(error.dtype)
    everywhere = torch.ones_like(moving)
    moves = functional.binary_cross_entropy_with_logits(output.moves, moving.to(flow.dtype), reduction="none")
    trust = functional.binary_cross_entropy_with_logits(output.trusted, right, reduction="none")
    terms = {
        "flow": off(output.flow),
        "smoothed": off(output.smoothed),
        "matched": off(output.matched),
        "match": _WEIGHTS["match"] * (mean_of(match, seen & moving, total) + mean_of(match, seen & ~moving, total)),
        "moves": _WEIGHTS["moves"] * (mean_of(moves, moving, total) + mean_of(moves, ~moving, total)),
        "trust": _WEIGHTS["trust"] * mean_of(trust, everywhere, total),
    }
    whole = torch.stack(list(terms.values())).sum()
    # Shown beside the loss, not part of it: the answer's error where things move, and the error of no flow at all.
    shown = {
        "moving": mean_of(error, moving, total).detach(),
        "zero": mean_of(torch.linalg.norm(flow, dim=-1), moving, total).detach(),
    }
    return {**terms, **shown, "total": whole}


def _draw_frames(usable: np.ndarray, config: PairConfig, rng: np.random.Generator) -> tuple[int, int]:
    kind = rng.uniform()
    if len(usable) < 2:
        return int(usable[0]), int(usable[0])
    if kind < config.short_share:
        start = rng.integers(len(usable) - 1)
        pair = usable[start], usable[start + 1]
    elif kind < config.short_share + config.ends_share:
        pair = usable[0], usable[-1]
    else:
        pair = tuple(np.sort(rng.choice(usable, 2, replace=False)))
    a, b = (int(frame) for frame in pair)
    return (a, b) if rng.uniform() < 0.7 else (b, a)


def _draw_points(clip: Clip, frame: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of all points of a frame, in random order."""
    valid = np.flatnonzero(clip.video.valid[frame])
    return rng.permutation(valid if len(valid) else np.arange(clip.video.num_points))


def _resized(values: np.ndarray, count: int) -> np.ndarray:
    """The first `count` values; again the same ones when there are too few."""
    return np.resize(values, (count, values.shape[1]))


def _draw_change(config: PairConfig, rng: np.random.Generator) -> Float[np.ndarray, "3 3"]:
    """A small turn, a change of size and, half the time, a mirror."""
    axis = rng.standard_normal(3)
    turn = rotation_from_rotvec(axis / np.linalg.norm(axis) * rng.uniform(0, config.turn))
    mirror = np.diag([rng.choice([-1.0, 1.0]), 1.0, 1.0])
    return rng.uniform(1 - config.stretch, 1 + config.stretch) * turn @ mirror
