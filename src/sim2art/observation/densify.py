"""From parts of sampled points to a part for every pixel: nearest points in space vote, depth keeps the edges.

Votes are taken on a coarse grid of pixels and carried to full size by a joint bilateral upsampling (Kopf et al.,
SIGGRAPH 2007) whose range is depth and colour.
"""

import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial import KDTree

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.observation.point_video import PointVideo
from sim2art.observation.rgbd_video import RgbdVideo

NO_LABEL = 255
"""Pixels without depth or outside the object mask."""
_STRIDE = 4
_NEIGHBOURS = 8
_DEPTH_SHARE = 0.015
"""Depth difference, as a share of depth, at which a grid node's say falls to 1/e."""
_COLOR_SCALE = 25.0
"""Colour difference (levels) at which a grid node's say falls to 1/e."""


def densify_labels(
    video: RgbdVideo, points: PointVideo, part_probabilities: Float[np.ndarray, "frame point part"]
) -> UInt8[np.ndarray, "frame height width"]:
    """Part index of every pixel inside the object mask that has depth; 255 elsewhere."""
    num_parts = part_probabilities.shape[2]
    if num_parts > NO_LABEL:
        raise InvalidValueError(f"{num_parts} parts cannot be told apart in 8-bit labels; at most {NO_LABEL} can.")
    known = video.object_masks & (video.depths > 0)
    labels = np.full(known.shape, NO_LABEL, dtype=np.uint8)
    for frame in range(len(video.times)):
        valid = points.valid[frame]
        if num_parts == 1 or not valid.any():
            labels[frame][known[frame]] = 0
            continue
        grid = _vote_on_grid(video, frame, points.points_world[frame, valid], part_probabilities[frame, valid])
        best = _upsample(grid, video.depths[frame], video.images[frame])
        labels[frame][known[frame]] = best[known[frame]]
    return labels


def resize_labels(
    labels: UInt8[np.ndarray, "frame height width"], size: tuple[int, int]
) -> UInt8[np.ndarray, "frame new_height new_width"]:
    """Labels at another image size (width, height), by nearest pixel."""
    height, width = labels.shape[1:]
    if (width, height) == size:
        return labels
    rows = np.minimum((np.arange(size[1]) + 0.5) * height / size[1], height - 1).astype(int)
    columns = np.minimum((np.arange(size[0]) + 0.5) * width / size[0], width - 1).astype(int)
    return labels[:, rows[:, None], columns[None]]


def _vote_on_grid(
    video: RgbdVideo,
    frame: int,
    points_world: Float[np.ndarray, "point 3"],
    probabilities: Float[np.ndarray, "point part"],
) -> Float[np.ndarray, "rows columns part"]:
    """Part probabilities of every `_STRIDE`-th pixel: nearest sampled points, the near ones count more."""
    depth = video.depths[frame, ::_STRIDE, ::_STRIDE].astype(np.float64)
    rows, columns = np.mgrid[0 : depth.shape[0], 0 : depth.shape[1]] * _STRIDE
    nodes = apply(
        video.world_from_camera[frame],
        unproject(video.intrinsics, np.stack([columns, rows], axis=-1).astype(np.float64), depth).reshape(-1, 3),
    )
    seen = (depth > 0).ravel() & video.object_masks[frame, ::_STRIDE, ::_STRIDE].ravel()
    result = np.zeros((len(nodes), probabilities.shape[1]))
    count = min(_NEIGHBOURS, len(points_world))
    distance, index = KDTree(points_world).query(nodes[seen], k=count)
    distance, index = distance.reshape(-1, count), index.reshape(-1, count)
    scale = np.maximum(distance[:, [min(2, count - 1)]], 1e-6)
    weight = np.exp(-((distance / scale) ** 2))
    votes = np.einsum("nk,nkp->np", weight, probabilities[index])
    result[seen] = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    return result.reshape(*depth.shape, -1)


def _upsample(
    grid: Float[np.ndarray, "rows columns part"],
    depth: Float[np.ndarray, "height width"],
    image: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width"]:
    """The likeliest part of every pixel, from the four grid nodes around it that are like it in depth and colour."""
    height, width = depth.shape
    rows, columns = grid.shape[:2]
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    top, left = np.minimum(y // _STRIDE, rows - 1), np.minimum(x // _STRIDE, columns - 1)
    share_y, share_x = (y - top * _STRIDE) / _STRIDE, (x - left * _STRIDE) / _STRIDE
    grid = grid.astype(np.float32)
    totals = np.zeros((height, width, grid.shape[2]), dtype=np.float32)
    depth32, color = depth.astype(np.float32), image.astype(np.float32)
    for down in (0, 1):
        for right in (0, 1):
            r, c = np.minimum(top + down, rows - 1), np.minimum(left + right, columns - 1)
            place = (share_y if down else 1 - share_y) * (share_x if right else 1 - share_x)
            node_y, node_x = np.minimum(r * _STRIDE, height - 1), np.minimum(c * _STRIDE, width - 1)
            off = np.abs(depth32[node_y, node_x] - depth32) / np.maximum(_DEPTH_SHARE * depth32, 1e-6)
            unlike = np.abs(color[node_y, node_x] - color).max(axis=-1) / _COLOR_SCALE
            # A floor keeps pixels that resemble none of their nodes from having no vote at all.
            weight = (place.astype(np.float32) + 0.05) * np.exp(-np.minimum(off + unlike, 30.0))
            totals += weight[..., None] * grid[r, c]
    return np.argmax(totals, axis=-1).astype(np.uint8)
