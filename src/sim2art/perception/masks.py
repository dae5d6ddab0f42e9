"""The mask of the object of interest: a box given by hand, the salient object, the motion-centred crop, or everything."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.perception.moving import Box, box_masks, moving_box

_SALIENT_COVER = 0.7
"""Share of the moving pixels that a salient-object mask must hold to be believed."""
_MAX_MOVING_SHARE = 0.4
"""Share of the crop that is seen to move above which the crop is widened."""
_NUM_PROBES = 3
_BOX_PERCENTILES = (2.0, 98.0)


@dataclass(frozen=True, kw_only=True)
class MaskChoice:
    """Object masks and what was found out on the way."""

    masks: Bool[np.ndarray, "frame height width"]
    moves: bool
    """Whether any motion was seen."""
    warnings: tuple[str, ...]


def choose_masks(
    images: UInt8[np.ndarray, "frame height width 3"],
    depths: Float32[np.ndarray, "frame height width"],
    moving: Bool[np.ndarray, "frame half_height half_width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
    *,
    kind: str,
    box: Float[np.ndarray, "4"] | None,
    crop_factor: float,
) -> MaskChoice:
    """Mask the object, given the moving pixels (every second row and column).

    Args:
        kind: "auto", "motion", "salient" or "whole".
        box: x, y, width, height (px) of the object in the first frame; used instead of `kind`.
        crop_factor: The crop's size over that of the box around what moves.
    """
    around = moving_box(moving, depths, intrinsics, world_from_camera)
    moves = around is not None
    whole = depths > 0
    if box is not None:
        region = lift_box(box, depths[0], intrinsics, around)
        return MaskChoice(masks=box_masks(region, depths, intrinsics, world_from_camera), moves=moves, warnings=())
    if kind in ("auto", "salient"):
        salient = _salient_masks(images, moving, required=kind == "salient")
        if salient is not None:
            return MaskChoice(masks=salient & whole, moves=moves, warnings=())
    if kind == "whole" or around is None:
        return MaskChoice(masks=whole, moves=moves, warnings=())
    masks = box_masks(around.expanded(crop_factor), depths, intrinsics, world_from_camera)
    for factor, margin_share in ((1.25, 0.15), (1.4, 0.15), (1.4, 0.6)):
        # What moves is known only beside what does not: the crop grows until it holds enough that stands still.
        if moving[masks[:, ::2, ::2]].mean() <= _MAX_MOVING_SHARE:
            break
        wider = around.expanded(crop_factor * factor, margin_share=margin_share)
        masks = box_masks(wider, depths, intrinsics, world_from_camera)
    return MaskChoice(masks=masks, moves=moves, warnings=())


def lift_box(
    box: Float[np.ndarray, "4"], depth: Float32[np.ndarray, "height width"], intrinsics: Float[np.ndarray, "3 3"],
    around: Box | None,
) -> Box:  # fmt: skip
    """The 3D box (first camera's frame, m) of what a box in the first image holds, joined with what moves.

    Raises:
        InvalidValueError: When the box holds no depth.
    """
    height, width = depth.shape
    x0, y0 = int(max(box[0], 0)), int(max(box[1], 0))
    x1, y1 = int(min(box[0] + box[2], width)), int(min(box[1] + box[3], height))
    y, x = np.mgrid[y0:y1, x0:x1]
    d = depth[y0:y1, x0:x1]
    if not np.any(d > 0):
        raise InvalidValueError("The box holds no pixel with depth in the first used frame; draw it around the object.")
    points = unproject(intrinsics, np.stack([x, y], axis=-1)[d > 0].astype(np.float64), d[d > 0].astype(np.float64))
    low, high = np.percentile(points, _BOX_PERCENTILES, axis=0)
    if around is not None:
        # A door that opens leaves the box of its closed state: what moves belongs to the object wherever it goes.
        low, high = np.minimum(low, around.low), np.maximum(high, around.high)
    return Box(low=low, high=high).expanded(1.0, margin_share=0.03)


def _salient_masks(
    images: np.ndarray, moving: Bool[np.ndarray, "frame half_height half_width"], *, required: bool
) -> Bool[np.ndarray, "frame height width"] | None:
    """Salient-object masks, or None when the weight is not at hand or the mask misses what moves."""
    from sim2art.perception.adapters.u2netp import load_u2netp

    masker = load_u2netp(required=required)
    if masker is None:
        return None
    if not required:
        # A look at the frames with most motion first: on furniture that fills the image the mask is of no use.
        probes = np.argsort(-moving.sum(axis=(1, 2)), kind="stable")[:_NUM_PROBES]
        if not moving[probes].any():
            return None
        seen = np.array([masker(images[frame])[::2, ::2] > 0.5 for frame in probes])
        if seen[moving[probes]].mean() < _SALIENT_COVER:
            return None
    masks = np.array([masker(image) > 0.5 for image in images])
    areas = masks.mean(axis=(1, 2))
    is_steady = areas.min() > 0.4 * float(np.median(areas))
    is_covering = not moving.any() or masks[:, ::2, ::2][moving].mean() >= _SALIENT_COVER
    return masks if required or (is_steady and is_covering) else None
