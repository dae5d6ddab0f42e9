"""Main directions of what is seen, and joints put along them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2art.articulation.joint import JointType
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.inference.hypotheses import JointGuess
from sim2art.inference.propose.main_directions import align, find_main_directions, main_directions_of
from sim2art.observation.normalization import fit_normalization, normalize
from tests.point_clips import make_point_clip
from tests.strategies import axes


def box_normals(frame: np.ndarray, rng: np.random.Generator, *, noise: float, stray: float) -> np.ndarray:
    """Normals of a box whose sides are of unequal size, of either sign, some of them anywhere."""
    rows = rng.choice(3, size=3000, p=[0.6, 0.3, 0.1])
    normals = frame[rows] * rng.choice([-1.0, 1.0], size=(3000, 1)) + rng.normal(0, noise, (3000, 3))
    anywhere = rng.random(3000) < stray
    normals[anywhere] = rng.normal(size=(anywhere.sum(), 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.0, 0.4))
def test_the_sides_of_a_box_are_found_under_noise(seed: int, stray: float) -> None:
    rng = np.random.default_rng(seed)
    frame = rotation_from_rotvec(rng.normal(size=3))
    found = find_main_directions(box_normals(frame, rng, noise=0.05, stray=stray).reshape(30, 100, 3))
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-9)
    cosines = np.abs(found @ frame.T).max(axis=0)
    assert np.rad2deg(np.arccos(cosines.min())) < 1.0


def test_one_wall_alone_or_too_few_normals_tell_no_directions() -> None:
    wall = np.tile([0.0, 0.0, 1.0], (500, 1))
    assert find_main_directions(wall).shape == (0, 3)
    assert find_main_directions(wall[:20]).shape == (0, 3)
    assert find_main_directions(np.zeros((500, 3))).shape == (0, 3)


@given(axes())
def test_an_axis_is_put_along_a_near_direction_and_keeps_its_sense(axis: np.ndarray) -> None:
    joint = JointGuess(is_revolute=True, axis=axis, pivot=np.array([0.3, -0.2, 0.5]), values=np.zeros(4))
    aligned = align(joint, np.eye(3), np.array([0.1, 0.2, 0.3]))
    if np.abs(axis).max() < np.cos(np.deg2rad(30.0)):
        assert aligned is None
    else:
        assert aligned is not None
        assert np.abs(aligned.axis).max() == 1.0
        assert aligned.axis @ axis > 0


def test_the_axis_turns_about_its_place_beside_the_part() -> None:
    tilted = np.array([0.1, 0.0, 1.0]) / np.linalg.norm([0.1, 0.0, 1.0])
    joint = JointGuess(is_revolute=True, axis=tilted, pivot=-5.0 * tilted, values=np.zeros(4))
    aligned = align(joint, np.eye(3), np.array([0.5, 0.0, 0.0]))
    assert aligned is not None
    assert np.linalg.norm(np.cross(aligned.axis, aligned.pivot)) < 0.06


@pytest.mark.parametrize("num_points", [400, 2048])
def test_a_clip_has_the_directions_of_its_wall_and_panel(num_points: int) -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_points=num_points)
    video = normalize(clip.video, fit_normalization(clip.video))
    directions = main_directions_of(video)
    assert directions.shape in {(0, 3), (3, 3)}
    if len(directions):
        assert np.abs(directions @ clip.truth.joints[0].axis).max() > np.cos(np.deg2rad(2.0))
