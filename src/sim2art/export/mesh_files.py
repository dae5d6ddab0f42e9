"""Wavefront OBJ files with a texture, or face colours as a palette: the form that most simulators and viewers can colour."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from sim2art.errors import DAMAGED, InvalidFileError
from sim2art.geometry.meshes import Texture, TriangleMesh

_TILE = 4  # Pixels a side of one palette colour: keeps neighbours out of a filtered look-up at its middle.
_COLORS = 256
_MATERIAL = "seen"


def file_name(name: str, *, taken: set[str]) -> str:
    """A file name (no suffix) made of safe characters, not yet in `taken`; it is added there."""
    base = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "part"
    candidate, count = base, 1
    while candidate.lower() in taken:  # Some file systems ignore case.
        count += 1
        candidate = f"{base}_{count}"
    taken.add(candidate.lower())
    return candidate


def write_obj(path: Path, mesh: TriangleMesh) -> None:
    """Write a mesh, m. Its picture goes to NAME.mtl and NAME.png: its texture, or its face colours reduced to 256."""
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices]
    faces = mesh.faces + 1
    if mesh.colors is None or len(mesh.faces) == 0:
        lines += [f"f {a} {b} {c}" for a, b, c in faces]
    else:
        picture = path.with_suffix(".png")
        if mesh.texture is None:
            uvs, places = _write_palette(picture, mesh.colors)
        else:
            Image.fromarray(mesh.texture.image).save(picture)
            uvs, places = np.unique(mesh.texture.uvs.reshape(-1, 2).round(6), axis=0, return_inverse=True)
            places = places.reshape(-1, 3)
        path.with_suffix(".mtl").write_text(
            f"newmtl {_MATERIAL}\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd {picture.name}\n", encoding="utf-8"
        )
        lines = [f"mtllib {path.with_suffix('.mtl').name}", *lines, *(f"vt {u:.6f} {v:.6f}" for u, v in uvs)]
        lines.append(f"usemtl {_MATERIAL}")
        lines += [f"f {a}/{p} {b}/{q} {c}/{r}" for (a, b, c), (p, q, r) in zip(faces, places + 1, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_obj(path: Path) -> TriangleMesh:
    """Read an OBJ file, m: those of `write_obj` with their texture or face colours, others (from an editor) with none.

    Raises:
        InvalidFileError: When the file is missing or is no OBJ file.
    """
    vertices: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    texture_indices: list[tuple[int, int, int]] = []
    uvs: list[list[float]] = []
    library: str | None = None
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                vertices.append([float(x) for x in words[1:4]])
            elif words[0] == "vt":
                uvs.append([float(x) for x in words[1:3]])
            elif words[0] == "f":
                corners = [corner.split("/") for corner in words[1:]]
                places = [int(corner[0]) for corner in corners]
                # Polygons become fans; negative indices count back from the newest vertex.
                places = [place - 1 if place > 0 else len(vertices) + place for place in places]
                marks = [int(corner[1]) - 1 if len(corner) > 1 and corner[1] else -1 for corner in corners]
                for second in range(1, len(places) - 1):
                    faces.append((places[0], places[second], places[second + 1]))
                    texture_indices.append((marks[0], marks[second], marks[second + 1]))
            elif words[0] == "mtllib":
                library = line.split(maxsplit=1)[1].strip()
        mesh = TriangleMesh(
            vertices=np.array(vertices, dtype=np.float64).reshape(-1, 3),
            faces=np.array(faces, dtype=np.int64).reshape(-1, 3),
        )
    except DAMAGED as error:
        raise InvalidFileError(
            f"Cannot read a mesh from '{path}': {error}. Copy the whole result folder, or run the recording again.",
            path=path,
        ) from error
    marks = np.array(texture_indices, dtype=np.int64).reshape(-1, 3)
    if library != path.with_suffix(".mtl").name or not faces or marks.min() < 0 or marks.max() >= len(uvs):
        return mesh
    picture = _read_picture(path.with_suffix(".png"))
    if picture is None:
        return mesh
    texture = Texture(uvs=np.array(uvs)[marks], image=picture)
    is_palette = len(uvs) == _COLORS and bool(np.all(marks == marks[:, :1]))
    return replace(mesh, colors=texture.face_colors(), texture=None if is_palette else texture)


def _read_picture(path: Path) -> np.ndarray | None:
    """RGB, or None when there is no picture."""
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except (*DAMAGED, Image.DecompressionBombError):
        return None


def _write_palette(path: Path, colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write the palette picture; returns its places (u, v) and which of them each corner of each face has."""
    strip = Image.fromarray(np.ascontiguousarray(colors[None]), mode="RGB")
    reduced = strip.quantize(_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    table = np.array(reduced.getpalette() or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    table = np.concatenate([table, np.zeros((_COLORS - len(table), 3), dtype=np.uint8)])
    side = int(np.sqrt(_COLORS))
    picture = table.reshape(side, side, 3).repeat(_TILE, axis=0).repeat(_TILE, axis=1)
    Image.fromarray(picture).save(path)
    row, column = np.divmod(np.arange(_COLORS), side)
    # Texture v counts up from the bottom of the picture, rows of the palette down from its top.
    uvs = np.stack([(column + 0.5) / side, 1 - (row + 0.5) / side], axis=1)
    return uvs, np.array(reduced).reshape(-1, 1).astype(np.int64).repeat(3, axis=1)


def linear_colors(mesh: TriangleMesh, color: tuple[int, int, int]) -> Float[np.ndarray, "face 3"]:
    """Face colours in linear light, 0..1, as glTF and USD want them; screens and images are sRGB.

    Args:
        color: RGB 0..255 of all faces where the mesh has no colours of its own.
    """
    colors = np.array(color) if mesh.colors is None else mesh.colors
    srgb = np.broadcast_to(colors, (len(mesh.faces), 3)) / 255.0
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def unused_name(name: str, taken: set[str]) -> str:
    """The name, with underscores behind it until it is not in `taken`."""
    while name in taken:
        name += "_"
    return name
