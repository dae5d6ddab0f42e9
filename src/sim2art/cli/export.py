"""`sim2art export`: a result as files for simulators and viewers, checked in simulation."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from sim2art.articulation.verdict import SimulationVerdict
from sim2art.drafts import rewrite_report
from sim2art.errors import InvalidValueError
from sim2art.export.package import DEFAULT_EXPORTS, ExportOptions, export_result
from sim2art.export.physics import PhysicsConfig
from sim2art.export.saved import load_result
from sim2art.export.targets import FORMATS_OF, Export, Format, Target
from sim2art.export.up import parse_up


@dataclass(frozen=True, kw_only=True)
class ExportFlags:
    """Write a result as files for simulators and viewers, and check them in simulation."""

    folder: Positional[Path]
    """Output folder of sim2art run; the files go into it."""
    to: tuple[Literal["urdf", "mjcf", "usd", "glb", "rrd", "sdf", "ros2"], ...] = ()
    """Formats; the default is urdf and glb, or what the simulator of --for reads best."""
    target: Annotated[
        Literal["isaaclab", "mujoco", "pybullet", "robosuite", "maniskill", "genesis", "gazebo", "ros2"] | None,
        arg(name="for"),
    ] = None
    """Follow a simulator's conventions where they differ."""
    complete: Literal["none", "box", "symmetry", "convex"] = "none"
    """Fill in sides that no frame showed; they are marked as invented. Cavities that were seen stay hollow."""
    complete_base: bool = False
    """Fill in the base too; not sensible where it holds floor or walls."""
    limits: tuple[str, ...] = ()
    """Joint limits that you know, rad or m, such as joint_1=0:1.57 joint_2=0:0.4; they are kept in result.json."""
    density: float = PhysicsConfig.density
    """Of a part's convex hull, kg/m^3."""
    friction: float = PhysicsConfig.friction
    """Joint friction as a share of the part's weight."""
    hulls: bool = False
    """One convex hull a part for collisions, at once; hollows are filled."""
    up: str | None = None
    """Which side of the first used picture is up: top, left, right or bottom; surfaces near it tell how far the camera looked down. Or the exact direction x,y,z in its axes (x right, y down, z forward), such as --up=-y; it is kept in result.json."""
    check: bool = True
    """Simulate the object in MuJoCo, where it is installed."""


def export(options: ExportFlags) -> None:
    saved = load_result(options.folder)
    simulator = None if options.target is None else Target(options.target)
    formats = tuple(Format(kind) for kind in options.to) or (FORMATS_OF[simulator] if simulator is not None else ())
    done = export_result(
        saved,
        ExportOptions(
            exports=tuple(Export(format=kind, target=simulator) for kind in formats) or DEFAULT_EXPORTS,
            physics=PhysicsConfig(density=options.density, friction=options.friction),
            limits=parse_limits(options.limits),
            complete=options.complete,
            complete_base=options.complete_base,
            decompose=not options.hulls,
            check=options.check,
            up=None if options.up is None else parse_up(options.up),
        ),
    )
    for warning in done.warnings:
        print(f"Warning: {warning}")
    if done.result.simulation is not None:
        print(describe_verdict(done.result.simulation))
        rewrite_report(options.folder)
    print("\nWritten:")
    for path in done.written:
        print(f"  {path}{'/' if path.is_dir() else ''}")


def parse_limits(words: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Limits by joint from words such as "joint_1=0:1.57".

    Raises:
        InvalidValueError: When a word has another form, or its numbers are the wrong way round.
    """
    found: dict[str, tuple[float, float]] = {}
    for word in words:
        name, _, span = word.partition("=")
        low, _, high = span.partition(":")
        try:
            found[name] = (float(low), float(high))
        except ValueError:
            found[name] = (math.nan, math.nan)
        if not name or not found[name][0] < found[name][1] or not all(map(math.isfinite, found[name])):
            raise InvalidValueError(
                f"--limits has '{word}'; NAME=LOW:HIGH with LOW below HIGH is needed (rad or m), such as joint_1=0:1.57."
            )
    return found


def describe_verdict(verdict: SimulationVerdict) -> str:
    """All checks, one a line."""
    lines = [f"Simulation: {verdict.outcome.value}" + (f" ({verdict.engine})" if verdict.engine else "")]
    for check in verdict.checks:
        subject = check.name if check.joint is None else f"{check.name} {check.joint}"
        lines.append(f"  {subject:<18} {check.outcome.value:<12} {check.words}")
    return "\n".join(lines)
