"""States of every frame from colour: a rendered cabinet whose values are known, depth of the used frames alone."""

import dataclasses
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim2art.articulation.frame_states import FrameStates
from sim2art.perception.captures.capture import ColorSource
from sim2art.reconstruction.colour_states import find_colour_states
from tests.scenes import Scene, make_scene

USED = [0, 6, 12, 18, 23]


@cache
def opened() -> Scene:
    return make_scene(num_frames=24, travel=(1.3, 0.25))


def states_of(images: np.ndarray, *, used: list[int], stretch: float = 1.0) -> tuple[FrameStates, np.ndarray]:
    """What is found in images of the scene, and the true values; depths of the used frames are `stretch` times the true ones."""
    scene, chosen = opened(), np.array(used)
    video, truth = scene.video, scene.estimate.trajectory.values - scene.estimate.trajectory.values[used[0]]
    estimate = dataclasses.replace(
        scene.estimate,
        part_probabilities=scene.estimate.part_probabilities[chosen].copy(),
        trajectory=dataclasses.replace(
            scene.estimate.trajectory, times=video.times[chosen].copy(), values=truth[chosen].copy()
        ),
    )
    some = dataclasses.replace(
        video, times=video.times[chosen].copy(), images=images[chosen].copy(), depths=stretch * video.depths[chosen],
        object_masks=video.object_masks[chosen].copy(), world_from_camera=video.world_from_camera[chosen].copy(),
    )  # fmt: skip
    frames = ColorSource(
        path=Path("scene"), frame_ids=tuple(range(100, 124)), times=video.times, images=lambda index: images[index]
    )
    every = np.arange(len(images))
    found = find_colour_states(frames, some, chosen, every, video.world_from_camera, estimate, scene.labels[chosen])
    return found, truth


def test_frames_between_the_used_ones_get_their_values() -> None:
    found, truth = states_of(opened().video.images, used=USED)
    door, drawer = np.abs(found.values - truth).T
    line = np.abs(np.interp(np.arange(24), USED, truth[USED, 0]) - truth[:, 0])
    assert found.frame_ids == tuple(range(100, 124)) and found.followed == (True, True)
    assert np.rad2deg(door.mean()) < 1.0 and door[12:].mean() < 0.2 * line[12:].mean()
    assert drawer.max() < 0.01
    np.testing.assert_allclose(found.values[USED], truth[USED], atol=1e-12)


def test_motion_beyond_the_used_frames_is_in_the_range() -> None:
    found, truth = states_of(opened().video.images, used=[4, 8, 12, 16])
    low, high, _ = found.range_of(0)
    assert np.rad2deg(abs(high - low - np.ptp(truth[:, 0]))) < 3.0
    assert np.ptp(truth[:, 0]) > 1.1 * np.ptp(truth[[4, 8, 12, 16], 0])


def test_guesses_of_depth_that_are_off_change_little() -> None:
    found, truth = states_of(opened().video.images, used=USED, stretch=1.05)
    assert np.rad2deg(np.abs(found.values - truth)[:, 0].mean()) < 2.0


@pytest.mark.parametrize("shade", [0, 128])
def test_where_nothing_can_be_followed_values_are_joined_and_said_to_be_unsure(shade: int) -> None:
    images = opened().video.images.copy()
    images[[frame for frame in range(24) if frame not in USED]] = shade
    found, truth = states_of(images, used=USED)
    line = np.array([np.interp(np.arange(24), USED, column[USED]) for column in truth.T]).T
    between = [frame for frame in range(24) if frame not in USED]
    assert found.followed == (False, False) and not found.visible[between].any()
    np.testing.assert_allclose(found.values, line, atol=1e-9)
    assert (found.sigmas[between] > 0.5 * np.ptp(truth, axis=0)).all()
