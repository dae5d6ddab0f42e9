"""Axes are drawn where they are, and parts in their colours."""

import numpy as np
import pytest

from sim2art.articulation.assembly import part_color
from sim2art.geometry.cameras import project
from sim2art.geometry.screws import line_distance
from sim2art.geometry.transforms import apply, inverse
from sim2art.view.axes import mark_axes
from sim2art.view.overlays import draw_frames, draw_overview, pick_frames, tint_parts
from tests.scenes import Scene, make_scene


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(size=(240, 180), num_frames=6)


def test_a_hinge_mark_lies_on_its_axis_and_spans_the_door(scene: Scene) -> None:
    mark = mark_axes(scene.video, scene.labels, scene.estimate)[0]
    joint = scene.estimate.joints[0].joint
    assert mark is not None
    assert mark.ring is not None
    assert joint.pivot is not None
    start, end = mark.segment
    direction = (end - start) / np.linalg.norm(end - start)
    np.testing.assert_allclose(direction, joint.axis, atol=1e-9)
    assert line_distance(direction, start, joint.axis, joint.pivot) < 1e-9
    assert 0.45 < np.linalg.norm(end - start) < 0.9
    # The ring turns by the right-hand rule.
    center = mark.ring.mean(axis=0)
    turn = np.cross(mark.ring[:-1] - center, np.diff(mark.ring, axis=0))
    assert np.all(turn @ joint.axis > 0)


def test_a_slide_mark_points_the_way_of_positive_motion(scene: Scene) -> None:
    mark = mark_axes(scene.video, scene.labels, scene.estimate)[1]
    assert mark is not None
    assert mark.ring is None
    direction = np.diff(mark.segment, axis=0)[0]
    np.testing.assert_allclose(direction / np.linalg.norm(direction), scene.estimate.joints[1].joint.axis, atol=1e-9)


def test_a_part_without_pixels_gets_no_mark(scene: Scene) -> None:
    labels = np.where(scene.labels == 2, 255, scene.labels).astype(np.uint8)
    assert mark_axes(scene.video, labels, scene.estimate)[1] is None
    draw_frames(scene.video, labels, scene.estimate, [0], width=200)


def test_the_axis_is_painted_at_its_projection(scene: Scene) -> None:
    mark = mark_axes(scene.video, scene.labels, scene.estimate)[0]
    assert mark is not None
    frame, width = 3, 480
    picture = draw_frames(scene.video, scene.labels, scene.estimate, [frame], width=width)[0]
    middle = mark.segment.mean(axis=0, keepdims=True)
    pixel = project(scene.video.intrinsics, apply(inverse(scene.video.world_from_camera[frame]), middle))[0]
    x, y = np.round(2 * (pixel + 0.5) - 0.5).astype(int)
    dark = 0.8 * np.array(part_color(1))
    assert np.abs(picture[y, x - 1 : x + 2] - dark).max(axis=1).min() < 12


def test_tint_leaves_other_pixels_without_part_colour(scene: Scene) -> None:
    picture = tint_parts(scene.video.images[0], scene.labels[0])
    red = picture[..., 0].astype(float) - picture[..., 2]
    inside = scene.labels[0] == 1
    assert np.median(red[inside]) > 50
    assert np.abs(red[scene.labels[0] == 255]).mean() < 10


def test_the_overview_is_one_row_of_frames(scene: Scene) -> None:
    strip = draw_overview(scene.video, scene.labels, scene.estimate, count=4, width=200, gap=10)
    assert strip.shape == (150, 4 * 200 + 3 * 10, 3)
    assert np.all(strip[:, 200:210] == 255)


def test_frames_are_spread_from_first_to_last() -> None:
    assert pick_frames(16, 4) == [0, 5, 10, 15]
    assert pick_frames(2, 8) == [0, 1]
    assert pick_frames(1, 4) == [0]
