"""A clip's pool of hypotheses: guessed from flow, judged, joined by guesses from surfaces, the promising ones fitted."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from sim2art.networks.judge import Judge
from sim2art.observation.point_video import PointVideo
from sim2art.predict.fitting import Judgement
from sim2art.predict.judging import Draw, evidence_for
from sim2art.predict.second_look import SecondLookConfig, look_again
from sim2art.proposals.changed_places import measure_change
from sim2art.proposals.drawing import draw_moving
from sim2art.proposals.evidence import EvidenceConfig, Surface, index_video
from sim2art.proposals.hypotheses import Hypotheses, join_hypotheses
from sim2art.proposals.main_directions import find_main_directions
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.rest_pose import disc_normals
from sim2art.proposals.smoothing import WHOLE_RADIUS, smooth_flow
from sim2art.proposals.surface_grid import index_surface
from sim2art.proposals.surface_guesses import SurfaceGuessConfig, guess_from_surfaces
from sim2art.proposals.turns_in_place import TurnsInPlaceConfig, guess_turns_in_place


@dataclass(frozen=True, kw_only=True)
class PoolConfig:
    """How a pool comes about."""

    num_drawn: int = 512
    """Points a frame that hypotheses come from and are fitted to (`draw_moving`)."""
    num_judged: int = 256
    """Of these, the points that the pool is judged on."""
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    turns_in_place: TurnsInPlaceConfig | None = None
    """Of guesses for wheels and knobs, for views from the part that these may sit on."""
    num_kept: int = 24
    """Of the hypotheses from flow, those that score best are kept: as many as the judge saw side by side in training."""
    num_compared: int = 12
    """Of all, those that score best, which stand beside each other when fits are judged."""
    surface_guesses: SurfaceGuessConfig = field(default_factory=SurfaceGuessConfig)
    explains: float = 0.5
    """What a hypothesis with a higher score claims needs no guess from surfaces."""
    second_look: SecondLookConfig = field(default_factory=SecondLookConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)


class Observed(NamedTuple):
    """A clip made ready to be judged."""

    video: PointVideo
    """In normalised coordinates."""
    smoothed: PointVideo
    """The same with smooth flow."""
    surface: Surface
    normals: Float[np.ndarray, "frame point 3"]
    """Of either sign; zeros where there are none."""
    directions: Float[np.ndarray, "direction 3"]
    """That axes are likely to lie along."""


class Pool(NamedTuple):
    """Hypotheses and what was said of them."""

    hypotheses: Hypotheses
    judgement: Judgement
    by_flow: Bool[np.ndarray, "hypothesis"]
    """Whether flow gave the hypothesis; if not, surfaces alone did."""


def observe(video: PointVideo, evidence: EvidenceConfig) -> Observed:
    """Smooth the flow and index the surfaces of a normalised video, for evidence such as a network reads (`evidence_for`)."""
    surface = index_video(video, evidence)
    known = surface.normals
    if known is None:
        known = disc_normals(index_surface(video.points_world, video.valid, evidence.num_clip_points))
    normals = np.zeros(video.points_world.shape, dtype=np.float32)
    normals[:, : known.shape[1]] = known
    smoothed = smooth_flow(video, radius=WHOLE_RADIUS)
    return Observed(video, smoothed, surface, normals, find_main_directions(normals))


def draw_points(
    network: Judge, observed: Observed, config: PoolConfig, rng: np.random.Generator
) -> tuple[Draw, Int[np.ndarray, "frame slot"]]:
    """Points to judge joints on, and the slots of the video that they come from."""
    slots = draw_moving(observed.smoothed, config.num_drawn, rng)
    draw = Draw(
        network=network,
        video=observed.smoothed.take(slots),
        normals=observed.normals[np.arange(len(slots))[:, None], slots],
        directions=observed.directions,
        surface=observed.surface,
        evidence=evidence_for(network, config.evidence),
        num_judged=config.num_judged,
    )
    return draw, slots


def gather_pool(
    draw: Draw,
    observed: Observed,
    slots: Int[np.ndarray, "frame slot"],
    config: PoolConfig,
    rng: np.random.Generator,
) -> Pool | None:
    """The pool of a draw; None when nothing moves."""
    guesses = propose(draw.video, config.proposals, rng, draw.directions)
    if not len(guesses):
        return None
    if config.turns_in_place is not None:
        turns = guess_turns_in_place(observed.smoothed, draw.directions, rng, config.turns_in_place)
        guesses = guesses if turns is None else join_hypotheses([guesses, turns])
    pool = _best(Pool(guesses, draw.judge(guesses), np.ones(len(guesses), dtype=bool)), config.num_kept)
    more = _guess_from_surfaces(draw, observed.video, slots, pool.judgement, config, rng)
    if more is not None:
        guesses = join_hypotheses([pool.hypotheses, more])
        pool = Pool(guesses, draw.judge(guesses), np.append(pool.by_flow, np.zeros(len(more), dtype=bool)))
    pool = _best(pool, config.num_compared)
    return Pool(*look_again(draw, pool.hypotheses, pool.judgement, config.second_look), pool.by_flow)


def _best(pool: Pool, count: int) -> Pool:
    """Those that score best, in their order."""
    chosen = np.sort(np.argsort(-pool.judgement.scores, kind="stable")[:count])
    return Pool(pool.hypotheses.take(chosen), pool.judgement.take(chosen), pool.by_flow[chosen])


def _guess_from_surfaces(
    draw: Draw,
    video: PointVideo,
    slots: np.ndarray,
    judgement: Judgement,
    config: PoolConfig,
    rng: np.random.Generator,
) -> Hypotheses | None:
    """Joints for what changed and no good hypothesis explains."""
    change = measure_change(video)[np.arange(video.num_frames)[:, None], slots]
    good = judgement.mask_logits[judgement.scores > config.explains]
    judged, claimed = np.zeros(change.shape, dtype=bool), np.zeros(change.shape, dtype=bool)
    judged[:, : draw.judged.shape[1]] = True
    claimed[judged] = np.any(good > 0, axis=0).ravel()
    return guess_from_surfaces(
        draw.video, draw.normals, change, judged & ~claimed, claimed, draw.directions, rng, config.surface_guesses
    )
