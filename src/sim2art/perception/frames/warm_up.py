"""Frames of a camera that was still warming up: too dark, too bright or tinted until its exposure and white balance settled.

Networks that guess depth see another scene in them, corners are lost, and a camera that stands still seems to move.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_LONGEST = 2.0
"""s: automatic exposure and white balance settle within this; what changes later is in the scene."""
_MAX_SHARE = 0.25
"""Of the frames: no more are taken for a warm-up."""
_MAX_TINT = 0.1
"""A channel's level against the mean of the three, in logarithms, from the recording's median."""
_MAX_LEVEL = 0.4
"""Brightness, in logarithms, from the recording's median; an arm or an opened door changes it by less."""
_THUMBNAIL = (64, 48)


def count_warm_up(images: UInt8[np.ndarray, "frame height width 3"], times: Float[np.ndarray, "frame"]) -> int:
    """How many frames (RGB, with times in s) at the start to leave out."""
    small = [
        cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA).reshape(-1, 3).mean(axis=0) for image in images
    ]
    logs = np.log(np.array(small, dtype=np.float64) + 1.0)
    logs -= np.median(logs, axis=0)
    level = logs.mean(axis=1)
    is_odd = (np.abs(logs - level[:, None]).max(axis=1) > _MAX_TINT) | (np.abs(level) > _MAX_LEVEL)
    last = min(int(_MAX_SHARE * len(images)), int(np.searchsorted(times - times[0], _LONGEST)))
    count = 0
    # Exposure swings past its goal: one good frame between odd ones is not the end.
    while count < last and is_odd[count : count + 2].any():
        count += 1
    # Without an end within the time it was no warm-up but the scene, such as a lamp that was switched on.
    return 0 if is_odd[count : count + 2].any() else count
