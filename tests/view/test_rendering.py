"""Pictures show parts where their joints put them."""

import numpy as np

from sim2art.geometry.cameras import intrinsics_from_fov
from sim2art.geometry.transforms import inverse, look_at
from sim2art.view.rendering import render_object
from tests.scenes import make_cabinet

INTRINSICS = intrinsics_from_fov(64, 48, np.deg2rad(60))


def test_a_moved_part_is_drawn_where_it_moved() -> None:
    cabinet = make_cabinet()
    camera = look_at(np.array([0.0, -0.3, -0.2]), np.array([0, 0, 1.4]), np.array([0, -1.0, 0]))
    closed, opened = (
        render_object(cabinet, values, camera, INTRINSICS, (64, 48), tint=1.0)
        for values in (np.zeros(2), np.array([1.2, 0.0]))
    )
    assert closed.shape == (48, 64, 4)
    assert closed[0, 0, 3] == 0
    red = [np.count_nonzero((x[..., 0] > 1.6 * x[..., 2]) & (x[..., 3] > 200)) for x in (closed, opened)]
    assert red[0] > 1.5 * red[1] > 0


def test_the_world_may_be_turned_with_the_camera() -> None:
    cabinet = make_cabinet()
    turn = look_at(np.array([1.0, 2, 3]), np.array([0.0, 0, 0]), np.array([0.0, 1, 0]))
    camera = look_at(np.array([0.4, -0.3, -0.2]), np.array([0, 0, 1.4]), np.array([0, -1.0, 0]))
    values = np.array([0.5, 0.1])
    first = render_object(cabinet, values, camera, INTRINSICS, (64, 48))
    second = render_object(cabinet.moved(inverse(turn)), values, inverse(turn) @ camera, INTRINSICS, (64, 48))
    assert np.mean(np.abs(first.astype(float) - second)) < 0.5
