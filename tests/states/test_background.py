"""What stands still is told without labels, and poses and states between known ones are drawn between them."""

import numpy as np
import pytest

from sim2art.articulation.frame_states import FrameStates
from sim2art.geometry.rotations import rotation_from_rotvec
from sim2art.geometry.transforms import make_transform
from sim2art.states.background import find_background
from sim2art.states.frame_stack import flat_colors, interpolate_poses, stack_frames
from sim2art.states.recording_states import spread
from tests.scenes import make_scene


def test_the_background_holds_no_part_that_moves() -> None:
    scene = make_scene(num_frames=12, travel=(1.3, 0.25))
    video = scene.video
    stack = stack_frames(
        lambda frame: (video.images[frame], video.depths[frame]), video.times, video.world_from_camera, video,
        np.arange(12),
    )  # fmt: skip
    stack, background = find_background(stack, (scene.labels > 0) & (scene.labels != 255))
    is_base, last = scene.labels == 0, -1
    assert (background.depths[last][is_base[last]] > 0).mean() > 0.9
    # Where the door stands open at last the background is something behind it, or nothing is known.
    open_door = (scene.labels[last] == 1) & (background.depths[last] > 0)
    assert np.quantile(background.depths[last][open_door] - video.depths[last][open_door], 0.2) > 0.02
    # The scene's noise is 2 mm times depth squared; what stands before the background makes it look larger.
    sigma = background.noise.depth[0] + background.noise.depth[1] * 1.5**2
    assert 0.5 * 0.0045 < sigma < 3.0 * 0.0045


def test_shading_that_turns_with_a_surface_does_not_count() -> None:
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(60, 120, (16, 16)), np.ones((6, 6)))[..., None] * np.array([1.0, 0.9, 0.7])
    lit, dark = (flat_colors(np.clip(texture * gain, 0, 255).astype(np.uint8)) for gain in (1.3, 1.1))
    other = flat_colors(np.roll(texture, 9, axis=1).astype(np.uint8))
    inner = (slice(12, -12), slice(12, -12))
    assert (
        np.abs(lit[inner].astype(int) - dark[inner]).mean() < 0.4 * np.abs(lit[inner].astype(int) - other[inner]).mean()
    )


def test_poses_between_two_are_halfway() -> None:
    turn = make_transform(rotation_from_rotvec(np.array([0.0, 0.4, 0.0])), np.array([0.2, 0.0, 0.0]))
    poses = interpolate_poses(np.array([2, 6]), np.stack([np.eye(4), turn]), np.array([2, 4, 6]))
    half = make_transform(rotation_from_rotvec(np.array([0.0, 0.2, 0.0])), np.array([0.1, 0.0, 0.0]))
    np.testing.assert_allclose(poses, np.stack([np.eye(4), half, turn]), atol=1e-9)


def test_states_between_searched_frames_are_less_sure() -> None:
    states = FrameStates(
        frame_ids=(0, 10), times=np.array([0.0, 1.0]), values=np.array([[0.0], [1.0]]), sigmas=np.full((2, 1), 0.01),
        visible=np.array([[True], [False]]), followed=(True,),
    )  # fmt: skip
    more = spread(states, [0, 4, 10], np.array([0.0, 0.4, 1.0]))
    np.testing.assert_allclose(more.values[:, 0], [0.0, 0.4, 1.0])
    assert more.sigmas[1, 0] > 3 * more.sigmas[0, 0]
    assert more.visible[:, 0].tolist() == [True, True, False]


def test_a_range_is_not_stretched_by_its_noisiest_reading() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(40), np.ones(40)]) + 0.02 * rng.standard_normal(80)
    states = FrameStates(
        frame_ids=tuple(range(80)), times=np.arange(80) / 10, values=values[:, None].copy(), sigmas=np.full((80, 1), 0.02),
        visible=np.ones((80, 1), dtype=bool), followed=(True,),
    )  # fmt: skip
    low, high, sigma = states.range_of(0)
    assert high - low < np.ptp(values) - 0.02
    assert high - low == pytest.approx(1.0, abs=3 * sigma)


def test_errors_that_frames_share_do_not_draw_in_a_range() -> None:
    share = np.clip((np.arange(40) - 5) / 14, 0, 1)
    there = share**2 * (3 - 2 * share)
    back = np.clip((np.arange(40) - 22) / 8, 0, 1)
    values = there - 0.8 * back**2 * (3 - 2 * back)
    states = FrameStates(
        frame_ids=tuple(range(40)), times=np.arange(40) / 10, values=values[:, None].copy(), sigmas=np.full((40, 1), 0.05),
        visible=np.ones((40, 1), dtype=bool), followed=(True,),
    )  # fmt: skip
    low, high, sigma = states.range_of(0)
    assert high - low == pytest.approx(1.0, abs=0.01)
    assert sigma == pytest.approx(0.05 * np.sqrt(2))
