"""Mesh files of others (OBJ, STL, PLY, GLB, DAE, OFF), read, checked and coloured face by face."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from sim2art.assets.decimation import whole_faces
from sim2art.errors import InvalidFileError
from sim2art.geometry.meshes import TriangleMesh, join_meshes

_PLAIN: tuple[int, int, int] = (160, 160, 160)


def read_mesh(
    path: Path, *, scale: Float[np.ndarray, "3"] | None = None, color: tuple[int, int, int] | None = None
) -> TriangleMesh:
    """A mesh in the file's own frame, every face with a colour.

    Faces that the file stores twice (often with opposite winding) are kept once.

    Args:
        scale: Factor for each axis; a mirror image is turned inside out again.
        color: RGB of the faces; by default what the file says: a texture is looked up at the middle of each face.

    Raises:
        InvalidFileError: When the file is missing, unreadable, has no faces or vertices that are not finite.
    """
    if not path.is_file():
        raise InvalidFileError(
            f"Mesh '{path}' is missing; put it there, or mend the path in the file that names it.", path=path
        )
    meshes = [_read_piece(piece, color) for piece in _load_pieces(path)]
    mesh = join_meshes([piece for piece in meshes if len(piece.faces)])
    if not len(mesh.faces):
        raise InvalidFileError(f"Mesh '{path}' has no faces; export it again as triangles.", path=path)
    vertices, faces = mesh.vertices, mesh.faces
    if scale is not None:
        vertices = vertices * scale
        faces = faces[:, ::-1] if np.prod(scale) < 0 else faces
    assert mesh.colors is not None
    size = float(np.max(np.ptp(vertices, axis=0)))
    cells = np.rint((vertices - vertices.min(axis=0)) / max(size * 1e-6, 1e-12)).astype(np.int64)
    _, same = np.unique(cells, axis=0, return_inverse=True)
    kept = whole_faces(same.reshape(-1)[faces])
    return TriangleMesh(vertices=vertices, faces=np.ascontiguousarray(faces[kept]), colors=mesh.colors[kept])


def _load_pieces(path: Path) -> list[Any]:
    """What trimesh finds in a file, one piece a material, all in the file's frame."""
    import trimesh
    from trimesh.resolvers import FilePathResolver

    class NearbyResolver(FilePathResolver):
        """Finds textures in neighbouring folders too ("../images/a.png"), which trimesh by itself refuses."""

        def get(self, name: str) -> bytes:
            for candidate in (path.parent / name.strip(), path.parent / Path(name.strip().replace("\\", "/")).name):
                if candidate.is_file():
                    return candidate.read_bytes()
            raise FileNotFoundError(name)

    try:
        scene = trimesh.load_scene(path, process=False, resolver=NearbyResolver(str(path)))
        pieces = [piece for piece in scene.dump() if isinstance(piece, trimesh.Trimesh)]
    except Exception as error:  # Readers of a dozen formats fail in as many ways.
        raise InvalidFileError(
            f"Cannot read mesh '{path}': {type(error).__name__}: {error}. Export it again, as OBJ, STL or GLB.",
            path=path,
        ) from error
    for piece in pieces:
        if not np.all(np.isfinite(piece.vertices)):
            raise InvalidFileError(
                f"Mesh '{path}' has vertices that are not finite (NaN); remove them or export it again.", path=path
            )
    return pieces


def _read_piece(piece: Any, color: tuple[int, int, int] | None) -> TriangleMesh:
    faces = np.array(piece.faces, dtype=np.int64).reshape(-1, 3)
    mesh = TriangleMesh(vertices=np.array(piece.vertices, dtype=np.float64), faces=faces)
    return replace(mesh, colors=_face_colors(piece)) if color is None else mesh.painted(color)


def _face_colors(piece: Any) -> UInt8[np.ndarray, "face 3"]:
    """Colours as the file has them: texture, material, or painted faces and vertices."""
    count = len(piece.faces)
    visual = piece.visual
    if getattr(visual, "kind", None) == "texture":
        material = visual.material
        image = getattr(material, "image", None) or getattr(material, "baseColorTexture", None)
        if image is not None and visual.uv is not None and len(visual.uv) == len(piece.vertices):
            return _look_up(np.asarray(image.convert("RGB")), np.asarray(visual.uv)[piece.faces].mean(axis=1))
        return np.tile(np.asarray(material.main_color, dtype=np.uint8)[:3], (count, 1))
    if getattr(visual, "defined", False):
        return np.asarray(visual.face_colors, dtype=np.uint8)[:, :3].copy()
    return np.tile(np.array(_PLAIN, dtype=np.uint8), (count, 1))


def _look_up(
    texels: UInt8[np.ndarray, "height width 3"], uv: Float[np.ndarray, "face 2"]
) -> UInt8[np.ndarray, "face 3"]:
    """Colours of a texture that repeats, its origin at the lower left."""
    height, width = texels.shape[:2]
    uv = np.where(np.isfinite(uv), uv, 0.0) % 1.0
    rows = np.clip(((1.0 - uv[:, 1]) * height).astype(int), 0, height - 1)
    columns = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    return texels[rows, columns].copy()
