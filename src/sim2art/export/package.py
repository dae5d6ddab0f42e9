"""All model files of one result, written together: the one place that the pipeline, the export verb and editors call."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim2art.articulation.trajectory import JointTrajectory
from sim2art.export.glb import write_glb
from sim2art.export.mjcf import write_mjcf
from sim2art.export.model_meshes import PartFiles, write_part_meshes
from sim2art.export.physics import PhysicsModel
from sim2art.export.targets import Format, Target, file_name_for
from sim2art.export.urdf import write_urdf
from sim2art.export.usd import write_usd


@dataclass(frozen=True, kw_only=True)
class WrittenModel:
    """What `write_model` wrote."""

    parts: tuple[PartFiles, ...]
    """Mesh files by link."""
    files: dict[Format, Path]


def write_model(
    model: PhysicsModel,
    trajectory: JointTrajectory | None,
    folder: Path,
    formats: Sequence[Format] = (Format.URDF, Format.GLB),
    *,
    target: Target | None = None,
) -> WrittenModel:
    """Write meshes and model files into a folder.

    Args:
        model: From `build_physics`.
        trajectory: The observed motion, for formats that can show it.
        folder: Made when missing.
        formats: All but rrd, which needs the frames of a saved result (`write_rrd`).
        target: Whose conventions to follow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = write_part_meshes(model, folder)
    files: dict[Format, Path] = {}
    for kind in formats:
        path = folder / file_name_for(kind, target)
        match kind:
            case Format.URDF:
                write_urdf(model, parts, path, target=target)
            case Format.MJCF:
                write_mjcf(model, parts, path, target=target)
            case Format.USD:
                write_usd(model, path, target=target)
            case Format.GLB:
                write_glb(model, trajectory, path)
            case Format.RRD:
                continue
        files[kind] = path
    return WrittenModel(parts=parts, files=files)
