"""Masses, joint dynamics and limits follow from geometry, and say where they come from."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.errors import InvalidValueError
from sim2art.export.collision import CollisionConfig, convex_hull
from sim2art.export.physics import GRAVITY, LimitSource, PhysicsConfig, build_physics, inertia_of_solid, joint_limits
from sim2art.geometry.meshes import TriangleMesh, make_box, make_cylinder
from tests.scenes import make_cabinet


def test_inertia_of_a_box_is_the_textbook_one() -> None:
    size, center = np.array([0.2, 0.4, 0.6]), np.array([1.0, -2.0, 0.5])
    config = PhysicsConfig(density=500.0)
    inertia = inertia_of_solid(convex_hull(make_box(size, center), config.collision), config)
    mass = 500 * size.prod()
    assert inertia.mass == pytest.approx(mass)
    np.testing.assert_allclose(inertia.center, center, atol=1e-9)
    np.testing.assert_allclose(inertia.matrix, np.diag(mass / 12 * (np.sum(size**2) - size**2)), atol=1e-9)


def test_a_flat_part_gets_a_thin_box() -> None:
    config = PhysicsConfig()
    sheet = TriangleMesh(
        vertices=np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]]), faces=np.array([[0, 1, 2], [0, 2, 3]])
    )
    inertia = inertia_of_solid(convex_hull(sheet, config.collision), config)
    assert inertia.mass == pytest.approx(config.density * config.collision.min_thickness)
    assert np.all(np.linalg.eigvalsh(inertia.matrix) > 0)


def test_a_hull_faces_outward() -> None:
    hull = convex_hull(make_cylinder(0.2, 0.5), CollisionConfig())
    a, b, c = (hull.vertices[hull.faces[:, i]] for i in range(3))
    assert np.einsum("fi,fi->f", a, np.cross(b, c)).min() > 0


def test_damping_stops_a_part_in_the_settle_time() -> None:
    config = PhysicsConfig(settle_time=0.25, friction=0.2)
    cabinet = make_cabinet()
    model = build_physics(cabinet, config, decompose=False)
    drawer = model.joints[1]
    assert drawer.damping == pytest.approx(model.inertias[2].mass / 0.25)
    assert drawer.friction == pytest.approx(0.2 * model.inertias[2].mass * GRAVITY)
    door, inertia = model.joints[0], model.inertias[1]
    pivot, axis = cabinet.joints[0].pivot, cabinet.joints[0].axis
    assert pivot is not None
    arm = inertia.center - pivot
    arm = arm - (arm @ axis) * axis
    assert door.damping == pytest.approx((axis @ inertia.matrix @ axis + inertia.mass * arm @ arm) / 0.25)


def test_limits_come_from_a_person_the_video_or_a_guess() -> None:
    hinge, slide = make_cabinet().joints
    known = dataclasses.replace(hinge, limits=(-0.1, 2.0), observed_range=(0.0, 1.0))
    assert joint_limits(known) == ((-0.1, 2.0), LimitSource.USER)
    assert joint_limits(dataclasses.replace(hinge, observed_range=(0.0, 1.0))) == ((0.0, 1.0), LimitSource.OBSERVED)
    # A joint that did not move has shown nothing.
    assert joint_limits(dataclasses.replace(hinge, observed_range=(0.0, 0.0))) == ((-np.pi, np.pi), LimitSource.ASSUMED)
    assert joint_limits(slide) == ((-1.0, 1.0), LimitSource.ASSUMED)
    assert slide.type is JointType.PRISMATIC


def test_a_part_without_geometry_has_a_nominal_mass() -> None:
    cabinet = make_cabinet()
    links = (cabinet.links[0], dataclasses.replace(cabinet.links[1], mesh=None), cabinet.links[2])
    model = build_physics(dataclasses.replace(cabinet, links=links), decompose=False)
    assert model.inertias[1].mass == 0.1
    assert model.collisions[1].kind == "none"


def test_invented_geometry_has_mass_and_collides() -> None:
    cabinet = make_cabinet()
    extra = make_box(np.array([0.5, 0.5, 0.5]), np.array([0.0, 0.0, 3.0]))
    plain = build_physics(cabinet, decompose=False)
    model = build_physics(cabinet, invented=(None, extra, None), decompose=False)
    assert model.inertias[1].mass > plain.inertias[1].mass + 1
    assert model.collisions[1].pieces[0].vertices[:, 2].max() == pytest.approx(3.25)
    assert model.inertias[2].mass == plain.inertias[2].mass


@pytest.mark.parametrize(("name", "value"), [("density", 0.0), ("friction", -0.1), ("settle_time", float("nan"))])
def test_senseless_physics_is_refused(name: str, value: float) -> None:
    with pytest.raises(InvalidValueError, match=name):
        PhysicsConfig(**{name: value})
