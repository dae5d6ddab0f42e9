"""A small z-buffer renderer in NumPy for the pictures of a report. The simulator has its own, faster one.

Faces are grouped by the size of their bounding box in the image, and each group is tested against all pixels of its
boxes at once. That is quick for the many small faces of a scan and good enough for a box of twelve.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.kinematics import link_motions
from sim2art.geometry.cameras import project
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import apply, inverse

_TESTS_AT_ONCE = 2_000_000  # Bounds memory: about 100 MB of temporaries.
_SHARED_BOX = 64  # px


@dataclass(frozen=True, kw_only=True)
class RasterImage:
    """The nearest face at every pixel."""

    depths: Float[np.ndarray, "height width"]
    """Depth along z, m; 0 where nothing is."""
    face_ids: Int[np.ndarray, "height width"]
    """Face index, -1 where nothing is."""


def rasterize(
    vertices_camera: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
    *,
    near: float = 0.01,
) -> RasterImage:
    """Render triangles given in camera coordinates; those that reach nearer than `near` (m) are dropped whole.

    Args:
        vertices_camera: Corner positions, camera frame (OpenCV axes), m.
        faces: Vertex indices.
        intrinsics: px.
        size: Width and height of the picture, px.
        near: m.
    """
    width, height = size
    inverse_depths = np.zeros(height * width)
    face_ids = np.full(height * width, -1, dtype=np.int64)
    pixels = project(intrinsics, vertices_camera)
    in_front = vertices_camera[:, 2] > near
    kept = np.flatnonzero(in_front[faces[:, 0]] & in_front[faces[:, 1]] & in_front[faces[:, 2]])
    corners = pixels[faces[kept]]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]  # Pairwise: reducing over an axis of 3 is far slower.
    low = np.maximum(np.ceil(np.minimum(np.minimum(a, b), c)), 0)
    high = np.minimum(np.floor(np.maximum(np.maximum(a, b), c)), [width - 1, height - 1])
    seen = (high[:, 0] >= low[:, 0]) & (high[:, 1] >= low[:, 1])
    kept, corners, low = kept[seen], corners[seen], low[seen].astype(np.int64)
    extents = (high[seen] - low + 1).astype(np.int64)
    # Small faces share boxes of a few sizes, large ones are few and get boxes of their own.
    small = np.maximum(extents[:, 0], extents[:, 1]) <= _SHARED_BOX
    boxes = np.where(small[:, None], 2 ** np.ceil(np.log2(extents)).astype(np.int64), extents)
    codes = boxes[:, 0] * (height + 1) * 2 + boxes[:, 1]  # One number a size: far quicker to sort than pairs.
    order = np.argsort(codes, kind="stable")
    _, starts = np.unique(codes[order], return_index=True)
    for members in np.split(order, starts[1:]) if len(order) else []:
        box = boxes[members[0]]
        for chunk in np.array_split(members, max(1, len(members) * int(box.prod()) // _TESTS_AT_ONCE)):
            place, values, owners = _cover(
                corners[chunk],
                1.0 / vertices_camera[faces[kept[chunk]], 2],
                low[chunk],
                (int(box[0]), int(box[1])),
                size,
            )
            np.maximum.at(inverse_depths, place, values)
            winner = values >= inverse_depths[place]
            face_ids[place[winner]] = kept[chunk][owners[winner]]
    depths = np.where(inverse_depths > 0, 1.0 / np.where(inverse_depths > 0, inverse_depths, 1.0), 0.0)
    return RasterImage(depths=depths.reshape(height, width), face_ids=face_ids.reshape(height, width))


def _cover(
    corners: Float[np.ndarray, "face 3 2"],
    inverse_z: Float[np.ndarray, "face 3"],
    low: Int[np.ndarray, "face 2"],
    box: tuple[int, int],
    size: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat pixel index, 1/z and face (row of `corners`) of every pixel centre inside a face."""
    width, height = size
    rows, columns = (grid.reshape(-1) for grid in np.indices((box[1], box[0])))
    # Barycentric weights are affine in the pixel; in coordinates from `low` single precision is plenty.
    local = corners - low[:, None, :]
    (ax, ay), (bx, by), (cx, cy) = (local[:, i].T for i in range(3))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    area = np.where(np.abs(area) < 1e-9, np.nan, area)
    first = _affine((by - cy) / area, (cx - bx) / area, (bx * cy - by * cx) / area, columns, rows)
    second = _affine((cy - ay) / area, (ax - cx) / area, (cx * ay - cy * ax) / area, columns, rows)
    third = 1.0 - first - second
    slack = np.float32(-1e-5)
    inside = (first >= slack) & (second >= slack) & (third >= slack)
    inside &= (low[:, :1] + columns < width) & (low[:, 1:] + rows < height)
    owners, places = np.nonzero(inside)
    weights = np.stack([first[inside], second[inside], third[inside]], axis=1).astype(np.float64)
    # 1/z, not z, is linear over the image of a plane.
    values = np.sum(weights * inverse_z[owners], axis=1)
    flat = (low[owners, 1] + rows[places]) * width + low[owners, 0] + columns[places]
    return flat, values, owners


def _affine(x_slope: np.ndarray, y_slope: np.ndarray, offset: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values of x_slope x + y_slope y + offset for every face (rows) and pixel (columns), single precision."""
    slopes = np.stack([x_slope, y_slope, offset], axis=1).astype(np.float32)
    return slopes @ np.stack([x, y, np.ones_like(x)]).astype(np.float32)


def render_object(
    articulated_object: ArticulatedObject,
    values: Float[np.ndarray, "joint"],
    world_from_camera: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: tuple[int, int],
    *,
    tint: float = 0.4,
    oversampling: int = 2,
) -> UInt8[np.ndarray, "height width 4"]:
    """A shaded RGBA picture of an object at the given joint values; the background is transparent.

    Args:
        articulated_object: Its links' meshes are drawn; links without one are skipped.
        values: rad or m.
        world_from_camera: Camera pose, OpenCV axes.
        intrinsics: px, for `size`.
        size: Width and height, px.
        tint: 0 keeps the meshes' own colours, 1 paints each part in its part colour.
        oversampling: Each pixel is the mean of its square of this side.
    """
    width, height = size
    motions = link_motions(articulated_object, values)
    vertices, faces, colors = [], [], []
    count = 0
    for link, motion in zip(articulated_object.links, motions, strict=True):
        if link.mesh is None or len(link.mesh.faces) == 0:
            continue
        vertices.append(apply(inverse(world_from_camera) @ motion, link.mesh.vertices))
        faces.append(link.mesh.faces + count)
        count += len(link.mesh.vertices)
        colors.append(tint_faces(link.mesh, link.color, tint))
    if not vertices:
        return np.zeros((height, width, 4), dtype=np.uint8)
    all_vertices, all_faces = np.concatenate(vertices), np.concatenate(faces)
    fine = intrinsics.copy()
    fine[:2] *= oversampling
    fine[:2, 2] += 0.5 * (oversampling - 1)  # Pixel centres: the first is at 0, 0.
    raster = rasterize(all_vertices, all_faces, fine, (width * oversampling, height * oversampling))
    shaded = np.clip(np.concatenate(colors) * _shade(all_vertices, all_faces)[:, None], 0, 255)
    # Colour and cover together; the last row is for pixels that no face covers.
    table = np.zeros((len(shaded) + 1, 4), dtype=np.float32)
    table[:-1, :3], table[:-1, 3] = shaded, 255.0
    offsets = [(row, column) for row in range(oversampling) for column in range(oversampling)]
    total = sum(table[raster.face_ids[row::oversampling, column::oversampling]] for row, column in offsets)
    assert isinstance(total, np.ndarray)
    picture = total / len(offsets)
    picture[..., :3] *= 255.0 / np.maximum(picture[..., 3:], 1e-6)
    return np.round(picture).astype(np.uint8)


def tint_faces(mesh: TriangleMesh, color: tuple[int, int, int], tint: float) -> Float[np.ndarray, "face 3"]:
    """Face colours, float: the part's hue, with the mesh's own light and dark kept."""
    part = np.array(color, dtype=float)
    if mesh.colors is None:
        return np.broadcast_to(part, (len(mesh.faces), 3)).copy()
    own = mesh.colors.astype(float)
    brightness = own.mean(axis=1, keepdims=True) / max(float(own.mean()), 1.0)
    return (1 - tint) * own + tint * part * np.clip(brightness, 0.55, 1.3)


def _shade(vertices_camera: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Brightness of each face under a lamp above the viewer's left shoulder; both sides of a face are lit alike."""
    a, b, c = (vertices_camera[faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normals *= np.where(np.sum(normals * a, axis=1, keepdims=True) > 0, -1.0, 1.0)
    lamp = np.array([-0.35, -0.65, -0.68])
    return 0.55 + 0.55 * np.maximum(normals @ (lamp / np.linalg.norm(lamp)), 0.0)
