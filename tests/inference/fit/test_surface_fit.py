"""Joints from surfaces alone: fitted, guessed, and what they start from."""

import dataclasses

import numpy as np
import pytest

from sim2art.geometry.rotations import any_perpendicular, line_angle, rotation_from_rotvec
from sim2art.inference.fit.surface_fit import fit_to_surfaces, gather_part_surface, measure_distance
from sim2art.inference.hypotheses import Hypotheses, JointGuess
from sim2art.inference.propose.changed_places import measure_change
from sim2art.inference.propose.from_surfaces import guess_from_surfaces
from sim2art.inference.propose.main_directions import find_main_directions
from sim2art.inference.score.rest_pose import disc_normals
from sim2art.inference.score.surface_grid import index_surface
from sim2art.observation.normalization import fit_normalization, normalize
from sim2art.simulate.generate import ClipConfig, generate_clip
from sim2art.train.examples import Truth, normalized_truth


@pytest.fixture(scope="module")
def lid():
    """A simulated lid that opens, normalised, without any flow: video, normals, part numbers and truth."""
    clip = generate_clip(ClipConfig(families=("chest",), corruption="real", without=("poses", "hand")), 11)
    normalization = fit_normalization(clip.video)
    video = normalize(clip.video, normalization)
    video = dataclasses.replace(
        video, flow_world=np.zeros_like(video.flow_world), flow_valid=np.zeros_like(video.flow_valid)
    )
    normals = disc_normals(index_surface(video.points_world, video.valid, video.num_points))
    return video, normals, clip.part_ids, normalized_truth(clip, normalization)


def _spoiled(joint: JointGuess) -> JointGuess:
    """Axis off by some 9 deg, pivot by 0.04, motion by a tenth."""
    return dataclasses.replace(
        joint,
        axis=rotation_from_rotvec(0.16 * any_perpendicular(joint.axis)) @ joint.axis,
        pivot=joint.pivot + np.array([0.03, -0.02, 0.02]),
        values=0.9 * joint.values,
    )


def test_a_spoiled_joint_is_mended_by_surfaces_alone(lid) -> None:
    video, normals, part_ids, truth = lid
    true = truth.joints[0]
    part = gather_part_surface(video, normals, (part_ids == 1).astype(float))
    assert part is not None
    start = _spoiled(true)
    fitted = fit_to_surfaces(part, start)
    before, after = (np.degrees(line_angle(x.axis, true.axis)) for x in (start, fitted))
    assert before > 8 and after < 4
    assert measure_distance(part, fitted) < measure_distance(part, start)


def test_values_begin_at_zero_and_the_axis_stays_a_unit_vector(lid) -> None:
    video, normals, part_ids, truth = lid
    part = gather_part_surface(video, normals, (part_ids == 1).astype(float))
    assert part is not None
    for turns in (True, False):
        start = dataclasses.replace(_spoiled(truth.joints[0]), is_revolute=turns)
        fitted = fit_to_surfaces(part, start)
        assert fitted.is_revolute == turns
        assert fitted.values[0] == 0
        assert np.linalg.norm(fitted.axis) == pytest.approx(1)
        assert np.all(np.isfinite(np.concatenate([fitted.axis, fitted.pivot, fitted.values])))


def test_a_part_that_is_hardly_seen_has_no_surface(lid) -> None:
    video, normals, part_ids, _ = lid
    assert gather_part_surface(video, normals, np.zeros(part_ids.shape)) is None
    only_first = (part_ids == 1) & (np.arange(len(part_ids))[:, None] == 0)
    assert gather_part_surface(video, normals, only_first.astype(float)) is None
    assert gather_part_surface(video, np.zeros_like(normals), (part_ids == 1).astype(float)) is None


def test_what_moved_has_changed_and_the_rest_has_not(lid) -> None:
    video, _, part_ids, _ = lid
    change = measure_change(video)
    assert np.all((change >= 0) & (change <= 1)) and np.all(change[~video.valid] == 0)
    moved, still = change[video.valid & (part_ids == 1)], change[video.valid & (part_ids == 0)]
    assert np.mean(moved > 0.2) > 5 * np.mean(still > 0.2)


def test_without_flow_a_guess_comes_near_the_truth(lid) -> None:
    video, normals, _, truth = lid
    everywhere = np.ones(video.valid.shape, dtype=bool)
    # With and without directions to try: by scans, and by what ICP followed.
    for directions, limit in ((find_main_directions(normals), 2), (np.zeros((0, 3)), 10)):
        guesses = guess_from_surfaces(
            video, normals, measure_change(video), everywhere, ~everywhere, directions, np.random.default_rng(0)
        )
        assert guesses is not None
        assert _best_angle(guesses, truth) < limit


def test_where_all_is_explained_nothing_is_guessed(lid) -> None:
    video, normals, _, _ = lid
    nowhere = np.zeros(video.valid.shape, dtype=bool)
    change, rng = measure_change(video), np.random.default_rng(0)
    assert guess_from_surfaces(video, normals, change, nowhere, ~nowhere, np.eye(3), rng) is None


def _best_angle(guesses: Hypotheses, truth: Truth) -> float:
    turns = guesses.axes[guesses.is_revolute]
    return float(np.degrees(np.min(line_angle(turns, truth.joints.axes[0]))))


def test_a_held_direction_stays_while_surfaces_fit_the_rest(lid) -> None:
    video, normals, part_ids, truth = lid
    true = truth.joints[0]
    part = gather_part_surface(video, normals, (part_ids == 1).astype(float))
    assert part is not None
    start = dataclasses.replace(_spoiled(true), axis=true.axis)
    fitted = fit_to_surfaces(part, start, hold_direction=True)
    np.testing.assert_array_equal(fitted.axis, true.axis)
    assert np.abs(fitted.values - true.values).max() < 0.5 * np.abs(start.values - true.values).max()
    assert measure_distance(part, fitted) < measure_distance(part, start)
