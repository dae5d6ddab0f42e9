"""Triangle meshes as plain arrays: join, move, cut, draw points on, and the box and cylinder that others are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from sim2art.errors import InvalidValueError
from sim2art.geometry.transforms import apply

_PLACES_ON_FACE = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]]) / np.array([[3], [6], [6], [6]])


@dataclass(frozen=True, kw_only=True)
class Texture:
    """A picture on a mesh."""

    uvs: Float[np.ndarray, "face 3 2"]
    """Place of each corner of each face in the picture, 0..1: u to the right, v up."""
    image: UInt8[np.ndarray, "height width 3"]
    """RGB."""

    def face_colors(self) -> UInt8[np.ndarray, "face 3"]:
        """The mean of a few places on each face."""
        height, width = self.image.shape[:2]
        total = np.zeros((len(self.uvs), 3))
        for weights in _PLACES_ON_FACE:
            u, v = np.einsum("c,fci->if", weights, self.uvs)
            columns = np.clip((u * width).astype(np.int64), 0, width - 1)
            rows = np.clip(((1 - v) * height).astype(np.int64), 0, height - 1)
            total += self.image[rows, columns]
        return np.round(total / len(_PLACES_ON_FACE)).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class TriangleMesh:
    """A triangle mesh; faces wind counter-clockwise seen from outside."""

    vertices: Float[np.ndarray, "vertex 3"]
    """Positions, m."""
    faces: Int[np.ndarray, "face 3"]
    """Vertex indices."""
    colors: UInt8[np.ndarray, "face 3"] | None = None
    """RGB of each face, or None."""
    texture: Texture | None = None
    """A finer picture than `colors`, which are then its means; what changes faces drops it."""

    def __post_init__(self) -> None:
        if self.texture is not None and (len(self.texture.uvs) != len(self.faces) or self.colors is None):
            raise InvalidValueError(
                f"Mesh has {len(self.faces)} faces, and a texture for {len(self.texture.uvs)}; each face needs its "
                "corners' places in the picture, and a colour."
            )
        if len(self.faces) and (self.faces.min() < 0 or self.faces.max() >= len(self.vertices)):
            raise InvalidValueError(
                f"Mesh face indices span {self.faces.min()}..{self.faces.max()}, but there are {len(self.vertices)} vertices."
            )
        if not np.all(np.isfinite(self.vertices)):
            raise InvalidValueError("Mesh has vertices that are not finite; remove them before building the mesh.")

    def transformed(self, a_from_b: Float[np.ndarray, "4 4"]) -> "TriangleMesh":
        """The same mesh carried by a rigid transform."""
        return replace(self, vertices=apply(a_from_b, self.vertices))

    def painted(self, color: Sequence[int]) -> "TriangleMesh":
        """The same mesh in one colour (RGB), without texture."""
        return replace(self, colors=np.tile(np.array(color, dtype=np.uint8), (len(self.faces), 1)), texture=None)

    def with_faces(self, kept: Bool[np.ndarray, "face"]) -> "TriangleMesh":
        """The mesh of some faces, without texture and without vertices that none of them uses."""
        used, faces = np.unique(self.faces[kept], return_inverse=True)
        return TriangleMesh(
            vertices=self.vertices[used],
            faces=faces.reshape(-1, 3).astype(np.int64),
            colors=None if self.colors is None else self.colors[kept],
        )

    def face_normals(self) -> tuple[Float[np.ndarray, "face 3"], Float[np.ndarray, "face"]]:
        """Unit normals (0 where a face has no area), and areas, m^2."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        crosses = np.cross(b - a, c - a)
        doubled = np.linalg.norm(crosses, axis=1)
        return crosses / np.maximum(doubled, 1e-300)[:, None], doubled / 2


def join_meshes(meshes: list[TriangleMesh]) -> TriangleMesh:
    """One mesh that holds all faces; colours are kept when every mesh has them."""
    if not meshes:
        return TriangleMesh(vertices=np.zeros((0, 3)), faces=np.zeros((0, 3), dtype=np.int64))
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    colors = [mesh.colors for mesh in meshes]
    return TriangleMesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        colors=None if any(color is None for color in colors) else np.concatenate(colors),  # pyright: ignore[reportArgumentType, reportCallIssue]
    )


def spread_points(
    mesh: TriangleMesh, count: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "sample 3"], Int[np.ndarray, "sample"]]:
    """Points drawn evenly over a mesh's faces, and the face of each; a corner of each face where none has an area."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    _, areas = mesh.face_normals()
    if areas.sum() <= 0:
        return a, np.arange(len(mesh.faces))
    chosen = rng.choice(len(areas), count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    beyond = u + v > 1
    u, v = np.where(beyond, 1 - u, u), np.where(beyond, 1 - v, v)
    return a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen], chosen


def make_box(size: Float[np.ndarray, "3"], center: Float[np.ndarray, "3"]) -> TriangleMesh:
    """An axis-aligned box of full side lengths `size` (m)."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    faces = np.array(
        [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
         [1, 5, 7], [1, 7, 3]]
    )  # fmt: skip
    return TriangleMesh(vertices=corners * size + center, faces=faces)


def make_cylinder(radius: float, height: float, *, segments: int = 16, top_radius: float | None = None) -> TriangleMesh:
    """A closed cylinder (or frustum) along z, centred at the origin."""
    top = radius if top_radius is None else top_radius
    angle = np.arange(segments) * 2 * np.pi / segments
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    bottom_ring = np.c_[ring * radius, np.full(segments, -0.5 * height)]
    top_ring = np.c_[ring * top, np.full(segments, 0.5 * height)]
    vertices = np.concatenate([bottom_ring, top_ring, [[0, 0, -0.5 * height], [0, 0, 0.5 * height]]])
    i, j = np.arange(segments), (np.arange(segments) + 1) % segments
    faces = np.concatenate(
        [
            np.stack([i, j, j + segments], 1),
            np.stack([i, j + segments, i + segments], 1),
            np.stack([np.full(segments, 2 * segments), j, i], 1),
            np.stack([np.full(segments, 2 * segments + 1), i + segments, j + segments], 1),
        ]
    )
    return TriangleMesh(vertices=vertices, faces=faces)
