"""A long recording thinned out before anything is computed: more frames where the image changes more.

One pass at thumbnail size decides, so that memory does not grow with the length of the recording.
"""

import logging
import time

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.perception.captures.capture import ColorCapture

logger = logging.getLogger(__name__)

_MAX_LOOKS = 1200
"""Frames that are looked at, however long the recording is."""
_WIDTH = 64
_EVEN_SHARE = 0.5
"""Half of the frames are spread evenly in time: a camera must be followed where nothing else happens too."""
_NOISE = 2.0
"""Grey levels of change between thumbnails that count as none."""
_SAY_EVERY = 10.0
"""s."""


def thin_out(capture: ColorCapture, max_frames: int) -> Int[np.ndarray, "frame"]:
    """Positions of at most `max_frames` frames, the first and the last among them."""
    total = len(capture.frame_ids)
    if total <= max_frames:
        return np.arange(total)
    looks = np.unique(np.linspace(0, total - 1, min(total, _MAX_LOOKS)).round().astype(int))
    if len(looks) <= max_frames:
        return looks
    change = _measure_change(capture, looks)
    even = np.linspace(0, 1, len(looks))
    if change.sum() <= 0:
        level = even
    else:
        # A cut or a hand before the lens would eat up the choice: no step counts more than a few usual ones.
        change = np.minimum(change, 5.0 * np.median(change[change > 0]))
        moved = np.concatenate([[0.0], np.cumsum(change)]) / change.sum()
        level = _EVEN_SHARE * even + (1 - _EVEN_SHARE) * moved
    targets = np.linspace(0, 1, max_frames)
    right = np.clip(np.searchsorted(level, targets), 1, len(looks) - 1)
    nearest = np.where(targets - level[right - 1] < level[right] - targets, right - 1, right)
    return looks[np.unique(nearest)]


def _measure_change(capture: ColorCapture, looks: Int[np.ndarray, "look"]) -> Float32[np.ndarray, "step"]:
    """Mean change (grey levels, noise taken away) of the thumbnail from each look to the next."""
    before: UInt8[np.ndarray, "h w"] | None = None
    change = np.zeros(len(looks) - 1, np.float32)
    said = time.monotonic()
    for step, index in enumerate(looks):
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            logger.info("%s: looked at %d of %d frames to choose from", capture.path.name, step, len(looks))
        try:
            image = capture.read_image(int(index))
        except InvalidFileError:
            continue  # Damaged frames are counted when they are read for use.
        height = max(1, round(_WIDTH * image.shape[0] / image.shape[1]))
        small = cv2.cvtColor(cv2.resize(image, (_WIDTH, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        if before is not None and before.shape == small.shape and step:
            difference = small.astype(np.float32) - before.astype(np.float32)
            difference -= np.median(difference)  # The exposure drifts.
            change[step - 1] = np.clip(np.abs(difference) - _NOISE, 0, None).mean()
        before = small
    return change
