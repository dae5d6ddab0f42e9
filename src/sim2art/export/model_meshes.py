"""The mesh files that URDF and MJCF share: what is seen, what was invented, and the collision pieces of every part.

All vertices stand in the world of the result, in the rest pose, so they mean the same whatever the joints are.
"""

from dataclasses import dataclass
from pathlib import Path

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.export.mesh_files import file_name, write_obj
from sim2art.export.physics import PhysicsModel

MESHES = "meshes"
"""Folder of the mesh files, inside the result's."""


@dataclass(frozen=True, kw_only=True)
class PartFiles:
    """Mesh files of one part, relative to the result's folder."""

    visual: str | None
    """None where no geometry was seen."""
    invented: str | None
    """Sides that no frame showed and that were asked to be filled in; None where nothing was."""
    collisions: tuple[str, ...]

    def inside(self, folder: str) -> "PartFiles":
        """The same files with a folder's name (with its slash) before theirs."""
        return PartFiles(
            visual=None if self.visual is None else folder + self.visual,
            invented=None if self.invented is None else folder + self.invented,
            collisions=tuple(folder + path for path in self.collisions),
        )


def part_mesh_paths(articulated_object: ArticulatedObject) -> tuple[str | None, ...]:
    """Where each link's mesh goes, relative to the result's folder; None for a link without one."""
    taken: set[str] = set()
    return tuple(
        None if link.mesh is None or len(link.mesh.faces) == 0 else f"{MESHES}/{file_name(link.name, taken=taken)}.obj"
        for link in articulated_object.links
    )


def write_part_meshes(model: PhysicsModel, folder: Path) -> tuple[PartFiles, ...]:
    """Write all mesh files below a result's folder; returns them by link."""
    (folder / MESHES).mkdir(parents=True, exist_ok=True)
    written = []
    paths = part_mesh_paths(model.articulated_object)
    for link, path, invented, shape in zip(
        model.articulated_object.links, paths, model.invented, model.collisions, strict=True
    ):
        if path is None or link.mesh is None:
            written.append(PartFiles(visual=None, invented=None, collisions=()))
            continue
        stem = path.removesuffix(".obj")
        write_obj(folder / path, link.mesh)
        invented_path = None if invented is None else f"{stem}_invented.obj"
        if invented is not None and invented_path is not None:
            write_obj(folder / invented_path, invented)
        pieces = tuple(f"{stem}_collision_{index}.obj" for index in range(len(shape.pieces)))
        for piece_path, piece in zip(pieces, shape.pieces, strict=True):
            write_obj(folder / piece_path, piece)
        written.append(PartFiles(visual=path, invented=invented_path, collisions=pieces))
    return tuple(written)
