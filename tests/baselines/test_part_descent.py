"""Gradient steps: derivatives against finite differences, and a door found as published settings find it."""

import dataclasses

import numpy as np
import pytest

from sim2art.articulation.joint import JointType
from sim2art.baselines.part_descent import DescentConfig, _pull_sixes, _rotations, descend_parts
from sim2art.baselines.reart_style import ReartStyleConfig, reart_style
from sim2art.evaluate.metrics import score_clip
from sim2art.observation.normalization import fit_normalization, normalize
from tests.point_clips import make_point_clip


def test_derivatives_of_rotations_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(0)
    sixes, pull = rng.normal(size=(5, 6)), rng.normal(size=(5, 3, 3))
    found = _pull_sixes(sixes, pull)
    for index in range(6):
        step = 1e-6 * np.eye(6)[index]
        change = np.sum((_rotations(sixes + step) - _rotations(sixes - step)) * pull, axis=(1, 2)) / 2e-6
        np.testing.assert_allclose(found[:, index], change, atol=1e-7)


def test_six_numbers_give_rotations() -> None:
    rotations = _rotations(np.random.default_rng(1).normal(size=(4, 6)))
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, -1, -2), np.tile(np.eye(3), (4, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotations), 1.0)


def test_motions_are_relative_to_the_largest_part_and_too_few_points_give_none() -> None:
    clip = make_point_clip(JointType.REVOLUTE, num_frames=4, num_points=120)
    video = normalize(clip.video, fit_normalization(clip.video))
    config = DescentConfig(num_parts=4, num_steps=12, assignment_start=6)
    motions = descend_parts(video, config, np.random.default_rng(0))
    assert 1 <= len(motions) <= 4
    np.testing.assert_allclose(motions[0], np.tile(np.eye(4), (4, 1, 1)), atol=1e-9)
    np.testing.assert_allclose(motions[:, 0], np.tile(np.eye(4), (len(motions), 1, 1)), atol=1e-9)
    empty = dataclasses.replace(video, valid=np.zeros_like(video.valid), flow_valid=np.zeros_like(video.flow_valid))
    np.testing.assert_array_equal(descend_parts(empty, config, np.random.default_rng(0)), np.tile(np.eye(4), (1, 4, 1, 1)))  # fmt: skip


@pytest.mark.slow
def test_a_sliding_panel_is_found_by_descent() -> None:
    clip = make_point_clip(JointType.PRISMATIC, num_frames=6, num_points=256)
    config = ReartStyleConfig(num_points=192, descent=DescentConfig(num_parts=4, num_steps=500, assignment_start=400))
    (joint,) = score_clip(clip, reart_style(clip.video, config)).joints
    assert joint.axis_deg is not None and joint.axis_deg < 15
