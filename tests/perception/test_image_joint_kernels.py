"""Compiled residuals and equations of joints agree with the geometry written out."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.geometry.rotations import any_perpendicular, rotation_from_rotvec
from sim2art.geometry.screws import prismatic_transform, revolute_transform
from sim2art.geometry.transforms import inverse
from sim2art.perception.guessed.image_joint_kernels import DIFFERENCE, joint_equations, pair_motions, step_equations
from sim2art.perception.guessed.image_joints import ImageJoint, MovingPoints
from sim2art.perception.guessed.robust_fit import trust_of
from tests.perception.guessed_scene import AXIS, NUM_FRAMES, PIVOT, make_scene
from tests.perception.test_guessed_motion import movers_of


def random_joint(movers: MovingPoints, rng: np.random.Generator, *, slides: bool) -> ImageJoint:
    return ImageJoint(
        axis=rotation_from_rotvec(0.1 * rng.normal(size=3)) @ AXIS, pivot=PIVOT + 0.05 * rng.normal(size=3), slides=slides,
        steps=0.2 * rng.normal(size=movers.num_pairs), relief=0.05 * rng.normal(size=(NUM_FRAMES, 3)), body=movers.points,
    )  # fmt: skip


@given(seed=st.integers(0, 10_000), slides=st.booleans())
@settings(max_examples=20)
def test_a_pairs_motion_is_the_joints_seen_by_its_second_camera(seed: int, slides: bool) -> None:
    rng = np.random.default_rng(seed)
    axis, pivot, steps = rng.normal(size=3), rng.normal(size=3), rng.normal(size=4)
    axis /= np.linalg.norm(axis)
    to_camera = np.tile(np.eye(4), (4, 1, 1))
    to_camera[:, :3, :3] = rotation_from_rotvec(rng.normal(size=(4, 3)))
    to_camera[:, :3, 3] = rng.normal(size=(4, 3))
    axes = np.tile(axis, (4, 1))
    motions = prismatic_transform(axes, steps) if slides else revolute_transform(axes, np.tile(pivot, (4, 1)), steps)
    found = pair_motions(axis, pivot, slides, steps, to_camera)
    np.testing.assert_allclose(found, (to_camera @ motions)[:, :3], atol=1e-12)
    np.testing.assert_allclose(inverse(to_camera) @ np.insert(found, 3, [0, 0, 0, 1], axis=1), motions, atol=1e-12)


@pytest.mark.parametrize("slides", [False, True])
def test_equations_are_those_of_the_residuals(slides: bool) -> None:
    """Derivatives one by one, every row written out."""
    movers, cost = movers_of(make_scene("turn"))
    joint = random_joint(movers, np.random.default_rng(3), slides=slides)
    near, residual = movers.near(joint), movers.residuals(joint)
    across = any_perpendicular(joint.axis)
    other = np.cross(joint.axis, across)
    moved = [
        dataclasses.replace(joint, axis=rotation_from_rotvec(DIFFERENCE * turn) @ joint.axis)
        for turn in (across, other)
    ]
    if not slides:
        moved += [dataclasses.replace(joint, pivot=joint.pivot + DIFFERENCE * shift) for shift in (across, other)]
    num_axis = len(moved)
    for frame in range(NUM_FRAMES):
        change = (movers.pairs[:, 1] == frame).astype(float) - (movers.pairs[:, 0] == frame)
        moved.append(dataclasses.replace(joint, steps=joint.steps + DIFFERENCE * change))
    for change in DIFFERENCE * np.eye(3 * NUM_FRAMES):
        moved.append(dataclasses.replace(joint, relief=joint.relief + change.reshape(-1, 3)))
    slopes = np.stack([(movers.residuals(one, near) - residual) / DIFFERENCE for one in moved], axis=-1)
    weights = trust_of(residual, cost)
    changed = [*moved[:num_axis], dataclasses.replace(joint, steps=joint.steps + DIFFERENCE)]
    normal, right = joint_equations(
        movers.arrays, movers.motions(joint), np.array([movers.motions(one) for one in changed]), movers.log_factors(joint), near,
        cost, NUM_FRAMES,
    )  # fmt: skip
    size = np.sqrt(np.diag(normal)).max()
    np.testing.assert_allclose(
        normal, np.einsum("n,nki,nkj->ij", weights, slopes, slopes), atol=2e-3 * size**2, rtol=1e-2
    )
    np.testing.assert_allclose(
        right, -np.einsum("n,nki,nk->i", weights, slopes, residual), atol=1e-3 * np.abs(right).max(), rtol=1e-2
    )


def test_step_equations_are_those_of_single_pairs() -> None:
    movers, _ = movers_of(make_scene("turn"))
    joint = random_joint(movers, np.random.default_rng(4), slides=False)
    near, residual = movers.near(joint), movers.residuals(joint)
    ahead = dataclasses.replace(joint, steps=joint.steps + DIFFERENCE)
    slope = (movers.residuals(ahead, near) - residual) / DIFFERENCE
    top, bottom = step_equations(
        movers.arrays, movers.motions(joint), movers.motions(ahead), movers.log_factors(joint), near
    )
    weight, count = trust_of(residual), movers.num_pairs
    np.testing.assert_allclose(
        top, np.bincount(movers.pair, weights=weight * np.sum(residual * slope, 1), minlength=count)
    )
    np.testing.assert_allclose(bottom, np.bincount(movers.pair, weights=weight * np.sum(slope**2, 1), minlength=count))
