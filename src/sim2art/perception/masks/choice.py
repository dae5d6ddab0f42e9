"""The mask of the object of interest: a box given by hand, the salient object, the motion-centred crop, or everything."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.perception.captures.own_files import read_masks
from sim2art.perception.components import Choice, find_lacks, lack_words
from sim2art.perception.flow.lifted_flow import PixelFlow
from sim2art.perception.masks.moving import Box, box_masks, find_known, moving_box

_SALIENT_COVER = 0.7
"""Share of the moving pixels that a salient-object mask must hold to be believed."""
_MAX_MOVING_SHARE = 0.4
"""Share of the crop that is seen to move above which the crop is widened."""
_MAX_KNOWN_MOVING_SHARE = 0.55
"""The same of the pixels of which it is known whether they move: of a blank part that fills its mask few are."""
_NUM_PROBES = 3
_PROMPT_PERCENTILES = (5.0, 95.0)
_PROMPT_GROWTH = 1.3
"""The box that SAM 2 is given, over that of what moves in a frame: a door is to bring its cabinet along."""
_MIN_FOLLOWED_COVER = 0.5
"""Share of the moving pixels that SAM 2's masks must hold to be believed."""
_BOX_PERCENTILES = (2.0, 98.0)


@dataclass(frozen=True, kw_only=True)
class MaskChoice:
    """Object masks and what was found out on the way."""

    masks: Bool[np.ndarray, "frame height width"]
    taken: Literal["file", "sam2", "box", "u2net", "motion", "whole", "truth"]
    """Which one it is in the end; "auto" may take several."""
    moves: bool
    """Whether any motion was seen."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FramesWithMotion:
    """Posed frames, and which of their pixels (every second row and column) move."""

    images: UInt8[np.ndarray, "frame height width 3"]
    """RGB."""
    depths: Float32[np.ndarray, "frame height width"]
    """m, 0 where there is none."""
    flows: dict[tuple[int, int], PixelFlow]
    moving: Bool[np.ndarray, "frame half_height half_width"]
    """What `find_moving` found."""
    intrinsics: Float[np.ndarray, "3 3"]
    """px."""
    world_from_camera: Float[np.ndarray, "frame 4 4"]


def choose_masks(
    frames: FramesWithMotion,
    *,
    choice: Choice,
    frame_ids: tuple[int, ...],
    box: Float[np.ndarray, "4"] | None,
    crop_factor: float,
) -> MaskChoice:
    """Mask the object.

    Args:
        frames: The used frames.
        choice: Component of the task "mask".
        frame_ids: The recording's numbers of the frames, for masks in files.
        box: x, y, width, height (px) of the object in the first frame: the prompt of SAM 2, else the mask itself.
        crop_factor: The crop's size over that of the box around what moves.
    """
    images, depths, moving, known = frames.images, frames.depths, frames.moving, find_known(frames.flows, frames.moving)
    intrinsics, world_from_camera = frames.intrinsics, frames.world_from_camera
    around = moving_box(moving, depths, intrinsics, world_from_camera)
    moves = around is not None
    whole = depths > 0
    if choice.name == "file":
        own = read_masks(choice.place, frame_ids, (depths.shape[2], depths.shape[1]))
        return MaskChoice(masks=own & whole, taken="file", moves=moves, warnings=())
    told: tuple[str, ...] = ()
    if choice.name == "sam2":
        followed, told = _followed_masks(images, moving, box, choice.source)
        if followed is not None:
            return MaskChoice(masks=followed & whole, taken="sam2", moves=moves, warnings=told)
    if box is not None:
        region = lift_box(box, depths[0], intrinsics, around)
        masks = box_masks(region, depths, intrinsics, world_from_camera)
        return MaskChoice(masks=masks, taken="box", moves=moves, warnings=told)
    if choice.name in ("auto", "u2net"):
        lacks = find_lacks("mask", Choice(name="u2net")) if choice.name == "auto" else []
        salient = None if lacks else _salient_masks(images, moving, known, required=choice.name == "u2net")
        if salient is not None:
            return MaskChoice(masks=salient & whole, taken="u2net", moves=moves, warnings=())
        if lacks:
            told = (f"No salient object was looked for, the mask is made by motion alone ({lack_words(lacks)}).",)
    if choice.name == "whole" or around is None:
        return MaskChoice(masks=whole, taken="whole", moves=moves, warnings=told)
    masks = box_masks(around.expanded(crop_factor), depths, intrinsics, world_from_camera)
    for factor, margin_share in ((1.25, 0.15), (1.4, 0.15), (1.4, 0.6), (2.5, 0.6)):
        # What moves is known only beside what does not: the crop grows until it holds enough that stands still.
        if moving[masks[:, ::2, ::2]].mean() <= _MAX_MOVING_SHARE and _hold_what_stands_still(masks, moving, known):
            break
        wider = around.expanded(crop_factor * factor, margin_share=margin_share)
        masks = box_masks(wider, depths, intrinsics, world_from_camera)
    return MaskChoice(masks=masks, taken="motion", moves=moves, warnings=told)


def _hold_what_stands_still(
    masks: Bool[np.ndarray, "frame height width"],
    moving: Bool[np.ndarray, "frame half_height half_width"],
    known: Bool[np.ndarray, "frame half_height half_width"],
) -> bool:
    """Whether masks hold enough that is known to stand still beside what moves."""
    inside = masks[:, ::2, ::2]
    return bool((moving & inside).sum() <= _MAX_KNOWN_MOVING_SHARE * (known & inside).sum())


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


def _followed_masks(
    images: UInt8[np.ndarray, "frame height width 3"],
    moving: Bool[np.ndarray, "frame half_height half_width"],
    box: Float[np.ndarray, "4"] | None,
    source: str | None,
) -> tuple[Bool[np.ndarray, "frame height width"] | None, tuple[str, ...]]:
    """SAM 2's masks, prompted by a box or by what moves; None, and why, when they are of no use."""
    from sim2art.perception.masks.sam2 import Sam2Masks

    frame = 0
    if box is None:
        frame = int(np.argmax(moving.sum(axis=(1, 2))))
        y, x = np.nonzero(moving[frame])
        if len(x) == 0:
            return None, ("Nothing moves that SAM 2 could be prompted with; pass --box.",)
        low, high = (2.0 * np.percentile(np.stack([x, y]), q, axis=1) for q in _PROMPT_PERCENTILES)
        center, half = 0.5 * (low + high), 0.5 * _PROMPT_GROWTH * (high - low)
        limit = np.array(images.shape[2:0:-1]) - 1.0
        low, high = np.clip(center - half, 0, limit), np.clip(center + half, 0, limit)
        box = np.concatenate([low, high - low])
    masks = Sam2Masks(source)(images, frame, box)
    if not masks.any(axis=(1, 2)).mean() > 0.5 or (
        moving.any() and masks[:, ::2, ::2][moving].mean() < _MIN_FOLLOWED_COVER
    ):
        return None, ("SAM 2's masks miss what moves: the region around what moves is used instead.",)
    return masks, ()


def _salient_masks(
    images: np.ndarray,
    moving: Bool[np.ndarray, "frame half_height half_width"],
    known: Bool[np.ndarray, "frame half_height half_width"],
    *,
    required: bool,
) -> Bool[np.ndarray, "frame height width"] | None:
    """Salient-object masks; None when the mask misses what moves or holds nothing else."""
    from sim2art.perception.masks.u2netp import U2NetP

    masker = U2NetP()
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
    is_believed = is_steady and is_covering and _hold_what_stands_still(masks, moving, known)
    return masks if required or is_believed else None
