"""How long the exports of an object take: a cabinet of five parts, scanned as noisy open shells.

    python benchmarks/export_speed.py [--faces 20000]

Prints seconds on the clock and of computing for loading, physics (with convex pieces), every format, and the check.
"""

import dataclasses
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from sim2art.articulation.articulated_object import ArticulatedObject
from sim2art.articulation.assembly import part_color
from sim2art.articulation.estimate import JointEstimate, Status, part_name
from sim2art.articulation.trajectory import JointTrajectory
from sim2art.assets.library import make_asset
from sim2art.export.completion import complete_part
from sim2art.export.gate import check_simulation
from sim2art.export.package import write_model
from sim2art.export.physics import build_physics
from sim2art.export.rerun_log import write_rrd
from sim2art.export.result import Result, write_result
from sim2art.export.saved import load_result
from sim2art.export.targets import Export, Format, file_name_for
from sim2art.geometry.meshes import TriangleMesh
from sim2art.geometry.transforms import make_transform
from sim2art.provenance import collect_provenance

CAMERA_FROM_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Axes with z up, front at -y, to those of a camera before it (y down, z forward)."""


def main(*, family: str = "drawer_chest", faces: int = 20_000, parts: int = 5, seed: int = 0) -> None:
    """Export one object and print the times.

    Args:
        family: Of procedural objects.
        faces: Of a part's mesh, about.
        parts: Of the object, the base among them.
        seed: Of the object.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = _scan(_find_object(family, parts, seed), faces)
        _save(made.moved(make_transform(CAMERA_FROM_UP, np.array([0.0, 0.5, 2.0]))), folder)
        start = _clock()
        saved = _timed("load", lambda: load_result(folder))
        found = [
            _timed(f"seen share {link.name}", lambda m=link.mesh: complete_part(m, "none"))
            for link in saved.articulated_object.links
        ]
        print("  seen:", ", ".join("-" if x is None else f"{x.seen:.2f}" for x in found))
        model = _timed("physics, pieces", lambda: build_physics(saved.articulated_object))
        print("  pieces:", ", ".join(f"{len(x.pieces)} ({x.kind})" for x in model.collisions))
        for kind in Format:
            if kind is Format.RRD:
                _timed(kind.value, lambda: write_rrd(saved, folder / "object.rrd"))
            else:
                _timed(
                    kind.value, lambda k=kind: write_model(model, saved.result.trajectory, folder, (Export(format=k),))
                )
        verdict = _timed("check", lambda: check_simulation(model, folder / file_name_for(Export(format=Format.MJCF))))
        print(f"  {verdict.outcome.value}: " + "; ".join(x.words for x in verdict.checks))
        wall, computing = (after - before for after, before in zip(_clock(), start, strict=True))
        print(f"{'together':<24} {wall:6.1f} s, {computing:6.1f} s of computing")
    print(collect_provenance()["machine"])


def _find_object(family: str, parts: int, seed: int) -> ArticulatedObject:
    """The first object of a family with this many parts, as a level camera would have it."""
    for number in range(seed, seed + 500):
        made = make_asset(family, np.random.default_rng(number))
        if len(made.links) == parts:
            return made
    raise SystemExit(f"No '{family}' of {parts} parts among 500; choose another number.")


def _scan(made: ArticulatedObject, faces: int) -> ArticulatedObject:
    """The object's surfaces cut into small triangles, half a millimetre of noise on them, the faces that look down left out."""
    rng = np.random.default_rng(0)
    names = {link.name: part_name(index) for index, link in enumerate(made.links)}
    links = []
    for index, link in enumerate(made.links):
        assert link.mesh is not None
        vertices, triangles = link.mesh.vertices, link.mesh.faces
        while len(triangles) < faces / 2:
            a, b, c = (vertices[triangles[:, i]] for i in range(3))
            ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
            corners = np.stack([np.stack(x, 1) for x in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))], 1)
            vertices, renumbered = np.unique(np.round(corners.reshape(-1, 3), 6), axis=0, return_inverse=True)
            triangles = renumbered.reshape(-1, 3)
        normals = np.cross(*(vertices[triangles[:, i]] - vertices[triangles[:, 0]] for i in (1, 2)))
        triangles = triangles[normals[:, 2] >= -1e-12]
        vertices = vertices + rng.normal(0, 0.0005, vertices.shape)
        colors = rng.integers(0, 255, (len(triangles), 3), dtype=np.uint8)
        mesh = TriangleMesh(vertices=vertices, faces=triangles.astype(np.int64), colors=colors)
        links.append(dataclasses.replace(link, name=part_name(index), mesh=mesh, color=part_color(index)))
    joints = tuple(
        dataclasses.replace(joint, name=f"joint_{i + 1}", parent=names[joint.parent], child=names[joint.child])
        for i, joint in enumerate(made.joints)
    )
    return ArticulatedObject(name=made.name, links=tuple(links), joints=joints)


def _save(made: ArticulatedObject, folder: Path) -> None:
    """A result folder of it, with sixteen frames of motion."""
    spans = [joint.limits or (0.0, 0.5) for joint in made.joints]
    values = np.stack([np.linspace(0, 0.9 * max(span, key=abs), 16) for span in spans], axis=1)
    joints = [
        dataclasses.replace(joint, limits=None, observed_range=(float(column.min()), float(column.max())))
        for joint, column in zip(made.joints, values.T, strict=True)
    ]
    parts = write_model(build_physics(made, decompose=False), None, folder)
    result = Result(
        name=made.name,
        status=Status.OK,
        is_metric=True,
        frame_ids=tuple(range(16)),
        part_meshes=tuple(part.visual for part in parts),
        joints=tuple(
            JointEstimate(joint=joint, type_probabilities={joint.type: 1.0}, confidence=1.0) for joint in joints
        ),
        trajectory=JointTrajectory(
            joint_names=tuple(joint.name for joint in joints), times=np.arange(16) / 8, values=values
        ),
        provenance={},
    )
    write_result(folder / "result.json", result)


def _clock() -> tuple[float, float]:
    """Time of the clock, and of computing here and in finished processes, s."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(x.ru_utime + x.ru_stime for x in used)


def _timed(name: str, work: Callable[[], Any]) -> Any:
    before = _clock()
    answer = work()
    wall, computing = (after - start for after, start in zip(_clock(), before, strict=True))
    print(f"{name:<24} {wall:6.1f} s, {computing:6.1f} s of computing")
    return answer


if __name__ == "__main__":
    tyro.cli(main)
