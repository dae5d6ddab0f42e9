"""Parts and joint axes drawn on the frames of a video."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from sim2art.articulation.assembly import part_color, part_motions
from sim2art.articulation.estimate import ArticulationEstimate
from sim2art.geometry.cameras import project
from sim2art.geometry.transforms import apply, inverse
from sim2art.observation.rgbd_video import RgbdVideo
from sim2art.view.axes import AxisMark, mark_axes

_NEAR = 0.05  # m: lines are cut here, before they pass the camera.
_SUBPIXEL_BITS = 4


def draw_frames(
    video: RgbdVideo,
    labels: UInt8[np.ndarray, "frame height width"],
    estimate: ArticulationEstimate,
    frames: list[int],
    *,
    width: int = 640,
    marks: Sequence[AxisMark | None] | None = None,
) -> list[UInt8[np.ndarray, "drawn_height drawn_width 3"]]:
    """The given frames, `width` px wide, with moving parts tinted and every joint's axis drawn on top.

    The marks are those of `mark_axes` when none are given.
    """
    marks = mark_axes(video, labels, estimate) if marks is None else marks
    motions = part_motions(estimate)
    height = round(video.images.shape[1] * width / video.images.shape[2])
    scale = width / video.images.shape[2]
    intrinsics = video.intrinsics.copy()
    intrinsics[:2] *= scale
    intrinsics[:2, 2] += 0.5 * (scale - 1)  # Pixel centres: the first is at 0, 0.
    drawn = []
    for frame in frames:
        shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        image = cv2.resize(video.images[frame], (width, height), interpolation=shrink)
        parts = cv2.resize(labels[frame], (width, height), interpolation=cv2.INTER_NEAREST)
        picture = tint_parts(image, parts)
        for index, mark in enumerate(marks):
            if mark is not None:
                camera_from_rest = inverse(video.world_from_camera[frame]) @ motions[frame, mark.parent]
                _draw_mark(picture, mark, part_color(index + 1), camera_from_rest, intrinsics)
        drawn.append(picture)
    return drawn


def draw_overview(
    video: RgbdVideo,
    labels: UInt8[np.ndarray, "frame height width"],
    estimate: ArticulationEstimate,
    *,
    count: int = 4,
    width: int = 480,
    gap: int = 8,
) -> UInt8[np.ndarray, "strip_height strip_width 3"]:
    """One row of `count` frames from first to last, parts and axes drawn on them, on white."""
    frames = pick_frames(len(video.times), count)
    drawn = draw_frames(video, labels, estimate, frames, width=width)
    height = drawn[0].shape[0]
    strip = np.full((height, len(drawn) * (width + gap) - gap, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(drawn):
        strip[:, index * (width + gap) : index * (width + gap) + width] = picture
    return strip


def pick_frames(num_frames: int, count: int) -> list[int]:
    """At most `count` frame indices, evenly spread, the first and the last among them."""
    return [int(x) for x in np.unique(np.round(np.linspace(0, num_frames - 1, min(count, num_frames))))]


def tint_parts(
    image: UInt8[np.ndarray, "height width 3"], parts: UInt8[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The frame with moving parts in their colours and outlined; the base and unknown pixels stay, a little greyed."""
    grey = image.mean(axis=2, keepdims=True)
    picture = 0.55 * image + 0.45 * (0.75 * grey + 50)
    lines = max(1, round(image.shape[1] / 400))
    for part in np.unique(parts):
        if part in (0, 255):
            continue
        inside = parts == part
        color = np.array(part_color(int(part)), dtype=float)
        picture[inside] = 0.5 * image[inside] + 0.5 * color
        contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        # Specks of a few pixels get no outline, or noise would be louder than the parts.
        contours = [contour for contour in contours if cv2.contourArea(contour) > 2e-4 * parts.size]
        cv2.drawContours(picture, contours, -1, (0.7 * color).tolist(), lines, cv2.LINE_AA)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _draw_mark(
    picture: np.ndarray,
    mark: AxisMark,
    color: tuple[int, int, int],
    camera_from_rest: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> None:
    """Draw in place: a white halo under everything, then the colour."""
    thick = max(2, round(picture.shape[1] / 200))
    lines = [_visible_line(apply(camera_from_rest, mark.segment), intrinsics)]
    if mark.ring is not None:
        ring = apply(camera_from_rest, mark.ring)
        if np.all(ring[:, 2] > _NEAR):
            lines.append(project(intrinsics, ring))
    dark = tuple(int(0.8 * channel) for channel in color)
    for paint, width in (((255, 255, 255), thick + 2 * max(1, thick // 2)), (dark, thick)):
        for line in lines:
            if line is None:
                continue
            _draw_line(picture, line, paint, width)
            _draw_arrow_head(picture, line, paint, width, 4.0 * thick + (width - thick))


def _visible_line(segment_camera: np.ndarray, intrinsics: np.ndarray) -> np.ndarray | None:
    """Pixels of the two ends, cut where the line passes the near plane; None when all of it is behind."""
    start, end = segment_camera
    if start[2] <= _NEAR and end[2] <= _NEAR:
        return None
    if min(start[2], end[2]) <= _NEAR:
        cut = start + (end - start) * (_NEAR - start[2]) / (end[2] - start[2])
        start, end = (cut, end) if start[2] <= _NEAR else (start, cut)
    pixels = project(intrinsics, np.stack([start, end]))
    # Far beyond the picture OpenCV's fixed-point coordinates overflow.
    return pixels if np.all(np.abs(pixels) < 1e5) else None


def _draw_line(picture: np.ndarray, line: np.ndarray, color: tuple[int, ...], width: int) -> None:
    points = np.round(line * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.polylines(
        picture, [points], isClosed=False, color=color, thickness=width, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS
    )


def _draw_arrow_head(picture: np.ndarray, line: np.ndarray, color: tuple[int, ...], width: int, size: float) -> None:
    """A filled triangle at the end of a line, pointing on; none on a line seen end-on."""
    before = line[-2] if len(line) == 2 else line[-5]  # On a ring a single step is too short to show a direction.
    direction = line[-1] - before
    length = float(np.linalg.norm(direction))
    if length < 2.0:
        return
    direction = direction / length
    side = np.array([-direction[1], direction[0]])
    tip = line[-1] + 0.45 * size * direction
    back = line[-1] - 0.55 * size * direction
    corners = np.stack([tip, back + 0.45 * size * side, back - 0.45 * size * side])
    points = np.round(corners * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(picture, [points], color, cv2.LINE_AA, _SUBPIXEL_BITS)
