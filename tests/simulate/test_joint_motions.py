import numpy as np
import pytest

from sim2art.simulate.joint_motions import MotionConfig, joint_span, sample_trajectory
from tests.simulate.objects import make_cupboard

CONFIG = MotionConfig()


def draw(seed, config=CONFIG, num_frames=16):
    phase = np.linspace(0.0, 1.0, num_frames)
    return sample_trajectory(make_cupboard(), phase=phase, rng=np.random.default_rng(seed), config=config)


def test_values_stay_within_the_limits():
    spans = [joint_span(joint) for joint in make_cupboard().joints]
    for seed in range(200):
        values = draw(seed).values
        for index, (low, high) in enumerate(spans):
            assert low - 1e-9 <= values[:, index].min() and values[:, index].max() <= high + 1e-9


def test_motions_cover_a_tenth_to_all_of_the_range():
    config = MotionConfig(static_share=0.0, trembling_share=0.0)
    swings = np.concatenate([np.ptp(draw(seed, config).values, axis=0) / [0.3, 1.5] for seed in range(200)])
    moving = swings[swings > 0]
    assert moving.min() >= 0.099 and moving.max() > 0.9 and moving.max() <= 1.0 + 1e-9


def test_one_or_both_joints_move():
    config = MotionConfig(static_share=0.0, trembling_share=0.0)
    counts = [int((np.ptp(draw(seed, config).values, axis=0) > 0).sum()) for seed in range(200)]
    assert set(counts) == {1, 2} and 90 < counts.count(2) < 160


def test_static_clips_stand_still_and_trembling_ones_stay_below_notice():
    still = draw(0, MotionConfig(static_share=1.0, trembling_share=0.0))
    assert np.ptp(still.values, axis=0).max() == 0
    for seed in range(30):
        trembling = draw(seed, MotionConfig(static_share=0.0, trembling_share=1.0))
        swing = np.ptp(trembling.values, axis=0)
        assert swing.max() > 0 and swing[0] < 2e-3 and swing[1] < np.deg2rad(1.0)


@pytest.mark.parametrize("num_frames", [2, 7, 48])
def test_times_increase_whatever_the_number_of_frames(num_frames):
    trajectory = draw(1, num_frames=num_frames)
    assert len(trajectory.times) == num_frames and np.all(np.diff(trajectory.times) > 0)
