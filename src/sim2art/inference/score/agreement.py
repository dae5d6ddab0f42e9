"""How far a hypothesis is from a true joint: by the motion it gives to the true part's points. Labels and oracles."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from sim2art.geometry.rotations import line_angle
from sim2art.geometry.transforms import apply, inverse
from sim2art.inference.hypotheses import Hypotheses


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Hypotheses against true moving parts."""

    errors: Float[np.ndarray, "hypothesis part"]
    """Root mean square error of the motion over that of the true motion (plus a small constant); 0 is perfect."""
    axis_angles: Float[np.ndarray, "hypothesis part"]
    """Angle (rad) between the axes."""


def measure_agreement(
    hypotheses: Hypotheses,
    true_motions: Float[np.ndarray, "part frame 4 4"],
    true_axes: Float[np.ndarray, "part 3"],
    points: Float[np.ndarray, "frame point 3"],
    part_ids: Int[np.ndarray, "frame point"],
    *,
    rng: np.random.Generator,
    num_samples: int = 48,
    softening: float = 0.03,
) -> Agreement:
    """Compare each hypothesis with each true moving part, in normalised units.

    Args:
        true_motions: What carries part j + 1 from frame 0 to each frame.
        part_ids: Part of each point; 0 (and below) is not compared.
        softening: Added to the size of the true motion, so that noise on nearly still parts counts less.
    """
    num_parts, num_frames = true_motions.shape[:2]
    errors = np.full((len(hypotheses), num_parts), np.inf)
    angles = np.full((len(hypotheses), num_parts), np.pi / 2)
    if len(hypotheses) == 0:
        return Agreement(errors=errors, axis_angles=angles)
    guessed = hypotheses.motions()
    for part in range(num_parts):
        angles[:, part] = line_angle(hypotheses.axes.astype(np.float64), true_axes[part][None])
        places = np.argwhere(part_ids == part + 1)
        if len(places) == 0:
            continue
        places = places[rng.integers(len(places), size=num_samples)]
        start = places[:, 0]
        # Half of the samples go to a neighbouring frame, where flow is seen; half anywhere, where drift shows.
        stop = rng.integers(num_frames, size=num_samples)
        stop[::2] = np.minimum(start[::2] + 1, num_frames - 1)
        x = points[places[:, 0], places[:, 1]][:, None].astype(np.float64)
        truth = apply(true_motions[part, stop] @ inverse(true_motions[part, start]), x)
        moved = apply(guessed[:, stop] @ inverse(guessed[:, start]), x[None])
        far = np.s_[1::2]
        size = np.sqrt(np.mean(np.sum((truth - x)[far] ** 2, axis=-1)))
        error = np.sqrt(np.mean(np.sum((moved - truth[None]) ** 2, axis=-1)[:, far, 0], axis=1))
        near_size = np.sqrt(np.mean(np.sum((truth - x)[::2] ** 2, axis=-1)))
        near_error = np.sqrt(np.mean(np.sum((moved - truth[None]) ** 2, axis=-1)[:, ::2, 0], axis=1))
        errors[:, part] = 0.5 * error / (size + softening) + 0.5 * near_error / (near_size + softening)
    return Agreement(errors=errors, axis_angles=angles)
