"""Hands, arms and people in a recording, from what every recording has: colour, motion and the image's border.

No network is asked. What is skin-coloured (the locus of Soriano et al., "Skin detection in video under changing
illumination conditions", ICPR 2000), is not always there, and reaches into the image from its border, is an arm. The
colours of such arms, set against the colours of all that stands still, find the rest of them in every frame, and what
joins an arm to the border in colours of its own is its sleeve. Wood has the colours of skin: so a colour that stands
still somewhere does not speak for a person, and what enters over a long stretch of the border is no arm.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import inverse
from sim2art.perception.captures.capture import scale_intrinsics
from sim2art.perception.depth_filter import find_depth_edges
from sim2art.perception.motion_profile import camera_flow

_LOOKS = 8
"""Other frames that each frame is compared with."""
_MIN_CHANGE, _MIN_DARKENING, _MIN_TINT = 16.0, 60.0, 5.0
"""Of CIELAB (of 255 levels): by how much a pixel must be brighter, darker or of another colour than its place is in most
other frames. Shadows darken and keep the colour."""
_BEHIND = 0.04
"""Share of depth by which a surface must be nearer to hide another."""
_MIN_REGION = 0.0012
"""Share of the image: smaller regions are noise."""
_MAX_CONTACT = 0.3
"""Of the image's longer side: what meets the border along more is furniture."""
_MIN_SLENDERNESS = 0.7
"""Area over squared length of the border that it meets; an arm is longer than wide."""
_MIN_FRAMES = 2
"""Frames in which an arm must be seen to enter."""
_LIGHTS, _TINTS, _TINT_STEP = 10, 20, 5
"""Bins of lightness, of each of the two colours of CIELAB, and the latter's width in levels."""
_NUM_COLORS = 8
"""Colours that what is transient is split into: an arm and what it holds or hides seldom share one."""
_COLOR_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)
"""Light and shade change lightness most."""
_TOUCH = 7
"""px (every second): how near a sleeve must come to a hand."""
_HAND_LENGTH, _MAX_HAND = 1.3, 2.0
"""Length of a hand over the width of the sleeve, and most of its area over that of the sleeve."""
_MIN_SHARE = 0.6
"""Share of a colour's looks that must be an arm's, not of what stands still, for it to be believed."""
_GROWTH = 3
"""px (every second) that masks are widened by: optical flow bleeds over edges."""
_MAX_MOVING_AROUND, _OTHER_TINT = 0.35, 10.0
"""Share of the ring around an arm that may move too in another colour, and when a colour (CIELAB) is another one."""
_MIN_OWN = 0.5
"""Share of the pixels of a sleeve's colours, of those that stand still and its own, that must be its own."""
_MIN_BARE = 0.2
"""Bare arms over sleeves: where there is more skin, shadows and furniture beside it are not looked at for sleeves."""
_MAX_PEOPLE = 0.6
"""Share of the image that people may cover in the median frame in which they are seen."""


@dataclass(frozen=True, kw_only=True)
class People:
    """Where people are."""

    masks: Bool[np.ndarray, "frame height width"]
    transient: Bool[np.ndarray, "frame half_height half_width"]
    """What is not always there or moves, on every second row and column: what was asked."""

    @property
    def num_frames(self) -> int:
        """Frames in which any are seen."""
        return int(self.masks.any(axis=(1, 2)).sum())


def find_people(
    images: UInt8[np.ndarray, "frame height width 3"],
    depths: Float32[np.ndarray, "frame height width"],
    moving: Bool[np.ndarray, "frame half_height half_width"],
    intrinsics: Float[np.ndarray, "3 3"],
    world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> People:
    """Mask hands, arms and people.

    Args:
        images: RGB.
        depths: m (any unit), 0 where there is none.
        moving: What `find_moving` found.
        intrinsics: px.
        world_from_camera: Poses of the frames.
    """
    size = (moving.shape[2], moving.shape[1])
    smalls = np.array([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    small_depths = np.ascontiguousarray(depths[:, ::2, ::2])
    k = scale_intrinsics(intrinsics, 0.5, 0.5)
    changed = _find_changes(smalls, small_depths, k, world_from_camera)
    transient = np.array([_cleaned(m | c) for m, c in zip(moving, changed, strict=True)])
    nothing = People(masks=np.zeros(depths.shape, dtype=bool), transient=transient)
    edges = np.array([find_depth_edges(depth) for depth in small_depths])
    labs = np.array([cv2.cvtColor(small, cv2.COLOR_RGB2LAB) for small in smalls])
    skin = transient & has_skin_color(smalls) & ~edges
    bare, sleeves = _find_arms(labs, skin, transient & ~edges, moving)
    people = np.zeros_like(transient)
    if bare.any():
        people |= _joined_on(_alike(labs, bare, transient, ~edges), bare)
    if bare.sum() < _MIN_BARE * sleeves.sum():
        clothed = _joined_on(_alike(labs, sleeves, transient, ~edges), sleeves)
        people |= np.array([arm | _hand_of(arm, hand & ~arm) for arm, hand in zip(clothed, skin, strict=True)])
    if not people.any():
        return nothing
    grown = np.array([_filled(mask) for mask in people])
    masks = np.array([_enlarged(mask, depths.shape[2:0:-1]) for mask in grown])
    seen = masks.mean(axis=(1, 2))
    if not (seen > 0).any() or np.median(seen[seen > 0]) > _MAX_PEOPLE:
        return nothing
    return People(masks=masks, transient=transient)


def has_skin_color(images: UInt8[np.ndarray, "*batch height width 3"]) -> Bool[np.ndarray, "*batch height width"]:
    """Whether pixels (RGB) have a colour that skin of some tone has in some light."""
    values = images.astype(np.float32) + 1.0
    total = values.sum(axis=-1)
    red, green = values[..., 0] / total, values[..., 1] / total
    upper = -1.377 * red**2 + 1.0743 * red + 0.1452
    lower = -0.776 * red**2 + 0.5601 * red + 0.1766
    is_colored = (red - 1 / 3) ** 2 + (green - 1 / 3) ** 2 > 0.001
    return (green < upper) & (green > lower) & is_colored & (red > green) & (values.max(axis=-1) > 35)


def _find_changes(
    images: UInt8[np.ndarray, "frame height width 3"], depths: Float32[np.ndarray, "frame height width"],
    intrinsics: Float[np.ndarray, "3 3"], world_from_camera: Float[np.ndarray, "frame 4 4"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """Pixels that look otherwise than their place does in most other frames, once the camera's motion is taken away."""
    num_frames, height, width = depths.shape
    soft = [
        cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.2), cv2.COLOR_RGB2LAB).astype(np.float32) for image in images
    ]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    stands = bool(np.abs(world_from_camera - world_from_camera[0]).max() < 1e-6)
    result = np.zeros(depths.shape, dtype=bool)
    looks = np.unique(np.linspace(0, num_frames - 1, _LOOKS + 1).round().astype(int))
    for frame in range(num_frames):
        apart = []
        for other in looks[looks != frame]:
            if stands:
                there, seen = soft[other], ~_is_hidden(depths[frame], depths[other])
            else:
                flow, seen = camera_flow(depths[frame], intrinsics, world_from_camera[frame], world_from_camera[other])
                to_x, to_y = x + flow[..., 0], y + flow[..., 1]
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


def _cleaned(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0


def _reaching_in(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """Regions that enter from the border as an arm does: slender, over a short stretch of it."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_cleaned(mask).astype(np.uint8), connectivity=8)
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
            [_standing_out(_reaching_in(arm), *two) for arm, *two in zip(of_color, moving, labs, strict=True)]
        )
        if not _is_seen(found):
            continue
        if skin[found].mean() > 0.5:
            bare |= found
        elif _has_own_colors(labs, found, ~transient):
            other = skin & ~of_color
            held = np.array([_hand_of(*two).any() for two in zip(found, other, strict=True)])
            found &= held[:, None, None]
            sleeves |= found & _is_seen(found)
    return bare, sleeves


def _standing_out(
    mask: Bool[np.ndarray, "height width"], moving: Bool[np.ndarray, "height width"],
    lab: UInt8[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, "height width"]:  # fmt: skip
    """Regions that are no patch of something larger that moves: around an arm most stands still or is the same arm."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = np.zeros_like(mask)
    for label in range(1, count):
        region = (labels == label).astype(np.uint8)
        ring = cv2.dilate(region, np.ones((13, 13), np.uint8)) > cv2.dilate(region, np.ones((5, 5), np.uint8))
        tint = lab[region > 0][:, 1:].mean(axis=0)
        others = moving[ring] & (np.abs(lab[ring][:, 1:] - tint).max(axis=1) > _OTHER_TINT)
        if len(others) and others.mean() < _MAX_MOVING_AROUND:
            kept |= region > 0
    return kept


def _has_own_colors(
    labs: UInt8[np.ndarray, "frame height width 3"], found: Bool[np.ndarray, "frame height width"],
    still: Bool[np.ndarray, "frame height width"],
) -> bool:  # fmt: skip
    """Whether most of what has the colours of some regions is in them: a drawer's front is like its cabinet's."""
    counts = _histogram(labs[found]) * found.sum(), _histogram(labs[still]) * still.sum()
    own = counts[0] / np.maximum(counts[0] + counts[1], 1e-9)
    bins = _bins(labs[found])
    return float(np.median(own[bins[:, 0], bins[:, 1], bins[:, 2]])) > _MIN_OWN


def _is_seen(masks: Bool[np.ndarray, "frame height width"]) -> bool:
    return bool(masks.any(axis=(1, 2)).sum() >= _MIN_FRAMES)


def _hand_of(
    sleeve: Bool[np.ndarray, "height width"], skin: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """The skin that a sleeve comes up to, as far as a hand reaches: about as far as the sleeve is wide."""
    if not sleeve.any():
        return sleeve
    inside = cv2.distanceTransform(np.pad(sleeve, 1, mode="edge").astype(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((~sleeve).astype(np.uint8), cv2.DIST_L2, 3)
    hand = _touched(skin, outside < _TOUCH) & (outside < _HAND_LENGTH * 2 * float(inside.max()))
    return hand if hand.sum() < _MAX_HAND * sleeve.sum() else np.zeros_like(sleeve)


def _joined_on(
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
    _, labels = cv2.connectedComponents(_cleaned(mask).astype(np.uint8), connectivity=8)
    touched = np.unique(labels[by & (labels > 0)])
    return np.isin(labels, touched[touched > 0])


def _alike(
    labs: UInt8[np.ndarray, "frame height width 3"], samples: Bool[np.ndarray, "frame height width"],
    transient: Bool[np.ndarray, "frame height width"], allowed: Bool[np.ndarray, "frame height width"],
) -> Bool[np.ndarray, "frame height width"]:  # fmt: skip
    """Transient pixels with the colours of the samples rather than of all that stands still."""
    like, still = _histogram(labs[samples]), _histogram(labs[~transient])
    ratio = like / (like + still + 1e-9)
    bins = _bins(labs)
    score = ratio[bins[..., 0], bins[..., 1], bins[..., 2]].astype(np.float32)
    score = np.array([cv2.GaussianBlur(image, (0, 0), 1.5) for image in score])
    found = transient & allowed & (score > _MIN_SHARE)
    return np.array([_large(frame) for frame in found | samples])


def _bins(labs: UInt8[np.ndarray, "*batch 3"]) -> np.ndarray:
    light = labs[..., 0].astype(np.int32) * _LIGHTS // 256
    tints = (labs[..., 1:].astype(np.int32) - 128) // _TINT_STEP + _TINTS // 2
    return np.stack([light, *np.moveaxis(np.clip(tints, 0, _TINTS - 1), -1, 0)], axis=-1)


def _histogram(labs: UInt8[np.ndarray, "pixel 3"]) -> Float[np.ndarray, "light green blue"]:
    """Share of pixels by colour, smoothed."""
    bins = _bins(labs)
    counts = np.zeros((_LIGHTS, _TINTS, _TINTS))
    np.add.at(counts, (bins[:, 0], bins[:, 1], bins[:, 2]), 1.0)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
        low, mid, high = (np.take(padded, range(i, i + counts.shape[axis]), axis=axis) for i in range(3))
        counts = 0.2 * low + 0.6 * mid + 0.2 * high
    return counts / max(counts.sum(), 1.0)


def _large(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_cleaned(mask).astype(np.uint8), connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= _MIN_REGION * mask.size
    keep[0] = False
    return keep[:count][labels.astype(np.int64)]


def _filled(mask: Bool[np.ndarray, "height width"]) -> Bool[np.ndarray, "height width"]:
    """The mask without small gaps, and widened."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GROWTH + 1, 2 * _GROWTH + 1))
    return cv2.dilate(closed, kernel) > 0


def _enlarged(mask: Bool[np.ndarray, "height width"], size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
