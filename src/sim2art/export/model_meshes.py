"""The mesh files that URDF and MJCF share: what is seen, what was invented, and the collision pieces of every part.

All vertices stand in the world of the result, in the rest pose, so they mean the same whatever the joints are.
"""

from dataclasses import dataclass
from pathlib import Path

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.export.mesh_files import file_name, write_obj
from sim2art.export.physics import PhysicsModel
from sim2art.geometry.meshes import TriangleMesh

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

    def write(path: str, mesh: TriangleMesh) -> str:
        write_obj(folder / path, mesh)
        return path

    written = []
    parts = zip(model.articulated_object.links, model.invented, model.collisions, strict=True)
    for path, (link, invented, shape) in zip(part_mesh_paths(model.articulated_object), parts, strict=True):
        if path is None or link.mesh is None:
            written.append(PartFiles(visual=None, invented=None, collisions=()))
            continue
        stem = path.removesuffix(".obj")
        written.append(
            PartFiles(
                visual=write(path, link.mesh),
                invented=None if invented is None else write(f"{stem}_invented.obj", invented),
                collisions=tuple(write(f"{stem}_collision_{n}.obj", piece) for n, piece in enumerate(shape.pieces)),
            )
        )
    return tuple(written)
