"""Which frames to use: about equal motion from one to the next, sharp ones, and the turning points kept."""

import numpy as np
from jaxtyping import Bool, Float, Int

_EVEN_SHARE = 0.12
"""Share of the choice that is spread evenly in time, so that a hardly moving recording is still covered."""
_EDGE_SHARE = 0.004
"""Still head and tail: motion below this share of the whole, at either end, is trimmed."""
_MAX_TURNS = 4
"""Of the turning points so many are kept, the greatest first."""


def choose_frames(
    motion: Float[np.ndarray, "step"],
    *,
    num_frames: int,
    is_sharp: Bool[np.ndarray, "frame"],
    reversal: Float[np.ndarray, "step"] | None = None,
    noise: float = 0.0,
) -> Int[np.ndarray, "used"]:
    """Choose at most `num_frames` frames, in order.

    Args:
        motion: How much moves from each frame to the next.
        is_sharp: Frames that are not blurred; a blurred choice moves to a sharp neighbour when there is one.
        reversal: How much motion turns back at each step's first frame, 0 where it does not; turning points are kept.
        noise: Motion below this counts as none.
    """
    total = len(motion) + 1
    if total <= num_frames:
        return np.arange(total)
    steps = np.clip(motion - noise, 0.0, None)
    if steps.sum() <= 0:
        return np.unique(np.linspace(0, total - 1, num_frames).round().astype(int))
    steps = _cap_steps(steps, num_frames)
    steps = np.convolve(np.pad(steps, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    cumulated = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    first = int(np.flatnonzero(cumulated <= _EDGE_SHARE)[-1])
    last = int(np.flatnonzero(cumulated >= 1 - _EDGE_SHARE)[0])
    if last - first + 1 <= num_frames:  # Moves in a short stretch only: take all of it and its surroundings.
        spare = num_frames - (last - first + 1)
        first = max(0, min(first - spare // 2, total - num_frames))
        return np.arange(first, first + num_frames)
    span = np.arange(total)
    even = np.clip((span - first) / (last - first), 0, 1)
    level = (1 - _EVEN_SHARE) * np.clip(cumulated, 0, 1) + _EVEN_SHARE * even
    level = (level - level[first]) / (level[last] - level[first])
    chosen = _spread(level, first, last, num_frames)
    if reversal is not None:
        for turn in _turning_points(reversal, first, last):
            inner = np.arange(1, num_frames - 1)
            nearest = inner[np.argmin(np.abs(level[chosen[inner]] - level[turn]))]
            if turn not in chosen and chosen[nearest - 1] < turn < chosen[nearest + 1]:
                chosen[nearest] = turn
    return _prefer_sharp(chosen, is_sharp, level)


def _cap_steps(steps: Float[np.ndarray, "step"], num_frames: int) -> Float[np.ndarray, "step"]:
    """No step counts more than lies between two used frames: it cannot be divided.

    A hand that flies through or a flicker of the light would else eat up the choice.
    """
    for _ in range(20):
        capped = np.minimum(steps, steps.sum() / (num_frames - 1))
        if np.allclose(capped, steps, rtol=1e-3):
            break
        steps = capped
    return steps


def _spread(level: Float[np.ndarray, "frame"], first: int, last: int, count: int) -> Int[np.ndarray, "used"]:
    """`count` different frames whose levels are as equally spaced as frames allow."""
    targets = np.linspace(0, 1, count)
    span = np.arange(first, last + 1)
    chosen = span[np.abs(level[span][None] - targets[:, None]).argmin(axis=1)]
    chosen[0], chosen[-1] = first, last
    for i in range(1, count):  # Push apart frames that were chosen twice, forth and then back.
        chosen[i] = max(chosen[i], chosen[i - 1] + 1)
    chosen[-1] = min(chosen[-1], last)
    for i in range(count - 2, -1, -1):
        chosen[i] = min(chosen[i], chosen[i + 1] - 1)
    return chosen


def _turning_points(reversal: Float[np.ndarray, "step"], first: int, last: int) -> list[int]:
    """Frames where the motion turns back most among those around, the greatest turns first."""
    turns = [
        i
        for i in range(max(1, first + 1), min(len(reversal) - 1, last))
        if reversal[i] > 0 and reversal[i] == reversal[max(0, i - 2) : i + 3].max()
    ]
    return sorted(turns, key=lambda i: -reversal[i])[:_MAX_TURNS]


def _prefer_sharp(chosen: np.ndarray, is_sharp: np.ndarray, level: np.ndarray) -> np.ndarray:
    result = chosen.copy()
    for i, frame in enumerate(chosen):
        if is_sharp[frame]:
            continue
        low = result[i - 1] + 1 if i else max(0, frame - 2)
        high = chosen[i + 1] - 1 if i + 1 < len(chosen) else min(len(is_sharp) - 1, frame + 2)
        options = [f for f in range(max(low, frame - 2), min(high, frame + 2) + 1) if is_sharp[f]]
        if options:
            result[i] = min(options, key=lambda f: abs(level[f] - level[frame]))
    return result
