"""All model files of one result, written together: the one place that the pipeline, the export verb and editors call."""

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from sim2art.articulation.joint import Joint
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.articulation.verdict import SimulationVerdict
from sim2art.errors import InvalidValueError
from sim2art.export.completion import Completion, Method, complete_part
from sim2art.export.gate import check_simulation
from sim2art.export.glb import write_glb
from sim2art.export.mjcf import write_mjcf
from sim2art.export.model_meshes import PartFiles, write_part_meshes
from sim2art.export.physics import PhysicsConfig, PhysicsModel, build_physics
from sim2art.export.rerun_log import write_rrd
from sim2art.export.result import MeshCompleteness, Result, write_result
from sim2art.export.ros2 import write_ros2_package
from sim2art.export.saved import SavedResult
from sim2art.export.sdf import write_gazebo_model
from sim2art.export.targets import Export, Format, all_exports, file_name_for
from sim2art.export.up import Side, find_up
from sim2art.export.urdf import write_urdf
from sim2art.export.usd import write_usd
from sim2art.file_names import utf8_path
from sim2art.stages import PARTIAL, finish_move, move_in

DEFAULT_EXPORTS = (Export(format=Format.URDF), Export(format=Format.GLB))
"""What every result has."""


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What to export, and how."""

    exports: tuple[Export, ...] = DEFAULT_EXPORTS
    physics: PhysicsConfig = field(default_factory=PhysicsConfig)
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Limits that a person knows, rad or m, by joint; they are kept in the result."""
    complete: Method = "none"
    """How to fill in what no frame showed."""
    complete_base: bool = False
    """The base too; it may hold floor and walls, which no box should close."""
    decompose: bool = True
    """Collision geometry in convex pieces; else one hull a part, at once."""
    check: bool = True
    """Simulate what was written."""
    up: Float[np.ndarray, "3"] | Side | None = None
    """Which way is up, where a person says so: unit, world of the result, or a side of the first used picture; the result keeps it."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What `export_result` did."""

    written: tuple[Path, ...]
    result: Result
    """As result.json now says it."""
    warnings: tuple[str, ...]
    """What a user should know about the files."""


def write_model(
    model: PhysicsModel,
    trajectory: JointTrajectory | None,
    folder: Path,
    exports: Sequence[Export] = DEFAULT_EXPORTS,
) -> tuple[PartFiles, ...]:
    """Write meshes and model files into a folder, which is made when missing; returns the mesh files by link.

    Args:
        model: From `build_physics`.
        trajectory: The observed motion, for formats that can show it.
        folder: The result's, or a part of it still to be moved in.
        exports: All but rrd, which needs the frames of a saved result (`write_rrd`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = write_part_meshes(model, folder)
    for export in exports:
        path, target = folder / file_name_for(export), export.target
        match export.format:
            case Format.URDF:
                write_urdf(model, parts, path, target=target)
            case Format.MJCF:
                write_mjcf(model, parts, path, target=target)
            case Format.USD:
                write_usd(model, path, target=target)
            case Format.GLB:
                write_glb(model, trajectory, path)
            case Format.SDF:
                write_gazebo_model(model, path)
            case Format.ROS2:
                write_ros2_package(model, path)
            case Format.RRD:
                continue
    return parts


def export_result(saved: SavedResult, options: ExportOptions | None = None) -> Exported:
    """Write exports into a result's folder and what was found about them into its result.json, all or nothing.

    Model files that the folder has already are written anew too: they share the mesh files.

    Raises:
        InvalidValueError: When limits are given for a joint that is not there, or the wrong way round.
        MissingPackageError: When a format needs a package that is not installed.
    """
    options = ExportOptions() if options is None else options
    saved = _with_limits(saved, options.limits)
    articulated_object, folder = saved.articulated_object, saved.folder
    completions: list[Completion | None] = []
    for link in articulated_object.links:
        wanted = options.complete if options.complete_base or link.name != articulated_object.root else "none"
        completions.append(complete_part(link.mesh, wanted))
    invented = [None if found is None else found.invented for found in completions]
    up = saved.result.up if options.up is None else None
    up = find_up(articulated_object, user=options.up) if up is None else up
    model = build_physics(articulated_object, options.physics, invented=invented, decompose=options.decompose, up=up)
    exports = dict.fromkeys((*options.exports, *exports_in(folder)))
    finish_move(folder)
    partial = folder / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        plain = Export(format=Format.MJCF)
        with_check = dict.fromkeys((*exports, plain)) if options.check else exports
        parts = write_model(model, saved.result.trajectory, partial, tuple(with_check))
        if Export(format=Format.RRD) in exports:
            write_rrd(saved, partial / file_name_for(Export(format=Format.RRD)))
        verdict = saved.result.simulation
        if options.check:
            with utf8_path(partial / file_name_for(plain)) as place:
                verdict = check_simulation(model, place)
            if plain not in exports:
                (partial / file_name_for(plain)).unlink()
        result = _described(dataclasses.replace(saved.result, up=up), parts, completions, options, verdict)
        write_result(partial / "result.json", result)
        written = move_in(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Exported(written=tuple(written), result=result, warnings=_warnings(model, saved))


def exports_in(folder: Path) -> tuple[Export, ...]:
    """The exports that a folder holds."""
    return tuple(x for x in all_exports() if (folder / file_name_for(x)).exists())


def options_to_dict(options: ExportOptions) -> dict[str, Any]:
    """How the files were written, for `result.json`; limits are told with the joints, formats by the files."""
    return {
        "complete": options.complete,
        "complete_base": options.complete_base,
        "decompose": options.decompose,
        "check": options.check,
        "density": options.physics.density,
        "friction": options.physics.friction,
    }


def options_from_dict(values: Mapping[str, Any], exports: Sequence[Export]) -> ExportOptions:
    """The options that wrote files before, to write them once more."""
    given = {name: values[name] for name in ("complete", "complete_base", "decompose", "check") if name in values}
    assumed = {name: values[name] for name in ("density", "friction") if name in values}
    return ExportOptions(exports=tuple(exports), physics=PhysicsConfig(**assumed), **given)


def _with_limits(saved: SavedResult, limits: dict[str, tuple[float, float]]) -> SavedResult:
    """The same result with limits that a person knows."""
    names = [found.joint.name for found in saved.result.joints]
    unknown = sorted(set(limits) - set(names))
    if unknown:
        raise InvalidValueError(f"Limits are given for {unknown}; the joints of this result are {names}.")

    def limited(joint: Joint) -> Joint:
        return dataclasses.replace(joint, limits=limits[joint.name]) if joint.name in limits else joint

    joints = tuple(dataclasses.replace(found, joint=limited(found.joint)) for found in saved.result.joints)
    return dataclasses.replace(
        saved,
        result=dataclasses.replace(saved.result, joints=joints),
        articulated_object=dataclasses.replace(
            saved.articulated_object, joints=tuple(limited(joint) for joint in saved.articulated_object.joints)
        ),
    )


def _described(
    result: Result,
    parts: Sequence[PartFiles],
    completions: Sequence[Completion | None],
    options: ExportOptions,
    verdict: SimulationVerdict | None,
) -> Result:
    """The result with what was found about its meshes and in simulation."""
    completeness = tuple(
        None
        if found is None
        else MeshCompleteness(
            seen=round(found.seen, 3),
            method="none" if found.invented is None else options.complete,
            invented_mesh=part.invented,
        )
        for found, part in zip(completions, parts, strict=True)
    )
    return dataclasses.replace(
        result,
        part_meshes=tuple(part.visual for part in parts),
        completeness=completeness,
        simulation=verdict,
        export=options_to_dict(options),
    )


def _warnings(model: PhysicsModel, saved: SavedResult) -> tuple[str, ...]:
    said = [
        f"{link.name}: collision is its convex hull, hollows are filled: {shape.trouble}"
        for link, shape in zip(model.articulated_object.links, model.collisions, strict=True)
        if shape.trouble is not None
    ]
    if model.up.is_guess:
        said.append(f"{model.up.words}. --up corrects it")
    if not saved.result.is_metric:
        said.append("the scale of the video is unknown: sizes, masses and gravity are not true to each other")
    return tuple(said)
