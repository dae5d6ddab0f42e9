"""Quality gates: whether a scenario shows what its labels say. Rejected scenarios are drawn anew."""

from enum import StrEnum

import numpy as np
from jaxtyping import Int

from sim2art.geometry.transforms import apply
from sim2art.simulate.scenario import Scenario
from sim2art.simulate.truth import Truth

MIN_PIXELS = 40
"""Pixels of an image of 256x256 in which a moving part must show ..."""
MIN_FRAMES = 1 / 3
"""... in this share of the frames."""
MIN_TRAVEL = 0.05
"""A moving part must travel this share of the object's half size."""


class Rejection(StrEnum):
    """Why a scenario was drawn anew."""

    MOTION_TOO_SMALL = "a part moves less than can be noticed"
    PART_HIDDEN = "a moving part is seen too little"
    OBJECT_HIDDEN = "the object is seen too little"
    NO_POINTS = "the mask holds no point"


def check_motion(scenario: Scenario, truth: Truth) -> Rejection | None:
    """Whether each moving part travels far enough, before anything is rendered."""
    sizes, travels = [], np.zeros(len(truth.articulated_object.links))
    for index, link in enumerate(scenario.articulated_object.links):
        if link.mesh is None or not len(link.mesh.vertices):
            continue
        corners = link.mesh.vertices
        sizes.append(np.stack([corners.min(axis=0), corners.max(axis=0)]))
        part = truth.part_of_link[index]
        if part == 0:
            continue
        some = corners[:: max(1, len(corners) // 64)]
        path = apply(scenario.link_motions[:, index], some)
        travels[part] = max(travels[part], float(np.linalg.norm(path - path[:1], axis=-1).max()))
    extent = np.max([box[1] for box in sizes], axis=0) - np.min([box[0] for box in sizes], axis=0)
    if np.any(travels[1:] < MIN_TRAVEL * 0.5 * extent.max()):
        return Rejection.MOTION_TOO_SMALL
    return None


def check_visibility(
    part_images: Int[np.ndarray, "frame height width"], is_object: np.ndarray, num_parts: int
) -> Rejection | None:
    """Whether each moving part and the object as a whole are seen well enough, often enough.

    Args:
        part_images: Part at each pixel; 0 is all that stands still.
        is_object: Pixels that show the object, bool (frame, height, width).
        num_parts: Parts of the truth, the base included.
    """
    num_frames, height, width = part_images.shape
    unit = height * width / 256**2
    offsets = np.arange(num_frames, dtype=np.int32)[:, None, None] * num_parts
    counts = np.bincount((part_images + offsets).ravel(), minlength=num_frames * num_parts)
    counts = counts.reshape(num_frames, num_parts)
    if np.any((counts[:, 1:] >= MIN_PIXELS * unit).sum(axis=0) < max(2, MIN_FRAMES * num_frames)):
        return Rejection.PART_HIDDEN
    if np.median(is_object.sum(axis=(1, 2))) < 600 * unit:
        return Rejection.OBJECT_HIDDEN
    return None
