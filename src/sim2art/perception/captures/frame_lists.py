"""Lists of frames with times: paired by the nearest time, kept where time goes on."""

import numpy as np
from jaxtyping import Float, Int

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import ColorCapture
from sim2art.perception.captures.derived import derive, keep_frames

_MAX_STALE = 0.2


def nearest(
    times: Float[np.ndarray, "time"], others: Float[np.ndarray, "other"]
) -> tuple[Int[np.ndarray, "time"], Float[np.ndarray, "time"]]:
    """For each time the position of the nearest of `others` (which increase), and how far it is."""
    right = np.clip(np.searchsorted(others, times), 1, max(1, len(others) - 1))
    left = right - 1
    if len(others) == 1:
        right = left
    chosen = np.where(times - others[left] <= others[right] - times, left, right)
    return chosen, np.abs(others[chosen] - times)


def nearest_pairs(
    times_a: Float[np.ndarray, "a"], times_b: Float[np.ndarray, "b"], max_gap: float
) -> list[tuple[int, int]]:
    """Positions that are nearest to each other both ways and no further apart than the largest gap; both increase."""
    if not len(times_a) or not len(times_b):
        return []
    to_b, gaps = nearest(times_a, times_b)
    to_a, _ = nearest(times_b, times_a)
    mutual = (to_a[to_b] == np.arange(len(times_a))) & (gaps <= max_gap)
    return [(int(i), int(to_b[i])) for i in np.flatnonzero(mutual)]


def drop_stale_times(capture: ColorCapture) -> ColorCapture:
    """The recording without frames whose time does not go on from those before.

    Raises:
        InvalidFileError: When they are too many to be slips.
    """
    times = np.asarray(capture.times, dtype=np.float64)
    latest = np.concatenate([[-np.inf], np.fmax.accumulate(times)[:-1]]) if len(times) else times
    stale = ~(times > latest)
    if not stale.any():
        return capture
    first = int(np.argmax(stale))
    message = (
        f"{int(stale.sum())} of {len(times)} frames have a time that does not go on from the frame before "
        f"(frame {capture.frame_ids[first]}: {times[first]:.6f} s, after {latest[first]:.6f} s)"
    )
    if stale.mean() > _MAX_STALE:
        raise InvalidFileError(
            f"{capture.path}: {message}. Each frame needs a later time than the one before.", path=capture.path
        )
    kept = keep_frames(capture, np.flatnonzero(~stale))
    return derive(kept, warnings=(*kept.warnings, f"{message}: they are left out."))
