"""A part's surface in its rest pose, fused from the frames in which its joint value is known: both faces, with colours."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.geometry.cameras import unproject
from sim2art.geometry.transforms import apply
from sim2art.states.frame_stack import FrameStack

_MAX_JUMP = 0.02
"""Neighbouring depths that differ by more than this share lie on two surfaces."""
_MIN_FACING = 0.25
"""Cosine between normal and view below which a surface at a slant is left out."""


@dataclass(frozen=True, kw_only=True)
class PartModel:
    """Points of a surface, each for a patch of it."""

    points: Float[np.ndarray, "point 3"]
    """m."""
    normals: Float[np.ndarray, "point 3"]
    """Outward."""
    colors: Float[np.ndarray, "point 3"]
    areas: Float[np.ndarray, "point"]
    """m^2."""

    def __len__(self) -> int:
        return len(self.points)

    def kept(self, chosen: Bool[np.ndarray, "point"]) -> "PartModel":
        """Some of the points."""
        return PartModel(
            points=self.points[chosen],
            normals=self.normals[chosen],
            colors=self.colors[chosen],
            areas=self.areas[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class SeenSurface:
    """What one used frame shows of a part, camera frame."""

    points: Float[np.ndarray, "pixel 3"]
    normals: Float[np.ndarray, "pixel 3"]
    colors: Float[np.ndarray, "pixel 3"]
    areas: Float[np.ndarray, "pixel"]


def see_surface(stack: FrameStack, used: int, labels: UInt8[np.ndarray, "height width"], part: int) -> SeenSurface:
    """The pixels of a part in a used frame (by its place among the used ones), with the normals of the surface there."""
    frame = int(stack.used[used])
    places, normals = find_normals(stack, frame, labels == part)
    whole = np.linalg.norm(normals, axis=-1) > 0.5
    points, chosen = places[whole], normals[whole]
    facing = -(chosen * points).sum(axis=1) / np.linalg.norm(points, axis=1)
    good = facing > _MIN_FACING
    areas = points[:, 2] ** 2 / (stack.intrinsics[0, 0] * stack.intrinsics[1, 1]) / np.maximum(facing, _MIN_FACING)
    colors = stack.colors[frame][whole].astype(np.float64)
    return SeenSurface(points=points[good], normals=chosen[good], colors=colors[good], areas=areas[good])


def find_normals(
    stack: FrameStack, frame: int, inside: Bool[np.ndarray, "height width"]
) -> tuple[Float[np.ndarray, "height width 3"], Float[np.ndarray, "height width 3"]]:
    """Place of each pixel and normal of its surface towards the camera, camera frame; zeros where they cannot be told."""
    depth = stack.depths[frame].astype(np.float64)
    height, width = depth.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    places = unproject(stack.intrinsics, pixels, depth)
    whole = inside & (depth > 0)
    across, down = np.roll(places, -1, 1) - np.roll(places, 1, 1), np.roll(places, -1, 0) - np.roll(places, 1, 0)
    for axis in (0, 1):
        for shift in (-1, 1):
            near = np.abs(np.roll(depth, shift, axis) - depth) < _MAX_JUMP * depth
            whole &= near & np.roll(inside, shift, axis)
    whole[[0, -1]] = False
    whole[:, [0, -1]] = False
    normals = np.cross(down, across)
    normals[~whole] = 0.0
    total = cv2.boxFilter(normals, -1, (3, 3), normalize=False)
    length = np.linalg.norm(total, axis=-1, keepdims=True)
    total = np.where(whole[..., None] & (length > 0), total / np.maximum(length, 1e-12), 0.0)
    away = (total * places).sum(axis=-1) > 0
    return places, np.where(away[..., None], -total, total)


def fuse(seen: list[SeenSurface], rest_from_camera: Float[np.ndarray, "seen 4 4"], *, num_points: int) -> PartModel:
    """At most `num_points` points, each the mean of what all frames show of a small cell of the surface and one side of it.

    A cell's area is what one frame shows of it, not what all frames together do.
    """
    points = np.concatenate([apply(m, one.points) for m, one in zip(rest_from_camera, seen, strict=True)])
    normals = np.concatenate([one.normals @ m[:3, :3].T for m, one in zip(rest_from_camera, seen, strict=True)])
    colors = np.concatenate([one.colors for one in seen])
    areas = np.concatenate([one.areas for one in seen])
    source = np.concatenate([np.full(len(one.areas), index) for index, one in enumerate(seen)])
    if not len(points):
        return PartModel(points=points, normals=normals, colors=colors, areas=areas)
    cell = float(np.sqrt(max(one.areas.sum() for one in seen) / num_points))
    while True:
        owner, count = _cells(points, normals, cell)
        if count <= num_points:
            break
        cell *= 1.15
    number = np.bincount(owner, minlength=count)

    def mean(values: Float[np.ndarray, "pixel 3"]) -> Float[np.ndarray, "cell 3"]:
        return np.stack([np.bincount(owner, values[:, k], count) for k in range(3)], axis=1) / number[:, None]

    frames = np.zeros(count)
    pairs = np.unique(owner * len(seen) + source)
    np.add.at(frames, pairs // len(seen), 1.0)
    direction = mean(normals)
    length = np.linalg.norm(direction, axis=1)
    kept = length > 0.5
    return PartModel(
        points=mean(points)[kept],
        normals=(direction / np.maximum(length, 1e-9)[:, None])[kept],
        colors=mean(colors)[kept],
        areas=(np.bincount(owner, areas, count) / frames)[kept],
    )


def _cells(
    points: Float[np.ndarray, "pixel 3"], normals: Float[np.ndarray, "pixel 3"], cell: float
) -> tuple[Int[np.ndarray, "pixel"], int]:
    """The cell of each point, and how many there are; points whose normals point elsewhere are in different cells."""
    place = np.floor(points / cell).astype(np.int64)
    place -= place.min(axis=0)
    side = np.abs(normals).argmax(axis=1)
    side = 2 * side + (normals[np.arange(len(normals)), side] > 0)
    size = place.max(axis=0) + 1
    key = ((place[:, 0] * size[1] + place[:, 1]) * size[2] + place[:, 2]) * 6 + side
    _, owner = np.unique(key, return_inverse=True)
    return owner, int(owner.max()) + 1
