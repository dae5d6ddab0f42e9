"""The gate passes what is sound and says truthfully what is not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.articulated_object import ArticulatedObject, Link
from sim2art.articulation.joint import Joint, JointType
from sim2art.articulation.verdict import Outcome, SimulationCheck, SimulationVerdict
from sim2art.export import gate as gate_module
from sim2art.export.cavities import find_cavity
from sim2art.export.collision import CollisionShape
from sim2art.export.gate import check_simulation
from sim2art.export.mjcf import write_mjcf
from sim2art.export.model_meshes import write_part_meshes
from sim2art.export.physics import PhysicsModel, build_physics
from sim2art.geometry.meshes import TriangleMesh, make_box
from sim2art.geometry.transforms import make_transform
from tests.export.test_collision import make_tray

CAMERA_FROM_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""z up to camera axes (y down)."""


def box(size, middle) -> TriangleMesh:
    return make_box(np.array(size, dtype=float), np.array(middle, dtype=float))


def make_drawer(*, post: bool = False, hollow: bool = True) -> ArticulatedObject:
    """A tray that slides over a plate; a post may stand in its way, on a part of its own."""
    tray = make_tray() if hollow else box((0.4, 0.3, 0.15), (0, 0, 0.075))
    links = [Link(name="base", mesh=box((0.6, 0.5, 0.02), (0, 0, -0.05))), Link(name="tray", mesh=tray)]
    joints = [
        Joint(
            name="slide", type=JointType.PRISMATIC, parent="base", child="tray",
            axis=np.array([0.0, 1, 0]), observed_range=(0.0, 0.3),
        )
    ]  # fmt: skip
    if post:
        links.append(Link(name="post", mesh=box((0.05, 0.05, 0.2), (0, 0.28, 0.08))))
        joints.append(
            Joint(
                name="turn", type=JointType.REVOLUTE, parent="base", child="post", axis=np.array([0.0, 0, 1]),
                pivot=np.array([0, 0.28, 0]), observed_range=(-0.3, 0.3),
            )
        )  # fmt: skip
    made = ArticulatedObject(name="drawer", links=tuple(links), joints=tuple(joints))
    return made.moved(make_transform(CAMERA_FROM_UP, np.array([0.1, 0.2, 1.5])))


def pieces_of_tray(model: PhysicsModel) -> tuple[TriangleMesh, ...]:
    """The tray's five walls as they are: an exact decomposition without CoACD."""
    mesh = model.articulated_object.links[1].mesh
    assert mesh is not None
    return tuple(
        TriangleMesh(vertices=mesh.vertices[i : i + 8], faces=mesh.faces[:12]) for i in range(0, len(mesh.vertices), 8)
    )


def check(articulated_object: ArticulatedObject, folder: Path, *, exact: bool = True) -> dict[str, SimulationCheck]:
    model = build_physics(articulated_object, decompose=False)
    if exact:
        shape = CollisionShape(pieces=pieces_of_tray(model), kind="pieces")
        model = dataclasses.replace(model, collisions=(model.collisions[0], shape, *model.collisions[2:]))
    write_mjcf(model, write_part_meshes(model, folder), folder / "object.xml")
    verdict = check_simulation(model, folder / "object.xml")
    assert verdict.engine.startswith("MuJoCo")
    return {x.name if x.joint is None else f"{x.name} {x.joint}": x for x in verdict.checks}


def test_a_sound_drawer_passes_everything(tmp_path: Path) -> None:
    checks = check(make_drawer(), tmp_path)
    assert set(checks) == {"compile", "rest", "settle", "up", "drop", "reach slide", "drawer slide"}
    assert all(x.outcome is Outcome.PASSED for name, x in checks.items() if name != "up"), checks
    assert "0.0 cm to 30.0 cm" in checks["reach slide"].words
    assert "14 cm deep hollow of tray" in checks["drawer slide"].words


def test_an_object_that_falls_comes_to_rest_on_the_ground(tmp_path: Path) -> None:
    drop = check(make_drawer(), tmp_path)["drop"]
    assert drop.outcome is Outcome.PASSED
    assert "comes to rest" in drop.words
    assert "tipped" not in drop.words


def test_an_object_that_tips_over_says_so(tmp_path: Path) -> None:
    slab = box((0.02, 0.5, 0.6), (0, 0, 0.3))
    lid = box((0.3, 0.4, 0.02), (0.2, 0, 0.6))
    joint = Joint(
        name="hinge", type=JointType.REVOLUTE, parent="base", child="lid", axis=np.array([0.0, 1, 0]),
        pivot=np.array([0.02, 0, 0.6]), observed_range=(-0.1, 0.1),
    )  # fmt: skip
    links = (Link(name="base", mesh=slab), Link(name="lid", mesh=lid))
    made = ArticulatedObject(name="sign", links=links, joints=(joint,))
    drop = check(made.moved(make_transform(CAMERA_FROM_UP, np.array([0.1, 0.2, 1.5]))), tmp_path, exact=False)["drop"]
    assert drop.outcome is Outcome.PASSED
    assert "tipped over by" in drop.words


def test_parts_that_are_thrown_apart_by_a_fall_fail(tmp_path: Path) -> None:
    model = build_physics(make_drawer(), decompose=False)
    write_mjcf(model, write_part_meshes(model, tmp_path), tmp_path / "object.xml")
    verdict = check_simulation(model, tmp_path / "object.xml", max_speed=0.1)
    drop = next(x for x in verdict.checks if x.name == "drop")
    assert drop.outcome is Outcome.FAILED
    assert "explodes" in drop.words
    assert verdict.outcome is Outcome.FAILED


def test_a_base_without_geometry_has_nothing_to_fall_on(tmp_path: Path) -> None:
    drawer = make_drawer()
    bare = dataclasses.replace(drawer, links=(dataclasses.replace(drawer.links[0], mesh=None), *drawer.links[1:]))
    assert check(bare, tmp_path)["drop"].outcome is Outcome.NOT_CHECKED


def test_a_filled_drawer_is_found(tmp_path: Path) -> None:
    checks = check(make_drawer(), tmp_path, exact=False)
    assert checks["drawer slide"].outcome is Outcome.FAILED
    assert "collision pieces fill it" in checks["drawer slide"].words


def test_a_solid_slider_has_no_hollow_to_check(tmp_path: Path) -> None:
    checks = check(make_drawer(hollow=False), tmp_path)
    assert checks["drawer slide"].outcome is Outcome.NOT_CHECKED
    assert "no hollow" in checks["drawer slide"].words


def test_a_part_in_the_way_is_named(tmp_path: Path) -> None:
    checks = check(make_drawer(post=True), tmp_path)
    assert checks["rest"].outcome is Outcome.PASSED
    assert checks["reach slide"].outcome is Outcome.FAILED
    assert "tray meets post" in checks["reach slide"].words
    assert checks["reach turn"].outcome is Outcome.PASSED


def test_parts_that_overlap_at_rest_are_named(tmp_path: Path) -> None:
    drawer = make_drawer(post=True)
    post = drawer.links[2].mesh
    assert post is not None
    into = drawer.joints[0].axis * -0.13
    links = (
        *drawer.links[:2],
        dataclasses.replace(drawer.links[2], mesh=post.transformed(make_transform(np.eye(3), into))),
    )
    checks = check(dataclasses.replace(drawer, links=links), tmp_path)
    assert checks["rest"].outcome is Outcome.FAILED
    assert "post and tray overlap by" in checks["rest"].words


def test_a_hollow_is_found_where_the_drawer_is_open(tmp_path: Path) -> None:
    model = build_physics(make_drawer(), decompose=False)
    cavity = find_cavity(model, 0)
    assert cavity is not None
    assert cavity.value == pytest.approx(0.3)
    assert cavity.depth == pytest.approx(0.14, abs=0.01)
    assert 0.02 < cavity.radius < 0.14
    closed = find_cavity(build_physics(make_drawer(hollow=False), decompose=False), 0)
    assert closed is None


def test_without_mujoco_nothing_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *, extra: str) -> None:
        raise gate_module.MissingPackageError(f"Package '{name}' is needed. Run: pip install 'sim2art[{extra}]'")

    monkeypatch.setattr(gate_module, "require", missing)
    verdict = check_simulation(build_physics(make_drawer(), decompose=False), tmp_path / "object.xml")
    assert verdict.outcome is Outcome.NOT_CHECKED
    assert "pip install" in verdict.checks[0].words


def test_a_file_that_does_not_compile_fails(tmp_path: Path) -> None:
    (tmp_path / "object.xml").write_text("<mujoco><nonsense/></mujoco>")
    verdict = check_simulation(build_physics(make_drawer(), decompose=False), tmp_path / "object.xml")
    assert verdict.outcome is Outcome.FAILED
    assert "MuJoCo refuses" in verdict.checks[0].words


def test_one_failure_fails_the_whole() -> None:
    checks = [SimulationCheck(name="rest", outcome=outcome, words="") for outcome in Outcome]
    assert SimulationVerdict(engine="", checks=tuple(checks)).outcome is Outcome.FAILED
    assert SimulationVerdict(engine="", checks=(checks[0], checks[2])).outcome is Outcome.PASSED
    assert SimulationVerdict(engine="", checks=()).outcome is Outcome.NOT_CHECKED
