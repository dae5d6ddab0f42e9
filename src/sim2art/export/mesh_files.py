"""Wavefront OBJ files with face colours, as a palette texture: the form that most simulators and viewers can colour."""

import itertools
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from sim2art.errors import DAMAGED, InvalidFileError
from sim2art.geometry.meshes import TriangleMesh

_TILE = 4  # Pixels a side of one palette colour: keeps neighbours out of a filtered look-up at its middle.
_COLORS = 256


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
    """Write a mesh, m. Face colours go to NAME.mtl and NAME.png beside it, reduced to 256."""
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices]
    faces = mesh.faces + 1
    if mesh.colors is None or len(mesh.faces) == 0:
        lines += [f"f {a} {b} {c}" for a, b, c in faces]
    else:
        palette_index = _write_palette(path.with_suffix(".png"), mesh.colors)
        path.with_suffix(".mtl").write_text(
            f"newmtl palette\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nmap_Kd {path.with_suffix('.png').name}\n", encoding="utf-8"
        )
        side = int(np.sqrt(_COLORS))
        lines = [f"mtllib {path.with_suffix('.mtl').name}", *lines]
        # Texture v counts up from the bottom of the picture, rows of the palette down from its top.
        lines += [f"vt {(i % side + 0.5) / side:.6f} {1 - (i // side + 0.5) / side:.6f}" for i in range(_COLORS)]
        lines.append("usemtl palette")
        lines += [f"f {a}/{t} {b}/{t} {c}/{t}" for (a, b, c), t in zip(faces, palette_index + 1, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_obj(path: Path) -> TriangleMesh:
    """Read an OBJ file, m: those of `write_obj` with their face colours, others (from an editor, say) with none.

    Raises:
        InvalidFileError: When the file is missing or is no OBJ file.
    """
    vertices: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    texture_indices: list[int] = []
    library: str | None = None
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                vertices.append([float(x) for x in words[1:4]])
            elif words[0] == "f":
                corners = [corner.split("/") for corner in words[1:]]
                places = [int(corner[0]) for corner in corners]
                # Polygons become fans; negative indices count back from the newest vertex.
                places = [place - 1 if place > 0 else len(vertices) + place for place in places]
                for second, third in itertools.pairwise(places[1:]):
                    faces.append((places[0], second, third))
                    texture_indices.append(int(corners[0][1]) - 1 if len(corners[0]) > 1 and corners[0][1] else -1)
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
    if library != path.with_suffix(".mtl").name or not faces or min(texture_indices) < 0:
        return mesh
    colors = _read_palette(path.with_suffix(".png"))
    if colors is None or max(texture_indices) >= len(colors):
        return mesh
    return TriangleMesh(vertices=mesh.vertices, faces=mesh.faces, colors=colors[np.array(texture_indices)])


def _read_palette(path: Path) -> np.ndarray | None:
    """The 256 colours of a palette picture, or None when it is none of ours."""
    try:
        with Image.open(path) as image:
            picture = np.array(image.convert("RGB"))
    except (*DAMAGED, Image.DecompressionBombError):
        return None
    side = int(np.sqrt(_COLORS))
    if picture.shape != (side * _TILE, side * _TILE, 3):
        return None
    return picture[::_TILE, ::_TILE].reshape(-1, 3)


def _write_palette(path: Path, colors: np.ndarray) -> np.ndarray:
    """Write the palette picture; returns each face's colour index."""
    strip = Image.fromarray(np.ascontiguousarray(colors[None]), mode="RGB")
    reduced = strip.quantize(_COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    table = np.array(reduced.getpalette() or [0, 0, 0], dtype=np.uint8).reshape(-1, 3)
    table = np.concatenate([table, np.zeros((_COLORS - len(table), 3), dtype=np.uint8)])
    side = int(np.sqrt(_COLORS))
    picture = table.reshape(side, side, 3).repeat(_TILE, axis=0).repeat(_TILE, axis=1)
    Image.fromarray(picture).save(path, optimize=True)
    return np.array(reduced).reshape(-1).astype(np.int64)


def linear_colors(mesh: TriangleMesh, color: tuple[int, int, int]) -> Float[np.ndarray, "face 3"]:
    """Face colours in linear light, 0..1, as glTF and USD want them; screens and images are sRGB.

    Args:
        mesh: A mesh.
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
