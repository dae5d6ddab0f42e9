"""Pools of hypotheses for training like those that decoding judges: with what was guessed besides pairs of frames."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from sim2art.predict.pool import Observed
from sim2art.proposals.changed_places import measure_change
from sim2art.proposals.hypotheses import Hypotheses, join_hypotheses
from sim2art.proposals.propose import ProposalConfig, propose
from sim2art.proposals.surface_guesses import SurfaceGuessConfig, guess_from_surfaces
from sim2art.proposals.turns_in_place import TurnsInPlaceConfig, guess_turns_in_place


@dataclass(frozen=True, kw_only=True)
class GuessShares:
    """In which share of the examples the rarer kinds of guesses are, fewer of them than decoding makes."""

    turns_share: float = 0.5
    turns: TurnsInPlaceConfig = field(default_factory=lambda: TurnsInPlaceConfig(num_guesses=8))
    surface_share: float = 0.3
    surfaces: SurfaceGuessConfig = field(default_factory=lambda: SurfaceGuessConfig(num_seeds=6, num_followed=2))


def guess_as_decoding(
    observed: Observed,
    slots: Int[np.ndarray, "frame slot"],
    proposals: ProposalConfig,
    shares: GuessShares,
    rng: np.random.Generator,
    most: int,
) -> Hypotheses:
    """A pool along main directions; guesses that are not from pairs of frames come first, as they are few.

    Args:
        observed: The clip in normalised coordinates.
        slots: The points drawn from it.
        most: Of a pool that may hold this many, guesses from pairs get half at least.
    """
    frames = np.arange(observed.video.num_frames)[:, None]
    drawn = observed.smoothed.take(slots)
    others: list[Hypotheses | None] = []
    from_pairs = propose(drawn, proposals, rng, observed.directions)
    if rng.random() < shares.turns_share:
        others.append(guess_turns_in_place(observed.smoothed, observed.directions, rng, shares.turns))
    if rng.random() < shares.surface_share:
        change = measure_change(observed.video)[frames, slots]
        everywhere = np.ones(change.shape, dtype=bool)
        normals = observed.normals[frames, slots]
        others.append(
            guess_from_surfaces(
                drawn, normals, change, everywhere, ~everywhere, observed.directions, rng, shares.surfaces
            )
        )
    found = [guesses for guesses in others if guesses is not None and len(guesses)]
    room = max(most - sum(map(len, found)), most // 2)
    return join_hypotheses([*found, from_pairs.take(np.arange(min(len(from_pairs), room)))])
