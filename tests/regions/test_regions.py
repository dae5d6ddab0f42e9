import dataclasses

import numpy as np
import pytest

from sim2art.regions.alternatives import fit_alternative
from sim2art.regions.joint_fit import Judge, MovingPart
from sim2art.regions.scores import Scene, carry_points, draw_points, prepare_scene
from sim2art.regions.segmentation import segment
from sim2art.regions.surfaces import flatten, panel_depths
from tests.regions.made_scenes import MadeScene, door_scene, drawer_scene

DOOR = MovingPart(axis=np.array([0.0, 1.0, 0.0]), pivot=np.array([-0.45, 0.0, 2.0]), values=np.linspace(0, 1.0, 8))
DRAWER = MovingPart(
    axis=np.array([0.0, 0.0, -1.0]), pivot=None, values=np.concatenate([[0, 0], np.linspace(0, 0.35, 6)])
)


def scene_of(made: MadeScene, *, depth_sigma: float = 0.01) -> Scene:
    return prepare_scene(
        made.images,
        made.depths,
        made.intrinsics,
        made.world_from_camera,
        depth_sigma=depth_sigma,
        factors=(1.0,),
        size=240,
    )


def test_carrying_by_the_identity_changes_nothing():
    scene = scene_of(door_scene(4))
    points = draw_points(scene, 1, np.random.default_rng(0))
    seen = carry_points(scene, points, np.broadcast_to(np.eye(4), (4, 4, 4)), np.array([1]), points.depths)
    x, y = points.pixels.T.astype(int)
    np.testing.assert_array_equal(seen.place[0], y * scene.images.shape[2] + x)
    np.testing.assert_allclose(seen.extra, 0, atol=1e-9)


def test_standing_still_gains_nothing():
    scene = scene_of(door_scene(6))
    judge = Judge(scene, np.arange(0, 6, 2), np.random.default_rng(0))
    resting = dataclasses.replace(DOOR, values=np.zeros(6))
    # Nothing is told apart from standing still, so each region is as unlikely to move as it was before.
    for own in judge.advantages(resting):
        assert np.all(own < 0)


@pytest.mark.parametrize(
    "invented",
    [
        MovingPart(axis=np.array([1.0, 0.0, 0.0]), pivot=None, values=np.linspace(0, 0.4, 8)),
        MovingPart(axis=np.array([1.0, 0.0, 0.0]), pivot=np.array([0.0, -0.5, 2.0]), values=np.linspace(0, 1.0, 8)),
        dataclasses.replace(DOOR, values=-DOOR.values),
    ],
    ids=["slide", "other hinge", "other way"],
)
def test_an_invented_joint_gains_less_than_the_true_one(invented):
    scene = scene_of(door_scene())
    judge = Judge(scene, np.arange(0, 8, 2), np.random.default_rng(0))
    assert judge.gain(DOOR) > 3 * judge.gain(invented)


def test_regions_end_where_colour_changes():
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, 40:] = 200
    regions = segment(image)
    assert len(np.unique(regions[:, :36])) == 1 and len(np.unique(regions[:, 44:])) == 1
    assert regions[0, 0] != regions[0, -1]


def test_depth_is_flat_in_a_region_whatever_trembles():
    y, x = np.mgrid[0:180, 0:240]
    plane = 1 / (0.5 + 0.001 * x + 0.002 * y)
    noisy = plane * np.random.default_rng(0).lognormal(sigma=0.05, size=plane.shape)
    flat = flatten(noisy, np.zeros((180, 240), int))
    assert np.abs(np.log(flat / plane)).max() < 0.02


def test_a_panel_has_the_depth_of_its_plane():
    rays = np.array([[0.0, 0.0, 1.0], [0.5, 0.0, 1.0]])
    np.testing.assert_allclose(panel_depths(rays, np.array([0.0, 0.0, 1.0, 2.0]), np.eye(4)), 2.0)
    assert panel_depths(rays, np.array([1.0, 0.0, 0.0, -1.0]), np.eye(4))[1] == 0, "behind the camera"


def test_a_door_that_was_taken_for_a_slide_is_found_to_turn():
    judge = Judge(scene_of(door_scene()), np.arange(0, 8, 2), np.random.default_rng(0))
    slide = MovingPart(
        axis=np.array([-0.4, 0.0, -0.9]) / np.hypot(0.4, 0.9), pivot=None, values=np.linspace(0, 0.42, 8)
    )
    other = fit_alternative(judge, slide)
    assert other is not None
    turn, gain = other
    assert turn.pivot is not None and abs(turn.axis[1]) > 0.95
    assert gain > judge.gain(slide)


def test_a_drawer_is_not_taken_for_a_hinge():
    judge = Judge(scene_of(drawer_scene()), np.arange(0, 8, 2), np.random.default_rng(0))
    other = fit_alternative(judge, DRAWER)
    assert other is not None
    assert other[1] < judge.gain(DRAWER)
