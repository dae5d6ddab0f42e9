"""Hands, arms and people in a recording, from what every recording has: colour, motion and the image's border.

What is skin-coloured (the locus of Soriano et al., "Skin detection in video under changing
illumination conditions", ICPR 2000), is not always there, and reaches into the image from its border, is an arm. The
colours of such arms, set against the colours of all that stands still, find the rest of them in every frame, and what
joins an arm to the border in colours of its own is its sleeve. Wood has the colours of skin: so a colour that stands
still somewhere does not speak for a person, and what enters over a long stretch of the border is no arm. It is better
to miss an arm than to take a part away: what is found in the end must reach in from the border in that very frame, and
must not be a patch of a surface that moves around it, unless a network sees a hand there.
"""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from sim2art.perception.captures.capture import scale_intrinsics
from sim2art.perception.depth.filter import find_depth_edges
from sim2art.perception.masks.choice import FramesWithMotion
from sim2art.perception.people.arm_regions import (
    clean,
    fill,
    find_hand,
    join_on,
    keep_in_front,
    keep_large,
    keep_reaching_in,
    keep_standing_out,
)
from sim2art.perception.people.hands.crops import crop_of_region
from sim2art.perception.people.hands.finder import MIN_PRESENCE, look_at
from sim2art.perception.people.skin import find_alike, has_skin_color, measure_own_colors
from sim2art.perception.people.transience import find_changes
from sim2art.perception.tasks import HandModel

_MIN_FRAMES = 2
"""Frames in which an arm must be seen to enter."""
_NUM_COLORS = 8
"""Colours that what is transient is split into: an arm and what it holds or hides seldom share one."""
_COLOR_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)
"""Light and shade change lightness most."""
_MIN_BARE = 0.2
"""Bare arms over sleeves: where there is more skin, shadows and furniture beside it are not looked at for sleeves."""
_MIN_OWN_SKIN, _MIN_OWN_SLEEVE = 0.3, 0.5
"""Share of the pixels of an arm's colours, of those that stand still and its own, that must be its own. An arm that rests
in some frames is among what stands still; a wooden part has the colours of its cabinet, far more of which stands still."""
_BEHIND_QUANTILE, _NEARER = 0.8, 0.85
"""Of the depths that a pixel has over time, and the share of that below which something is in front of it."""
_BRIDGE = 9
"""px (every second): what an arm holds on to by less is not its own."""
_MIN_MOVING = 0.05
"""Share of an arm's pixels that must be seen to move."""
_MAX_PEOPLE = 0.35
"""Share of the image that people may cover in the median frame in which they are seen."""


def find_people(frames: FramesWithMotion, networks: HandModel | None = None) -> Bool[np.ndarray, "frame height width"]:
    """Mask hands, arms and people; `networks` are asked where a region moves with what is around it."""
    images, depths, moving = frames.images, frames.depths, frames.moving
    size = (moving.shape[2], moving.shape[1])
    smalls = np.array([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    small_depths = np.ascontiguousarray(depths[:, ::2, ::2])
    k = scale_intrinsics(frames.intrinsics, 0.5, 0.5)
    changed = find_changes(smalls, small_depths, k, frames.world_from_camera)
    transient = np.array([clean(m | c) for m, c in zip(moving, changed, strict=True)])
    nothing = np.zeros(depths.shape, dtype=bool)
    edges = np.array([find_depth_edges(depth) for depth in small_depths])
    labs = np.array([cv2.cvtColor(small, cv2.COLOR_RGB2LAB) for small in smalls])
    skin = transient & has_skin_color(smalls) & ~edges
    bare, sleeves = _find_arms(labs, skin, transient & ~edges, moving)
    people = np.zeros_like(transient)
    if bare.any():
        people |= join_on(_alike(labs, bare, transient, ~edges), bare)
    if bare.sum() < _MIN_BARE * sleeves.sum():
        clothed = join_on(_alike(labs, sleeves, transient, ~edges), sleeves)
        people |= np.array([arm | find_hand(arm, hand & ~arm) for arm, hand in zip(clothed, skin, strict=True)])
    people = np.array([
        keep_in_front(keep_reaching_in(mask), moves, depth, shows_hand(image, networks))
        for mask, moves, depth, image in zip(people, moving, small_depths, images, strict=True)
    ])  # fmt: skip
    if not _is_seen(people):
        return nothing
    grown = np.array([fill(mask) for mask in people])
    masks = np.array([_enlarged(mask, depths.shape[2:0:-1]) for mask in grown])
    seen = masks.mean(axis=(1, 2))
    return nothing if not (seen > 0).any() or np.median(seen[seen > 0]) > _MAX_PEOPLE else masks


def find_near_arms(
    depths: Float32[np.ndarray, "frame height width"], moving: Bool[np.ndarray, "frame half_height half_width"]
) -> Bool[np.ndarray, "frame height width"]:
    """Mask arms by depth alone: what reaches in from the border and is much nearer than what is there at other times.

    For a camera that stands still. A network that guesses depth (any unit, 0 where there is none) image by image sees arms
    well, whatever their colour.
    """
    small = depths[:, ::2, ::2]
    behind = np.quantile(small, _BEHIND_QUANTILE, axis=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BRIDGE, _BRIDGE))
    near = [
        cv2.morphologyEx(((depth > 0) & (depth < _NEARER * behind)).astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
        for depth in small
    ]
    arms = np.array([keep_reaching_in(mask) for mask in near])
    # A wall whose guess came out nearer does not move.
    arms &= np.array([(arm & moves).sum() > _MIN_MOVING * arm.sum() for arm, moves in zip(arms, moving, strict=True)])[
        :, None, None
    ]
    if not _is_seen(arms):
        return np.zeros(depths.shape, dtype=bool)
    return np.array([_enlarged(fill(mask), depths.shape[2:0:-1]) for mask in arms])


def shows_hand(
    image: UInt8[np.ndarray, "height width 3"], networks: HandModel | None
) -> Callable[[Bool[np.ndarray, "half_height half_width"]], bool]:
    """Whether a network, if there is one, sees a hand in a region that reaches into an image from its border."""

    def is_hand(region: Bool[np.ndarray, "half_height half_width"]) -> bool:
        if networks is None:
            return False
        crop = crop_of_region(2.0 * np.argwhere(region)[:, ::-1], (image.shape[1], image.shape[0]))
        return look_at(image, crop, networks).presence >= MIN_PRESENCE

    return is_hand


def _find_arms(
    labs: UInt8[np.ndarray, "frame height width 3"], skin: Bool[np.ndarray, "frame height width"],
    transient: Bool[np.ndarray, "frame height width"], moving: Bool[np.ndarray, "frame height width"],
) -> tuple[Bool[np.ndarray, "frame height width"], Bool[np.ndarray, "frame height width"]]:  # fmt: skip
    """What reaches in from the border in one colour: bare arms, and sleeves that end at something skin-coloured."""
    values = labs.astype(np.float32) * _COLOR_WEIGHTS
    pixels = values[transient]
    bare, sleeves = np.zeros_like(skin), np.zeros_like(skin)
    if len(pixels) < 50 * _NUM_COLORS:
        return bare, sleeves
    cv2.setRNGSeed(0)
    sample = pixels[:: max(1, len(pixels) // 20_000)]
    _, _, centers = cv2.kmeans(sample, _NUM_COLORS, np.empty(0, np.int32), (3, 20, 0.5), 2, cv2.KMEANS_PP_CENTERS)
    color = np.argmin(np.stack([np.square(values - center).sum(axis=-1) for center in centers]), axis=0)
    for index in range(_NUM_COLORS):
        of_color = transient & (color == index)
        found = np.array(
            [keep_standing_out(keep_reaching_in(arm), *two) for arm, *two in zip(of_color, moving, labs, strict=True)]
        )
        if not _is_seen(found):
            continue
        own = measure_own_colors(labs, found, ~transient)
        if skin[found].mean() > 0.5:
            if own > _MIN_OWN_SKIN:
                bare |= found
        elif own > _MIN_OWN_SLEEVE:
            other = skin & ~of_color
            held = np.array([find_hand(*two).any() for two in zip(found, other, strict=True)])
            found &= held[:, None, None]
            sleeves |= found & _is_seen(found)
    return bare, sleeves


def _alike(
    labs: UInt8[np.ndarray, "frame height width 3"], samples: Bool[np.ndarray, "frame height width"],
    transient: Bool[np.ndarray, "frame height width"], allowed: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    return np.array([keep_large(frame) for frame in find_alike(labs, samples, transient, allowed)])


def _is_seen(masks: Bool[np.ndarray, "frame height width"]) -> bool:
    return bool(masks.any(axis=(1, 2)).sum() >= _MIN_FRAMES)


def _enlarged(mask: Bool[np.ndarray, "height width"], size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
