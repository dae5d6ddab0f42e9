"""From parts of sampled points to a part for every pixel: nearest points in space vote, depth keeps the edges.

Votes are taken on a coarse grid of pixels and carried to full size by a joint bilateral upsampling (Kopf et al.,
SIGGRAPH 2007) whose range is depth and colour. Where the parts' motion is known, all other frames vote too
(`label_evidence`).
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.spatial import KDTree

from sim2art.errors import InvalidValueError
from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.observation.label_evidence import MotionEvidence
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
_ROUNDS = 3
"""Of weighing the other frames' word; from the second on with what they themselves were found to show."""
_PULL = 2.0
"""For the part that all neighbours of a node were found to show, in nats."""
_DOUBT = 0.3
"""Share of a sampled point's vote that goes to all parts alike where other frames have a say."""


def densify_labels(
    video: RgbdVideo,
    points: PointVideo,
    part_probabilities: Float[np.ndarray, "frame point part"],
    world_from_rest: Float[np.ndarray, "frame part 4 4"] | None = None,
) -> UInt8[np.ndarray, "frame height width"]:
    """Part index of every pixel inside the object mask that has depth; 255 elsewhere.

    Args:
        video: The frames.
        points: Points sampled from them.
        part_probabilities: Of each point.
        world_from_rest: Takes each part's rest pose to its place in each frame (`link_motions`); given it, a pixel goes to
            the part with whose motion it agrees with the depth of all other frames.
    """
    num_parts = part_probabilities.shape[2]
    if num_parts > NO_LABEL:
        raise InvalidValueError(f"{num_parts} parts cannot be told apart in 8-bit labels; at most {NO_LABEL} can.")
    known = video.object_masks & (video.depths > 0)
    labels = np.full(known.shape, NO_LABEL, dtype=np.uint8)
    grids = [
        _vote_on_grid(video, frame, points.points_world[frame, valid], part_probabilities[frame, valid])
        for frame, valid in enumerate(points.valid)
    ]
    if world_from_rest is not None and num_parts > 1:
        grids = _with_motion(video, np.stack(grids), world_from_rest)
    for frame, grid in enumerate(grids):
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
) -> Float32[np.ndarray, "rows columns part"]:
    """Part probabilities of every `_STRIDE`-th pixel: nearest sampled points, the near ones count more.

    All are 0 where nothing is known, outside the object mask or without depth. Where no point was sampled, all is base.
    """
    nodes, seen = _grid_nodes(video, frame)
    result = np.zeros((*seen.shape, probabilities.shape[1]), dtype=np.float32)
    if len(points_world) == 0:
        result[seen, 0] = 1.0
        return result
    count = min(_NEIGHBOURS, len(points_world))
    distance, index = KDTree(points_world).query(nodes, k=count)
    distance, index = distance.reshape(-1, count), index.reshape(-1, count)
    scale = np.maximum(distance[:, [min(2, count - 1)]], 1e-6)
    weight = np.exp(-((distance / scale) ** 2))
    votes = np.einsum("nk,nkp->np", weight, probabilities[index])
    result[seen] = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    return result


def _grid_nodes(video: RgbdVideo, frame: int) -> tuple[Float[np.ndarray, "node 3"], Bool[np.ndarray, "rows columns"]]:
    """World positions (m) of the grid's nodes that show the object with depth, and which those are."""
    depth = video.depths[frame, ::_STRIDE, ::_STRIDE].astype(np.float64)
    seen = (depth > 0) & video.object_masks[frame, ::_STRIDE, ::_STRIDE]
    rows, columns = np.nonzero(seen)
    pixels = np.stack([columns, rows], axis=-1).astype(np.float64) * _STRIDE
    return apply(video.world_from_camera[frame], unproject(video.intrinsics, pixels, depth[seen])), seen


def _with_motion(
    video: RgbdVideo,
    grids: Float32[np.ndarray, "frame rows columns part"],
    world_from_rest: Float[np.ndarray, "frame part 4 4"],
) -> list[Float32[np.ndarray, "rows columns part"]]:
    """The votes with the word of all other frames: first what they see through, then on whose surface a node lands."""
    evidence = MotionEvidence(video, world_from_rest)
    votes = (1 - _DOUBT) * grids + _DOUBT / grids.shape[3]
    nodes = [_grid_nodes(video, frame) for frame in range(len(grids))]
    encounters = [
        evidence.meet(frame, points, np.argwhere(seen) * _STRIDE, _STRIDE) for frame, (points, seen) in enumerate(nodes)
    ]
    known = None
    for _ in range(_ROUNDS):
        weighed = np.zeros_like(grids)
        says = None if known is None else evidence.listen(known)
        for frame, (_, seen) in enumerate(nodes):
            depth = video.depths[frame, ::_STRIDE, ::_STRIDE]
            told = evidence.weigh(encounters[frame], says)
            told = _mean_of_neighbours(told, seen, depth)
            if known is not None:
                told += _PULL * _mean_of_neighbours(known[frame, seen], seen, depth)
            shares = votes[frame, seen] * np.exp(told)
            weighed[frame, seen] = shares / shares.sum(axis=1, keepdims=True)
        known = weighed
    return list(known if known is not None else grids)


def _mean_of_neighbours(
    told: Float[np.ndarray, "node part"], seen: Bool[np.ndarray, "rows columns"], depth: np.ndarray
) -> Float[np.ndarray, "node part"]:
    """What nodes have, averaged with what their neighbours at about the same depth have."""
    full = np.zeros((*seen.shape, told.shape[1]))
    full[seen] = told
    total, weights = np.zeros_like(full), np.zeros(seen.shape)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            there = (
                slice(max(down, 0), seen.shape[0] + min(down, 0)),
                slice(max(right, 0), seen.shape[1] + min(right, 0)),
            )
            here = (
                slice(max(-down, 0), seen.shape[0] + min(-down, 0)),
                slice(max(-right, 0), seen.shape[1] + min(-right, 0)),
            )
            near = np.abs(depth[there] - depth[here]) < 2 * _DEPTH_SHARE * depth[here]
            weight = (near & seen[there]).astype(np.float64)
            total[here] += weight[..., None] * full[there]
            weights[here] += weight
    return total[seen] / weights[seen][:, None]


def _upsample(
    grid: Float[np.ndarray, "rows columns part"],
    depth: Float[np.ndarray, "height width"],
    image: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height width"]:
    """The likeliest part of every pixel, from the four grid nodes around it that are like it in depth and colour."""
    height, width = depth.shape
    rows, columns, num_parts = grid.shape

    def blocks(values: np.ndarray) -> Float32[np.ndarray, "rows stride columns stride"]:
        """Pixels by the node at the upper left of them."""
        full = np.pad(values, ((0, rows * _STRIDE - height), (0, columns * _STRIDE - width)), mode="edge")
        return full.astype(np.float32).reshape(rows, _STRIDE, columns, _STRIDE)

    pixel_depth, pixel_color = blocks(depth), [blocks(channel) for channel in np.moveaxis(image, -1, 0)]
    tolerance = np.maximum(_DEPTH_SHARE * pixel_depth, 1e-6)
    share = np.arange(_STRIDE, dtype=np.float32) / _STRIDE
    totals = np.zeros((rows, _STRIDE, columns, _STRIDE, num_parts), dtype=np.float32)
    for down in (0, 1):
        for right in (0, 1):
            below = np.minimum(np.arange(rows) + down, rows - 1)[:, None]
            beside = np.minimum(np.arange(columns) + right, columns - 1)
            node_depth, node_color, node_grid = (
                values[below, beside][:, None, :, None]
                for values in (depth[::_STRIDE, ::_STRIDE], image[::_STRIDE, ::_STRIDE], grid)
            )
            unlike = np.zeros_like(pixel_depth)
            for channel, color in enumerate(pixel_color):
                np.maximum(unlike, np.abs(node_color[..., channel].astype(np.float32) - color), out=unlike)
            off = np.abs(node_depth.astype(np.float32) - pixel_depth) / tolerance + unlike / _COLOR_SCALE
            place = (share if down else 1 - share)[:, None, None] * (share if right else 1 - share)
            # A floor keeps pixels that resemble none of their nodes from having no vote at all.
            weight = (place + np.float32(0.05)) * np.exp(-np.minimum(off, 30.0))
            totals += weight[..., None] * node_grid.astype(np.float32)
    best = np.argmax(totals, axis=-1).astype(np.uint8)
    return best.reshape(rows * _STRIDE, columns * _STRIDE)[:height, :width]
