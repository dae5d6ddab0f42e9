"""Joint motions in large steps: quick swings there and back with pauses between, as a person moves a door who is in a hurry."""

import numpy as np
from jaxtyping import Float

_PEAK = 1.5
"""The largest step of an eased swing is this many times its mean."""


def sample_fast_profile(
    num_frames: int,
    window: tuple[float, float],
    swing_share: tuple[float, float],
    largest_step: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "frame"]:
    """Share of a joint's range (0..1) at each frame: one to four eased swings to either side, with and without pauses.

    Args:
        num_frames: Frames, evenly spaced in time.
        window: Share of the time before which nothing moves, and after which no swing begins.
        swing_share: Least and largest share of the range that the first swing covers.
        largest_step: Share of the range that a frame may bring; the largest step of a swing is 0.35 to 1 of it.
    """
    swing = rng.uniform(*swing_share)
    start = rng.choice([0.0, 1.0 - swing, rng.uniform(0.0, 1.0 - swing)])
    low, high = start, start + swing
    at_high = bool(rng.uniform() < 0.3)  # Most recordings open; some close.
    level = high if at_high else low
    values = np.full(num_frames, level)
    frame = round(window[0] * (num_frames - 1)) + int(rng.integers(1, 5))
    for turn in range(int(rng.integers(1, 5))):
        if frame >= max(window[1] * num_frames, 2) and turn:
            break
        target = low if at_high else high
        if turn:  # Later swings may stop halfway.
            target = level + (target - level) * rng.uniform(0.4, 1.0)
        step = largest_step * rng.uniform(0.35, 1.0)
        length = max(2, int(np.ceil(_PEAK * abs(target - level) / max(step, 1e-9))))
        share = np.clip(np.arange(1, num_frames - frame + 1) / length, 0.0, 1.0)
        values[frame:] = level + (target - level) * share**2 * (3 - 2 * share)
        frame += length + (int(rng.integers(2, 9)) if rng.uniform() < 0.6 else 0)
        level, at_high = target, not at_high
    return values
