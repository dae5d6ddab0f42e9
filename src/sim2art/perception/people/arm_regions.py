"""Regions of a mask by their shape and by what is around them: what reaches in, stands out, touches, is a hand."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from sim2art.perception.masks.moving import large_regions

_MIN_REGION = 0.0012
"""Share of the image: smaller regions are noise."""
_MAX_CONTACT = 0.3
"""Of the image's longer side: what meets the border along more is furniture."""
_MIN_SLENDERNESS = 0.7
"""Area over squared length of the border that it meets; an arm is longer than wide."""
_TOUCH = 7
"""px (every second): how near a sleeve must come to a hand."""
_HAND_LENGTH, _MAX_HAND = 1.3, 2.0
"""Length of a hand over the width of the sleeve, and most of its area over that of the sleeve."""
_NEAR, _FAR = 2, 7
"""px (every second): how far around a region is looked at."""
_STEP = 0.03
"""Share of depth: a larger step is an edge between an arm and what is behind it."""
_MAX_GOING_ON = 0.3
"""Share of what is around an arm that may move at the arm's depth: what its hand holds."""
_GROWTH = 3
"""px (every second) that masks are widened by: optical flow bleeds over edges."""
_MAX_MOVING_AROUND, _OTHER_TINT = 0.35, 10.0
"""Share of the ring around an arm that may move too in another colour, and when a colour (CIELAB) is another one."""


def clean(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The mask without specks and pinholes."""
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def keep_reaching_in(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Regions that enter from the border as an arm does: slender, over a short stretch of it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(clean(mask).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, dtype=bool)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    near = np.concatenate([labels[2], labels[-3], labels[:, 2], labels[:, -3]])
    for label in range(1, count):
        area = int(stats[label, cv2.CC_STAT_AREA])
        contact = max(int((rim == label).sum()), int((near == label).sum()))
        if area < _MIN_REGION * mask.size or contact < 3 or contact > _MAX_CONTACT * max(mask.shape):
            continue
        kept[label] = area >= _MIN_SLENDERNESS * contact**2
    return kept[labels.astype(np.int64)]


def keep_standing_out(
    mask: Bool[np.ndarray, "height width"], moving: Bool[np.ndarray, "height width"],
    lab: UInt8[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, "height width"]:  # fmt: skip
    """Regions that are no patch of something larger that moves: around an arm most stands still or is the same arm."""
    kept = np.zeros_like(mask)
    for region, ring in _regions_and_rings(mask, np.ones((5, 5), np.uint8), np.ones((13, 13), np.uint8)):
        tint = lab[region][:, 1:].mean(axis=0)
        others = moving[ring] & (np.abs(lab[ring][:, 1:] - tint).max(axis=1) > _OTHER_TINT)
        if len(others) and others.mean() < _MAX_MOVING_AROUND:
            kept |= region
    return kept


def keep_in_front(
    mask: Bool[np.ndarray, "height width"], moving: Bool[np.ndarray, "height width"],
    depth: Float32[np.ndarray, "height width"], is_hand: Callable[[Bool[np.ndarray, "height width"]], bool],
) -> Bool[np.ndarray, "height width"]:  # fmt: skip
    """Regions that are no patch of a surface that moves: around an arm few pixels move at the depth of the arm.

    A hand that holds a door moves with all that is around it, at its depth. So `is_hand` is asked of such regions.
    """
    kept = np.zeros_like(mask)
    for region, ring in _regions_and_rings(mask, _disc(_NEAR), _disc(_FAR)):
        known = (region & (depth > 0)).astype(np.float32)
        weight = cv2.blur(known, (4 * _FAR + 1, 4 * _FAR + 1))
        inside = cv2.blur(np.where(known > 0, depth, np.float32(0.0)), (4 * _FAR + 1, 4 * _FAR + 1))
        inside = inside / np.maximum(weight, 1e-6)
        step = np.abs(depth - inside) > _STEP * inside
        going_on = moving & ~step & (depth > 0)
        if (ring.any() and going_on[ring].mean() < _MAX_GOING_ON) or is_hand(region):
            kept |= region
    return kept


def _regions_and_rings(
    mask: Bool[np.ndarray, "height width"], near: np.ndarray, far: np.ndarray
) -> Iterator[tuple[Bool[np.ndarray, "height width"], Bool[np.ndarray, "height width"]]]:
    """Each region of a mask, and what lies around it between two kernels."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        region = (labels == label).astype(np.uint8)
        yield region > 0, cv2.dilate(region, far) > cv2.dilate(region, near)


def find_hand(
    sleeve: Bool[np.ndarray, "height width"], skin: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """The skin that a sleeve comes up to, as far as a hand reaches: about as far as the sleeve is wide."""
    if not sleeve.any():
        return sleeve
    inside = cv2.distanceTransform(np.pad(sleeve, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((~sleeve).astype(np.uint8), cv2.DIST_L2, 3)
    hand = _touched(skin, outside < _TOUCH) & (outside < _HAND_LENGTH * 2 * float(inside.max()))
    return hand if hand.sum() < _MAX_HAND * sleeve.sum() else np.zeros_like(sleeve)


def join_on(
    masks: Bool[np.ndarray, "frame height width"], arms: Bool[np.ndarray, "frame height width"]
) -> Bool[np.ndarray, "frame height width"]:
    """Regions that an arm is in, or that overlap those of the frame before or after."""
    kept = np.array([_touched(mask, arm) for mask, arm in zip(masks, arms, strict=True)])
    for order in (range(1, len(masks)), range(len(masks) - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for frame in order:
            kept[frame] |= _touched(masks[frame], kept[frame - step])
    return kept


def _touched(mask: Bool[np.ndarray, "height width"], by: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "h w"]:
    """Regions of a mask that another one touches."""
    _, labels = cv2.connectedComponents(clean(mask).astype(np.uint8), connectivity=8)
    touched = np.unique(labels[by & (labels > 0)])
    return np.isin(labels, touched[touched > 0])


def keep_large(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Regions that are more than noise."""
    return large_regions(clean(mask), _MIN_REGION * mask.size)


def fill(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The mask without small gaps, and widened."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return cv2.dilate(closed, _disc(_GROWTH)) > 0


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
