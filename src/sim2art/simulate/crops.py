"""The motion-centred crop: what the real chain takes for the object when it knows no object mask."""

import numpy as np
from jaxtyping import Bool, Float, Float32
from numba import njit

from sim2art.geometry.transforms import apply, inverse
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.truth import Truth

MARGIN = (1.2, 2.2)
"""Factor by which the box around what moves is expanded; the real chain uses about 1.6."""


def sample_crop_box(
    scenario: Scenario, truth: Truth, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Centre and half extents (m, world frame) of a box around what moves, or around the object if nothing does."""
    world_from_stage = inverse(scenario.camera_path.stage_from_camera[0])
    is_static = len(truth.articulated_object.links) == 1
    swept = np.concatenate(
        [
            apply(world_from_stage @ scenario.link_motions[:, index], link.mesh.vertices).reshape(-1, 3)
            for index, link in enumerate(scenario.articulated_object.links)
            if link.mesh is not None and (truth.part_of_link[index] > 0 or is_static)
        ]
    )
    low, high = np.percentile(swept, [1, 99], axis=0)
    half = (high - low) / 2
    # A sliding panel is thin along the view; the real chain's noise gives its box some depth.
    half = np.maximum(half, 0.15 * half.max()) * rng.uniform(*MARGIN)
    return (low + high) / 2 + half * rng.normal(0.0, 0.06, 3), half


def crop_masks(
    depths: Float32[np.ndarray, "frame height width"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    center: Float[np.ndarray, "3"],
    half: Float[np.ndarray, "3"],
) -> Bool[np.ndarray, "frame height width"]:
    """Pixels whose point lies in a world box (m)."""
    masks = np.zeros(depths.shape, dtype=bool)
    _crop(
        depths, world_from_camera.astype(np.float32), center.astype(np.float32), half.astype(np.float32),
        *(np.float32(x) for x in (intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2])), masks,
    )  # fmt: skip
    return masks


@njit(cache=True, nogil=True)
def _crop(depths, world_from_camera, center, half, fx, fy, cx, cy, masks):
    num_frames, height, width = depths.shape
    for t in range(num_frames):
        m = world_from_camera[t]
        for y in range(height):
            for x in range(width):
                z = depths[t, y, x]
                if z == 0:
                    continue
                px, py = (x - cx) / fx * z, (y - cy) / fy * z
                inside = True
                for axis in range(3):
                    place = m[axis, 0] * px + m[axis, 1] * py + m[axis, 2] * z + m[axis, 3]
                    inside = inside and abs(place - center[axis]) <= half[axis]
                masks[t, y, x] = inside
