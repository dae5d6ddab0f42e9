"""Where the frames between used ones show the points of parts: flow from the used frames, chained away from each.

Depth is needed of the used frames only, so this serves colour video, of which depth is guessed for some frames.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.errors import InvalidFileError
from sim2art.geometry.cameras import unproject
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.perception.flow.camera_flow import camera_flow
from sim2art.perception.flow.dis import DisFlow, map_in_threads
from sim2art.perception.flow.lifted_flow import judge_flow, mismatch, pick_flow, texture_masks
from sim2art.perception.flow.texture import measure_slip

_WIDTH = 320
"""px, of the images that flow is measured in: on the real door values are as good as at 640, for a quarter of the time."""
_NUM_POINTS = 150
"""Of a part in a used frame."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where one frame shows the points of a used frame."""

    used: int
    """Place of that frame among the used ones."""
    targets: Float[np.ndarray, "point 2"]
    """px."""
    slip: Float[np.ndarray, "point 2"]
    """How much less sure they are along edges (`measure_slip`)."""
    known: Bool[np.ndarray, "point"]
    """Whether flow is to be believed (`judge_flow`)."""


@dataclass(frozen=True, kw_only=True)
class PartPoints:
    """Points of all parts in a used frame."""

    pixels: Int[np.ndarray, "point 2"]
    """px."""
    part: Int[np.ndarray, "point"]
    """From 1 on."""
    camera: Float[np.ndarray, "point 3"]
    """Camera frame."""


def draw_points(
    labels: UInt8[np.ndarray, "height width"],
    depth: Float[np.ndarray, "height width"],
    intrinsics: Float[np.ndarray, "3 3"],
    rng: np.random.Generator,
) -> PartPoints:
    """Points of each part of a used frame, as many as there are, up to a number."""
    chosen = []
    for part in range(1, int(labels.max(initial=0, where=labels < 255)) + 1):
        places = np.flatnonzero((labels == part) & (depth > 0))
        chosen.append(rng.permutation(places)[:_NUM_POINTS])
    flat = np.concatenate([np.zeros(0, np.int64), *chosen])
    pixels = np.stack([flat % labels.shape[1], flat // labels.shape[1]], axis=1)
    camera = unproject(intrinsics, pixels.astype(np.float64), depth.ravel()[flat].astype(np.float64))
    return PartPoints(pixels=pixels, part=labels.ravel()[flat].astype(np.int64), camera=camera)


def follow_points(
    read: Callable[[int], UInt8[np.ndarray, "height width 3"]], video: RgbdVideo, poses: Float[np.ndarray, "frame 4 4"],
    used: Int[np.ndarray, "used"], points: Sequence[PartPoints],
) -> list[list[Look]]:  # fmt: skip
    """What each frame shows of the used frames before and after it.

    Args:
        read: RGB of a frame, at any size.
        video: The used frames.
        poses: World from camera of every frame.
        used: Which of them are the used ones.
        points: Of each used frame.
    """
    height, width = video.depths.shape[1:]
    factor = min(1.0, _WIDTH / width)
    size = (round(factor * width), round(factor * height))
    scale = np.array([[factor, 1.0, factor], [1.0, factor, factor], [1.0, 1.0, 1.0]])
    intrinsics, ends = scale * video.intrinsics, [-1, *used.tolist(), len(poses)]
    dis = DisFlow()

    def small(frame: int) -> UInt8[np.ndarray, "height width"]:
        try:
            gray = cv2.cvtColor(read(frame), cv2.COLOR_RGB2GRAY)
        except InvalidFileError:  # It was counted when the recording was taken in; nothing is seen in it.
            return np.zeros(size[::-1], np.uint8)
        return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA))

    def follow(place: int) -> list[tuple[int, Look]]:
        """From one used frame to the next ones on both sides, away from it."""
        own = points[place]
        if not len(own.part):
            return []
        start, found = int(used[place]), []
        x, y = (factor * own.pixels.T).astype(np.int64)
        depth = cv2.resize(video.depths[place].astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
        first = small(start)
        textures, slip = texture_masks(first), measure_slip(first)[y, x].astype(np.float64)
        for frames in (range(start + 1, ends[place + 2]), range(start - 1, ends[place], -1)):
            there = back = None
            for frame in frames:
                gray, still = small(frame), camera_flow(depth, intrinsics, poses[start], poses[frame])[0]
                there, back = dis(first, gray, there), dis(gray, first, back)
                flow = judge_flow(*pick_flow([(there, back)]), still, first, gray, textures)
                # What looks no more like the patch than a blank one does is something else: a hand, or a lost frame.
                seen = mismatch(first, gray, flow.flow) < mismatch(first, np.zeros_like(first), flow.flow)
                targets = own.pixels + flow.flow[y, x].astype(np.float64) / factor
                known = (flow.confident & seen)[y, x]
                found.append((frame, Look(used=place, targets=targets, slip=slip, known=known)))
        return found

    looks: list[list[Look]] = [[] for _ in poses]
    for found in map_in_threads(follow, list(range(len(used)))):
        for frame, look in found:
            looks[frame].append(look)
    return looks
