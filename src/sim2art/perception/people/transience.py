"""What is not always there: pixels that look otherwise than their place does in most other frames."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import inverse
from sim2art.perception.captures.pose_checks import stands_still
from sim2art.perception.flow.camera_flow import camera_flow
from sim2art.perception.flow.dis import flow_targets

_LOOKS = 8
"""Other frames that each frame is compared with."""
_MIN_CHANGE, _MIN_DARKENING, _MIN_TINT = 16.0, 60.0, 5.0
"""Of CIELAB (of 255 levels): by how much a pixel must be brighter, darker or of another colour than its place is in most
other frames. Shadows darken and keep the colour."""
_BEHIND = 0.04
"""Share of depth by which a surface must be nearer to hide another."""


def find_changes(
    images: UInt8[np.ndarray, "frame height width 3"], depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"], world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """Pixels that look otherwise than their place does in most other frames, once the camera's motion is taken away."""
    num_frames, height, width = depths.shape
    soft = [
        cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.2), cv2.COLOR_RGB2LAB).astype(np.float32) for image in images
    ]
    stands = stands_still(world_from_camera)
    result = np.zeros(depths.shape, dtype=bool)
    looks = np.unique(np.linspace(0, num_frames - 1, _LOOKS + 1).round().astype(int))
    for frame in range(num_frames):
        apart = []
        for other in looks[looks != frame]:
            if stands:
                there, seen = soft[other], ~_is_hidden(depths[frame], depths[other])
            else:
                flow, seen = camera_flow(depths[frame], intrinsics, world_from_camera[frame], world_from_camera[other])
                to_x, to_y = flow_targets(flow)
                there = cv2.remap(soft[other], to_x, to_y, cv2.INTER_LINEAR)
                seen = seen & (to_x >= 0) & (to_x <= width - 1) & (to_y >= 0) & (to_y <= height - 1)
                nearer = cv2.remap(depths[other], to_x, to_y, cv2.INTER_NEAREST)
                seen &= ~_is_hidden(_depth_from(depths[frame], intrinsics, world_from_camera[[frame, other]]), nearer)
            difference = soft[frame] - there
            difference -= np.median(difference[::4, ::4].reshape(-1, 3), axis=0)  # Exposure and white balance drift.
            brighter, tint = difference[..., 0], np.abs(difference[..., 1:]).max(axis=-1)
            change = np.maximum(np.maximum(brighter / _MIN_CHANGE, -brighter / _MIN_DARKENING), tint / _MIN_TINT)
            apart.append(np.where(seen, change, np.nan))
        stack = np.array(apart)
        known = np.isfinite(stack).sum(axis=0) >= max(2, len(apart) // 3)
        result[frame] = known & (np.nanmedian(np.where(known, stack, 0.0), axis=0) > 1.0)
    return result


def _is_hidden(
    depth: Float32[np.ndarray, "height width"], nearer: Float32[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Whether a surface at one depth (m) is behind another: wall that a door uncovers was there all the time."""
    return (nearer > 0) & (nearer < (1.0 - _BEHIND) * depth)


def _depth_from(
    depth: Float32[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "2 4 4"],
) -> Float32[np.ndarray, "height width"]:  # fmt: skip
    """Depth (m) of the first camera's pixels as the second one sees them."""
    height, width = depth.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    row = (inverse(world_from_camera[1]) @ world_from_camera[0])[2]
    return (unproject(intrinsics, pixels, depth.astype(np.float64)) @ row[:3] + row[3]).astype(np.float32)
