"""The picture on a mesh: faces laid out in an atlas, each texel from the frames that saw its place best.

A frame counts by how squarely, how near and how sharply it saw a place, and only if nothing stood in front. The best few are
averaged: one alone would show its seams and reflections, all together would blur.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from numba import njit
from scipy.spatial import KDTree

from sim2art.export.charts import lay_out
from sim2art.export.fusion import PartView
from sim2art.geometry.cameras import project
from sim2art.geometry.meshes import Texture, TriangleMesh
from sim2art.geometry.transforms import apply, inverse

_MAX_SIZE = 2048
"""Longest side of the picture, px."""
_TEXEL = 0.7
"""Size of a texel in pixels at the part's median depth: finer than they are, since texels fall between them."""
_BEST_VIEWS = 3
"""Frames that a texel is averaged from."""
_HIDDEN = 0.02
"""A place whose depth differs by more than this share from what a frame saw there is hidden in it."""


def paint(mesh: TriangleMesh, views: Sequence[PartView], intrinsics: Float[np.ndarray, "3 3"]) -> TriangleMesh:
    """A part's rest-pose mesh with a texture, and with its mean on each face as that face's colour; intrinsics in px."""
    if len(mesh.faces) == 0:
        return mesh
    seen = [view.frame.depths[view.on_part & (view.frame.depths > 0)] for view in views]
    depth = float(np.median(np.concatenate(seen)))
    uvs, height, width = lay_out(mesh, _TEXEL * depth / float(intrinsics[0, 0]), _MAX_SIZE)
    face, weights = _rasterize(uvs, height, width)
    rows, columns = np.nonzero(face >= 0)
    owner = face[rows, columns]
    corners = mesh.vertices[mesh.faces[owner]]
    points = np.einsum("tc,tci->ti", weights[rows, columns], corners)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    colors = _look_up(points, normals, views, intrinsics)
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[rows, columns] = np.clip(np.round(colors), 0, 255).astype(np.uint8)
    image = _spread(image, face >= 0)
    texture = Texture(uvs=uvs, image=image)
    return replace(mesh, colors=texture.face_colors(), texture=texture)


def _look_up(
    points: Float[np.ndarray, "texel 3"],
    normals: Float[np.ndarray, "texel 3"],
    views: Sequence[PartView],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "texel 3"]:
    """Colour (0..255) of places on the part; where no frame saw one, that of the nearest that was seen."""
    scores = np.zeros((len(points), _BEST_VIEWS), dtype=np.float32)
    colors = np.zeros((len(points), _BEST_VIEWS, 3), dtype=np.float32)
    for view in views:
        score, color = _seen_in(points, normals, view, intrinsics)
        worst = scores.argmin(axis=1)
        better = score > scores[np.arange(len(points)), worst]
        scores[better, worst[better]] = score[better]
        colors[better, worst[better]] = color[better]
    total = scores.sum(axis=1, keepdims=True)
    mixed = np.einsum("tv,tvi->ti", scores, colors) / np.where(total > 0, total, 1.0)
    known = total[:, 0] > 0
    if known.any() and not known.all():
        mixed[~known] = mixed[known][KDTree(points[known]).query(points[~known])[1]]
    return mixed.astype(np.float64)


def _seen_in(
    points: np.ndarray, normals: np.ndarray, view: PartView, intrinsics: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How well one frame saw each place (0: not at all), and the colour there."""
    height, width = view.frame.depths.shape
    places = apply(view.camera_from_rest, points)
    eye = inverse(view.camera_from_rest)[:3, 3]
    toward = eye - points
    distance = np.maximum(np.linalg.norm(toward, axis=1), 1e-9)
    facing = np.einsum("ti,ti->t", normals, toward) / distance
    ahead = places[:, 2] > 1e-3
    pixels = project(intrinsics, np.where(ahead[:, None], places, [0.0, 0.0, 1.0]))
    columns, rows = pixels.astype(np.float32).T
    at_row, at_column = np.round(rows).astype(int), np.round(columns).astype(int)
    inside = ahead & (at_row >= 0) & (at_row < height) & (at_column >= 0) & (at_column < width)
    at_row, at_column = np.where(inside, at_row, 0), np.where(inside, at_column, 0)
    depth = view.frame.depths[at_row, at_column]
    visible = inside & view.on_part[at_row, at_column] & (np.abs(depth - places[:, 2]) < _HIDDEN * places[:, 2])
    score = np.where(visible & (facing > 0.1), facing**2 / distance**2 * view.frame.sharpness, 0.0)
    # Rows of at most 32,000 places: OpenCV's remap takes no longer ones.
    color = np.concatenate(
        [
            cv2.remap(view.frame.image, columns[i : i + 30_000, None], rows[i : i + 30_000, None], cv2.INTER_LINEAR)[
                :, 0
            ]
            for i in range(0, len(points), 30_000)
        ]
    )
    return score**2, color


def _spread(image: UInt8[np.ndarray, "height width 3"], known: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    """The picture with each unknown texel as its nearest known one, so that filters mix in nothing else."""
    _, marks = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    if not known.any():
        return image
    nearest = np.asarray(marks, dtype=np.int64)
    table = np.zeros((int(nearest.max()) + 1, 3), dtype=np.uint8)
    table[nearest[known]] = image[known]
    return table[nearest]


def _rasterize(uvs: Float[np.ndarray, "face 3 2"], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Face (-1 for none) and corner weights at the middle of each texel."""
    corners = np.stack([uvs[..., 0] * width - 0.5, (1 - uvs[..., 1]) * height - 0.5], axis=-1)
    return _fill(corners, height, width)


@njit(cache=True, nogil=True)
def _fill(corners, height, width):
    """A triangle at a time; texels whose middle lies up to half a texel outside belong to the last that asks."""
    face = np.full((height, width), -1, dtype=np.int64)
    weights = np.zeros((height, width, 3))
    slack = np.full((height, width), np.inf)
    for index in range(corners.shape[0]):
        (ax, ay), (bx, by), (cx, cy) = corners[index, 0], corners[index, 1], corners[index, 2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-9:
            continue
        longest = max(np.hypot(bx - ax, by - ay), max(np.hypot(cx - bx, cy - by), np.hypot(ax - cx, ay - cy)))
        margin = 0.75 * longest / abs(area)
        for row in range(max(0, int(min(ay, by, cy) - 0.5)), min(height - 1, int(max(ay, by, cy) + 1.5)) + 1):
            for column in range(max(0, int(min(ax, bx, cx) - 0.5)), min(width - 1, int(max(ax, bx, cx) + 1.5)) + 1):
                wb = ((column - ax) * (cy - ay) - (cx - ax) * (row - ay)) / area
                wc = ((bx - ax) * (row - ay) - (column - ax) * (by - ay)) / area
                wa = 1.0 - wb - wc
                outside = max(0.0, -min(wa, wb, wc))
                if outside <= margin and outside < slack[row, column]:
                    slack[row, column] = outside
                    face[row, column] = index
                    weights[row, column, 0] = wa
                    weights[row, column, 1] = wb
                    weights[row, column, 2] = wc
    return face, weights
