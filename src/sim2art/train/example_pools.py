"""Pools of hypotheses for training like those of inference: with what was guessed besides pairs of frames."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int

from sim2art.inference.hypotheses import Hypotheses, join_hypotheses
from sim2art.inference.propose.changed_places import measure_change
from sim2art.inference.propose.from_flow import ProposalConfig, propose
from sim2art.inference.propose.from_surfaces import SurfaceGuessConfig, guess_from_surfaces
from sim2art.inference.scene import Scene
from sim2art.observation.point_video import PointVideo


@dataclass(frozen=True, kw_only=True)
class GuessShares:
    """In which share of the examples hypotheses from surfaces are, fewer of them than inference makes."""

    surface_share: float = 0.3
    surfaces: SurfaceGuessConfig = field(default_factory=lambda: SurfaceGuessConfig(num_seeds=6, num_followed=2))


def propose_as_inference(
    scene: Scene,
    strays: PointVideo,
    slots: Int[np.ndarray, "frame slot"],
    is_open: Bool[np.ndarray, "frame slot"],
    proposals: ProposalConfig,
    shares: GuessShares,
    rng: np.random.Generator,
    most: int,
) -> Hypotheses:
    """A pool along main directions; guesses that are not from pairs of frames come first, as they are few.

    Args:
        scene: The clip in normalised coordinates.
        strays: Its smoothed points with the flow that no known part explains.
        slots: The points drawn from it.
        is_open: Drawn points that belong to no known part.
        most: Of a pool that may hold this many, guesses from pairs get half at least.
    """
    frames = np.arange(scene.video.num_frames)[:, None]
    drawn = strays.take(slots)
    others: list[Hypotheses | None] = []
    from_pairs = propose(drawn, proposals, rng, scene.directions)
    if rng.random() < shares.surface_share:
        change = measure_change(scene.video)[frames, slots] * is_open
        whole, normals = scene.smoothed.take(slots), scene.normals[frames, slots]
        others.append(
            guess_from_surfaces(whole, normals, change, is_open, ~is_open, scene.directions, rng, shares.surfaces)
        )
    found = [guesses for guesses in others if guesses is not None and len(guesses)]
    room = max(most - sum(map(len, found)), most // 2)
    return join_hypotheses([*found, from_pairs.take(np.arange(min(len(from_pairs), room)))])
