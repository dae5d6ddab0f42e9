"""A z-buffer for many rigid bodies and frames: depth and face of every pixel. Shading lives with those who draw.

Triangles are two-sided. Faces that cross the near plane are clipped, so floors and walls may pass the camera. Along a
row of pixels 1/z is linear, which makes the inner loop one multiply, one add and one comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, Int32
from numba import njit

from sim2art.geometry.meshes import TriangleMesh

NEAR = 0.02
"""m; nothing nearer than this is drawn."""


@dataclass(frozen=True, kw_only=True)
class BodyMeshes:
    """The triangles of several rigid bodies in one array, each body in its own frame."""

    vertices: Float32[np.ndarray, "vertex 3"]
    """m, frame of the body that owns the vertex."""
    vertex_bodies: Int32[np.ndarray, "vertex"]
    faces: Int32[np.ndarray, "face 3"]
    face_bodies: Int32[np.ndarray, "face"]
    num_bodies: int

    def each(self) -> Iterator[tuple[int, Float32[np.ndarray, "corner 3"], Int[np.ndarray, "triangle 3"]]]:
        """Every body that has faces: its index, the vertices that it uses, its faces by these."""
        for body in range(self.num_bodies):
            faces = self.faces[self.face_bodies == body]
            if len(faces):
                used, local = np.unique(faces, return_inverse=True)
                yield body, self.vertices[used], local.reshape(-1, 3)


@dataclass(frozen=True, kw_only=True)
class RenderedFrames:
    """What the rasteriser saw."""

    depths: Float32[np.ndarray, "frame height width"]
    """Depth along the camera's z axis, m; 0 where nothing is."""
    face_ids: Int32[np.ndarray, "frame height width"]
    """Index of the face seen; -1 where nothing is."""


def collect_bodies(meshes: list[TriangleMesh | None]) -> BodyMeshes:
    """Join one mesh per body (None for a body without geometry)."""
    vertices, vertex_bodies, faces, face_bodies = [np.zeros((0, 3))], [], [np.zeros((0, 3), dtype=np.int64)], []
    offset = 0
    for mesh in meshes:
        count = 0 if mesh is None else len(mesh.vertices)
        vertex_bodies.append(count)
        face_bodies.append(0 if mesh is None else len(mesh.faces))
        if mesh is not None:
            vertices.append(mesh.vertices)
            faces.append(mesh.faces + offset)
            offset += count
    index = np.arange(len(meshes), dtype=np.int32)
    return BodyMeshes(
        vertices=np.concatenate(vertices).astype(np.float32),
        vertex_bodies=np.repeat(index, vertex_bodies),
        faces=np.concatenate(faces).astype(np.int32),
        face_bodies=np.repeat(index, face_bodies),
        num_bodies=len(meshes),
    )


def render_frames(
    bodies: BodyMeshes,
    camera_from_body: Float[np.ndarray, "frame body 4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
    *,
    width: int,
    height: int,
) -> RenderedFrames:
    """Depth and face ids of every frame.

    Args:
        camera_from_body: Where each body is in each frame, OpenCV camera axes.
        intrinsics: Pinhole, px.
    """
    num_frames = len(camera_from_body)
    depths = np.zeros((num_frames, height, width), dtype=np.float32)
    face_ids = np.full((num_frames, height, width), -1, dtype=np.int32)
    _render(
        bodies.vertices, bodies.vertex_bodies, bodies.faces, np.ascontiguousarray(camera_from_body, dtype=np.float64),
        intrinsics[0, 0], intrinsics[1, 1], intrinsics[0, 2], intrinsics[1, 2], depths, face_ids,
    )  # fmt: skip
    return RenderedFrames(depths=depths, face_ids=face_ids)


def body_ids(bodies: BodyMeshes, face_ids: Int[np.ndarray, "*batch"]) -> Int[np.ndarray, "*batch"]:
    """Body of each face id; -1 where nothing is."""
    padded = np.append(bodies.face_bodies, np.int32(-1))
    return padded[face_ids]


@njit(cache=True, nogil=True)
def _render(vertices, vertex_bodies, faces, camera_from_body, fx, fy, cx, cy, depths, face_ids):
    num_vertices = len(vertices)
    points = np.empty((num_vertices, 3), dtype=np.float64)
    polygon = np.empty((4, 3), dtype=np.float64)
    corners = np.empty((3, 3), dtype=np.float64)
    for frame in range(len(depths)):
        inverse_depths = depths[frame]
        ids = face_ids[frame]
        for i in range(num_vertices):
            m = camera_from_body[frame, vertex_bodies[i]]
            x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
            for row in range(3):
                points[i, row] = m[row, 0] * x + m[row, 1] * y + m[row, 2] * z + m[row, 3]
        for face in range(len(faces)):
            in_front = 0
            for corner in range(3):
                if points[faces[face, corner], 2] > NEAR:
                    in_front += 1
            if in_front == 0:
                continue
            count = 0
            if in_front == 3:
                count = 3
                for corner in range(3):
                    for axis in range(3):
                        polygon[corner, axis] = points[faces[face, corner], axis]
            else:
                for corner in range(3):
                    a = points[faces[face, corner]]
                    b = points[faces[face, (corner + 1) % 3]]
                    if a[2] > NEAR:
                        polygon[count] = a
                        count += 1
                    if (a[2] > NEAR) != (b[2] > NEAR):
                        share = (NEAR - a[2]) / (b[2] - a[2])
                        for axis in range(3):
                            polygon[count, axis] = a[axis] + share * (b[axis] - a[axis])
                        count += 1
            for last in range(2, count):
                for corner in range(3):
                    source = 0 if corner == 0 else last - 2 + corner
                    inverse = 1.0 / polygon[source, 2]
                    corners[corner, 0] = polygon[source, 0] * inverse * fx + cx
                    corners[corner, 1] = polygon[source, 1] * inverse * fy + cy
                    corners[corner, 2] = inverse
                _fill(corners, face, inverse_depths, ids)
        for row in range(inverse_depths.shape[0]):
            for column in range(inverse_depths.shape[1]):
                if inverse_depths[row, column] > 0:
                    inverse_depths[row, column] = np.float32(1.0) / inverse_depths[row, column]


@njit(cache=True, nogil=True)
def _fill(corners, face, inverse_depths, ids):
    height, width = inverse_depths.shape
    x0, y0, w0 = corners[0]
    x1, y1, w1 = corners[1]
    x2, y2, w2 = corners[2]
    low, high = min(y0, y1, y2), max(y0, y1, y2)
    if high < 0 or low > height - 1 or max(x0, x1, x2) < 0 or min(x0, x1, x2) > width - 1:
        return
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if abs(area) < 1e-9:
        return
    slope_x = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    slope_y = ((x1 - x0) * (w2 - w0) - (x2 - x0) * (w1 - w0)) / area
    step = np.float32(slope_x)
    for row in range(int(np.ceil(max(low, 0.0))), int(np.floor(min(high, height - 1.0))) + 1):
        left, right = np.inf, -np.inf
        for edge in range(3):
            ax, ay = corners[edge, 0], corners[edge, 1]
            bx, by = corners[(edge + 1) % 3, 0], corners[(edge + 1) % 3, 1]
            if ay == by or row < min(ay, by) or row > max(ay, by):
                continue
            # Always from the upper end: both triangles of a shared edge then round alike and leave no crack.
            if ay < by:
                x = ax + (row - ay) * (bx - ax) / (by - ay)
            else:
                x = bx + (row - by) * (ax - bx) / (ay - by)
            left, right = min(left, x), max(right, x)
        first, last = int(np.ceil(max(left, 0.0))), int(np.floor(min(right, width - 1.0)))
        if first > last:
            continue
        start = np.float32(w0 + slope_x * (first - x0) + slope_y * (row - y0))
        for column in range(first, last + 1):
            w = start + step * np.float32(column - first)
            if w > inverse_depths[row, column]:
                inverse_depths[row, column] = w
                ids[row, column] = face
