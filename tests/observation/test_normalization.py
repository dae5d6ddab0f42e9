"""Normalising brings a clip to [-1, 1] and back without loss, wherever it stands."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim2art.observation.normalization import Normalization, fit_normalization, normalize
from tests.hand_made import make_clip
from tests.strategies import point_sets, vectors

VIDEO = make_clip(num_points=90).video


@given(point_sets(), vectors(), st.floats(1e-3, 1e3))
def test_undo_is_the_inverse_of_apply(points: np.ndarray, center: np.ndarray, scale: float) -> None:
    normalization = Normalization(center=center, scale=scale)
    np.testing.assert_allclose(normalization.undo(normalization.apply(points)), points, atol=1e-9)


def test_points_fill_the_unit_cube_but_for_a_few() -> None:
    points = np.abs(normalize(VIDEO, fit_normalization(VIDEO)).points_world[VIDEO.valid])
    assert np.mean(np.all(points <= 1.0, axis=1)) > 0.9
    assert 0.8 < np.percentile(points.max(axis=1), 95) < 1.2


@given(vectors(), st.floats(0.01, 100.0))
def test_normalised_clip_forgets_place_and_scale(shift: np.ndarray, scale: float) -> None:
    poses = VIDEO.world_from_camera.copy()
    poses[:, :3, 3] = poses[:, :3, 3] * scale + shift
    moved = dataclasses.replace(
        VIDEO,
        points_world=VIDEO.points_world * scale + shift,
        flow_world=VIDEO.flow_world * scale,
        world_from_camera=poses,
    )
    before, after = (normalize(video, fit_normalization(video)) for video in (VIDEO, moved))
    np.testing.assert_allclose(after.points_world, before.points_world, atol=1e-6)
    np.testing.assert_allclose(after.flow_world, before.flow_world, atol=1e-6)
    np.testing.assert_allclose(after.world_from_camera, before.world_from_camera, atol=1e-6)


def test_stray_points_do_not_shrink_the_object() -> None:
    points = VIDEO.points_world.copy()
    points[0, 0] = 1000.0
    stray = dataclasses.replace(VIDEO, points_world=points)
    assert fit_normalization(stray).scale < 1.2 * fit_normalization(VIDEO).scale


def test_empty_slots_do_not_count_and_stay_zero() -> None:
    valid = VIDEO.valid.copy()
    valid[:, 60:] = False
    points = np.where(valid[..., None], VIDEO.points_world + 50.0, 0.0)
    partly = dataclasses.replace(VIDEO, points_world=points, valid=valid, flow_valid=VIDEO.flow_valid & valid[None])
    normalization = fit_normalization(partly)
    assert np.all(normalization.center > 40)
    assert np.all(normalize(partly, normalization).points_world[~valid] == 0.0)


def test_video_without_points_has_the_identity() -> None:
    empty = dataclasses.replace(VIDEO, valid=np.zeros_like(VIDEO.valid), flow_valid=np.zeros_like(VIDEO.flow_valid))
    normalization = fit_normalization(empty)
    assert normalization.scale == 1.0 and np.all(normalization.center == 0)
