"""Whether the camera stands still, by the area of the image that stays: corners may all lie on what moves."""

import numpy as np
from jaxtyping import UInt8

from sim2art.perception.cameras.view_change import MAX_SHAKE, STAYED
from sim2art.perception.flow.lifted_flow import texture_masks
from sim2art.perception.tasks import FlowMatcher

_COMPARED = 5
"""Frames, spread over the recording."""


def compared_frames(grays: UInt8[np.ndarray, "frame height width"]) -> UInt8[np.ndarray, "few height width"]:
    """Frames whose flow tells whether the camera stands still."""
    return grays[np.unique(np.linspace(0, len(grays) - 1, _COMPARED).round().astype(int))]


def stands_still_by_area(matcher: FlowMatcher, grays: UInt8[np.ndarray, "few height width"]) -> bool:
    """Whether much of the image stays where it is from each of some frames to the next."""
    # In images without a corner flow is made up, and tells nothing.
    if len(grays) < 2 or not all(texture_masks(gray)[1].any() for gray in grays):
        return False
    flows = [matcher(frame, frame + 1)[0] for frame in range(len(grays) - 1)]
    return float(np.median([np.mean(np.linalg.norm(flow, axis=-1) < MAX_SHAKE) for flow in flows])) > STAYED
